/* Writes the block that catalog/format.h describes. Elements are added in any order; finishing
 * sorts the names, and lays leaves, slots and head out. */
#ifndef COMPILE_WRITER_H
#define COMPILE_WRITER_H

#include "base/error.h"
#include "compile/settings.h"

#include <apr_pools.h>
#include <stddef.h>
#include <stdint.h>

struct writer;

struct writer_variant {
    enum coding coding;
    const char *suffix; /* one of coding_siblings */
    uint64_t size;
    bool proven;
};

/* A file. Strings are kept, not copied. */
struct writer_entry {
    const char *path;
    const char *type;
    bool pooled; /* it lies in the pool, not below the root */
    bool sized;  /* false: the file is not there */
    uint64_t size;
    enum catalog_proof proof;
    unsigned char md5[16]; /* when it agrees */
    unsigned variants;
    struct writer_variant variant[CODING_IDENTITY];
};

/* Published in the roots `homes` (const char *, absolute or relative to the catalog). */
struct writer_release {
    uint32_t mount;
    const char *id;
    const char *manifest;
    const char *md5; /* of the manifest */
    int64_t published;
    const apr_array_header_t *homes;
};

/* An empty catalog; it lives in `pool`. */
struct writer *writer_make(apr_pool_t *pool);

void writer_set_site(struct writer *writer, enum delivery delivery, const char *coding_header);

/* The catalog will not lie in the state directory, but where that is reached as `state`. */
void writer_set_state(struct writer *writer, const char *state);

/* Each returns the index of what was added. */
uint32_t writer_add_mount(struct writer *writer, const struct settings_mount *mount);
uint32_t writer_add_release(struct writer *writer, const struct writer_release *release);
uint32_t writer_add_entry(struct writer *writer, const struct writer_entry *entry);

/* A hashed name, or an original name of one release; at most FORMAT_NAME_MAX bytes long, as the
 * path of its entry. A (mount, name, release) that is there already keeps its first entry. */
void writer_add_hashed_name(struct writer *writer, uint32_t mount, const char *name,
                            uint32_t entry);
void writer_add_original_name(struct writer *writer, uint32_t mount, const char *name,
                              uint32_t release, uint32_t entry);

/* Lays the block out in memory that the caller frees. Returns 0, or -1 with HB0031 or HB0064. */
int writer_finish(struct writer *writer, void **block, uint64_t *size, struct error *error);

#endif
