#include "catalog/catalog.h"
#include "catalog/view.h"

#include <string.h>

static int compare_names(const struct catalog *catalog, const struct format_name *a,
                         const struct format_name *b)
{
    struct slice left = view_text(catalog, a->name), right = view_text(catalog, b->name);
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

static uint64_t digest_of(const struct catalog *catalog)
{
    struct format_header header = *view_header(catalog);
    header.digest = 0;
    uint64_t hash = format_hash(FORMAT_HASH_START, &header, sizeof header);
    return format_hash(hash, catalog->block + sizeof header, catalog->size - sizeof header);
}

/* What is found under each name is the first of those that are equal to it. */
static bool slots_are_sound(const struct catalog *catalog)
{
    const struct format_header *header = view_header(catalog);
    for (uint64_t i = 0; i < header->slots.count; i++) {
        const uint32_t *slot = view_element(catalog, &header->slots, sizeof *slot, i);
        if (*slot > header->names.count) {
            return false;
        }
    }
    for (uint64_t i = 0; i < header->names.count; i++) {
        const struct format_name *name = VIEW_ELEMENT(catalog, name, i);
        const struct format_name *before = i > 0 ? VIEW_ELEMENT(catalog, name, i - 1) : NULL;
        struct slice text = view_text(catalog, name->name);
        bool again = before && before->mount == name->mount &&
                     slice_equal(view_text(catalog, before->name), text);
        uint64_t found;
        if (!again && (!view_find_name(catalog, name->mount, text, &found) || found != i)) {
            return false;
        }
    }
    return true;
}

static bool names_are_sound(const struct catalog *catalog)
{
    for (uint64_t i = 0; i < view_header(catalog)->names.count; i++) {
        const struct format_name *name = VIEW_ELEMENT(catalog, name, i);
        if (!view_name_is_sound(catalog, name) ||
            (i > 0 && compare_names(catalog, VIEW_ELEMENT(catalog, name, i - 1), name) >= 0)) {
            return false;
        }
    }
    return slots_are_sound(catalog);
}

int catalog_verify(const struct catalog *catalog, struct error *error)
{
    const struct format_header *header = view_header(catalog);
    if (header->digest != digest_of(catalog)) {
        return view_invalid(error, "its digest");
    }
    if (!view_site_is_sound(catalog, VIEW_ELEMENT(catalog, site, 0))) {
        return view_invalid(error, "the site");
    }
    for (uint64_t i = 0; i < header->mounts.count; i++) {
        if (!view_mount_is_sound(catalog, VIEW_ELEMENT(catalog, mount, i))) {
            return view_invalid(error, "a mount");
        }
    }
    for (uint64_t i = 0; i < header->types.count; i++) {
        if (!view_type_is_sound(catalog, VIEW_ELEMENT(catalog, type, i))) {
            return view_invalid(error, "a media type");
        }
    }
    for (uint64_t i = 0; i < header->fields.count; i++) {
        if (!view_field_is_sound(catalog, VIEW_ELEMENT(catalog, field, i))) {
            return view_invalid(error, "a header field");
        }
    }
    for (uint64_t i = 0; i < header->releases.count; i++) {
        if (!view_release_is_sound(catalog, VIEW_ELEMENT(catalog, release, i))) {
            return view_invalid(error, "a release");
        }
    }
    for (uint64_t i = 0; i < header->entries.count; i++) {
        if (!view_entry_is_sound(catalog, VIEW_ELEMENT(catalog, entry, i))) {
            return view_invalid(error, "an entry");
        }
    }
    return names_are_sound(catalog) ? 0 : view_invalid(error, "the names");
}
