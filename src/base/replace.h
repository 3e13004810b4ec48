/* Files that are there as a whole or not at all: written under a temporary name in the directory
 * where they belong, made durable, then renamed. A process that is killed leaves at most a file
 * that replace_is_temporary knows. */
#ifndef BASE_REPLACE_H
#define BASE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

enum {
    REPLACE_NAME = 48
};

/* Who may use what is made, whatever the umask. The owner counts when root makes it, the group
 * where the system lets this user give it. */
struct replace_access {
    mode_t mode;
    uid_t owner;
    gid_t group;
};

/* Gives an open file or directory its mode, and owner and group as far as that is allowed. */
void replace_grant(int fd, const struct replace_access *access);

/* Writes a name that no file of ours has had before in this process. */
void replace_make_name(char name[REPLACE_NAME]);

/* Whether it is such a name, of whatever process. */
bool replace_is_temporary(const char *name);

/* Makes an empty file of a temporary name, open for reading and writing. Returns its descriptor, or
 * -1 with errno. */
int replace_open(int directory, char name[REPLACE_NAME], const struct replace_access *access);

/* Puts a file with these bytes in the place of `name` in `directory`, or makes it; durable when it
 * returns. `modified`: its time of modification, NULL: now. Returns 0, or -1 with errno; then what
 * was there is there still. */
int replace_file(int directory, const char *name, const void *bytes, size_t length,
                 const struct replace_access *access, const struct timespec *modified);

#endif
