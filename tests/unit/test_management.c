#include "check.h"
#include "fastcgi/management.h"
#include "fastcgi/pair.h"
#include "fcgi_message.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct message message, asked;
static unsigned char answer[8 + 65535];
static struct scoreboard *board;

static struct site *no_site(void *context)
{
    (void)context;
    return NULL;
}

static size_t answer_message(void)
{
    const struct site_source source = {.current = no_site};
    return management_answer(message.bytes, answer, board, &source);
}

static size_t get_values(unsigned padding)
{
    message.len = 0;
    message_record(&message, GET_VALUES, 0, asked.bytes, asked.len, padding);
    return answer_message();
}

/* The value of a name in the answer; absent when it is not there. */
static struct slice value_of(const char *wanted)
{
    struct slice rest = {(const char *)answer + 8, (size_t)(answer[4] << 8 | answer[5])};
    struct slice name, value, found = {0};
    while (rest.len > 0) {
        assert_true(pair_cut(&rest, &name, &value));
        if (slice_equal(name, slice_of(wanted))) {
            assert_null(found.at); /* once at most */
            found = value;
        }
    }
    return found;
}

static int start(void **state)
{
    (void)state;
    board = scoreboard_make();
    struct scoreboard_worker *worker = board ? scoreboard_take(board) : NULL;
    if (!worker) {
        return -1;
    }
    atomic_store(&worker->pid, getpid());
    atomic_store(&worker->connections_max, 77);
    return 0;
}

static void the_names_asked_for_that_are_known_have_values(void **state)
{
    static const struct {
        const char *label;
        const char *names[4];
        const char *conns, *reqs, *mpxs;
    } rows[] = {
        {"4.1 all", {"FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"}, "77", "77", "0"},
        {"4.1 one", {"FCGI_MPXS_CONNS"}, NULL, NULL, "0"},
        {"4.1 an unknown one is left out", {"X", "FCGI_MAX_REQS"}, NULL, "77", NULL},
        {"4.1 none", {NULL}, NULL, NULL, NULL},
        {"4.1 case counts", {"fcgi_max_conns"}, NULL, NULL, NULL},
        {"4.1 twice", {"FCGI_MAX_CONNS", "FCGI_MAX_CONNS"}, "77", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        asked.len = 0;
        for (size_t j = 0; j < COUNT(rows[i].names) && rows[i].names[j]; j++) {
            message_pair(&asked, rows[i].names[j], "");
        }
        size_t len = get_values(i % 2 ? 255 : 0);
        CHECK(rows[i].label, len == 8 + (size_t)(answer[4] << 8 | answer[5]));
        CHECK(rows[i].label, memcmp(answer, "\1\12\0\0", 4) == 0);
        const struct slice conns = value_of("FCGI_MAX_CONNS"), reqs = value_of("FCGI_MAX_REQS");
        CHECK(rows[i].label, slice_equal(conns, slice_of(rows[i].conns)));
        CHECK(rows[i].label, slice_equal(reqs, slice_of(rows[i].reqs)));
        CHECK(rows[i].label, slice_equal(value_of("FCGI_MPXS_CONNS"), slice_of(rows[i].mpxs)));
    }
    check_end();
}

static void lengths_that_do_not_fit_are_no_question(void **state)
{
    (void)state;
    asked.len = 0;
    message_pair(&asked, "FCGI_MAX_CONNS", "");
    message_bytes(&asked, "\5\0ab", 4);
    assert_int_equal(get_values(0), 0);
}

static void another_type_is_unknown_and_named(void **state)
{
    (void)state;
    const int types[] = {0, 12, 200, 255};
    for (size_t i = 0; i < COUNT(types); i++) {
        unsigned char expected[16] = {1, 11, 0, 0, 0, 8, 0, 0, (unsigned char)types[i]};
        message.len = 0;
        message_record(&message, types[i], 0, "abc", 3, 1);
        assert_int_equal(answer_message(), sizeof expected);
        assert_memory_equal(answer, expected, sizeof expected);
    }
}

static void the_status_is_one_object_that_holds_what_was_counted(void **state)
{
    (void)state;
    scoreboard_count_request(board, &board->worker[0], 304);
    asked.len = 0;
    message_pair(&asked, "HANDBACK_STATUS", "");
    assert_true(get_values(0) > 8);
    struct slice status = value_of("HANDBACK_STATUS");
    assert_true(status.len > 2 && status.at[0] == '{' && status.at[status.len - 1] == '}');
    assert_non_null(memmem(status.at, status.len, "\"304\":1", 7));
    assert_non_null(memmem(status.at, status.len, "\"catalog\":null", 14));
}

static void the_status_of_a_thousand_workers_fits(void **state)
{
    (void)state;
    for (int i = 0; i < SCOREBOARD_WORKERS; i++) {
        atomic_store(&board->worker[i].pid, 4000000 + i);
        atomic_store(&board->worker[i].requests, 4000000000ul);
    }
    asked.len = 0;
    message_pair(&asked, "HANDBACK_STATUS", "");
    message_pair(&asked, "FCGI_MAX_CONNS", "");
    message_pair(&asked, "FCGI_MAX_REQS", "");
    message_pair(&asked, "FCGI_MPXS_CONNS", "");
    size_t len = get_values(0);
    assert_true(len > 30000 && len <= 8 + 65528);
    assert_true(value_of("HANDBACK_STATUS").len > 30000);
    assert_true(value_of("FCGI_MPXS_CONNS").len == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_names_asked_for_that_are_known_have_values, start),
        cmocka_unit_test_setup(lengths_that_do_not_fit_are_no_question, start),
        cmocka_unit_test_setup(another_type_is_unknown_and_named, start),
        cmocka_unit_test_setup(the_status_is_one_object_that_holds_what_was_counted, start),
        cmocka_unit_test_setup(the_status_of_a_thousand_workers_fits, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
