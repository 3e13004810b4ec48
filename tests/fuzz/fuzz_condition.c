/* The five conditional fields, separated by line feeds. */
#include "fuzz.h"
#include "http/condition.h"

/* A field is absent when its line is empty. */
static struct slice take_line(struct slice *rest)
{
    struct slice line = rest->at ? slice_cut(rest, '\n') : (struct slice){0};
    return line.len > 0 ? line : (struct slice){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now = (int64_t)(fuzz_number(&data, &size) % 253402300800u);
    char *fields = fuzz_copy(data, size);
    struct slice rest = {fields, size};
    struct conditions sent;
    sent.if_match = take_line(&rest);
    sent.if_unmodified_since = take_line(&rest);
    sent.if_none_match = take_line(&rest);
    sent.if_modified_since = take_line(&rest);
    sent.if_range = take_line(&rest);
    const struct validators ours = {slice_of("\"27e20196a850\""), true, 784111777};
    const struct validators undated = {slice_of("\"27e20196a850\""), false, 0};
    enum condition_verdict verdict = condition_judge(&sent, &ours, now);
    MUST(verdict != CONDITION_FAILED || sent.if_match.at || sent.if_unmodified_since.at);
    MUST(verdict != CONDITION_NOT_MODIFIED || sent.if_none_match.at || sent.if_modified_since.at);
    /* RFC 9110 13.1.3 and 13.1.4: a date is ignored beside the tag of its kind. */
    if (sent.if_match.at && sent.if_none_match.at) {
        MUST(condition_judge(&sent, &undated, now) == verdict);
    }
    MUST(sent.if_range.at || condition_range_counts(&sent, &ours, now));
    if (condition_range_counts(&sent, &undated, now)) {
        MUST(condition_range_counts(&sent, &ours, now));
    }
    free(fields);
    return 0;
}
