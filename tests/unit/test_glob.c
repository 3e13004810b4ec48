#include "catalog/glob.h"
#include "check.h"
#include "http/path.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void a_glob_is_about_the_whole_name_or_about_its_last_segment(void **state)
{
    static const struct {
        const char *label, *glob, *name;
        bool matches;
    } rows[] = {
        {"the name itself", "a.css", "a.css", true},
        {"another name", "a.css", "b.css", false},
        {"another case", "a.css", "A.css", false},
        {"without a slash: the last segment", "*.css", "deep/er/a.css", true},
        {"without a slash: all of the last segment", "a", "deep/a.css", false},
        {"without a slash: no other segment", "deep", "deep/a.css", false},
        {"with a slash: the whole name", "css/*.css", "css/a.css", true},
        {"with a slash: not its end", "css/*.css", "deep/css/a.css", false},
        {"with a slash: not its beginning", "css/*", "css/a/b.css", false},
        {"FNM_PATHNAME: a star stays in its segment", "*/a.css", "x/y/a.css", false},
        {"FNM_PATHNAME: two stars are one", "**/a.css", "x/y/a.css", false},
        {"FNM_PATHNAME: a segment for each star", "*/*/a.css", "x/y/a.css", true},
        {"FNM_PATHNAME: no segment for a star", "*/a.css", "a.css", false},
        {"FNM_PATHNAME: a question mark is no slash", "x?a.css", "x/a.css", false},
        {"FNM_PATHNAME: nor is a set", "x[!a]a.css", "x/a.css", false},
        {"a question mark", "a?.css", "ab.css", true},
        {"a question mark is one character", "a?.css", "a.css", false},
        {"a set", "[ab].css", "x/b.css", true},
        {"a negated set", "[!ab].css", "x/b.css", false},
        {"a range", "app-[0-9a-f]*.js", "dist/app-3f.js", true},
        {"a class", "[[:digit:]].js", "7.js", true},
        {"a backslash takes the meaning away", "a\\*.css", "a*.css", true},
        {"and that is all it matches", "a\\*.css", "ab.css", false},
        {"a star matches nothing too", "a*.css", "a.css", true},
        {"a leading dot is a character", "*", ".hidden", true},
        {"a colon in a single glob", "a:b", "a:b", true},
        {"bytes that are not UTF-8", "\xff*", "\xff\xfe", true},
        {"a set that is not closed is a character", "[a.css", "[a.css", true},
        {"a backslash at the end", "a\\", "a\\", false},
        {"no glob", "", "a.css", false},
        {"no glob and no name", "", "", false},
        {"no name", "a", "", false},
        {"a glob that no name can have", "/a.css", "a.css", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label,
              glob_matches(slice_of(rows[i].glob), slice_of(rows[i].name)) == rows[i].matches);
    }
    check_end();
}

static void a_list_matches_when_one_of_it_does(void **state)
{
    static const struct {
        const char *label, *list, *name;
        bool matches;
    } rows[] = {
        {"the first", "*.js:*.css", "a.js", true},
        {"the last", "*.js:*.css", "a.css", true},
        {"none", "*.js:*.css", "a.png", false},
        {"one alone", "*.js", "x/a.js", true},
        {"each by its own slashes", "dist/*:*.css", "x/a.css", true},
        {"each by its own slashes, the other", "dist/*:*.css", "dist/a.js", true},
        {"not the text of the list", "a:b", "a:b", false},
        {"an empty list", "", "a", false},
        {"no list", NULL, "a", false},
        {"empty items match nothing", "::", "a", false},
        {"nor the empty name", "::", "", false},
        {"an item behind empty ones", "::a", "a", true},
        {"an item before one", "a:", "a", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label,
              glob_list_matches(slice_of(rows[i].list), slice_of(rows[i].name)) == rows[i].matches);
    }
    check_end();
}

/* Both are views into something longer: what stands behind them is not theirs. */
static void nothing_behind_a_slice_is_looked_at(void **state)
{
    static const char glob[] = "*.cssx", name[] = "a.cssx", list[] = "*.js:*.cssx";
    (void)state;
    assert_true(glob_matches((struct slice){glob, 5}, (struct slice){name, 5}));
    assert_false(glob_matches((struct slice){glob, 5}, slice_of(name)));
    assert_true(glob_list_matches((struct slice){list, 10}, (struct slice){name, 5}));
    assert_false(glob_list_matches((struct slice){list, 4}, (struct slice){name, 5}));
}

static void what_is_too_long_matches_nothing(void **state)
{
    static char glob[PATH_SIZE + 1], name[PATH_SIZE + 1];
    (void)state;
    memset(name, 'a', sizeof name);
    memset(glob, '*', sizeof glob);
    assert_true(glob_matches(slice_of("*"), (struct slice){name, PATH_SIZE - 1}));
    assert_false(glob_matches(slice_of("*"), (struct slice){name, PATH_SIZE}));
    assert_true(glob_matches((struct slice){glob, PATH_SIZE - 1}, slice_of("a")));
    assert_false(glob_matches((struct slice){glob, PATH_SIZE}, slice_of("a")));
}

/* Of few characters, so that they often match. */
static void make_text(char *text, size_t size, const char *characters, unsigned *seed)
{
    size_t len = (size_t)rand_r(seed) % size;
    for (size_t i = 0; i < len; i++) {
        text[i] = characters[(size_t)rand_r(seed) % strlen(characters)];
    }
    text[len] = '\0';
}

static void a_glob_matches_what_fnmatch_matches(void **state)
{
    unsigned seed = 20261121;
    int matched = 0;
    (void)state;
    for (int i = 0; i < 400000; i++) {
        char glob[10], name[7], label[40];
        make_text(glob, sizeof glob, i % 2 ? "ab*?/" : "ab*?/[]!-\\", &seed);
        make_text(name, sizeof name, "aabbc/-]", &seed);
        if (strstr(glob, "\\/")) {
            continue; /* glibc: a star before an escaped slash matches nothing */
        }
        bool expected = fnmatch(glob, name, FNM_PATHNAME) == 0;
        snprintf(label, sizeof label, "%s and %s", glob, name);
        CHECK(label, glob_matches_path(slice_of(glob), slice_of(name)) == expected);
        matched += expected;
    }
    assert_true(matched > 10000);
    check_end();
}

/* Clients choose the name, so no glob may make a long one expensive. */
static void no_name_makes_a_glob_slow(void **state)
{
    static const char *const globs[] = {
        "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
        "*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*b",
        "*[a]*[a]*[a]*[a]*[a]*[a]*[a]*[a]*b",
    };
    static char name[3000];
    (void)state;
    memset(name, 'a', sizeof name);
    alarm(20);
    for (size_t i = 0; i < COUNT(globs); i++) {
        CHECK(globs[i], !glob_matches(slice_of(globs[i]), (struct slice){name, sizeof name}));
    }
    alarm(0);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_glob_is_about_the_whole_name_or_about_its_last_segment),
        cmocka_unit_test(a_list_matches_when_one_of_it_does),
        cmocka_unit_test(nothing_behind_a_slice_is_looked_at),
        cmocka_unit_test(what_is_too_long_matches_nothing),
        cmocka_unit_test(a_glob_matches_what_fnmatch_matches),
        cmocka_unit_test(no_name_makes_a_glob_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
