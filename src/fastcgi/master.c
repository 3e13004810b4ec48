#include "fastcgi/master.h"

#include "base/log.h"
#include "fastcgi/listen.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct master {
    const struct master_options *options;
    int listener;
    pid_t workers[MASTER_WORKERS_MAX]; /* 0: none */
    time_t started[MASTER_WORKERS_MAX];
    sigset_t signals;
    sigset_t before; /* the mask that workers get back */
};

static time_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* In the worker. It ends when the master does, however that happens. */
static void become_worker(struct master *master, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(0);
    }
    sigprocmask(SIG_SETMASK, &master->before, NULL);
    exit(master->options->serve(master->listener, master->options->context));
}

static int start_worker(struct master *master, int index, struct error *error)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(master, parent);
    }
    if (pid < 0) {
        return error_set(error, HB_SYSTEM_CALL, "no worker can be started: %s", strerror(errno));
    }
    master->workers[index] = pid;
    master->started[index] = seconds();
    return 0;
}

/* Starts whoever is missing. One that died in its first second waits for the next round, so that a
 * worker that cannot live does not keep the machine busy. */
static void start_missing(struct master *master)
{
    struct error error;
    for (int i = 0; i < master->options->workers; i++) {
        if (master->workers[i] == 0 && seconds() - master->started[i] >= 1 &&
            start_worker(master, i, &error) != 0) {
            log_error(&error);
        }
    }
}

static void log_death(pid_t pid, int status)
{
    struct error error;
    if (WIFSIGNALED(status)) {
        error_set(&error, HB_WORKER_DIED, "worker %d was ended by signal %d: replaced", (int)pid,
                  WTERMSIG(status));
    } else {
        error_set(&error, HB_WORKER_DIED, "worker %d ended with status %d: replaced", (int)pid,
                  WEXITSTATUS(status));
    }
    log_error(&error);
}

/* Notices who has ended. A worker that has been told to retire is no longer in the list. */
static void reap(struct master *master, bool expected)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (int i = 0; i < master->options->workers; i++) {
            if (master->workers[i] == pid) {
                master->workers[i] = 0;
                if (!expected) {
                    log_death(pid, status);
                }
            }
        }
    }
}

static void tell_workers(const struct master *master, int number)
{
    for (int i = 0; i < master->options->workers; i++) {
        if (master->workers[i] > 0) {
            kill(master->workers[i], number);
        }
    }
}

/* New workers first, then the old ones retire. Whoever connects in between waits in the backlog. */
static void reload(struct master *master)
{
    struct error error;
    if (master->options->check(master->options->context) != 0) {
        return;
    }
    for (int i = 0; i < master->options->workers; i++) {
        pid_t old = master->workers[i];
        master->workers[i] = 0;
        if (start_worker(master, i, &error) != 0) {
            log_error(&error);
            master->workers[i] = old;
        } else if (old > 0) {
            kill(old, SIGHUP);
        }
    }
    error_set(&error, HB_RELOADED, "the settings were read again, the workers are replaced");
    log_always(&error);
}

static bool has_workers(const struct master *master)
{
    for (int i = 0; i < master->options->workers; i++) {
        if (master->workers[i] > 0) {
            return true;
        }
    }
    return false;
}

/* Ends the workers and waits for them; retired ones end by the signal of their parent's death. */
static void stop(struct master *master)
{
    tell_workers(master, SIGTERM);
    while (has_workers(master)) {
        int number = sigwaitinfo(&master->signals, NULL);
        if (number == SIGTERM || number == SIGINT) {
            tell_workers(master, SIGTERM);
        }
        reap(master, true);
    }
}

static void keep_going(struct master *master)
{
    const struct timespec second = {.tv_sec = 1};
    for (;;) {
        switch (sigtimedwait(&master->signals, NULL, &second)) {
        case SIGTERM:
        case SIGINT:
            stop(master);
            return;
        case SIGHUP:
            reload(master);
            break;
        default:
            break;
        }
        reap(master, false);
        start_missing(master);
    }
}

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

int master_run(const struct master_options *options, struct error *error)
{
    struct master master = {.options = options};
    const char *path = options->listen ? listen_path(options->listen) : NULL;
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
    sigemptyset(&master.signals);
    sigaddset(&master.signals, SIGTERM);
    sigaddset(&master.signals, SIGINT);
    sigaddset(&master.signals, SIGHUP);
    sigaddset(&master.signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &master.signals, &master.before);
    int result = 0;
    for (int i = 0; result == 0 && i < options->workers; i++) {
        result = start_worker(&master, i, error);
    }
    if (result == 0) {
        log_listening(options);
        keep_going(&master);
    } else {
        stop(&master);
    }
    close(master.listener);
    remove_socket_file(path, &bound);
    return result;
}
