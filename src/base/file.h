/* Descriptors, whole files, and what the operator needs to hear about paths. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum {
    FILE_DESCRIPTOR_NAME = 32
};

/* "/proc/self/fd/N": where the kernel shows what a descriptor stands for. */
void file_name_descriptor(int fd, char name[FILE_DESCRIPTOR_NAME]);

/* Whether both tell of one file that nobody has touched in between. */
bool file_is_untouched(const struct stat *before, const struct stat *after);

enum {
    FILE_DESCRIPTORS_ASKED = 64
};

/* Whether the limits leave room for `count` more descriptors (at most FILE_DESCRIPTORS_ASKED) at
 * this moment. */
bool file_descriptors_left(int count);

/* Opens /dev/null for standard input, output and error where whoever started us has closed them: a
 * file or a connection in their place would be written to. */
void file_open_standard_descriptors(void);

/* An empty file without a name, in memory where that can be had; `name` is what /proc calls it.
 * Returns a descriptor that the caller closes, or -1 with errno. */
int file_open_unnamed(const char *name);

/* Reads a whole file of at most `limit` bytes into memory that the caller frees; a NUL follows it.
 * Returns 0, or -1 with errno (EFBIG: larger than `limit`). */
int file_read(int fd, size_t limit, char **bytes, size_t *length);

/* Writes all bytes, whatever the number of calls it takes. Returns 0, or -1 with errno. */
int file_write(int fd, const void *bytes, size_t length);

/* Explains why the directory `path` of the setting `name` cannot be opened (errno in `cause`): it
 * is missing, is no directory, or lies behind a directory that this user may not enter, which is
 * named with its mode. Returns -1. */
int file_explain_directory(const char *name, const char *path, int cause, struct error *error);

#endif
