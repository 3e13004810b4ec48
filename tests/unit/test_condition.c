#include "check.h"
#include "http/condition.h"

#define OURS "\"abc\""
#define OTHER "\"xyz\""
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACT "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define GO CONDITION_NONE
#define C304 CONDITION_NOT_MODIFIED
#define C412 CONDITION_FAILED

enum {
    MODIFIED = 784111777,
    NOW = 1700000000
};

static const struct validators dated = {{OURS, 5}, true, MODIFIED};
static const struct validators undated = {{OURS, 5}, false, 0};

static struct conditions sent(const char *if_match, const char *unmodified, const char *none_match,
                              const char *modified)
{
    return (struct conditions){.if_match = slice_of(if_match),
                               .if_unmodified_since = slice_of(unmodified),
                               .if_none_match = slice_of(none_match),
                               .if_modified_since = slice_of(modified)};
}

static void conditions_are_judged_in_the_order_of_rfc_9110_13_2_2(void **state)
{
    static const struct {
        const char *label, *match, *unmodified, *none_match, *modified;
        enum condition_verdict verdict;
    } rows[] = {
        {"none at all", NULL, NULL, NULL, NULL, GO},
        {"13.1.1 If-Match holds", OURS, NULL, NULL, NULL, GO},
        {"13.1.1 If-Match *", "*", NULL, NULL, NULL, GO},
        {"13.1.1 If-Match fails", OTHER, NULL, NULL, NULL, C412},
        {"13.1.1 If-Match compares strongly", "W/" OURS, NULL, NULL, NULL, C412},
        {"13.1.1 If-Match malformed", "abc", NULL, NULL, NULL, C412},
        {"13.1.1 If-Match with Apache's suffix", "\"abc-gzip\"", NULL, NULL, NULL, C412},
        {"13.1.2 If-None-Match equal", NULL, NULL, OURS, NULL, C304},
        {"13.1.2 If-None-Match weak", NULL, NULL, "W/" OURS, NULL, C304},
        {"13.1.2 If-None-Match *", NULL, NULL, "*", NULL, C304},
        {"13.1.2 If-None-Match other", NULL, NULL, OTHER, NULL, GO},
        {"13.1.2 If-None-Match malformed", NULL, NULL, "abc", NULL, GO},
        {"13.1.2 If-None-Match with Apache's suffix", NULL, NULL, "\"abc-br\"", NULL, C304},
        {"13.1.3 modified since before", NULL, NULL, NULL, BEFORE, GO},
        {"13.1.3 modified since exactly", NULL, NULL, NULL, EXACT, C304},
        {"13.1.3 modified since after", NULL, NULL, NULL, AFTER, C304},
        {"13.1.3 modified since far in the future", NULL, NULL, NULL,
         "Fri, 31 Dec 2099 00:00:00 GMT", C304},
        {"13.1.3 not a date", NULL, NULL, NULL, "yesterday", GO},
        {"13.1.3 junk behind the date", NULL, NULL, NULL, AFTER "; length=1", GO},
        {"13.1.3 more than one member", NULL, NULL, NULL, AFTER ", " AFTER, GO},
        {"13.1.3 empty", NULL, NULL, NULL, "", GO},
        {"13.1.4 unmodified since before", NULL, BEFORE, NULL, NULL, C412},
        {"13.1.4 unmodified since exactly", NULL, EXACT, NULL, NULL, GO},
        {"13.1.4 unmodified since after", NULL, AFTER, NULL, NULL, GO},
        {"13.1.4 not a date", NULL, "yesterday", NULL, NULL, GO},
        {"13.1.4 far in the future", NULL, "Fri, 31 Dec 2099 00:00:00 GMT", NULL, NULL, GO},
        {"step 1 over 2: If-Match holds, unmodified fails", OURS, BEFORE, NULL, NULL, GO},
        {"step 1 over 2: If-Match fails, unmodified holds", OTHER, AFTER, NULL, NULL, C412},
        {"step 3 over 4: tag differs, not modified", NULL, NULL, OTHER, AFTER, GO},
        {"step 3 over 4: tag equal, modified", NULL, NULL, OURS, BEFORE, C304},
        {"step 3 over 4: tag malformed, not modified", NULL, NULL, "abc", AFTER, GO},
        {"412 over 304: If-Match fails", OTHER, NULL, OURS, NULL, C412},
        {"412 over 304: unmodified fails", NULL, BEFORE, OURS, NULL, C412},
        {"1 holds, then 3", OURS, NULL, OURS, NULL, C304},
        {"1 holds, then 4", OURS, NULL, NULL, AFTER, C304},
        {"2 holds, then 3", NULL, AFTER, OURS, NULL, C304},
        {"2 holds, then 4", NULL, AFTER, NULL, AFTER, C304},
        {"all hold", OURS, AFTER, OTHER, BEFORE, GO},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conditions conditions =
            sent(rows[i].match, rows[i].unmodified, rows[i].none_match, rows[i].modified);
        enum condition_verdict verdict = condition_judge(&conditions, &dated, NOW);
        if (!CHECK(rows[i].label, verdict == rows[i].verdict)) {
            print_error("    verdict %d\n", (int)verdict);
        }
    }
    check_end();
}

static void dates_do_not_count_for_what_has_none(void **state)
{
    struct conditions unmodified = sent(NULL, BEFORE, NULL, NULL);
    struct conditions modified = sent(NULL, NULL, NULL, AFTER);
    struct conditions epoch = sent(NULL, NULL, NULL, "Thu, 01 Jan 1970 00:00:00 GMT");
    (void)state;
    assert_int_equal(condition_judge(&unmodified, &undated, NOW), CONDITION_NONE);
    assert_int_equal(condition_judge(&modified, &undated, NOW), CONDITION_NONE);
    assert_int_equal(condition_judge(&epoch, &undated, NOW), CONDITION_NONE);
}

static void a_range_counts_when_if_range_names_this_very_representation(void **state)
{
    static const struct {
        const char *label, *if_range;
        int64_t now;
        bool counts;
    } rows[] = {
        {"absent", NULL, NOW, true},
        {"13.1.5 our tag", OURS, NOW, true},
        {"13.1.5 our tag with spaces", " " OURS " ", NOW, true},
        {"13.1.5 another tag", OTHER, NOW, false},
        {"13.1.5 strong comparison", "W/" OURS, NOW, false},
        {"13.1.5 Apache's suffix", "\"abc-gzip\"", NOW, false},
        {"13.1.5 no list", OURS ", " OTHER, NOW, false},
        {"13.1.5 no *", "*", NOW, false},
        {"13.1.5 the exact date", EXACT, NOW, true},
        {"13.1.5 a date before", BEFORE, NOW, false},
        {"13.1.5 a date after", AFTER, NOW, false},
        {"13.1.5 rfc850", "Sunday, 06-Nov-94 08:49:37 GMT", NOW, true},
        {"13.1.5 not a date", "yesterday", NOW, false},
        {"empty", "", NOW, false},
        {"8.8.2.2 a date as young as the answer is weak", EXACT, MODIFIED, false},
        {"8.8.2.2 a second older is strong", EXACT, MODIFIED + 1, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conditions conditions = {.if_range = slice_of(rows[i].if_range)};
        CHECK(rows[i].label,
              condition_range_counts(&conditions, &dated, rows[i].now) == rows[i].counts);
    }
    struct conditions date = {.if_range = slice_of(EXACT)}, tag = {.if_range = slice_of(OURS)};
    CHECK("a date for what has none", !condition_range_counts(&date, &undated, NOW));
    CHECK("a tag for what has no date", condition_range_counts(&tag, &undated, NOW));
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_judged_in_the_order_of_rfc_9110_13_2_2),
        cmocka_unit_test(dates_do_not_count_for_what_has_none),
        cmocka_unit_test(a_range_counts_when_if_range_names_this_very_representation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
