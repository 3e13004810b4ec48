/* `serve`: a master that holds the listening socket and touches no request, and workers that serve.
 */
#ifndef FASTCGI_MASTER_H
#define FASTCGI_MASTER_H

#include "base/error.h"
#include "fastcgi/scoreboard.h"

#include <stdbool.h>

enum {
    MASTER_WORKERS_MAX = 256
};

struct master_options {
    const char *listen; /* unix:PATH or HOST:PORT; NULL: the socket that was passed */
    unsigned socket_mode;
    const char *socket_group; /* NULL: as it comes */
    const char *log;          /* a file for the diagnoses; NULL: stderr */
    int workers;
    int max_requests; /* after about so many a worker is replaced; 0: never */
    /* Runs in each worker, with the listening socket and its place on the scoreboard; its result is
     * the exit status of the worker. */
    int (*serve)(int listener, struct scoreboard *board, struct scoreboard_worker *place,
                 void *context);
    /* Called once a second; true: the workers are told to look at what they serve. */
    bool (*look)(void *context);
    /* What HUP does before the workers are replaced. Not 0: the new settings are bad, which was
     * logged, and everything stays. */
    int (*reload)(void *context);
    void *context;
};

/* Listens and keeps the workers going until TERM, INT or QUIT; USR1 reopens the log. Returns 0
 * after that, or -1 when it cannot listen or start: HB0060, HB0061, HB0072. */
int master_run(const struct master_options *options, struct error *error);

#endif
