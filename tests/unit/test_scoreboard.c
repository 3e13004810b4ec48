#include "check.h"
#include "fastcgi/scoreboard.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_child_counts_where_its_parent_reads(void **state)
{
    struct scoreboard *board = scoreboard_make();
    (void)state;
    assert_non_null(board);
    assert_int_equal(board->master, getpid());
    struct scoreboard_worker *worker = scoreboard_take(board);
    assert_non_null(worker);
    pid_t pid = fork();
    if (pid == 0) {
        scoreboard_count(&board->accepted);
        scoreboard_count_request(board, worker, 200);
        scoreboard_count_request(board, worker, 200);
        scoreboard_count_request(board, worker, 404);
        atomic_store(&worker->connections[1], 3);
        atomic_store(&worker->connections_max, 10);
        _exit(0);
    }
    assert_true(pid > 0);
    atomic_store(&worker->pid, pid);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(board->accepted, 1);
    assert_int_equal(board->requests[200 - SCOREBOARD_STATUS_FIRST], 2);
    assert_int_equal(board->requests[404 - SCOREBOARD_STATUS_FIRST], 1);
    assert_int_equal(worker->requests, 3);
    assert_int_equal(scoreboard_connections(board, 1), 3);
    assert_int_equal(scoreboard_connections_max(board), 10);
    assert_ptr_equal(scoreboard_find(board, pid), worker);
    atomic_store(&worker->retiring, true);
    assert_int_equal(scoreboard_connections_max(board), 0);
    /* It dies: what it held is gone, what it did stays. */
    scoreboard_free(worker);
    assert_null(scoreboard_find(board, pid));
    assert_int_equal(scoreboard_connections(board, 1), 0);
    assert_int_equal(board->requests[200 - SCOREBOARD_STATUS_FIRST], 2);
}

static void a_place_is_given_out_again_empty_and_only_so_many_are_there(void **state)
{
    struct scoreboard *board = scoreboard_make();
    (void)state;
    assert_non_null(board);
    for (int i = 0; i < SCOREBOARD_WORKERS; i++) {
        struct scoreboard_worker *worker = scoreboard_take(board);
        assert_non_null(worker);
        atomic_store(&worker->pid, 1000 + i);
        scoreboard_count_request(board, worker, 200);
    }
    assert_null(scoreboard_take(board));
    scoreboard_free(scoreboard_find(board, 1017));
    struct scoreboard_worker *again = scoreboard_take(board);
    assert_ptr_equal(again, &board->worker[17]);
    assert_int_equal(again->requests, 0);
    assert_int_equal(board->requests[100], SCOREBOARD_WORKERS);
}

static void a_status_that_is_none_is_not_counted_as_one(void **state)
{
    struct scoreboard *board = scoreboard_make();
    (void)state;
    assert_non_null(board);
    const int statuses[] = {-1, 0, 99, 600, 1 << 30};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        scoreboard_count_request(board, &board->worker[0], statuses[i]);
    }
    for (int i = 0; i < SCOREBOARD_STATUSES; i++) {
        assert_int_equal(board->requests[i], 0);
    }
    assert_int_equal(board->worker[0].requests, COUNT(statuses));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_counts_where_its_parent_reads),
        cmocka_unit_test(a_place_is_given_out_again_empty_and_only_so_many_are_there),
        cmocka_unit_test(a_status_that_is_none_is_not_counted_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
