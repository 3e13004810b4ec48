#include "check.h"
#include "http/range.h"

#include <string.h>

#define BIG "99999999999999999999"

static void a_range_field_is_read_for_a_size(void **state)
{
    static const struct {
        const char *label, *field;
        uint64_t size;
        enum range_verdict verdict;
        uint64_t first, length;
    } rows[] = {
        {"RFC 9110 14.1.2 first 500 bytes", "bytes=0-499", 10000, RANGE_ONE, 0, 500},
        {"RFC 9110 14.1.2 second 500 bytes", "bytes=500-999", 10000, RANGE_ONE, 500, 500},
        {"RFC 9110 14.1.2 last 500 bytes", "bytes=-500", 10000, RANGE_ONE, 9500, 500},
        {"RFC 9110 14.1.2 from 9500 on", "bytes=9500-", 10000, RANGE_ONE, 9500, 500},
        {"RFC 9110 14.1.2 first and last byte", "bytes=0-0,-1", 10000, RANGE_SEVERAL, 0, 1},
        {"RFC 9110 14.1.2 several", "bytes= 0-999, 4500-5499, -1000", 10000, RANGE_SEVERAL, 0,
         1000},
        {"first byte", "bytes=0-0", 10, RANGE_ONE, 0, 1},
        {"last byte", "bytes=9-9", 10, RANGE_ONE, 9, 1},
        {"last byte, open", "bytes=9-", 10, RANGE_ONE, 9, 1},
        {"all, open", "bytes=0-", 10, RANGE_ONE, 0, 10},
        {"last position past the end", "bytes=5-100", 10, RANGE_ONE, 5, 5},
        {"last position one past the end", "bytes=5-10", 10, RANGE_ONE, 5, 5},
        {"suffix of all", "bytes=-10", 10, RANGE_ONE, 0, 10},
        {"suffix longer than all", "bytes=-11", 10, RANGE_ONE, 0, 10},
        {"leading zeros", "bytes=0000-0001", 10, RANGE_ONE, 0, 2},
        {"beyond the end", "bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"closed beyond the end", "bytes=10-20", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"RFC 9110 14.1.2 suffix of nothing", "bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"20 digits, first", "bytes=" BIG "-", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"20 digits, last", "bytes=5-" BIG, 10, RANGE_ONE, 5, 5},
        {"20 digits, suffix", "bytes=-" BIG, 10, RANGE_ONE, 0, 10},
        {"2^64 wraps to nothing", "bytes=18446744073709551616-18446744073709551617", 10,
         RANGE_UNSATISFIABLE, 0, 0},
        {"2^64 + 5 as last", "bytes=0-18446744073709551621", 10, RANGE_ONE, 0, 10},
        {"2^64 - 1 as last", "bytes=0-18446744073709551615", 10, RANGE_ONE, 0, 10},
        {"one satisfiable of two", "bytes=20-30,1-2", 10, RANGE_ONE, 1, 2},
        {"two satisfiable of three", "bytes=1-2,20-,3-4", 10, RANGE_SEVERAL, 1, 2},
        {"none satisfiable of two", "bytes=20-30,-0", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"RFC 9110 5.6.1.2 empty elements", "bytes=,1-2,,", 10, RANGE_ONE, 1, 2},
        {"RFC 9110 14.1 unit in any case", "Bytes=1-2", 10, RANGE_ONE, 1, 2},
        {"RFC 9110 14.2 another unit", "items=1-2", 10, RANGE_WHOLE, 0, 0},
        {"no unit", "1-2", 10, RANGE_WHOLE, 0, 0},
        {"empty unit", "=1-2", 10, RANGE_WHOLE, 0, 0},
        {"no specs", "bytes=", 10, RANGE_WHOLE, 0, 0},
        {"only commas", "bytes=,,", 10, RANGE_WHOLE, 0, 0},
        {"no =", "bytes", 10, RANGE_WHOLE, 0, 0},
        {"RFC 9110 14.1.2 last before first", "bytes=5-4", 10, RANGE_WHOLE, 0, 0},
        {"one bad of two", "bytes=0-1,5-4", 10, RANGE_WHOLE, 0, 0},
        {"one bad of two, the bad one first", "bytes=x,0-1", 10, RANGE_WHOLE, 0, 0},
        {"no numbers", "bytes=-", 10, RANGE_WHOLE, 0, 0},
        {"no dash", "bytes=5", 10, RANGE_WHOLE, 0, 0},
        {"two dashes", "bytes=--5", 10, RANGE_WHOLE, 0, 0},
        {"three numbers", "bytes=1-2-3", 10, RANGE_WHOLE, 0, 0},
        {"a sign", "bytes=+1-2", 10, RANGE_WHOLE, 0, 0},
        {"hexadecimal", "bytes=0x1-0x2", 10, RANGE_WHOLE, 0, 0},
        {"a space inside", "bytes=1 - 2", 10, RANGE_WHOLE, 0, 0},
        {"RFC 9110 14.1.1: no space before =", "bytes =1-2", 10, RANGE_WHOLE, 0, 0},
        {"junk behind", "bytes=1-2;x", 10, RANGE_WHOLE, 0, 0},
        {"bytes over 127", "bytes=\xb1-\xb2", 10, RANGE_WHOLE, 0, 0},
        {"an empty file, first byte", "bytes=0-0", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"an empty file, open", "bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"an empty file, suffix", "bytes=-5", 0, RANGE_WHOLE, 0, 0},
        {"a huge file", "bytes=9223372036854775808-", UINT64_MAX, RANGE_ONE, 9223372036854775808u,
         9223372036854775807u},
        {"absent", NULL, 10, RANGE_WHOLE, 0, 0},
        {"empty", "", 10, RANGE_WHOLE, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct range range = {0};
        enum range_verdict verdict = range_parse(slice_of(rows[i].field), rows[i].size, &range);
        if (!CHECK(rows[i].label, verdict == rows[i].verdict)) {
            print_error("    verdict %d\n", (int)verdict);
        }
        if (verdict == RANGE_ONE) {
            CHECK(rows[i].label, range.first == rows[i].first && range.length == rows[i].length);
        }
    }
    check_end();
}

static void a_range_lies_inside_every_size(void **state)
{
    static const char *const fields[] = {"bytes=0-",     "bytes=3-7",   "bytes=-4",
                                         "bytes=7-" BIG, "bytes=-" BIG, "bytes=0-0"};
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        for (uint64_t size = 0; size < 20; size++) {
            struct range range = {0};
            if (range_parse(slice_of(fields[i]), size, &range) == RANGE_ONE) {
                CHECK(fields[i],
                      range.length > 0 && range.first < size && range.length <= size - range.first);
            }
        }
    }
    check_end();
}

static void only_what_every_server_reads_alike_is_ordinary(void **state)
{
    static const struct {
        const char *label, *field;
        bool ordinary;
    } rows[] = {
        {"closed", "bytes=0-499", true},
        {"open", "bytes=5-", true},
        {"suffix", "bytes=-5", true},
        {"18 digits", "bytes=0-999999999999999999", true},
        {"19 digits", "bytes=0-9999999999999999999", false},
        {"19 digits, first", "bytes=9999999999999999999-", false},
        {"20 digits, suffix", "bytes=-" BIG, false},
        {"two ranges", "bytes=0-1,3-4", false},
        {"an empty element", "bytes=0-1,", false},
        {"a space behind =", "bytes= 0-1", false},
        {"a space before =", "bytes =0-1", false},
        {"a space at the end", "bytes=0-1 ", false},
        {"a space inside", "bytes=0 -1", false},
        {"a tab", "bytes=\t0-1", false},
        {"another case", "Bytes=0-1", false},
        {"another unit", "items=0-1", false},
        {"no numbers", "bytes=-", false},
        {"no dash", "bytes=5", false},
        {"two dashes", "bytes=0-1-", false},
        {"letters", "bytes=a-b", false},
        {"nothing", "bytes=", false},
        {"empty", "", false},
        {"absent", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label, range_is_ordinary(slice_of(rows[i].field)) == rows[i].ordinary);
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_field_is_read_for_a_size),
        cmocka_unit_test(a_range_lies_inside_every_size),
        cmocka_unit_test(only_what_every_server_reads_alike_is_ordinary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
