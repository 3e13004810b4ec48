/* What the tests of hostile catalogs share: the sample, and asking a catalog all that can be asked.
 */
#ifndef HOSTILE_CATALOG_H
#define HOSTILE_CATALOG_H

#include "check.h"
#include "http/path.h"
#include "sample_catalog.h"

#include <apr_strings.h>

static apr_pool_t *pool;
static struct sample sample;

static inline int make_sample(void **state)
{
    (void)state;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    sample = sample_make(pool);
    return 0;
}

static inline int free_sample(void **state)
{
    (void)state;
    free(sample.block);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static inline struct format_header *header_in(unsigned char *block)
{
    return (struct format_header *)(void *)block;
}

/* In memory of exactly its size, so that AddressSanitizer watches its end. */
static inline unsigned char *copy_of(const void *block, uint64_t size)
{
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, block, size);
    return copy;
}

static inline struct format_leaf *leaf_in(unsigned char *block, unsigned index)
{
    const struct format_header *header = header_in(block);
    unsigned char *at = block + header->head_size + header->slot_pages * FORMAT_PAGE;
    for (; index > 0; index--) { /* those of the sample lie in one page */
        at += ((const struct format_leaf *)(const void *)at)->len;
    }
    return (struct format_leaf *)(void *)at;
}

static inline struct format_slot *slot_in(unsigned char *block, uint64_t index)
{
    unsigned char *page = block + header_in(block)->head_size + index / FORMAT_SLOTS * FORMAT_PAGE;
    return (struct format_slot *)(void *)page + index % FORMAT_SLOTS;
}

static inline bool is_root(const void *context, struct slice root)
{
    return slice_equal(root, slice_of(context));
}

/* Chooses a release by its id; NULL: the one that was published last in "../static". */
static inline int choose(struct catalog *catalog, uint32_t mount, const char *id)
{
    struct catalog_wish wish = {
        .wanted = slice_of(id), .is_here = is_root, .context = id ? "nowhere" : "../static"};
    struct error error;
    return catalog_choose(catalog, mount, &wish, &error);
}

static inline bool is_inside(const struct catalog *catalog, struct slice text)
{
    const char *first = (const char *)catalog->block;
    return text.len == 0 || (text.at >= first && text.len <= catalog->size &&
                             text.at + text.len <= first + catalog->size);
}

static inline bool is_known_suffix(struct slice suffix)
{
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        if (slice_equal(suffix, slice_of(coding_siblings[i].suffix))) {
            return true;
        }
    }
    return false;
}

/* Whatever was found may be opened below a directory, and put into a header. */
static inline void check_entry(const char *label, const struct catalog *catalog,
                               const struct catalog_entry *entry)
{
    CHECK(label, is_inside(catalog, entry->path) && path_is_plain(entry->path));
    CHECK(label, is_inside(catalog, entry->hash) && !slice_has_control(entry->hash));
    CHECK(label, is_inside(catalog, entry->type) && !slice_has_control(entry->type));
    CHECK(label, entry->type.len > 0 && entry->proof <= PROOF_NO_HASH);
    CHECK(label, entry->variants <= CODING_IDENTITY);
    for (unsigned i = 0; i < entry->variants && i < CODING_IDENTITY; i++) {
        CHECK(label, is_inside(catalog, entry->variant[i].suffix));
        CHECK(label, is_known_suffix(entry->variant[i].suffix));
        CHECK(label, entry->variant[i].coding < CODING_IDENTITY);
    }
}

static inline void check_clean(const char *label, const struct catalog *catalog, struct slice text)
{
    CHECK(label, is_inside(catalog, text) && !slice_has_control(text));
}

static inline void check_fields(const char *label, const struct catalog *catalog,
                                const struct catalog_mount *mount)
{
    for (uint32_t i = 0; i < mount->fields; i++) {
        struct catalog_field field;
        if (catalog_field(catalog, mount, i, &field)) {
            check_clean(label, catalog, field.glob);
            check_clean(label, catalog, field.name);
            check_clean(label, catalog, field.value);
        }
    }
}

static inline void check_mount(const char *label, const struct catalog *catalog, uint32_t index)
{
    struct catalog_mount mount = catalog_mount(catalog, index);
    const struct slice texts[] = {
        mount.url,    mount.root,       mount.charset, mount.manifests,    mount.immutable,
        mount.follow, mount.index_file, mount.dirs,    mount.delivery_url, mount.delivery_root};
    for (size_t i = 0; i < COUNT(texts); i++) {
        check_clean(label, catalog, texts[i]);
    }
    check_fields(label, catalog, &mount);
    struct slice type = catalog_media_type(catalog, &mount, slice_of("a.foo"));
    CHECK(label, type.len > 0 && !slice_has_control(type));
}

static const char *const names[] = {
    "css/a." SAMPLE_HASH ".css",
    "css/a.111111111111.css",
    "css/a.css",
    "only-old.js",
    "nothing",
    "",
};

/* Asks everything that can be asked. */
static inline void ask(const char *label, struct catalog *catalog)
{
    static const char *const ids[] = {"old", "gone", NULL};
    struct catalog_entry entry;
    struct catalog_mount mounts[CATALOG_MOUNTS_MAX];
    struct slice name;
    uint32_t found, count = catalog_read_mounts(catalog, mounts);
    check_clean(label, catalog, catalog_site(catalog).coding_header);
    CHECK(label, !catalog_find_mount(mounts, count, slice_of("/static/deep/a"), &found, &name) ||
                     found < count);
    for (uint32_t r = 0; r < catalog_releases(catalog); r++) {
        CHECK(label, is_inside(catalog, catalog_release(catalog, r).id));
    }
    for (uint32_t m = 0; m < catalog_mounts(catalog); m++) {
        check_mount(label, catalog, m);
        for (size_t i = 0; i < COUNT(ids) * COUNT(names); i++) {
            choose(catalog, m, ids[i / COUNT(names)]);
            if (catalog_find(catalog, m, slice_of(names[i % COUNT(names)]), &entry) ==
                CATALOG_FOUND) {
                check_entry(label, catalog, &entry);
            }
        }
    }
}

/* Whether a copy of `size` bytes is opened and verified; asks it everything when it is opened, once
 * before it is verified and once after. */
static inline bool is_verified(const char *label, const unsigned char *block, uint64_t size)
{
    struct catalog catalog;
    struct error error = {0};
    unsigned char *copy = copy_of(block, size);
    bool verified = false;
    if (catalog_open(&catalog, copy, size, &error) == 0) {
        ask(label, &catalog);
        verified = catalog_verify(&catalog, &error) == 0;
        ask(label, &catalog);
    }
    CHECK(label, verified == catalog.verified);
    CHECK(label,
          verified || error.number == HB_CATALOG_INVALID || error.number == HB_CATALOG_VERSION);
    free(copy);
    return verified;
}

static inline bool is_same_entry(const struct catalog_entry *a, const struct catalog_entry *b)
{
    bool same = slice_equal(a->path, b->path) && slice_equal(a->type, b->type) &&
                slice_equal(a->hash, b->hash) && a->hashed == b->hashed && a->pooled == b->pooled &&
                a->sized == b->sized && a->size == b->size && a->proof == b->proof &&
                memcmp(a->md5, b->md5, 16) == 0 && a->variants == b->variants;
    for (unsigned i = 0; same && i < a->variants; i++) {
        same = a->variant[i].coding == b->variant[i].coding &&
               a->variant[i].size == b->variant[i].size &&
               a->variant[i].proven == b->variant[i].proven &&
               slice_equal(a->variant[i].suffix, b->variant[i].suffix);
    }
    return same;
}

/* Whether a catalog that was not verified says of a name what the intact one says, or that it
 * cannot tell. */
static inline bool is_truth_or_damaged(const struct catalog *damaged, const struct catalog *intact,
                                       uint32_t mount, const char *name)
{
    struct catalog_entry entry, truth;
    enum catalog_verdict verdict = catalog_find(damaged, mount, slice_of(name), &entry);
    return verdict == CATALOG_DAMAGED ||
           (verdict == catalog_find(intact, mount, slice_of(name), &truth) &&
            (verdict == CATALOG_ABSENT || is_same_entry(&entry, &truth)));
}

static inline void open_chosen(struct catalog *catalog, const unsigned char *block, uint64_t size)
{
    struct error error;
    assert_int_equal(catalog_open(catalog, block, size, &error), 0);
    for (uint32_t m = 0; m < catalog_mounts(catalog); m++) {
        choose(catalog, m, "old");
    }
}

/* A catalog of one mount with these names, one leaf each, as any input of the writer gives it. */
static inline struct sample write_names(const struct writer_entry *entries,
                                        const char *const *under, size_t count)
{
    struct writer *writer = writer_make(pool);
    struct sample made = {0};
    struct error error;
    void *block = NULL;
    writer_set_site(writer, DELIVERY_BODY, "");
    sample_mount(writer, pool, "/static/", "/srv");
    for (size_t i = 0; i < count; i++) {
        writer_add_hashed_name(writer, 0, under[i], writer_add_entry(writer, &entries[i]));
    }
    assert_int_equal(writer_finish(writer, &block, &made.size, &error), 0);
    made.block = block;
    return made;
}

static inline char *name_of(unsigned number)
{
    return apr_psprintf(pool, "dir%u/file%u.%012x.js", number % 97, number, number * 2654435761u);
}

/* `count` names, every third an original one of the only release; `size` is that of their files. */
static inline struct sample write_many(unsigned count, uint64_t size)
{
    struct writer *writer = writer_make(pool);
    struct sample made = {0};
    struct error error;
    void *block = NULL;
    writer_set_site(writer, DELIVERY_BODY, "");
    sample_mount(writer, pool, "/static/", "/srv");
    sample_release(writer, pool, 0, "old", "../static", 1);
    for (unsigned i = 0; i < count; i++) {
        struct writer_entry one = {
            .path = name_of(i), .type = "text/javascript", .sized = true, .size = size};
        uint32_t entry = writer_add_entry(writer, &one);
        if (i % 3 == 0) {
            writer_add_original_name(writer, 0, one.path, 0, entry);
        } else {
            writer_add_hashed_name(writer, 0, one.path, entry);
        }
    }
    assert_int_equal(writer_finish(writer, &block, &made.size, &error), 0);
    made.block = block;
    return made;
}

#endif
