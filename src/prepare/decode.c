#include "prepare/decode.h"

#include <brotli/decode.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    PIECE = 65536,
    GZIP_ONLY = 16 + MAX_WBITS,
    ZSTD_WINDOW_LOG = 23, /* 8 MiB */
};

/* One file on its way through a decoder. */
struct decoding {
    int fd;
    uint64_t left; /* bytes that may still come out */
    struct md5 md5;
    off_t at; /* of the next byte to read */
    unsigned char in[PIECE];
    unsigned char out[PIECE];
};

/* The next piece of the file; 0 at its end, -1 with errno. */
static ssize_t read_piece(struct decoding *decoding)
{
    ssize_t got;
    do {
        got = pread(decoding->fd, decoding->in, PIECE, decoding->at);
    } while (got < 0 && errno == EINTR);
    decoding->at += got > 0 ? got : 0;
    return got;
}

/* Takes what came out; false when that is too much. */
static bool take(struct decoding *decoding, size_t length)
{
    if (length > decoding->left) {
        return false;
    }
    decoding->left -= length;
    md5_add(&decoding->md5, decoding->out, length);
    return true;
}

/* Whether the file is at its end, with `rest` bytes of the last piece unread. */
static enum decode_verdict judge_end(struct decoding *decoding, size_t rest)
{
    ssize_t got = rest > 0 ? 1 : read_piece(decoding);
    return got < 0 ? DECODE_FAILED : got > 0 ? DECODE_GARBAGE : DECODE_WHOLE;
}

static enum decode_verdict decode_brotli_piece(struct decoding *decoding,
                                               BrotliDecoderState *decoder, size_t length,
                                               bool *ended)
{
    const unsigned char *in = decoding->in;
    BrotliDecoderResult result;
    do {
        unsigned char *out = decoding->out;
        size_t room = PIECE;
        result = BrotliDecoderDecompressStream(decoder, &length, &in, &room, &out, NULL);
        if (!take(decoding, PIECE - room)) {
            return DECODE_LARGER;
        }
    } while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
    if (result == BROTLI_DECODER_RESULT_ERROR) {
        BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(decoder);
        return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                       code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
                   ? DECODE_NO_MEMORY
                   : DECODE_DAMAGED;
    }
    *ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    return *ended ? judge_end(decoding, length) : DECODE_WHOLE;
}

static enum decode_verdict decode_brotli(struct decoding *decoding)
{
    BrotliDecoderState *decoder = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    enum decode_verdict verdict = decoder ? DECODE_WHOLE : DECODE_NO_MEMORY;
    bool ended = false;
    while (verdict == DECODE_WHOLE && !ended) {
        ssize_t got = read_piece(decoding);
        verdict = got < 0    ? DECODE_FAILED
                  : got == 0 ? DECODE_CUT
                             : decode_brotli_piece(decoding, decoder, (size_t)got, &ended);
    }
    BrotliDecoderDestroyInstance(decoder);
    return verdict;
}

static enum decode_verdict decode_gzip_piece(struct decoding *decoding, z_stream *stream,
                                             size_t length, bool *ended)
{
    int result;
    stream->next_in = decoding->in;
    stream->avail_in = (uInt)length;
    do {
        stream->next_out = decoding->out;
        stream->avail_out = PIECE;
        result = inflate(stream, Z_NO_FLUSH);
        if (!take(decoding, PIECE - stream->avail_out)) {
            return DECODE_LARGER;
        }
    } while (result == Z_OK && (stream->avail_in > 0 || stream->avail_out == 0));
    if (result == Z_STREAM_END) {
        *ended = true;
        return judge_end(decoding, stream->avail_in);
    }
    /* Z_BUF_ERROR: it wants more than this piece. */
    return result == Z_OK || result == Z_BUF_ERROR ? DECODE_WHOLE
           : result == Z_MEM_ERROR                 ? DECODE_NO_MEMORY
                                                   : DECODE_DAMAGED;
}

static enum decode_verdict decode_gzip(struct decoding *decoding)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, GZIP_ONLY) != Z_OK) {
        return DECODE_NO_MEMORY;
    }
    enum decode_verdict verdict = DECODE_WHOLE;
    bool ended = false;
    while (verdict == DECODE_WHOLE && !ended) {
        ssize_t got = read_piece(decoding);
        verdict = got < 0    ? DECODE_FAILED
                  : got == 0 ? DECODE_CUT
                             : decode_gzip_piece(decoding, &stream, (size_t)got, &ended);
    }
    inflateEnd(&stream);
    return verdict;
}

/* The library may know formats of before RFC 8878; clients know none of them. */
static bool is_zstd(const unsigned char *frame, size_t length)
{
    static const unsigned char magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    return memcmp(frame, magic, length < sizeof magic ? length : sizeof magic) == 0;
}

/* A decoder with room for the whole of a small frame does not ask what window it wants, and a
 * browser does (RFC 8878 3.1.1.1). */
static bool wants_large_window(const unsigned char *frame, size_t length)
{
    enum {
        DESCRIPTOR = 4,
        SINGLE_SEGMENT = 0x20
    };
    if (length < DESCRIPTOR + 2 || (frame[DESCRIPTOR] & SINGLE_SEGMENT)) {
        return false;
    }
    unsigned exponent = frame[DESCRIPTOR + 1] >> 3, mantissa = frame[DESCRIPTOR + 1] & 7u;
    uint64_t base = UINT64_C(1) << (10 + exponent);
    return base + base / 8 * mantissa > UINT64_C(1) << ZSTD_WINDOW_LOG;
}

static enum decode_verdict judge_zstd_error(size_t result)
{
    ZSTD_ErrorCode code = ZSTD_getErrorCode(result);
    return code == ZSTD_error_frameParameter_windowTooLarge ? DECODE_WINDOW
           : code == ZSTD_error_dictionary_wrong            ? DECODE_DICTIONARY
           : code == ZSTD_error_memory_allocation           ? DECODE_NO_MEMORY
                                                            : DECODE_DAMAGED;
}

static enum decode_verdict decode_zstd_piece(struct decoding *decoding, ZSTD_DCtx *decoder,
                                             size_t length, bool *ended)
{
    ZSTD_inBuffer in = {.src = decoding->in, .size = length};
    size_t result, room;
    do {
        ZSTD_outBuffer out = {.dst = decoding->out, .size = PIECE};
        result = ZSTD_decompressStream(decoder, &out, &in);
        if (ZSTD_isError(result)) {
            return judge_zstd_error(result);
        }
        if (!take(decoding, out.pos)) {
            return DECODE_LARGER;
        }
        room = PIECE - out.pos;
    } while (result != 0 && (in.pos < in.size || room == 0));
    *ended = result == 0;
    return *ended ? judge_end(decoding, in.size - in.pos) : DECODE_WHOLE;
}

static enum decode_verdict decode_zstd(struct decoding *decoding)
{
    ZSTD_DCtx *decoder = ZSTD_createDCtx();
    if (!decoder ||
        ZSTD_isError(ZSTD_DCtx_setParameter(decoder, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) {
        ZSTD_freeDCtx(decoder);
        return DECODE_NO_MEMORY;
    }
    enum decode_verdict verdict = DECODE_WHOLE;
    bool ended = false;
    while (verdict == DECODE_WHOLE && !ended) {
        bool first = decoding->at == 0;
        ssize_t got = read_piece(decoding);
        if (got <= 0) {
            verdict = got < 0 ? DECODE_FAILED : DECODE_CUT;
        } else if (first && !is_zstd(decoding->in, (size_t)got)) {
            verdict = DECODE_DAMAGED;
        } else if (first && wants_large_window(decoding->in, (size_t)got)) {
            verdict = DECODE_WINDOW;
        } else {
            verdict = decode_zstd_piece(decoding, decoder, (size_t)got, &ended);
        }
    }
    ZSTD_freeDCtx(decoder);
    return verdict;
}

enum decode_verdict decode_file(enum coding coding, int fd, uint64_t limit, char hex[MD5_HEX + 1])
{
    struct decoding decoding;
    decoding.fd = fd;
    decoding.left = limit;
    decoding.at = 0;
    md5_begin(&decoding.md5);
    enum decode_verdict verdict = coding == CODING_BR     ? decode_brotli(&decoding)
                                  : coding == CODING_ZSTD ? decode_zstd(&decoding)
                                                          : decode_gzip(&decoding);
    if (verdict == DECODE_WHOLE) {
        md5_end(&decoding.md5, hex);
    }
    return verdict;
}

const char *decode_says(enum decode_verdict verdict)
{
    static const char *const words[] = {
        [DECODE_WHOLE] = "decodes to other bytes than its source",
        [DECODE_FAILED] = "cannot be read",
        [DECODE_NO_MEMORY] = "needs more memory than there is",
        [DECODE_DAMAGED] = "is damaged, or not of this coding",
        [DECODE_CUT] = "is cut off",
        [DECODE_GARBAGE] = "goes on behind its end",
        [DECODE_LARGER] = "decodes to more than its source",
        [DECODE_WINDOW] = "wants a window over 8 MiB, which browsers refuse",
        [DECODE_DICTIONARY] = "wants a dictionary",
    };
    return words[verdict];
}
