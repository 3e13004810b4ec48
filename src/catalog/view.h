/* Looking at a block that catalog_open has bounded: elements and texts of the head, leaves, and
 * whether they are sound. For catalog.c and verify.c alone. Nothing here trusts the bytes. */
#ifndef CATALOG_VIEW_H
#define CATALOG_VIEW_H

#include "catalog/catalog.h"
#include "catalog/format.h"

/* HB0030, with what is wrong. Returns -1. */
int view_invalid(struct error *error, const char *what);

const struct format_header *view_header(const struct catalog *catalog);

/* An element of a section. Past its end an element of zeros, which is never sound: it has no name,
 * no path and no URL. */
const void *view_element(const struct catalog *catalog, const struct format_section *section,
                         size_t size, uint64_t index);

/* The same with its type: VIEW_ELEMENT(catalog, mount, 0) is a const struct format_mount *. */
#define VIEW_ELEMENT(catalog, section, index)                                                      \
    ((const struct format_##section *)view_element(catalog,                                        \
                                                   &view_header(catalog)->VIEW_SECTION_##section,  \
                                                   sizeof(struct format_##section), index))
#define VIEW_SECTION_site sites
#define VIEW_SECTION_mount mounts
#define VIEW_SECTION_type types
#define VIEW_SECTION_field fields
#define VIEW_SECTION_release releases
#define VIEW_SECTION_home homes

/* A text that leaves its section is absent. */
struct slice view_text(const struct catalog *catalog, struct format_text text);

/* Whether every reference of an element holds, and every text of it may stand where it is used. */
bool view_mount_is_sound(const struct catalog *catalog, const struct format_mount *mount);
bool view_type_is_sound(const struct catalog *catalog, const struct format_type *type);
bool view_field_is_sound(const struct catalog *catalog, const struct format_field *field);
bool view_release_is_sound(const struct catalog *catalog, const struct format_release *release);
bool view_home_is_sound(const struct catalog *catalog, const struct format_home *home);
bool view_site_is_sound(const struct catalog *catalog, const struct format_site *site);

/* Whether a leaf of which `room` bytes may be looked at is whole and all of it may be used. */
bool view_leaf_is_sound(const struct catalog *catalog, const struct format_leaf *leaf,
                        uint64_t room);

/* The texts of a sound leaf, and its variants. */
struct slice view_leaf_name(const struct format_leaf *leaf);
struct slice view_leaf_path(const struct format_leaf *leaf);
struct slice view_leaf_type(const struct format_leaf *leaf);
const struct format_variant *view_leaf_variants(const struct format_leaf *leaf);

/* A page behind the head, counted from 0; NULL when there is none or its checksum is wrong. `copy`,
 * aligned to eight bytes, is where it is read to, where it is not in memory. */
const unsigned char *view_page(const struct catalog *catalog, uint64_t number,
                               unsigned char copy[FORMAT_PAGE]);

/* The leaf with exactly this key: *leaf, sound, in the block or in `copy`. */
enum catalog_verdict view_find_leaf(const struct catalog *catalog, uint32_t mount, uint32_t release,
                                    struct slice name, const struct format_leaf **leaf,
                                    unsigned char copy[FORMAT_PAGE]);

#endif
