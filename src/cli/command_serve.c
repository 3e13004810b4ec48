#include "cli/command_serve.h"

#include "base/log.h"
#include "cli/current.h"
#include "cli/options.h"
#include "cli/status_show.h"
#include "compile/settings.h"
#include "fastcgi/listen.h"
#include "fastcgi/master.h"
#include "fastcgi/worker.h"

#include <apr_general.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    THREADS = 4,
    THREADS_MAX = 1024,
    CONNECTIONS = 4096,
    CONNECTIONS_MAX = 65536,
    DRAIN = 15
};

struct serve_options {
    struct master_options master;
    int threads;
    int connections;
    int drain;
    const char *status; /* whom to ask, instead of serving */
    bool json;
    bool help;
    struct settings settings; /* what workers start with: those that were good last */
    apr_pool_t *settings_pool;
    struct shared_catalog *shared; /* NULL: each worker reads the file */
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
    if (site && site->root[0] >= 0 && catalog_releases(&site->catalog) == 0 &&
        site->mount[0].dirs.len == 0) {
        error_set(
            &error, HB_NO_MANIFEST,
            "there is no manifest below the root: only names whose bytes prove their hash are "
            "immutable; with ManifestStaticFilesStorage, run collectstatic");
        log_error(&error);
    }
    site_release(site);
}

/* Serves on a listener; the settings are the given ones, or with NULL read here and again by HUP.
 */
static int serve_until_told(struct worker_options *options, const struct settings *settings,
                            struct shared_catalog *shared)
{
    struct error error;
    const struct current_options site = {.settings = settings, .shared = shared, .lasting = true};
    struct current *current = current_make(&site, &error);
    if (error.number != NO_DIAGNOSIS) {
        log_error(&error);
    }
    if (!current) {
        return 2;
    }
    log_without_manifest(current);
    options->site = current_source(current);
    options->every_second = refresh;
    options->alone = settings == NULL;
    options->reload = reload;
    options->context = current;
    int result = worker_run(options, &error);
    if (result != 0) {
        log_error(&error);
    }
    current_free(current);
    return result == 0 ? 0 : 2;
}

int command_serve_socket(int listener)
{
    struct scoreboard *board = scoreboard_make();
    struct scoreboard_worker *place = board ? scoreboard_take(board) : NULL;
    if (!place) {
        fputs("handback: there is no memory\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN); /* a log that nobody reads any more is no reason to end */
    struct worker_options options = {.listener = listener,
                                     .threads = THREADS,
                                     .connections = CONNECTIONS,
                                     .drain = DRAIN,
                                     .board = board,
                                     .place = place};
    return serve_until_told(&options, NULL, NULL);
}

static int serve_in_worker(int listener, struct scoreboard *board, struct scoreboard_worker *place,
                           void *context)
{
    const struct serve_options *options = context;
    struct worker_options worker = {.listener = listener,
                                    .threads = options->threads,
                                    .connections = options->connections,
                                    .drain = options->drain,
                                    .leaves_to_successor = !options->master.listen,
                                    .board = board,
                                    .place = place};
    return serve_until_told(&worker, &options->settings, options->shared);
}

/* Whoever speaks to a socket of its own (mod_proxy_fcgi, nginx, lighttpd) follows no local
 * redirect.
 */
static void refuse_local_redirect(struct settings *settings)
{
    struct error error;
    if (settings->delivery == DELIVERY_LOCAL_REDIRECT) {
        settings->delivery = DELIVERY_BODY;
        error_set(&error, HB_NO_LOCAL_REDIRECT,
                  "delivery local-redirect is for CGI and mod_fcgid: bodies are sent; set another "
                  "delivery");
        log_error(&error);
    }
}

/* Reads the settings for the workers that are to come; bad ones are logged, and the good ones of
 * before stay. `roots`: a root that cannot be opened is bad too. */
static int take_settings(struct serve_options *options, bool roots)
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
        apr_pool_destroy(pool);
        return result;
    }
    refuse_local_redirect(&settings);
    if (options->settings_pool) {
        apr_pool_destroy(options->settings_pool);
    }
    options->settings_pool = pool;
    options->settings = settings;
    return 0;
}

/* In the master. Returns whether there is a new catalog. */
static bool look_at_catalog(void *context)
{
    struct serve_options *options = context;
    return options->shared && shared_catalog_refresh(options->shared, &options->settings);
}

static void write_state(const struct serve_options *options, char path[PATH_MAX])
{
    const char *state = settings_state(&options->settings, options->settings_pool);
    snprintf(path, PATH_MAX, "%s", state ? state : "");
}

/* For HUP: what serves now is not given up for a root that cannot be opened. */
static int take_new_settings(void *context)
{
    struct serve_options *options = context;
    char before[PATH_MAX] = "";
    write_state(options, before);
    int result = take_settings(options, true);
    if (result != 0) {
        return result;
    }
    char after[PATH_MAX] = "";
    write_state(options, after);
    if (strcmp(before, after) != 0) {
        options->shared = shared_catalog_make(); /* the old workers keep theirs */
    } else if (options->shared) {
        shared_catalog_look_again(options->shared);
    }
    look_at_catalog(options);
    return 0;
}

enum option {
    OPT_HELP = 256,
    OPT_LISTEN,
    OPT_MODE,
    OPT_GROUP,
    OPT_WORKERS,
    OPT_THREADS,
    OPT_CONNECTIONS,
    OPT_REQUESTS,
    OPT_DRAIN,
    OPT_LOG,
    OPT_STATUS,
    OPT_JSON
};

static const apr_getopt_option_t option_table[] = {
    {"listen", OPT_LISTEN, 1, "unix:PATH or HOST:PORT (or a passed socket)"},
    {"socket-mode", OPT_MODE, 1, "mode of the socket file, octal (0660)"},
    {"socket-group", OPT_GROUP, 1, "group of the socket file, as www-data"},
    {"workers", OPT_WORKERS, 1, "processes that serve (2)"},
    {"threads", OPT_THREADS, 1, "threads of each worker (4)"},
    {"max-connections", OPT_CONNECTIONS, 1, "connections of each worker (4096)"},
    {"max-requests", OPT_REQUESTS, 1, "replace a worker after so many (0: never)"},
    {"drain", OPT_DRAIN, 1, "seconds a replaced worker still answers (15)"},
    {"log", OPT_LOG, 1, "a file for diagnoses, in place of stderr"},
    {"status", OPT_STATUS, 1, "ask the one that listens there how it is"},
    {"json", OPT_JSON, 0, "print that status as JSON"},
    {"help", OPT_HELP, 0, "print this"},
    {NULL, 0, 0, NULL},
};

static void print_help(void)
{
    puts("usage: handback serve --listen unix:PATH|HOST:PORT [options]\n"
         "       handback serve --status unix:PATH|HOST:PORT [--json]\n"
         "\n"
         "Listens for FastCGI (mod_proxy_fcgi): a master holds the socket, workers serve.\n");
    for (const apr_getopt_option_t *option = option_table; option->name; option++) {
        printf("  --%-16s %s\n", option->name, option->description);
    }
    puts("\n"
         "HUP reads the settings again and replaces the workers; bad ones are named, and\n"
         "the old ones stay. USR1 opens the log again. TERM, INT and QUIT finish what is\n"
         "in flight; a second one ends at once.");
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

/* Returns -1 when the value is no good. */
static int set_option(struct serve_options *options, int option, const char *value)
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
    case OPT_CONNECTIONS:
        return parse_number(value, 1, CONNECTIONS_MAX, &options->connections);
    case OPT_REQUESTS:
        return parse_number(value, 0, INT_MAX, &options->master.max_requests);
    case OPT_DRAIN:
        return parse_number(value, 0, 3600, &options->drain);
    case OPT_LOG:
        options->master.log = value;
        return 0;
    case OPT_STATUS:
        options->status = value;
        return 0;
    case OPT_JSON:
        options->json = true;
        return 0;
    default:
        return -1;
    }
}

static int take_option(void *context, int option, const char *value)
{
    if (set_option(context, option, value) == 0) {
        return 0;
    }
    fprintf(stderr, "handback serve: \"%s\" is not a good value; see handback serve --help\n",
            value);
    return -1;
}

/* What is wrong with the options as a whole; NULL: nothing. */
static const char *find_fault(const struct serve_options *options, bool arguments)
{
    if (arguments) {
        return "it takes no arguments";
    }
    if (options->json && !options->status) {
        return "--json is for --status";
    }
    if (!options->help && !options->status && !options->master.listen && listen_passed() < 0) {
        return "--listen is missing, and no socket was passed";
    }
    return NULL;
}

static int parse_options(struct serve_options *options, int argc, const char *const *argv,
                         apr_pool_t *pool)
{
    const struct options line = {
        .command = "serve", .table = option_table, .take = take_option, .context = options};
    int count;
    if (!options_read(&line, argc, argv, &count, pool)) {
        return -1;
    }
    const char *fault = find_fault(options, count > 0);
    return fault ? options_refuse("serve", fault) : 0;
}

static int run(struct serve_options *options, struct error *error)
{
    /* A root that does not exist yet is no bad setting. */
    if (take_settings(options, false) != 0) {
        return 2;
    }
    options->master.context = options;
    options->shared = shared_catalog_make();
    look_at_catalog(options);
    if (master_run(&options->master, error) != 0) {
        log_error(error);
        return 2;
    }
    return 0;
}

static int show_status(const struct serve_options *options, struct error *error)
{
    if (status_show(options->status, options->json, error) != 0) {
        log_error(error);
        return 2;
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
                                               .look = look_at_catalog,
                                               .reload = take_new_settings},
                                    .threads = THREADS,
                                    .connections = CONNECTIONS,
                                    .drain = DRAIN};
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        parse_options(&options, argc, argv, pool) != 0) {
        return 2;
    }
    if (options.help) {
        print_help();
        return 0;
    }
    return options.status ? show_status(&options, &error) : run(&options, &error);
}
