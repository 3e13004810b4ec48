/* A process that serves: one epoll set, a few threads, and the connections that they share. The
 * same for a worker of `serve` and for a responder that mod_fcgid has started. */
#ifndef FASTCGI_WORKER_H
#define FASTCGI_WORKER_H

#include "base/error.h"
#include "fastcgi/scoreboard.h"
#include "serve/site.h"

struct worker_options {
    int listener; /* a listening socket; made non-blocking */
    int threads;
    int connections; /* at most; fewer when there are too few descriptors */
    int drain;       /* seconds for which a worker that retires (HUP) answers its idle connections,
                        when it cannot hand them over */
    bool passed;     /* the listener was passed to us: TERM leaves it to a successor */
    struct scoreboard *board;
    struct scoreboard_worker *place; /* of this process on it */
    struct site_source site;
    void (*every_second)(void *context); /* called by one thread, between signals */
    void (*reload)(void *context);       /* what HUP does; NULL: the worker retires */
    void *context;
};

/* Serves until TERM, INT or QUIT (finishes what is in flight, and leaves the backlog to a
 * successor) or, without `reload`, HUP (retires). USR1 reopens the log. Blocks those signals for
 * itself. Returns 0, or -1 when it cannot begin. */
int worker_run(const struct worker_options *options, struct error *error);

#endif
