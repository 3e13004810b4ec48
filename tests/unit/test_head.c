#include "check.h"
#include "http/head.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void fields_become_lines(void **state)
{
    struct head head;
    (void)state;
    head_clear(&head);
    head_add(&head, "A", slice_of("b c"));
    head_add_text(&head, "Empty", "");
    head_add_number(&head, "N", UINT64_MAX);
    head_add(&head, "Absent", slice_of(NULL));
    assert_false(head.overflow);
    assert_true(slice_equal((struct slice){head.text, head.len},
                            slice_of("A: b c\r\nEmpty: \r\nN: 18446744073709551615\r\n"
                                     "Absent: \r\n")));
    head_clear(&head);
    assert_int_equal(head.len, 0);
}

static void a_field_that_does_not_fit_is_left_out_and_said(void **state)
{
    struct head *head = malloc(sizeof *head);
    char value[HEAD_SIZE];
    (void)state;
    assert_non_null(head);
    memset(value, 'v', sizeof value);
    for (size_t over = 0; over < 3; over++) {
        head_clear(head);
        head_add(head, "A", (struct slice){value, HEAD_SIZE - 5 - 1 + over});
        assert_int_equal(head->overflow, over > 1);
        assert_int_equal(head->len, over > 1 ? 0 : HEAD_SIZE - 1 + over);
    }
    head_clear(head);
    head_add(head, "A", (struct slice){value, HEAD_SIZE - 20});
    size_t before = head->len;
    head_add_text(head, "Name", "too much to fit in");
    assert_true(head->overflow);
    assert_int_equal(head->len, before);
    head_add_text(head, "B", "");
    assert_true(head->overflow);
    free(head);
}

/* How adding the value ends a child: the number of the signal, 0 for a plain end. */
static int signal_of(struct slice value)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        struct head head;
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        head_clear(&head);
        head_add(&head, "Name", value);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_line_break_in_a_value_is_a_fault_of_the_program(void **state)
{
    static const struct {
        const char *label;
        struct slice value;
        int signal;
    } rows[] = {
        {"plain", {"a", 1}, 0},
        {"a tab", {"a\tb", 3}, 0},
        {"CR", {"a\rb", 3}, SIGABRT},
        {"LF", {"a\nb", 3}, SIGABRT},
        {"CR LF and a field", {"a\r\nX: y", 7}, SIGABRT},
        {"LF at the end", {"a\n", 2}, SIGABRT},
        {"NUL", {"a\0b", 3}, SIGABRT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label, signal_of(rows[i].value) == rows[i].signal);
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_become_lines),
        cmocka_unit_test(a_field_that_does_not_fit_is_left_out_and_said),
        cmocka_unit_test(a_line_break_in_a_value_is_a_fault_of_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
