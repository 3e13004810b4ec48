#include "check.h"
#include "http/multipart.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define B "0123456789abcdef"
#define SEED 0x0123456789abcdefu

static const char file[] = "abcdefghijklmnopqrstuvwxyz";

/* The body, as it is sent. */
static size_t body_of(const struct multipart *multipart, char *body)
{
    size_t len = 0;
    for (unsigned part = 0; part <= multipart->ranges.count; part++) {
        char text[MULTIPART_TEXT_SIZE];
        size_t delimiter = multipart_delimiter(multipart, part, text);
        CHECK("the length of a delimiter", delimiter == strlen(text));
        memcpy(body + len, text, delimiter);
        len += delimiter;
        if (part < multipart->ranges.count) {
            const struct range *range = &multipart->ranges.part[part];
            memcpy(body + len, file + range->first, range->length);
            len += range->length;
        }
    }
    body[len] = '\0';
    return len;
}

static void a_body_is_parts_between_delimiters(void **state)
{
    static const struct {
        const char *label, *type;
        struct range_set ranges;
        const char *body;
    } rows[] = {
        {"RFC 9110 14.6 two parts",
         "text/plain; charset=utf-8",
         {2, {{0, 3}, {24, 2}}},
         "--" B "\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Range: bytes 0-2/26\r\n\r\nabc"
         "\r\n--" B "\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Range: bytes 24-25/26\r\n\r\nyz"
         "\r\n--" B "--\r\n"},
        {"RFC 9110 15.3.7.2 in the order asked",
         "a/b",
         {3, {{25, 1}, {0, 1}, {5, 10}}},
         "--" B "\r\nContent-Type: a/b\r\nContent-Range: bytes 25-25/26\r\n\r\nz"
         "\r\n--" B "\r\nContent-Type: a/b\r\nContent-Range: bytes 0-0/26\r\n\r\na"
         "\r\n--" B "\r\nContent-Type: a/b\r\nContent-Range: bytes 5-14/26\r\n\r\nfghijklmno"
         "\r\n--" B "--\r\n"},
        {"RFC 9110 15.3.7.2 one part",
         "a/b",
         {1, {{0, 26}}},
         "--" B "\r\nContent-Type: a/b\r\nContent-Range: bytes 0-25/26\r\n\r\n"
         "abcdefghijklmnopqrstuvwxyz"
         "\r\n--" B "--\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct multipart multipart;
        char body[4096];
        CHECK(rows[i].label,
              multipart_make(&multipart, &rows[i].ranges, 26, slice_of(rows[i].type), SEED));
        size_t len = body_of(&multipart, body);
        if (!CHECK(rows[i].label, strcmp(body, rows[i].body) == 0)) {
            print_error("%s", body);
        }
        CHECK(rows[i].label, multipart_length(&multipart) == len);
    }
    check_end();
}

static void a_boundary_is_a_seed_in_sixteen_digits(void **state)
{
    static const struct {
        const char *label;
        uint64_t seed;
        const char *boundary;
    } rows[] = {
        {"RFC 2046 5.1.1 digits and letters", 0xfedcba9876543210u, "fedcba9876543210"},
        {"small", 1, "0000000000000001"},
        {"none", 0, "0000000000000000"},
        {"the largest", UINT64_MAX, "ffffffffffffffff"},
    };
    static const struct range_set two = {2, {{0, 1}, {2, 1}}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct multipart multipart;
        char type[MULTIPART_TEXT_SIZE], expected[64] = "multipart/byteranges; boundary=";
        multipart_make(&multipart, &two, 3, slice_of("a/b"), rows[i].seed);
        multipart_content_type(&multipart, type);
        strcat(expected, rows[i].boundary);
        CHECK(rows[i].label, strcmp(multipart.boundary, rows[i].boundary) == 0);
        CHECK(rows[i].label, strcmp(type, expected) == 0);
    }
    check_end();
}

static void a_type_has_to_fit_and_to_be_a_value(void **state)
{
    static const struct range_set two = {2, {{0, 1}, {2, 1}}};
    static char type[MULTIPART_TYPE_SIZE + 1];
    struct multipart multipart;
    (void)state;
    memset(type, 't', sizeof type);
    for (size_t len = MULTIPART_TYPE_SIZE - 2; len <= sizeof type; len++) {
        bool made = multipart_make(&multipart, &two, 3, (struct slice){type, len}, SEED);
        assert_int_equal(made, len < MULTIPART_TYPE_SIZE);
    }
    assert_false(multipart_make(&multipart, &two, 3, slice_of("a/b\r\nX: y"), SEED));
    assert_false(multipart_make(&multipart, &two, 3, slice_of("a/b\n"), SEED));
    assert_false(multipart_make(&multipart, &two, 3, (struct slice){"a/b\0", 4}, SEED));
    assert_true(multipart_make(&multipart, &two, 3, slice_of("a/b;\tq=\"\xc3\xa9\""), SEED));
}

static void the_longest_delimiter_fits(void **state)
{
    static const struct range_set last = {2, {{0, 1}, {UINT64_MAX - 1, 1}}};
    char type[MULTIPART_TYPE_SIZE], text[MULTIPART_TEXT_SIZE];
    struct multipart multipart;
    (void)state;
    memset(type, 't', sizeof type);
    assert_true(multipart_make(&multipart, &last, UINT64_MAX,
                               (struct slice){type, MULTIPART_TYPE_SIZE - 1}, SEED));
    size_t len = multipart_delimiter(&multipart, 1, text);
    assert_int_equal(len, strlen(text));
    assert_int_equal(len, 380);
    assert_non_null(strstr(text, "/18446744073709551615\r\n\r\n"));
}

static void a_part_that_is_none_is_a_fault_of_the_program(void **state)
{
    static const struct range_set two = {2, {{0, 1}, {2, 1}}};
    (void)state;
    for (unsigned part = 0; part < 5; part++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            const struct rlimit none = {0, 0};
            struct multipart multipart;
            char text[MULTIPART_TEXT_SIZE];
            setrlimit(RLIMIT_CORE, &none);
            signal(SIGABRT, SIG_DFL);
            multipart_make(&multipart, &two, 3, slice_of("a/b"), SEED);
            multipart_delimiter(&multipart, part, text);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, part > 2 ? SIGABRT : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_parts_between_delimiters),
        cmocka_unit_test(a_boundary_is_a_seed_in_sixteen_digits),
        cmocka_unit_test(a_type_has_to_fit_and_to_be_a_value),
        cmocka_unit_test(the_longest_delimiter_fits),
        cmocka_unit_test(a_part_that_is_none_is_a_fault_of_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
