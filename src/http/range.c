#include "http/range.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The parts while they are read: more than an answer may have, so that a later range can still join
 * earlier ones. */
enum {
    HELD_MAX = 64
};
struct held {
    size_t count;
    struct range part[HELD_MAX];
};

enum spec_verdict {
    SPEC_BAD, /* not well-formed, or not expressible: the whole field is ignored */
    SPEC_UNSATISFIABLE,
    SPEC_SATISFIABLE,
};

/* suffix-range = "-" suffix-length (RFC 9110 14.1.2) */
static enum spec_verdict parse_suffix(struct slice digits, uint64_t size, struct range *range)
{
    uint64_t length;
    if (!slice_number(digits, &length)) {
        return SPEC_BAD;
    }
    if (length == 0) {
        return SPEC_UNSATISFIABLE;
    }
    range->length = length < size ? length : size;
    range->first = size - range->length;
    /* The last bytes of an empty file are satisfiable, but no Content-Range can say so. */
    return size > 0 ? SPEC_SATISFIABLE : SPEC_BAD;
}

/* int-range = first-pos "-" [ last-pos ] */
static enum spec_verdict parse_spec(struct slice spec, uint64_t size, struct range *range)
{
    struct slice last_digits = spec;
    struct slice first_digits = slice_cut(&last_digits, '-');
    uint64_t first, last = UINT64_MAX;
    if (!last_digits.at) {
        return SPEC_BAD;
    }
    if (first_digits.len == 0) {
        return parse_suffix(last_digits, size, range);
    }
    if (!slice_number(first_digits, &first) ||
        (last_digits.len > 0 && !slice_number(last_digits, &last)) || last < first) {
        return SPEC_BAD;
    }
    if (first >= size) {
        return SPEC_UNSATISFIABLE;
    }
    uint64_t end = last < size - 1 ? last : size - 1;
    *range = (struct range){.first = first, .length = end - first + 1};
    return SPEC_SATISFIABLE;
}

static bool overlaps(const struct range *a, const struct range *b)
{
    return a->first < b->first + b->length && b->first < a->first + a->length;
}

static void unite(struct range *into, const struct range *other)
{
    uint64_t end = into->first + into->length, other_end = other->first + other->length;
    into->first = into->first < other->first ? into->first : other->first;
    into->length = (end > other_end ? end : other_end) - into->first;
}

/* Adds one part; those that it overlaps become one with it, in the place of the first of them. One
 * pass is enough: the held parts are apart, so joining some of them never reaches another. False
 * when there is no room. */
static bool add_part(struct held *held, struct range one)
{
    size_t kept = 0, place = HELD_MAX;
    for (size_t i = 0; i < held->count; i++) {
        if (!overlaps(&held->part[i], &one)) {
            held->part[kept++] = held->part[i];
            continue;
        }
        unite(&one, &held->part[i]);
        place = place < HELD_MAX ? place : kept++;
    }
    if (place == HELD_MAX) {
        place = kept++;
    }
    if (place == HELD_MAX) {
        return false;
    }
    held->part[place] = one;
    held->count = kept;
    return true;
}

/* range-set = 1#range-spec. False when the field is to be ignored. */
static bool parse_specs(struct slice rest, uint64_t size, struct held *held)
{
    size_t specs = 0;
    while (rest.at) {
        struct slice spec = slice_trim(slice_cut(&rest, ','));
        struct range one;
        if (spec.len == 0) { /* empty elements are legal (RFC 9110 5.6.1.2) */
            continue;
        }
        enum spec_verdict verdict = parse_spec(spec, size, &one);
        if (verdict == SPEC_BAD || (verdict == SPEC_SATISFIABLE && !add_part(held, one))) {
            return false;
        }
        specs++;
    }
    return specs > 0;
}

enum range_verdict range_parse(struct slice field, uint64_t size, struct range_set *set)
{
    struct held held = {.count = 0};
    struct slice rest = field;
    struct slice unit = slice_cut(&rest, '=');
    set->count = 0;
    if (!slice_equal_nocase(unit, "bytes") || !parse_specs(rest, size, &held) ||
        held.count > RANGE_PARTS_MAX) {
        return RANGE_WHOLE;
    }
    memcpy(set->part, held.part, held.count * sizeof *held.part);
    set->count = (unsigned)held.count;
    return held.count > 0 ? RANGE_PARTS : RANGE_UNSATISFIABLE;
}

void range_write(const struct range *range, uint64_t size, char text[RANGE_TEXT_SIZE])
{
    if (!range) {
        snprintf(text, RANGE_TEXT_SIZE, "bytes */%" PRIu64, size);
        return;
    }
    snprintf(text, RANGE_TEXT_SIZE, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
             range->first + range->length - 1, size);
}

static bool is_short_number(struct slice digits, uint64_t *number)
{
    return digits.len == 0 || (digits.len <= 18 && slice_number(digits, number));
}

bool range_is_ordinary(struct slice field)
{
    struct slice last_digits = slice_from(field, 6);
    struct slice first_digits = slice_cut(&last_digits, '-');
    uint64_t first = 0, last = UINT64_MAX;
    return slice_starts(field, slice_of("bytes=")) && last_digits.at &&
           first_digits.len + last_digits.len > 0 && is_short_number(first_digits, &first) &&
           is_short_number(last_digits, &last) && first <= last;
}
