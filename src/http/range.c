#include "http/range.h"

enum spec_verdict {
    SPEC_BAD, /* not well-formed, or not expressible: the whole field is ignored */
    SPEC_UNSATISFIABLE,
    SPEC_SATISFIABLE,
};

/* Decimal digits; a number too large for 64 bits counts as the largest. */
static bool parse_position(struct slice digits, uint64_t *position)
{
    *position = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.at[i] - '0');
        if (digit > 9) {
            return false;
        }
        *position = *position > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *position * 10 + digit;
    }
    return digits.len > 0;
}

/* suffix-range = "-" suffix-length (RFC 9110 14.1.2) */
static enum spec_verdict parse_suffix(struct slice digits, uint64_t size, struct range *range)
{
    uint64_t length;
    if (!parse_position(digits, &length)) {
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
    if (!parse_position(first_digits, &first) ||
        (last_digits.len > 0 && !parse_position(last_digits, &last)) || last < first) {
        return SPEC_BAD;
    }
    if (first >= size) {
        return SPEC_UNSATISFIABLE;
    }
    uint64_t end = last < size - 1 ? last : size - 1;
    *range = (struct range){.first = first, .length = end - first + 1};
    return SPEC_SATISFIABLE;
}

enum range_verdict range_parse(struct slice field, uint64_t size, struct range *range)
{
    struct slice rest = field;
    struct slice unit = slice_cut(&rest, '=');
    size_t satisfiable = 0, specs = 0;
    if (!rest.at || !slice_equal_nocase(unit, "bytes")) {
        return RANGE_WHOLE;
    }
    while (rest.at) {
        struct slice spec = slice_trim(slice_cut(&rest, ','));
        struct range one;
        if (spec.len == 0) { /* empty elements are legal (RFC 9110 5.6.1.2) */
            continue;
        }
        enum spec_verdict verdict = parse_spec(spec, size, &one);
        if (verdict == SPEC_BAD) {
            return RANGE_WHOLE;
        }
        specs++;
        if (verdict == SPEC_SATISFIABLE && satisfiable++ == 0) {
            *range = one;
        }
    }
    if (specs == 0) {
        return RANGE_WHOLE;
    }
    return satisfiable == 0 ? RANGE_UNSATISFIABLE : satisfiable == 1 ? RANGE_ONE : RANGE_SEVERAL;
}

static bool is_short_number(struct slice digits, uint64_t *number)
{
    return digits.len == 0 || (digits.len <= 18 && parse_position(digits, number));
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
