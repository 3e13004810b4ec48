/* FastCGI messages, record by record, for the tests of what reads them (FastCGI 1.0, 3.3 to 5.2).
 */
#ifndef FCGI_MESSAGE_H
#define FCGI_MESSAGE_H

#include <stdlib.h>
#include <string.h>

enum {
    MESSAGE_SIZE = 400000,
    BEGIN = 1,
    ABORT = 2,
    PARAMS = 4,
    STDIN = 5,
    DATA = 8,
    GET_VALUES = 9,
    RESPONDER = 1,
    KEEP = 1
};

struct message {
    unsigned char bytes[MESSAGE_SIZE];
    size_t len;
};

static inline void message_bytes(struct message *message, const void *bytes, size_t len)
{
    if (len > sizeof message->bytes - message->len) {
        abort();
    }
    if (len > 0) {
        memcpy(message->bytes + message->len, bytes, len);
    }
    message->len += len;
}

static inline void message_record(struct message *message, int type, unsigned id,
                                  const void *content, size_t len, unsigned padding)
{
    static const unsigned char zeros[256];
    const unsigned char header[8] = {1,
                                     (unsigned char)type,
                                     (unsigned char)(id >> 8),
                                     (unsigned char)id,
                                     (unsigned char)(len >> 8),
                                     (unsigned char)len,
                                     (unsigned char)padding,
                                     0};
    message_bytes(message, header, sizeof header);
    message_bytes(message, content, len);
    message_bytes(message, zeros, padding);
}

static inline void message_begin(struct message *message, unsigned id, unsigned role,
                                 unsigned flags)
{
    const unsigned char body[8] = {(unsigned char)(role >> 8), (unsigned char)role,
                                   (unsigned char)flags};
    message_record(message, BEGIN, id, body, sizeof body, 0);
}

/* A name and a value with their lengths, at the end of `pairs`. */
static inline void message_pair(struct message *pairs, const char *name, const char *value)
{
    const size_t lengths[2] = {strlen(name), strlen(value)};
    for (int i = 0; i < 2; i++) {
        const unsigned char bytes[4] = {
            (unsigned char)(0x80 | lengths[i] >> 24), (unsigned char)(lengths[i] >> 16),
            (unsigned char)(lengths[i] >> 8), (unsigned char)lengths[i]};
        if (lengths[i] < 128) {
            message_bytes(pairs, bytes + 3, 1);
        } else {
            message_bytes(pairs, bytes, 4);
        }
    }
    message_bytes(pairs, name, lengths[0]);
    message_bytes(pairs, value, lengths[1]);
}

/* The stream of params in records of at most `each` bytes, and its end. */
static inline void message_params(struct message *message, unsigned id, const unsigned char *params,
                                  size_t len, size_t each)
{
    for (size_t at = 0; at < len; at += each) {
        message_record(message, PARAMS, id, params + at, len - at < each ? len - at : each, 0);
    }
    message_record(message, PARAMS, id, NULL, 0, 0);
}

#endif
