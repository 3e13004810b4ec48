/* Compressed copies: what comes out, and everything that makes one not a copy. */
#include "check.h"
#include "prepare/decode.h"
#include "scratch.h"

#include <zlib.h>
#include <zstd.h>

enum {
    LARGE = 300000, /* more than a decoder puts out at once */
    ROOM = LARGE + 1024
};

/* 300000 times 'a', as the program brotli writes it. */
static const unsigned char brotli_stream[] = {0x5f, 0xdf, 0x93, 0x84, 0x5f, 0x22, 0x2c,
                                              0x1e, 0x0b, 0x04, 0x32, 0x17, 0x09, 0x00};

static struct scratch scratch;
static unsigned char source[LARGE];
static char source_md5[MD5_HEX + 1];

struct stream {
    enum coding coding;
    const char *label;
    unsigned char bytes[ROOM];
    size_t len;
};
static struct stream streams[3];

static size_t gzip(unsigned char *out, const unsigned char *bytes, size_t len, int window_bits)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY),
                     Z_OK);
    unsigned char *copy = malloc(len + 1);
    memcpy(copy, bytes, len);
    stream.next_in = copy;
    stream.avail_in = (uInt)len;
    stream.next_out = out;
    stream.avail_out = ROOM;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    free(copy);
    return ROOM - stream.avail_out;
}

static int make(void **state)
{
    struct md5 md5;
    (void)state;
    scratch = scratch_make();
    memset(source, 'a', sizeof source);
    md5_begin(&md5);
    md5_add(&md5, source, sizeof source);
    md5_end(&md5, source_md5);
    streams[0] = (struct stream){.coding = CODING_BR, .label = "br", .len = sizeof brotli_stream};
    memcpy(streams[0].bytes, brotli_stream, sizeof brotli_stream);
    streams[1] = (struct stream){.coding = CODING_GZIP, .label = "gzip"};
    streams[1].len = gzip(streams[1].bytes, source, sizeof source, 31);
    streams[2] = (struct stream){.coding = CODING_ZSTD, .label = "zstd"};
    streams[2].len = ZSTD_compress(streams[2].bytes, ROOM, source, sizeof source, 3);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static enum decode_verdict decode(enum coding coding, const void *bytes, size_t len, uint64_t limit,
                                  char hex[MD5_HEX + 1])
{
    scratch_write_bytes(&scratch, "f", bytes, len);
    int fd = openat(scratch.fd, "f", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    enum decode_verdict verdict = decode_file(coding, fd, limit, hex);
    close(fd);
    return verdict;
}

static void a_copy_decodes_to_the_digest_of_its_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        char hex[MD5_HEX + 1] = "";
        CHECK(streams[i].label, decode(streams[i].coding, streams[i].bytes, streams[i].len, LARGE,
                                       hex) == DECODE_WHOLE);
        CHECK(streams[i].label, strcmp(hex, source_md5) == 0);
    }
    check_end();
}

static void bytes_that_no_decoder_packs_come_through_in_all_their_pieces(void **state)
{
    static unsigned char noise[LARGE], packed[ROOM];
    char hex[MD5_HEX + 1], wanted[MD5_HEX + 1];
    struct md5 md5;
    uint32_t seed = 1;
    (void)state;
    for (size_t i = 0; i < sizeof noise; i++) {
        seed = seed * 1664525u + 1013904223u;
        noise[i] = (unsigned char)(seed >> 24);
    }
    md5_begin(&md5);
    md5_add(&md5, noise, sizeof noise);
    md5_end(&md5, wanted);
    assert_int_equal(decode(CODING_GZIP, packed, gzip(packed, noise, sizeof noise, 31), LARGE, hex),
                     DECODE_WHOLE);
    assert_string_equal(hex, wanted);
    assert_int_equal(decode(CODING_ZSTD, packed,
                            ZSTD_compress(packed, ROOM, noise, sizeof noise, 1), LARGE, hex),
                     DECODE_WHOLE);
    assert_string_equal(hex, wanted);
}

static void every_beginning_of_a_copy_is_no_copy(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        for (size_t len = 0; len < streams[i].len; len++) {
            char hex[MD5_HEX + 1];
            if (!CHECK(streams[i].label, decode(streams[i].coding, streams[i].bytes, len, LARGE,
                                                hex) == DECODE_CUT)) {
                print_error("    of %zu bytes the first %zu\n", streams[i].len, len);
            }
        }
    }
    check_end();
}

static void bytes_behind_the_end_are_a_fault_whether_or_not_they_would_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        static unsigned char twice[2 * ROOM];
        char hex[MD5_HEX + 1];
        size_t len = streams[i].len;
        memcpy(twice, streams[i].bytes, len);
        memcpy(twice + len, streams[i].bytes, len);
        CHECK(streams[i].label,
              decode(streams[i].coding, twice, len + 1, 2 * LARGE, hex) == DECODE_GARBAGE);
        CHECK(streams[i].label,
              decode(streams[i].coding, twice, 2 * len, 2 * LARGE, hex) == DECODE_GARBAGE);
    }
    check_end();
}

static void garbage_in_a_piece_of_its_own_is_seen_too(void **state)
{
    static unsigned char packed[2 * ROOM];
    char hex[MD5_HEX + 1];
    (void)state;
    /* A stored block fills the first 65536 bytes of the file exactly, up to the end of the member.
     */
    static unsigned char noise[65536];
    uint32_t seed = 7;
    for (size_t i = 0; i < sizeof noise; i++) {
        seed = seed * 1664525u + 1013904223u;
        noise[i] = (unsigned char)(seed >> 24);
    }
    for (size_t len = 65000; len < 65536; len++) {
        size_t size = gzip(packed, noise, len, 31);
        if (size == 65536) {
            assert_int_equal(decode(CODING_GZIP, packed, size, LARGE, hex), DECODE_WHOLE);
            packed[size] = 'x';
            assert_int_equal(decode(CODING_GZIP, packed, size + 1, LARGE, hex), DECODE_GARBAGE);
            return;
        }
    }
    fail_msg("no member has the size of a piece");
}

static void what_decodes_to_more_than_the_source_is_given_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        char hex[MD5_HEX + 1];
        for (uint64_t limit = 0; limit < LARGE; limit = limit * 7 + 1) {
            CHECK(streams[i].label, decode(streams[i].coding, streams[i].bytes, streams[i].len,
                                           limit, hex) == DECODE_LARGER);
        }
        CHECK(streams[i].label, decode(streams[i].coding, streams[i].bytes, streams[i].len,
                                       LARGE - 1, hex) == DECODE_LARGER);
    }
    check_end();
}

static void what_is_not_of_its_coding_is_refused(void **state)
{
#define ZSTD_MAGIC "\x28\xb5\x2f\xfd"
#define EMPTY_BLOCK "\x01\x00\x00"
    static const struct {
        const char *label;
        enum coding coding;
        const char *bytes;
        size_t len;
        enum decode_verdict verdict;
    } rows[] = {
        {"text as br", CODING_BR, "body { color: red }", 19, DECODE_DAMAGED},
        {"text as gzip", CODING_GZIP, "body { color: red }", 19, DECODE_DAMAGED},
        {"text as zstd", CODING_ZSTD, "body { color: red }", 19, DECODE_DAMAGED},
        {"br with a large window", CODING_BR,
         "\x11\x5c\xdc\x2e\xe0\x97\x08\x8b\xc7\x02\x01\x71\x03\x00", 14, DECODE_DAMAGED},
        {"an empty br", CODING_BR, "\x3b", 1, DECODE_WHOLE},
        {"a zstd window of 8 MiB", CODING_ZSTD, ZSTD_MAGIC "\x00\x68" EMPTY_BLOCK, 9, DECODE_WHOLE},
        {"a zstd window of 9 MiB", CODING_ZSTD, ZSTD_MAGIC "\x00\x69" EMPTY_BLOCK, 9,
         DECODE_WINDOW},
        {"a zstd window of 128 MiB", CODING_ZSTD, ZSTD_MAGIC "\x00\x88" EMPTY_BLOCK, 9,
         DECODE_WINDOW},
        {"a zstd window of 16 MiB for nothing", CODING_ZSTD,
         ZSTD_MAGIC "\x80\x70\x00\x00\x00\x00" EMPTY_BLOCK, 13, DECODE_WINDOW},
        {"a zstd segment of 16 MiB", CODING_ZSTD, ZSTD_MAGIC "\xa0\x00\x00\x00\x01" EMPTY_BLOCK, 12,
         DECODE_WINDOW},
        {"a zstd dictionary", CODING_ZSTD, ZSTD_MAGIC "\x21\x07\x00" EMPTY_BLOCK, 10,
         DECODE_DICTIONARY},
        {"a zstd frame to be skipped", CODING_ZSTD,
         "\x50\x2a\x4d\x18\x00\x00\x00\x00" ZSTD_MAGIC "\x00\x68" EMPTY_BLOCK, 17, DECODE_DAMAGED},
        {"zstd of an old version", CODING_ZSTD, "\x27\xb5\x2f\xfd\x00\x00\x00\x00", 8,
         DECODE_DAMAGED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char hex[MD5_HEX + 1];
        enum decode_verdict verdict =
            decode(rows[i].coding, rows[i].bytes, rows[i].len, LARGE, hex);
        if (!CHECK(rows[i].label, verdict == rows[i].verdict)) {
            print_error("    it %s\n", decode_says(verdict));
        }
    }
    check_end();
}

static void the_zlib_and_the_raw_form_of_deflate_are_not_gzip(void **state)
{
    static unsigned char packed[ROOM];
    char hex[MD5_HEX + 1];
    (void)state;
    assert_int_equal(decode(CODING_GZIP, packed, gzip(packed, source, 1000, 15), LARGE, hex),
                     DECODE_DAMAGED);
    assert_int_equal(decode(CODING_GZIP, packed, gzip(packed, source, 1000, -15), LARGE, hex),
                     DECODE_DAMAGED);
}

static void a_damaged_checksum_is_a_fault(void **state)
{
    char hex[MD5_HEX + 1];
    struct stream *stream = &streams[1];
    (void)state;
    stream->bytes[stream->len - 5] ^= 1;
    assert_int_equal(decode(CODING_GZIP, stream->bytes, stream->len, LARGE, hex), DECODE_DAMAGED);
    stream->bytes[stream->len - 5] ^= 1;
}

static void what_cannot_be_read_is_told_apart(void **state)
{
    char hex[MD5_HEX + 1];
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        CHECK(streams[i].label,
              decode_file(streams[i].coding, scratch.fd, LARGE, hex) == DECODE_FAILED);
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_decodes_to_the_digest_of_its_source),
        cmocka_unit_test(bytes_that_no_decoder_packs_come_through_in_all_their_pieces),
        cmocka_unit_test(every_beginning_of_a_copy_is_no_copy),
        cmocka_unit_test(bytes_behind_the_end_are_a_fault_whether_or_not_they_would_decode),
        cmocka_unit_test(garbage_in_a_piece_of_its_own_is_seen_too),
        cmocka_unit_test(what_decodes_to_more_than_the_source_is_given_up),
        cmocka_unit_test(what_is_not_of_its_coding_is_refused),
        cmocka_unit_test(the_zlib_and_the_raw_form_of_deflate_are_not_gzip),
        cmocka_unit_test(a_damaged_checksum_is_a_fault),
        cmocka_unit_test(what_cannot_be_read_is_told_apart),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
