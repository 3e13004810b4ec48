/* The header section of an answer, built in place: "Name: value\r\n" lines (RFC 9112 5, RFC
 * 3875 6.3). */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/slice.h"

#include <stdint.h>

enum {
    HEAD_SIZE = 16384
};

struct head {
    size_t len;
    bool overflow; /* a field did not fit and was left out: the answer must not be sent */
    char text[HEAD_SIZE];
};

void head_clear(struct head *head);

/* Whether it is a token (RFC 9110 5.6.2), as the name of a field has to be. */
bool head_is_token(struct slice name);

/* Whether it can be the value of a field (RFC 9110 5.5): no control byte but the tab. */
bool head_is_value(struct slice value);

/* Adds one field. The name must be a token and the value must hold no CR, LF or NUL: those who read
 * settings and requests see to that, so it is asserted here. */
void head_add(struct head *head, const char *name, struct slice value);
void head_add_text(struct head *head, const char *name, const char *value);
void head_add_number(struct head *head, const char *name, uint64_t value);

/* Removes every field of that name, in any case of letters (RFC 9110 5.1). What was left out by an
 * overflow stays so. */
void head_remove(struct head *head, struct slice name);

/* Removes every field of that name and adds this one at the end; name and value as for head_add,
 * and neither may lie in the head itself. */
void head_set(struct head *head, struct slice name, struct slice value);

#endif
