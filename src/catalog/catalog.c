#include "catalog/catalog.h"

#include "catalog/hashed_name.h"
#include "catalog/view.h"
#include "http/media.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The sections, with the size of their elements; `names` for diagnoses. */
static const struct {
    const char *name;
    size_t place; /* of the format_section in the header */
    size_t element;
} sections[] = {
    {"sites", offsetof(struct format_header, sites), sizeof(struct format_site)},
    {"mounts", offsetof(struct format_header, mounts), sizeof(struct format_mount)},
    {"types", offsetof(struct format_header, types), sizeof(struct format_type)},
    {"fields", offsetof(struct format_header, fields), sizeof(struct format_field)},
    {"releases", offsetof(struct format_header, releases), sizeof(struct format_release)},
    {"homes", offsetof(struct format_header, homes), sizeof(struct format_home)},
    {"text", offsetof(struct format_header, text), 1},
};
enum {
    HEAD_MAX = 16 << 20, /* bytes */
    SECTIONS = sizeof sections / sizeof *sections
};

static const struct format_section *section_at(const struct catalog *catalog, size_t place)
{
    const char *header = (const char *)view_header(catalog);
    return (const struct format_section *)(const void *)(header + place);
}

const char *delivery_name(enum delivery delivery)
{
    static const char *const names[DELIVERY_COUNT] = {"body", "x-sendfile", "local-redirect",
                                                      "x-accel-redirect"};
    return names[delivery];
}

enum delivery delivery_of(struct slice word)
{
    int delivery = DELIVERY_BODY;
    while (delivery < DELIVERY_COUNT &&
           !slice_equal(word, slice_of(delivery_name((enum delivery)delivery)))) {
        delivery++;
    }
    return (enum delivery)delivery;
}

/* Whether the sizes of the three parts add up, and the slots can be looked through. */
static bool parts_are_sound(const struct format_header *header, uint64_t size)
{
    uint64_t pages = size / FORMAT_PAGE;
    return header->size == size && size % FORMAT_PAGE == 0 &&
           header->head_size % FORMAT_PAGE == 0 && header->head_size >= sizeof *header &&
           header->head_size <= size && header->head_size <= HEAD_MAX &&
           header->slot_pages <= pages && header->leaf_pages <= pages &&
           header->head_size / FORMAT_PAGE + header->slot_pages + header->leaf_pages == pages &&
           header->slots > header->leaves && (header->slots & (header->slots - 1)) == 0 &&
           header->slots <= header->slot_pages * FORMAT_SLOTS;
}

static const char *find_fault_of_sections(const struct catalog *catalog)
{
    uint64_t size = view_header(catalog)->head_size;
    for (size_t i = 0; i < SECTIONS; i++) {
        const struct format_section *section = section_at(catalog, sections[i].place);
        if (section->offset % 8 != 0 || section->offset < sizeof(struct format_header) ||
            section->offset > size ||
            section->count > (size - section->offset) / sections[i].element) {
            return sections[i].name;
        }
    }
    return view_header(catalog)->sites.count != 1 ||
                   view_header(catalog)->mounts.count > CATALOG_MOUNTS_MAX
               ? "counts"
               : NULL;
}

static bool head_is_as_written(const struct catalog *catalog)
{
    const struct format_header *header = view_header(catalog);
    struct format_header copy = *header;
    copy.head_sum = 0;
    uint64_t sum = format_sum(header->digest, &copy, sizeof copy);
    return header->head_sum ==
           format_sum(sum, catalog->block + sizeof copy, header->head_size - sizeof copy);
}

static const char *find_fault_of_head(const struct catalog *catalog)
{
    const struct format_header *header = view_header(catalog);
    if (!view_site_is_sound(catalog, VIEW_ELEMENT(catalog, site, 0))) {
        return "the site";
    }
    for (uint64_t i = 0; i < header->mounts.count; i++) {
        if (!view_mount_is_sound(catalog, VIEW_ELEMENT(catalog, mount, i))) {
            return "a mount";
        }
    }
    for (uint64_t i = 0; i < header->types.count; i++) {
        if (!view_type_is_sound(catalog, VIEW_ELEMENT(catalog, type, i))) {
            return "a media type";
        }
    }
    for (uint64_t i = 0; i < header->fields.count; i++) {
        if (!view_field_is_sound(catalog, VIEW_ELEMENT(catalog, field, i))) {
            return "a header field";
        }
    }
    for (uint64_t i = 0; i < header->releases.count; i++) {
        if (!view_release_is_sound(catalog, VIEW_ELEMENT(catalog, release, i))) {
            return "a release";
        }
    }
    for (uint64_t i = 0; i < header->homes.count; i++) {
        if (!view_home_is_sound(catalog, VIEW_ELEMENT(catalog, home, i))) {
            return "a root of a release";
        }
    }
    return NULL;
}

static int refuse_version(struct error *error, uint32_t version)
{
    return error_set(error, HB_CATALOG_VERSION,
                     "the catalog has version %u of its format, or another byte order, and this "
                     "program version %u: it is set aside until prepare makes it anew",
                     (unsigned)version, (unsigned)FORMAT_VERSION);
}

/* A head of more than one page: all of it, or none. */
static unsigned char *read_large_head(int fd, unsigned char *page, uint64_t *mapped)
{
    uint64_t size = ((const struct format_header *)(const void *)page)->head_size;
    unsigned char *head = mremap(page, FORMAT_PAGE, size, MREMAP_MAYMOVE);
    if (head == MAP_FAILED) {
        munmap(page, FORMAT_PAGE);
        return NULL;
    }
    *mapped = size;
    if (pread(fd, head + FORMAT_PAGE, size - FORMAT_PAGE, FORMAT_PAGE) <
        (ssize_t)(size - FORMAT_PAGE)) {
        memset(head, 0, FORMAT_PAGE);
    }
    return head;
}

void *catalog_read_head(int fd, uint64_t size, uint64_t *mapped)
{
    unsigned char *page =
        mmap(NULL, FORMAT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return NULL;
    }
    *mapped = FORMAT_PAGE;
    ssize_t got = pread(fd, page, size < FORMAT_PAGE ? size : FORMAT_PAGE, 0);
    if (got < FORMAT_PAGE && size >= FORMAT_PAGE) {
        memset(page, 0, FORMAT_PAGE); /* it has been cut */
    }
    const struct format_header *header = (const struct format_header *)(const void *)page;
    return got == FORMAT_PAGE && header->head_size > FORMAT_PAGE && header->head_size <= size &&
                   header->head_size <= HEAD_MAX
               ? read_large_head(fd, page, mapped)
               : page;
}

int catalog_open(struct catalog *catalog, const void *block, uint64_t size, struct error *error)
{
    *catalog = (struct catalog){.block = block, .size = size};
    memset(catalog->chosen, 0xff, sizeof catalog->chosen);
    const struct format_header *header = view_header(catalog);
    memcpy(&catalog->header, block, size < sizeof *header ? size : sizeof *header);
    if (size < offsetof(struct format_header, byte_order) ||
        memcmp(header->magic, FORMAT_MAGIC, sizeof header->magic) != 0) {
        return view_invalid(error, "no header");
    }
    if (header->version != FORMAT_VERSION ||
        (size >= sizeof *header && header->byte_order != FORMAT_BYTE_ORDER)) {
        return refuse_version(error, header->version);
    }
    if (!parts_are_sound(header, size)) {
        return view_invalid(error, "its length");
    }
    if (!head_is_as_written(catalog)) {
        return view_invalid(error, "the checksum of its head");
    }
    const char *fault = find_fault_of_sections(catalog);
    fault = fault ? fault : find_fault_of_head(catalog);
    return fault ? view_invalid(error, fault) : 0;
}

struct catalog catalog_of_nothing(void)
{
    static const struct format_header empty;
    struct catalog catalog = {
        .block = (const unsigned char *)&empty, .verified = true, .sound = true};
    memset(catalog.chosen, 0xff, sizeof catalog.chosen);
    return catalog;
}

struct catalog_mount catalog_default_mount(enum mount_kind kind)
{
    static const char *const urls[MOUNT_KINDS] = {"/static/", "/media/", "/"};
    static const char *const manifests[MOUNT_KINDS] = {"staticfiles.json:*/staticfiles.json", "",
                                                       ""};
    struct slice none = slice_of("");
    return (struct catalog_mount){.url = slice_of(urls[kind]),
                                  .root = none,
                                  .charset = slice_of("utf-8"),
                                  .manifests = slice_of(manifests[kind]),
                                  .immutable = none,
                                  .follow = none,
                                  .index_file = none,
                                  .delivery_url = none,
                                  .delivery_root = none,
                                  .dirs = none,
                                  .max_age_sent = true,
                                  .max_age = 60,
                                  .allow_all_origins = true,
                                  .kind = kind};
}

struct catalog_site catalog_site(const struct catalog *catalog)
{
    const struct format_site *site = VIEW_ELEMENT(catalog, site, 0);
    if (!view_site_is_sound(catalog, site)) {
        return (struct catalog_site){.delivery = DELIVERY_BODY};
    }
    return (struct catalog_site){.delivery = (enum delivery)site->delivery,
                                 .coding_header = view_text(catalog, site->coding_header),
                                 .state = view_text(catalog, site->state)};
}

uint32_t catalog_mounts(const struct catalog *catalog)
{
    return (uint32_t)view_header(catalog)->mounts.count;
}

uint32_t catalog_releases(const struct catalog *catalog)
{
    return (uint32_t)view_header(catalog)->releases.count;
}

uint64_t catalog_names(const struct catalog *catalog)
{
    return view_header(catalog)->leaves;
}

struct catalog_mount catalog_mount(const struct catalog *catalog, uint32_t index)
{
    const struct format_mount *mount = VIEW_ELEMENT(catalog, mount, index);
    if (!view_mount_is_sound(catalog, mount)) {
        return (struct catalog_mount){0};
    }
    return (struct catalog_mount){
        .url = view_text(catalog, mount->url),
        .root = view_text(catalog, mount->root),
        .charset = view_text(catalog, mount->charset),
        .manifests = view_text(catalog, mount->manifests),
        .immutable = view_text(catalog, mount->immutable),
        .follow = view_text(catalog, mount->follow),
        .index_file = view_text(catalog, mount->index_file),
        .delivery_url = view_text(catalog, mount->delivery_url),
        .delivery_root = view_text(catalog, mount->delivery_root),
        .dirs = view_text(catalog, mount->dirs),
        .max_age_sent = mount->max_age != FORMAT_NO_MAX_AGE,
        .max_age = mount->max_age,
        .allow_all_origins = (mount->flags & FORMAT_ALLOW_ALL_ORIGINS) != 0,
        .kind = (enum mount_kind)mount->kind,
        .first_type = mount->first_type,
        .types = mount->types,
        .first_field = mount->first_field,
        .fields = mount->fields,
    };
}

uint32_t catalog_read_mounts(const struct catalog *catalog,
                             struct catalog_mount mounts[CATALOG_MOUNTS_MAX])
{
    uint32_t count = catalog_mounts(catalog);
    for (uint32_t i = 0; i < count; i++) {
        mounts[i] = catalog_mount(catalog, i);
    }
    return count;
}

bool catalog_field(const struct catalog *catalog, const struct catalog_mount *mount, uint32_t index,
                   struct catalog_field *field)
{
    const struct format_field *from =
        VIEW_ELEMENT(catalog, field, (uint64_t)mount->first_field + index);
    *field = (struct catalog_field){.glob = view_text(catalog, from->glob),
                                    .name = view_text(catalog, from->name),
                                    .value = view_text(catalog, from->value),
                                    .removed = (from->flags & FORMAT_FIELD_REMOVED) != 0};
    return view_field_is_sound(catalog, from);
}

void catalog_own_type(const struct catalog *catalog, const struct catalog_mount *mount,
                      uint32_t index, struct slice *key, struct slice *type)
{
    const struct format_type *own =
        VIEW_ELEMENT(catalog, type, (uint64_t)mount->first_type + index);
    *key = view_text(catalog, own->key);
    *type = view_text(catalog, own->type);
}

struct catalog_release catalog_release(const struct catalog *catalog, uint32_t index)
{
    const struct format_release *release = VIEW_ELEMENT(catalog, release, index);
    return (struct catalog_release){.id = view_text(catalog, release->id),
                                    .manifest = view_text(catalog, release->manifest),
                                    .md5 = view_text(catalog, release->md5),
                                    .mount = release->mount,
                                    .first_home = release->first_home,
                                    .homes = release->homes,
                                    .published = release->published};
}

struct slice catalog_home(const struct catalog *catalog, const struct catalog_release *release,
                          uint32_t index)
{
    const struct format_home *home =
        VIEW_ELEMENT(catalog, home, (uint64_t)release->first_home + index);
    return view_home_is_sound(catalog, home) ? view_text(catalog, home->root) : (struct slice){0};
}

struct catalog_release catalog_chosen_release(const struct catalog *catalog, uint32_t mount)
{
    return catalog_release(catalog, catalog->chosen[mount]);
}

static uint32_t find_release(const struct catalog *catalog, uint32_t mount, struct slice id)
{
    for (uint32_t i = 0; id.at && i < catalog_releases(catalog); i++) {
        struct catalog_release release = catalog_release(catalog, i);
        if (release.mount == mount && slice_equal(release.id, id)) {
            return i;
        }
    }
    return FORMAT_EVERY_RELEASE;
}

static bool is_here(const struct catalog *catalog, const struct catalog_release *release,
                    const struct catalog_wish *wish)
{
    for (uint32_t i = 0; i < release->homes; i++) {
        struct slice root = catalog_home(catalog, release, i);
        if (root.at && wish->is_here(wish->context, root)) {
            return true;
        }
    }
    return false;
}

static uint32_t newest_release_here(const struct catalog *catalog, uint32_t mount,
                                    const struct catalog_wish *wish)
{
    uint32_t newest = FORMAT_EVERY_RELEASE;
    int64_t published = INT64_MIN;
    for (uint32_t i = 0; i < catalog_releases(catalog); i++) {
        struct catalog_release release = catalog_release(catalog, i);
        if (release.mount == mount && release.published >= published &&
            is_here(catalog, &release, wish)) {
            newest = i;
            published = release.published;
        }
    }
    return newest;
}

int catalog_choose(struct catalog *catalog, uint32_t mount, const struct catalog_wish *wish,
                   struct error *error)
{
    struct slice wanted = wish->wanted;
    uint32_t found = find_release(catalog, mount, wanted);
    enum catalog_choice choice = CHOICE_WANTED;
    bool known = found != FORMAT_EVERY_RELEASE || !wanted.at;
    if (found == FORMAT_EVERY_RELEASE) {
        found = find_release(catalog, mount, wish->current);
        choice = CHOICE_CURRENT;
    }
    if (found == FORMAT_EVERY_RELEASE) {
        found = newest_release_here(catalog, mount, wish);
        choice = CHOICE_PUBLISHED;
    }
    catalog->chosen[mount] = found;
    catalog->choice[mount] = found == FORMAT_EVERY_RELEASE ? CHOICE_NONE : choice;
    if (known) {
        return 0;
    }
    struct slice id = catalog_chosen_release(catalog, mount).id;
    return error_set(error, HB_RELEASE_UNKNOWN,
                     "RELEASE_ID %.*s is not among the manifests: original names are answered from "
                     "release %.*s",
                     (int)wanted.len, wanted.at, (int)id.len, id.at ? id.at : "");
}

bool catalog_find_mount(const struct catalog_mount *mounts, uint32_t count, struct slice path,
                        uint32_t *mount, struct slice *name)
{
    size_t longest = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct slice url = mounts[i].url;
        if (url.len > longest && slice_starts(path, url)) {
            longest = url.len;
            *mount = i;
            *name = slice_from(path, url.len);
        }
    }
    return longest > 0;
}

/* The page of the entry, in which the leaf may lie, stays as it is. */
static void read_leaf(const struct format_leaf *leaf, struct catalog_entry *entry)
{
    const struct format_variant *variant = view_leaf_variants(leaf);
    entry->hashed = leaf->release == FORMAT_EVERY_RELEASE;
    entry->path = view_leaf_path(leaf);
    entry->hash = hashed_name_digits(entry->path);
    entry->type = view_leaf_type(leaf);
    entry->pooled = (leaf->flags & FORMAT_POOLED) != 0;
    entry->sized = (leaf->flags & FORMAT_SIZED) != 0;
    entry->size = leaf->size;
    entry->proof = (enum catalog_proof)leaf->proof;
    entry->md5 = leaf->md5;
    entry->variants = leaf->variants;
    for (unsigned i = 0; i < leaf->variants; i++) {
        entry->variant[i] = (struct catalog_variant){
            .coding = (enum coding)variant[i].coding,
            .suffix = {variant[i].suffix, strnlen(variant[i].suffix, FORMAT_SUFFIX)},
            .size = variant[i].size,
            .proven = variant[i].proven != 0};
    }
}

enum catalog_verdict catalog_find(const struct catalog *catalog, uint32_t mount, struct slice name,
                                  struct catalog_entry *entry)
{
    const struct format_leaf *leaf;
    enum catalog_verdict verdict = CATALOG_ABSENT;
    if (name.len == 0 || mount >= catalog_mounts(catalog)) {
        return CATALOG_ABSENT;
    }
    if (catalog->chosen[mount] != FORMAT_EVERY_RELEASE) {
        verdict = view_find_leaf(catalog, mount, catalog->chosen[mount], name, &leaf, entry->page);
    }
    if (verdict == CATALOG_ABSENT) {
        verdict = view_find_leaf(catalog, mount, FORMAT_EVERY_RELEASE, name, &leaf, entry->page);
    }
    if (verdict == CATALOG_FOUND) {
        read_leaf(leaf, entry);
    }
    return verdict;
}

struct slice catalog_media_type(const struct catalog *catalog, const struct catalog_mount *mount,
                                struct slice name)
{
    for (uint64_t i = 0; i < mount->types; i++) {
        const struct format_type *type = VIEW_ELEMENT(catalog, type, mount->first_type + i);
        struct slice own = view_text(catalog, type->type);
        if (view_type_is_sound(catalog, type) &&
            media_key_matches(view_text(catalog, type->key), name)) {
            return own;
        }
    }
    return slice_of(media_type(name));
}
