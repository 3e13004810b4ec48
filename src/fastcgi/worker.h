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
    bool leaves_to_successor; /* TERM leaves the listener, which somebody else holds, to one */
    bool alone;               /* no master: HUP reloads, and a second TERM ends at once */
    struct scoreboard *board;
    struct scoreboard_worker *place; /* of this process on it */
    struct site_source site;
    void (*every_second)(void *context); /* called by one thread, and when the master sends USR2 */
    void (*reload)(void *context);       /* what HUP does when it is alone; else it retires */
    void *context;
};

/* Serves until TERM, INT or QUIT (finishes what is in flight, and leaves the backlog to a
 * successor) or, unless it is alone, HUP (retires). USR1 reopens the log. Blocks those signals for
 * itself. Returns 0, or -1 when it cannot begin. */
int worker_run(const struct worker_options *options, struct error *error);

#endif
