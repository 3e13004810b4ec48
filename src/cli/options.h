/* The command line of a command. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <apr_getopt.h>
#include <apr_pools.h>

struct options {
    const char *command; /* "prepare" */
    const apr_getopt_option_t *table;
    /* Takes one option. Returns 0, or -1 when its value is no good, and says so. */
    int (*take)(void *context, int option, const char *value);
    void *context;
};

/* Reads options and arguments in any order. Returns the arguments, of which there are *count, in
 * `pool`, or NULL: what is wrong was said on stderr. */
const char *const *options_read(const struct options *options, int argc, const char *const *argv,
                                int *count, apr_pool_t *pool);

/* Says what is wrong with the command line as a whole. Returns -1. */
int options_refuse(const char *command, const char *fault);

#endif
