/* One verified copy of the catalog in memory, made by the master of `serve` and read by all its
 * workers. Whatever happens to the file, the last copies stay as they were. */
#ifndef CLI_SHARED_CATALOG_H
#define CLI_SHARED_CATALOG_H

#include "compile/settings.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct shared_catalog;

/* Before the workers are started. NULL: there is no such memory, and each worker reads the file. */
struct shared_catalog *shared_catalog_make(void);

/* In the master: looks at the file, and copies it when it is new and good. What cannot be used is
 * logged, and the copy of before stays. Returns whether there is a new copy. */
bool shared_catalog_refresh(struct shared_catalog *shared, const struct settings *settings);

/* A file that was refused is looked at again though it is the same: the settings are others. */
void shared_catalog_look_again(struct shared_catalog *shared);

/* The number of the newest copy; 0: there is none. */
unsigned long shared_catalog_generation(const struct shared_catalog *shared);

/* In a worker: maps the copy of this moment when it is another than that of *generation (0: none),
 * which is set. Returns NULL when it is not, or there is none; munmap frees the map. */
void *shared_catalog_map(const struct shared_catalog *shared, unsigned long *generation,
                         uint64_t *size, struct stat *status);

/* Whether the caller is the first of all workers to ask about this copy: to say something once. */
bool shared_catalog_is_first(struct shared_catalog *shared, unsigned long generation);

#endif
