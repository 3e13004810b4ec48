#include "serve/resource.h"

#include "base/beneath.h"
#include "base/file.h"
#include "catalog/glob.h"
#include "serve/variant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int report(const struct site *site, const struct resource *resource, struct error *error,
                  enum diagnosis number, const char *what)
{
    struct slice url = site->mount[resource->mount].url;
    return error_set(error, number, "%.*s%.*s: %s", (int)url.len, url.at, (int)resource->name.len,
                     resource->name.at, what);
}

/* The same with the file that is behind the name. */
static void report_file(const struct site *site, const struct resource *resource,
                        struct error *error, enum diagnosis number, const char *what)
{
    char text[2 * PATH_SIZE];
    snprintf(text, sizeof text, "file %s: user %u: %s", resource->path, (unsigned)geteuid(), what);
    report(site, resource, error, number, text);
}

/* The one place where errno of an open becomes a verdict. */
static enum resource_verdict verdict_of_errno(int cause, bool promised, const struct site *site,
                                              const struct resource *resource, struct error *error)
{
    switch (cause) {
    case ENOENT:
    case ENOTDIR:
        if (!promised) {
            return RESOURCE_MISSING;
        }
        report_file(site, resource, error, HB_FILE_GONE,
                    "a manifest names it, and it is not there: run collectstatic to its end");
        return RESOURCE_UNAVAILABLE;
    case ENAMETOOLONG:
    case ENXIO:
        return RESOURCE_MISSING;
    case EXDEV:
    case ELOOP:
        report(site, resource, error, HB_LINK_LEAVES_ROOT,
               "a symbolic link that leaves the root, or loops, is not followed: collect real "
               "files, or name in HANDBACK_FOLLOW the directories that links may reach");
        return RESOURCE_MISSING;
    case EACCES:
    case EPERM:
        report_file(site, resource, error, HB_FILE_CLOSED,
                    "this user may not read it: let others read it (chmod o+r) and enter its "
                    "directories (o+x)");
        return RESOURCE_CLOSED;
    default:
        report(site, resource, error, HB_FILE_FAILED, strerror(cause));
        return RESOURCE_UNAVAILABLE;
    }
}

/* Whether the name is a manifest of the mount; those are nobody's business. */
static bool is_manifest(const struct site *site, const struct resource *resource)
{
    for (struct slice rest = site->mount[resource->mount].manifests; rest.at;) {
        if (glob_matches_path(slice_cut(&rest, ':'), resource->name)) {
            return true;
        }
    }
    return false;
}

static bool is_file(const struct site *site, uint32_t mount, const char *path)
{
    struct stat status;
    int fd = site_open_file(site, mount, PLACE_ROOT, path);
    bool file = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (fd >= 0) {
        close(fd);
    }
    return file;
}

/* Whether the name is a sibling of a file that is there: only that file is served, in its coding.
 */
static bool is_sidecar(const struct site *site, const struct resource *resource)
{
    struct slice original = variant_source_name(resource->name);
    struct catalog_entry entry;
    char path[PATH_SIZE];
    return original.len > 0 && slice_copy(original, path, sizeof path) &&
           (catalog_find(&site->catalog, resource->mount, original, &entry) != CATALOG_ABSENT ||
            is_file(site, resource->mount, path));
}

static enum resource_verdict open_identity(struct resource *resource, const struct site *site,
                                           enum place place, struct slice path, bool promised,
                                           struct error *error)
{
    struct copy *copy = &resource->copy[CODING_IDENTITY];
    copy->place = place;
    if (!slice_copy(path, resource->path, PATH_SIZE)) {
        return RESOURCE_MISSING;
    }
    copy->fd = site_open_file(site, resource->mount, place, resource->path);
    if (copy->fd < 0 || fstat(copy->fd, &copy->status) != 0) {
        return verdict_of_errno(errno, promised, site, resource, error);
    }
    return S_ISREG(copy->status.st_mode) ? RESOURCE_FOUND : RESOURCE_MISSING;
}

/* The operator vouches for the name: another tool has hashed it (`immutable`). */
static bool is_vouched_for(const struct resource *resource, const struct site *site)
{
    struct slice globs = site->mount[resource->mount].immutable;
    return glob_list_matches(globs, resource->name);
}

/* But not for what somebody has just written. */
static void promise_vouched(struct resource *resource, int64_t now)
{
    if (resource->vouched && !resource->suspect &&
        !finding_is_in_motion(&resource->copy[CODING_IDENTITY].status, now)) {
        resource->immutable = true;
    }
}

static void take_hash(struct resource *resource, struct slice digits, bool hashed)
{
    memcpy(resource->digits, digits.at, HASHED_NAME_DIGITS);
    resource->hash = (struct slice){resource->digits, HASHED_NAME_DIGITS};
    resource->immutable = hashed;
}

/* Compares the bytes with the twelve digits that were promised: only what agrees is promised again,
 * and what is being written is not sent at all. */
static enum resource_verdict judge_hash(struct resource *resource, const struct site *site,
                                        struct slice hash, bool hashed, int64_t now,
                                        struct error *error)
{
    const struct copy *copy = &resource->copy[CODING_IDENTITY];
    if (hash.len == 0) {
        return RESOURCE_FOUND;
    }
    switch (finding_of(copy->fd, &copy->status, hash, now)) {
    case FINDING_AGREES:
        take_hash(resource, hash, hashed);
        return RESOURCE_FOUND;
    case FINDING_DIFFERS:
        if (resource->vouched) { /* another tool's hash */
            return RESOURCE_FOUND;
        }
        resource->suspect = true;
        report(site, resource, error, HB_FILE_DIFFERS,
               "its bytes do not have the md5 that its name carries: it is not cached for long");
        return RESOURCE_FOUND;
    case FINDING_IN_MOTION:
        report(site, resource, error, HB_FILE_IN_MOTION,
               "its file is being written: answered 503 meanwhile");
        return RESOURCE_UNAVAILABLE;
    case FINDING_FAILED:
    default:
        report(site, resource, error, HB_FILE_FAILED, strerror(errno));
        return RESOURCE_UNAVAILABLE;
    }
}

static bool has_size_of(const struct resource *resource, const struct catalog_entry *entry)
{
    return !entry->sized || (uint64_t)resource->copy[CODING_IDENTITY].status.st_size == entry->size;
}

/* The digits that the bytes must have: those that prepare has found, else those in the name. */
static struct slice promised_digits(const struct catalog_entry *entry,
                                    char digits[HASHED_NAME_DIGITS + 1])
{
    if (entry->proof != PROOF_AGREES) {
        return entry->hash;
    }
    for (int i = 0; i < HASHED_NAME_DIGITS / 2; i++) {
        snprintf(digits + 2 * i, 3, "%02x", entry->md5[i]);
    }
    return (struct slice){digits, HASHED_NAME_DIGITS};
}

/* The file of an entry in one of its two places, with what its bytes are worth. */
static enum resource_verdict open_in(struct resource *resource, const struct site *site,
                                     enum place place, const struct catalog_entry *entry,
                                     int64_t now, struct error *error)
{
    char digits[HASHED_NAME_DIGITS + 1];
    struct slice promised = promised_digits(entry, digits);
    struct copy *copy = &resource->copy[CODING_IDENTITY];
    /* What prepare has found nowhere is of a former release, and nobody will bring it back. */
    bool gone = site->made != INT64_MIN && !entry->sized;
    enum resource_verdict verdict =
        open_identity(resource, site, place, entry->path, promised.len > 0 && !gone, error);
    if (verdict != RESOURCE_FOUND) {
        return verdict;
    }
    /* The proof is of the file that prepare has read, in the pool or in the tree. */
    copy->proven = entry->proof == PROOF_AGREES && (place == PLACE_POOL) == entry->pooled &&
                   has_size_of(resource, entry) && site_is_as_made(site, &copy->status);
    if (copy->proven) {
        take_hash(resource, promised, entry->hashed);
        return RESOURCE_FOUND;
    }
    verdict = judge_hash(resource, site, promised, entry->hashed, now, error);
    if (verdict == RESOURCE_FOUND && resource->suspect && !has_size_of(resource, entry)) {
        report(site, resource, error, HB_FILE_IN_MOTION,
               "its file was cut or is being written: answered 503 meanwhile");
        verdict = RESOURCE_UNAVAILABLE;
    }
    return verdict;
}

/* From the pool if what lies there is what was promised; else as if there were none. */
static bool is_in_pool(struct resource *resource, const struct site *site,
                       const struct catalog_entry *entry, int64_t now)
{
    struct error ignored;
    if (!entry->pooled || site->pool < 0) {
        return false;
    }
    if (open_in(resource, site, PLACE_POOL, entry, now, &ignored) == RESOURCE_FOUND &&
        !resource->suspect) {
        return true;
    }
    resource_close(resource);
    resource->suspect = false;
    return false;
}

static enum resource_verdict open_catalogued(struct resource *resource, const struct site *site,
                                             const struct catalog_entry *entry, int64_t now,
                                             struct error *error)
{
    enum resource_verdict verdict = RESOURCE_FOUND;
    resource->type = entry->type;
    if (path_is_hidden(entry->path)) {
        return RESOURCE_MISSING;
    }
    if (!is_in_pool(resource, site, entry, now)) {
        verdict = open_in(resource, site, PLACE_ROOT, entry, now, error);
    }
    if (verdict == RESOURCE_FOUND) {
        /* A hashed name of a manifest has Django's hash, and is judged by it alone. */
        resource->vouched = !entry->hashed && is_vouched_for(resource, site);
        promise_vouched(resource, now);
    }
    for (unsigned i = 0; verdict == RESOURCE_FOUND && i < entry->variants; i++) {
        variant_open(resource, site, &entry->variant[i], now);
    }
    return verdict;
}

/* Development: the directories that collectstatic would collect from, live. */
static bool is_in_dirs(struct resource *resource, const struct site *site)
{
    const struct catalog_mount *mount = &site->mount[resource->mount];
    struct copy *copy = &resource->copy[CODING_IDENTITY];
    char directory[PATH_SIZE];
    for (struct slice rest = mount->dirs; rest.len > 0;) {
        int fd = slice_copy(slice_cut(&rest, ':'), directory, sizeof directory)
                     ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC)
                     : -1;
        if (fd >= 0 && slice_copy(resource->name, resource->path, PATH_SIZE)) {
            copy->fd = beneath_open_following(fd, resource->path, mount->follow);
        }
        if (fd >= 0) {
            close(fd);
        }
        if (copy->fd >= 0 && fstat(copy->fd, &copy->status) == 0 && S_ISREG(copy->status.st_mode)) {
            copy->place = PLACE_DIRS;
            resource->type = catalog_media_type(&site->policy, mount, resource->name);
            return true;
        }
        resource_close(resource);
    }
    return false;
}

/* Several share the pool, and what no catalog names may be of any of them. */
static bool is_only_static_mount(const struct site *site, uint32_t mount)
{
    for (uint32_t i = 0; i < site->mounts; i++) {
        if ((site->mount[i].kind == MOUNT_STATIC) != (i == mount)) {
            return false;
        }
    }
    return true;
}

/* A hashed file that the catalog in use does not know yet, or no longer: prepare fills the pool
 * before it writes the catalog, perhaps on another machine, and that is noticed within a second.
 * Only bytes that have the hash of the name count. */
static bool is_unlisted_in_pool(struct resource *resource, const struct site *site, int64_t now)
{
    struct error ignored;
    struct slice digits = hashed_name_digits(resource->name);
    if (digits.len == 0 || site->pool < 0 || !is_only_static_mount(site, resource->mount)) {
        return false;
    }
    if (open_identity(resource, site, PLACE_POOL, resource->name, false, &ignored) ==
            RESOURCE_FOUND &&
        judge_hash(resource, site, digits, true, now, &ignored) == RESOURCE_FOUND &&
        !resource->suspect) {
        return true;
    }
    resource_close(resource);
    resource->suspect = false;
    return false;
}

static enum resource_verdict open_live(struct resource *resource, const struct site *site,
                                       int64_t now, struct error *error, struct trace *trace)
{
    const struct catalog_mount *mount = &site->mount[resource->mount];
    resource->type = catalog_media_type(&site->policy, mount, resource->name);
    if (mount->kind == MOUNT_MEDIA) {
        return open_identity(resource, site, PLACE_ROOT, resource->name, false, error);
    }
    bool manifest = is_manifest(site, resource);
    if (manifest || is_sidecar(site, resource)) {
        trace_add(trace, manifest ? "a manifest, which is never served"
                                  : "a compressed copy, which is never served as itself");
        return RESOURCE_MISSING;
    }
    enum resource_verdict verdict =
        open_identity(resource, site, PLACE_ROOT, resource->name, false, error);
    if (verdict == RESOURCE_MISSING && is_unlisted_in_pool(resource, site, now)) {
        return RESOURCE_FOUND;
    }
    if (verdict == RESOURCE_FOUND) {
        resource->vouched = is_vouched_for(resource, site);
        verdict = judge_hash(resource, site, hashed_name_digits(resource->name), true, now, error);
        promise_vouched(resource, now);
    }
    if (verdict == RESOURCE_FOUND) {
        variant_open_siblings(resource, site, now);
    }
    return verdict;
}

static void report_root(const struct site *site, const struct resource *resource,
                        struct error *error)
{
    struct slice url = site->mount[resource->mount].url;
    char name[PATH_SIZE];
    snprintf(name, sizeof name, "%.*s", (int)url.len, url.at);
    file_explain_directory(name, site->path[resource->mount], -site->root[resource->mount], error);
}

/* Whether a segment begins with a dot; RFC 8615 has its own at the top of a site. */
static bool is_hidden(const struct site *site, uint32_t mount, struct slice name)
{
    struct slice well_known = slice_of(".well-known/");
    bool top = site->mount[mount].kind == MOUNT_ROOT;
    return path_is_hidden(top && slice_starts(name, well_known) ? slice_from(name, well_known.len)
                                                                : name);
}

static void tell_entry(struct trace *trace, const struct site *site, uint32_t mount,
                       const struct catalog_entry *entry)
{
    static const char *const choices[] = {"there is no other", "RELEASE_ID names it",
                                          "the link `current` points to it",
                                          "it was published last"};
    if (!entry) {
        trace_add(trace, "no manifest names it: looked up in the tree");
        return;
    }
    struct slice id = catalog_chosen_release(&site->catalog, mount).id;
    if (entry->hashed) {
        trace_add(trace, "a hashed name of a manifest");
    } else {
        trace_add(trace, "an original name, of release %.*s (%s)", (int)id.len, id.at ? id.at : "",
                  choices[site->catalog.choice[mount]]);
    }
}

static void tell_verdict(struct trace *trace, const struct resource *resource,
                         enum resource_verdict verdict)
{
    static const char *const verdicts[] = {"found", "missing", "closed to this user",
                                           "not whole at this moment"};
    const struct copy *copy = &resource->copy[CODING_IDENTITY];
    bool proven = resource->hash.len > 0;
    if (resource->path[0]) {
        trace_add(trace, "%s%s: %s", copy->place == PLACE_POOL ? "in the pool, " : "",
                  resource->path, verdicts[verdict]);
    }
    if (verdict == RESOURCE_FOUND) {
        trace_add(trace, "%s",
                  resource->suspect ? "its bytes do not have the hash of its name: private"
                  : resource->immutable
                      ? (resource->vouched ? "`immutable` vouches for its name"
                                           : "its bytes have the hash of its name: immutable")
                  : proven ? "the file's bytes have its hash, but what this name means may change"
                           : "its name promises nothing");
    }
}

enum resource_verdict resource_open(struct resource *resource, const struct site *site,
                                    uint32_t mount, struct slice name, int64_t now,
                                    struct error *error, struct trace *trace)
{
    struct catalog_entry *entry = &resource->entry;
    *resource = (struct resource){.mount = mount, .name = name};
    for (int i = 0; i < CODING_COUNT; i++) {
        resource->copy[i].fd = -1;
    }
    if (!path_is_plain(name) || is_hidden(site, mount, name)) {
        trace_add(trace, "a name of this kind is never served");
        return RESOURCE_MISSING;
    }
    if (is_in_dirs(resource, site)) {
        trace_add(trace, "found in one of `dirs`: live, and nothing is promised");
        return RESOURCE_FOUND;
    }
    enum catalog_verdict found = catalog_find(&site->catalog, mount, name, entry);
    if (found == CATALOG_DAMAGED) {
        report(site, resource, error, HB_CATALOG_INVALID,
               "the catalog is being overwritten, or was: answered 503 until it is whole");
        return RESOURCE_UNAVAILABLE;
    }
    tell_entry(trace, site, mount, found == CATALOG_FOUND ? entry : NULL);
    if (site->root[mount] < 0 && !(found == CATALOG_FOUND && entry->pooled)) {
        trace_add(trace, "the root cannot be opened");
        report_root(site, resource, error);
        return RESOURCE_UNAVAILABLE;
    }
    enum resource_verdict verdict = found == CATALOG_FOUND
                                        ? open_catalogued(resource, site, entry, now, error)
                                        : open_live(resource, site, now, error, trace);
    tell_verdict(trace, resource, verdict);
    return verdict;
}

void resource_close(struct resource *resource)
{
    for (int i = 0; i < CODING_COUNT; i++) {
        if (resource->copy[i].fd >= 0) {
            close(resource->copy[i].fd);
            resource->copy[i].fd = -1;
        }
    }
}
