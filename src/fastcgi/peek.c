#include "fastcgi/peek.h"

#include "base/slice.h"

#include <fastcgi.h>
#include <stdint.h>
#include <string.h>

struct record {
    int type;
    unsigned id;
    size_t content; /* bytes */
    size_t whole;   /* bytes with header and padding */
};

/* Reads the header of the record at `bytes`; false when it is not all there. */
static bool read_record(const unsigned char *bytes, size_t len, struct record *record)
{
    if (len < FCGI_HEADER_LEN) {
        return false;
    }
    record->type = bytes[0] == FCGI_VERSION_1 ? bytes[1] : -1;
    record->id = (unsigned)(bytes[2] << 8 | bytes[3]);
    record->content = (size_t)(bytes[4] << 8 | bytes[5]);
    record->whole = FCGI_HEADER_LEN + record->content + bytes[6];
    return true;
}

/* The length before a name or a value: one byte, or four with the highest bit set. */
static bool take_length(const unsigned char **at, const unsigned char *end, size_t *length)
{
    const unsigned char *b = *at;
    if (b == end || (*b >= 0x80 && end - b < 4)) {
        return false;
    }
    if (*b < 0x80) {
        *length = *b;
        *at = b + 1;
    } else {
        *length = (size_t)(b[0] & 0x7f) << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
        *at = b + 4;
    }
    return true;
}

/* Whether CONTENT_LENGTH announces a body. */
static bool announces_body(struct slice name, struct slice value)
{
    if (!slice_equal(name, slice_of("CONTENT_LENGTH"))) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] >= '1' && value.at[i] <= '9') {
            return true;
        }
    }
    return false;
}

/* libfcgi allocates what a length says before it reads, so every length is held against what is
 * there. It makes C strings of names and values, so a NUL would cut one short. */
static bool params_are_sound(const unsigned char *params, size_t len, bool *body)
{
    const unsigned char *at = params, *end = params + len;
    while (at < end) {
        size_t name, value;
        if (!take_length(&at, end, &name) || !take_length(&at, end, &value) ||
            name > (size_t)(end - at) || value > (size_t)(end - at) - name ||
            memchr(at, '\0', name + value)) {
            return false;
        }
        *body = *body || announces_body((struct slice){(const char *)at, name},
                                        (struct slice){(const char *)at + name, value});
        at += name + value;
    }
    return true;
}

static bool begins_responder(const unsigned char *bytes, const struct record *record)
{
    const unsigned char *body = bytes + FCGI_HEADER_LEN;
    return record->type == FCGI_BEGIN_REQUEST && record->id != FCGI_NULL_REQUEST_ID &&
           record->content == sizeof(FCGI_BeginRequestBody) &&
           (body[0] << 8 | body[1]) == FCGI_RESPONDER;
}

/* What follows the head: the end of an empty body, a body, or nothing yet. */
static enum peek_verdict judge_stdin(const unsigned char *bytes, size_t len, unsigned id,
                                     size_t *head)
{
    struct record record;
    if (!read_record(bytes, len, &record)) {
        return PEEK_HEAD;
    }
    if (record.type != FCGI_STDIN || record.id != id) {
        return PEEK_INVALID;
    }
    if (record.content > 0) {
        return PEEK_BODY;
    }
    if (len < record.whole) {
        return PEEK_HEAD;
    }
    *head += record.whole;
    return PEEK_REQUEST;
}

/* At the empty FCGI_PARAMS, with the content of those before it in one piece. */
static enum peek_verdict judge_params(unsigned char *bytes, size_t len, size_t params, unsigned id,
                                      size_t *head)
{
    bool body = false;
    if (!params_are_sound(bytes, params, &body)) {
        return PEEK_INVALID;
    }
    return body ? PEEK_BODY : judge_stdin(bytes + *head, len - *head, id, head);
}

/* Whether the record may stand at this place of a head. */
static bool belongs(const struct record *record, size_t at, unsigned id)
{
    bool right = at == 0 ? record->type == FCGI_BEGIN_REQUEST
                         : record->type == FCGI_PARAMS && record->id == id;
    return right && at + record->whole <= PEEK_HEAD_MAX;
}

enum peek_verdict peek_judge(unsigned char *bytes, size_t len, size_t *head)
{
    struct record record;
    size_t at = 0, params = 0;
    unsigned id = 0;
    while (read_record(bytes + at, len - at, &record)) {
        if (!belongs(&record, at, id)) {
            return PEEK_INVALID;
        }
        if (record.whole > len - at) {
            return PEEK_INCOMPLETE;
        }
        if (at == 0 && !begins_responder(bytes, &record)) {
            return PEEK_INVALID;
        }
        id = record.id;
        *head = at + record.whole;
        if (record.type == FCGI_PARAMS && record.content == 0) {
            return judge_params(bytes, len, params, id, head);
        }
        if (record.type == FCGI_PARAMS) {
            memmove(bytes + params, bytes + at + FCGI_HEADER_LEN, record.content);
            params += record.content;
        }
        at = *head;
    }
    return PEEK_INCOMPLETE;
}

enum peek_rest peek_at_body(const unsigned char *bytes, size_t len, size_t *whole)
{
    struct record record;
    if (!read_record(bytes, len, &record)) {
        return PEEK_REST_UNKNOWN;
    }
    if (record.type == FCGI_BEGIN_REQUEST) {
        return PEEK_REST_NEXT;
    }
    *whole = record.whole;
    return record.type == FCGI_STDIN && record.content == 0 ? PEEK_REST_LAST : PEEK_REST_SKIP;
}
