/* What happens in all processes of a responder, counted where each of them can read it: in memory
 * that the master shares with its workers. Written without locks; a reader sees numbers of a
 * moment, not all of the same one. */
#ifndef FASTCGI_SCOREBOARD_H
#define FASTCGI_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
    SCOREBOARD_WORKERS = 1024, /* those that serve, and those that still retire */
    SCOREBOARD_STATES = 6,     /* of enum connection_state; 0, closed, means nothing */
    SCOREBOARD_STATUS_FIRST = 100,
    SCOREBOARD_STATUSES = 500
};

/* One worker. The place is free when pid is 0. */
struct scoreboard_worker {
    _Alignas(64) atomic_int pid;
    atomic_bool retiring;
    atomic_llong started; /* milliseconds of clock_now */
    atomic_ulong requests;
    atomic_int connections[SCOREBOARD_STATES];
    atomic_int connections_max;
};

struct scoreboard {
    long long started; /* milliseconds of clock_now */
    pid_t master;
    atomic_ulong workers_died, reloads;
    /* Connections since the start: accepted; closed for what they sent; closed because their peer
     * did not go on, or to make room. */
    atomic_ulong accepted, refused, late;
    atomic_ulong requests[SCOREBOARD_STATUSES]; /* by status - SCOREBOARD_STATUS_FIRST */
    struct scoreboard_worker worker[SCOREBOARD_WORKERS];
};

/* Memory that children share; NULL when there is none. Lasts as long as the processes. */
struct scoreboard *scoreboard_make(void);

/* A free place, taken for a worker that is about to start; NULL: none is free. Master only. */
struct scoreboard_worker *scoreboard_take(struct scoreboard *board);

/* The place of a worker; NULL: it has none. */
struct scoreboard_worker *scoreboard_find(struct scoreboard *board, pid_t pid);

/* Frees the place; what the worker has counted stays in the sums. */
void scoreboard_free(struct scoreboard_worker *worker);

/* One more. */
static inline void scoreboard_count(atomic_ulong *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* One more request that was answered with `status`. */
void scoreboard_count_request(struct scoreboard *board, struct scoreboard_worker *worker,
                              int status);

/* The connections of all workers that are in a state, and how many they may be. */
int scoreboard_connections(struct scoreboard *board, int state);
int scoreboard_connections_max(struct scoreboard *board);

#endif
