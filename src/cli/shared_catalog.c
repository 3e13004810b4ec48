#include "cli/shared_catalog.h"

#include "base/file.h"
#include "base/log.h"
#include "cli/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    COPIES = 4,
    ALIGNMENT = 65536, /* no page is larger */
    CHUNK = 1 << 20
};

/* One copy, and the file that it was made of. */
struct copy {
    off_t offset; /* in the memory file */
    uint64_t size;
    struct stat status;
};

struct shared_catalog {
    atomic_ulong told;       /* the last generation that a worker has said something about */
    atomic_ulong generation; /* the copies are used in turn: the newest is the one of this number */
    struct copy copy[COPIES];
    int memory; /* the memory file; its number is the same in all processes */
    /* The master's own. */
    struct stat seen;
    bool missing, refused;
};

static struct copy *copy_of(struct shared_catalog *shared, unsigned long generation)
{
    return &shared->copy[generation % COPIES];
}

struct shared_catalog *shared_catalog_make(void)
{
    struct shared_catalog *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return NULL;
    }
    shared->memory = file_open_unnamed("handback-catalog");
    if (shared->memory < 0) {
        munmap(shared, sizeof *shared);
        return NULL;
    }
    return shared;
}

/* NULL when it cannot be done. */
static void *map_copy(const struct shared_catalog *shared, const struct copy *copy)
{
    void *block = mmap(NULL, copy->size, PROT_READ, MAP_SHARED, shared->memory, copy->offset);
    return block == MAP_FAILED ? NULL : block;
}

/* ---- in the master ---- */

static int copy_bytes(int from, int to, off_t offset, uint64_t size)
{
    char *buffer = malloc(CHUNK);
    uint64_t done = 0;
    while (buffer && done < size) {
        ssize_t got = pread(from, buffer, CHUNK, (off_t)done);
        if (got <= 0 || pwrite(to, buffer, (size_t)got, offset + (off_t)done) != got) {
            break;
        }
        done += (uint64_t)got;
    }
    free(buffer);
    return done == size ? 0 : -1;
}

/* Behind the newest copy, so that the last ones stay as they are. */
static off_t place_for_next(struct shared_catalog *shared)
{
    const struct copy *newest = copy_of(shared, shared->generation);
    off_t end = newest->offset + (off_t)newest->size;
    return (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static enum stored_verdict judge(const void *block, uint64_t size, const struct settings *settings,
                                 struct error *error)
{
    apr_pool_t *pool;
    struct settings effective;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        abort();
    }
    enum stored_verdict verdict = stored_judge(block, size, settings, &effective, pool, error);
    apr_pool_destroy(pool);
    return verdict;
}

static enum stored_verdict refuse_for_memory(struct error *error)
{
    error_set(error, HB_OUT_OF_MEMORY, "no memory for the catalog");
    return STORED_REFUSED;
}

/* The copy is believed, not the file, which may change at any moment. */
static enum stored_verdict judge_copy(const struct shared_catalog *shared, const struct copy *copy,
                                      const struct settings *settings, struct error *error)
{
    struct catalog catalog;
    void *block = map_copy(shared, copy);
    if (!block) {
        return refuse_for_memory(error);
    }
    bool whole = catalog_open(&catalog, block, copy->size, error) == 0 &&
                 catalog_verify(&catalog, error) == 0;
    enum stored_verdict verdict =
        whole ? judge(block, copy->size, settings, error) : STORED_REFUSED;
    munmap(block, copy->size);
    return verdict;
}

/* The head alone tells of most files that they are no catalog, before they are copied. */
static enum stored_verdict judge_head(int fd, const struct copy *copy,
                                      const struct settings *settings, struct error *error)
{
    uint64_t mapped;
    void *head = catalog_read_head(fd, copy->size, &mapped);
    if (!head) {
        return refuse_for_memory(error);
    }
    enum stored_verdict verdict = judge(head, copy->size, settings, error);
    munmap(head, mapped);
    return verdict;
}

static void forget(const struct shared_catalog *shared, const struct copy *copy)
{
    if (copy->size > 0) {
        fallocate(shared->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, copy->offset,
                  (off_t)copy->size);
    }
}

static enum stored_verdict take_file(struct shared_catalog *shared, int fd,
                                     const struct settings *settings, struct error *error)
{
    struct copy copy = {.offset = place_for_next(shared),
                        .size = (uint64_t)shared->seen.st_size,
                        .status = shared->seen};
    struct copy *oldest = copy_of(shared, shared->generation + 1);
    enum stored_verdict verdict = judge_head(fd, &copy, settings, error);
    if (verdict != STORED_GOOD) {
        return verdict;
    }
    if (ftruncate(shared->memory, copy.offset + (off_t)copy.size) != 0 ||
        copy_bytes(fd, shared->memory, copy.offset, copy.size) != 0) {
        error_set(error, HB_CATALOG_INVALID, "the catalog cannot be copied: %s", strerror(errno));
        forget(shared, &copy);
        shared->seen = (struct stat){0}; /* another time it may be */
        return STORED_REFUSED;
    }
    verdict = judge_copy(shared, &copy, settings, error);
    if (verdict != STORED_GOOD) {
        forget(shared, &copy);
        return verdict;
    }
    /* Workers left it three publications ago: each swaps its site within a second. */
    forget(shared, oldest);
    *oldest = copy;
    atomic_fetch_add(&shared->generation, 1);
    return STORED_GOOD;
}

static void log_missing(struct shared_catalog *shared)
{
    struct error error;
    if (shared->generation > 0 && !shared->missing) {
        error_set(&error, HB_CATALOG_GONE,
                  "the catalog is gone: the last good one stays; run handback prepare");
        log_error(&error);
    }
    shared->missing = true;
    shared->seen = (struct stat){0};
}

bool shared_catalog_refresh(struct shared_catalog *shared, const struct settings *settings)
{
    apr_pool_t *pool;
    struct error error;
    struct stat status;
    int fd = -1;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return false;
    }
    const char *path = stored_path(settings, pool);
    enum stored_verdict verdict;
    if (path && stat(path, &status) == 0 && file_is_untouched(&status, &shared->seen)) {
        apr_pool_destroy(pool);
        return false;
    }
    verdict = path ? stored_open(path, settings, &fd, &shared->seen, &error) : STORED_MISSING;
    if (verdict == STORED_GOOD) {
        shared->missing = false;
        verdict = take_file(shared, fd, settings, &error);
        close(fd);
    }
    shared->refused = verdict == STORED_REFUSED;
    if (verdict == STORED_MISSING) {
        log_missing(shared);
    } else if (verdict == STORED_REFUSED) {
        log_error(&error);
    }
    apr_pool_destroy(pool);
    return verdict == STORED_GOOD;
}

void shared_catalog_look_again(struct shared_catalog *shared)
{
    if (shared->refused) {
        shared->seen = (struct stat){0};
    }
}

/* ---- in a worker ---- */

unsigned long shared_catalog_generation(const struct shared_catalog *shared)
{
    return atomic_load(&shared->generation);
}

bool shared_catalog_is_first(struct shared_catalog *shared, unsigned long generation)
{
    return atomic_exchange(&shared->told, generation) != generation;
}

void *shared_catalog_map(const struct shared_catalog *shared, unsigned long *generation,
                         uint64_t *size, struct stat *status)
{
    unsigned long now = atomic_load(&shared->generation);
    if (now == *generation) {
        return NULL;
    }
    struct copy copy = shared->copy[now % COPIES];
    void *block = map_copy(shared, &copy);
    /* Some publications later its place is used again: what was mapped then is looked for anew. */
    if (!block || atomic_load(&shared->generation) != now) {
        if (block) {
            munmap(block, copy.size);
        }
        return NULL;
    }
    *generation = now;
    *size = copy.size;
    *status = copy.status;
    return block;
}
