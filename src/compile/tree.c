#include "compile/tree.h"

#include "base/beneath.h"
#include "base/log.h"
#include "http/coding.h"

#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* One walk; `root_path` is only for the watch and for diagnoses. */
struct walk {
    struct tree *tree;
    struct watch *watch;
    const char *root_path;
    int root;
};

static void read_directory(struct walk *walk, const char *name, int depth);

static bool is_directory(const struct walk *walk, const struct dirent *entry, const char *name)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type == DT_DIR;
    }
    return fstatat(walk->root, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

static bool is_sibling(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < CODING_SIBLINGS; i++) {
        if (strcmp(dot, coding_siblings[i].suffix) == 0) {
            return true;
        }
    }
    return false;
}

static void read_entries(struct walk *walk, DIR *directory, const char *parent, int depth)
{
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        const char *name = *parent ? apr_pstrcat(walk->tree->pool, parent, "/", entry->d_name, NULL)
                                   : apr_pstrdup(walk->tree->pool, entry->d_name);
        if (!is_directory(walk, entry, name)) {
            apr_hash_set(walk->tree->names, name, APR_HASH_KEY_STRING, name);
            walk->tree->siblings = walk->tree->siblings || is_sibling(name);
        } else if (depth > 0) {
            read_directory(walk, name, depth - 1);
        } else {
            APR_ARRAY_PUSH(walk->tree->below, const char *) = name;
        }
    }
}

static void log_unreadable(const char *path, int cause)
{
    struct error error;
    if (cause != ENOENT) {
        error_set(&error, HB_TREE_UNREADABLE, "%s cannot be read: %s", path, strerror(cause));
        log_error(&error);
    }
}

static void read_directory(struct walk *walk, const char *name, int depth)
{
    struct stat status = {0};
    const char *path =
        *name ? apr_pstrcat(walk->tree->pool, walk->root_path, "/", name, NULL) : walk->root_path;
    int fd = beneath_open_directory(walk->root, *name ? name : ".");
    DIR *directory = fd >= 0 && fstat(fd, &status) == 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        log_unreadable(path, errno);
        if (fd >= 0) {
            close(fd);
        } else if (fstatat(walk->root, *name ? name : ".", &status, 0) == 0) {
            watch_add_place(walk->watch, path, &status);
        }
        return;
    }
    watch_add(walk->watch, path, &status);
    read_entries(walk, directory, name, depth);
    closedir(directory);
}

/* Eight bytes at a time. */
static unsigned hash_of(const char *path, apr_ssize_t *len)
{
    uint64_t hash = 0, word;
    *len = *len == APR_HASH_KEY_STRING ? (apr_ssize_t)strlen(path) : *len;
    for (apr_ssize_t left = *len; left > 0; left -= 8, path += 8) {
        word = 0;
        memcpy(&word, path, left < 8 ? (size_t)left : 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return (unsigned)hash;
}

apr_hash_t *tree_make_table(apr_pool_t *pool)
{
    return apr_hash_make_custom(pool, hash_of);
}

struct tree tree_make(apr_pool_t *pool)
{
    return (struct tree){.names = tree_make_table(pool),
                         .below = apr_array_make(pool, 8, sizeof(const char *)),
                         .pool = pool};
}

struct tree tree_read(int root, const char *path, int depth, struct watch *watch, apr_pool_t *pool)
{
    struct tree tree = tree_make(pool);
    struct walk walk = {.tree = &tree, .watch = watch, .root_path = path, .root = root};
    read_directory(&walk, "", depth);
    return tree;
}

void tree_read_rest(struct tree *tree, int root, const char *path, struct watch *watch)
{
    struct walk walk = {.tree = tree, .watch = watch, .root_path = path, .root = root};
    apr_array_header_t *below = tree->below;
    tree->below = apr_array_make(tree->pool, 8, sizeof(const char *));
    for (int i = 0; i < below->nelts; i++) {
        read_directory(&walk, APR_ARRAY_IDX(below, i, const char *), TREE_WHOLE);
    }
}

bool tree_has(const struct tree *tree, const char *name)
{
    return apr_hash_get(tree->names, name, APR_HASH_KEY_STRING) != NULL;
}
