/* Names as Django's HashedFilesMixin makes them: root.<12 hex digits of the md5>.extension. */
#ifndef CATALOG_HASHED_NAME_H
#define CATALOG_HASHED_NAME_H

#include "base/slice.h"

enum {
    HASHED_NAME_DIGITS = 12
};

/* The hash that a name carries, a view of twelve lower-case hexadecimal digits: the part before the
 * last extension (`a.js.H.map`), or the last part of a name without one (`LICENSE.H`). Absent when
 * the name carries none. */
struct slice hashed_name_digits(struct slice name);

#endif
