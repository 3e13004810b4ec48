#include "fastcgi/scoreboard.h"

#include "base/clock.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct scoreboard *scoreboard_make(void)
{
    struct scoreboard *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) {
        return NULL;
    }
    board->started = clock_now();
    board->master = getpid();
    return board;
}

struct scoreboard_worker *scoreboard_find(struct scoreboard *board, pid_t pid)
{
    for (int i = 0; i < SCOREBOARD_WORKERS; i++) {
        if (atomic_load(&board->worker[i].pid) == pid) {
            return &board->worker[i];
        }
    }
    return NULL;
}

struct scoreboard_worker *scoreboard_take(struct scoreboard *board)
{
    struct scoreboard_worker *worker = scoreboard_find(board, 0);
    if (worker) {
        memset(worker, 0, sizeof *worker);
        atomic_store(&worker->started, clock_now());
    }
    return worker;
}

void scoreboard_free(struct scoreboard_worker *worker)
{
    atomic_store(&worker->pid, 0);
}

void scoreboard_count_request(struct scoreboard *board, struct scoreboard_worker *worker,
                              int status)
{
    int index = status - SCOREBOARD_STATUS_FIRST;
    if (index >= 0 && index < SCOREBOARD_STATUSES) {
        scoreboard_count(&board->requests[index]);
    }
    scoreboard_count(&worker->requests);
}

int scoreboard_connections(struct scoreboard *board, int state)
{
    int sum = 0;
    for (int i = 0; i < SCOREBOARD_WORKERS; i++) {
        if (atomic_load(&board->worker[i].pid) != 0) {
            sum += atomic_load(&board->worker[i].connections[state]);
        }
    }
    return sum;
}

int scoreboard_connections_max(struct scoreboard *board)
{
    int sum = 0;
    for (int i = 0; i < SCOREBOARD_WORKERS; i++) {
        if (atomic_load(&board->worker[i].pid) != 0 && !atomic_load(&board->worker[i].retiring)) {
            sum += atomic_load(&board->worker[i].connections_max);
        }
    }
    return sum;
}
