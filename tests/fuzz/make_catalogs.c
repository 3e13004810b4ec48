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
    struct writer_entry entry = {.path = "a." SAMPLE_HASH ".js",
                                 .hash = slice_of(SAMPLE_HASH),
                                 .type = "text/javascript",
                                 .sized = true,
                                 .size = 5};
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
    struct sample sample = sample_make(pool);
    put("sample", sample.block, sample.size);
    put("cut-in-the-header", sample.block, sizeof(struct format_header) / 2);
    put("header-alone", sample.block, sizeof(struct format_header));
    put("cut-in-the-middle", sample.block, sample.size / 2);
#define PLACE(member) offsetof(struct format_header, member)
    put_changed("no-slots", &sample, PLACE(slots.count), 0);
    put_changed("three-slots", &sample, PLACE(slots.count), 3);
    put_changed("names-overflow", &sample, PLACE(names.count), UINT64_MAX / 8);
    put_changed("entries-none", &sample, PLACE(entries.count), 0);
    put_changed("text-none", &sample, PLACE(text.count), 0);
    put_changed("text-in-names", &sample, PLACE(text.offset), sizeof(struct format_header));
    put_changed("fields-none", &sample, PLACE(fields.count), 0);
    put_changed("fields-overflow", &sample, PLACE(fields.count), UINT64_MAX / 32);
    put_changed("fields-in-mounts", &sample, PLACE(fields.offset), sizeof(struct format_header));
    put_changed("mounts-many", &sample, PLACE(mounts.count), 17);
    put_changed("offset-unaligned", &sample, PLACE(slots.offset), 333);
    put_changed("offset-huge", &sample, PLACE(variants.offset), UINT64_MAX - 7);
    put_changed("slots-in-text", &sample, PLACE(slots.offset), sample.size - 32);
    free(sample.block);
    return 0;
}
