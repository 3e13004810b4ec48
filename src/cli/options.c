#include "cli/options.h"

#include <stdio.h>

int options_refuse(const char *command, const char *fault)
{
    fprintf(stderr, "handback %s: %s; see handback %s --help\n", command, fault, command);
    return -1;
}

const char *const *options_read(const struct options *options, int argc, const char *const *argv,
                                int *count, apr_pool_t *pool)
{
    apr_getopt_t *state;
    const char *value;
    int option;
    apr_status_t status;
    if (apr_getopt_init(&state, pool, argc, argv) != APR_SUCCESS) {
        return NULL;
    }
    state->interleave = 1;
    while ((status = apr_getopt_long(state, options->table, &option, &value)) == APR_SUCCESS) {
        if (options->take(options->context, option, value) != 0) {
            return NULL;
        }
    }
    if (status != APR_EOF) {
        return NULL; /* apr_getopt_long has said why */
    }
    *count = argc - state->ind;
    return (const char *const *)state->argv + state->ind; /* moved behind the options */
}
