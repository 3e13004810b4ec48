#include "check.h"
#include "http/path.h"

#include <stdlib.h>
#include <string.h>

static void a_target_means_one_path(void **state)
{
    static const struct {
        const char *label, *target;
        enum path_verdict verdict;
        const char *text;
        bool directory;
    } rows[] = {
        {"RFC 9112 3.2.1 origin-form", "/static/a.css", PATH_OK, "/static/a.css", false},
        {"query", "/a?x=/../b", PATH_OK, "/a", false},
        {"empty query", "/a?", PATH_OK, "/a", false},
        {"two question marks", "/a?b?c", PATH_OK, "/a", false},
        {"an encoded ? is a byte of the name", "/a%3Fb", PATH_OK, "/a?b", false},
        {"the top", "/", PATH_OK, "/", true},
        {"trailing slash", "/a/", PATH_OK, "/a/", true},
        {"trailing slashes", "/a///", PATH_OK, "/a/", true},
        {"empty segments", "//a///b", PATH_OK, "/a/b", false},
        {"only slashes", "////", PATH_OK, "/", true},
        {"two slashes are no authority", "//host/a", PATH_OK, "/host/a", false},
        {"RFC 3986 5.2.4 .", "/./a/./b", PATH_OK, "/a/b", false},
        {"RFC 3986 5.2.4 . at the end", "/a/.", PATH_OK, "/a/", true},
        {"RFC 3986 5.2.4 ..", "/a/b/../c", PATH_OK, "/a/c", false},
        {"RFC 3986 5.2.4 .. at the end", "/a/b/..", PATH_OK, "/a/", true},
        {"RFC 3986 5.2.4 example", "/a/b/c/./../../g", PATH_OK, "/a/g", false},
        {".. to the top", "/a/..", PATH_OK, "/", true},
        {".. after an empty segment climbs a real one", "/a//../b", PATH_OK, "/b", false},
        {".. above the top", "/..", PATH_OUTSIDE, NULL, false},
        {".. above the top and back", "/../a", PATH_OUTSIDE, NULL, false},
        {".. twice", "/a/../../a", PATH_OUTSIDE, NULL, false},
        {"encoded ..", "/%2e%2E/a", PATH_OUTSIDE, NULL, false},
        {"half encoded ..", "/.%2e/a", PATH_OUTSIDE, NULL, false},
        {"encoded .. inside", "/a/%2e%2e/b", PATH_OK, "/b", false},
        {"three dots are a name", "/.../a", PATH_OK, "/.../a", false},
        {"dots with more", "/..a/b..", PATH_OK, "/..a/b..", false},
        {"RFC 3986 2.1 percent-encoding", "/%61%2Ecss", PATH_OK, "/a.css", false},
        {"lower-case digits", "/%c3%a9", PATH_OK, "/\xc3\xa9", false},
        {"decoded once only", "/%2561", PATH_OK, "/%61", false},
        {"an encoded slash is a slash", "/a%2Fb", PATH_OK, "/a/b", false},
        {"an encoded slash at the end", "/a%2f", PATH_OK, "/a/", true},
        {".. by an encoded slash", "/a/..%2fb", PATH_OK, "/b", false},
        {".. out by encoded slashes", "/..%2f..%2fetc%2fpasswd", PATH_OUTSIDE, NULL, false},
        {"twice encoded .. is a name", "/%252e%252e/a", PATH_OK, "/%2e%2e/a", false},
        {"a backslash is a byte", "/a\\..\\b", PATH_OK, "/a\\..\\b", false},
        {"plus is plus", "/a+b", PATH_OK, "/a+b", false},
        {"an encoded space", "/a%20b", PATH_OK, "/a b", false},
        {"a byte over 127", "/\xff", PATH_OK, "/\xff", false},
        {"%00", "/a%00.css", PATH_MALFORMED, NULL, false},
        {"%0A", "/a%0ab", PATH_MALFORMED, NULL, false},
        {"%0D", "/a%0D", PATH_MALFORMED, NULL, false},
        {"%7F", "/a%7fb", PATH_MALFORMED, NULL, false},
        {"%1F", "/%1f", PATH_MALFORMED, NULL, false},
        {"a raw control byte", "/a\tb", PATH_MALFORMED, NULL, false},
        {"a raw DEL", "/a\x7f", PATH_MALFORMED, NULL, false},
        {"bad %: no digits", "/a%zz", PATH_MALFORMED, NULL, false},
        {"bad %: one digit", "/a%4g", PATH_MALFORMED, NULL, false},
        {"bad %: at the end", "/a%", PATH_MALFORMED, NULL, false},
        {"bad %: one digit at the end", "/a%4", PATH_MALFORMED, NULL, false},
        {"bad %: two digits at the end are good", "/a%41", PATH_OK, "/aA", false},
        {"bad %: before the query", "/a%?41", PATH_MALFORMED, NULL, false},
        {"bad %: in the query is nobody's business", "/a?%zz", PATH_OK, "/a", false},
        {"bad %: a sign is no digit", "/%+1", PATH_MALFORMED, NULL, false},
        {"a control byte in the query is nobody's business", "/a?\t", PATH_OK, "/a", false},
        {"RFC 9112 3.2.2 absolute-form", "http://host/a/b?c", PATH_OK, "/a/b", false},
        {"absolute-form, port", "https://host:8080/a", PATH_OK, "/a", false},
        {"absolute-form, no path", "http://host", PATH_OK, "/", true},
        {"absolute-form, top", "http://host/", PATH_OK, "/", true},
        {"absolute-form, IPv6", "http://[::1]:80/a", PATH_OK, "/a", false},
        {"absolute-form, upper case", "HTTP://HOST/A", PATH_OK, "/A", false},
        {"absolute-form, two slashes", "http://host//a", PATH_OK, "/a", false},
        {"absolute-form, ..", "http://host/../a", PATH_OUTSIDE, NULL, false},
        {"absolute-form, no path but a query", "http://host?q=/static/a.css", PATH_OK, "/", true},
        {"a colon in a path is no scheme", "/http://host/a", PATH_OK, "/http:/host/a", false},
        {"a colon in a query is no scheme", "/a?u=http://host/b", PATH_OK, "/a", false},
        {"RFC 9112 3.2.4 asterisk-form", "*", PATH_MALFORMED, NULL, false},
        {"RFC 9112 3.2.3 authority-form", "host:80", PATH_MALFORMED, NULL, false},
        {"no path at all", "?a", PATH_MALFORMED, NULL, false},
        {"relative", "a/b", PATH_MALFORMED, NULL, false},
        {"empty", "", PATH_MALFORMED, NULL, false},
        {"absent", NULL, PATH_MALFORMED, NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct path path;
        enum path_verdict verdict = path_resolve(slice_of(rows[i].target), &path);
        if (!CHECK(rows[i].label, verdict == rows[i].verdict)) {
            print_error("    verdict %d for %s\n", (int)verdict, rows[i].target);
        } else if (verdict == PATH_OK) {
            CHECK(rows[i].label, strcmp(path.text, rows[i].text) == 0);
            CHECK(rows[i].label, path.len == strlen(rows[i].text));
            CHECK(rows[i].label, path.directory == rows[i].directory);
        }
    }
    check_end();
}

/* `len` is that of the decoded path with its slash. */
static enum path_verdict resolve_long(size_t len, bool encoded, bool decoded_already)
{
    static char target[3 * 70000];
    struct path path;
    size_t at = 1;
    target[0] = '/';
    for (size_t i = 1; i < len; i++) {
        memcpy(target + at, encoded ? "%61" : "aaa", 3);
        at += encoded ? 3 : 1;
    }
    struct slice slice = {target, at};
    enum path_verdict verdict =
        decoded_already ? path_resolve_decoded(slice, &path) : path_resolve(slice, &path);
    if (verdict == PATH_OK) {
        assert_int_equal(path.len, len);
        assert_int_equal(strlen(path.text), len);
    }
    return verdict;
}

static void a_path_has_at_most_4095_bytes_after_decoding(void **state)
{
    (void)state;
    for (int encoded = 0; encoded < 2; encoded++) {
        assert_int_equal(resolve_long(4094, encoded, false), PATH_OK);
        assert_int_equal(resolve_long(4095, encoded, false), PATH_OK);
        assert_int_equal(resolve_long(4096, encoded, false), PATH_TOO_LONG);
        assert_int_equal(resolve_long(65536, encoded, false), PATH_TOO_LONG);
    }
    assert_int_equal(resolve_long(4095, false, true), PATH_OK);
    assert_int_equal(resolve_long(4096, false, true), PATH_TOO_LONG);
}

static void nothing_behind_the_slice_is_read(void **state)
{
    static const char *const targets[] = {"/a%", "/a%4", "/a%41", "/", "http:/", "http://h", "%"};
    (void)state;
    for (size_t i = 0; i < COUNT(targets); i++) {
        struct path path;
        size_t len = strlen(targets[i]);
        char *exact = malloc(len); /* AddressSanitizer watches its end */
        assert_non_null(exact);
        memcpy(exact, targets[i], len);
        path_resolve((struct slice){exact, len}, &path);
        free(exact);
    }
}

static void a_nul_in_a_target_is_malformed(void **state)
{
    struct path path;
    (void)state;
    assert_int_equal(path_resolve((struct slice){"/a\0b", 4}, &path), PATH_MALFORMED);
    assert_int_equal(path_resolve_decoded((struct slice){"/a\0b", 4}, &path), PATH_MALFORMED);
}

static void a_decoded_path_is_not_decoded_again(void **state)
{
    static const struct {
        const char *label, *decoded;
        enum path_verdict verdict;
        const char *text;
    } rows[] = {
        {"plain", "/static/a.css", PATH_OK, "/static/a.css"},
        {"a percent sign", "/a%2e%2e", PATH_OK, "/a%2e%2e"},
        {"a question mark", "/a?b", PATH_OK, "/a?b"},
        {"a scheme is a name", "/http://h", PATH_OK, "/http:/h"},
        {"..", "/a/../b", PATH_OK, "/b"},
        {".. above the top", "/../b", PATH_OUTSIDE, NULL},
        {"a line break", "/a\nb", PATH_MALFORMED, NULL},
        {"relative", "a", PATH_MALFORMED, NULL},
        {"empty", "", PATH_MALFORMED, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct path path;
        enum path_verdict verdict = path_resolve_decoded(slice_of(rows[i].decoded), &path);
        CHECK(rows[i].label, verdict == rows[i].verdict);
        CHECK(rows[i].label, verdict != PATH_OK || strcmp(path.text, rows[i].text) == 0);
    }
    check_end();
}

static void a_name_is_plain_or_hidden_by_its_segments(void **state)
{
    static const struct {
        const char *label, *name;
        bool plain, hidden;
    } rows[] = {
        {"a file", "a.css", true, false},
        {"in a directory", "css/a.css", true, false},
        {"a dotfile", ".htaccess", true, true},
        {"below a dot directory", "a/.git/config", true, true},
        {"a dot at the end", "a.", true, false},
        {"a dot segment", "a/./b", false, true},
        {"..", "..", false, true},
        {".. inside", "a/../b", false, true},
        {"absolute", "/a", false, false},
        {"a slash at the end", "a/", false, false},
        {"an empty segment", "a//b", false, false},
        {"a control byte", "a\nb", false, false},
        {"DEL", "a\x7f", false, false},
        {"UTF-8", "\xc3\xa9.css", true, false},
        {"empty", "", false, false},
        {"absent", NULL, false, false},
    };
    char name[PATH_SIZE + 1];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label, path_is_plain(slice_of(rows[i].name)) == rows[i].plain);
        CHECK(rows[i].label, path_is_hidden(slice_of(rows[i].name)) == rows[i].hidden);
    }
    memset(name, 'a', sizeof name);
    CHECK("4095 bytes", path_is_plain((struct slice){name, PATH_SIZE - 1}));
    CHECK("4096 bytes", !path_is_plain((struct slice){name, PATH_SIZE}));
    CHECK("a NUL", !path_is_plain((struct slice){"a\0b", 3}));
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_means_one_path),
        cmocka_unit_test(a_path_has_at_most_4095_bytes_after_decoding),
        cmocka_unit_test(nothing_behind_the_slice_is_read),
        cmocka_unit_test(a_nul_in_a_target_is_malformed),
        cmocka_unit_test(a_decoded_path_is_not_decoded_again),
        cmocka_unit_test(a_name_is_plain_or_hidden_by_its_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
