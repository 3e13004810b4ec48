#include "catalog/catalog.h"

#include "catalog/format.h"
#include "http/media.h"
#include "http/path.h"

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

static int invalid(struct error *error, const char *what)
{
    return error_set(error, HB_CATALOG_INVALID, "the catalog is not valid (%s): make it anew",
                     what);
}

static const struct format_header *header_of(const struct catalog *catalog)
{
    return (const struct format_header *)(const void *)catalog->block;
}

static const struct format_section *section_at(const struct catalog *catalog, size_t place)
{
    return (const struct format_section *)(const void *)(catalog->block + place);
}

/* An element of a section that catalog_open has bounded. Past its end an element of zeros, which is
 * never sound: it has no name, no path and no URL. */
static const void *element(const struct catalog *catalog, const struct format_section *section,
                           size_t size, uint64_t index)
{
    static const uint64_t zeros[16];
    _Static_assert(sizeof(struct format_mount) <= sizeof zeros, "the largest element");
    return index < section->count ? (const void *)(catalog->block + section->offset + index * size)
                                  : zeros;
}

#define ELEMENT(catalog, section, index)                                                           \
    ((const struct format_##section *)element(catalog, &header_of(catalog)->SECTION_##section,     \
                                              sizeof(struct format_##section), index))
#define SECTION_site sites
#define SECTION_mount mounts
#define SECTION_type types
#define SECTION_release releases
#define SECTION_name names
#define SECTION_entry entries
#define SECTION_variant variants

/* A text that leaves its section is absent. */
static struct slice text_of(const struct catalog *catalog, struct format_text text)
{
    const struct format_section *section = &header_of(catalog)->text;
    if (text.offset > section->count || text.len > section->count - text.offset) {
        return (struct slice){0};
    }
    return (struct slice){(const char *)catalog->block + section->offset + text.offset, text.len};
}

/* Whether a text may stand in a header field: it lies in its section and holds no control byte. */
static bool text_is_clean(const struct catalog *catalog, struct format_text text)
{
    struct slice slice = text_of(catalog, text);
    for (size_t i = 0; i < slice.len; i++) {
        if ((unsigned char)slice.at[i] < 0x20 || slice.at[i] == 0x7f) {
            return false;
        }
    }
    return slice.at != NULL;
}

enum delivery delivery_of(struct slice word)
{
    return slice_equal(word, slice_of("body"))         ? DELIVERY_BODY
           : slice_equal(word, slice_of("x-sendfile")) ? DELIVERY_X_SENDFILE
                                                       : DELIVERY_COUNT;
}

int catalog_open(struct catalog *catalog, const void *block, uint64_t size, struct error *error)
{
    *catalog = (struct catalog){.block = block, .size = size};
    memset(catalog->chosen, 0xff, sizeof catalog->chosen);
    const struct format_header *header = header_of(catalog);
    if (size < sizeof *header || memcmp(header->magic, FORMAT_MAGIC, sizeof header->magic) != 0) {
        return invalid(error, "no header");
    }
    if (header->byte_order != FORMAT_BYTE_ORDER || header->version != FORMAT_VERSION) {
        return invalid(error, "another version or byte order");
    }
    if (header->size != size) {
        return invalid(error, "its length");
    }
    for (size_t i = 0; i < SECTIONS; i++) {
        const struct format_section *section = section_at(catalog, sections[i].place);
        if (section->offset % 8 != 0 || section->offset < sizeof *header ||
            section->offset > size ||
            section->count > (size - section->offset) / sections[i].element) {
            return invalid(error, sections[i].name);
        }
    }
    uint64_t slots = header->slots.count;
    if (header->sites.count != 1 || header->mounts.count > CATALOG_MOUNTS_MAX || slots == 0 ||
        (slots & (slots - 1)) != 0 || slots <= header->names.count) {
        return invalid(error, "counts");
    }
    return 0;
}

static int compare_names(const struct catalog *catalog, const struct format_name *a,
                         const struct format_name *b)
{
    struct slice left = text_of(catalog, a->name), right = text_of(catalog, b->name);
    size_t shorter = left.len < right.len ? left.len : right.len;
    int order =
        a->mount != b->mount ? (a->mount < b->mount ? -1 : 1) : memcmp(left.at, right.at, shorter);
    if (order == 0 && left.len != right.len) {
        order = left.len < right.len ? -1 : 1;
    }
    if (order == 0 && a->release != b->release) {
        order = a->release < b->release ? -1 : 1;
    }
    return order;
}

static bool is_release_of(const struct catalog *catalog, uint32_t release, uint32_t mount)
{
    return release < header_of(catalog)->releases.count &&
           ELEMENT(catalog, release, release)->mount == mount;
}

static bool name_is_sound(const struct catalog *catalog, const struct format_name *name)
{
    return path_is_plain(text_of(catalog, name->name)) &&
           name->mount < header_of(catalog)->mounts.count &&
           (name->release == FORMAT_EVERY_RELEASE ||
            is_release_of(catalog, name->release, name->mount)) &&
           name->entry < header_of(catalog)->entries.count;
}

static bool hash_is_sound(struct slice hash)
{
    for (size_t i = 0; i < hash.len; i++) {
        char c = hash.at[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false;
        }
    }
    return hash.at != NULL;
}

/* Not more than one variant of a coding. */
static bool variants_are_sound(const struct catalog *catalog, const struct format_entry *entry)
{
    unsigned seen = 0;
    for (uint32_t i = 0; i < entry->variants; i++) {
        const struct format_variant *variant =
            ELEMENT(catalog, variant, (uint64_t)entry->first_variant + i);
        if (variant->coding >= CODING_IDENTITY || (seen & 1u << variant->coding) ||
            !path_is_plain(text_of(catalog, variant->path))) {
            return false;
        }
        seen |= 1u << variant->coding;
    }
    return true;
}

static bool entry_is_sound(const struct catalog *catalog, const struct format_entry *entry)
{
    return path_is_plain(text_of(catalog, entry->path)) && text_is_clean(catalog, entry->type) &&
           hash_is_sound(text_of(catalog, entry->hash)) && entry->proof <= FORMAT_NO_HASH &&
           entry->variants <= CODING_IDENTITY && variants_are_sound(catalog, entry);
}

static bool mount_is_sound(const struct catalog *catalog, const struct format_mount *mount)
{
    struct slice url = text_of(catalog, mount->url), root = text_of(catalog, mount->root);
    uint64_t types = header_of(catalog)->types.count;
    return slice_starts(url, slice_of("/")) && slice_ends(url, slice_of("/")) &&
           slice_starts(root, slice_of("/")) && text_is_clean(catalog, mount->root) &&
           text_is_clean(catalog, mount->charset) && text_is_clean(catalog, mount->manifests) &&
           mount->first_type <= types && mount->types <= types - mount->first_type;
}

static bool type_is_sound(const struct catalog *catalog, const struct format_type *type)
{
    return text_is_clean(catalog, type->key) && text_is_clean(catalog, type->type);
}

static bool release_is_sound(const struct catalog *catalog, const struct format_release *release)
{
    return text_of(catalog, release->id).len > 0 && text_is_clean(catalog, release->id) &&
           release->mount < header_of(catalog)->mounts.count;
}

static bool site_is_sound(const struct catalog *catalog, const struct format_site *site)
{
    return site->delivery < DELIVERY_COUNT && text_is_clean(catalog, site->coding_header);
}

struct catalog_site catalog_site(const struct catalog *catalog)
{
    const struct format_site *site = ELEMENT(catalog, site, 0);
    if (!site_is_sound(catalog, site)) {
        return (struct catalog_site){.delivery = DELIVERY_BODY};
    }
    return (struct catalog_site){.delivery = (enum delivery)site->delivery,
                                 .coding_header = text_of(catalog, site->coding_header)};
}

uint32_t catalog_mounts(const struct catalog *catalog)
{
    return (uint32_t)header_of(catalog)->mounts.count;
}

uint32_t catalog_releases(const struct catalog *catalog)
{
    return (uint32_t)header_of(catalog)->releases.count;
}

struct catalog_mount catalog_mount(const struct catalog *catalog, uint32_t index)
{
    const struct format_mount *mount = ELEMENT(catalog, mount, index);
    if (!mount_is_sound(catalog, mount)) {
        return (struct catalog_mount){0};
    }
    return (struct catalog_mount){
        .url = text_of(catalog, mount->url),
        .root = text_of(catalog, mount->root),
        .charset = text_of(catalog, mount->charset),
        .manifests = text_of(catalog, mount->manifests),
        .max_age_sent = mount->max_age != FORMAT_NO_MAX_AGE,
        .max_age = mount->max_age,
        .allow_all_origins = (mount->flags & FORMAT_ALLOW_ALL_ORIGINS) != 0,
        .media = (mount->flags & FORMAT_MEDIA) != 0,
        .first_type = mount->first_type,
        .types = mount->types,
    };
}

struct catalog_release catalog_release(const struct catalog *catalog, uint32_t index)
{
    const struct format_release *release = ELEMENT(catalog, release, index);
    return (struct catalog_release){.id = text_of(catalog, release->id),
                                    .mount = release->mount,
                                    .in_root = (release->flags & FORMAT_IN_ROOT) != 0,
                                    .published = release->published};
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
    bool known = found != FORMAT_EVERY_RELEASE || !wanted.at;
    if (found == FORMAT_EVERY_RELEASE) {
        found = find_release(catalog, mount, current);
    }
    if (found == FORMAT_EVERY_RELEASE) {
        found = newest_release_in_root(catalog, mount);
    }
    catalog->chosen[mount] = found;
    if (known) {
        return 0;
    }
    struct slice id = catalog_release(catalog, found).id;
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

/* The first of the names that equal (mount, name), or NULL. */
static const struct format_name *find_name(const struct catalog *catalog, uint32_t mount,
                                           struct slice name, uint64_t *index)
{
    const struct format_section *slots = &header_of(catalog)->slots;
    uint64_t place = format_name_hash(mount, name.at, name.len);
    for (uint64_t probes = 0; probes < slots->count; probes++) {
        const uint32_t *slot =
            element(catalog, slots, sizeof *slot, (place + probes) & (slots->count - 1));
        if (*slot == 0) {
            return NULL;
        }
        const struct format_name *found = ELEMENT(catalog, name, *slot - 1);
        if (found->mount == mount && slice_equal(text_of(catalog, found->name), name)) {
            *index = *slot - 1;
            return found;
        }
    }
    return NULL;
}

/* Among the names from `found` on that are equal, the one that answers: a hashed name always, an
 * original one when its release is the chosen one. */
static const struct format_name *pick_name(const struct catalog *catalog,
                                           const struct format_name *found, uint64_t index)
{
    struct slice name = text_of(catalog, found->name);
    uint32_t mount = found->mount;
    const struct format_name *hashed = NULL;
    while (found->mount == mount && slice_equal(text_of(catalog, found->name), name)) {
        if (found->release == catalog->chosen[mount] && found->release != FORMAT_EVERY_RELEASE) {
            return found;
        }
        hashed = found->release == FORMAT_EVERY_RELEASE ? found : hashed;
        found = ELEMENT(catalog, name, ++index);
    }
    return hashed;
}

static void read_entry(const struct catalog *catalog, const struct format_entry *from,
                       struct catalog_entry *entry)
{
    *entry = (struct catalog_entry){
        .path = text_of(catalog, from->path),
        .hash = text_of(catalog, from->hash),
        .type = text_of(catalog, from->type),
        .sized = from->size != FORMAT_NO_SIZE,
        .size = from->size,
        .proof = (enum catalog_proof)from->proof,
        .variants = from->variants,
    };
    for (uint32_t i = 0; i < from->variants; i++) {
        const struct format_variant *variant =
            ELEMENT(catalog, variant, (uint64_t)from->first_variant + i);
        entry->variant[i] = (struct catalog_variant){.coding = (enum coding)variant->coding,
                                                     .path = text_of(catalog, variant->path),
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
    const struct format_name *found = find_name(catalog, mount, name, &index);
    found = found ? pick_name(catalog, found, index) : NULL;
    if (!found) {
        return false;
    }
    const struct format_entry *from = ELEMENT(catalog, entry, found->entry);
    if (!entry_is_sound(catalog, from)) {
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
        const struct format_type *type = ELEMENT(catalog, type, policy.first_type + i);
        struct slice own = text_of(catalog, type->type);
        if (type_is_sound(catalog, type) && media_key_matches(text_of(catalog, type->key), name)) {
            return own;
        }
    }
    return slice_of(media_type(name));
}

static uint64_t digest_of(const struct catalog *catalog)
{
    struct format_header header = *header_of(catalog);
    header.digest = 0;
    uint64_t hash = format_hash(FORMAT_HASH_START, &header, sizeof header);
    return format_hash(hash, catalog->block + sizeof header, catalog->size - sizeof header);
}

/* What is found under each name is the first of those that are equal to it. */
static bool slots_are_sound(const struct catalog *catalog)
{
    const struct format_header *header = header_of(catalog);
    for (uint64_t i = 0; i < header->slots.count; i++) {
        const uint32_t *slot = element(catalog, &header->slots, sizeof *slot, i);
        if (*slot > header->names.count) {
            return false;
        }
    }
    for (uint64_t i = 0; i < header->names.count; i++) {
        const struct format_name *name = ELEMENT(catalog, name, i);
        const struct format_name *before = i > 0 ? ELEMENT(catalog, name, i - 1) : NULL;
        struct slice text = text_of(catalog, name->name);
        bool again = before && before->mount == name->mount &&
                     slice_equal(text_of(catalog, before->name), text);
        uint64_t found;
        if (!again && (!find_name(catalog, name->mount, text, &found) || found != i)) {
            return false;
        }
    }
    return true;
}

static bool names_are_sound(const struct catalog *catalog)
{
    for (uint64_t i = 0; i < header_of(catalog)->names.count; i++) {
        const struct format_name *name = ELEMENT(catalog, name, i);
        if (!name_is_sound(catalog, name) ||
            (i > 0 && compare_names(catalog, ELEMENT(catalog, name, i - 1), name) >= 0)) {
            return false;
        }
    }
    return slots_are_sound(catalog);
}

int catalog_verify(const struct catalog *catalog, struct error *error)
{
    const struct format_header *header = header_of(catalog);
    if (header->digest != digest_of(catalog)) {
        return invalid(error, "its digest");
    }
    if (!site_is_sound(catalog, ELEMENT(catalog, site, 0))) {
        return invalid(error, "the site");
    }
    for (uint64_t i = 0; i < header->mounts.count; i++) {
        if (!mount_is_sound(catalog, ELEMENT(catalog, mount, i))) {
            return invalid(error, "a mount");
        }
    }
    for (uint64_t i = 0; i < header->types.count; i++) {
        if (!type_is_sound(catalog, ELEMENT(catalog, type, i))) {
            return invalid(error, "a media type");
        }
    }
    for (uint64_t i = 0; i < header->releases.count; i++) {
        if (!release_is_sound(catalog, ELEMENT(catalog, release, i))) {
            return invalid(error, "a release");
        }
    }
    for (uint64_t i = 0; i < header->entries.count; i++) {
        if (!entry_is_sound(catalog, ELEMENT(catalog, entry, i))) {
            return invalid(error, "an entry");
        }
    }
    return names_are_sound(catalog) ? 0 : invalid(error, "the names");
}
