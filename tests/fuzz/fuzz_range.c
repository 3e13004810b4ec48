/* A Range field for a size. A range lies inside; what is ordinary is one range or none. */
#include "fuzz.h"
#include "http/range.h"

static void check(struct slice field, uint64_t size)
{
    struct range range = {UINT64_MAX, UINT64_MAX};
    enum range_verdict verdict = range_parse(field, size, &range);
    if (verdict == RANGE_ONE || verdict == RANGE_SEVERAL) {
        MUST(range.length > 0 && range.first < size && range.length <= size - range.first);
    }
    if (range_is_ordinary(field)) {
        MUST(verdict != RANGE_SEVERAL);
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
