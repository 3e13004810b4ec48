/* A small catalog that uses every section, for the tests of reader and writer. */
#ifndef SAMPLE_CATALOG_H
#define SAMPLE_CATALOG_H

#include "catalog/catalog.h"
#include "catalog/format.h"
#include "compile/writer.h"

#include <apr_general.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_HASH "27e20196a850"

struct sample {
    unsigned char *block; /* exactly `size` bytes, so that AddressSanitizer watches its end */
    uint64_t size;
};

static inline uint32_t sample_mount(struct writer *writer, apr_pool_t *pool, const char *url,
                                    const char *root)
{
    struct settings_mount mount = settings_default_mount(MOUNT_STATIC, pool);
    mount.url = url;
    mount.root = root;
    return writer_add_mount(writer, &mount);
}

/* Adds a header field of a mount; a NULL value removes it. */
static inline void sample_field(struct settings_mount *mount, const char *glob, const char *name,
                                const char *value)
{
    const struct settings_field field = {glob, name, value};
    struct error error;
    if (settings_add_field(mount, &field, &error) != 0) {
        abort();
    }
}

/* Every member has a value of its own. */
static inline void sample_first_mount(struct writer *writer, apr_pool_t *pool)
{
    struct settings_mount mount = settings_default_mount(MOUNT_STATIC, pool);
    struct error error;
    mount.root = "/srv/static";
    mount.max_age = 300;
    mount.immutable = "dist/*:*.mjs";
    mount.follow = "/srv/app:/srv/lib";
    mount.index_file = "index.html";
    mount.delivery_url = "/internal/";
    mount.delivery_root = "/backend/static";
    settings_add_type(&mount, ".foo", "application/foo", &error);
    settings_add_type(&mount, "special", "text/special", &error);
    sample_field(&mount, "*.foo", "X-Foo", "bar; baz=\"1\"");
    sample_field(&mount, "css/*", "Cache-Control", NULL);
    writer_add_mount(writer, &mount);
}

/* A release that was published in one root, or (NULL) in none. */
static inline void sample_release(struct writer *writer, apr_pool_t *pool, uint32_t mount,
                                  const char *id, const char *root, int64_t published)
{
    struct writer_release release = {.mount = mount,
                                     .id = id,
                                     .manifest = "staticfiles.json",
                                     .md5 = "0123456789abcdef0123456789abcdef",
                                     .published = published,
                                     .homes = apr_array_make(pool, 1, sizeof(const char *))};
    if (root) {
        *(const char **)apr_array_push((apr_array_header_t *)(uintptr_t)release.homes) = root;
    }
    writer_add_release(writer, &release);
}

/* Mounts: 0 /static/, 1 /static/deep/ (uploads, no max-age, no CORS). Releases of mount 0: 0 "old",
 * 1 "new", 2 "kept" (not in the root, though published last); of mount 1: 3 "old". */
static inline struct sample sample_make(apr_pool_t *pool)
{
    struct writer *writer = writer_make(pool);
    struct error error;
    void *block = NULL;
    struct sample sample = {0};
    writer_set_site(writer, DELIVERY_X_SENDFILE, "X-Enc");
    writer_set_state(writer, "../state");
    sample_first_mount(writer, pool);
    struct settings_mount deep = settings_default_mount(MOUNT_STATIC, pool);
    deep.url = "/static/deep/";
    deep.root = "/srv/deep";
    deep.charset = "latin1";
    deep.max_age_sent = false;
    deep.allow_all_origins = false;
    deep.kind = MOUNT_MEDIA;
    sample_field(&deep, "*", "X-Deep", "1");
    writer_add_mount(writer, &deep);
    sample_release(writer, pool, 0, "old", "../static", 100);
    sample_release(writer, pool, 0, "new", "../static", 200);
    sample_release(writer, pool, 0, "kept", NULL, 300);
    sample_release(writer, pool, 1, "old", "../deep", 50);
    struct writer_entry css = {
        .path = "css/a." SAMPLE_HASH ".css",
        .type = "text/css",
        .sized = true,
        .size = 1000,
        .variants = 2,
        .pooled = true,
        .proof = PROOF_AGREES,
        .md5 = {0x27, 0xe2, 0x01},
        .variant = {{CODING_BR, ".br", 300, true}, {CODING_GZIP, ".gz", 400, false}}};
    struct writer_entry older = {.path = "css/a.111111111111.css", .type = "text/css"};
    struct writer_entry bare = {
        .path = "dist/app.js", .type = "text/javascript", .sized = true, .size = 7};
    uint32_t a = writer_add_entry(writer, &css), b = writer_add_entry(writer, &older);
    uint32_t c = writer_add_entry(writer, &bare);
    writer_add_hashed_name(writer, 0, css.path, a);
    writer_add_hashed_name(writer, 0, older.path, b);
    writer_add_original_name(writer, 0, "css/a.css", 0, b);
    writer_add_original_name(writer, 0, "css/a.css", 1, a);
    writer_add_original_name(writer, 0, "css/a.css", 2, c);
    writer_add_original_name(writer, 0, "only-old.js", 0, c);
    writer_add_original_name(writer, 1, "css/a.css", 3, c);
    if (writer_finish(writer, &block, &sample.size, &error) != 0) {
        abort();
    }
    sample.block = block;
    return sample;
}

/* Gives a block that was changed on purpose the checksums of its new bytes, as far as its header
 * says where they belong. */
static inline void sample_sign(unsigned char *block, uint64_t size)
{
    struct format_header header;
    memcpy(&header, block, sizeof header);
    if (header.head_size < sizeof header || header.head_size > size ||
        header.head_size % FORMAT_PAGE != 0) {
        return;
    }
    unsigned char *first = block + header.head_size;
    uint64_t pages = (size - header.head_size) / FORMAT_PAGE;
    header.digest = 0;
    for (uint64_t i = 0; i < pages; i++) {
        header.digest = format_sum(header.digest, first + i * FORMAT_PAGE, FORMAT_PAYLOAD);
    }
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t sum = format_page_sum(header.digest, i, first + i * FORMAT_PAGE);
        memcpy(first + i * FORMAT_PAGE + FORMAT_PAYLOAD, &sum, sizeof sum);
    }
    header.head_sum = 0;
    memcpy(block, &header, sizeof header);
    header.head_sum = format_sum(header.digest, block, header.head_size);
    memcpy(block, &header, sizeof header);
}

#endif
