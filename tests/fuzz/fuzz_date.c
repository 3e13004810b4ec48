/* A date, and the writing of one. What is read from the years that are written comes back. */
#include "fuzz.h"
#include "http/date.h"

static void check_round_trip(int64_t seconds, int64_t now)
{
    char text[DATE_SIZE];
    int64_t again;
    date_write(seconds, text);
    MUST(strlen(text) == DATE_SIZE - 1);
    MUST(date_parse(slice_of(text), now, &again));
    if (seconds >= 0 && seconds <= 253402300799) {
        MUST(again == seconds);
    } else {
        MUST(again == 0 || again == 253402300799);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A clock that an answer can have. */
    int64_t now = (int64_t)(fuzz_number(&data, &size) % 253402300800u), seconds;
    char *field = fuzz_copy(data, size);
    check_round_trip((int64_t)(uint64_t)now, now);
    if (date_parse((struct slice){field, size}, now, &seconds)) {
        check_round_trip(seconds, now);
        MUST(size >= 24);
    }
    free(field);
    return 0;
}
