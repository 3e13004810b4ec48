/* Files below a directory that must not be left. The kernel sees to that (openat2, Linux 5.6);
 * where it does not know how, or a sandbox forbids it, the walk does (base/walk.h).
 */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

#include "base/slice.h"

/* Opens a file for reading below `directory`: neither `..` nor a symbolic link can leave it, and a
 * FIFO does not block. Returns a descriptor that the caller closes, or -1 with errno (EXDEV: a link
 * leads out). */
int beneath_open(int directory, const char *path);

/* The same, but symbolic links may be absolute too, and lead anywhere inside `directory` or into
 * one of `others` (absolute paths, separated by ':'). Where they end is looked at before it is
 * opened; what is no regular file is not. Returns -1 with errno EXDEV when a link ends elsewhere,
 * ENXIO when it ends at what is no regular file. */
int beneath_open_following(int directory, const char *path, struct slice others);

/* Opens a directory below `directory` in the same way, for reading its names. */
int beneath_open_directory(int directory, const char *path);

/* Where a directory really lies, into a buffer of PATH_MAX bytes; false when that cannot be found
 * out. */
bool beneath_find_place(const char *directory, char *path);

/* Whether an absolute path leads to something without a symbolic link on the way. False also where
 * the kernel does not tell. */
bool beneath_has_no_link(const char *path);

#endif
