#include "base/slice.h"
#include "check.h"

#include <string.h>

static void a_slice_of_null_is_absent_and_one_of_an_empty_string_is_not(void **state)
{
    (void)state;
    assert_null(slice_of(NULL).at);
    assert_int_equal(slice_of(NULL).len, 0);
    assert_non_null(slice_of("").at);
    assert_int_equal(slice_of("abc").len, 3);
}

static void two_slices_are_compared_by_their_bytes(void **state)
{
    static const struct {
        const char *label, *a, *b;
        bool equal, starts, ends, nocase;
    } rows[] = {
        {"the same", "abc", "abc", true, true, true, true},
        {"another case", "aBc", "AbC", false, false, false, true},
        {"a prefix", "abc", "ab", false, true, false, false},
        {"a suffix", "abc", "bc", false, false, true, false},
        {"longer than the text", "ab", "abc", false, false, false, false},
        {"everything begins with nothing", "abc", "", false, true, true, false},
        {"nothing equals nothing", "", "", true, true, true, true},
        {"@ is no upper-case `", "@[", "`{", false, false, false, false},
        {"bytes over 127 have no case", "\xc4", "\xe4", false, false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice a = slice_of(rows[i].a), b = slice_of(rows[i].b);
        CHECK(rows[i].label, slice_equal(a, b) == rows[i].equal);
        CHECK(rows[i].label, slice_starts(a, b) == rows[i].starts);
        CHECK(rows[i].label, slice_ends(a, b) == rows[i].ends);
        CHECK(rows[i].label, slice_equal_nocase(a, rows[i].b) == rows[i].nocase);
    }
    check_end();
}

static void a_nul_inside_is_a_byte_like_others(void **state)
{
    struct slice with = {"a\0b", 3}, other = {"a\0c", 3};
    (void)state;
    assert_true(slice_equal(with, with));
    assert_false(slice_equal(with, other));
    assert_false(slice_equal_nocase(with, "a"));
}

static void the_rest_behind_the_end_is_empty_but_not_absent(void **state)
{
    (void)state;
    assert_true(slice_equal(slice_from(slice_of("abc"), 1), slice_of("bc")));
    assert_non_null(slice_from(slice_of("abc"), 3).at);
    assert_int_equal(slice_from(slice_of("abc"), 3).len, 0);
    assert_int_equal(slice_from(slice_of("abc"), SIZE_MAX).len, 0);
    assert_int_equal(slice_from(slice_of(NULL), 1).len, 0);
}

static void trimming_takes_spaces_and_tabs_and_nothing_else(void **state)
{
    static const struct {
        const char *label, *text, *trimmed;
    } rows[] = {
        {"RFC 9110 5.6.3: OWS is SP and HTAB", " \t a b\t ", "a b"},
        {"nothing to trim", "ab", "ab"},
        {"only spaces", " \t ", ""},
        {"empty", "", ""},
        {"a line break stays", "\na\r", "\na\r"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label,
              slice_equal(slice_trim(slice_of(rows[i].text)), slice_of(rows[i].trimmed)));
    }
    check_end();
}

static void cutting_gives_every_part_also_the_empty_ones(void **state)
{
    static const struct {
        const char *label, *text;
        size_t parts;
        const char *joined;
    } rows[] = {
        {"three parts", "a,b,c", 3, "a|b|c|"}, {"empty parts", ",a,,", 4, "|a|||"},
        {"no mark", "abc", 1, "abc|"},         {"empty text", "", 1, "|"},
        {"absent text", NULL, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char joined[32] = "";
        size_t parts = 0;
        for (struct slice rest = slice_of(rows[i].text); rest.at; parts++) {
            struct slice part = slice_cut(&rest, ',');
            strncat(joined, part.at, part.len);
            strcat(joined, "|");
        }
        CHECK(rows[i].label, parts == rows[i].parts);
        CHECK(rows[i].label, strcmp(joined, rows[i].joined) == 0);
    }
    check_end();
}

static void a_copy_fits_whole_or_is_not_made(void **state)
{
    char buffer[4] = "???";
    (void)state;
    assert_true(slice_copy(slice_of("abc"), buffer, sizeof buffer));
    assert_string_equal(buffer, "abc");
    assert_false(slice_copy(slice_of("abcd"), buffer, sizeof buffer));
    assert_false(slice_copy((struct slice){"a\0", 2}, buffer, sizeof buffer));
    assert_true(slice_copy(slice_of(NULL), buffer, sizeof buffer));
    assert_string_equal(buffer, "");
    assert_false(slice_copy(slice_of(""), buffer, 0));
}

static void what_stands_behind_the_last_mark_is_found(void **state)
{
    (void)state;
    assert_true(slice_equal(slice_behind_last(slice_of("a/b/c"), '/'), slice_of("c")));
    assert_true(slice_equal(slice_behind_last(slice_of("abc"), '/'), slice_of("abc")));
    assert_true(slice_equal(slice_behind_last(slice_of("a/"), '/'), slice_of("")));
    assert_true(slice_equal(slice_behind_last(slice_of(""), '/'), slice_of("")));
    assert_null(slice_behind_last(slice_of(NULL), '/').at);
}

static void control_bytes_are_those_of_ascii(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char bytes[] = {'a', (char)c, 'b'};
        assert_int_equal(slice_has_control((struct slice){bytes, 3}), c < 0x20 || c == 0x7f);
    }
    assert_false(slice_has_control(slice_of("")));
    assert_false(slice_has_control(slice_of(NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_of_null_is_absent_and_one_of_an_empty_string_is_not),
        cmocka_unit_test(two_slices_are_compared_by_their_bytes),
        cmocka_unit_test(a_nul_inside_is_a_byte_like_others),
        cmocka_unit_test(the_rest_behind_the_end_is_empty_but_not_absent),
        cmocka_unit_test(trimming_takes_spaces_and_tabs_and_nothing_else),
        cmocka_unit_test(cutting_gives_every_part_also_the_empty_ones),
        cmocka_unit_test(a_copy_fits_whole_or_is_not_made),
        cmocka_unit_test(what_stands_behind_the_last_mark_is_found),
        cmocka_unit_test(control_bytes_are_those_of_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
