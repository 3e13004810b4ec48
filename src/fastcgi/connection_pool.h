/* The connections of one worker: accepting new ones, telling a thread which of them it may touch,
 * and closing those whose peer has used up its patience. Every function may be called by any
 * thread, unless it says otherwise. */
#ifndef FASTCGI_CONNECTION_POOL_H
#define FASTCGI_CONNECTION_POOL_H

#include "base/error.h"
#include "fastcgi/connection.h"

#include <pthread.h>

struct connection_pool {
    struct connection_shared shared;
    int listener; /* non-blocking */
    int size;
    atomic_bool accepts;
    pthread_mutex_t lock; /* guards the rest */
    struct connection *connections;
    int *free; /* indexes of those that are closed */
    int free_count;
    bool paused;         /* the listener is out of the epoll set: no room, or no descriptors */
    long long room_made; /* when, milliseconds of clock_now */
};

/* Makes a pool of `size` connections around `shared`, and makes its epoll tell of the listener,
 * with the pool itself as data. Returns 0; connection_pool_free follows in any case. */
int connection_pool_init(struct connection_pool *pool, const struct connection_shared *shared,
                         int listener, int size, struct error *error);

/* The listener has a connection: takes it. Pauses when there is no room or no descriptor. */
void connection_pool_accept(struct connection_pool *pool);

/* Something has happened to the connection: whoever holds it looks again, or this thread does. */
void connection_pool_hear(struct connection_pool *pool, struct connection *connection);

/* Closes the late ones, hands over what is left to hand over, and goes on accepting if that was
 * paused. About once a second. */
void connection_pool_look_after(struct connection_pool *pool);

/* Accepts no more, and lets go of the listener, whose number `other` takes over: once nobody else
 * holds the socket, a successor may have its file. From now on `fate` is what becomes of
 * connections between two requests. By one thread, once. */
void connection_pool_end(struct connection_pool *pool, enum connection_fate fate, int other);

/* How many connections there are. */
int connection_pool_open(struct connection_pool *pool);

/* Closes all. When no other thread is left. */
void connection_pool_free(struct connection_pool *pool);

#endif
