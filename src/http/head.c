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

static void append(struct head *head, const char *bytes, size_t len)
{
    memcpy(head->text + head->len, bytes, len);
    head->len += len;
}

/* Kept in release builds: a line break here would let a value write header fields of its own. */
static void require_one_line(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\r' || value.at[i] == '\n' || value.at[i] == '\0') {
            abort();
        }
    }
}

void head_add(struct head *head, const char *name, struct slice value)
{
    size_t name_len = strlen(name);
    require_one_line(value);
    if (name_len + 2 + value.len + 2 > HEAD_SIZE - head->len) {
        head->overflow = true;
        return;
    }
    append(head, name, name_len);
    append(head, ": ", 2);
    append(head, value.at ? value.at : "", value.len);
    append(head, "\r\n", 2);
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
