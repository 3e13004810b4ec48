#include "check.h"
#include "http/disposition.h"

#include <string.h>

#define A "attachment"
#define PLAIN(quoted) A "; filename=\"" quoted "\""
#define BOTH(quoted, encoded) PLAIN(quoted) "; filename*=UTF-8''" encoded

static void a_file_is_saved_under_its_name(void **state)
{
    static const struct {
        const char *label, *name, *text;
    } rows[] = {
        {"RFC 6266 4.1 a plain name", "plain.html", PLAIN("plain.html")},
        {"RFC 9110 5.6.4 spaces and delimiters", "a b;c,d=(e).txt", PLAIN("a b;c,d=(e).txt")},
        {"RFC 6266 appendix D a quote", "a\"b", BOTH("a_b", "a%22b")},
        {"RFC 6266 appendix D a backslash", "a\\b", BOTH("a_b", "a%5Cb")},
        {"RFC 6266 appendix D a backslash at the end", "a\\", BOTH("a_", "a%5C")},
        {"RFC 9110 5.6.4 a quote to break out", "\"; x=\"", BOTH("_; x=_", "%22%3B%20x%3D%22")},
        {"RFC 6266 5 a character that is not ASCII", "caf\xc3\xa9.html",
         BOTH("caf_.html", "caf%C3%A9.html")},
        {"RFC 6266 5 the euro sign", "\xe2\x82\xac rates", BOTH("_ rates", "%E2%82%AC%20rates")},
        {"RFC 3629 3 two bytes, first and last", "\xc2\x80\xdf\xbf", BOTH("__", "%C2%80%DF%BF")},
        {"RFC 3629 3 three bytes, first and last", "\xe0\xa0\x80\xef\xbf\xbf",
         BOTH("__", "%E0%A0%80%EF%BF%BF")},
        {"RFC 3629 3 four bytes, first and last", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
         BOTH("__", "%F0%90%80%80%F4%8F%BF%BF")},
        {"RFC 3629 3 beside the surrogates", "\xed\x9f\xbf\xee\x80\x80",
         BOTH("__", "%ED%9F%BF%EE%80%80")},
        {"RFC 8187 3.2.1 attr-char", "AZaz09!#$&+-.^_`|~\xc3\xa9",
         BOTH("AZaz09!#$&+-.^_`|~_", "AZaz09!#$&+-.^_`|~%C3%A9")},
        {"RFC 8187 3.2.1 the others", "\xc3\xa9 \"%'()*,/:;<=>?@[\\]{}",
         BOTH("_ _%'()*,/:;<=>?@[_]{}",
              "%C3%A9%20%22%25%27%28%29%2A%2C%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%7B%7D")},
        {"RFC 6266 appendix D percent-encoding", "a%41.txt", BOTH("a_41.txt", "a%2541.txt")},
        {"RFC 6266 appendix D in lower case", "%c3%a9", BOTH("_c3_a9", "%25c3%25a9")},
        {"RFC 6266 appendix D at the end", "a%4F", BOTH("a_4F", "a%254F")},
        {"RFC 6266 appendix D a sign is left", "100% of %zz %4 %4", PLAIN("100% of %zz %4 %4")},
        {"RFC 6266 appendix D a sign at the end", "100%", PLAIN("100%")},
        {"RFC 6266 appendix D two signs", "%%41", BOTH("%_41", "%25%2541")},
        {"RFC 3629 4 a byte alone",
         "a\xff"
         "b.txt",
         PLAIN("a_b.txt")},
        {"RFC 3629 4 bytes alone", "\x80\xbf\xc0\xc1\xf5", PLAIN("_____")},
        {"RFC 3629 4 cut", "a\xe2\x82", PLAIN("a__")},
        {"RFC 3629 4 cut by a letter",
         "\xe2\x82"
         "a",
         PLAIN("__a")},
        {"RFC 3629 4 cut behind one byte", "\xc3", PLAIN("_")},
        {"RFC 3629 4 cut by another character", "\xe2\x82\xc3\xa9", PLAIN("___")},
        {"RFC 3629 4 longer than needed, two bytes", "\xc1\xbf", PLAIN("__")},
        {"RFC 3629 4 longer than needed, three bytes", "\xe0\x9f\xbf", PLAIN("___")},
        {"RFC 3629 4 longer than needed, four bytes", "\xf0\x8f\xbf\xbf", PLAIN("____")},
        {"RFC 3629 4 a surrogate", "\xed\xa0\x80", PLAIN("___")},
        {"RFC 3629 4 beyond U+10FFFF", "\xf4\x90\x80\x80", PLAIN("____")},
        {"RFC 3629 4 no first byte", "\xf5\x80\x80\x80", PLAIN("____")},
        {"RFC 3629 4 the last byte is none",
         "\xf0\x90\x80"
         "a",
         PLAIN("___a")},
        {"Latin-1 with a percent-encoding", "caf\xe9%41", PLAIN("caf__41")},
        {"one good character of two", "\xc3\xa9\xe9", PLAIN("__")},
        {"RFC 9110 5.5 a line break", "a\r\nX: y", A},
        {"RFC 9110 5.5 a tab", "a\tb", A},
        {"RFC 9110 5.5 DEL", "a\x7f", A},
        {"empty", "", A},
        {"absent", NULL, A},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[DISPOSITION_SIZE];
        disposition_attachment(slice_of(rows[i].name), text);
        if (!CHECK(rows[i].label, strcmp(text, rows[i].text) == 0)) {
            print_error("    %s\n", text);
        }
    }
    check_end();
}

static void nothing_behind_the_slice_is_read(void **state)
{
    static const struct {
        const char *label;
        struct slice name;
        const char *text;
    } rows[] = {
        {"RFC 3629 4 a character", {"\xc3\xa9", 1}, PLAIN("_")},
        {"RFC 3629 4 one of four bytes", {"a\xf0\x90\x80\x80", 4}, PLAIN("a___")},
        {"RFC 6266 appendix D percent-encoding", {"%41", 2}, PLAIN("%4")},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[DISPOSITION_SIZE];
        disposition_attachment(rows[i].name, text);
        CHECK(rows[i].label, strcmp(text, rows[i].text) == 0);
    }
    check_end();
}

static void a_nul_is_a_control_byte(void **state)
{
    char text[DISPOSITION_SIZE];
    (void)state;
    disposition_attachment((struct slice){"a\0b", 3}, text);
    assert_string_equal(text, A);
}

static void every_name_of_255_bytes_fits_and_no_name_is_cut(void **state)
{
    static const struct {
        const char *label, *character;
        size_t bytes, longest; /* of the name */
    } rows[] = {
        {"plain", "a", 1, DISPOSITION_SIZE - sizeof PLAIN("")},
        {"quoted", "\"", 1, (DISPOSITION_SIZE - sizeof BOTH("", "")) / 4},
        {"not UTF-8", "\xff", 1, DISPOSITION_SIZE - sizeof PLAIN("")},
        {"two bytes", "\xc3\xa9", 2, (DISPOSITION_SIZE - sizeof BOTH("", "")) / 7 * 2},
        {"percent-encoding", "%41", 3, (DISPOSITION_SIZE - sizeof BOTH("", "")) / 8 * 3},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[4096], text[DISPOSITION_SIZE];
        CHECK(rows[i].label, rows[i].longest >= 255);
        for (size_t at = 0; at + rows[i].bytes < sizeof name; at += rows[i].bytes) {
            memcpy(name + at, rows[i].character, rows[i].bytes);
        }
        for (size_t len = rows[i].bytes; len < 2500; len += rows[i].bytes) {
            disposition_attachment((struct slice){name, len}, text);
            CHECK(rows[i].label, (strcmp(text, A) == 0) == (len > rows[i].longest));
        }
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_saved_under_its_name),
        cmocka_unit_test(nothing_behind_the_slice_is_read),
        cmocka_unit_test(a_nul_is_a_control_byte),
        cmocka_unit_test(every_name_of_255_bytes_fits_and_no_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
