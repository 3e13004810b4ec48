/* A catalog of any bytes: as it is, and once more with the checksums of these bytes, so that what
 * lies behind them is reached. Everything that can be asked is asked, before it is verified and
 * after, and each of its own names is looked up. */
#include "../unit/sample_catalog.h"
#include "fuzz.h"
#include "http/head.h"
#include "http/path.h"

static bool is_inside(const struct catalog *catalog, struct slice text)
{
    const char *first = (const char *)catalog->block;
    return text.len == 0 || (text.at >= first && text.len <= catalog->size &&
                             (size_t)(text.at - first) <= catalog->size - text.len);
}

/* What goes into a header must not break it. */
static void check_text(const struct catalog *catalog, struct slice text)
{
    MUST(is_inside(catalog, text));
    MUST(!slice_has_control(text));
}

static void check_entry(const struct catalog *catalog, const struct catalog_entry *entry)
{
    check_text(catalog, entry->type);
    check_text(catalog, entry->path);
    check_text(catalog, entry->hash);
    MUST(entry->type.len > 0 && path_is_plain(entry->path));
    MUST(entry->proof <= PROOF_NO_HASH && entry->variants <= CODING_IDENTITY);
    for (unsigned i = 0; i < entry->variants; i++) {
        check_text(catalog, entry->variant[i].suffix);
        MUST(entry->variant[i].coding < CODING_IDENTITY);
        MUST(entry->variant[i].suffix.len >= 3 && !memchr(entry->variant[i].suffix.at, '/', 3));
    }
}

static void find(const struct catalog *catalog, uint32_t mount, struct slice name)
{
    struct catalog_entry entry;
    if (catalog_find(catalog, mount, name, &entry) == CATALOG_FOUND) {
        check_entry(catalog, &entry);
    }
}

/* Looks up what may be a name at each place where a leaf may begin: one page is enough of a file
 * that nobody keeps small. */
static void find_own_names(const struct catalog *catalog, uint32_t mount)
{
    const struct format_header *header = (const struct format_header *)(const void *)catalog->block;
    uint64_t first = header->head_size + header->slot_pages * FORMAT_PAGE;
    for (uint64_t at = first; header->leaf_pages > 0 && at < first + FORMAT_PAYLOAD;) {
        const struct format_leaf *leaf =
            (const struct format_leaf *)(const void *)(catalog->block + at);
        uint64_t name = at + sizeof *leaf + leaf->variants * sizeof(struct format_variant);
        uint64_t len = at + sizeof *leaf <= catalog->size ? leaf->name_len : 0;
        if (name < catalog->size) {
            len = len < catalog->size - name ? len : catalog->size - name;
            find(catalog, mount, (struct slice){(const char *)catalog->block + name, len});
        }
        at += leaf->len >= 8 && leaf->len < FORMAT_PAGE ? leaf->len / 8 * 8 : FORMAT_PAGE;
    }
}

static void check_fields(const struct catalog *catalog, const struct catalog_mount *mount)
{
    for (uint32_t i = 0; i < mount->fields; i++) {
        struct catalog_field field = {0};
        MUST(catalog_field(catalog, mount, i, &field));
        MUST(head_is_token(field.name) && is_inside(catalog, field.name));
        check_text(catalog, field.value);
        check_text(catalog, field.glob);
    }
}

static void check_policy(const struct catalog *catalog, uint32_t index)
{
    struct catalog_mount mount = catalog_mount(catalog, index);
    const struct slice texts[] = {mount.url,           mount.root,      mount.manifests,
                                  mount.immutable,     mount.follow,    mount.index_file,
                                  mount.delivery_url,  mount.dirs,      mount.charset,
                                  mount.delivery_root, mount.index_file};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        check_text(catalog, texts[i]);
    }
    MUST(mount.url.len > 0 && mount.url.at[0] == '/' && mount.root.len > 0);
    MUST(mount.kind < MOUNT_KINDS && head_is_token(mount.charset));
    check_fields(catalog, &mount);
    struct slice type = catalog_media_type(catalog, &mount, slice_of("a.foo"));
    MUST(type.len > 0 && !slice_has_control(type));
}

static bool is_nowhere(const void *context, struct slice root)
{
    MUST(root.len > 0);
    check_text(context, root);
    return false;
}

static void ask_mount(struct catalog *catalog, uint32_t mount)
{
    static const char *const names[] = {"css/a.27e20196a850.css", "css/a.css", "a", ""};
    struct error error;
    check_policy(catalog, mount);
    for (uint32_t r = 0; r <= catalog_releases(catalog) && r < 4; r++) {
        struct slice id = catalog_release(catalog, r).id; /* beyond the last one: absent */
        struct catalog_wish wish = {.wanted = id, .is_here = is_nowhere, .context = catalog};
        catalog_choose(catalog, mount, &wish, &error);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            find(catalog, mount, slice_of(names[i]));
        }
        find_own_names(catalog, mount);
    }
}

static void ask(struct catalog *catalog)
{
    struct catalog_mount mounts[CATALOG_MOUNTS_MAX];
    uint32_t mount, count = catalog_read_mounts(catalog, mounts);
    struct slice name;
    check_text(catalog, catalog_site(catalog).coding_header);
    for (uint32_t i = 0; i < catalog_mounts(catalog); i++) {
        ask_mount(catalog, i);
    }
    for (uint32_t i = 0; i < catalog_releases(catalog); i++) {
        struct catalog_release release = catalog_release(catalog, i);
        check_text(catalog, release.id);
        check_text(catalog, release.manifest);
        MUST(release.mount < catalog_mounts(catalog));
    }
    if (catalog_find_mount(mounts, count, slice_of("/static/deep/a"), &mount, &name)) {
        MUST(mount < count);
    }
}

static void open_and_ask(unsigned char *block, size_t size)
{
    struct catalog catalog;
    struct error error = {0};
    if (catalog_open(&catalog, block, size, &error) != 0) {
        MUST(error.number == HB_CATALOG_INVALID || error.number == HB_CATALOG_VERSION);
        return;
    }
    ask(&catalog);
    if (catalog_verify(&catalog, &error) != 0) {
        MUST(error.number == HB_CATALOG_INVALID && !catalog.verified);
        return;
    }
    ask(&catalog);
}

/* Sizes that add up, and checksums: a mutation keeps neither. */
static void mend(unsigned char *block, size_t size)
{
    struct format_header header;
    memcpy(&header, block, sizeof header);
    memcpy(header.magic, FORMAT_MAGIC, sizeof header.magic);
    header.version = FORMAT_VERSION;
    header.byte_order = FORMAT_BYTE_ORDER;
    header.size = size;
    uint64_t pages = size / FORMAT_PAGE, head = header.head_size / FORMAT_PAGE;
    if (head <= pages && header.slot_pages <= pages - head) {
        header.leaf_pages = pages - head - header.slot_pages;
    }
    memcpy(block, &header, sizeof header);
    sample_sign(block, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *block = (unsigned char *)fuzz_copy(data, size); /* malloc aligns it */
    open_and_ask(block, size);
    free(block);
    size -= size % FORMAT_PAGE;
    if (size > 0) {
        block = (unsigned char *)fuzz_copy(data, size);
        mend(block, size);
        open_and_ask(block, size);
        free(block);
    }
    return 0;
}
