/* `serve`: a master that holds the listening socket and touches no request, and workers that serve.
 */
#ifndef FASTCGI_MASTER_H
#define FASTCGI_MASTER_H

#include "base/error.h"

enum {
    MASTER_WORKERS_MAX = 256
};

struct master_options {
    const char *listen; /* unix:PATH or HOST:PORT; NULL: the socket that was passed */
    unsigned socket_mode;
    const char *socket_group; /* NULL: as it comes */
    int workers;
    /* Runs in each worker, with the listening socket; its result is the exit status of the worker.
     */
    int (*serve)(int listener, void *context);
    /* Whether new settings are good: HUP keeps the workers when not. Logs the reason. */
    int (*check)(void *context);
    void *context;
};

/* Listens and keeps the workers going until TERM or INT. Returns 0 after that, or -1 when it cannot
 * listen or start: HB0060, HB0061. */
int master_run(const struct master_options *options, struct error *error);

#endif
