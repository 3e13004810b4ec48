/* Writes the catalogs of the corpus into a directory, with the writer that the program uses. Run it
 * again when the format changes: make_catalogs tests/fuzz/corpus/catalog */
#include "../unit/sample_catalog.h"

#include <apr_strings.h>
#include <stdio.h>

static const char *directory;

static void put(const char *name, const void *bytes, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void put_written(const char *name, struct writer *writer)
{
    void *block;
    uint64_t size;
    struct error error;
    if (writer_finish(writer, &block, &size, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    put(name, block, size);
    free(block);
}

static void put_empty(apr_pool_t *pool)
{
    struct writer *writer = writer_make(pool);
    writer_set_site(writer, DELIVERY_BODY, "");
    put_written("empty", writer);
}

static void put_one_name(apr_pool_t *pool)
{
    struct writer *writer = writer_make(pool);
    struct writer_entry entry = {
        .path = "a." SAMPLE_HASH ".js", .type = "text/javascript", .sized = true, .size = 5};
    writer_set_site(writer, DELIVERY_BODY, "");
    sample_mount(writer, pool, "/", "/srv");
    writer_add_hashed_name(writer, 0, entry.path, writer_add_entry(writer, &entry));
    put_written("one-name", writer);
}

static void put_mounts(apr_pool_t *pool)
{
    struct writer *writer = writer_make(pool);
    writer_set_site(writer, DELIVERY_X_SENDFILE, "X-Enc");
    for (int i = 0; i < CATALOG_MOUNTS_MAX; i++) {
        sample_mount(writer, pool, apr_psprintf(pool, "/static/%d/", i), "/srv");
    }
    put_written("sixteen-mounts", writer);
}

/* A mount with every kind of header field, and mounts of every kind. */
static void put_fields(apr_pool_t *pool)
{
    static const char *const urls[MOUNT_KINDS] = {"/static/", "/media/", "/"};
    struct writer *writer = writer_make(pool);
    writer_set_site(writer, DELIVERY_X_ACCEL_REDIRECT, "");
    for (int kind = 0; kind < MOUNT_KINDS; kind++) {
        struct settings_mount mount = settings_default_mount((enum mount_kind)kind, pool);
        mount.root = "/srv";
        mount.url = urls[kind];
        mount.delivery_url = "/internal/";
        sample_field(&mount, "*", "Cache-Control", kind == 0 ? NULL : "no-cache");
        sample_field(&mount, "*", "Vary", "Cookie");
        sample_field(&mount, "a/[a-z]*", "X-A", "1");
        writer_add_mount(writer, &mount);
    }
    put_written("fields", writer);
}

/* The sample with one number of its header changed, and the digest of that. */
static void put_changed(const char *name, const struct sample *sample, size_t place,
                        uint64_t number)
{
    unsigned char *block = malloc(sample->size);
    if (!block) {
        abort();
    }
    memcpy(block, sample->block, sample->size);
    memcpy(block + place, &number, sizeof number);
    sample_sign(block, sample->size);
    put(name, block, sample->size);
    free(block);
}

static void put_changes(const struct sample *sample)
{
#define PLACE(member) offsetof(struct format_header, member)
    static const struct {
        const char *name;
        size_t place;
        uint64_t number;
    } rows[] = {
        {"no-slots", PLACE(slots), 0},
        {"three-slots", PLACE(slots), 3},
        {"slots-many", PLACE(slots), 512},
        {"leaves-none", PLACE(leaves), 0},
        {"leaves-many", PLACE(leaves), UINT64_MAX},
        {"head-huge", PLACE(head_size), UINT64_MAX - FORMAT_PAGE + 1},
        {"head-is-all", PLACE(head_size), (uint64_t)3 * FORMAT_PAGE},
        {"text-none", PLACE(text.count), 0},
        {"text-elsewhere", PLACE(text.offset), sizeof(struct format_header)},
        {"fields-none", PLACE(fields.count), 0},
        {"fields-overflow", PLACE(fields.count), UINT64_MAX / 32},
        {"fields-in-mounts", PLACE(fields.offset), sizeof(struct format_header)},
        {"homes-none", PLACE(homes.count), 0},
        {"mounts-many", PLACE(mounts.count), 17},
        {"offset-unaligned", PLACE(releases.offset), 333},
        {"offset-huge", PLACE(types.offset), UINT64_MAX - 7},
        {"version-older", PLACE(version), (uint64_t)FORMAT_BYTE_ORDER << 32 | (FORMAT_VERSION - 1)},
        {"version-newer", PLACE(version), (uint64_t)FORMAT_BYTE_ORDER << 32 | (FORMAT_VERSION + 1)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_changed(rows[i].name, sample, rows[i].place, rows[i].number);
    }
}

/* Each slot of the sample with this in it. */
static void put_slots(const char *name, const struct sample *sample, struct format_slot slot)
{
    unsigned char *block = malloc(sample->size);
    if (!block) {
        abort();
    }
    memcpy(block, sample->block, sample->size);
    const struct format_header *header = (const struct format_header *)(const void *)block;
    struct format_slot *slots = (struct format_slot *)(void *)(block + header->head_size);
    for (uint64_t i = 0; i < header->slots; i++) {
        slots[i] = slot;
    }
    sample_sign(block, sample->size);
    put(name, block, sample->size);
    free(block);
}

/* Leaves of two pages. */
static void put_pages(apr_pool_t *pool)
{
    struct writer *writer = writer_make(pool);
    writer_set_site(writer, DELIVERY_BODY, "");
    sample_mount(writer, pool, "/", "/srv");
    sample_release(writer, pool, 0, "old", "..", 1);
    for (int i = 0; i < 50; i++) {
        char *name = apr_psprintf(pool, "file%d.%012x.js", i, i);
        struct writer_entry entry = {.path = name, .type = "text/javascript"};
        uint32_t added = writer_add_entry(writer, &entry);
        writer_add_hashed_name(writer, 0, name, added);
        writer_add_original_name(writer, 0, apr_psprintf(pool, "file%d.js", i), 0, added);
    }
    put_written("pages", writer);
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    if (argc != 2 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != 0) {
        fputs("usage: make_catalogs DIRECTORY\n", stderr);
        return 2;
    }
    directory = argv[1];
    put_empty(pool);
    put_one_name(pool);
    put_mounts(pool);
    put_fields(pool);
    put_pages(pool);
    struct sample sample = sample_make(pool);
    put("sample", sample.block, sample.size);
    put("cut-in-the-header", sample.block, sizeof(struct format_header) / 2);
    put("header-alone", sample.block, sizeof(struct format_header));
    put("cut-in-the-middle", sample.block, sample.size / 2);
    put_changes(&sample);
    put_slots("slots-empty", &sample, (struct format_slot){0});
    put_slots("slots-full", &sample, (struct format_slot){.leaf = 1, .tag = 1});
    put_slots("slots-nowhere", &sample, (struct format_slot){.leaf = UINT32_MAX});
    free(sample.block);
    return 0;
}
