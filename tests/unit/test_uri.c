#include "check.h"
#include "http/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void a_path_is_encoded(void **state)
{
    static const struct {
        const char *label, *path, *text;
    } rows[] = {
        {"RFC 3986 2.3 unreserved",
         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~",
         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"},
        {"RFC 3986 3.3 slashes", "/a//b/", "/a//b/"},
        {"RFC 3986 2.1 a space", "a b", "a%20b"},
        {"RFC 3986 2.1 upper-case digits", "\xaf\xfe", "%AF%FE"},
        {"RFC 3986 2.4 a percent sign", "100%41", "100%2541"},
        {"RFC 3986 2.2 gen-delims", ":?#[]@", "%3A%3F%23%5B%5D%40"},
        {"RFC 3986 2.2 sub-delims", "!$&'()*+,;=", "%21%24%26%27%28%29%2A%2B%2C%3B%3D"},
        {"RFC 3986 4.2 a segment that looks like a scheme", "http:a/", "http%3Aa/"},
        {"neither reserved nor unreserved", "\"<>\\^`{|}", "%22%3C%3E%5C%5E%60%7B%7C%7D"},
        {"UTF-8", "caf\xc3\xa9", "caf%C3%A9"},
        {"a line break", "a\r\nb", "a%0D%0Ab"},
        {"DEL", "\x7f", "%7F"},
        {"the top", "/", "/"},
        {"empty", "", ""},
        {"absent", NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256];
        CHECK(rows[i].label, uri_encode_path(slice_of(rows[i].path), text, sizeof text));
        if (!CHECK(rows[i].label, strcmp(text, rows[i].text) == 0)) {
            print_error("    %s\n", text);
        }
    }
    check_end();
}

static void a_query_keeps_what_is_visible(void **state)
{
    static const struct {
        const char *label, *query, *text;
    } rows[] = {
        {"RFC 3986 3.4 slashes and question marks", "a=/b?c", "a=/b?c"},
        {"RFC 3986 2.4 not encoded twice", "a=%20&b=100%", "a=%20&b=100%"},
        {"RFC 3986 2.2 delimiters", "!$&'()*+,;=:@[]#", "!$&'()*+,;=:@[]%23"},
        {"what browsers leave", "\"<>\\^`{|}~", "\"<>\\^`{|}~"},
        {"a space", "a b", "a%20b"},
        {"RFC 9112 5: a line break", "a\r\nX: y", "a%0D%0AX:%20y"},
        {"a tab, a control byte, DEL", "\t\x01\x7f", "%09%01%7F"},
        {"bytes over 127", "\x80\xc3\xa9\xff", "%80%C3%A9%FF"},
        {"empty", "", ""},
        {"absent", NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256];
        CHECK(rows[i].label, uri_encode_query(slice_of(rows[i].query), text, sizeof text));
        if (!CHECK(rows[i].label, strcmp(text, rows[i].text) == 0)) {
            print_error("    %s\n", text);
        }
    }
    check_end();
}

static void every_byte_is_kept_or_encoded(void **state)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char byte = (char)c;
        char path[8], query[8], kept[8], encoded[8];
        snprintf(kept, sizeof kept, "%c", c);
        snprintf(encoded, sizeof encoded, "%%%02X", (unsigned)c);
        bool in_path = c != 0 && strchr(unreserved, c),
             in_query = c >= 0x21 && c <= 0x7e && c != '#';
        assert_true(uri_encode_path((struct slice){&byte, 1}, path, sizeof path));
        assert_true(uri_encode_query((struct slice){&byte, 1}, query, sizeof query));
        assert_string_equal(path, in_path ? kept : encoded);
        assert_string_equal(query, in_query ? kept : encoded);
    }
}

static void what_does_not_fit_leaves_nothing(void **state)
{
    static const struct {
        const char *label, *raw;
        size_t needed;
    } rows[] = {
        {"kept", "/abc", 5},
        {"encoded", "\x80", 4},
        {"encoded at the end", "ab\x80", 6},
        {"kept behind encoded", "\x80z", 5},
        {"empty", "", 1},
    };
    bool (*const encoders[])(struct slice, char *, size_t) = {uri_encode_path, uri_encode_query};
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        struct slice raw = slice_of(rows[i / 2].raw);
        for (size_t size = 0; size < 10; size++) {
            char *text = malloc(size + (size == 0)); /* AddressSanitizer watches its end */
            assert_non_null(text);
            text[0] = 'x';
            bool fits = encoders[i % 2](raw, text, size);
            CHECK(rows[i / 2].label, fits == (size >= rows[i / 2].needed));
            CHECK(rows[i / 2].label, !fits || strlen(text) == rows[i / 2].needed - 1);
            CHECK(rows[i / 2].label, fits || text[0] == (size > 0 ? '\0' : 'x'));
            free(text);
        }
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_encoded),
        cmocka_unit_test(a_query_keeps_what_is_visible),
        cmocka_unit_test(every_byte_is_kept_or_encoded),
        cmocka_unit_test(what_does_not_fit_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
