#include "http/head.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void head_clear(struct head *head)
{
    head->len = 0;
    head->overflow = false;
}

bool head_is_token(struct slice name)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            (c == '\0' || !strchr(marks, c))) {
            return false;
        }
    }
    return name.len > 0;
}

bool head_is_value(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static void append(struct head *head, const char *bytes, size_t len)
{
    memcpy(head->text + head->len, bytes, len);
    head->len += len;
}

/* Kept in release builds: a line break here would let a value write header fields of its own, and
 * so would a name that is none. */
static void require_one_line(struct slice name, struct slice value)
{
    if (!head_is_token(name)) {
        abort();
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\r' || value.at[i] == '\n' || value.at[i] == '\0') {
            abort();
        }
    }
}

static void add(struct head *head, struct slice name, struct slice value)
{
    require_one_line(name, value);
    if (name.len + 2 + value.len + 2 > HEAD_SIZE - head->len) {
        head->overflow = true;
        return;
    }
    append(head, name.at, name.len);
    append(head, ": ", 2);
    append(head, value.at ? value.at : "", value.len);
    append(head, "\r\n", 2);
}

void head_add(struct head *head, const char *name, struct slice value)
{
    add(head, slice_of(name), value);
}

void head_add_text(struct head *head, const char *name, const char *value)
{
    head_add(head, name, slice_of(value));
}

void head_add_number(struct head *head, const char *name, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    head_add_text(head, name, digits);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_named(struct slice line, struct slice name)
{
    struct slice own = slice_cut(&line, ':');
    size_t same = 0;
    while (same < own.len && same < name.len && lower(own.at[same]) == lower(name.at[same])) {
        same++;
    }
    return same == own.len && same == name.len;
}

void head_remove(struct head *head, struct slice name)
{
    struct slice rest = {head->text, head->len};
    head->len = 0;
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (!is_named(line, name)) {
            memmove(head->text + head->len, line.at, line.len + 1);
            head->len += line.len + 1;
        }
    }
}

void head_set(struct head *head, struct slice name, struct slice value)
{
    head_remove(head, name);
    add(head, name, value);
}
