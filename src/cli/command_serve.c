#include "cli/command_serve.h"

#include "base/log.h"
#include "cli/current.h"
#include "compile/settings.h"
#include "fastcgi/listen.h"
#include "fastcgi/master.h"
#include "fastcgi/worker.h"

#include <apr_general.h>
#include <apr_getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    THREADS = 4,
    THREADS_MAX = 1024,
    DRAIN = 15
};

struct serve_options {
    struct master_options master;
    int threads;
    int drain;
    bool help;
};

static void refresh(void *context)
{
    current_refresh(context);
}

static void reload(void *context)
{
    current_reload(context);
}

/* Said once, and not by a CGI, which would say it with every request. */
static void log_without_manifest(struct current *current)
{
    struct error error;
    struct site_source source = current_source(current);
    struct site *site = source.current(source.context);
    if (site && site->root[0] >= 0 && catalog_releases(&site->catalog) == 0) {
        error_set(
            &error, HB_NO_MANIFEST,
            "there is no manifest below the root: only names whose bytes prove their hash are "
            "immutable; with ManifestStaticFilesStorage, run collectstatic");
        log_error(&error);
    }
    site_release(site);
}

static int serve_until_told(int listener, int threads, int drain, bool alone)
{
    struct error error;
    struct current *current = current_make(&error);
    if (error.number != NO_DIAGNOSIS) {
        log_error(&error);
    }
    if (!current) {
        return 2;
    }
    log_without_manifest(current);
    struct worker_options options = {.listener = listener,
                                     .threads = threads,
                                     .drain = drain,
                                     .site = current_source(current),
                                     .every_second = refresh,
                                     .reload = alone ? reload : NULL,
                                     .context = current};
    int result = worker_run(&options, &error);
    if (result != 0) {
        log_error(&error);
    }
    current_free(current);
    return result == 0 ? 0 : 2;
}

int command_serve_socket(int listener)
{
    return serve_until_told(listener, THREADS, 0, true);
}

static int serve_in_worker(int listener, void *context)
{
    const struct serve_options *options = context;
    return serve_until_told(listener, options->threads, options->drain, false);
}

static int check_settings(bool roots)
{
    struct settings settings;
    struct error error;
    apr_pool_t *pool;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    int result = settings_read(&settings, environ, pool, &error);
    if (result == 0 && roots) {
        result = settings_open_roots(&settings, &error);
    }
    if (result != 0) {
        log_always(&error);
    }
    apr_pool_destroy(pool);
    return result;
}

/* For HUP: what serves now is not given up for a root that cannot be opened. */
static int check_new_settings(void *context)
{
    (void)context;
    return check_settings(true);
}

enum option {
    OPT_HELP = 256,
    OPT_LISTEN,
    OPT_MODE,
    OPT_GROUP,
    OPT_WORKERS,
    OPT_THREADS,
    OPT_DRAIN
};

static const apr_getopt_option_t option_table[] = {
    {"listen", OPT_LISTEN, 1, "unix:PATH or HOST:PORT (or a passed socket)"},
    {"socket-mode", OPT_MODE, 1, "mode of the socket file, octal (0660)"},
    {"socket-group", OPT_GROUP, 1, "group of the socket file, as www-data"},
    {"workers", OPT_WORKERS, 1, "processes that serve (2)"},
    {"threads", OPT_THREADS, 1, "threads of each worker (4)"},
    {"drain", OPT_DRAIN, 1, "seconds a replaced worker still answers (15)"},
    {"help", OPT_HELP, 0, "print this"},
    {NULL, 0, 0, NULL},
};

static void print_help(void)
{
    puts("usage: handback serve --listen unix:PATH|HOST:PORT [options]\n"
         "\n"
         "Listens for FastCGI (mod_proxy_fcgi): a master holds the socket, workers serve.\n"
         "Settings come from the environment and handback.json, as for every front.\n");
    for (const apr_getopt_option_t *option = option_table; option->name; option++) {
        printf("  --%-14s %s\n", option->name, option->description);
    }
    puts("\n"
         "HUP reads the settings file again and replaces the workers; a bad file is named\n"
         "and the workers stay. TERM and INT finish what is in flight; a second one ends\n"
         "at once.");
}

static int parse_number(const char *text, int least, int most, int *number)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < least || value > most) {
        return -1;
    }
    *number = (int)value;
    return 0;
}

static int parse_mode(const char *text, unsigned *mode)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);
    if (*text == '\0' || *end != '\0' || value > 0777) {
        return -1;
    }
    *mode = (unsigned)value;
    return 0;
}

static int take_option(struct serve_options *options, int option, const char *value)
{
    switch (option) {
    case OPT_HELP:
        options->help = true;
        return 0;
    case OPT_LISTEN:
        options->master.listen = value;
        return 0;
    case OPT_MODE:
        return parse_mode(value, &options->master.socket_mode);
    case OPT_GROUP:
        options->master.socket_group = value;
        return 0;
    case OPT_WORKERS:
        return parse_number(value, 1, MASTER_WORKERS_MAX, &options->master.workers);
    case OPT_THREADS:
        return parse_number(value, 1, THREADS_MAX, &options->threads);
    case OPT_DRAIN:
        return parse_number(value, 0, 3600, &options->drain);
    default:
        return -1;
    }
}

static int parse_options(struct serve_options *options, int argc, const char *const *argv,
                         apr_pool_t *pool)
{
    apr_getopt_t *state;
    const char *value;
    int option;
    apr_status_t status;
    if (apr_getopt_init(&state, pool, argc, argv) != APR_SUCCESS) {
        return -1;
    }
    while ((status = apr_getopt_long(state, option_table, &option, &value)) == APR_SUCCESS) {
        if (take_option(options, option, value) != 0) {
            fprintf(stderr,
                    "handback serve: \"%s\" is not a good value; see handback serve --help\n",
                    value);
            return -1;
        }
    }
    if (status != APR_EOF) {
        return -1; /* apr_getopt_long has said why */
    }
    if (state->ind < argc || (!options->help && !options->master.listen && listen_passed() < 0)) {
        fputs(state->ind < argc
                  ? "handback serve: it takes no arguments; see handback serve --help\n"
                  : "handback serve: --listen is missing, and no socket was passed; see "
                    "handback serve --help\n",
              stderr);
        return -1;
    }
    return 0;
}

int command_serve(int argc, const char *const *argv)
{
    struct error error;
    apr_pool_t *pool;
    struct serve_options options = {.master = {.socket_mode = 0660,
                                               .workers = 2,
                                               .serve = serve_in_worker,
                                               .check = check_new_settings},
                                    .threads = THREADS,
                                    .drain = DRAIN};
    options.master.context = &options;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        parse_options(&options, argc, argv, pool) != 0) {
        return 2;
    }
    if (options.help) {
        print_help();
        return 0;
    }
    /* A root that does not exist yet is no bad setting. */
    if (check_settings(false) != 0) {
        return 2;
    }
    if (master_run(&options.master, &error) != 0) {
        log_error(&error);
        return 2;
    }
    return 0;
}
