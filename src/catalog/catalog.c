#include "catalog/catalog.h"

#include "catalog/view.h"
#include "http/media.h"

#include <stddef.h>
#include <string.h>

/* The sections, with the size of their elements; `names` for diagnoses. */
static const struct {
    const char *name;
    size_t place; /* of the format_section in the header */
    size_t element;
} sections[] = {
    {"sites", offsetof(struct format_header, sites), sizeof(struct format_site)},
    {"mounts", offsetof(struct format_header, mounts), sizeof(struct format_mount)},
    {"types", offsetof(struct format_header, types), sizeof(struct format_type)},
    {"fields", offsetof(struct format_header, fields), sizeof(struct format_field)},
    {"releases", offsetof(struct format_header, releases), sizeof(struct format_release)},
    {"names", offsetof(struct format_header, names), sizeof(struct format_name)},
    {"entries", offsetof(struct format_header, entries), sizeof(struct format_entry)},
    {"variants", offsetof(struct format_header, variants), sizeof(struct format_variant)},
    {"slots", offsetof(struct format_header, slots), sizeof(uint32_t)},
    {"text", offsetof(struct format_header, text), 1},
};
enum {
    SECTIONS = sizeof sections / sizeof *sections
};

static const struct format_section *section_at(const struct catalog *catalog, size_t place)
{
    return (const struct format_section *)(const void *)(catalog->block + place);
}

const char *delivery_name(enum delivery delivery)
{
    static const char *const names[DELIVERY_COUNT] = {"body", "x-sendfile", "local-redirect",
                                                      "x-accel-redirect"};
    return names[delivery];
}

enum delivery delivery_of(struct slice word)
{
    int delivery = DELIVERY_BODY;
    while (delivery < DELIVERY_COUNT &&
           !slice_equal(word, slice_of(delivery_name((enum delivery)delivery)))) {
        delivery++;
    }
    return (enum delivery)delivery;
}

int catalog_open(struct catalog *catalog, const void *block, uint64_t size, struct error *error)
{
    *catalog = (struct catalog){.block = block, .size = size};
    memset(catalog->chosen, 0xff, sizeof catalog->chosen);
    const struct format_header *header = view_header(catalog);
    if (size < sizeof *header || memcmp(header->magic, FORMAT_MAGIC, sizeof header->magic) != 0) {
        return view_invalid(error, "no header");
    }
    if (header->byte_order != FORMAT_BYTE_ORDER || header->version != FORMAT_VERSION) {
        return view_invalid(error, "another version or byte order");
    }
    if (header->size != size) {
        return view_invalid(error, "its length");
    }
    for (size_t i = 0; i < SECTIONS; i++) {
        const struct format_section *section = section_at(catalog, sections[i].place);
        if (section->offset % 8 != 0 || section->offset < sizeof *header ||
            section->offset > size ||
            section->count > (size - section->offset) / sections[i].element) {
            return view_invalid(error, sections[i].name);
        }
    }
    uint64_t slots = header->slots.count;
    if (header->sites.count != 1 || header->mounts.count > CATALOG_MOUNTS_MAX || slots == 0 ||
        (slots & (slots - 1)) != 0 || slots <= header->names.count) {
        return view_invalid(error, "counts");
    }
    return 0;
}

struct catalog_site catalog_site(const struct catalog *catalog)
{
    const struct format_site *site = VIEW_ELEMENT(catalog, site, 0);
    if (!view_site_is_sound(catalog, site)) {
        return (struct catalog_site){.delivery = DELIVERY_BODY};
    }
    return (struct catalog_site){.delivery = (enum delivery)site->delivery,
                                 .coding_header = view_text(catalog, site->coding_header)};
}

uint32_t catalog_mounts(const struct catalog *catalog)
{
    return (uint32_t)view_header(catalog)->mounts.count;
}

uint32_t catalog_releases(const struct catalog *catalog)
{
    return (uint32_t)view_header(catalog)->releases.count;
}

uint64_t catalog_names(const struct catalog *catalog)
{
    return view_header(catalog)->names.count;
}

struct catalog_mount catalog_mount(const struct catalog *catalog, uint32_t index)
{
    const struct format_mount *mount = VIEW_ELEMENT(catalog, mount, index);
    if (!view_mount_is_sound(catalog, mount)) {
        return (struct catalog_mount){0};
    }
    return (struct catalog_mount){
        .url = view_text(catalog, mount->url),
        .root = view_text(catalog, mount->root),
        .charset = view_text(catalog, mount->charset),
        .manifests = view_text(catalog, mount->manifests),
        .immutable = view_text(catalog, mount->immutable),
        .follow = view_text(catalog, mount->follow),
        .index_file = view_text(catalog, mount->index_file),
        .delivery_url = view_text(catalog, mount->delivery_url),
        .delivery_root = view_text(catalog, mount->delivery_root),
        .max_age_sent = mount->max_age != FORMAT_NO_MAX_AGE,
        .max_age = mount->max_age,
        .allow_all_origins = (mount->flags & FORMAT_ALLOW_ALL_ORIGINS) != 0,
        .kind = (enum mount_kind)mount->kind,
        .first_type = mount->first_type,
        .types = mount->types,
        .first_field = mount->first_field,
        .fields = mount->fields,
    };
}

bool catalog_field(const struct catalog *catalog, const struct catalog_mount *mount, uint32_t index,
                   struct catalog_field *field)
{
    const struct format_field *from =
        VIEW_ELEMENT(catalog, field, (uint64_t)mount->first_field + index);
    *field = (struct catalog_field){.glob = view_text(catalog, from->glob),
                                    .name = view_text(catalog, from->name),
                                    .value = view_text(catalog, from->value),
                                    .removed = (from->flags & FORMAT_FIELD_REMOVED) != 0};
    return view_field_is_sound(catalog, from);
}

struct catalog_release catalog_release(const struct catalog *catalog, uint32_t index)
{
    const struct format_release *release = VIEW_ELEMENT(catalog, release, index);
    return (struct catalog_release){.id = view_text(catalog, release->id),
                                    .mount = release->mount,
                                    .in_root = (release->flags & FORMAT_IN_ROOT) != 0,
                                    .published = release->published};
}

struct catalog_release catalog_chosen_release(const struct catalog *catalog, uint32_t mount)
{
    return catalog_release(catalog, catalog->chosen[mount]);
}

static uint32_t find_release(const struct catalog *catalog, uint32_t mount, struct slice id)
{
    for (uint32_t i = 0; id.at && i < catalog_releases(catalog); i++) {
        struct catalog_release release = catalog_release(catalog, i);
        if (release.mount == mount && slice_equal(release.id, id)) {
            return i;
        }
    }
    return FORMAT_EVERY_RELEASE;
}

static uint32_t newest_release_in_root(const struct catalog *catalog, uint32_t mount)
{
    uint32_t newest = FORMAT_EVERY_RELEASE;
    int64_t published = INT64_MIN;
    for (uint32_t i = 0; i < catalog_releases(catalog); i++) {
        struct catalog_release release = catalog_release(catalog, i);
        if (release.mount == mount && release.in_root && release.published >= published) {
            newest = i;
            published = release.published;
        }
    }
    return newest;
}

int catalog_choose(struct catalog *catalog, uint32_t mount, struct slice wanted,
                   struct slice current, struct error *error)
{
    uint32_t found = find_release(catalog, mount, wanted);
    enum catalog_choice choice = CHOICE_WANTED;
    bool known = found != FORMAT_EVERY_RELEASE || !wanted.at;
    if (found == FORMAT_EVERY_RELEASE) {
        found = find_release(catalog, mount, current);
        choice = CHOICE_CURRENT;
    }
    if (found == FORMAT_EVERY_RELEASE) {
        found = newest_release_in_root(catalog, mount);
        choice = CHOICE_PUBLISHED;
    }
    catalog->chosen[mount] = found;
    catalog->choice[mount] = found == FORMAT_EVERY_RELEASE ? CHOICE_NONE : choice;
    if (known) {
        return 0;
    }
    struct slice id = catalog_chosen_release(catalog, mount).id;
    return error_set(error, HB_RELEASE_UNKNOWN,
                     "RELEASE_ID %.*s is not among the manifests: original names are answered from "
                     "release %.*s",
                     (int)wanted.len, wanted.at, (int)id.len, id.at ? id.at : "");
}

bool catalog_find_mount(const struct catalog *catalog, struct slice path, uint32_t *mount,
                        struct slice *name)
{
    size_t longest = 0;
    for (uint32_t i = 0; i < catalog_mounts(catalog); i++) {
        struct slice url = catalog_mount(catalog, i).url;
        if (url.len > longest && slice_starts(path, url)) {
            longest = url.len;
            *mount = i;
            *name = slice_from(path, url.len);
        }
    }
    return longest > 0;
}

/* Among the names from `found` on that are equal, the one that answers: a hashed name always, an
 * original one when its release is the chosen one. */
static const struct format_name *pick_name(const struct catalog *catalog,
                                           const struct format_name *found, uint64_t index)
{
    struct slice name = view_text(catalog, found->name);
    uint32_t mount = found->mount;
    const struct format_name *hashed = NULL;
    while (found->mount == mount && slice_equal(view_text(catalog, found->name), name)) {
        if (found->release == catalog->chosen[mount] && found->release != FORMAT_EVERY_RELEASE) {
            return found;
        }
        hashed = found->release == FORMAT_EVERY_RELEASE ? found : hashed;
        found = VIEW_ELEMENT(catalog, name, ++index);
    }
    return hashed;
}

static void read_entry(const struct catalog *catalog, const struct format_entry *from,
                       struct catalog_entry *entry)
{
    *entry = (struct catalog_entry){
        .path = view_text(catalog, from->path),
        .hash = view_text(catalog, from->hash),
        .type = view_text(catalog, from->type),
        .sized = from->size != FORMAT_NO_SIZE,
        .size = from->size,
        .proof = (enum catalog_proof)from->proof,
        .variants = from->variants,
    };
    for (uint32_t i = 0; i < from->variants; i++) {
        const struct format_variant *variant =
            VIEW_ELEMENT(catalog, variant, (uint64_t)from->first_variant + i);
        entry->variant[i] = (struct catalog_variant){.coding = (enum coding)variant->coding,
                                                     .path = view_text(catalog, variant->path),
                                                     .size = variant->size};
    }
}

bool catalog_find(const struct catalog *catalog, uint32_t mount, struct slice name,
                  struct catalog_entry *entry)
{
    uint64_t index;
    if (name.len == 0) {
        return false;
    }
    const struct format_name *found = view_find_name(catalog, mount, name, &index);
    found = found ? pick_name(catalog, found, index) : NULL;
    if (!found) {
        return false;
    }
    const struct format_entry *from = VIEW_ELEMENT(catalog, entry, found->entry);
    if (!view_entry_is_sound(catalog, from)) {
        return false;
    }
    read_entry(catalog, from, entry);
    entry->hashed = found->release == FORMAT_EVERY_RELEASE;
    return true;
}

struct slice catalog_media_type(const struct catalog *catalog, uint32_t mount, struct slice name)
{
    struct catalog_mount policy = catalog_mount(catalog, mount);
    for (uint64_t i = 0; i < policy.types; i++) {
        const struct format_type *type = VIEW_ELEMENT(catalog, type, policy.first_type + i);
        struct slice own = view_text(catalog, type->type);
        if (view_type_is_sound(catalog, type) &&
            media_key_matches(view_text(catalog, type->key), name)) {
            return own;
        }
    }
    return slice_of(media_type(name));
}
