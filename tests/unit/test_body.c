/* The bytes of a file, a piece of it or several, whatever the size of the buffer is. */
#include "check.h"
#include "scratch.h"
#include "serve/body.h"

#define TYPE "text/plain; charset=utf-8"
#define B "00000000000000aa"
#define SEED 0xaa
#define PART(range) "Content-Type: " TYPE "\r\nContent-Range: bytes " range "/26\r\n\r\n"

enum {
    BODY_MAX = 4096
};

static const char content[] = "abcdefghijklmnopqrstuvwxyz";
static struct scratch scratch;
static int file;

static int make(void **state)
{
    (void)state;
    scratch = scratch_make();
    scratch_write(&scratch, "f", content);
    file = openat(scratch.fd, "f", O_RDONLY | O_CLOEXEC);
    return file >= 0 ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    close(file);
    scratch_remove(&scratch);
    return 0;
}

static void cut(off_t size)
{
    char path[SCRATCH_PATH + 2];
    snprintf(path, sizeof path, "%s/f", scratch.path);
    scratch_need(truncate(path, size) == 0, "truncate");
}

/* Reads a body to its end in pieces of `size` bytes. Returns its length, or -1. */
static ssize_t read_all(struct body *body, size_t size, char text[BODY_MAX])
{
    static char piece[BODY_MAX];
    struct error fault = {0};
    size_t len = 0;
    ssize_t got;
    while ((got = body_read(body, piece, size, &fault)) > 0) {
        if (len + (size_t)got >= BODY_MAX || (size_t)got > size) {
            return -1;
        }
        memcpy(text + len, piece, (size_t)got);
        len += (size_t)got;
    }
    text[len] = '\0';
    return got < 0 || fault.number != NO_DIAGNOSIS ? -1 : (ssize_t)len;
}

static void check_body(const char *label, const struct body *body, const char *expected)
{
    CHECK(label, body->length == strlen(expected));
    for (size_t size = 1; size <= strlen(expected) + 2; size++) {
        struct body again = *body;
        char text[BODY_MAX], name[80];
        ssize_t len = read_all(&again, size, text);
        snprintf(name, sizeof name, "%s, by %zu", label, size);
        CHECK(name, len == (ssize_t)strlen(expected) && strcmp(text, expected) == 0);
        CHECK(name, again.length == 0);
        CHECK(name, read_all(&again, size, text) == 0);
    }
}

static void a_range_is_read_with_every_size_of_the_buffer(void **state)
{
    static const struct {
        const char *label;
        struct range range;
        const char *bytes;
    } rows[] = {
        {"everything", {0, 26}, "abcdefghijklmnopqrstuvwxyz"},
        {"the beginning", {0, 3}, "abc"},
        {"the middle", {10, 5}, "klmno"},
        {"one byte", {25, 1}, "z"},
        {"nothing", {0, 0}, ""},
        {"nothing, at the end", {26, 0}, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct body body = body_of_range(file, &rows[i].range);
        check_body(rows[i].label, &body, rows[i].bytes);
    }
    check_end();
}

/* RFC 9110 15.3.7.2 */
static void parts_are_read_with_every_size_of_the_buffer(void **state)
{
    static const struct {
        const char *label;
        struct range_set ranges;
        const char *bytes;
    } rows[] = {
        {"two",
         {2, {{0, 3}, {24, 2}}},
         "--" B "\r\n" PART("0-2") "abc\r\n--" B "\r\n" PART("24-25") "yz\r\n--" B "--\r\n"},
        {"in the order asked",
         {3, {{25, 1}, {0, 1}, {5, 10}}},
         "--" B "\r\n" PART("25-25") "z\r\n--" B "\r\n" PART("0-0") "a\r\n--" B "\r\n" PART(
             "5-14") "fghijklmno\r\n--" B "--\r\n"},
        {"that touch",
         {2, {{0, 13}, {13, 13}}},
         "--" B "\r\n" PART("0-12") "abcdefghijklm\r\n--" B
                                    "\r\n" PART("13-25") "nopqrstuvwxyz\r\n--" B "--\r\n"},
        {"one alone", {1, {{4, 2}}}, "--" B "\r\n" PART("4-5") "ef\r\n--" B "--\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct multipart parts;
        CHECK(rows[i].label, multipart_make(&parts, &rows[i].ranges, 26, slice_of(TYPE), SEED));
        struct body body = body_of_parts(file, &parts);
        check_body(rows[i].label, &body, rows[i].bytes);
    }
    check_end();
}

static void sixteen_parts_are_read_whole(void **state)
{
    static struct range_set ranges = {.count = RANGE_PARTS_MAX};
    static char expected[BODY_MAX];
    struct multipart parts;
    char range[32];
    (void)state;
    for (unsigned i = 0; i < RANGE_PARTS_MAX; i++) {
        ranges.part[i] = (struct range){.first = 25 - i, .length = 1};
        snprintf(range, sizeof range, "%u-%u", 25 - i, 25 - i);
        size_t len = strlen(expected);
        snprintf(expected + len, sizeof expected - len,
                 "%s--" B "\r\nContent-Type: " TYPE "\r\nContent-Range: bytes %s/26\r\n\r\n%c",
                 i > 0 ? "\r\n" : "", range, 'z' - (int)i);
    }
    strcat(expected, "\r\n--" B "--\r\n");
    assert_true(multipart_make(&parts, &ranges, 26, slice_of(TYPE), SEED));
    struct body body = body_of_parts(file, &parts);
    check_body("sixteen", &body, expected);
    check_end();
}

/* Where a file is cut, and how many bytes of the body are sent before that is noticed. */
static void a_file_that_shrinks_ends_the_body_early_and_that_is_said(void **state)
{
    static const struct range_set two = {2, {{0, 3}, {20, 6}}};
    static const struct range whole = {0, 26};
    struct multipart parts;
    char text[BODY_MAX];
    (void)state;
    assert_true(multipart_make(&parts, &two, 26, slice_of(TYPE), SEED));
    const struct body bodies[] = {body_of_range(file, &whole), body_of_parts(file, &parts)};
    for (size_t b = 0; b < COUNT(bodies); b++) {
        for (off_t kept = 0; kept < 26; kept++) {
            struct body body = bodies[b];
            struct error fault = {0};
            ssize_t got = 1;
            char label[48];
            uint64_t sent = 0;
            snprintf(label, sizeof label, "%s, cut to %lld", b ? "parts" : "whole",
                     (long long)kept);
            scratch_write(&scratch, "f", content);
            CHECK(label, body_read(&body, text, 1, &fault) == 1);
            cut(kept);
            while ((got = body_read(&body, text, 1, &fault)) > 0) {
                sent++;
            }
            CHECK(label, got == -1 && fault.number == HB_FILE_SHRANK);
            CHECK(label, body.length > 0 && sent < bodies[b].length);
            CHECK(label, !strstr(fault.text, scratch.path));
        }
    }
    check_end();
}

static void a_file_that_cannot_be_read_is_said(void **state)
{
    static const struct range whole = {0, 26};
    struct body body = body_of_range(-1, &whole);
    struct error fault = {0};
    char text[8];
    (void)state;
    assert_int_equal(body_read(&body, text, sizeof text, &fault), -1);
    assert_int_equal(fault.number, HB_FILE_SHRANK);
    body = body_of_range(scratch.fd, &whole); /* a directory */
    fault = (struct error){0};
    assert_int_equal(body_read(&body, text, sizeof text, &fault), -1);
    assert_int_equal(fault.number, HB_FILE_SHRANK);
}

/* Two readers of one descriptor do not move each other. */
static void a_body_moves_nothing_but_itself(void **state)
{
    static const struct range first = {0, 13}, second = {13, 13};
    struct body a = body_of_range(file, &first), b = body_of_range(file, &second);
    struct error fault = {0};
    char text[27] = "";
    (void)state;
    for (size_t i = 0; i < 13; i++) {
        assert_int_equal(body_read(&a, text + i, 1, &fault), 1);
        assert_int_equal(body_read(&b, text + 13 + i, 1, &fault), 1);
    }
    assert_string_equal(text, content);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 0);
}

static void a_buffer_without_room_takes_nothing(void **state)
{
    static const struct range whole = {0, 26};
    struct body body = body_of_range(file, &whole);
    struct error fault = {0};
    (void)state;
    assert_int_equal(body_read(&body, NULL, 0, &fault), 0);
    assert_int_equal(body.length, 26);
    assert_int_equal(fault.number, NO_DIAGNOSIS);
}

int main(void)
{
#define WITH_A_FILE(test) cmocka_unit_test_setup_teardown(test, make, drop)
    const struct CMUnitTest tests[] = {
        WITH_A_FILE(a_range_is_read_with_every_size_of_the_buffer),
        WITH_A_FILE(parts_are_read_with_every_size_of_the_buffer),
        WITH_A_FILE(sixteen_parts_are_read_whole),
        WITH_A_FILE(a_file_that_shrinks_ends_the_body_early_and_that_is_said),
        WITH_A_FILE(a_file_that_cannot_be_read_is_said),
        WITH_A_FILE(a_body_moves_nothing_but_itself),
        WITH_A_FILE(a_buffer_without_room_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
