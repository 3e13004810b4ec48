#include "prepare/keep.h"

#include "base/beneath.h"
#include "catalog/hashed_name.h"
#include "prepare/decode.h"

#include <apr_strings.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What one look at a file has found. */
struct look {
    char md5[MD5_HEX + 1];
    uint64_t size;
    struct timespec modified;
};

static int begin_look(int fd, struct look *look)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return -1;
    }
    if (!S_ISREG(status.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    look->size = (uint64_t)status.st_size;
    look->modified = status.st_mtim;
    return 0;
}

/* Whether the file stayed what it was; else errno is EAGAIN. */
static int end_look(int fd, const struct look *look)
{
    struct look again;
    if (begin_look(fd, &again) != 0) {
        return -1;
    }
    bool same = again.size == look->size && again.modified.tv_sec == look->modified.tv_sec &&
                again.modified.tv_nsec == look->modified.tv_nsec;
    errno = EAGAIN;
    return same ? 0 : -1;
}

static int look_at(int fd, struct look *look)
{
    return begin_look(fd, look) == 0 && md5_file(fd, look->md5) == 0 ? end_look(fd, look) : -1;
}

void keep_note_time(struct keep *keep, struct timespec modified)
{
    if (modified.tv_sec > keep->newest.tv_sec ||
        (modified.tv_sec == keep->newest.tv_sec && modified.tv_nsec > keep->newest.tv_nsec)) {
        keep->newest = modified;
    }
}

static const char *place_name(const struct keep *keep, int place)
{
    return place == OBJECT_IN_POOL ? apr_pstrcat(keep->memory, keep->state, "/pool", NULL)
                                   : keep->settings->mount[place].root;
}

static const char *cause_text(int cause)
{
    return cause == EAGAIN   ? "it was written meanwhile: run prepare again"
           : cause == EINVAL ? "it is no regular file"
           : cause == EXDEV  ? "a symbolic link leads out of what HANDBACK_FOLLOW allows"
                             : strerror(cause);
}

static int open_source(const struct keep *keep, int mount, const char *path)
{
    int root = keep->mount[mount].root;
    int fd = beneath_open(root, path);
    return fd >= 0 || errno != EXDEV
               ? fd
               : beneath_open_following(root, path, slice_of(keep->settings->mount[mount].follow));
}

static bool agrees(const struct object *object, const struct look *look)
{
    struct slice digits = hashed_name_digits(slice_of(object->path));
    return strncmp(digits.at, look->md5, digits.len) == 0;
}

static void read_hex(const char *hex, unsigned char *bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < MD5_HEX / 2; i++) {
        bytes[i] = (unsigned char)((strchr(digits, hex[2 * i]) - digits) << 4 |
                                   (strchr(digits, hex[2 * i + 1]) - digits));
    }
}

/* Remembers the best that was found. */
static void settle(struct keep *keep, struct object *object, enum object_finding finding, int place,
                   const struct look *look)
{
    if (finding <= object->finding) {
        return;
    }
    object->finding = finding;
    object->place = place;
    object->modified = look->modified;
    memcpy(object->md5, look->md5, sizeof object->md5);
    object->proof.finding = finding == OBJECT_PROVEN ? PROOF_AGREES : PROOF_DIFFERS;
    object->proof.size = look->size;
    read_hex(look->md5, object->proof.md5);
    if (finding == OBJECT_PROVEN) {
        keep_note_time(keep, look->modified);
    }
}

/* The file cannot be read, for the cause in errno. */
static void settle_failure(struct object *object)
{
    if (object->finding < OBJECT_FAILED && errno != ENOENT && errno != ENOTDIR) {
        object->finding = OBJECT_FAILED;
        object->cause = errno;
    }
}

static void report_write(struct keep *keep, const char *path, int cause)
{
    struct error error;
    error_set(&error, HB_WRITE_FAILED, "%s/pool/%s cannot be written: %s", keep->state, path,
              strerror(cause));
    report_fault(keep->report, &error);
}

static void look_in_pool(struct keep *keep, struct object *object)
{
    struct look look;
    int fd = pool_open_object(&keep->pool, object->path);
    if (fd < 0 || look_at(fd, &look) != 0) {
        settle_failure(object);
    } else {
        settle(keep, object, agrees(object, &look) ? OBJECT_PROVEN : OBJECT_DIFFERS, OBJECT_IN_POOL,
               &look);
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Reads a file where it lies. */
static void look_in_place(struct keep *keep, struct object *object, int mount, int fd, bool trusted)
{
    struct look look;
    if (look_at(fd, &look) != 0) {
        settle_failure(object);
        return;
    }
    bool good = trusted || agrees(object, &look);
    settle(keep, object, good ? OBJECT_PROVEN : OBJECT_DIFFERS, mount, &look);
}

static void count_added(struct keep *keep, struct object *object)
{
    keep->report->added++;
    keep->report->replaced += object->pooled;
    object->place = OBJECT_IN_POOL;
}

/* Puts a file into the pool, reads what is there now, and gives it its name when it is good. */
static void add(struct keep *keep, struct object *object, int mount, int fd, bool trusted)
{
    struct pool_object copy;
    struct look look;
    if (pool_begin(&keep->pool, &copy, fd, object->path) != 0) {
        report_write(keep, object->path, errno);
        look_in_place(keep, object, mount, fd, trusted);
        return;
    }
    if (look_at(copy.fd, &look) != 0) {
        settle_failure(object);
        pool_drop(&copy);
        return;
    }
    if (!trusted && !agrees(object, &look)) {
        settle(keep, object, OBJECT_DIFFERS, mount, &look);
        pool_drop(&copy);
        return;
    }
    settle(keep, object, OBJECT_PROVEN, mount, &look);
    if (pool_finish(&copy) == 0) {
        count_added(keep, object);
    } else {
        report_write(keep, object->path, errno);
    }
}

/* Most names that no manifest gave only look hashed: they are read before they are copied. */
static bool is_worth_a_copy(const struct object *object, int fd)
{
    struct look look;
    return object->listed || (look_at(fd, &look) == 0 && agrees(object, &look));
}

static void look_below(struct keep *keep, struct object *object, int mount, bool trusted)
{
    int fd = open_source(keep, mount, object->path);
    struct stat status;
    if (fd < 0) {
        settle_failure(object);
        return;
    }
    if (keep->in_place || keep->dry || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        !is_worth_a_copy(object, fd)) {
        look_in_place(keep, object, mount, fd, trusted);
        if (!keep->in_place && object->finding == OBJECT_PROVEN) {
            count_added(keep, object);
        }
    } else {
        add(keep, object, mount, fd, trusted);
    }
    close(fd);
}

static void look_everywhere(struct keep *keep, struct object *object, bool trusted)
{
    for (int i = 0; i < CATALOG_MOUNTS_MAX && object->finding != OBJECT_PROVEN; i++) {
        if ((object->sources & UINT32_C(1) << i) && keep->mount[i].root >= 0) {
            look_below(keep, object, i, trusted);
        }
    }
}

void keep_object(struct keep *keep, struct object *object)
{
    if (object->pooled) {
        look_in_pool(keep, object);
    }
    look_everywhere(keep, object, false);
}

void keep_trusted(struct keep *keep, struct object *object)
{
    if (object->finding != OBJECT_DIFFERS || object->by_md5) {
        return;
    }
    if (object->place == OBJECT_IN_POOL) {
        object->finding = OBJECT_PROVEN;
        object->proof.finding = PROOF_AGREES;
        return;
    }
    look_everywhere(keep, object, true);
}

/* One compressed copy. */
struct candidate {
    const char *path;
    enum coding coding;
    const char *suffix;
    uint64_t size;
    const char *fault; /* of the last one that was looked at; NULL: none was */
    int place;         /* where it lay */
};

/* Whether the file decodes to the object's bytes; else the candidate has the fault. */
static bool decodes(struct keep *keep, const struct object *object, struct candidate *candidate,
                    int fd, int place)
{
    struct look look;
    char hex[MD5_HEX + 1];
    candidate->place = place;
    if (begin_look(fd, &look) != 0) {
        candidate->fault = cause_text(errno);
        return false;
    }
    enum decode_verdict verdict = decode_file(candidate->coding, fd, object->proof.size, hex);
    if (verdict != DECODE_WHOLE || strcmp(hex, object->md5) != 0) {
        candidate->fault = decode_says(verdict);
        return false;
    }
    if (end_look(fd, &look) != 0) {
        candidate->fault = "was written meanwhile";
        return false;
    }
    keep_note_time(keep, look.modified);
    candidate->size = look.size;
    return true;
}

/* A variant has the time of its source, so that both have one Last-Modified. What has another time
 * may be a link to a file of the tree, which is not touched: it is copied. */
static void date_variant(struct keep *keep, const struct object *object,
                         const struct candidate *candidate, int fd)
{
    struct pool_object copy;
    struct look look;
    if (keep->dry || begin_look(fd, &look) != 0 ||
        (look.modified.tv_sec == object->modified.tv_sec &&
         look.modified.tv_nsec == object->modified.tv_nsec)) {
        return;
    }
    if (pool_begin_dated(&keep->pool, &copy, fd, candidate->path, &object->modified) != 0 ||
        pool_finish(&copy) != 0) {
        report_write(keep, candidate->path, errno);
    }
}

static bool variant_in_pool(struct keep *keep, const struct object *object,
                            struct candidate *candidate)
{
    if (!apr_hash_get(keep->pooled, candidate->path, APR_HASH_KEY_STRING)) {
        return false;
    }
    int fd = pool_open_object(&keep->pool, candidate->path);
    if (fd < 0) {
        candidate->fault = cause_text(errno);
        candidate->place = OBJECT_IN_POOL;
        return false;
    }
    bool good = decodes(keep, object, candidate, fd, OBJECT_IN_POOL);
    if (good) {
        date_variant(keep, object, candidate, fd);
    }
    close(fd);
    return good;
}

static bool add_variant(struct keep *keep, const struct object *object, struct candidate *candidate,
                        int mount, int fd)
{
    struct pool_object copy;
    if (pool_begin_dated(&keep->pool, &copy, fd, candidate->path, &object->modified) != 0) {
        report_write(keep, candidate->path, errno);
        return false;
    }
    if (!decodes(keep, object, candidate, copy.fd, mount)) {
        pool_drop(&copy);
        return false;
    }
    if (pool_finish(&copy) != 0) {
        report_write(keep, candidate->path, errno);
        return false;
    }
    keep->report->variants_added++;
    return true;
}

static bool variant_below(struct keep *keep, const struct object *object,
                          struct candidate *candidate, int mount)
{
    int fd = tree_has(&keep->mount[mount].tree, candidate->path)
                 ? open_source(keep, mount, candidate->path)
                 : -1;
    if (fd < 0) {
        return false;
    }
    bool in_pool = object->place == OBJECT_IN_POOL, good;
    if (in_pool && !keep->dry) {
        good = add_variant(keep, object, candidate, mount, fd);
    } else {
        good = decodes(keep, object, candidate, fd, mount);
        keep->report->variants_added += good && in_pool;
    }
    close(fd);
    return good;
}

static bool find_variant(struct keep *keep, const struct object *object,
                         struct candidate *candidate)
{
    bool in_pool = object->place == OBJECT_IN_POOL;
    if (in_pool && variant_in_pool(keep, object, candidate)) {
        return true;
    }
    for (int i = 0; i < CATALOG_MOUNTS_MAX; i++) {
        bool here = in_pool ? (object->sources & UINT32_C(1) << i) != 0 : object->place == i;
        if (here && keep->mount[i].root >= 0 && variant_below(keep, object, candidate, i)) {
            return true;
        }
    }
    return false;
}

static void report_variant(struct keep *keep, const struct candidate *candidate)
{
    struct error error;
    error_set(&error, HB_VARIANT_WRONG, "%s/%s %s: it is not kept: %s",
              place_name(keep, candidate->place), candidate->path, candidate->fault,
              candidate->place == OBJECT_IN_POOL ? "delete it" : "compress again, or delete it");
    report_fault(keep->report, &error);
}

void keep_variants(struct keep *keep, struct object *object)
{
    struct proof *proof = &object->proof;
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        const struct coding_sibling *sibling = &coding_siblings[i];
        struct candidate candidate = {
            .path = apr_pstrcat(keep->memory, object->path, sibling->suffix, NULL),
            .coding = sibling->coding,
            .suffix = sibling->suffix};
        bool again =
            proof->variants > 0 && proof->variant[proof->variants - 1].coding == sibling->coding;
        if (again || objects_lists(keep->objects, candidate.path)) {
            continue;
        }
        if (find_variant(keep, object, &candidate)) {
            proof->variant[proof->variants++] = (struct proof_variant){
                .coding = candidate.coding, .suffix = candidate.suffix, .size = candidate.size};
            keep->report->variants++;
        } else if (candidate.fault) {
            report_variant(keep, &candidate);
        }
    }
}

static void report_different(struct keep *keep, const struct object *object)
{
    struct error error;
    const char *place = place_name(keep, object->place);
    if (object->place == OBJECT_IN_POOL) {
        error_set(&error, HB_OBJECT_DIFFERS,
                  "%s/%s has the md5 %.12s and no longer that of its name, and no root has the "
                  "right bytes: delete it",
                  place, object->path, object->md5);
    } else {
        error_set(&error, HB_OBJECT_DIFFERS,
                  "%s/%s has the md5 %.12s and not that of its name: it is not kept: run "
                  "collectstatic again",
                  place, object->path, object->md5);
    }
    report_fault(keep->report, &error);
}

static void report_missing(struct keep *keep, const struct object *object)
{
    struct error error;
    const char *root = "";
    for (int i = CATALOG_MOUNTS_MAX - 1; i >= 0; i--) {
        root = object->sources & UINT32_C(1) << i ? keep->settings->mount[i].root : root;
    }
    if (object->finding == OBJECT_FAILED) {
        error_set(&error, HB_SOURCE_MISSING, "%s below %s cannot be read: %s", object->path,
                  *root ? root : keep->state, cause_text(object->cause));
    } else {
        error_set(&error, HB_SOURCE_MISSING,
                  "%s/%s is missing, and a manifest names it: run collectstatic again", root,
                  object->path);
    }
    report_fault(keep->report, &error);
}

void keep_report(struct keep *keep, const struct object *object)
{
    switch (object->finding) {
    case OBJECT_PROVEN:
        keep->report->kept++;
        break;
    case OBJECT_DIFFERS:
        /* A name that no manifest gave is only believed when its bytes prove it. */
        if (object->required || object->pooled) {
            report_different(keep, object);
        }
        break;
    case OBJECT_FAILED:
    case OBJECT_MISSING:
        if (object->required || (object->finding == OBJECT_FAILED && object->pooled)) {
            report_missing(keep, object);
        } else if (object->listed && keep->report->gone++ == 0) {
            keep->report->first_gone = object->path;
        }
        break;
    }
}
