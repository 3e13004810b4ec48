#include "catalog/catalog.h"
#include "catalog/view.h"

#include <string.h>

static int compare_numbers(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_leaves(const struct format_leaf *a, const struct format_leaf *b)
{
    struct slice left = view_leaf_name(a), right = view_leaf_name(b);
    size_t shorter = left.len < right.len ? left.len : right.len;
    int order = compare_numbers(a->mount, b->mount);
    order = order ? order : memcmp(left.at, right.at, shorter);
    if (order == 0 && left.len != right.len) {
        order = left.len < right.len ? -1 : 1;
    }
    return order ? order : compare_numbers(a->release, b->release);
}

/* Every page as it was written, and all of them together. */
static bool pages_are_as_written(const struct catalog *catalog)
{
    const struct format_header *header = view_header(catalog);
    uint64_t digest = 0;
    for (uint64_t i = 0; i < header->slot_pages + header->leaf_pages; i++) {
        const unsigned char *page = view_page(catalog, i, NULL);
        if (!page) {
            return false;
        }
        digest = format_sum(digest, page, FORMAT_PAYLOAD);
    }
    return digest == header->digest;
}

/* Every leaf is found below: then no slot is left that leads elsewhere. */
static bool slots_are_taken_once(const struct catalog *catalog)
{
    const struct format_header *header = view_header(catalog);
    uint64_t taken = 0;
    for (uint64_t i = 0; i < header->slots; i++) {
        const unsigned char *page = view_page(catalog, i / FORMAT_SLOTS, NULL);
        const struct format_slot *slot =
            (const struct format_slot *)(const void *)page + i % FORMAT_SLOTS;
        taken += slot->leaf != 0;
    }
    return taken == header->leaves;
}

/* What is found under the leaf's name is this leaf. */
static bool is_found(const struct catalog *catalog, const struct format_leaf *leaf)
{
    const struct format_leaf *found;
    return view_find_leaf(catalog, leaf->mount, leaf->release, view_leaf_name(leaf), &found,
                          NULL) == CATALOG_FOUND &&
           found == leaf;
}

/* The leaves of one page, each behind *before; counts them. */
static bool leaves_of_page_are_sound(const struct catalog *catalog, const unsigned char *page,
                                     const struct format_leaf **before, uint64_t *count)
{
    for (uint64_t at = 0; at + sizeof(struct format_leaf) <= FORMAT_PAYLOAD;) {
        const struct format_leaf *leaf = (const struct format_leaf *)(const void *)(page + at);
        if (leaf->len == 0) {
            return true;
        }
        if (!view_leaf_is_sound(catalog, leaf, FORMAT_PAYLOAD - at) ||
            (*before && compare_leaves(*before, leaf) >= 0) || !is_found(catalog, leaf)) {
            return false;
        }
        *before = leaf;
        *count += 1;
        at += leaf->len;
    }
    return true;
}

static bool leaves_are_sound(const struct catalog *catalog)
{
    const struct format_header *header = view_header(catalog);
    const struct format_leaf *before = NULL;
    uint64_t count = 0;
    for (uint64_t i = 0; i < header->leaf_pages; i++) {
        const unsigned char *page = view_page(catalog, header->slot_pages + i, NULL);
        if (!page || !leaves_of_page_are_sound(catalog, page, &before, &count)) {
            return false;
        }
    }
    return count == header->leaves;
}

int catalog_verify(struct catalog *catalog, struct error *error)
{
    if (!pages_are_as_written(catalog)) {
        return view_invalid(error, "a checksum");
    }
    catalog->verified = true;
    if (!slots_are_taken_once(catalog) || !leaves_are_sound(catalog)) {
        catalog->verified = false;
        return view_invalid(error, "the names");
    }
    catalog->sound = true;
    return 0;
}
