#include "base/place.h"
#include "check.h"

#include <string.h>

static void a_path_is_written_relative_to_a_directory(void **state)
{
    static const struct {
        const char *path, *base, *text;
    } rows[] = {
        {"/srv/static", "/srv/static/.handback", ".."},
        {"/srv/static", "/srv/state", "../static"},
        {"/srv/app/releases/3/static", "/srv/app/state", "../releases/3/static"},
        {"/srv/static", "/srv/static", "."},
        {"/srv/static/.handback", "/srv/static", ".handback"},
        {"/srv/static2", "/srv/static", "../static2"},
        {"/srv/static", "/srv/static2", "../static"},
        {"/", "/srv", ".."},
        {"/srv", "/", "srv"},
        {"/a", "/b/c/d", "../../../a"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[64], back[64];
        CHECK(rows[i].text, place_relative(rows[i].path, rows[i].base, text, sizeof text) &&
                                strcmp(text, rows[i].text) == 0);
        CHECK(rows[i].text, place_resolve(slice_of(text), rows[i].base, back, sizeof back) &&
                                strcmp(back, rows[i].path) == 0);
    }
    check_end();
}

static void a_relative_path_is_resolved_as_text(void **state)
{
    static const struct {
        const char *text, *base, *path; /* path NULL: refused */
    } rows[] = {
        {"/srv/./a//b/", "/x", "/srv/a/b"},
        {"a/../../b", "/x/y", "/x/b"},
        {"..", "/x", "/"},
        {"../..", "/x", NULL},
        {"/..", "/x", NULL},
        {"", "/x", "/x"},
        {".", "/", "/"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[64];
        bool fits = place_resolve(slice_of(rows[i].text), rows[i].base, path, sizeof path);
        CHECK(rows[i].text, fits == (rows[i].path != NULL));
        CHECK(rows[i].text, !fits || strcmp(path, rows[i].path) == 0);
    }
    check_end();
}

static void what_lies_beside_a_directory_is_not_below_it(void **state)
{
    char text[64];
    (void)state;
    assert_true(place_below("/srv/static/..pool", "/srv/static", text, sizeof text));
    assert_string_equal(text, "..pool");
    assert_true(place_below("/srv/static", "/srv/static", text, sizeof text));
    assert_false(place_below("/srv", "/srv/static", text, sizeof text));
    assert_false(place_below("/srv/static2", "/srv/static", text, sizeof text));
}

static void what_does_not_fit_is_refused(void **state)
{
    char text[8];
    (void)state;
    for (size_t size = 0; size <= sizeof text; size++) {
        bool fits = place_relative("/a/bc", "/d", text, size);
        assert_true(fits == (size >= sizeof "../a/bc" + 1));
        fits = place_resolve(slice_of("bc"), "/a", text, size);
        assert_true(fits == (size >= sizeof "/a/bc"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_written_relative_to_a_directory),
        cmocka_unit_test(a_relative_path_is_resolved_as_text),
        cmocka_unit_test(what_lies_beside_a_directory_is_not_below_it),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
