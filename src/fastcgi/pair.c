#include "fastcgi/pair.h"

#include <string.h>

enum {
    LENGTHS = 8 /* bytes before a name, at most */
};

/* The length before a name or a value: one byte, or four with the highest bit set. */
static bool cut_length(struct slice *rest, size_t *length)
{
    const unsigned char *b = (const unsigned char *)rest->at;
    if (rest->len == 0 || (*b >= 0x80 && rest->len < 4)) {
        return false;
    }
    if (*b < 0x80) {
        *length = *b;
        *rest = slice_from(*rest, 1);
    } else {
        *length = (size_t)(b[0] & 0x7f) << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
        *rest = slice_from(*rest, 4);
    }
    return true;
}

bool pair_cut(struct slice *rest, struct slice *name, struct slice *value)
{
    struct slice left = *rest;
    size_t lengths[2];
    if (!cut_length(&left, &lengths[0]) || !cut_length(&left, &lengths[1]) ||
        lengths[0] > left.len || lengths[1] > left.len - lengths[0]) {
        return false;
    }
    *name = (struct slice){left.at, lengths[0]};
    left = slice_from(left, lengths[0]);
    *value = (struct slice){left.at, lengths[1]};
    *rest = slice_from(left, lengths[1]);
    return true;
}

static void write_length(unsigned char bytes[4], size_t length)
{
    bytes[0] = (unsigned char)(0x80 | length >> 24);
    bytes[1] = (unsigned char)(length >> 16);
    bytes[2] = (unsigned char)(length >> 8);
    bytes[3] = (unsigned char)length;
}

size_t pair_write(unsigned char *buffer, size_t size, struct slice name, struct slice value)
{
    if (size < LENGTHS || name.len > size - LENGTHS || value.len > size - LENGTHS - name.len) {
        return 0;
    }
    write_length(buffer, name.len);
    write_length(buffer + 4, value.len);
    memcpy(buffer + LENGTHS, name.at, name.len);
    memcpy(buffer + LENGTHS + name.len, value.at, value.len);
    return LENGTHS + name.len + value.len;
}
