#include "check.h"
#include "http/field.h"

#include <string.h>

static void what_frames_or_decides_is_reserved(void **state)
{
    static const struct {
        const char *name;
        bool reserved;
    } rows[] = {
        {"Content-Length", true},
        {"content-length", true},
        {"CONTENT-LENGTH", true},
        {"Status", true},
        {"Transfer-Encoding", true},
        {"Connection", true},
        {"TE", true},
        {"Trailer", true},
        {"Upgrade", true},
        {"Keep-Alive", true},
        {"Content-Encoding", true},
        {"Content-Range", true},
        {"Accept-Ranges", true},
        {"ETag", true},
        {"Last-Modified", true},
        {"Location", true},
        {"Date", true},
        {"X-Sendfile", true},
        {"X-Sendfile2", true},
        {"X-Sendfile-Temporary", true},
        {"x-accel-redirect", true},
        {"X-Accel-Buffering", true},
        {"X-LIGHTTPD-send-file", true},
        {"X-LiteSpeed-Location", true},
        {"x-litespeed-cache", true},
        {"X-Accel", false},
        {"Cache-Control", false},
        {"Content-Type", false},
        {"Vary", false},
        {"Content-Lengthy", false},
        {"ETags", false},
        {"T", false},
        {"", false},
        {"Timing-Allow-Origin", false},
        {"Content-Security-Policy", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].name, field_is_reserved(slice_of(rows[i].name)) == rows[i].reserved);
    }
    check_end();
}

static void settings_set_what_is_one_line_and_free(void **state)
{
    static char longest[FIELD_VALUE_MAX + 2];
    memset(longest, 'x', FIELD_VALUE_MAX);
    const struct {
        const char *label, *name, *value;
        bool removed, may;
    } rows[] = {
        {"plain", "X-Own", "a b", false, true},
        {"RFC 9110 5.5 a tab inside", "X-Own", "a\tb", false, true},
        {"RFC 9110 5.5 bytes over 127", "X-Own", "\xc3\xa9", false, true},
        {"RFC 9110 5.5 a line break", "X-Own", "a\r\nX: y", false, false},
        {"RFC 9110 5.5 a bare LF", "X-Own", "a\nb", false, false},
        {"RFC 9110 5.5 DEL", "X-Own", "\x7f", false, false},
        {"RFC 9110 5.5 a blank in front", "X-Own", " a", false, false},
        {"RFC 9110 5.5 a tab behind", "X-Own", "a\t", false, false},
        {"empty", "X-Own", "", false, false},
        {"absent", "X-Own", NULL, false, false},
        {"the longest", "X-Own", longest, false, true},
        {"RFC 9110 5.6.2 no token", "X Own", "a", false, false},
        {"no name", "", "a", false, false},
        {"a line break in the name", "X\r\nY", "a", false, false},
        {"reserved", "ETag", "\"a\"", false, false},
        {"reserved, removed", "etag", NULL, true, false},
        {"removed", "X-Content-Type-Options", NULL, true, true},
        {"Vary", "Vary", "Origin", false, true},
        {"RFC 9110 12.5.5 Vary stays", "vary", NULL, true, false},
        {"RFC 3875 6.3.1 Content-Type stays", "Content-Type", NULL, true, false},
        {"Content-Type", "Content-Type", "text/x-own", false, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label, field_may_be_set(slice_of(rows[i].name), slice_of(rows[i].value),
                                              rows[i].removed) == rows[i].may);
    }
    CHECK("a long type", !field_may_be_set(slice_of("content-type"),
                                           (struct slice){longest, FIELD_TYPE_MAX + 1}, false));
    CHECK("the longest type", field_may_be_set(slice_of("Content-Type"),
                                               (struct slice){longest, FIELD_TYPE_MAX}, false));
    longest[FIELD_VALUE_MAX] = 'x';
    CHECK("longer", !field_may_be_set(slice_of("X-Own"), slice_of(longest), false));
    CHECK("NUL", !field_may_be_set(slice_of("X-Own"), (struct slice){"a\0b", 3}, false));
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_frames_or_decides_is_reserved),
        cmocka_unit_test(settings_set_what_is_one_line_and_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
