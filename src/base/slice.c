#include "base/slice.h"

#include <string.h>

struct slice slice_of(const char *text)
{
    return (struct slice){.at = text, .len = text ? strlen(text) : 0};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool slice_equal_nocase(struct slice a, const char *b)
{
    for (size_t i = 0; i < a.len; i++) {
        if (b[i] == '\0' || lower(a.at[i]) != lower(b[i])) {
            return false;
        }
    }
    return b[a.len] == '\0';
}

bool slice_starts(struct slice text, struct slice prefix)
{
    return text.len >= prefix.len && slice_equal((struct slice){text.at, prefix.len}, prefix);
}

bool slice_ends(struct slice text, struct slice suffix)
{
    return text.len >= suffix.len &&
           slice_equal((struct slice){text.at + text.len - suffix.len, suffix.len}, suffix);
}

struct slice slice_from(struct slice text, size_t from)
{
    if (from >= text.len) {
        return (struct slice){.at = "", .len = 0};
    }
    return (struct slice){.at = text.at + from, .len = text.len - from};
}

bool slice_has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice text)
{
    while (text.len > 0 && is_space(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.at[text.len - 1])) {
        text.len--;
    }
    return text;
}

struct slice slice_cut(struct slice *rest, char mark)
{
    struct slice before = *rest;
    const char *found = rest->len > 0 ? memchr(rest->at, mark, rest->len) : NULL;
    if (!found) {
        *rest = (struct slice){0};
        return before;
    }
    before.len = (size_t)(found - before.at);
    *rest = (struct slice){.at = found + 1, .len = rest->len - before.len - 1};
    return before;
}

struct slice slice_behind_last(struct slice text, char mark)
{
    const char *found = text.len > 0 ? memrchr(text.at, mark, text.len) : NULL;
    return found ? slice_from(text, (size_t)(found - text.at) + 1) : text;
}

bool slice_number(struct slice digits, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.at[i] - '0');
        if (digit > 9) {
            return false;
        }
        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
    }
    return digits.len > 0;
}

bool slice_copy(struct slice text, char *buffer, size_t size)
{
    if (text.len >= size || (text.len > 0 && memchr(text.at, '\0', text.len))) {
        return false;
    }
    if (text.len > 0) {
        memcpy(buffer, text.at, text.len);
    }
    buffer[text.len] = '\0';
    return true;
}
