/* A Range field for a size. Parts lie inside and apart, and asking for just them gives them again;
 * what is ordinary is one range or none. */
#include "fuzz.h"
#include "http/range.h"

#include <inttypes.h>

static void check_apart(const struct range *a, const struct range *b)
{
    MUST(a->first + a->length <= b->first || b->first + b->length <= a->first);
}

static void check_again(const struct range_set *set, uint64_t size)
{
    static char field[RANGE_PARTS_MAX * 64];
    size_t len = (size_t)sprintf(field, "bytes=");
    for (unsigned i = 0; i < set->count; i++) {
        const struct range *part = &set->part[i];
        len += (size_t)sprintf(field + len, "%" PRIu64 "-%" PRIu64 ",", part->first,
                               part->first + part->length - 1);
    }
    struct range_set again;
    MUST(range_parse(slice_of(field), size, &again) == RANGE_PARTS);
    MUST(again.count == set->count);
    MUST(memcmp(again.part, set->part, set->count * sizeof *set->part) == 0);
}

static void check(struct slice field, uint64_t size)
{
    struct range_set set = {.count = 99};
    enum range_verdict verdict = range_parse(field, size, &set);
    MUST(set.count <= RANGE_PARTS_MAX && (set.count > 0) == (verdict == RANGE_PARTS));
    for (unsigned i = 0; i < set.count; i++) {
        const struct range *part = &set.part[i];
        MUST(part->length > 0 && part->first < size && part->length <= size - part->first);
        for (unsigned j = 0; j < i; j++) {
            check_apart(part, &set.part[j]);
        }
    }
    if (verdict == RANGE_PARTS) {
        check_again(&set, size);
    }
    if (range_is_ordinary(field)) {
        MUST(set.count <= 1);
        MUST(!memchr(field.at, ' ', field.len) && !memchr(field.at, ',', field.len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t number = fuzz_number(&data, &size);
    char *field = fuzz_copy(data, size);
    struct slice slice = {field, size};
    check(slice, number);
    check(slice, number & 0xffff);
    check(slice, 0);
    check(slice, UINT64_MAX);
    free(field);
    return 0;
}
