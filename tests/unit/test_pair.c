#include "check.h"
#include "fastcgi/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cuts in a copy of exactly that size, so that a sanitizer sees a byte read too many. */
static void pairs_are_cut_as_their_lengths_say(void **state)
{
    static const struct {
        const char *label;
        const char *bytes;
        size_t len;
        bool sound;
        const char *name, *value;
        size_t rest;
    } rows[] = {
        {"3.4 short lengths", "\1\2abb", 5, true, "a", "bb", 0},
        {"3.4 long lengths", "\x80\0\0\1\x80\0\0\2abb", 11, true, "a", "bb", 0},
        {"3.4 mixed", "\1\x80\0\0\2abb", 8, true, "a", "bb", 0},
        {"3.4 both empty", "\0\0", 2, true, "", "", 0},
        {"3.4 a second pair stays", "\1\0a\1\1bc", 7, true, "a", "", 4},
        {"nothing", "", 0, false, NULL, NULL, 0},
        {"no value length", "\1", 1, false, NULL, NULL, 0},
        {"a name too long", "\3\0ab", 4, false, NULL, NULL, 0},
        {"a value too long", "\1\2ab", 4, false, NULL, NULL, 0},
        {"a long length that is cut", "\x80\0\0", 3, false, NULL, NULL, 0},
        {"a long value length that is cut", "\1\x80\0", 3, false, NULL, NULL, 0},
        {"lengths of 2 GiB", "\xff\xff\xff\xff\xff\xff\xff\xff", 8, false, NULL, NULL, 0},
        {"a sum that overflows 31 bits", "\1\xff\xff\xff\xff.", 6, false, NULL, NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *copy = malloc(rows[i].len ? rows[i].len : 1);
        assert_non_null(copy);
        memcpy(copy, rows[i].bytes, rows[i].len);
        struct slice rest = {copy, rows[i].len}, name = {0}, value = {0};
        bool sound = pair_cut(&rest, &name, &value);
        CHECK(rows[i].label, sound == rows[i].sound);
        CHECK(rows[i].label, rest.len == (sound ? rows[i].rest : rows[i].len));
        CHECK(rows[i].label, !sound || (slice_equal(name, slice_of(rows[i].name)) &&
                                        slice_equal(value, slice_of(rows[i].value))));
        free(copy);
    }
    check_end();
}

static void what_is_written_is_cut_again_or_does_not_fit(void **state)
{
    static char long_value[70000];
    const size_t lengths[] = {0, 1, 127, 128, 65535, sizeof long_value};
    (void)state;
    memset(long_value, 'v', sizeof long_value);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct slice wanted = {long_value, lengths[i]}, name, value;
        size_t size = 8 + 4 + lengths[i];
        unsigned char *buffer = malloc(size);
        assert_non_null(buffer);
        assert_int_equal(pair_write(buffer, size - 1, slice_of("NAME"), wanted), 0);
        assert_int_equal(pair_write(buffer, size, slice_of("NAME"), wanted), size);
        struct slice rest = {(const char *)buffer, size};
        assert_true(pair_cut(&rest, &name, &value));
        assert_true(slice_equal(name, slice_of("NAME")) && slice_equal(value, wanted));
        assert_int_equal(rest.len, 0);
        free(buffer);
    }
    assert_int_equal(pair_write((unsigned char *)long_value, 7, slice_of(""), slice_of("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_cut_as_their_lengths_say),
        cmocka_unit_test(what_is_written_is_cut_again_or_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
