#include "http/disposition.h"

#include "http/head.h"

#include <string.h>

/* What is written so far; with `overflow` it is of no use. */
struct line {
    char *text;
    size_t len;
    bool overflow;
};

static void put(struct line *line, char c)
{
    if (line->len + 1 >= DISPOSITION_SIZE) {
        line->overflow = true;
        return;
    }
    line->text[line->len++] = c;
}

static void put_text(struct line *line, const char *text)
{
    while (*text) {
        put(line, *text++);
    }
}

/* The range that the second byte of a character may have, by its first byte; the ends of these
 * ranges keep out longer forms than needed, surrogates, and what lies beyond U+10FFFF (RFC 3629 4).
 */
static bool is_second(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

/* The number of bytes of the UTF-8 character in front; 0 when there is none. */
static size_t character_len(struct slice text)
{
    unsigned char first = (unsigned char)text.at[0];
    size_t len = first < 0x80   ? 1
                 : first < 0xc2 ? 0
                 : first < 0xe0 ? 2
                 : first < 0xf0 ? 3
                 : first < 0xf5 ? 4
                                : 0;
    if (len > text.len || (len > 1 && !is_second(first, (unsigned char)text.at[1]))) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if (((unsigned char)text.at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

static bool is_digit_16(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* Whether the character in front can stand in `filename` as it is. */
static bool is_plain(struct slice text)
{
    bool percent_encoding =
        text.len > 2 && text.at[0] == '%' && is_digit_16(text.at[1]) && is_digit_16(text.at[2]);
    return (unsigned char)text.at[0] < 0x80 && !strchr("\"\\", text.at[0]) && !percent_encoding;
}

static bool is_utf8(struct slice name)
{
    size_t len = 1;
    for (; name.len > 0 && len > 0; name = slice_from(name, len)) {
        len = character_len(name);
    }
    return len > 0;
}

/* Writes a quoted-string (RFC 9110 5.6.4). Returns whether it says all of the name. */
static bool put_quoted(struct line *line, struct slice name)
{
    bool whole = true;
    put(line, '"');
    while (name.len > 0) {
        size_t len = character_len(name);
        bool plain = is_plain(name);
        put(line, plain ? name.at[0] : '_');
        whole = whole && plain;
        name = slice_from(name, len > 0 ? len : 1);
    }
    put(line, '"');
    return whole;
}

/* Writes an ext-value (RFC 8187 3.2). */
static void put_extended(struct line *line, struct slice name)
{
    static const char digits[] = "0123456789ABCDEF";
    put_text(line, "UTF-8''");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        /* attr-char is a character of a token, without three of them */
        if (head_is_token((struct slice){&c, 1}) && !strchr("*'%", c)) {
            put(line, c);
            continue;
        }
        put(line, '%');
        put(line, digits[(unsigned char)c >> 4]);
        put(line, digits[(unsigned char)c & 15]);
    }
}

void disposition_attachment(struct slice name, char text[DISPOSITION_SIZE])
{
    struct line line = {.text = text};
    put_text(&line, "attachment");
    size_t without_name = line.len;
    if (name.len > 0 && head_is_value(name) && !memchr(name.at, '\t', name.len)) {
        put_text(&line, "; filename=");
        if (!put_quoted(&line, name) && is_utf8(name)) {
            put_text(&line, "; filename*=");
            put_extended(&line, name);
        }
    }
    text[line.overflow ? without_name : line.len] = '\0';
}
