/* Catalogs that lie under right checksums: what is not sound is refused, no answer names a path
 * that climbs or a text that breaks a header, and no search goes on without end. */
#include "hostile_catalog.h"

#include <stddef.h>
#include <stdio.h>

/* ---- lies of the head ---- */

enum part {
    HEADER,
    SITE,
    MOUNT,
    TYPE,
    FIELD,
    RELEASE,
    HOME,
    LEAF,
    VARIANT, /* of the leaf that has some */
};

/* One number of the catalog, or one text that no other element has. */
struct poke {
    enum part part;
    unsigned index;
    size_t place, width;
    uint64_t number;
    const char *text;
    uint32_t len;
};

#define WIDTH(type, member) offsetof(struct type, member), sizeof(((struct type *)0)->member)
#define NUMBER(part, index, type, member, number)                                                  \
    {                                                                                              \
        part, index, WIDTH(type, member), number, NULL, 0                                          \
    }
#define TEXT(part, index, type, member, text)                                                      \
    {                                                                                              \
        part, index, WIDTH(type, member), 0, text, sizeof text - 1                                 \
    }

enum {
    LEAF_WITH_VARIANTS = 1,
    LEAF_DEEP = 6, /* of mount 1 */
};

static unsigned char *part_in(unsigned char *block, enum part part, unsigned index)
{
    struct format_header *header = header_in(block);
    switch (part) {
    case HEADER:
        return block;
    case SITE:
        return block + header->sites.offset;
    case MOUNT:
        return block + header->mounts.offset + index * sizeof(struct format_mount);
    case TYPE:
        return block + header->types.offset + index * sizeof(struct format_type);
    case FIELD:
        return block + header->fields.offset + index * sizeof(struct format_field);
    case RELEASE:
        return block + header->releases.offset + index * sizeof(struct format_release);
    case HOME:
        return block + header->homes.offset + index * sizeof(struct format_home);
    case LEAF:
        return (unsigned char *)leaf_in(block, index);
    case VARIANT:
    default:
        return (unsigned char *)(leaf_in(block, LEAF_WITH_VARIANTS) + 1) +
               index * sizeof(struct format_variant);
    }
}

/* Texts grow into what the head has left of its page. */
static struct format_text add_text(unsigned char *block, const char *text, uint32_t len)
{
    struct format_section *section = &header_in(block)->text;
    struct format_text added = {.offset = (uint32_t)section->count, .len = len};
    assert_true(section->offset + section->count + len <= header_in(block)->head_size);
    memcpy(block + section->offset + section->count, text, len);
    section->count += len;
    return added;
}

static void poke(unsigned char *block, const struct poke *poke)
{
    unsigned char *at = part_in(block, poke->part, poke->index) + poke->place;
    if (poke->text) {
        struct format_text text = add_text(block, poke->text, poke->len);
        assert_int_equal(poke->width, sizeof text);
        memcpy(at, &text, sizeof text);
        return;
    }
    memcpy(at, &poke->number, poke->width); /* the machine's own order: little-endian ones alone */
}

struct lie {
    const char *label;
    struct poke poke;
};

static void check_lies(const struct lie *lies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char *block = copy_of(sample.block, sample.size);
        poke(block, &lies[i].poke);
        sample_sign(block, sample.size);
        CHECK(lies[i].label, !is_verified(lies[i].label, block, sample.size));
        free(block);
    }
    check_end();
}

#define HEADER_NUMBER(member, number) NUMBER(HEADER, 0, format_header, member, number)
#define MOUNT_NUMBER(member, number) NUMBER(MOUNT, 0, format_mount, member, number)
#define MOUNT_TEXT(member, text) TEXT(MOUNT, 0, format_mount, member, text)

static void a_header_that_lies_about_the_parts_is_refused(void **state)
{
    static const struct lie lies[] = {
        {"magic", HEADER_NUMBER(magic, 0x4b434142444e4168)},
        {"a size of one page less", HEADER_NUMBER(size, 2 * FORMAT_PAGE)},
        {"a size of one page more", HEADER_NUMBER(size, 4 * FORMAT_PAGE)},
        {"no head", HEADER_NUMBER(head_size, 0)},
        {"half a head", HEADER_NUMBER(head_size, FORMAT_PAGE / 2)},
        {"a head beyond the end", HEADER_NUMBER(head_size, 4 * FORMAT_PAGE)},
        {"a head that is all", HEADER_NUMBER(head_size, 3 * FORMAT_PAGE)},
        {"a head that takes the slots", HEADER_NUMBER(head_size, 2 * FORMAT_PAGE)},
        {"a head that overflows", HEADER_NUMBER(head_size, UINT64_MAX - FORMAT_PAGE + 1)},
        {"no pages of slots", HEADER_NUMBER(slot_pages, 0)},
        {"two pages of slots", HEADER_NUMBER(slot_pages, 2)},
        {"pages of slots that overflow", HEADER_NUMBER(slot_pages, UINT64_MAX)},
        {"pages of slots that overflow in bytes",
         HEADER_NUMBER(slot_pages, (UINT64_C(1) << 52) + 1)},
        {"no pages of leaves", HEADER_NUMBER(leaf_pages, 0)},
        {"two pages of leaves", HEADER_NUMBER(leaf_pages, 2)},
        {"pages of leaves that overflow", HEADER_NUMBER(leaf_pages, UINT64_MAX)},
        {"no slots", HEADER_NUMBER(slots, 0)},
        {"three slots", HEADER_NUMBER(slots, 3)},
        {"fifteen slots", HEADER_NUMBER(slots, 15)},
        {"not more slots than leaves", HEADER_NUMBER(slots, 4)},
        {"more slots than their page has", HEADER_NUMBER(slots, 512)},
        {"slots that overflow", HEADER_NUMBER(slots, UINT64_C(1) << 63)},
        {"slots at half their number", HEADER_NUMBER(slots, 8)},
        {"one leaf less", HEADER_NUMBER(leaves, 6)},
        {"one leaf more", HEADER_NUMBER(leaves, 8)},
        {"more leaves than slots", HEADER_NUMBER(leaves, 1000)},
        {"no leaves", HEADER_NUMBER(leaves, 0)},
    };
    (void)state;
    assert_int_equal(header_in(sample.block)->slots, 16);
    assert_int_equal(header_in(sample.block)->leaves, 7);
    check_lies(lies, COUNT(lies));
}

static void sections_that_leave_the_head_are_refused(void **state)
{
    static const struct lie lies[] = {
        {"no site", HEADER_NUMBER(sites.count, 0)},
        {"two sites", HEADER_NUMBER(sites.count, 2)},
        {"seventeen mounts", HEADER_NUMBER(mounts.count, CATALOG_MOUNTS_MAX + 1)},
        {"no mounts", HEADER_NUMBER(mounts.count, 0)},
        {"one mount of two", HEADER_NUMBER(mounts.count, 1)},
        {"mounts that are not aligned", HEADER_NUMBER(mounts.offset, 333)},
        {"mounts in the header", HEADER_NUMBER(mounts.offset, 8)},
        {"mounts in the text", HEADER_NUMBER(mounts.offset, 1024)},
        {"mounts at the end of the head", HEADER_NUMBER(mounts.offset, FORMAT_PAGE - 8)},
        {"mounts behind the head", HEADER_NUMBER(mounts.offset, FORMAT_PAGE)},
        {"types in the slots", HEADER_NUMBER(types.offset, FORMAT_PAGE + 8)},
        {"types that overflow", HEADER_NUMBER(types.count, UINT64_MAX / 16 + 2)},
        {"no types for those of a mount", HEADER_NUMBER(types.count, 0)},
        {"fields that overflow", HEADER_NUMBER(fields.count, UINT64_MAX / 32 + 2)},
        {"no fields for those of a mount", HEADER_NUMBER(fields.count, 0)},
        {"fields in the mounts", HEADER_NUMBER(fields.offset, sizeof(struct format_header))},
        {"releases at the end of the file", HEADER_NUMBER(releases.offset, UINT64_MAX - 7)},
        {"no releases", HEADER_NUMBER(releases.count, 0)},
        {"one release less", HEADER_NUMBER(releases.count, 3)},
        {"no homes for those of a release", HEADER_NUMBER(homes.count, 0)},
        {"homes that overflow", HEADER_NUMBER(homes.count, UINT64_MAX / 8 + 2)},
        {"text in the header", HEADER_NUMBER(text.offset, 0)},
        {"text elsewhere", HEADER_NUMBER(text.offset, sizeof(struct format_header))},
        {"text past the head", HEADER_NUMBER(text.count, FORMAT_PAGE)},
        {"no text", HEADER_NUMBER(text.count, 0)},
    };
    (void)state;
    check_lies(lies, COUNT(lies));
}

static void a_mount_that_is_not_sound_is_refused(void **state)
{
    static const struct lie lies[] = {
        {"a URL without its last slash", MOUNT_TEXT(url, "/static")},
        {"a URL without its first slash", MOUNT_TEXT(url, "static/")},
        {"a URL of another host", MOUNT_TEXT(url, "//static/")},
        {"a URL with a line break", MOUNT_TEXT(url, "/a\r\nX: y/")},
        {"no URL", MOUNT_TEXT(url, "")},
        {"a URL outside", MOUNT_NUMBER(url.offset, UINT32_MAX)},
        {"no root", MOUNT_TEXT(root, "")},
        {"a root with a NUL", MOUNT_TEXT(root, "/\0etc")},
        {"a root outside", MOUNT_NUMBER(root.len, UINT32_MAX)},
        {"a charset with a line break", MOUNT_TEXT(charset, "u\r\nX: y")},
        {"a charset that is no token", MOUNT_TEXT(charset, "a b")},
        {"a charset outside", MOUNT_NUMBER(charset.len, UINT32_MAX)},
        {"manifests with a line break", MOUNT_TEXT(manifests, "a\nb")},
        {"manifests outside", MOUNT_NUMBER(manifests.offset, UINT32_MAX)},
        {"immutable globs with a line break", MOUNT_TEXT(immutable, "a\nb")},
        {"immutable globs outside", MOUNT_NUMBER(immutable.offset, UINT32_MAX)},
        {"directories of links with a line break", MOUNT_TEXT(follow, "/a\n/b")},
        {"directories of links outside", MOUNT_NUMBER(follow.offset, UINT32_MAX)},
        {"an index file with a line break", MOUNT_TEXT(index_file, "a\r\nX: y")},
        {"an index file that climbs", MOUNT_TEXT(index_file, "../a")},
        {"an index file below", MOUNT_TEXT(index_file, "a/b")},
        {"a hidden index file", MOUNT_TEXT(index_file, ".a")},
        {"an index file outside", MOUNT_NUMBER(index_file.offset, UINT32_MAX)},
        {"a delivery URL that begins without a slash", MOUNT_TEXT(delivery_url, "a/")},
        {"a delivery URL that ends without one", MOUNT_TEXT(delivery_url, "/a")},
        {"a delivery URL of another host", MOUNT_TEXT(delivery_url, "//a/")},
        {"a delivery URL with a line break", MOUNT_TEXT(delivery_url, "/a\r\nX: y/")},
        {"a delivery URL outside", MOUNT_NUMBER(delivery_url.offset, UINT32_MAX)},
        {"a delivery root that is not absolute", MOUNT_TEXT(delivery_root, "a")},
        {"a delivery root with a line break", MOUNT_TEXT(delivery_root, "/a\r\nX: y")},
        {"a delivery root outside", MOUNT_NUMBER(delivery_root.offset, UINT32_MAX)},
        {"live directories with a line break", MOUNT_TEXT(dirs, "/a\n/b")},
        {"live directories outside", MOUNT_NUMBER(dirs.len, UINT32_MAX)},
        {"an unknown kind", MOUNT_NUMBER(kind, MOUNT_KINDS)},
        {"an unknown flag", MOUNT_NUMBER(flags, 2)},
        {"more types than there are", MOUNT_NUMBER(types, UINT32_MAX)},
        {"one type more than there is", MOUNT_NUMBER(types, 3)},
        {"types past the end", MOUNT_NUMBER(first_type, 1000)},
        {"more fields than there are", MOUNT_NUMBER(fields, UINT32_MAX)},
        {"fields past the end", MOUNT_NUMBER(first_field, 1000)},
        {"one field more than there is", NUMBER(MOUNT, 1, format_mount, fields, 2)},
    };
    (void)state;
    check_lies(lies, COUNT(lies));
}

static void other_elements_that_are_not_sound_are_refused(void **state)
{
    static const struct lie lies[] = {
        {"an unknown delivery", NUMBER(SITE, 0, format_site, delivery, DELIVERY_COUNT)},
        {"a coding header with a line break", TEXT(SITE, 0, format_site, coding_header, "X\r\nY")},
        {"a coding header that is no token", TEXT(SITE, 0, format_site, coding_header, "X: y")},
        {"a coding header outside", NUMBER(SITE, 0, format_site, coding_header.offset, UINT32_MAX)},
        {"a state directory with a line break", TEXT(SITE, 0, format_site, state, "../a\nb")},
        {"a state directory outside", NUMBER(SITE, 0, format_site, state.len, UINT32_MAX)},
        {"a type with a line break", TEXT(TYPE, 0, format_type, type, "a/b\r\nX: y")},
        {"no type", TEXT(TYPE, 0, format_type, type, "")},
        {"a type outside", NUMBER(TYPE, 0, format_type, type.len, UINT32_MAX)},
        {"a key with a line break", TEXT(TYPE, 0, format_type, key, ".a\n")},
        {"a key outside", NUMBER(TYPE, 0, format_type, key.offset, UINT32_MAX)},
        {"a glob with a line break", TEXT(FIELD, 0, format_field, glob, "a\nb")},
        {"a glob outside", NUMBER(FIELD, 0, format_field, glob.len, UINT32_MAX)},
        {"a field's name with a line break", TEXT(FIELD, 0, format_field, name, "X: y\r\nZ")},
        {"a field without a name", TEXT(FIELD, 2, format_field, name, "")},
        {"a field that frames messages", TEXT(FIELD, 0, format_field, name, "Content-Length")},
        {"a field's name outside", NUMBER(FIELD, 2, format_field, name.offset, UINT32_MAX)},
        {"a field's value with a line break", TEXT(FIELD, 0, format_field, value, "a\r\nX: y")},
        {"a field's value with a NUL", TEXT(FIELD, 0, format_field, value, "a\0b")},
        {"a field's value outside", NUMBER(FIELD, 0, format_field, value.offset, UINT32_MAX)},
        {"an unknown flag of a field", NUMBER(FIELD, 0, format_field, flags, 2)},
        {"a release without an id", TEXT(RELEASE, 0, format_release, id, "")},
        {"an id with a line break", TEXT(RELEASE, 0, format_release, id, "a\nb")},
        {"an id outside", NUMBER(RELEASE, 0, format_release, id.offset, UINT32_MAX)},
        {"a manifest with a line break", TEXT(RELEASE, 0, format_release, manifest, "a\nb")},
        {"a manifest that climbs", TEXT(RELEASE, 0, format_release, manifest, "../../a")},
        {"an absolute manifest", TEXT(RELEASE, 0, format_release, manifest, "/etc/passwd")},
        {"a manifest outside", NUMBER(RELEASE, 0, format_release, manifest.offset, UINT32_MAX)},
        {"an md5 with a line break", TEXT(RELEASE, 0, format_release, md5, "a\nb")},
        {"an md5 outside", NUMBER(RELEASE, 0, format_release, md5.len, UINT32_MAX)},
        {"a release of no mount", NUMBER(RELEASE, 0, format_release, mount, 2)},
        {"a release of mount 4294967295", NUMBER(RELEASE, 0, format_release, mount, UINT32_MAX)},
        {"more homes than there are", NUMBER(RELEASE, 0, format_release, homes, UINT32_MAX)},
        {"one home more than there is", NUMBER(RELEASE, 3, format_release, homes, 2)},
        {"homes past the end", NUMBER(RELEASE, 0, format_release, first_home, 1000)},
        {"a home without a root", TEXT(HOME, 0, format_home, root, "")},
        {"a home with a line break", TEXT(HOME, 0, format_home, root, "/a\nb")},
        {"a home outside", NUMBER(HOME, 0, format_home, root.offset, UINT32_MAX)},
    };
    (void)state;
    check_lies(lies, COUNT(lies));
}

/* ---- other versions ---- */

static void check_version(const char *label, const unsigned char *block, uint64_t size)
{
    struct catalog catalog;
    struct error error = {0};
    unsigned char *copy = copy_of(block, size);
    CHECK(label, catalog_open(&catalog, copy, size, &error) != 0);
    CHECK(label, error.number == HB_CATALOG_VERSION);
    free(copy);
}

/* Whatever stands behind the version is not looked at: nobody knows what it is there. */
static void another_version_is_set_aside_in_both_directions(void **state)
{
    static const uint32_t versions[] = {0, 1, FORMAT_VERSION - 1, FORMAT_VERSION + 1, UINT32_MAX};
    unsigned char *block = copy_of(sample.block, sample.size);
    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++) {
        memcpy(block, sample.block, sample.size);
        header_in(block)->version = versions[i];
        check_version("as it is", block, sample.size);
        check_version("a header alone", block, sizeof(struct format_header));
        check_version("a header that was smaller", block, 64);
        check_version("magic and version alone", block, offsetof(struct format_header, byte_order));
        sample_sign(block, sample.size);
        check_version("with right checksums", block, sample.size);
        memset(block + offsetof(struct format_header, byte_order), 0xa5, 1000);
        check_version("with something else behind it", block, sample.size);
    }
    free(block);
    check_end();
}

static void another_byte_order_is_set_aside(void **state)
{
    unsigned char *block = copy_of(sample.block, sample.size);
    (void)state;
    header_in(block)->byte_order = __builtin_bswap32(FORMAT_BYTE_ORDER);
    check_version("its mark alone", block, sample.size);
    header_in(block)->version = __builtin_bswap32(FORMAT_VERSION);
    check_version("and its version", block, sample.size);
    free(block);
    check_end();
}

/* ---- leaves and slots that lie ---- */

#define LEAF_NUMBER(index, member, number) NUMBER(LEAF, index, format_leaf, member, number)
#define VARIANT_NUMBER(index, member, number) NUMBER(VARIANT, index, format_variant, member, number)

static void a_leaf_that_is_not_sound_is_refused(void **state)
{
    static const struct lie lies[] = {
        {"of no length", LEAF_NUMBER(0, len, 0)},
        {"of no length, the last one", LEAF_NUMBER(LEAF_DEEP, len, 0)},
        {"shorter than its fixed part", LEAF_NUMBER(0, len, 8)},
        {"shorter than what it holds", LEAF_NUMBER(0, len, sizeof(struct format_leaf) + 8)},
        {"of an odd length", LEAF_NUMBER(0, len, 101)},
        {"of a length not of eights", LEAF_NUMBER(0, len, 100)},
        {"that takes a part of the next", LEAF_NUMBER(0, len, 112)},
        {"that leaves the page", LEAF_NUMBER(0, len, FORMAT_PAGE)},
        {"that takes the checksum", LEAF_NUMBER(0, len, FORMAT_PAYLOAD + 8)},
        {"of a huge length", LEAF_NUMBER(0, len, UINT32_MAX - 7)},
        {"of no mount", LEAF_NUMBER(LEAF_DEEP, mount, 2)},
        {"of mount 4294967295", LEAF_NUMBER(LEAF_DEEP, mount, UINT32_MAX)},
        {"of no release", LEAF_NUMBER(2, release, 4)},
        {"of another mount's release", LEAF_NUMBER(2, release, 3)},
        {"of every release, as a name of one", LEAF_NUMBER(2, release, UINT32_MAX)},
        {"without a name", LEAF_NUMBER(2, name_len, 0)},
        {"with the beginning of its name", LEAF_NUMBER(2, name_len, 5)},
        {"with a name past its end", LEAF_NUMBER(2, name_len, UINT16_MAX)},
        {"with a path past its end", LEAF_NUMBER(2, path_len, UINT16_MAX)},
        {"without a type", LEAF_NUMBER(2, type_len, 0)},
        {"with a type past its end", LEAF_NUMBER(2, type_len, UINT16_MAX)},
        {"with an unknown flag", LEAF_NUMBER(2, flags, 4)},
        {"with an unknown proof", LEAF_NUMBER(2, proof, FORMAT_NO_HASH + 1)},
        {"with variants past its end", LEAF_NUMBER(2, variants, 3)},
        {"with four variants", LEAF_NUMBER(LEAF_WITH_VARIANTS, variants, 4)},
        {"with 65535 variants", LEAF_NUMBER(2, variants, UINT16_MAX)},
        {"with a variant less", LEAF_NUMBER(LEAF_WITH_VARIANTS, variants, 1)},
        {"a variant of identity", VARIANT_NUMBER(0, coding, CODING_IDENTITY)},
        {"a variant of another coding", VARIANT_NUMBER(0, coding, CODING_ZSTD)},
        {"a variant of coding 4294967295", VARIANT_NUMBER(0, coding, UINT32_MAX)},
        {"two variants of one coding", VARIANT_NUMBER(1, coding, CODING_BR)},
        {"a proof that is no truth value", VARIANT_NUMBER(0, proven, 2)},
        {"a suffix that climbs", VARIANT_NUMBER(0, suffix, 0x2f2e2e2f)},
        {"a suffix without its end", VARIANT_NUMBER(0, suffix, 0x787878787872622e)},
        {"no suffix", VARIANT_NUMBER(0, suffix, 0)},
    };
    (void)state;
    assert_int_equal(leaf_in(sample.block, LEAF_WITH_VARIANTS)->variants, 2);
    assert_int_equal(leaf_in(sample.block, LEAF_DEEP)->mount, 1);
    check_lies(lies, COUNT(lies));
}

enum {
    IN_LEAF_PAGE = FORMAT_PAGE / 8, /* places of slots */
};

static void nowhere(struct format_slot *slot)
{
    slot->leaf = slot->leaf ? UINT32_MAX : 0;
}
static void behind_the_last_page(struct format_slot *slot)
{
    slot->leaf = slot->leaf ? IN_LEAF_PAGE + 1 : 0;
}
static void into_the_checksum(struct format_slot *slot)
{
    slot->leaf = slot->leaf ? FORMAT_PAYLOAD / 8 + 1 : 0;
}
static void to_the_last_words(struct format_slot *slot)
{
    slot->leaf = slot->leaf ? FORMAT_PAYLOAD / 8 : 0;
}
static void into_the_middle(struct format_slot *slot)
{
    slot->leaf += slot->leaf ? 1 : 0;
}
static void behind_the_last_leaf(struct format_slot *slot)
{
    slot->leaf = slot->leaf ? 400 : 0;
}
static void all_to_the_first(struct format_slot *slot)
{
    slot->leaf = slot->leaf ? 1 : 0;
}
static void to_nothing(struct format_slot *slot)
{
    slot->leaf = 0;
}
static void with_other_tags(struct format_slot *slot)
{
    slot->tag ^= slot->leaf ? 1 : 0;
}

static void slots_that_lie_are_refused_and_find_nothing_else(void **state)
{
    static const struct {
        const char *label;
        void (*change)(struct format_slot *slot);
    } rows[] = {
        {"nowhere", nowhere},
        {"behind the last page", behind_the_last_page},
        {"into the checksum", into_the_checksum},
        {"to the last words of the page", to_the_last_words},
        {"into the middle of a leaf", into_the_middle},
        {"behind the last leaf", behind_the_last_leaf},
        {"all to the first leaf", all_to_the_first},
        {"to nothing", to_nothing},
        {"with other tags", with_other_tags},
    };
    struct catalog lying, intact;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char *block = copy_of(sample.block, sample.size);
        for (uint64_t s = 0; s < header_in(block)->slots; s++) {
            rows[i].change(slot_in(block, s));
        }
        sample_sign(block, sample.size);
        CHECK(rows[i].label, !is_verified(rows[i].label, block, sample.size));
        open_chosen(&lying, block, sample.size);
        open_chosen(&intact, sample.block, sample.size);
        for (size_t n = 0; n < COUNT(names); n++) {
            struct catalog_entry entry;
            CHECK(rows[i].label,
                  catalog_find(&lying, 0, slice_of(names[n]), &entry) != CATALOG_FOUND ||
                      is_truth_or_damaged(&lying, &intact, 0, names[n]));
        }
        free(block);
    }
    check_end();
}

/* ---- what a writer would have to be made for ---- */

/* The names stand where a lookup finds them; what they lead to is what no client may get. */
static void no_name_path_or_type_that_is_not_plain_is_found(void **state)
{
    static const struct {
        const char *label, *name, *path, *type;
        bool sound;
    } rows[] = {
        {"a plain one", "a/b.js", "c/d.js", "a/b", true},
        {"a name that climbs", "../a", "a", "a/b", false},
        {"a name that climbs within", "a/../../b", "a", "a/b", false},
        {"a name that is a dot", "./a", "a", "a/b", false},
        {"an absolute name", "/etc/passwd", "a", "a/b", false},
        {"an empty segment", "a//b", "a", "a/b", false},
        {"a name that ends in a slash", "a/", "a", "a/b", false},
        {"a name with a line break", "a\r\nb", "a", "a/b", false},
        {"a name with DEL", "a\x7f", "a", "a/b", false},
        {"a path that climbs", "a", "../a", "a/b", false},
        {"a path that climbs within", "a", "a/../../b", "a/b", false},
        {"a path that climbs at its end", "a", "a/..", "a/b", false},
        {"a path that is the root", "a", ".", "a/b", false},
        {"an absolute path", "a", "/etc/passwd", "a/b", false},
        {"a path with an empty segment", "a", "a//b", "a/b", false},
        {"a path with a line break", "a", "a\nb", "a/b", false},
        {"a path with a control byte", "a", "a\x01", "a/b", false},
        {"a type with a line break", "a", "b", "a/b\r\nX: y", false},
        {"no type", "a", "b", "", false},
        /* Whether what begins with a dot is served depends on the kind of mount: serve/ decides. */
        {"a hidden name", ".git/config", "a", "a/b", true},
        {"a hidden path", "a", ".git/config", "a/b", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct writer_entry entry = {.path = rows[i].path, .type = rows[i].type};
        struct catalog_entry found;
        struct catalog catalog;
        struct sample made = write_names(&entry, &rows[i].name, 1);
        open_chosen(&catalog, made.block, made.size);
        CHECK(rows[i].label, catalog_find(&catalog, 0, slice_of(rows[i].name), &found) ==
                                 (rows[i].sound ? CATALOG_FOUND : CATALOG_DAMAGED));
        CHECK(rows[i].label, is_verified(rows[i].label, made.block, made.size) == rows[i].sound);
        free(made.block);
    }
    check_end();
}

/* Three leaves of one length, so that they can be put in each other's places. */
static struct sample three_names(void)
{
    static const char *const under[] = {"a.js", "b.js", "c.js"};
    struct writer_entry entries[3];
    for (size_t i = 0; i < COUNT(entries); i++) {
        entries[i] = (struct writer_entry){.path = under[i], .type = "text/javascript"};
    }
    return write_names(entries, under, COUNT(under));
}

static uint32_t place_in(unsigned char *block, unsigned leaf)
{
    return (uint32_t)((unsigned char *)leaf_in(block, leaf) - (unsigned char *)leaf_in(block, 0)) /
               8 +
           1;
}

static void exchange_leaves(unsigned char *block)
{
    unsigned char held[256];
    uint32_t first = place_in(block, 0), second = place_in(block, 1), len = leaf_in(block, 0)->len;
    memcpy(held, leaf_in(block, 0), len);
    memcpy(leaf_in(block, 0), leaf_in(block, 1), len);
    memcpy(leaf_in(block, 1), held, len);
    for (uint64_t i = 0; i < header_in(block)->slots; i++) {
        struct format_slot *slot = slot_in(block, i);
        slot->leaf = slot->leaf == first ? second : slot->leaf == second ? first : slot->leaf;
    }
}
static void double_a_leaf(unsigned char *block)
{
    memcpy(leaf_in(block, 1), leaf_in(block, 0), leaf_in(block, 0)->len);
}
static void leave_the_last_out(unsigned char *block)
{
    header_in(block)->leaves = 2;
    memset(leaf_in(block, 2), 0, leaf_in(block, 2)->len);
}
static void hide_the_last_from_order(unsigned char *block)
{
    header_in(block)->leaves = 2;
}

/* To bytes that no one has looked at as a leaf. */
static void add_a_slot(unsigned char *block)
{
    uint64_t key = format_key(0, FORMAT_EVERY_RELEASE, "nothing", 7), probe = 0;
    while (slot_in(block, format_slot_at(header_in(block)->slots, key, probe))->leaf != 0) {
        probe++;
    }
    *slot_in(block, format_slot_at(header_in(block)->slots, key, probe)) =
        (struct format_slot){.leaf = 2, .tag = (uint32_t)(key >> 32)};
}

static void leaves_out_of_order_doubled_or_missing_are_refused(void **state)
{
    static const struct {
        const char *label;
        void (*change)(unsigned char *block);
    } rows[] = {
        {"exchanged, with their slots", exchange_leaves},
        {"doubled", double_a_leaf},
        {"one left out, its slot not", leave_the_last_out},
        {"one more than is said", hide_the_last_from_order},
        {"a slot too many", add_a_slot},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sample made = three_names();
        rows[i].change(made.block);
        sample_sign(made.block, made.size);
        CHECK(rows[i].label, !is_verified(rows[i].label, made.block, made.size));
        free(made.block);
    }
    check_end();
}

enum {
    MANY = 2000,
};

/* Without a free slot a search ends when all were seen. */
static void full_tables_of_slots_end_a_search(void **state)
{
    struct sample made = write_many(2000, 1000);
    uint64_t key = format_key(0, FORMAT_EVERY_RELEASE, "nothing", 7);
    uint32_t tags[] = {(uint32_t)(key >> 32) ^ 1, (uint32_t)(key >> 32)};
    (void)state;
    for (size_t i = 0; i < COUNT(tags); i++) {
        struct catalog catalog;
        struct catalog_entry entry;
        for (uint64_t s = 0; s < header_in(made.block)->slots; s++) {
            *slot_in(made.block, s) = (struct format_slot){.leaf = 1, .tag = tags[i]};
        }
        sample_sign(made.block, made.size);
        open_chosen(&catalog, made.block, made.size);
        CHECK("ended", catalog_find(&catalog, 0, slice_of("nothing"), &entry) != CATALOG_FOUND);
        CHECK("refused", !is_verified("full", made.block, made.size));
    }
    free(made.block);
    check_end();
}

static void the_longest_names_fit_into_a_leaf(void **state)
{
    char name[FORMAT_NAME_MAX + 1] = "", path[FORMAT_NAME_MAX + 1] = "", type[100] = "";
    struct writer_entry entry = {.path = path, .type = type, .variants = CODING_IDENTITY};
    const char *under = name;
    struct catalog catalog;
    struct catalog_entry found;
    (void)state;
    memset(name, 'n', sizeof name - 1);
    memset(path, 'p', sizeof path - 1);
    memset(type, 't', sizeof type - 1);
    entry.variant[0] = (struct writer_variant){CODING_BR, ".br", 1, true};
    entry.variant[1] = (struct writer_variant){CODING_ZSTD, ".zstd", 2, true};
    entry.variant[2] = (struct writer_variant){CODING_GZIP, ".gz", 3, true};
    struct sample made = write_names(&entry, &under, 1);
    open_chosen(&catalog, made.block, made.size);
    assert_int_equal(catalog_find(&catalog, 0, slice_of(name), &found), CATALOG_FOUND);
    assert_true(slice_equal(found.path, slice_of(path)) && slice_equal(found.type, slice_of(type)));
    assert_true(slice_equal(found.variant[1].suffix, slice_of(".zstd")));
    assert_true(is_verified("the longest", made.block, made.size));
    free(made.block);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_that_lies_about_the_parts_is_refused),
        cmocka_unit_test(sections_that_leave_the_head_are_refused),
        cmocka_unit_test(a_mount_that_is_not_sound_is_refused),
        cmocka_unit_test(other_elements_that_are_not_sound_are_refused),
        cmocka_unit_test(another_version_is_set_aside_in_both_directions),
        cmocka_unit_test(another_byte_order_is_set_aside),
        cmocka_unit_test(a_leaf_that_is_not_sound_is_refused),
        cmocka_unit_test(slots_that_lie_are_refused_and_find_nothing_else),
        cmocka_unit_test(no_name_path_or_type_that_is_not_plain_is_found),
        cmocka_unit_test(leaves_out_of_order_doubled_or_missing_are_refused),
        cmocka_unit_test(full_tables_of_slots_end_a_search),
        cmocka_unit_test(the_longest_names_fit_into_a_leaf),
    };
    return cmocka_run_group_tests(tests, make_sample, free_sample);
}
