#include "catalog/view.h"

#include "catalog/hashed_name.h"
#include "http/field.h"
#include "http/head.h"
#include "http/path.h"

#include <string.h>

int view_invalid(struct error *error, const char *what)
{
    return error_set(error, HB_CATALOG_INVALID, "the catalog is not valid (%s): make it anew",
                     what);
}

const struct format_header *view_header(const struct catalog *catalog)
{
    return (const struct format_header *)(const void *)catalog->block;
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

static bool is_release_of(const struct catalog *catalog, uint32_t release, uint32_t mount)
{
    return release < view_header(catalog)->releases.count &&
           VIEW_ELEMENT(catalog, release, release)->mount == mount;
}

bool view_name_is_sound(const struct catalog *catalog, const struct format_name *name)
{
    return path_is_plain(view_text(catalog, name->name)) &&
           name->mount < view_header(catalog)->mounts.count &&
           (name->release == FORMAT_EVERY_RELEASE ||
            is_release_of(catalog, name->release, name->mount)) &&
           name->entry < view_header(catalog)->entries.count;
}

/* As hashed_name_digits finds them in a name, or none. */
static bool hash_is_sound(struct slice hash)
{
    for (size_t i = 0; i < hash.len; i++) {
        char c = hash.at[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false;
        }
    }
    return hash.at && (hash.len == 0 || hash.len == HASHED_NAME_DIGITS);
}

/* Not more than one variant of a coding. */
static bool variants_are_sound(const struct catalog *catalog, const struct format_entry *entry)
{
    unsigned seen = 0;
    for (uint32_t i = 0; i < entry->variants; i++) {
        const struct format_variant *variant =
            VIEW_ELEMENT(catalog, variant, (uint64_t)entry->first_variant + i);
        if (variant->coding >= CODING_IDENTITY || (seen & 1u << variant->coding) ||
            !path_is_plain(view_text(catalog, variant->path))) {
            return false;
        }
        seen |= 1u << variant->coding;
    }
    return true;
}

bool view_entry_is_sound(const struct catalog *catalog, const struct format_entry *entry)
{
    return path_is_plain(view_text(catalog, entry->path)) && text_is_clean(catalog, entry->type) &&
           hash_is_sound(view_text(catalog, entry->hash)) && entry->proof <= FORMAT_NO_HASH &&
           entry->variants <= CODING_IDENTITY && variants_are_sound(catalog, entry);
}

static bool is_within(uint32_t first, uint32_t count, const struct format_section *section)
{
    return first <= section->count && count <= section->count - first;
}

/* Begins and ends with one slash. */
static bool url_is_sound(struct slice url)
{
    return slice_starts(url, slice_of("/")) && slice_ends(url, slice_of("/")) &&
           !slice_starts(url, slice_of("//"));
}

static bool texts_are_clean(const struct catalog *catalog, const struct format_mount *mount)
{
    return text_is_clean(catalog, mount->root) && text_is_clean(catalog, mount->manifests) &&
           text_is_clean(catalog, mount->immutable) && text_is_clean(catalog, mount->follow) &&
           text_is_clean(catalog, mount->index_file) &&
           text_is_clean(catalog, mount->delivery_url) &&
           text_is_clean(catalog, mount->delivery_root);
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
           slice_starts(view_text(catalog, mount->root), slice_of("/")) &&
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
    return text_is_clean(catalog, type->key) && text_is_clean(catalog, type->type);
}

bool view_release_is_sound(const struct catalog *catalog, const struct format_release *release)
{
    return view_text(catalog, release->id).len > 0 && text_is_clean(catalog, release->id) &&
           release->mount < view_header(catalog)->mounts.count;
}

bool view_site_is_sound(const struct catalog *catalog, const struct format_site *site)
{
    return site->delivery < DELIVERY_COUNT && text_is_clean(catalog, site->coding_header);
}

/* The first of the names that equal (mount, name), or NULL. */
const struct format_name *view_find_name(const struct catalog *catalog, uint32_t mount,
                                         struct slice name, uint64_t *index)
{
    const struct format_section *slots = &view_header(catalog)->slots;
    uint64_t place = format_name_hash(mount, name.at, name.len);
    for (uint64_t probes = 0; probes < slots->count; probes++) {
        const uint32_t *slot =
            view_element(catalog, slots, sizeof *slot, (place + probes) & (slots->count - 1));
        if (*slot == 0) {
            return NULL;
        }
        const struct format_name *found = VIEW_ELEMENT(catalog, name, *slot - 1);
        if (found->mount == mount && slice_equal(view_text(catalog, found->name), name)) {
            *index = *slot - 1;
            return found;
        }
    }
    return NULL;
}
