#include "catalog/hashed_name.h"
#include "check.h"

static void a_name_carries_its_hash_before_the_last_extension(void **state)
{
    static const struct {
        const char *label, *name, *digits;
    } rows[] = {
        {"an extension", "a.27e20196a850.css", "27e20196a850"},
        {"a directory", "css/a.27e20196a850.css", "27e20196a850"},
        {"split at the last extension", "a.js.27e20196a850.map", "27e20196a850"},
        {"no extension", "LICENSE.27e20196a850", "27e20196a850"},
        {"digits alone", "a.123456789012.css", "123456789012"},
        {"letters alone", "a.abcdefabcdef.css", "abcdefabcdef"},
        {"nothing before it", ".27e20196a850.css", "27e20196a850"},
        {"before and behind: the one before the extension", "a.111111111111.222222222222",
         "111111111111"},
        {"not before the last extension", "a.27e20196a850.js.map", NULL},
        {"upper case", "a.27E20196A850.css", NULL},
        {"11 digits", "a.27e20196a85.css", NULL},
        {"13 digits", "a.27e20196a8500.css", NULL},
        {"32 digits", "a.27e20196a85027e20196a85027e20196.css", NULL},
        {"a letter past f", "a.27e20196a85g.css", NULL},
        {"with a dash", "a-27e20196a850.css", NULL},
        {"the whole name", "27e20196a850.css", NULL},
        {"the whole name without an extension", "27e20196a850", NULL},
        {"a directory's", "a.27e20196a850.d/x.css", NULL},
        {"a directory's, the file without extension", "a.27e20196a850/x", NULL},
        {"no dot", "LICENSE", NULL},
        {"a slash at the end", "a.27e20196a850.css/", NULL},
        {"empty", "", NULL},
        {"absent", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice digits = hashed_name_digits(slice_of(rows[i].name));
        CHECK(rows[i].label, (digits.at != NULL) == (rows[i].digits != NULL));
        CHECK(rows[i].label, slice_equal(digits, slice_of(rows[i].digits)));
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_carries_its_hash_before_the_last_extension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
