/* A catalog of any bytes: as it is, and once more with the right digest, so that what lies behind
 * the digest is reached. Everything that can be asked is asked, whether it was verified or not. */
#include "catalog/catalog.h"
#include "catalog/format.h"
#include "fuzz.h"
#include "http/head.h"
#include "http/path.h"

static unsigned touch(struct slice text)
{
    unsigned sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        sum += (unsigned char)text.at[i];
    }
    return sum;
}

/* What goes into a header must not break it. */
static bool is_one_line(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static unsigned check_entry(const struct catalog_entry *entry, bool verified)
{
    unsigned sum = touch(entry->path) + touch(entry->hash) + touch(entry->type);
    MUST(!verified || (is_one_line(entry->hash) && is_one_line(entry->type)));
    MUST(path_is_plain(entry->path));
    MUST(entry->variants <= CODING_IDENTITY);
    for (unsigned i = 0; i < entry->variants; i++) {
        MUST(path_is_plain(entry->variant[i].path));
        MUST(entry->variant[i].coding < CODING_IDENTITY);
        sum += touch(entry->variant[i].path);
    }
    return sum;
}

static unsigned check_fields(const struct catalog *catalog, const struct catalog_mount *mount,
                             bool verified)
{
    unsigned sum = 0;
    /* an unverified count may be four thousand million */
    for (uint32_t i = 0; i < mount->fields && (verified || i < 1000); i++) {
        struct catalog_field field = {0};
        bool sound = catalog_field(catalog, mount, i, &field);
        MUST(!verified || sound);
        MUST(!sound || (head_is_token(field.name) && is_one_line(field.value)));
        sum += sound ? touch(field.glob) + touch(field.name) + touch(field.value) : 0;
    }
    return sum;
}

static unsigned check_policy(const struct catalog_mount *mount)
{
    MUST(!mount->url.at || mount->kind < MOUNT_KINDS);
    MUST(is_one_line(mount->index_file) && is_one_line(mount->delivery_url));
    MUST(is_one_line(mount->delivery_root));
    return touch(mount->immutable) + touch(mount->follow) + touch(mount->index_file) +
           touch(mount->delivery_url) + touch(mount->delivery_root);
}

static unsigned ask_mount(struct catalog *catalog, uint32_t index, bool verified)
{
    static const char *const names[] = {"css/a.27e20196a850.css", "css/a.css", "a", ""};
    struct catalog_mount mount = catalog_mount(catalog, index);
    struct catalog_entry entry;
    struct error error;
    unsigned sum =
        touch(mount.url) + touch(mount.root) + touch(mount.charset) + touch(mount.manifests);
    sum += check_policy(&mount) + check_fields(catalog, &mount, verified);
    MUST(!verified || (mount.url.at && is_one_line(mount.charset)));
    MUST(!mount.url.at || (mount.url.len > 0 && mount.url.at[0] == '/'));
    catalog_choose(catalog, index, slice_of("v1"), slice_of("v2"), &error);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (catalog_find(catalog, index, slice_of(names[i]), &entry)) {
            sum += check_entry(&entry, verified);
        }
    }
    if (verified || mount.types < 1000) { /* an unverified count may be four thousand million */
        struct slice type = catalog_media_type(catalog, index, slice_of("a.foo"));
        MUST(!verified || is_one_line(type));
        sum += touch(type);
    }
    return sum;
}

static void ask(const unsigned char *block, size_t size, bool *opened)
{
    struct catalog catalog;
    struct error error = {0};
    uint32_t mount;
    struct slice name;
    *opened = catalog_open(&catalog, block, size, &error) == 0;
    if (!*opened) {
        MUST(error.number == HB_CATALOG_INVALID);
        return;
    }
    bool verified = catalog_verify(&catalog, &error) == 0;
    unsigned sum = touch(catalog_site(&catalog).coding_header);
    MUST(!verified || is_one_line(catalog_site(&catalog).coding_header));
    for (uint32_t i = 0; i < catalog_mounts(&catalog); i++) {
        sum += ask_mount(&catalog, i, verified);
    }
    for (uint32_t i = 0; i < catalog_releases(&catalog) && i < 1000; i++) {
        sum += touch(catalog_release(&catalog, i).id);
    }
    if (catalog_find_mount(&catalog, slice_of("/static/deep/a"), &mount, &name)) {
        MUST(mount < catalog_mounts(&catalog));
        sum += touch(name);
    }
    static volatile unsigned sink;
    sink = sum;
    (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *block = (unsigned char *)fuzz_copy(data, size); /* malloc aligns it */
    bool opened;
    ask(block, size, &opened);
    if (opened) {
        struct format_header *header = (struct format_header *)(void *)block;
        header->digest = 0;
        uint64_t digest = format_hash(FORMAT_HASH_START, block, sizeof *header);
        header->digest = format_hash(digest, block + sizeof *header, size - sizeof *header);
        ask(block, size, &opened);
    }
    free(block);
    return 0;
}
