/* The source itself is included: the order of its table cannot be seen from outside. */
#include "http/media.c"

#include "check.h"

#include <stdio.h>

static void the_table_is_sorted_and_lower_case_and_without_repetition(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(by_extension); i++) {
        const char *key = by_extension[i].key;
        CHECK(key, i == 0 || strcmp(by_extension[i - 1].key, key) < 0);
        CHECK(key, strlen(key) < EXTENSION_MAX &&
                       key[strcspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ.")] == '\0');
        CHECK(key, strchr(by_extension[i].type, '/') && !strpbrk(by_extension[i].type, " ;\r\n"));
    }
    check_end();
}

static void every_extension_of_the_table_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(by_extension); i++) {
        char name[64];
        snprintf(name, sizeof name, "a/b.%s", by_extension[i].key);
        CHECK(name, strcmp(media_type(slice_of(name)), by_extension[i].type) == 0);
    }
    for (size_t i = 0; i < COUNT(by_name); i++) {
        CHECK(by_name[i].key, strcmp(media_type(slice_of(by_name[i].key)), by_name[i].type) == 0);
    }
    check_end();
}

static void a_name_has_the_type_of_its_last_extension(void **state)
{
    static const struct {
        const char *name, *type;
    } rows[] = {
        {"a.css", "text/css"},
        {"a.html", "text/html"},
        {"a.js", "text/javascript"},
        {"a.mjs", "text/javascript"},
        {"a.json", "application/json"},
        {"a.map", "application/json"},
        {"a.svg", "image/svg+xml"},
        {"a.png", "image/png"},
        {"a.jpg", "image/jpeg"},
        {"a.jpeg", "image/jpeg"},
        {"a.gif", "image/gif"},
        {"a.webp", "image/webp"},
        {"a.avif", "image/avif"},
        {"a.txt", "text/plain"},
        {"a.xml", "text/xml"},
        {"a.pdf", "application/pdf"},
        {"a.woff", "font/woff"},
        {"a.woff2", "font/woff2"},
        {"a.ttf", "font/ttf"},
        {"a.otf", "font/otf"},
        {"a.wasm", "application/wasm"},
        {"a.mp4", "video/mp4"},
        {"a.webm", "video/webm"},
        {"a.webmanifest", "application/manifest+json"},
        {"a.zip", "application/zip"},
        {"A.CSS", "text/css"},
        {"a.Html", "text/html"},
        {"a.27e20196a850.css", "text/css"},
        {"dir.css/a.png", "image/png"},
        {"a.css.png", "image/png"},
        {".css", "text/css"},
        {"apple-app-site-association", "application/pkcs7-mime"},
        {"x/apple-app-site-association", "application/pkcs7-mime"},
        {"crossdomain.xml", "text/x-cross-domain-policy"},
        {"mycrossdomain.xml", "text/xml"},
        {"dir.css/file", "application/octet-stream"},
        {"LICENSE", "application/octet-stream"},
        {"css", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {"a.unheardof", "application/octet-stream"},
        {"a.csss", "application/octet-stream"},
        {"a.cs", "application/octet-stream"},
        {"a.css ", "application/octet-stream"},
        {"a.extensionlongerthananyinthetableofmediatypesthatwehave", "application/octet-stream"},
        {"", "application/octet-stream"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *type = media_type(slice_of(rows[i].name));
        if (!CHECK(rows[i].name, strcmp(type, rows[i].type) == 0)) {
            print_error("    %s\n", type);
        }
    }
    check_end();
}

static void a_key_is_an_extension_or_a_whole_name(void **state)
{
    static const struct {
        const char *label, *key, *name;
        bool matches;
    } rows[] = {
        {"extension", ".foo", "a/b.foo", true},
        {"extension with two dots", ".tar.gz", "b.tar.gz", true},
        {"another extension", ".foo", "a/b.bar", false},
        {"a part of an extension", ".foo", "a/b.xfoo", false},
        {"the extension is a directory's", ".foo", "a.foo/b", false},
        {"whole name", "media", "a/media", true},
        {"whole name, no more", "media", "a/xmedia", false},
        {"whole name, not a directory", "media", "media/a", false},
        {"no key", "", "a", false},
        {"no key and no name", "", "a/", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label,
              media_key_matches(slice_of(rows[i].key), slice_of(rows[i].name)) == rows[i].matches);
    }
    check_end();
}

static void a_charset_belongs_to_text_alone(void **state)
{
    (void)state;
    assert_true(media_has_charset(slice_of("text/css")));
    assert_false(media_has_charset(slice_of("application/json")));
    assert_false(media_has_charset(slice_of("image/svg+xml")));
    assert_false(media_has_charset(slice_of("textual/x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_lower_case_and_without_repetition),
        cmocka_unit_test(every_extension_of_the_table_is_found),
        cmocka_unit_test(a_name_has_the_type_of_its_last_extension),
        cmocka_unit_test(a_key_is_an_extension_or_a_whole_name),
        cmocka_unit_test(a_charset_belongs_to_text_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
