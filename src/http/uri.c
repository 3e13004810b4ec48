#include "http/uri.h"

#include <string.h>

/* unreserved (RFC 3986 2.3) and '/' */
static bool stays_in_path(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/", c));
}

static bool stays_in_query(char c)
{
    return c > 0x20 && c < 0x7f && c != '#';
}

static size_t encoded_len(struct slice raw, bool (*stays)(char))
{
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        len += stays(raw.at[i]) ? 1 : 3;
    }
    return len;
}

static bool encode(struct slice raw, bool (*stays)(char), char *text, size_t size)
{
    static const char digits[] = "0123456789ABCDEF"; /* upper case: RFC 3986 2.1 */
    bool fits = encoded_len(raw, stays) < size;
    for (size_t i = 0; fits && i < raw.len; i++) {
        unsigned char byte = (unsigned char)raw.at[i];
        if (stays(raw.at[i])) {
            *text++ = raw.at[i];
            continue;
        }
        *text++ = '%';
        *text++ = digits[byte >> 4];
        *text++ = digits[byte & 15];
    }
    if (size > 0) {
        *text = '\0';
    }
    return fits;
}

bool uri_encode_path(struct slice path, char *text, size_t size)
{
    return encode(path, stays_in_path, text, size);
}

bool uri_encode_query(struct slice query, char *text, size_t size)
{
    return encode(query, stays_in_query, text, size);
}
