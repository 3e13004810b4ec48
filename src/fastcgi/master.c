#include "fastcgi/master.h"

#include "base/clock.h"
#include "base/log.h"
#include "fastcgi/address.h"
#include "fastcgi/listen.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    EARLY = 10000,     /* milliseconds: a worker that dies younger has died early */
    DELAY_MAX = 60000, /* milliseconds before another one that may die early */
};

/* A place in the row of workers. */
struct place {
    pid_t pid;                        /* 0: none */
    struct scoreboard_worker *worker; /* its place on the scoreboard */
    int early_deaths;                 /* in a row */
    long long not_before;             /* when the next one may start, milliseconds of clock_now */
};

struct master {
    const struct master_options *options;
    int listener;
    struct scoreboard *board;
    struct place place[MASTER_WORKERS_MAX];
    sigset_t signals; /* blocked in the workers too, which wait for most of them */
};

/* ---- starting ---- */

/* In the worker. It is told to end when the master is gone, however that happens. */
static void become_worker(const struct master *master, struct scoreboard_worker *worker,
                          pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(0);
    }
    exit(master->options->serve(master->listener, master->board, worker, master->options->context));
}

/* Fills the place with a new worker; on failure it stays as it was. */
static int start_worker(struct master *master, struct place *place, struct error *error)
{
    pid_t parent = getpid();
    struct scoreboard_worker *worker = scoreboard_take(master->board);
    if (!worker) {
        return error_set(error, HB_SYSTEM_CALL, "no worker can be started: too many retire still");
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(master, worker, parent);
    }
    if (pid < 0) {
        return error_set(error, HB_SYSTEM_CALL, "no worker can be started: %s", strerror(errno));
    }
    atomic_store(&worker->pid, pid);
    place->pid = pid;
    place->worker = worker;
    return 0;
}

static void start_missing(struct master *master)
{
    struct error error;
    for (int i = 0; i < master->options->workers; i++) {
        struct place *place = &master->place[i];
        if (place->pid == 0 && clock_now() >= place->not_before &&
            start_worker(master, place, &error) != 0) {
            log_error(&error);
            place->not_before = clock_now() + 1000;
        }
    }
}

/* The new worker first, then the old one retires. Whoever connects in between waits in the backlog.
 */
static void replace_worker(struct master *master, struct place *place)
{
    struct error error;
    pid_t old = place->pid;
    if (start_worker(master, place, &error) != 0) {
        log_error(&error);
    } else if (old > 0) {
        kill(old, SIGHUP);
    }
}

static void replace_those_that_have_done_enough(struct master *master)
{
    for (int i = 0; master->options->max_requests > 0 && i < master->options->workers; i++) {
        struct place *place = &master->place[i];
        if (place->pid > 0 &&
            atomic_load(&place->worker->requests) >= (unsigned long)master->options->max_requests) {
            replace_worker(master, place);
        }
    }
}

/* ---- deaths ---- */

static void log_death(pid_t pid, int status, const char *consequence)
{
    struct error error;
    if (WIFSIGNALED(status)) {
        error_set(&error, HB_WORKER_DIED, "worker %d was ended by signal %d: %s", (int)pid,
                  WTERMSIG(status), consequence);
    } else {
        error_set(&error, HB_WORKER_DIED, "worker %d ended with status %d: %s", (int)pid,
                  WEXITSTATUS(status), consequence);
    }
    log_error(&error);
}

static void log_early_death(int status)
{
    struct error error;
    error_set(
        &error, HB_WORKERS_DYING,
        "workers die again and again soon after their start (%s %d): they are replaced, later "
        "each time, up to a minute",
        WIFSIGNALED(status) ? "signal" : "status",
        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    log_error(&error);
}

/* The place is free: at once for the next worker, or after a while if they do not live. */
static void lose_worker(struct place *place, int status)
{
    long long now = clock_now(), delay = 0;
    bool early = now - atomic_load(&place->worker->started) < EARLY;
    place->early_deaths = early ? place->early_deaths + 1 : 0;
    if (place->early_deaths > 1) {
        int doublings = place->early_deaths < 8 ? place->early_deaths - 2 : 6;
        delay = 1000LL << doublings < DELAY_MAX ? 1000LL << doublings : DELAY_MAX;
        log_early_death(status);
    } else {
        log_death(place->pid, status, "replaced");
    }
    place->not_before = now + delay;
    place->pid = 0;
}

static struct place *place_of(struct master *master, pid_t pid)
{
    for (int i = 0; i < master->options->workers; i++) {
        if (master->place[i].pid == pid) {
            return &master->place[i];
        }
    }
    return NULL; /* it was told to retire */
}

static void note_death(struct master *master, pid_t pid, int status)
{
    struct place *place = place_of(master, pid);
    if (place) {
        lose_worker(place, status);
    } else if (status != 0) {
        log_death(pid, status, "it was about to retire");
    }
    if (place || status != 0) {
        scoreboard_count(&master->board->workers_died);
    }
}

/* Notices who has ended. */
static void reap(struct master *master, bool stopping)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        struct scoreboard_worker *worker = scoreboard_find(master->board, pid);
        if (!stopping) {
            note_death(master, pid, status);
        }
        if (worker) {
            scoreboard_free(worker);
        }
    }
}

/* ---- signals ---- */

/* Returns how many workers there are, those that retire among them. */
static int tell_workers(struct master *master, int number)
{
    int count = 0;
    for (int i = 0; i < SCOREBOARD_WORKERS; i++) {
        pid_t pid = atomic_load(&master->board->worker[i].pid);
        if (pid > 0) {
            kill(pid, number);
            count++;
        }
    }
    return count;
}

static void reload(struct master *master)
{
    struct error error;
    if (master->options->reload(master->options->context) != 0) {
        return;
    }
    scoreboard_count(&master->board->reloads);
    for (int i = 0; i < master->options->workers; i++) {
        master->place[i].early_deaths = 0;
        replace_worker(master, &master->place[i]);
    }
    error_set(&error, HB_RELOADED, "the settings were read again, the workers are replaced");
    log_always(&error);
}

static bool is_end(int number)
{
    return number == SIGTERM || number == SIGINT || number == SIGQUIT;
}

/* Tells the workers to end and waits for them. Told again, it waits no longer; the workers
 * themselves cannot tell that from a signal to the whole group. */
static void stop(struct master *master)
{
    tell_workers(master, SIGTERM);
    while (tell_workers(master, 0) > 0) {
        if (is_end(sigwaitinfo(&master->signals, NULL))) {
            tell_workers(master, SIGKILL);
        }
        reap(master, true);
    }
}

static void keep_going(struct master *master)
{
    const struct timespec second = {.tv_sec = 1};
    long long looked = clock_now();
    for (;;) {
        int number = sigtimedwait(&master->signals, NULL, &second);
        if (is_end(number)) {
            return;
        }
        if (number == SIGHUP) {
            reload(master);
        }
        if (number == SIGUSR1) {
            log_reopen();
            tell_workers(master, SIGUSR1);
        }
        /* By the clock: while signals come in all the time, none of the waits ends by itself. */
        if (clock_now() - looked >= 1000) {
            looked = clock_now();
            if (master->options->look(master->options->context)) {
                tell_workers(master, SIGUSR2);
            }
        }
        reap(master, false);
        start_missing(master);
        replace_those_that_have_done_enough(master);
    }
}

/* What ends a process by default and is no fault of its own is ignored, or waited for. */
static void take_signals(sigset_t *signals)
{
    static const int waited_for[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGCHLD};
    static const int ignored[] = {SIGPIPE, SIGUSR2, SIGALRM,   SIGVTALRM, SIGPROF,
                                  SIGIO,   SIGPWR,  SIGSTKFLT, SIGXFSZ};
    sigemptyset(signals);
    for (size_t i = 0; i < sizeof waited_for / sizeof *waited_for; i++) {
        sigaddset(signals, waited_for[i]);
    }
    sigprocmask(SIG_BLOCK, signals, NULL);
    signal(SIGCHLD, SIG_DFL); /* whoever ignored it before us would keep the deaths from us */
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        signal(ignored[i], SIG_IGN);
    }
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
        signal(number, SIG_IGN);
    }
}

/* ---- beginning and end ---- */

/* Removes the file that we made, and not one that a successor has put in its place. */
static void remove_socket_file(const char *path, const struct stat *bound)
{
    struct stat now;
    if (path && stat(path, &now) == 0 && now.st_ino == bound->st_ino &&
        now.st_dev == bound->st_dev) {
        unlink(path);
    }
}

static void log_listening(const struct master_options *options)
{
    struct error error;
    error_set(&error, HB_LISTENING, "listening on %s with %d workers",
              options->listen ? options->listen : "the socket that was passed", options->workers);
    log_always(&error);
}

static int begin(struct master *master, struct error *error)
{
    const struct master_options *options = master->options;
    if (options->log && log_open(options->log, error) != 0) {
        return -1;
    }
    if (options->listen) {
        listen_warn(options->listen);
    }
    master->board = scoreboard_make();
    if (!master->board) {
        return error_set(error, HB_OUT_OF_MEMORY, "no memory for a scoreboard");
    }
    take_signals(&master->signals);
    for (int i = 0; i < options->workers; i++) {
        if (start_worker(master, &master->place[i], error) != 0) {
            return -1;
        }
    }
    return 0;
}

int master_run(const struct master_options *options, struct error *error)
{
    struct master master = {.options = options};
    const char *path = options->listen ? address_path(options->listen) : NULL;
    struct stat bound;
    master.listener = options->listen ? listen_open(options->listen, options->socket_mode,
                                                    options->socket_group, error)
                                      : listen_passed();
    if (master.listener < 0) {
        return -1;
    }
    if (path && stat(path, &bound) != 0) {
        path = NULL;
    }
    int result = begin(&master, error);
    if (result == 0) {
        log_listening(options);
        keep_going(&master);
    }
    /* Nobody shall wait in the backlog while the last worker ends. The file goes first: as long as
     * the socket is open, no other file has its number. */
    remove_socket_file(path, &bound);
    close(master.listener);
    if (master.board) {
        stop(&master);
    }
    return result;
}
