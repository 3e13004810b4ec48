/* The static CGI: one request answered from a prepared catalog, by as little as it takes. */
#include "base/file.h"
#include "base/log.h"
#include "cgi/own_site.h"
#include "serve/gateway_cgi.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct site site;
static struct environment environment;
static struct own_catalog own;

/* A copy of this program under that name would start itself for ever. */
static bool is_another(const char *path)
{
    struct stat ours, theirs;
    return stat("/proc/self/exe", &ours) == 0 && stat(path, &theirs) == 0 &&
           (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev);
}

/* The full program beside this one, if there is one, makes a catalog in memory. */
static void become_full_program(void)
{
    char path[PATH_MAX], directory[PATH_MAX];
    int len = own_catalog_directory(directory)
                  ? snprintf(path, sizeof path, "%s/handback", directory)
                  : -1;
    if (len > 0 && (size_t)len < sizeof path && is_another(path)) {
        execv(path, (char *const[]){path, NULL});
    }
}

static void tell(const struct error *error)
{
    if (error->number != NO_DIAGNOSIS) {
        log_error(error); /* once, however often it is told */
    }
}

/* The site, or NULL: bad settings. */
static const struct site *open_site(void)
{
    struct error error;
    if (environment_read(&environment, &error) == 0) {
        if (own_site_open(&site, &own, &environment, &error) == 0) {
            return &site;
        }
        if (error.number != HB_ROOT_IS_PROJECT) {
            /* The full program looks for no catalog beside itself, and tells of every other one. */
            if (own.beside) {
                tell(&error);
            }
            become_full_program();
            tell(&error);
            if (own_site_open_live(&site, &environment, &error) == 0) {
                return &site;
            }
        }
    }
    tell(&error);
    return NULL;
}

/* For whoever has a shell on the host. */
static int describe(void)
{
    struct error error = {.number = NO_DIAGNOSIS};
    puts("handback.cgi " HANDBACK_VERSION ": a CGI program, which the web server starts");
    if (environment_read(&environment, &error) == 0 &&
        own_site_open(&site, &own, &environment, &error) == 0) {
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
