/* One program, three ways in: a CGI, a FastCGI responder on a listening socket, a command. */
#include "base/file.h"
#include "base/log.h"
#include "cli/command_explain.h"
#include "cli/command_prepare.h"
#include "cli/command_serve.h"
#include "cli/current.h"
#include "cli/usage.h"
#include "fastcgi/listen.h"
#include "serve/gateway_cgi.h"

#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run_cgi(void)
{
    struct error error;
    struct current *current = current_make(&(struct current_options){.same_user = true}, &error);
    if (error.number != NO_DIAGNOSIS) {
        log_error(&error);
    }
    if (!current) {
        return 1;
    }
    struct site_source source = current_source(current);
    struct site *site = source.current(source.context);
    int status = gateway_cgi_serve(site);
    site_release(site);
    current_free(current);
    return status;
}

static int run_command(int argc, const char *const *argv)
{
    if (strcmp(argv[1], "serve") == 0) {
        return command_serve(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "explain") == 0) {
        return command_explain(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "prepare") == 0) {
        return command_prepare(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "--help") == 0) {
        usage_print(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("handback " HANDBACK_VERSION);
        return 0;
    }
    fprintf(stderr, "handback: there is no command \"%s\"; see handback --help\n", argv[1]);
    return 2;
}

int main(int argc, const char *const *argv, const char *const *env)
{
    file_open_standard_descriptors();
    if (apr_app_initialize(&argc, &argv, &env) != APR_SUCCESS) {
        fputs("handback: the APR library does not start\n", stderr);
        return 2;
    }
    atexit(apr_terminate);
    /* Arguments are ignored then: a query string without '=' becomes arguments of a CGI. */
    if (getenv("GATEWAY_INTERFACE")) {
        return run_cgi();
    }
    if (argc > 1) {
        return run_command(argc, argv);
    }
    int listener = listen_passed();
    if (listener >= 0) {
        return command_serve_socket(listener);
    }
    usage_print(stderr);
    return 2;
}
