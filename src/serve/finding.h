/* Whether the bytes of a file agree with the hash in its name. What was found is kept in a table of
 * the process, by the identity of the file, so that each file is read once. */
#ifndef SERVE_FINDING_H
#define SERVE_FINDING_H

#include "base/slice.h"

#include <stdint.h>
#include <sys/stat.h>

enum finding {
    FINDING_AGREES,    /* the md5 begins with the hash */
    FINDING_DIFFERS,   /* it does not, and the file is at rest */
    FINDING_IN_MOTION, /* it does not, and somebody was writing to it a moment ago */
    FINDING_FAILED,    /* it could not be read; errno says why */
};

/* Two seconds without a change: a file is taken as completely written. */
enum {
    FINDING_REST_SECONDS = 2
};

/* Compares an open file with `hash` (twelve hexadecimal digits). `status` is what fstat said of the
 * descriptor, `now` seconds since 1970. */
enum finding finding_of(int fd, const struct stat *status, struct slice hash, int64_t now);

/* Whether the file was changed in the last FINDING_REST_SECONDS, counted in whole seconds: for one
 * to two of them after a change. */
bool finding_is_in_motion(const struct stat *status, int64_t now);

#endif
