#include "compile/writer.h"

#include "catalog/format.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* What is under a name, until its leaf is laid out. */
struct pending_name {
    const char *name;
    int added; /* in this order */
    uint32_t mount, release, entry;
};

struct writer {
    apr_pool_t *pool;
    struct format_site site;
    apr_array_header_t *mounts, *types, *fields, *releases, *homes; /* as in the format */
    apr_array_header_t *names;                                      /* of struct pending_name */
    apr_array_header_t *entries;                                    /* of struct writer_entry */
    apr_hash_t *places; /* of texts that stand in the head already: format_text by its bytes */
    char *text;
    size_t text_len, text_room;
    bool too_large;
};

struct writer *writer_make(apr_pool_t *pool)
{
    struct writer *writer = apr_pcalloc(pool, sizeof *writer);
    writer->pool = pool;
    writer->mounts = apr_array_make(pool, 1, sizeof(struct format_mount));
    writer->types = apr_array_make(pool, 4, sizeof(struct format_type));
    writer->fields = apr_array_make(pool, 4, sizeof(struct format_field));
    writer->releases = apr_array_make(pool, 4, sizeof(struct format_release));
    writer->homes = apr_array_make(pool, 4, sizeof(struct format_home));
    writer->names = apr_array_make(pool, 256, sizeof(struct pending_name));
    writer->entries = apr_array_make(pool, 256, sizeof(struct writer_entry));
    writer->places = apr_hash_make(pool);
    writer->text_room = 4096;
    writer->text = apr_palloc(pool, writer->text_room);
    return writer;
}

/* Each text stands in the head once. */
static struct format_text add_text(struct writer *writer, struct slice text)
{
    struct format_text *known =
        text.len > 0 ? apr_hash_get(writer->places, text.at, (apr_ssize_t)text.len) : NULL;
    if (known || text.len == 0) {
        return known ? *known : (struct format_text){0};
    }
    if (text.len > UINT32_MAX - writer->text_len) {
        writer->too_large = true;
        return (struct format_text){0};
    }
    while (writer->text_room - writer->text_len < text.len) {
        char *larger = apr_palloc(writer->pool, writer->text_room * 2);
        memcpy(larger, writer->text, writer->text_len);
        writer->text = larger;
        writer->text_room *= 2;
    }
    struct format_text *place = apr_palloc(writer->pool, sizeof *place);
    *place = (struct format_text){.offset = (uint32_t)writer->text_len, .len = (uint32_t)text.len};
    memcpy(writer->text + writer->text_len, text.at, text.len);
    writer->text_len += text.len;
    apr_hash_set(writer->places, apr_pstrmemdup(writer->pool, text.at, text.len),
                 (apr_ssize_t)text.len, place);
    return *place;
}

static struct format_text add_string(struct writer *writer, const char *text)
{
    return add_text(writer, slice_of(text));
}

void writer_set_site(struct writer *writer, enum delivery delivery, const char *coding_header)
{
    writer->site = (struct format_site){.delivery = delivery,
                                        .coding_header = add_string(writer, coding_header)};
}

void writer_set_state(struct writer *writer, const char *state)
{
    writer->site.state = add_string(writer, state);
}

static void add_fields(struct writer *writer, const struct settings_mount *mount)
{
    for (int i = 0; i < mount->fields->nelts; i++) {
        const struct settings_field *field =
            &((const struct settings_field *)(const void *)mount->fields->elts)[i];
        *(struct format_field *)apr_array_push(writer->fields) =
            (struct format_field){.glob = add_string(writer, field->glob),
                                  .name = add_string(writer, field->name),
                                  .value = add_string(writer, field->value ? field->value : ""),
                                  .flags = field->value ? 0 : FORMAT_FIELD_REMOVED};
    }
}

uint32_t writer_add_mount(struct writer *writer, const struct settings_mount *mount)
{
    struct format_mount record = {
        .url = add_string(writer, mount->url),
        .root = add_string(writer, mount->root),
        .charset = add_string(writer, mount->charset),
        .manifests = add_string(writer, mount->manifests),
        .immutable = add_string(writer, mount->immutable),
        .follow = add_string(writer, mount->follow),
        .index_file = add_string(writer, mount->index_file),
        .delivery_url = add_string(writer, mount->delivery_url),
        .delivery_root = add_string(writer, mount->delivery_root),
        .dirs = add_string(writer, mount->dirs),
        .max_age = mount->max_age_sent ? mount->max_age : FORMAT_NO_MAX_AGE,
        .kind = mount->kind,
        .flags = mount->allow_all_origins ? FORMAT_ALLOW_ALL_ORIGINS : 0u,
        .first_type = (uint32_t)writer->types->nelts,
        .types = (uint32_t)mount->types->nelts,
        .first_field = (uint32_t)writer->fields->nelts,
        .fields = (uint32_t)mount->fields->nelts,
    };
    for (int i = 0; i < mount->types->nelts; i++) {
        const struct settings_type *type = &((const struct settings_type *)mount->types->elts)[i];
        *(struct format_type *)apr_array_push(writer->types) = (struct format_type){
            .key = add_string(writer, type->key), .type = add_string(writer, type->type)};
    }
    add_fields(writer, mount);
    *(struct format_mount *)apr_array_push(writer->mounts) = record;
    return (uint32_t)writer->mounts->nelts - 1;
}

uint32_t writer_add_release(struct writer *writer, const struct writer_release *release)
{
    *(struct format_release *)apr_array_push(writer->releases) =
        (struct format_release){.id = add_string(writer, release->id),
                                .manifest = add_string(writer, release->manifest),
                                .md5 = add_string(writer, release->md5),
                                .mount = release->mount,
                                .first_home = (uint32_t)writer->homes->nelts,
                                .homes = (uint32_t)release->homes->nelts,
                                .published = release->published};
    for (int i = 0; i < release->homes->nelts; i++) {
        *(struct format_home *)apr_array_push(writer->homes) = (struct format_home){
            .root = add_string(writer, APR_ARRAY_IDX(release->homes, i, const char *))};
    }
    return (uint32_t)writer->releases->nelts - 1;
}

uint32_t writer_add_entry(struct writer *writer, const struct writer_entry *entry)
{
    *(struct writer_entry *)apr_array_push(writer->entries) = *entry;
    return (uint32_t)writer->entries->nelts - 1;
}

void writer_add_original_name(struct writer *writer, uint32_t mount, const char *name,
                              uint32_t release, uint32_t entry)
{
    *(struct pending_name *)apr_array_push(writer->names) =
        (struct pending_name){.name = name,
                              .added = writer->names->nelts,
                              .mount = mount,
                              .release = release,
                              .entry = entry};
}

void writer_add_hashed_name(struct writer *writer, uint32_t mount, const char *name, uint32_t entry)
{
    writer_add_original_name(writer, mount, name, FORMAT_EVERY_RELEASE, entry);
}

/* ---- sorting ---- */

static int compare_numbers(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_keys(const struct pending_name *a, const struct pending_name *b)
{
    int order = compare_numbers(a->mount, b->mount);
    order = order ? order : strcmp(a->name, b->name);
    return order ? order : compare_numbers(a->release, b->release);
}

static int compare_names(const void *left, const void *right)
{
    const struct pending_name *a = left, *b = right;
    int order = compare_keys(a, b);
    return order ? order : a->added - b->added;
}

/* Sorts the names, each of them once; returns how many there are. */
static uint32_t sort_names(struct writer *writer)
{
    struct pending_name *names = (struct pending_name *)(void *)writer->names->elts;
    size_t total = (size_t)writer->names->nelts;
    uint32_t count = 0;
    qsort(names, total, sizeof *names, compare_names);
    for (size_t i = 0; i < total; i++) {
        if (count == 0 || compare_keys(&names[count - 1], &names[i]) != 0) {
            names[count++] = names[i];
        }
    }
    return count;
}

/* ---- leaves and slots ---- */

/* The three parts while they are laid out. */
struct layout {
    struct format_header header;
    unsigned char *block;  /* all of it; NULL while sizes are only measured */
    unsigned char *slots;  /* in the block */
    unsigned char *leaves; /* in the block */
    uint64_t at;           /* behind the last leaf, from the start of the leaves */
};

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes + FORMAT_PAGE - 1) / FORMAT_PAGE;
}

static size_t leaf_len(const struct pending_name *name, const struct writer_entry *entry)
{
    size_t path = strcmp(name->name, entry->path) == 0 ? 0 : strlen(entry->path);
    size_t len = sizeof(struct format_leaf) + entry->variants * sizeof(struct format_variant) +
                 strlen(name->name) + path + strlen(entry->type);
    return (len + 7) & ~(size_t)7;
}

static char *put_text(char *to, const char *text, size_t len)
{
    memcpy(to, text, len);
    return to + len;
}

static void fill_leaf(struct format_leaf *leaf, size_t len, const struct pending_name *name,
                      const struct writer_entry *entry)
{
    struct format_variant *variant = (struct format_variant *)(void *)(leaf + 1);
    bool same = strcmp(name->name, entry->path) == 0;
    *leaf = (struct format_leaf){.len = (uint32_t)len,
                                 .mount = name->mount,
                                 .release = name->release,
                                 .name_len = (uint16_t)strlen(name->name),
                                 .path_len = (uint16_t)(same ? 0 : strlen(entry->path)),
                                 .type_len = (uint16_t)strlen(entry->type),
                                 .flags = (uint16_t)((entry->sized ? FORMAT_SIZED : 0) |
                                                     (entry->pooled ? FORMAT_POOLED : 0)),
                                 .proof = (uint16_t)entry->proof,
                                 .variants = (uint16_t)entry->variants,
                                 .size = entry->sized ? entry->size : 0};
    memcpy(leaf->md5, entry->md5, sizeof leaf->md5);
    for (unsigned i = 0; i < entry->variants; i++) {
        variant[i] = (struct format_variant){.size = entry->variant[i].size,
                                             .coding = entry->variant[i].coding,
                                             .proven = entry->variant[i].proven};
        memcpy(variant[i].suffix, entry->variant[i].suffix,
               strnlen(entry->variant[i].suffix, FORMAT_SUFFIX));
    }
    char *text = put_text((char *)(variant + entry->variants), name->name, leaf->name_len);
    text = put_text(text, entry->path, leaf->path_len);
    put_text(text, entry->type, leaf->type_len);
}

static void fill_slot(struct layout *layout, const struct pending_name *name, uint64_t place)
{
    uint64_t key = format_key(name->mount, name->release, name->name, strlen(name->name));
    for (uint64_t probe = 0;; probe++) {
        uint64_t index = format_slot_at(layout->header.slots, key, probe);
        unsigned char *page = layout->slots + index / FORMAT_SLOTS * FORMAT_PAGE;
        struct format_slot *slot = (struct format_slot *)(void *)page + index % FORMAT_SLOTS;
        if (slot->leaf == 0) {
            *slot = (struct format_slot){.leaf = (uint32_t)(place / 8 + 1),
                                         .tag = (uint32_t)(key >> 32)};
            return;
        }
    }
}

/* Puts the leaves one behind the other, or only measures them while there is no block. */
static void put_leaves(const struct writer *writer, uint32_t count, struct layout *layout)
{
    const struct pending_name *names =
        (const struct pending_name *)(const void *)writer->names->elts;
    const struct writer_entry *entries =
        (const struct writer_entry *)(const void *)writer->entries->elts;
    layout->at = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct writer_entry *entry = &entries[names[i].entry];
        size_t len = leaf_len(&names[i], entry);
        if (layout->at % FORMAT_PAGE + len > FORMAT_PAYLOAD) {
            layout->at = pages_of(layout->at + 1) * FORMAT_PAGE;
        }
        if (layout->block) {
            fill_leaf((struct format_leaf *)(void *)(layout->leaves + layout->at), len, &names[i],
                      entry);
            fill_slot(layout, &names[i], layout->at);
        }
        layout->at += len;
    }
}

/* ---- the head ---- */

/* Puts one section at the end of the head, or only measures it when `block` is NULL. */
static void put_section(unsigned char *block, uint64_t *at, struct format_section *section,
                        const void *elements, size_t element, uint64_t count)
{
    *section = (struct format_section){.offset = *at, .count = count};
    if (block && count > 0) {
        memcpy(block + *at, elements, element * count);
    }
    *at += (element * count + 7) & ~UINT64_C(7);
}

static void put_array(unsigned char *block, uint64_t *at, struct format_section *section,
                      const apr_array_header_t *array)
{
    put_section(block, at, section, array->elts, (size_t)array->elt_size, (uint64_t)array->nelts);
}

static uint64_t put_head(const struct writer *writer, struct layout *layout)
{
    struct format_header *header = &layout->header;
    unsigned char *block = layout->block;
    uint64_t at = sizeof *header;
    put_section(block, &at, &header->sites, &writer->site, sizeof writer->site, 1);
    put_array(block, &at, &header->mounts, writer->mounts);
    put_array(block, &at, &header->types, writer->types);
    put_array(block, &at, &header->fields, writer->fields);
    put_array(block, &at, &header->releases, writer->releases);
    put_array(block, &at, &header->homes, writer->homes);
    put_section(block, &at, &header->text, writer->text, 1, writer->text_len);
    return at;
}

/* ---- all of it ---- */

static void measure(const struct writer *writer, uint32_t count, struct layout *layout)
{
    struct format_header *header = &layout->header;
    header->head_size = pages_of(put_head(writer, layout)) * FORMAT_PAGE;
    header->leaves = count;
    header->slots = 2;
    while (header->slots < 2 * (uint64_t)count) {
        header->slots *= 2;
    }
    header->slot_pages = (header->slots + FORMAT_SLOTS - 1) / FORMAT_SLOTS;
    put_leaves(writer, count, layout);
    header->leaf_pages = pages_of(layout->at);
    header->size =
        header->head_size + (header->slot_pages + header->leaf_pages) * (uint64_t)FORMAT_PAGE;
}

/* The digest first, as every other checksum begins with it. */
static void seal(struct layout *layout)
{
    struct format_header *header = &layout->header;
    uint64_t pages = header->slot_pages + header->leaf_pages;
    unsigned char *first = layout->block + header->head_size;
    for (uint64_t i = 0; i < pages; i++) {
        header->digest = format_sum(header->digest, first + i * FORMAT_PAGE, FORMAT_PAYLOAD);
    }
    for (uint64_t i = 0; i < pages; i++) {
        unsigned char *page = first + i * FORMAT_PAGE;
        uint64_t sum = format_page_sum(header->digest, i, page);
        memcpy(page + FORMAT_PAYLOAD, &sum, sizeof sum);
    }
    memcpy(layout->block, header, sizeof *header);
    header->head_sum = format_sum(header->digest, layout->block, header->head_size);
    memcpy(layout->block, header, sizeof *header);
}

int writer_finish(struct writer *writer, void **block, uint64_t *size, struct error *error)
{
    struct layout layout = {.header = {.magic = FORMAT_MAGIC,
                                       .version = FORMAT_VERSION,
                                       .byte_order = FORMAT_BYTE_ORDER}};
    uint32_t count = sort_names(writer);
    measure(writer, count, &layout);
    if (writer->too_large || layout.at / 8 >= UINT32_MAX) {
        return error_set(error, HB_CATALOG_TOO_LARGE,
                         "the names of the manifests take more than 32 GiB");
    }
    layout.block = calloc(1, layout.header.size);
    if (!layout.block) {
        return error_set(error, HB_OUT_OF_MEMORY, "no memory for a catalog of %llu bytes",
                         (unsigned long long)layout.header.size);
    }
    layout.slots = layout.block + layout.header.head_size;
    layout.leaves = layout.slots + layout.header.slot_pages * FORMAT_PAGE;
    put_head(writer, &layout);
    put_leaves(writer, count, &layout);
    seal(&layout);
    *block = layout.block;
    *size = layout.header.size;
    return 0;
}
