/* Absolute paths as text: relative to a directory, and back. Nothing here asks the file system, so
 * a path through a symbolic link stays one. */
#ifndef BASE_PLACE_H
#define BASE_PLACE_H

#include "base/slice.h"

/* Writes how `path` is reached from the directory `base`, both absolute: "../static", or "." for
 * the directory itself. Returns false when it does not fit into `size` bytes. */
bool place_relative(const char *path, const char *base, char *text, size_t size);

/* The same, and false too when `path` is neither `base` nor lies below it. */
bool place_below(const char *path, const char *base, char *text, size_t size);

/* Writes the absolute path that `text` means, seen from the directory `base`: without ".", ".." and
 * empty segments. An absolute `text` stays itself. False when it does not fit or climbs above "/".
 */
bool place_resolve(struct slice text, const char *base, char *path, size_t size);

#endif
