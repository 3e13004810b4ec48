#include "check.h"
#include "http/range.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define BIG "99999999999999999999"

/* "first-last" of every part, a space between them. */
static void describe(const struct range_set *set, char *text)
{
    *text = '\0';
    for (unsigned i = 0; i < set->count; i++) {
        const struct range *part = &set->part[i];
        text += sprintf(text, "%s%" PRIu64 "-%" PRIu64, i > 0 ? " " : "", part->first,
                        part->first + part->length - 1);
    }
}

static void a_range_field_is_read_for_a_size(void **state)
{
    static const struct {
        const char *label, *field;
        uint64_t size;
        enum range_verdict verdict;
        const char *parts;
    } rows[] = {
        {"RFC 9110 14.1.2 first 500 bytes", "bytes=0-499", 10000, RANGE_PARTS, "0-499"},
        {"RFC 9110 14.1.2 second 500 bytes", "bytes=500-999", 10000, RANGE_PARTS, "500-999"},
        {"RFC 9110 14.1.2 last 500 bytes", "bytes=-500", 10000, RANGE_PARTS, "9500-9999"},
        {"RFC 9110 14.1.2 from 9500 on", "bytes=9500-", 10000, RANGE_PARTS, "9500-9999"},
        {"RFC 9110 14.1.2 first and last byte", "bytes=0-0,-1", 10000, RANGE_PARTS,
         "0-0 9999-9999"},
        {"RFC 9110 14.1.2 several", "bytes= 0-999, 4500-5499, -1000", 10000, RANGE_PARTS,
         "0-999 4500-5499 9000-9999"},
        {"first byte", "bytes=0-0", 10, RANGE_PARTS, "0-0"},
        {"last byte", "bytes=9-9", 10, RANGE_PARTS, "9-9"},
        {"last byte, open", "bytes=9-", 10, RANGE_PARTS, "9-9"},
        {"all, open", "bytes=0-", 10, RANGE_PARTS, "0-9"},
        {"last position past the end", "bytes=5-100", 10, RANGE_PARTS, "5-9"},
        {"last position one past the end", "bytes=5-10", 10, RANGE_PARTS, "5-9"},
        {"suffix of all", "bytes=-10", 10, RANGE_PARTS, "0-9"},
        {"suffix longer than all", "bytes=-11", 10, RANGE_PARTS, "0-9"},
        {"leading zeros", "bytes=0000-0001", 10, RANGE_PARTS, "0-1"},
        {"beyond the end", "bytes=10-", 10, RANGE_UNSATISFIABLE, ""},
        {"closed beyond the end", "bytes=10-20", 10, RANGE_UNSATISFIABLE, ""},
        {"RFC 9110 14.1.2 suffix of nothing", "bytes=-0", 10, RANGE_UNSATISFIABLE, ""},
        {"20 digits, first", "bytes=" BIG "-", 10, RANGE_UNSATISFIABLE, ""},
        {"20 digits, last", "bytes=5-" BIG, 10, RANGE_PARTS, "5-9"},
        {"20 digits, suffix", "bytes=-" BIG, 10, RANGE_PARTS, "0-9"},
        {"2^64 wraps to nothing", "bytes=18446744073709551616-18446744073709551617", 10,
         RANGE_UNSATISFIABLE, ""},
        {"2^64 + 5 as last", "bytes=0-18446744073709551621", 10, RANGE_PARTS, "0-9"},
        {"2^64 - 1 as last", "bytes=0-18446744073709551615", 10, RANGE_PARTS, "0-9"},
        {"one satisfiable of two", "bytes=20-30,1-2", 10, RANGE_PARTS, "1-2"},
        {"two satisfiable of three", "bytes=1-2,20-,3-4", 10, RANGE_PARTS, "1-2 3-4"},
        {"none satisfiable of two", "bytes=20-30,-0", 10, RANGE_UNSATISFIABLE, ""},
        {"in the order asked", "bytes=8-,4-5,0-1", 10, RANGE_PARTS, "8-9 4-5 0-1"},
        {"RFC 9110 14.1.2 overlapping", "bytes=500-700,601-999", 10000, RANGE_PARTS, "500-999"},
        {"RFC 9110 14.1.2 adjacent", "bytes=500-600,601-999", 10000, RANGE_PARTS,
         "500-600 601-999"},
        {"RFC 9110 15.3.7.2 one byte in common", "bytes=0-4,4-9", 10, RANGE_PARTS, "0-9"},
        {"adjacent, the later one first", "bytes=5-9,0-4", 10, RANGE_PARTS, "5-9 0-4"},
        {"the same twice", "bytes=1-2,1-2", 10, RANGE_PARTS, "1-2"},
        {"one inside another", "bytes=0-8,3-4", 10, RANGE_PARTS, "0-8"},
        {"one around another", "bytes=3-4,0-8", 10, RANGE_PARTS, "0-8"},
        {"a suffix overlaps", "bytes=5-7,-4", 10, RANGE_PARTS, "5-9"},
        {"RFC 9110 15.3.7.2 in the place of the first", "bytes=5-6,0-1,6-8", 10, RANGE_PARTS,
         "5-8 0-1"},
        {"a later one joins two", "bytes=0-2,9-9,4-6,2-4", 10, RANGE_PARTS, "0-6 9-9"},
        {"a later one joins two, the upper one first", "bytes=4-6,9-9,0-2,2-4", 10, RANGE_PARTS,
         "0-6 9-9"},
        {"a later one joins all", "bytes=8-8,4-4,6-6,2-2,0-", 10, RANGE_PARTS, "0-9"},
        {"RFC 9110 5.6.1.2 empty elements", "bytes=,1-2,,", 10, RANGE_PARTS, "1-2"},
        {"RFC 9110 14.1 unit in any case", "Bytes=1-2", 10, RANGE_PARTS, "1-2"},
        {"RFC 9110 14.2 another unit", "items=1-2", 10, RANGE_WHOLE, ""},
        {"no unit", "1-2", 10, RANGE_WHOLE, ""},
        {"empty unit", "=1-2", 10, RANGE_WHOLE, ""},
        {"no specs", "bytes=", 10, RANGE_WHOLE, ""},
        {"only commas", "bytes=,,", 10, RANGE_WHOLE, ""},
        {"no =", "bytes", 10, RANGE_WHOLE, ""},
        {"RFC 9110 14.1.2 last before first", "bytes=5-4", 10, RANGE_WHOLE, ""},
        {"one bad of two", "bytes=0-1,5-4", 10, RANGE_WHOLE, ""},
        {"one bad of two, the bad one first", "bytes=x,0-1", 10, RANGE_WHOLE, ""},
        {"no numbers", "bytes=-", 10, RANGE_WHOLE, ""},
        {"no dash", "bytes=5", 10, RANGE_WHOLE, ""},
        {"two dashes", "bytes=--5", 10, RANGE_WHOLE, ""},
        {"three numbers", "bytes=1-2-3", 10, RANGE_WHOLE, ""},
        {"a sign", "bytes=+1-2", 10, RANGE_WHOLE, ""},
        {"hexadecimal", "bytes=0x1-0x2", 10, RANGE_WHOLE, ""},
        {"a space inside", "bytes=1 - 2", 10, RANGE_WHOLE, ""},
        {"RFC 9110 14.1.1: no space before =", "bytes =1-2", 10, RANGE_WHOLE, ""},
        {"junk behind", "bytes=1-2;x", 10, RANGE_WHOLE, ""},
        {"bytes over 127", "bytes=\xb1-\xb2", 10, RANGE_WHOLE, ""},
        {"an empty file, first byte", "bytes=0-0", 0, RANGE_UNSATISFIABLE, ""},
        {"an empty file, open", "bytes=0-", 0, RANGE_UNSATISFIABLE, ""},
        {"an empty file, suffix", "bytes=-5", 0, RANGE_WHOLE, ""},
        {"a huge file", "bytes=9223372036854775808-", UINT64_MAX, RANGE_PARTS,
         "9223372036854775808-18446744073709551614"},
        {"absent", NULL, 10, RANGE_WHOLE, ""},
        {"empty", "", 10, RANGE_WHOLE, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct range_set set = {.count = 99};
        char parts[1024];
        enum range_verdict verdict = range_parse(slice_of(rows[i].field), rows[i].size, &set);
        describe(&set, parts);
        if (!CHECK(rows[i].label, verdict == rows[i].verdict) ||
            !CHECK(rows[i].label, strcmp(parts, rows[i].parts) == 0)) {
            print_error("    verdict %d, \"%s\"\n", (int)verdict, parts);
        }
    }
    check_end();
}

/* A field of `count` ranges of one byte, `step` bytes apart, and `last` behind them. */
static void spread(char *field, unsigned count, unsigned step, const char *last)
{
    field += sprintf(field, "bytes=");
    for (unsigned i = 0; i < count; i++) {
        field += sprintf(field, "%u-%u,", i * step, i * step);
    }
    strcpy(field, last);
}

static void more_parts_than_an_answer_may_have_are_everything(void **state)
{
    static const struct {
        const char *label;
        unsigned count, step;
        const char *last;
        enum range_verdict verdict;
        unsigned parts;
    } rows[] = {
        {"RFC 9110 17.15: 16 parts", 16, 2, "", RANGE_PARTS, 16},
        {"RFC 9110 17.15: 17 parts", 17, 2, "", RANGE_WHOLE, 0},
        {"16 adjacent parts", 16, 1, "", RANGE_PARTS, 16},
        {"17 adjacent parts", 17, 1, "", RANGE_WHOLE, 0},
        {"16 and one beyond the end", 16, 2, "9999-", RANGE_PARTS, 16},
        {"17, the last of which joins two", 16, 2, "1-2", RANGE_PARTS, 16},
        {"17, the last of which joins three", 16, 2, "2-4", RANGE_PARTS, 15},
        {"64, and one joins all", 64, 2, "0-", RANGE_PARTS, 1},
        {"64, and one joins all but 15", 64, 2, "0-97", RANGE_PARTS, 16},
        {"64, and one joins all but 16", 64, 2, "0-95", RANGE_WHOLE, 0},
        {"65, and one would join all", 65, 2, "0-", RANGE_WHOLE, 0},
        {"1000 times the same", 1000, 0, "", RANGE_PARTS, 1},
        {"64, one that joins all, and a bad one", 64, 2, "0-,x", RANGE_WHOLE, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char field[16384];
        struct range_set set;
        spread(field, rows[i].count, rows[i].step, rows[i].last);
        enum range_verdict verdict = range_parse(slice_of(field), 1000, &set);
        if (!CHECK(rows[i].label, verdict == rows[i].verdict && set.count == rows[i].parts)) {
            print_error("    verdict %d, %u parts\n", (int)verdict, set.count);
        }
    }
    check_end();
}

/* What the header says, done at length: two that overlap become one in the place of the first, from
 * the start again until none do. */
static void merge(struct range_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        for (unsigned j = i + 1; j < set->count; j++) {
            struct range *a = &set->part[i], b = set->part[j];
            uint64_t a_end = a->first + a->length, b_end = b.first + b.length;
            if (a->first >= b_end || b.first >= a_end) {
                continue;
            }
            a->first = a->first < b.first ? a->first : b.first;
            a->length = (a_end > b_end ? a_end : b_end) - a->first;
            set->count--;
            memmove(&set->part[j], &set->part[j + 1], (set->count - j) * sizeof b);
            i = UINT_MAX; /* from the start */
            break;
        }
    }
}

static void parts_are_what_merging_all_that_overlap_leaves(void **state)
{
    enum {
        SIZE = 6,
        ASKED = 4,
        RANGES = SIZE * (SIZE + 1) / 2
    };
    struct range all[RANGES];
    unsigned known = 0;
    (void)state;
    for (uint64_t first = 0; first < SIZE; first++) {
        for (uint64_t last = first; last < SIZE; last++) {
            all[known++] = (struct range){first, last - first + 1};
        }
    }
    for (unsigned n = 0; n < RANGES * RANGES * RANGES * RANGES; n++) {
        char field[64] = "bytes=", asked[64], got[1024], expected[1024];
        struct range_set naive = {.count = ASKED}, set;
        for (unsigned i = 0, left = n; i < ASKED; i++, left /= RANGES) {
            struct range *range = &all[left % RANGES];
            naive.part[i] = *range;
            snprintf(asked, sizeof asked, "%d-%d,", (int)range->first,
                     (int)(range->first + range->length - 1));
            strcat(field, asked);
        }
        merge(&naive);
        describe(&naive, expected);
        assert_int_equal(range_parse(slice_of(field), SIZE, &set), RANGE_PARTS);
        describe(&set, got);
        CHECK(field, strcmp(got, expected) == 0);
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
            struct range_set set;
            if (range_parse(slice_of(fields[i]), size, &set) == RANGE_PARTS) {
                struct range range = set.part[0];
                CHECK(fields[i], set.count == 1);
                CHECK(fields[i],
                      range.length > 0 && range.first < size && range.length <= size - range.first);
            }
        }
    }
    check_end();
}

static void content_range_says_what_is_sent(void **state)
{
    static const struct {
        const char *label;
        struct range range;
        uint64_t size;
        const char *text;
    } rows[] = {
        {"RFC 9110 14.4 first 500 bytes", {0, 500}, 1234, "bytes 0-499/1234"},
        {"RFC 9110 14.4 second 500 bytes", {500, 500}, 1234, "bytes 500-999/1234"},
        {"RFC 9110 14.4 last 500 bytes", {734, 500}, 1234, "bytes 734-1233/1234"},
        {"one byte", {0, 1}, 1, "bytes 0-0/1"},
        {"RFC 9110 15.5.17 unsatisfied", {0, 0}, 1234, "bytes */1234"},
        {"RFC 9110 15.5.17 unsatisfied, nothing there", {0, 0}, 0, "bytes */0"},
        {"the largest",
         {UINT64_MAX - 1, 1},
         UINT64_MAX,
         "bytes 18446744073709551614-18446744073709551614/18446744073709551615"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[RANGE_TEXT_SIZE];
        range_write(rows[i].range.length > 0 ? &rows[i].range : NULL, rows[i].size, text);
        if (!CHECK(rows[i].label, strcmp(text, rows[i].text) == 0)) {
            print_error("    %s\n", text);
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
        cmocka_unit_test(more_parts_than_an_answer_may_have_are_everything),
        cmocka_unit_test(parts_are_what_merging_all_that_overlap_leaves),
        cmocka_unit_test(a_range_lies_inside_every_size),
        cmocka_unit_test(content_range_says_what_is_sent),
        cmocka_unit_test(only_what_every_server_reads_alike_is_ordinary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
