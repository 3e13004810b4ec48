#include "compile/writer.h"

#include "catalog/format.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* A name before its text has a place: sorted by its bytes. */
struct pending_name {
    const char *name;
    int added; /* in this order */
    struct format_name record;
};

struct writer {
    apr_pool_t *pool;
    struct format_site site;
    apr_array_header_t *mounts, *types, *fields, *releases, *names, *entries, *variants;
    apr_hash_t *places; /* of texts that stand in the block already: format_text by its bytes */
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
    writer->names = apr_array_make(pool, 256, sizeof(struct pending_name));
    writer->entries = apr_array_make(pool, 256, sizeof(struct format_entry));
    writer->variants = apr_array_make(pool, 256, sizeof(struct format_variant));
    writer->places = apr_hash_make(pool);
    writer->text_room = 4096;
    writer->text = apr_palloc(pool, writer->text_room);
    return writer;
}

/* Each text stands in the block once. */
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

uint32_t writer_add_release(struct writer *writer, uint32_t mount, const char *id, bool in_root,
                            int64_t published)
{
    *(struct format_release *)apr_array_push(writer->releases) =
        (struct format_release){.id = add_string(writer, id),
                                .mount = mount,
                                .flags = in_root ? FORMAT_IN_ROOT : 0,
                                .published = published};
    return (uint32_t)writer->releases->nelts - 1;
}

uint32_t writer_add_entry(struct writer *writer, const struct writer_entry *entry)
{
    struct format_entry record = {
        .path = add_string(writer, entry->path),
        .hash = add_text(writer, entry->hash),
        .type = add_string(writer, entry->type),
        .size = entry->sized ? entry->size : FORMAT_NO_SIZE,
        .first_variant = (uint32_t)writer->variants->nelts,
        .variants = (uint16_t)entry->variants,
        .proof = entry->hash.len > 0 ? FORMAT_UNREAD : FORMAT_NO_HASH,
    };
    for (unsigned i = 0; i < entry->variants; i++) {
        *(struct format_variant *)apr_array_push(writer->variants) =
            (struct format_variant){.path = add_string(writer, entry->variant[i].path),
                                    .size = entry->variant[i].size,
                                    .coding = entry->variant[i].coding};
    }
    *(struct format_entry *)apr_array_push(writer->entries) = record;
    return (uint32_t)writer->entries->nelts - 1;
}

void writer_add_original_name(struct writer *writer, uint32_t mount, const char *name,
                              uint32_t release, uint32_t entry)
{
    *(struct pending_name *)apr_array_push(writer->names) = (struct pending_name){
        .name = name,
        .added = writer->names->nelts,
        .record = {
            .name = add_string(writer, name), .mount = mount, .release = release, .entry = entry}};
}

void writer_add_hashed_name(struct writer *writer, uint32_t mount, const char *name, uint32_t entry)
{
    writer_add_original_name(writer, mount, name, FORMAT_EVERY_RELEASE, entry);
}

static int compare_numbers(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_keys(const struct pending_name *a, const struct pending_name *b)
{
    int order = compare_numbers(a->record.mount, b->record.mount);
    order = order ? order : strcmp(a->name, b->name);
    return order ? order : compare_numbers(a->record.release, b->record.release);
}

static int compare_names(const void *left, const void *right)
{
    const struct pending_name *a = left, *b = right;
    int order = compare_keys(a, b);
    return order ? order : a->added - b->added;
}

static struct format_name *sort_names(struct writer *writer, uint32_t *count)
{
    struct pending_name *names = (struct pending_name *)(void *)writer->names->elts;
    size_t total = (size_t)writer->names->nelts;
    struct format_name *sorted = apr_palloc(writer->pool, (total + 1) * sizeof *sorted);
    qsort(names, total, sizeof *names, compare_names);
    *count = 0;
    for (size_t i = 0; i < total; i++) {
        if (i == 0 || compare_keys(&names[i - 1], &names[i]) != 0) {
            sorted[(*count)++] = names[i].record;
        }
    }
    return sorted;
}

/* One slot for each different (mount, name): that of the first of its names. */
static uint32_t *build_slots(struct writer *writer, const struct format_name *names, uint32_t count,
                             uint64_t *slots)
{
    *slots = 2;
    while (*slots < 2 * (uint64_t)count) {
        *slots *= 2;
    }
    uint32_t *table = apr_pcalloc(writer->pool, *slots * sizeof *table);
    for (uint32_t i = 0; i < count; i++) {
        bool same = i > 0 && names[i].mount == names[i - 1].mount &&
                    names[i].name.offset == names[i - 1].name.offset;
        if (same) {
            continue;
        }
        uint64_t place = format_name_hash(names[i].mount, writer->text + names[i].name.offset,
                                          names[i].name.len);
        while (table[place & (*slots - 1)] != 0) {
            place++;
        }
        table[place & (*slots - 1)] = i + 1;
    }
    return table;
}

/* Puts one section at the end of the block, or only measures it when `block` is NULL. */
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

static uint64_t lay_out(const struct writer *writer, unsigned char *block,
                        struct format_header *header, const struct format_name *names,
                        uint32_t count, const uint32_t *table, uint64_t slots)
{
    uint64_t at = sizeof *header;
    put_section(block, &at, &header->sites, &writer->site, sizeof writer->site, 1);
    put_array(block, &at, &header->mounts, writer->mounts);
    put_array(block, &at, &header->types, writer->types);
    put_array(block, &at, &header->fields, writer->fields);
    put_array(block, &at, &header->releases, writer->releases);
    put_section(block, &at, &header->names, names, sizeof *names, count);
    put_array(block, &at, &header->entries, writer->entries);
    put_array(block, &at, &header->variants, writer->variants);
    put_section(block, &at, &header->slots, table, sizeof *table, slots);
    put_section(block, &at, &header->text, writer->text, 1, writer->text_len);
    return at;
}

int writer_finish(struct writer *writer, void **block, uint64_t *size, struct error *error)
{
    struct format_header header = {
        .magic = FORMAT_MAGIC, .version = FORMAT_VERSION, .byte_order = FORMAT_BYTE_ORDER};
    uint32_t count;
    uint64_t slots;
    if (writer->too_large) {
        return error_set(error, HB_CATALOG_TOO_LARGE,
                         "the names of the manifests take more than 4 GiB");
    }
    const struct format_name *names = sort_names(writer, &count);
    const uint32_t *table = build_slots(writer, names, count, &slots);
    header.size = lay_out(writer, NULL, &header, names, count, table, slots);
    unsigned char *bytes = calloc(1, header.size);
    if (!bytes) {
        return error_set(error, HB_OUT_OF_MEMORY, "no memory for a catalog of %llu bytes",
                         (unsigned long long)header.size);
    }
    lay_out(writer, bytes, &header, names, count, table, slots);
    uint64_t digest = format_hash(FORMAT_HASH_START, &header, sizeof header);
    header.digest = format_hash(digest, bytes + sizeof header, header.size - sizeof header);
    memcpy(bytes, &header, sizeof header);
    *block = bytes;
    *size = header.size;
    return 0;
}
