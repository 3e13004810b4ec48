#include "fastcgi/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "fastcgi/connection_pool.h"
#include "fastcgi/intake.h"

#include <apr_pools.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

/* Milliseconds that a worker which has been told to end waits. */
enum {
    STOP_GRACE = 200, /* for connections that were accepted a moment before */
    STOP_IDLE = 1000, /* for a last request on connections that are kept */
    STOP_BUSY = 30000 /* for what is in flight */
};

enum {
    DESCRIPTORS_OF_OUR_OWN = 64 /* roots, manifests while they are read, epoll ... */
};

struct worker {
    const struct worker_options *options;
    struct connection_pool pool;
    int epoll;
    int stop; /* an eventfd: readable when the threads shall end */
    sigset_t signals;
};

/* ---- threads ---- */

static void *APR_THREAD_FUNC serve_events(apr_thread_t *thread, void *context)
{
    struct worker *worker = context;
    struct epoll_event event;
    (void)thread;
    intake_begin_thread();
    for (;;) {
        /* One at a time: the next event belongs to a thread that has nothing to do. */
        if (epoll_wait(worker->epoll, &event, 1, -1) != 1) {
            continue;
        }
        if (event.data.ptr == NULL) {
            return NULL; /* the stop event; it stays readable for the others */
        }
        if (event.data.ptr == &worker->pool) {
            connection_pool_accept(&worker->pool);
        } else {
            connection_pool_hear(&worker->pool, event.data.ptr);
        }
    }
}

/* Returns how many were started; fewer than wanted with the error. */
static int start_threads(struct worker *worker, apr_thread_t **threads, apr_pool_t *pool,
                         struct error *error)
{
    int started = 0;
    while (started < worker->options->threads &&
           apr_thread_create(&threads[started], NULL, serve_events, worker, pool) == APR_SUCCESS) {
        started++;
    }
    if (started < worker->options->threads) {
        error_set(error, HB_SYSTEM_CALL, "only %d of %d threads can be started", started,
                  worker->options->threads);
    }
    return started;
}

static void join_threads(struct worker *worker, apr_thread_t **threads, int count)
{
    const uint64_t one = 1;
    ssize_t ignored = write(worker->stop, &one, sizeof one);
    (void)ignored;
    for (int i = 0; i < count; i++) {
        apr_status_t status;
        apr_thread_join(&status, threads[i]);
    }
}

/* ---- signals, and what happens once a second ---- */

static bool is_end(int number)
{
    return number == SIGTERM || number == SIGINT || number == SIGQUIT;
}

/* Waits for a signal, and does what is due once a second. `last` is when that was done. Returns the
 * number, or -1 when none came. */
static int wait_for_signal(struct worker *worker, long milliseconds, long long *last)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000,
                                   .tv_nsec = milliseconds % 1000 * 1000000};
    int number = sigtimedwait(&worker->signals, NULL, &pause);
    if (number == SIGUSR1) {
        log_reopen();
    }
    if (number == SIGUSR2 || clock_now() - *last >= 1000) {
        *last = clock_now();
        connection_pool_look_after(&worker->pool);
        worker->options->every_second(worker->options->context);
    }
    return number;
}

/* Whether there is nothing left to wait for: after a moment of grace for what was accepted just
 * before, nobody is connected; or, when the patience with idle connections ends, nothing is in
 * flight. */
static bool is_finished(struct worker *worker, long long now, long long grace, long long patience)
{
    return now >= grace && (connection_pool_open(&worker->pool) == 0 ||
                            (now >= patience && connection_busy(&worker->pool.shared) == 0));
}

/* Accepts no more, hands the connections over, and waits for what is in flight. When it retires and
 * cannot hand them over, it waits also for idle connections, which the server may still use. */
static void finish(struct worker *worker, bool retires)
{
    long long now = clock_now(), last = now;
    long long grace = now + STOP_GRACE;
    long long patience = now + (retires ? worker->options->drain * 1000LL : STOP_IDLE);
    long long end = patience + STOP_BUSY;
    enum connection_fate fate = retires                                ? CONNECTION_HANDS_OVER
                                : worker->options->leaves_to_successor ? CONNECTION_LEAVES
                                                                       : CONNECTION_CLOSES;
    atomic_store(&worker->options->place->retiring, true);
    connection_pool_end(&worker->pool, fate, worker->stop);
    while (now < end && !is_finished(worker, now, grace, patience)) {
        int number = wait_for_signal(worker, 20, &last);
        now = clock_now();
        if (is_end(number) && retires) {
            retires = false;
            patience = now + STOP_IDLE;
            end = patience + STOP_BUSY;
        } else if (is_end(number) && worker->options->alone) {
            return; /* the second time: at once */
        }
    }
}

/* The first thread. */
static void serve_until_told(struct worker *worker)
{
    long long last = clock_now();
    for (;;) {
        int number = wait_for_signal(worker, 1000, &last);
        bool retires = number == SIGHUP && !worker->options->alone;
        if (is_end(number) || retires) {
            finish(worker, retires);
            return;
        }
        if (number == SIGHUP) {
            worker->options->reload(worker->options->context);
        }
    }
}

/* Before the threads, which inherit it: signals are for the first thread alone. */
static void block_signals(sigset_t *signals)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
    sigemptyset(signals);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(signals, numbers[i]);
    }
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

/* ---- beginning and end ---- */

/* How many connections the limit of descriptors leaves room for: each may need one for a file. */
static int room_for_connections(const struct worker_options *options)
{
    struct rlimit limit;
    struct error error;
    rlim_t others = DESCRIPTORS_OF_OUR_OWN + (rlim_t)options->threads;
    rlim_t wanted = others + 2 * (rlim_t)options->connections;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return options->connections;
    }
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == wanted) {
        return options->connections;
    }
    int room = limit.rlim_cur > others + 2 ? (int)((limit.rlim_cur - others) / 2) : 1;
    if (!options->alone) { /* else nobody has asked for a number */
        error_set(&error, HB_FEW_DESCRIPTORS,
                  "the limit of %llu descriptors leaves room for %d connections, not %d: raise it "
                  "to %llu (LimitNOFILE= of systemd)",
                  (unsigned long long)limit.rlim_cur, room, options->connections,
                  (unsigned long long)wanted);
        log_error(&error);
    }
    return room;
}

static int prepare(struct worker *worker, struct error *error)
{
    const struct worker_options *options = worker->options;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int flags = fcntl(options->listener, F_GETFL);
    int room = room_for_connections(options);
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->stop = eventfd(0, EFD_CLOEXEC);
    struct connection_shared shared = {.epoll = worker->epoll,
                                       .site = options->site,
                                       .spawned = options->alone,
                                       .board = options->board,
                                       .counts = options->place,
                                       .idle_patience = options->drain * 1000LL};
    atomic_store(&options->place->connections_max, room);
    atomic_store(&options->place->pid, getpid());
    if (worker->epoll < 0 || worker->stop < 0 || intake_init() != 0 ||
        fcntl(options->listener, F_SETFL, flags | O_NONBLOCK) != 0 ||
        epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->stop, &event) != 0) {
        return error_set(error, HB_SYSTEM_CALL, "a worker cannot begin: %s", strerror(errno));
    }
    return connection_pool_init(&worker->pool, &shared, options->listener, room, error);
}

static int serve(struct worker *worker, apr_pool_t *pool, struct error *error)
{
    int wanted = worker->options->threads;
    apr_thread_t **threads = apr_pcalloc(pool, (apr_size_t)wanted * sizeof *threads);
    int started = start_threads(worker, threads, pool, error);
    if (started == wanted) {
        serve_until_told(worker);
    }
    join_threads(worker, threads, started);
    return started == wanted ? 0 : -1;
}

int worker_run(const struct worker_options *options, struct error *error)
{
    struct worker *worker = calloc(1, sizeof *worker);
    apr_pool_t *pool = NULL;
    if (!worker || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        free(worker);
        return error_set(error, HB_OUT_OF_MEMORY, "no memory for a worker");
    }
    worker->options = options;
    block_signals(&worker->signals);
    int result = prepare(worker, error) == 0 ? serve(worker, pool, error) : -1;
    apr_pool_destroy(pool);
    connection_pool_free(&worker->pool);
    close(worker->epoll);
    close(worker->stop);
    free(worker);
    return result;
}
