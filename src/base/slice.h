/* A view of bytes that somebody else owns: not NUL-terminated, never freed through the view.
 * An absent value (a header that was not sent) has at == NULL; an empty one has len == 0 only. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *at;
    size_t len;
};

/* A view of a C string; NULL gives an absent slice. */
struct slice slice_of(const char *text);

bool slice_equal(struct slice a, struct slice b);

/* ASCII letters compare without case, whatever the locale. */
bool slice_equal_nocase(struct slice a, const char *b);
bool slice_starts(struct slice text, struct slice prefix);
bool slice_ends(struct slice text, struct slice suffix);

/* The part from `from` on; past the end it is empty. */
struct slice slice_from(struct slice text, size_t from);

/* Whether it holds a control byte of ASCII: NUL, tab, line breaks, DEL and the like. */
bool slice_has_control(struct slice text);

/* Without spaces and tabs at both ends (RFC 9110 5.6.3, OWS). */
struct slice slice_trim(struct slice text);

/* Cuts *rest at the first `mark`: returns what stood before it, *rest becomes what stands behind it
 * (absent when there was no mark). Call until *rest is absent. */
struct slice slice_cut(struct slice *rest, char mark);

/* What stands behind the last `mark`; all of it when there is none. */
struct slice slice_behind_last(struct slice text, char mark);

/* Reads decimal digits; a number too large for 64 bits counts as the largest. False: it is not of
 * digits alone, or empty. */
bool slice_number(struct slice digits, uint64_t *number);

/* Copies into a NUL-terminated buffer; false when it does not fit or holds a NUL. */
bool slice_copy(struct slice text, char *buffer, size_t size);

#endif
