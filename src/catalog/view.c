#include "catalog/view.h"

#include "http/field.h"
#include "http/head.h"
#include "http/path.h"

#include <string.h>
#include <unistd.h>

_Static_assert(CODING_BR == 0 && CODING_ZSTD == 1 && CODING_GZIP == 2 && CODING_IDENTITY == 3 &&
                   DELIVERY_X_SENDFILE == 1 && DELIVERY_X_ACCEL_REDIRECT == 3 && MOUNT_MEDIA == 1 &&
                   MOUNT_ROOT == 2,
               "the numbers of format.h");

int view_invalid(struct error *error, const char *what)
{
    return error_set(error, HB_CATALOG_INVALID, "the catalog is not valid (%s): make it anew",
                     what);
}

const struct format_header *view_header(const struct catalog *catalog)
{
    return &catalog->header;
}

/* An element of a section that catalog_open has bounded. Past its end an element of zeros, which is
 * never sound: it has no name, no path and no URL. */
const void *view_element(const struct catalog *catalog, const struct format_section *section,
                         size_t size, uint64_t index)
{
    static const uint64_t zeros[16];
    _Static_assert(sizeof(struct format_mount) <= sizeof zeros, "the largest element");
    return index < section->count ? (const void *)(catalog->block + section->offset + index * size)
                                  : zeros;
}

/* A text that leaves its section is absent. */
struct slice view_text(const struct catalog *catalog, struct format_text text)
{
    const struct format_section *section = &view_header(catalog)->text;
    if (text.offset > section->count || text.len > section->count - text.offset) {
        return (struct slice){0};
    }
    return (struct slice){(const char *)catalog->block + section->offset + text.offset, text.len};
}

/* Whether a text may stand in a header field: it lies in its section and holds no control byte. */
static bool text_is_clean(const struct catalog *catalog, struct format_text text)
{
    struct slice slice = view_text(catalog, text);
    return slice.at && !slice_has_control(slice);
}

static bool is_within(uint32_t first, uint32_t count, const struct format_section *section)
{
    return first <= section->count && count <= section->count - first;
}

/* Begins and ends with one slash. */
static bool url_is_sound(struct slice url)
{
    return !slice_has_control(url) && slice_starts(url, slice_of("/")) &&
           slice_ends(url, slice_of("/")) && !slice_starts(url, slice_of("//"));
}

static bool texts_are_clean(const struct catalog *catalog, const struct format_mount *mount)
{
    return text_is_clean(catalog, mount->root) && text_is_clean(catalog, mount->manifests) &&
           text_is_clean(catalog, mount->immutable) && text_is_clean(catalog, mount->follow) &&
           text_is_clean(catalog, mount->index_file) &&
           text_is_clean(catalog, mount->delivery_url) &&
           text_is_clean(catalog, mount->delivery_root) && text_is_clean(catalog, mount->dirs);
}

static bool index_file_is_sound(struct slice name)
{
    return name.len == 0 ||
           (path_is_plain(name) && !path_is_hidden(name) && !memchr(name.at, '/', name.len));
}

bool view_mount_is_sound(const struct catalog *catalog, const struct format_mount *mount)
{
    const struct format_header *header = view_header(catalog);
    struct slice delivery_url = view_text(catalog, mount->delivery_url);
    struct slice delivery_root = view_text(catalog, mount->delivery_root);
    return texts_are_clean(catalog, mount) && url_is_sound(view_text(catalog, mount->url)) &&
           view_text(catalog, mount->root).len > 0 &&
           head_is_token(view_text(catalog, mount->charset)) &&
           index_file_is_sound(view_text(catalog, mount->index_file)) &&
           (delivery_url.len == 0 || url_is_sound(delivery_url)) &&
           (delivery_root.len == 0 || slice_starts(delivery_root, slice_of("/"))) &&
           mount->kind < MOUNT_KINDS && mount->flags <= FORMAT_ALLOW_ALL_ORIGINS &&
           is_within(mount->first_type, mount->types, &header->types) &&
           is_within(mount->first_field, mount->fields, &header->fields);
}

bool view_field_is_sound(const struct catalog *catalog, const struct format_field *field)
{
    return text_is_clean(catalog, field->glob) && field->flags <= FORMAT_FIELD_REMOVED &&
           field_may_be_set(view_text(catalog, field->name), view_text(catalog, field->value),
                            field->flags == FORMAT_FIELD_REMOVED);
}

bool view_type_is_sound(const struct catalog *catalog, const struct format_type *type)
{
    return text_is_clean(catalog, type->key) && text_is_clean(catalog, type->type) &&
           view_text(catalog, type->type).len > 0;
}

bool view_release_is_sound(const struct catalog *catalog, const struct format_release *release)
{
    return view_text(catalog, release->id).len > 0 && text_is_clean(catalog, release->id) &&
           path_is_plain(view_text(catalog, release->manifest)) &&
           text_is_clean(catalog, release->md5) &&
           release->mount < view_header(catalog)->mounts.count &&
           is_within(release->first_home, release->homes, &view_header(catalog)->homes);
}

bool view_home_is_sound(const struct catalog *catalog, const struct format_home *home)
{
    return view_text(catalog, home->root).len > 0 && text_is_clean(catalog, home->root);
}

bool view_site_is_sound(const struct catalog *catalog, const struct format_site *site)
{
    struct slice coding_header = view_text(catalog, site->coding_header);
    return site->delivery < DELIVERY_COUNT && text_is_clean(catalog, site->state) &&
           coding_header.at && (coding_header.len == 0 || coding_is_header(coding_header));
}

/* ---- leaves ---- */

const struct format_variant *view_leaf_variants(const struct format_leaf *leaf)
{
    return (const struct format_variant *)(const void *)(leaf + 1);
}

struct slice view_leaf_name(const struct format_leaf *leaf)
{
    return (struct slice){(const char *)(view_leaf_variants(leaf) + leaf->variants),
                          leaf->name_len};
}

struct slice view_leaf_path(const struct format_leaf *leaf)
{
    struct slice name = view_leaf_name(leaf);
    return leaf->path_len == 0 ? name : (struct slice){name.at + name.len, leaf->path_len};
}

struct slice view_leaf_type(const struct format_leaf *leaf)
{
    struct slice name = view_leaf_name(leaf);
    return (struct slice){name.at + name.len + leaf->path_len, leaf->type_len};
}

/* Whether the suffix is one that siblings of this coding have. */
static bool suffix_is_sound(const struct format_variant *variant)
{
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        if (coding_siblings[i].coding == variant->coding &&
            strncmp(coding_siblings[i].suffix, variant->suffix, FORMAT_SUFFIX) == 0) {
            return true;
        }
    }
    return false;
}

/* Not more than one variant of a coding. */
static bool variants_are_sound(const struct format_leaf *leaf)
{
    const struct format_variant *variant = view_leaf_variants(leaf);
    unsigned seen = 0;
    for (unsigned i = 0; i < leaf->variants; i++) {
        if (variant[i].coding >= CODING_IDENTITY || (seen & 1u << variant[i].coding) ||
            variant[i].proven > 1 || !suffix_is_sound(&variant[i])) {
            return false;
        }
        seen |= 1u << variant[i].coding;
    }
    return true;
}

/* Whether everything that the leaf says to have lies in it. */
static bool leaf_is_whole(const struct format_leaf *leaf, uint64_t room)
{
    return room >= sizeof *leaf && leaf->len <= room && leaf->len % 8 == 0 &&
           leaf->variants <= CODING_IDENTITY &&
           sizeof *leaf + leaf->variants * sizeof(struct format_variant) + leaf->name_len +
                   (uint64_t)leaf->path_len + leaf->type_len <=
               leaf->len;
}

static bool is_release_of(const struct catalog *catalog, uint32_t release, uint32_t mount)
{
    return release < view_header(catalog)->releases.count &&
           VIEW_ELEMENT(catalog, release, release)->mount == mount;
}

bool view_leaf_is_sound(const struct catalog *catalog, const struct format_leaf *leaf,
                        uint64_t room)
{
    return leaf_is_whole(leaf, room) && leaf->mount < view_header(catalog)->mounts.count &&
           (leaf->release == FORMAT_EVERY_RELEASE ||
            is_release_of(catalog, leaf->release, leaf->mount)) &&
           leaf->flags <= (FORMAT_SIZED | FORMAT_POOLED) && leaf->proof <= FORMAT_NO_HASH &&
           path_is_plain(view_leaf_name(leaf)) && path_is_plain(view_leaf_path(leaf)) &&
           view_leaf_type(leaf).len > 0 && !slice_has_control(view_leaf_type(leaf)) &&
           variants_are_sound(leaf);
}

/* ---- pages ---- */

static bool is_page_right(const struct catalog *catalog, uint64_t number, const unsigned char *page)
{
    const uint64_t *sum = (const uint64_t *)(const void *)(page + FORMAT_PAYLOAD);
    return *sum == format_page_sum(view_header(catalog)->digest, number, page);
}

/* Where the page lies in memory: in the block, or, as the file may change, in a copy of it. */
static const unsigned char *find_page(const struct catalog *catalog, uint64_t number,
                                      unsigned char copy[FORMAT_PAGE])
{
    uint64_t at = view_header(catalog)->head_size + number * FORMAT_PAGE;
    if (catalog->fd == 0) {
        return catalog->block + at;
    }
    return pread(catalog->fd, copy, FORMAT_PAGE, (off_t)at) == FORMAT_PAGE ? copy : NULL;
}

const unsigned char *view_page(const struct catalog *catalog, uint64_t number,
                               unsigned char copy[FORMAT_PAGE])
{
    const struct format_header *header = view_header(catalog);
    if (number >= header->slot_pages + header->leaf_pages) {
        return NULL;
    }
    const unsigned char *page = find_page(catalog, number, copy);
    return page && (catalog->verified || is_page_right(catalog, number, page)) ? page : NULL;
}

/* The leaf at a place that a slot names; NULL when nothing sound is there. */
static const struct format_leaf *leaf_at(const struct catalog *catalog, uint32_t place,
                                         unsigned char copy[FORMAT_PAGE])
{
    uint64_t offset = (uint64_t)(place - 1) * 8;
    uint64_t at = offset % FORMAT_PAGE;
    if (offset / FORMAT_PAGE >= view_header(catalog)->leaf_pages || at >= FORMAT_PAYLOAD) {
        return NULL;
    }
    const unsigned char *page =
        view_page(catalog, view_header(catalog)->slot_pages + offset / FORMAT_PAGE, copy);
    if (!page) {
        return NULL;
    }
    const struct format_leaf *leaf = (const struct format_leaf *)(const void *)(page + at);
    return catalog->sound || view_leaf_is_sound(catalog, leaf, FORMAT_PAYLOAD - at) ? leaf : NULL;
}

static bool leaf_is(const struct format_leaf *leaf, uint32_t mount, uint32_t release,
                    struct slice name)
{
    return leaf->mount == mount && leaf->release == release &&
           slice_equal(view_leaf_name(leaf), name);
}

enum catalog_verdict view_find_leaf(const struct catalog *catalog, uint32_t mount, uint32_t release,
                                    struct slice name, const struct format_leaf **leaf,
                                    unsigned char copy[FORMAT_PAGE])
{
    _Alignas(8) unsigned char slots_copy[FORMAT_PAGE];
    uint64_t slots = view_header(catalog)->slots;
    uint64_t key = format_key(mount, release, name.at, name.len);
    uint64_t number = UINT64_MAX;
    const unsigned char *page = NULL;
    for (uint64_t probes = 0; probes < slots; probes++) {
        uint64_t index = format_slot_at(slots, key, probes);
        if (index / FORMAT_SLOTS != number) { /* its sum is taken once */
            number = index / FORMAT_SLOTS;
            page = view_page(catalog, number, slots_copy);
        }
        if (!page) {
            return CATALOG_DAMAGED;
        }
        const struct format_slot *slot =
            (const struct format_slot *)(const void *)page + index % FORMAT_SLOTS;
        if (slot->leaf == 0) {
            return CATALOG_ABSENT;
        }
        if (slot->tag != key >> 32) {
            continue;
        }
        *leaf = leaf_at(catalog, slot->leaf, copy);
        if (!*leaf) {
            return CATALOG_DAMAGED;
        }
        if (leaf_is(*leaf, mount, release, name)) {
            return CATALOG_FOUND;
        }
    }
    return CATALOG_ABSENT;
}
