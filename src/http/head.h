/* The header section of an answer, built in place: "Name: value\r\n" lines (RFC 9112 5, RFC
 * 3875 6.3). */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/slice.h"

#include <stdint.h>

enum {
    HEAD_SIZE = 8192
};

struct head {
    char text[HEAD_SIZE];
    size_t len;
    bool overflow; /* a field did not fit and was left out: the answer must not be sent */
};

void head_clear(struct head *head);

/* Whether it is a token (RFC 9110 5.6.2), as the name of a field has to be. */
bool head_is_token(struct slice name);

/* Adds one field. The value must hold no CR, LF or NUL: those who read settings and requests see to
 * that, so it is asserted here. */
void head_add(struct head *head, const char *name, struct slice value);
void head_add_text(struct head *head, const char *name, const char *value);
void head_add_number(struct head *head, const char *name, uint64_t value);

#endif
