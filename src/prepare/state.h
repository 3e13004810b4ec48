/* The state directory while prepare is at work in it: made, locked, and cleared of what a killed
 * process left. */
#ifndef PREPARE_STATE_H
#define PREPARE_STATE_H

#include "base/error.h"
#include "base/replace.h"

#include <stdbool.h>
#include <sys/stat.h>

enum {
    STATE_PATIENCE = 60 /* seconds for which another prepare is waited for */
};

struct state {
    const char *path; /* absolute */
    int fd;           /* -1: a dry run, and it is not there */
    int lock;
    struct replace_access files; /* whoever may read the root may read these */
    struct replace_access directories;
};

/* Opens the state directory at `path` and locks it, waiting for STATE_PATIENCE. What is made in it
 * has the mode, owner and group of `root`, the root of the first static mount. With `dry` nothing
 * on disk is changed or made, and nothing locked. Returns 0, or -1 with HB0080 or HB0081. */
int state_open(struct state *state, const char *path, const struct stat *root, bool dry,
               struct error *error);

/* The .htaccess that closes it, as it is written when there is none. */
const char *state_htaccess(void);

void state_close(struct state *state);

/* Opens a directory in `parent`, and makes it when it is not there, unless `access` is NULL; a
 * symbolic link is not followed. Returns a descriptor that the caller closes, or -1 with errno. */
int state_open_directory(int parent, const char *name, const struct replace_access *access);

/* Removes the temporary files that a killed process left in a directory. */
void state_clear(int directory);

#endif
