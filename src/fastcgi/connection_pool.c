#include "fastcgi/connection_pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "fastcgi/peek.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ROOM_INTERVAL = 250 /* milliseconds between two searches for connections to close */
};

/* ---- the free ones ---- */

/* Not EPOLLEXCLUSIVE: it tells one worker, and when that one is full or about to end, nobody else.
 */
static int watch_listener(struct connection_pool *pool)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = pool};
    return epoll_ctl(pool->shared.epoll, EPOLL_CTL_ADD, pool->listener, &event);
}

static void pause_accepting(struct connection_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    if (!pool->paused) {
        epoll_ctl(pool->shared.epoll, EPOLL_CTL_DEL, pool->listener, NULL);
        pool->paused = true;
    }
    pthread_mutex_unlock(&pool->lock);
}

static void resume_accepting(struct connection_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->paused && pool->free_count > 0 && atomic_load(&pool->accepts)) {
        pool->paused = watch_listener(pool) != 0;
    }
    pthread_mutex_unlock(&pool->lock);
}

/* A free connection, its claim held; NULL when all are taken. */
static struct connection *take(struct connection_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    int index = pool->free_count > 0 ? pool->free[--pool->free_count] : -1;
    pthread_mutex_unlock(&pool->lock);
    if (index < 0) {
        return NULL;
    }
    struct connection *connection = &pool->connections[index];
    /* A thread that heard a late event of its former use lets go at once. */
    for (unsigned none = 0; !atomic_compare_exchange_weak(&connection->claims, &none, 1);
         none = 0) {
        sched_yield();
    }
    return connection;
}

static void give_back(struct connection_pool *pool, struct connection *connection)
{
    pthread_mutex_lock(&pool->lock);
    pool->free[pool->free_count++] = (int)(connection - pool->connections);
    pthread_mutex_unlock(&pool->lock);
    resume_accepting(pool);
}

int connection_pool_open(struct connection_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    int open = pool->size - pool->free_count;
    pthread_mutex_unlock(&pool->lock);
    return open;
}

/* ---- claims ---- */

/* Holding the claim, takes steps until no further event was counted, and lets go. The state is read
 * only while the claim is held: the next moment another thread may hold it. */
static void step_while_claimed(struct connection_pool *pool, struct connection *connection)
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
            give_back(pool, connection);
            return;
        }
    } while (atomic_fetch_sub(&connection->claims, seen) != seen);
}

void connection_pool_hear(struct connection_pool *pool, struct connection *connection)
{
    if (atomic_fetch_add(&connection->claims, 1) == 0) {
        step_while_claimed(pool, connection);
    }
}

/* ---- accepting ---- */

static void begin(struct connection_pool *pool, struct connection *connection, int fd)
{
    int size = 2 * PEEK_SIZE, yes = 1;
    scoreboard_count(&pool->shared.board->accepted);
    /* The whole head must fit into what the kernel holds, or it could not be looked at. */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connection_begin(connection, &pool->shared, fd) != 0) {
        atomic_store(&connection->claims, 0);
        give_back(pool, connection);
        return;
    }
    step_while_claimed(pool, connection);
}

/* Every connection looks at what has changed around it. */
static void tell_all(struct connection_pool *pool)
{
    for (int i = 0; i < pool->size; i++) {
        connection_pool_hear(pool, &pool->connections[i]);
    }
}

/* Closes the connections that nobody misses, unless that was tried a moment ago. */
static void make_room(struct connection_pool *pool)
{
    long long now = clock_now();
    pthread_mutex_lock(&pool->lock);
    bool due = now - pool->room_made >= ROOM_INTERVAL;
    pool->room_made = due ? now : pool->room_made;
    pthread_mutex_unlock(&pool->lock);
    if (!due) {
        return;
    }
    atomic_store(&pool->shared.crowded, true);
    tell_all(pool);
    atomic_store(&pool->shared.crowded, false);
}

static void log_full(const struct connection_pool *pool)
{
    struct error error;
    error_set(&error, HB_CONNECTIONS_TAKEN,
              "all %d connections of a worker are taken, new ones wait: raise --max-connections or "
              "--workers, or let the web server keep fewer",
              pool->size);
    log_error(&error);
}

/* A free connection, if need be after others were closed for it; NULL: accepting is paused. */
static struct connection *take_or_make_room(struct connection_pool *pool)
{
    struct connection *connection = take(pool);
    if (connection) {
        return connection;
    }
    pause_accepting(pool);
    make_room(pool);
    if (connection_pool_open(pool) == pool->size) {
        log_full(pool);
    }
    resume_accepting(pool);
    return NULL;
}

static bool is_exhaustion(int cause)
{
    return cause == EMFILE || cause == ENFILE || cause == ENOMEM || cause == ENOBUFS;
}

void connection_pool_accept(struct connection_pool *pool)
{
    struct connection *connection = take_or_make_room(pool);
    if (!connection) {
        return;
    }
    int fd = accept4(pool->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        begin(pool, connection, fd);
        return;
    }
    int cause = errno;
    atomic_store(&connection->claims, 0);
    give_back(pool, connection);
    if (is_exhaustion(cause)) {
        struct error error;
        error_set(&error, HB_OUT_OF_DESCRIPTORS,
                  "no connection can be accepted (%s): raise the limit", strerror(cause));
        log_error(&error);
        pause_accepting(pool);
    }
}

/* ---- once a second, and the end ---- */

void connection_pool_look_after(struct connection_pool *pool)
{
    long long now = clock_now();
    for (int i = 0; i < pool->size; i++) {
        long long deadline = atomic_load(&pool->connections[i].deadline);
        if (deadline != 0 && now >= deadline) {
            connection_pool_hear(pool, &pool->connections[i]);
        }
    }
    if (atomic_load(&pool->shared.fate) != CONNECTION_STAYS) {
        tell_all(pool); /* some may have found no successor yet */
    } else if (connection_pool_open(pool) == pool->size) {
        make_room(pool);
    }
    resume_accepting(pool);
}

void connection_pool_end(struct connection_pool *pool, enum connection_fate fate, int other)
{
    atomic_store(&pool->accepts, false);
    pause_accepting(pool);
    pool->shared.successor = handover_to(pool->listener);
    bool hands_over = fate != CONNECTION_CLOSES && pool->shared.successor.len > 0;
    /* Not closed: another thread may be about to accept, and must not meet a new file there. */
    dup2(other, pool->listener);
    atomic_store(&pool->shared.fate, hands_over ? fate : CONNECTION_CLOSES);
    tell_all(pool);
}

int connection_pool_init(struct connection_pool *pool, const struct connection_shared *shared,
                         int listener, int size, struct error *error)
{
    pool->shared = *shared;
    pool->listener = listener;
    pool->size = size;
    pool->connections = calloc((size_t)size, sizeof *pool->connections);
    pool->free = calloc((size_t)size, sizeof *pool->free);
    pthread_mutex_init(&pool->lock, NULL);
    atomic_store(&pool->accepts, true);
    if (!pool->connections || !pool->free) {
        return error_set(error, HB_OUT_OF_MEMORY, "no memory for %d connections", size);
    }
    while (pool->free_count < size) {
        pool->free[pool->free_count] = size - 1 - pool->free_count;
        pool->free_count++;
    }
    return watch_listener(pool) == 0
               ? 0
               : error_set(error, HB_SYSTEM_CALL, "a worker cannot begin: %s", strerror(errno));
}

void connection_pool_free(struct connection_pool *pool)
{
    for (int i = 0; pool->connections && i < pool->size; i++) {
        connection_close(&pool->connections[i]);
    }
    free(pool->connections);
    free(pool->free);
    pthread_mutex_destroy(&pool->lock);
}
