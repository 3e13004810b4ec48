#include "base/error.h"
#include "base/log.h"
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void setting_an_error_keeps_its_number_and_says_minus_one(void **state)
{
    struct error error;
    (void)state;
    assert_int_equal(error_set(&error, HB_FILE_GONE, "%s is %d", "x", 7), -1);
    assert_int_equal(error.number, HB_FILE_GONE);
    assert_string_equal(error.text, "x is 7");
}

static void control_bytes_cannot_forge_a_log_line(void **state)
{
    struct error error;
    (void)state;
    for (int c = 1; c < 256; c++) {
        char label[16];
        snprintf(label, sizeof label, "byte %d", c);
        error_set(&error, HB_FILE_GONE, "a%cb", c);
        char expected = c < 0x20 || c == 0x7f ? '?' : (char)c;
        CHECK(label, error.text[0] == 'a' && error.text[1] == expected && error.text[2] == 'b');
    }
    check_end();
}

static void a_long_text_is_cut_and_its_line_still_ends(void **state)
{
    struct error error;
    char text[2000], line[LOG_LINE_MAX];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&error, HB_FILE_GONE, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    size_t len = log_format(&error, line);
    assert_int_equal(len, strlen(line));
    assert_true(len < LOG_LINE_MAX);
    assert_int_equal(line[len - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
}

static void a_line_names_the_program_and_the_four_digits(void **state)
{
    struct error error;
    char line[LOG_LINE_MAX];
    (void)state;
    error_set(&error, HB_FILE_GONE, "gone: look");
    assert_int_equal(log_format(&error, line), strlen("handback: HB0042: gone: look\n"));
    assert_string_equal(line, "handback: HB0042: gone: look\n");
}

static void a_cause_is_due_once_and_another_cause_at_once(void **state)
{
    struct error error;
    (void)state;
    error_set(&error, HB_FILE_GONE, "one");
    assert_true(log_due(&error));
    assert_false(log_due(&error));
    error_set(&error, HB_FILE_GONE, "two");
    assert_true(log_due(&error));
    error_set(&error, HB_FILE_FAILED, "one");
    assert_true(log_due(&error));
    error_set(&error, HB_FILE_FAILED, "one");
    assert_false(log_due(&error));
}

static void a_flood_of_one_cause_is_one_line_on_stderr(void **state)
{
    struct error error;
    char lines[4096];
    int ends[2], keep = dup(STDERR_FILENO);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    error_set(&error, HB_ROOT_CLOSED, "flood");
    for (int i = 0; i < 50; i++) {
        log_error(&error);
    }
    dup2(keep, STDERR_FILENO);
    close(keep);
    close(ends[1]);
    ssize_t got = read(ends[0], lines, sizeof lines - 1);
    close(ends[0]);
    assert_true(got > 0);
    lines[got] = '\0';
    assert_string_equal(lines, "handback: HB0012: flood\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_keeps_its_number_and_says_minus_one),
        cmocka_unit_test(control_bytes_cannot_forge_a_log_line),
        cmocka_unit_test(a_long_text_is_cut_and_its_line_still_ends),
        cmocka_unit_test(a_line_names_the_program_and_the_four_digits),
        cmocka_unit_test(a_cause_is_due_once_and_another_cause_at_once),
        cmocka_unit_test(a_flood_of_one_cause_is_one_line_on_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
