#include "fastcgi/worker.h"

#include "base/log.h"
#include "fastcgi/connection.h"
#include "fastcgi/intake.h"
#include "fastcgi/peek.h"

#include <apr_pools.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 4096,
    STOP_MILLISECONDS = 30000, /* for what is in flight when TERM arrives */
    STOP_GRACE = 200,          /* for connections that were accepted a moment before */
};

struct worker {
    const struct worker_options *options;
    struct connection_shared shared;
    int stop; /* an eventfd: readable when the threads shall end */
    atomic_bool accepts;
    pthread_mutex_t lock; /* guards the free list and `paused` */
    struct connection *connections;
    int free[CONNECTIONS_MAX];
    int free_count;
    bool paused; /* the listener is out of the epoll set: no room, or no descriptors */
};

/* ---- accepting ---- */

static int watch_listener(struct worker *worker)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = worker};
    return epoll_ctl(worker->shared.epoll, EPOLL_CTL_ADD, worker->options->listener, &event);
}

static void pause_accepting(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    if (!worker->paused) {
        epoll_ctl(worker->shared.epoll, EPOLL_CTL_DEL, worker->options->listener, NULL);
        worker->paused = true;
    }
    pthread_mutex_unlock(&worker->lock);
}

static void resume_accepting(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    if (worker->paused && worker->free_count > 0 && atomic_load(&worker->accepts)) {
        worker->paused = watch_listener(worker) != 0;
    }
    pthread_mutex_unlock(&worker->lock);
}

/* A free connection, its claim held; NULL when all are taken. */
static struct connection *take_connection(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    int index = worker->free_count > 0 ? worker->free[--worker->free_count] : -1;
    pthread_mutex_unlock(&worker->lock);
    if (index < 0) {
        return NULL;
    }
    struct connection *connection = &worker->connections[index];
    /* A thread that heard a late event of its former use lets go at once. */
    for (unsigned none = 0; !atomic_compare_exchange_weak(&connection->claims, &none, 1);
         none = 0) {
        sched_yield();
    }
    return connection;
}

static void give_connection_back(struct worker *worker, struct connection *connection)
{
    pthread_mutex_lock(&worker->lock);
    worker->free[worker->free_count++] = (int)(connection - worker->connections);
    pthread_mutex_unlock(&worker->lock);
    resume_accepting(worker);
}

/* Holding the claim, takes steps until no further event was counted, and lets go. The state is read
 * only while the claim is held: the next moment another thread may hold it. */
static void step_while_claimed(struct worker *worker, struct connection *connection)
{
    unsigned seen;
    if (connection->state == CONNECTION_CLOSED) { /* a late event of a former use */
        atomic_store(&connection->claims, 0);
        return;
    }
    do {
        seen = atomic_load(&connection->claims);
        connection_step(connection);
        if (connection->state == CONNECTION_CLOSED) {
            atomic_store(&connection->claims, 0);
            give_connection_back(worker, connection);
            return;
        }
    } while (atomic_fetch_sub(&connection->claims, seen) != seen);
}

/* Something has happened to the connection: whoever holds it looks again, or we take it. */
static void hear(struct worker *worker, struct connection *connection)
{
    if (atomic_fetch_add(&connection->claims, 1) == 0) {
        step_while_claimed(worker, connection);
    }
}

static void begin(struct worker *worker, struct connection *connection, int fd)
{
    int size = 2 * PEEK_SIZE, yes = 1;
    /* The whole head must fit into what the kernel holds, or it could not be looked at. */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connection_begin(connection, &worker->shared, fd) != 0) {
        atomic_store(&connection->claims, 0);
        give_connection_back(worker, connection);
        return;
    }
    step_while_claimed(worker, connection);
}

static void accept_one(struct worker *worker)
{
    struct connection *connection = take_connection(worker);
    if (!connection) {
        pause_accepting(worker);
        return;
    }
    int fd = accept4(worker->options->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        begin(worker, connection, fd);
        return;
    }
    int cause = errno;
    atomic_store(&connection->claims, 0);
    give_connection_back(worker, connection);
    if (cause == EMFILE || cause == ENFILE || cause == ENOMEM || cause == ENOBUFS) {
        struct error error;
        error_set(&error, HB_OUT_OF_DESCRIPTORS,
                  "no connection can be accepted (%s): raise the limit", strerror(cause));
        log_error(&error);
        pause_accepting(worker);
    }
}

/* ---- threads ---- */

static void *APR_THREAD_FUNC serve_events(apr_thread_t *thread, void *context)
{
    struct worker *worker = context;
    struct epoll_event event;
    (void)thread;
    for (;;) {
        /* One at a time: the next event belongs to a thread that has nothing to do. */
        if (epoll_wait(worker->shared.epoll, &event, 1, -1) != 1) {
            continue;
        }
        if (event.data.ptr == NULL) {
            return NULL; /* the stop event; it stays readable for the others */
        }
        if (event.data.ptr == worker) {
            accept_one(worker);
        } else {
            hear(worker, event.data.ptr);
        }
    }
}

/* Connections whose peer has used up its patience are closed. */
static void close_late_connections(struct worker *worker)
{
    long long now = connection_clock();
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        long long deadline = atomic_load(&worker->connections[i].deadline);
        if (deadline != 0 && now >= deadline) {
            hear(worker, &worker->connections[i]);
        }
    }
}

static void stop_accepting(struct worker *worker)
{
    atomic_store(&worker->accepts, false);
    pause_accepting(worker);
}

static int connections_open(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    int open = CONNECTIONS_MAX - worker->free_count;
    pthread_mutex_unlock(&worker->lock);
    return open;
}

/* Whether there is nothing left to wait for: after a moment of grace for what was accepted just
 * before, nobody is connected; or, when the patience with idle connections ends, nothing is in
 * flight. */
static bool is_finished(struct worker *worker, long long now, long long grace, long long patience)
{
    return now >= grace && (connections_open(worker) == 0 ||
                            (now >= patience && atomic_load(&worker->shared.busy) == 0));
}

/* Waits for what is in flight; when it retires also for the idle connections that the server may
 * still use. */
static void finish(struct worker *worker, const sigset_t *signals, bool retires)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    long long now = connection_clock();
    long long grace = now + STOP_GRACE;
    long long patience = retires ? now + worker->options->drain * 1000LL : grace;
    long long end = patience + STOP_MILLISECONDS;
    while (now < end && !is_finished(worker, now, grace, patience)) {
        int number = sigtimedwait(signals, NULL, &pause);
        now = connection_clock();
        if (number == SIGTERM || number == SIGINT) {
            if (!retires) {
                return; /* the second time: at once */
            }
            retires = false;
            patience = now + STOP_GRACE;
            end = patience + STOP_MILLISECONDS;
        }
        close_late_connections(worker);
    }
}

/* The first thread: once a second it looks after what is late and lets its owner look around. */
static void watch_signals(struct worker *worker, const sigset_t *signals)
{
    const struct timespec second = {.tv_sec = 1};
    for (;;) {
        int number = sigtimedwait(signals, NULL, &second);
        bool retires = number == SIGHUP && !worker->options->reload;
        if (number == SIGTERM || number == SIGINT || retires) {
            stop_accepting(worker);
            finish(worker, signals, retires);
            return;
        }
        if (number == SIGHUP) {
            worker->options->reload(worker->options->context);
        }
        close_late_connections(worker);
        resume_accepting(worker);
        worker->options->every_second(worker->options->context);
    }
}

/* ---- beginning and end ---- */

static int prepare(struct worker *worker, struct error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int listener = worker->options->listener;
    int flags = fcntl(listener, F_GETFL);
    worker->connections = calloc(CONNECTIONS_MAX, sizeof *worker->connections);
    worker->shared.epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->stop = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&worker->lock, NULL);
    atomic_store(&worker->accepts, true);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        worker->free[worker->free_count++] = CONNECTIONS_MAX - 1 - i;
    }
    if (!worker->connections || worker->shared.epoll < 0 || worker->stop < 0 ||
        intake_init() != 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) != 0 ||
        epoll_ctl(worker->shared.epoll, EPOLL_CTL_ADD, worker->stop, &event) != 0 ||
        watch_listener(worker) != 0) {
        return error_set(error, HB_SYSTEM_CALL, "a worker cannot begin: %s", strerror(errno));
    }
    return 0;
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

static void release(struct worker *worker)
{
    for (int i = 0; worker->connections && i < CONNECTIONS_MAX; i++) {
        connection_close(&worker->connections[i]);
    }
    free(worker->connections);
    close(worker->shared.epoll);
    close(worker->stop);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

int worker_run(const struct worker_options *options, struct error *error)
{
    struct worker *worker = calloc(1, sizeof *worker);
    apr_pool_t *pool = NULL;
    sigset_t signals;
    const uint64_t one = 1;
    if (!worker || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        free(worker);
        return error_set(error, HB_OUT_OF_MEMORY, "no memory for a worker");
    }
    worker->options = options;
    worker->shared.site = options->site;
    /* Before the threads, which inherit it: signals are for this thread alone. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    apr_thread_t **threads = apr_pcalloc(pool, (apr_size_t)options->threads * sizeof *threads);
    int result = prepare(worker, error);
    int started = result == 0 ? start_threads(worker, threads, pool, error) : 0;
    if (started < options->threads) {
        result = -1;
    } else {
        watch_signals(worker, &signals);
    }
    ssize_t ignored = write(worker->stop, &one, sizeof one);
    (void)ignored;
    for (int i = 0; i < started; i++) {
        apr_status_t status;
        apr_thread_join(&status, threads[i]);
    }
    apr_pool_destroy(pool);
    release(worker);
    return result;
}
