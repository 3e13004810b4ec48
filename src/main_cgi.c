/* The static CGI: one request answered from a prepared catalog, by as little as it takes. */
#include "base/file.h"
#include "base/log.h"
#include "cgi/own_catalog.h"
#include "cgi/own_site.h"
#include "serve/gateway_cgi.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct site site;
static struct environment environment;

/* The full program beside this one, if there is one, makes a catalog in memory. */
static void become_full_program(void)
{
    char path[PATH_MAX], directory[PATH_MAX];
    int len = own_catalog_directory(directory)
                  ? snprintf(path, sizeof path, "%s/handback", directory)
                  : -1;
    if (len > 0 && (size_t)len < sizeof path) {
        execv(path, (char *const[]){path, NULL});
    }
}

/* The site, or NULL: bad settings. */
static const struct site *open_site(void)
{
    struct error error;
    if (environment_read(&environment, &error) != 0) {
        log_error(&error);
        return NULL;
    }
    if (own_site_open(&site, &environment, &error) == 0) {
        return &site;
    }
    if (error.number != NO_DIAGNOSIS) {
        log_error(&error);
    }
    if (error.number == HB_ROOT_IS_PROJECT) {
        return NULL;
    }
    become_full_program();
    if (own_site_open_live(&site, &environment, &error) != 0) {
        log_error(&error);
        return NULL;
    }
    return &site;
}

/* For whoever has a shell on the host. */
static int describe(void)
{
    struct own_catalog own;
    struct error error = {.number = NO_DIAGNOSIS};
    puts("handback.cgi " HANDBACK_VERSION ": a CGI program, which the web server starts");
    if (environment_read(&environment, &error) == 0 &&
        own_catalog_find(&own, &environment, &error) == OWN_FOUND &&
        own_site_open(&site, &environment, &error) == 0) {
        printf("catalog: %s\n", own.path);
        return 0;
    }
    if (error.number == NO_DIAGNOSIS) {
        own_site_open_live(&site, &environment, &error);
    }
    if (error.number != NO_DIAGNOSIS) {
        log_always(&error);
    }
    return 1;
}

int main(void)
{
    file_open_standard_descriptors();
    /* Arguments are never looked at: a query string without '=' becomes arguments of a CGI. */
    if (!getenv("GATEWAY_INTERFACE")) {
        return describe();
    }
    environment_tell_ignored();
    return gateway_cgi_serve(open_site());
}
