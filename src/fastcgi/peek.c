#include "fastcgi/peek.h"

#include "fastcgi/pair.h"

#include <fastcgi.h>
#include <stdint.h>
#include <string.h>

struct record {
    int type; /* -1: of another version */
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

/* Types of the application, 1 to 8, have a request; a management record has none. What is itself an
 * answer is not answered. */
static bool is_management(const struct record *record)
{
    return record->id == FCGI_NULL_REQUEST_ID && (record->type == 0 || record->type > FCGI_DATA) &&
           record->type != FCGI_GET_VALUES_RESULT && record->type != FCGI_UNKNOWN_TYPE;
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
    struct slice rest = {(const char *)params, len}, name, value;
    while (rest.len > 0) {
        if (!pair_cut(&rest, &name, &value) || memchr(name.at, '\0', name.len + value.len)) {
            return false;
        }
        *body = *body || announces_body(name, value);
    }
    return true;
}

/* A record that is a matter of its own, or the beginning of a request. */
static enum peek_verdict judge_first(const unsigned char *bytes, const struct record *record)
{
    const unsigned char *body = bytes + FCGI_HEADER_LEN;
    if (is_management(record)) {
        return PEEK_MANAGEMENT;
    }
    if (record->type == FCGI_ABORT_REQUEST) {
        return PEEK_ABORT;
    }
    if (record->content != sizeof(FCGI_BeginRequestBody)) {
        return PEEK_INVALID;
    }
    return (body[0] << 8 | body[1]) == FCGI_RESPONDER ? PEEK_INCOMPLETE : PEEK_OTHER_ROLE;
}

/* What follows the head: the end of an empty body, a body, or nothing yet. */
static enum peek_verdict judge_stdin(const unsigned char *bytes, size_t len, unsigned id,
                                     size_t *head)
{
    struct record record;
    if (!read_record(bytes, len, &record)) {
        return PEEK_HEAD;
    }
    if (record.type == FCGI_ABORT_REQUEST && record.id == id) {
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

/* Whether the record may stand at this place. */
static bool belongs(const struct record *record, size_t at, unsigned id)
{
    bool begins = record->id != FCGI_NULL_REQUEST_ID &&
                  (record->type == FCGI_BEGIN_REQUEST || record->type == FCGI_ABORT_REQUEST);
    bool right =
        at == 0 ? begins || is_management(record) : record->type == FCGI_PARAMS && record->id == id;
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
        *head = at + record.whole;
        if (at == 0) {
            enum peek_verdict verdict = judge_first(bytes, &record);
            if (verdict != PEEK_INCOMPLETE) {
                return verdict;
            }
        }
        id = record.id;
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
    bool last =
        record.type == FCGI_ABORT_REQUEST || (record.type == FCGI_STDIN && record.content == 0);
    return last ? PEEK_REST_LAST : PEEK_REST_SKIP;
}
