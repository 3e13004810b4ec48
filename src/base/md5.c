#include "base/md5.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* floor(2^32 * |sin(i + 1)|), RFC 1321 3.4 */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const unsigned char turns[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t turn(uint32_t value, unsigned count)
{
    return value << count | value >> (32 - count);
}

static uint32_t word_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* The round's function of RFC 1321 3.4 and the word that step i mixes in. */
static uint32_t mix(unsigned i, uint32_t b, uint32_t c, uint32_t d, unsigned *word)
{
    switch (i / 16) {
    case 0:
        *word = i;
        return d ^ (b & (c ^ d));
    case 1:
        *word = (5 * i + 1) % 16;
        return c ^ (d & (b ^ c));
    case 2:
        *word = (3 * i + 5) % 16;
        return b ^ c ^ d;
    default:
        *word = 7 * i % 16;
        return c ^ (b | ~d);
    }
}

static void add_block(struct md5 *md5, const unsigned char *block)
{
    uint32_t a = md5->state[0], b = md5->state[1], c = md5->state[2], d = md5->state[3];
    for (unsigned i = 0; i < 64; i++) {
        unsigned word;
        uint32_t sum = a + mix(i, b, c, d, &word) + sines[i] + word_at(block + 4 * word);
        a = d;
        d = c;
        c = b;
        b += turn(sum, turns[i / 16][i % 4]);
    }
    md5->state[0] += a;
    md5->state[1] += b;
    md5->state[2] += c;
    md5->state[3] += d;
}

void md5_begin(struct md5 *md5)
{
    *md5 = (struct md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void md5_add(struct md5 *md5, const void *bytes, size_t length)
{
    const unsigned char *from = bytes;
    size_t held = md5->length % 64;
    md5->length += length;
    while (length > 0) {
        if (held == 0 && length >= 64) {
            add_block(md5, from);
            from += 64;
            length -= 64;
            continue;
        }
        size_t take = 64 - held < length ? 64 - held : length;
        memcpy(md5->block + held, from, take);
        from += take;
        length -= take;
        held = (held + take) % 64;
        if (held == 0) {
            add_block(md5, md5->block);
        }
    }
}

void md5_end(struct md5 *md5, char hex[MD5_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    static const unsigned char padding[64] = {0x80};
    unsigned char bits[8];
    for (unsigned i = 0; i < 8; i++) {
        bits[i] = (unsigned char)(md5->length * 8 >> 8 * i);
    }
    md5_add(md5, padding, 1 + (119 - md5->length % 64) % 64);
    md5_add(md5, bits, sizeof bits);
    for (unsigned i = 0; i < 16; i++) {
        unsigned byte = md5->state[i / 4] >> 8 * (i % 4) & 0xff;
        hex[2 * i] = digits[byte >> 4];
        hex[2 * i + 1] = digits[byte & 15];
    }
    hex[MD5_HEX] = '\0';
}

int md5_file(int fd, char hex[MD5_HEX + 1])
{
    unsigned char buffer[32768];
    struct md5 md5;
    md5_begin(&md5);
    for (off_t at = 0;;) {
        ssize_t got = pread(fd, buffer, sizeof buffer, at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        md5_add(&md5, buffer, (size_t)got);
        at += got;
    }
    md5_end(&md5, hex);
    return 0;
}
