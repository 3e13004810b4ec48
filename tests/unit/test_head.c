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

/* How setting the field ends a child: the number of the signal, 0 for a plain end. */
static int signal_of(struct slice name, struct slice value)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        struct head head;
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        head_clear(&head);
        head_set(&head, name, value);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_line_break_in_a_field_is_a_fault_of_the_program(void **state)
{
    static const struct {
        const char *label;
        struct slice name, value;
        int signal;
    } rows[] = {
        {"plain", {"N", 1}, {"a", 1}, 0},
        {"a tab", {"N", 1}, {"a\tb", 3}, 0},
        {"CR", {"N", 1}, {"a\rb", 3}, SIGABRT},
        {"LF", {"N", 1}, {"a\nb", 3}, SIGABRT},
        {"CR LF and a field", {"N", 1}, {"a\r\nX: y", 7}, SIGABRT},
        {"LF at the end", {"N", 1}, {"a\n", 2}, SIGABRT},
        {"NUL", {"N", 1}, {"a\0b", 3}, SIGABRT},
        {"LF in the name", {"N\n", 2}, {"a", 1}, SIGABRT},
        {"a field in the name", {"X: y\r\nN", 7}, {"a", 1}, SIGABRT},
        {"RFC 9112 5.1: a space in the name", {"N ", 2}, {"a", 1}, SIGABRT},
        {"RFC 9110 5.6.2: no name", {"", 0}, {"a", 1}, SIGABRT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label, signal_of(rows[i].name, rows[i].value) == rows[i].signal);
    }
    check_end();
}

static void fill(struct head *head)
{
    head_clear(head);
    head_add_text(head, "Vary", "a");
    head_add_text(head, "Cache-Control", "b: c");
    head_add_text(head, "vary", "");
    head_add_text(head, "Vary2", "Vary: d");
}

static bool holds(const struct head *head, const char *lines)
{
    bool same = slice_equal((struct slice){head->text, head->len}, slice_of(lines));
    if (!same) {
        print_error("%.*s", (int)head->len, head->text);
    }
    return same;
}

static void fields_are_removed_by_name(void **state)
{
    static const struct {
        const char *label, *name, *lines;
    } rows[] = {
        {"RFC 9110 5.3: every one of the name", "Vary",
         "Cache-Control: b: c\r\nVary2: Vary: d\r\n"},
        {"RFC 9110 5.1: in any case", "VARY", "Cache-Control: b: c\r\nVary2: Vary: d\r\n"},
        {"one in the middle", "cache-control", "Vary: a\r\nvary: \r\nVary2: Vary: d\r\n"},
        {"the last one", "Vary2", "Vary: a\r\nCache-Control: b: c\r\nvary: \r\n"},
        {"a shorter name", "Var", "Vary: a\r\nCache-Control: b: c\r\nvary: \r\nVary2: Vary: d\r\n"},
        {"a longer name", "Vary22",
         "Vary: a\r\nCache-Control: b: c\r\nvary: \r\nVary2: Vary: d\r\n"},
        {"what stands in a value", "b",
         "Vary: a\r\nCache-Control: b: c\r\nvary: \r\nVary2: Vary: d\r\n"},
        {"no name", "", "Vary: a\r\nCache-Control: b: c\r\nvary: \r\nVary2: Vary: d\r\n"},
        {"RFC 9110 5.6.2: - and CR differ by a bit only", "Cache\rControl",
         "Vary: a\r\nCache-Control: b: c\r\nvary: \r\nVary2: Vary: d\r\n"},
    };
    struct head head;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fill(&head);
        head_remove(&head, slice_of(rows[i].name));
        CHECK(rows[i].label, holds(&head, rows[i].lines));
    }
    head_clear(&head);
    head_add_text(&head, "AZ-", "1");
    head_add_text(&head, "az-", "2");
    head_remove(&head, slice_of("Az-"));
    CHECK("RFC 9110 5.1: the ends of the alphabet", holds(&head, ""));
    head_clear(&head);
    head_remove(&head, slice_of("Vary"));
    CHECK("nothing to remove", holds(&head, ""));
    head_add_text(&head, "A^", "1");
    head_remove(&head, slice_of("A~"));
    CHECK("RFC 9110 5.6.2: ^ and ~ are no letters", holds(&head, "A^: 1\r\n"));
    check_end();
}

static void a_field_that_is_set_stands_once_and_last(void **state)
{
    struct head head;
    (void)state;
    fill(&head);
    head_set(&head, slice_of("VARY"), slice_of("z"));
    CHECK("there twice", holds(&head, "Cache-Control: b: c\r\nVary2: Vary: d\r\nVARY: z\r\n"));
    head_set(&head, slice_of("New"), slice_of(""));
    CHECK("not there",
          holds(&head, "Cache-Control: b: c\r\nVary2: Vary: d\r\nVARY: z\r\nNew: \r\n"));
    CHECK("no overflow", !head.overflow);
    check_end();
}

static void a_field_that_is_set_has_the_room_of_the_one_that_goes(void **state)
{
    static char value[HEAD_SIZE];
    static struct head head;
    (void)state;
    memset(value, 'v', sizeof value);
    head_clear(&head);
    head_set(&head, slice_of("A"), (struct slice){value, HEAD_SIZE - 5});
    assert_int_equal(head.len, HEAD_SIZE);
    head_set(&head, slice_of("a"), (struct slice){value, HEAD_SIZE - 5});
    assert_int_equal(head.len, HEAD_SIZE);
    assert_false(head.overflow);
    head_set(&head, slice_of("A"), (struct slice){value, HEAD_SIZE - 4});
    assert_true(head.overflow);
    head_remove(&head, slice_of("A"));
    assert_true(head.overflow); /* what was left out is not there now either */
}

static void a_value_has_no_control_bytes(void **state)
{
    static const struct {
        const char *label;
        struct slice value;
        bool good;
    } rows[] = {
        {"RFC 9110 5.5 visible characters", {"a!~\"", 4}, true},
        {"RFC 9110 5.5 a space and a tab", {"a b\tc", 5}, true},
        {"RFC 9110 5.5 obs-text", {"\x80\xff", 2}, true},
        {"RFC 9110 5.5 empty", {"", 0}, true},
        {"absent", {NULL, 0}, true},
        {"RFC 9110 5.5 CR", {"a\r", 2}, false},
        {"RFC 9110 5.5 LF", {"\na", 2}, false},
        {"RFC 9110 5.5 NUL", {"a\0", 2}, false},
        {"RFC 9110 5.5 a control byte", {"a\x1f", 2}, false},
        {"RFC 9110 5.5 vertical tab", {"\v", 1}, false},
        {"RFC 9110 5.5 DEL", {"\x7f", 1}, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label, head_is_value(rows[i].value) == rows[i].good);
    }
    check_end();
}

static void a_name_is_a_token(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char name[] = {'A', (char)c}, *mark = strchr("!#$%&'*+-.^_`|~", c);
        bool token = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c != 0 && mark);
        if (!CHECK("RFC 9110 5.6.2", head_is_token((struct slice){name, 2}) == token)) {
            print_error("    byte %d\n", c);
        }
    }
    CHECK("RFC 9110 5.6.2 empty", !head_is_token(slice_of("")));
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_become_lines),
        cmocka_unit_test(a_field_that_does_not_fit_is_left_out_and_said),
        cmocka_unit_test(a_line_break_in_a_field_is_a_fault_of_the_program),
        cmocka_unit_test(fields_are_removed_by_name),
        cmocka_unit_test(a_field_that_is_set_stands_once_and_last),
        cmocka_unit_test(a_field_that_is_set_has_the_room_of_the_one_that_goes),
        cmocka_unit_test(a_value_has_no_control_bytes),
        cmocka_unit_test(a_name_is_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
