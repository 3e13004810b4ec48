/* Header fields that settings may not touch: those that frame a message (RFC 9112 6), and those in
 * which the answer itself says what it has decided. */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/slice.h"

enum {
    FIELD_VALUE_MAX = 2048, /* bytes of a value that settings give */
    FIELD_TYPE_MAX = 250,   /* the same of Content-Type, which stands in every part of a 206 too */
};

/* Whether a field is one of those, in any case of letters. */
bool field_is_reserved(struct slice name);

/* Whether settings may send `value` under `name`, or (`removed`) keep what would be sent: Vary and
 * Content-Type must be there. */
bool field_may_be_set(struct slice name, struct slice value, bool removed);

#endif
