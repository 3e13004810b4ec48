#include "serve/variant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* By whole seconds: brotli and WhiteNoise give a copy its source's time, but lose the end of it. */
static bool is_older(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec < b->st_mtim.tv_sec;
}

static bool may_be_sent(const struct stat *sibling, const struct stat *source, int64_t now)
{
    return S_ISREG(sibling->st_mode) && sibling->st_size > 0 &&
           sibling->st_size < source->st_size && !is_older(sibling, source) &&
           !finding_is_in_motion(sibling, now);
}

static bool is_proven(const struct copy *copy, const struct catalog_variant *variant,
                      const struct site *site)
{
    return variant->proven && S_ISREG(copy->status.st_mode) &&
           (uint64_t)copy->status.st_size == variant->size && site_is_as_made(site, &copy->status);
}

/* Opens what lies beside the file. */
static int open_beside(struct resource *resource, const struct site *site, struct slice suffix)
{
    char *end = resource->path + strlen(resource->path);
    if (!slice_copy(suffix, end, sizeof resource->path - (size_t)(end - resource->path))) {
        return -1;
    }
    enum place place = resource->copy[CODING_IDENTITY].place;
    int fd = site_open_file(site, resource->mount, place, resource->path);
    *end = '\0';
    return fd;
}

void variant_open(struct resource *resource, const struct site *site,
                  const struct catalog_variant *variant, int64_t now)
{
    const struct copy *source = &resource->copy[CODING_IDENTITY];
    struct copy *copy = &resource->copy[variant->coding];
    if (copy->fd >= 0 || (copy->fd = open_beside(resource, site, variant->suffix)) < 0) {
        return;
    }
    copy->place = source->place;
    slice_copy(variant->suffix, copy->suffix, sizeof copy->suffix);
    bool known = fstat(copy->fd, &copy->status) == 0;
    copy->proven = known && source->proven && is_proven(copy, variant, site);
    if (!copy->proven && !(known && may_be_sent(&copy->status, &source->status, now))) {
        close(copy->fd);
        copy->fd = -1;
    }
}

void variant_open_siblings(struct resource *resource, const struct site *site, int64_t now)
{
    char path[PATH_SIZE + 8];
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        struct slice source = resource->name, suffix = slice_of(coding_siblings[i].suffix);
        struct catalog_variant variant = {.coding = coding_siblings[i].coding, .suffix = suffix};
        struct catalog_entry entry;
        memcpy(path, source.at, source.len);
        memcpy(path + source.len, suffix.at, suffix.len);
        /* A name that a manifest lists is content, not a sibling. */
        if (catalog_find(&site->catalog, resource->mount,
                         (struct slice){path, source.len + suffix.len}, &entry) == CATALOG_ABSENT) {
            variant_open(resource, site, &variant, now);
        }
    }
}

struct slice variant_source_name(struct slice name)
{
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        struct slice suffix = slice_of(coding_siblings[i].suffix);
        if (slice_ends(name, suffix)) {
            return (struct slice){name.at, name.len - suffix.len};
        }
    }
    return (struct slice){0};
}

bool variant_varies(const struct resource *resource)
{
    for (int i = 0; i < CODING_IDENTITY; i++) {
        if (resource->copy[i].fd >= 0) {
            return true;
        }
    }
    return false;
}

static const char *name_of(enum coding coding)
{
    return coding == CODING_COUNT      ? "nothing that the client accepts"
           : coding == CODING_IDENTITY ? "identity"
                                       : coding_name(coding);
}

enum coding variant_choose(const struct resource *resource, struct slice accept_encoding,
                           struct trace *trace)
{
    struct coding_weights weights = coding_weigh(accept_encoding);
    struct coding_offer offer;
    for (int i = 0; i < CODING_COUNT; i++) {
        const struct copy *copy = &resource->copy[i];
        offer.size[i] = copy->fd >= 0 ? (uint64_t)copy->status.st_size : CODING_ABSENT;
        if (copy->fd >= 0) {
            bool last = i == CODING_IDENTITY && !weights.identity_listed;
            trace_add(trace, "%s of %" PRIu64 " bytes weighs q=%d.%03d%s", name_of((enum coding)i),
                      offer.size[i], weights.of[i] / 1000, weights.of[i] % 1000,
                      last ? ", and comes last, as it is not listed" : "");
        }
    }
    enum coding chosen = coding_choose(&weights, &offer);
    trace_add(trace, "chosen: %s", name_of(chosen));
    return chosen;
}
