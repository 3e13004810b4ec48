/* A catalog is parsed as hostile input: nothing outside it is read whatever its bytes are, and what
 * is not exactly what was written is not verified. */
#include "check.h"
#include "http/path.h"
#include "sample_catalog.h"

#include <stdio.h>

static apr_pool_t *pool;
static struct sample sample;

static int make_sample(void **state)
{
    (void)state;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    sample = sample_make(pool);
    return 0;
}

static int free_sample(void **state)
{
    (void)state;
    free(sample.block);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

/* A sum over the bytes, so that AddressSanitizer sees every one of them read. */
static unsigned touch(struct slice text)
{
    unsigned sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        sum += (unsigned char)text.at[i];
    }
    return sum;
}

static unsigned touch_entry(const struct catalog_entry *entry)
{
    unsigned sum = touch(entry->path) + touch(entry->hash) + touch(entry->type);
    for (unsigned i = 0; i < entry->variants; i++) {
        sum += touch(entry->variant[i].path);
    }
    return sum;
}

static unsigned touch_mount(const struct catalog *catalog, const struct catalog_mount *mount)
{
    unsigned sum = touch(mount->url) + touch(mount->root) + touch(mount->charset) +
                   touch(mount->manifests) + touch(mount->immutable) + touch(mount->follow) +
                   touch(mount->index_file) + touch(mount->delivery_url) +
                   touch(mount->delivery_root);
    for (uint32_t i = 0; i < mount->fields && i < 1000; i++) {
        struct catalog_field field;
        if (catalog_field(catalog, mount, i, &field)) {
            sum += touch(field.glob) + touch(field.name) + touch(field.value);
        }
    }
    return sum;
}

/* Asks everything that can be asked. */
static unsigned ask(struct catalog *catalog)
{
    static const char *const names[] = {"css/a." SAMPLE_HASH ".css",
                                        "css/a.111111111111.css",
                                        "css/a.css",
                                        "only-old.js",
                                        "nothing",
                                        ""};
    struct error error;
    struct catalog_entry entry;
    uint32_t found;
    struct slice name;
    unsigned sum = touch(catalog_site(catalog).coding_header);
    for (uint32_t m = 0; m < catalog_mounts(catalog); m++) {
        struct catalog_mount mount = catalog_mount(catalog, m);
        sum += touch_mount(catalog, &mount);
        catalog_choose(catalog, m, slice_of("gone"), slice_of("old"), &error);
        catalog_choose(catalog, m, slice_of(NULL), slice_of(NULL), &error);
        for (size_t i = 0; i < COUNT(names); i++) {
            if (catalog_find(catalog, m, slice_of(names[i]), &entry)) {
                sum += touch_entry(&entry);
            }
        }
        if (mount.types < 1000) { /* how many may be claimed is a row of its own below */
            sum += touch(catalog_media_type(catalog, m, slice_of("a.foo")));
        }
    }
    for (uint32_t r = 0; r < catalog_releases(catalog) && r < 1000; r++) {
        sum += touch(catalog_release(catalog, r).id);
    }
    if (catalog_find_mount(catalog, slice_of("/static/deep/a"), &found, &name)) {
        sum += touch(name);
    }
    return sum;
}

/* Whether a copy of `size` bytes is opened and verified; asks it everything when it is opened. */
static bool is_verified(const unsigned char *block, uint64_t size)
{
    struct catalog catalog;
    struct error error = {0};
    unsigned char *copy = malloc(size ? size : 1);
    bool verified = false;
    assert_non_null(copy);
    memcpy(copy, block, size);
    if (catalog_open(&catalog, copy, size, &error) == 0) {
        verified = catalog_verify(&catalog, &error) == 0;
        ask(&catalog);
    }
    if (!verified) {
        CHECK("refused with its number", error.number == HB_CATALOG_INVALID);
    }
    free(copy);
    return verified;
}

static void the_sample_itself_is_verified(void **state)
{
    (void)state;
    assert_true(is_verified(sample.block, sample.size));
    check_end();
}

static void every_flipped_byte_is_noticed(void **state)
{
    static const unsigned char masks[] = {0x01, 0x80, 0xff};
    unsigned char *block = malloc(sample.size);
    (void)state;
    assert_non_null(block);
    memcpy(block, sample.block, sample.size);
    for (uint64_t at = 0; at < sample.size; at++) {
        for (size_t i = 0; i < COUNT(masks); i++) {
            char label[48];
            snprintf(label, sizeof label, "byte %llu ^ %02x", (unsigned long long)at, masks[i]);
            block[at] ^= masks[i];
            CHECK(label, !is_verified(block, sample.size));
            block[at] ^= masks[i];
        }
    }
    free(block);
    check_end();
}

/* The same with the digest of the changed bytes: nothing outside may be read. */
static void every_flipped_byte_under_a_right_digest_reads_nothing_outside(void **state)
{
    static const unsigned char masks[] = {0x01, 0x02, 0x80, 0xff};
    unsigned char *block = malloc(sample.size);
    (void)state;
    assert_non_null(block);
    for (uint64_t at = 0; at < sample.size; at++) {
        for (size_t i = 0; i < COUNT(masks); i++) {
            memcpy(block, sample.block, sample.size);
            block[at] ^= masks[i];
            sample_sign(block, sample.size);
            is_verified(block, sample.size);
        }
    }
    free(block);
    check_end();
}

static void a_catalog_cut_anywhere_is_noticed(void **state)
{
    (void)state;
    for (uint64_t len = 0; len < sample.size; len++) {
        char label[48];
        snprintf(label, sizeof label, "cut to %llu", (unsigned long long)len);
        CHECK(label, !is_verified(sample.block, len));
    }
    unsigned char *longer = calloc(1, sample.size + 8);
    assert_non_null(longer);
    memcpy(longer, sample.block, sample.size);
    CHECK("eight bytes more", !is_verified(longer, sample.size + 8));
    free(longer);
    check_end();
}

/* ---- one thing changed, and the digest made right again ---- */

static struct format_header *header_in(unsigned char *block)
{
    return (struct format_header *)(void *)block;
}

#define AT(block, section, type, index)                                                            \
    (&((struct type *)(void *)((block) + header_in(block)->section.offset))[index])

enum {
    SPARE = 16
};

/* The sample with SPARE bytes more at the end of its texts, for texts that no other element has. */
static uint64_t copy_with_spare(unsigned char *block)
{
    uint64_t size = sample.size + SPARE;
    memset(block, 'x', size);
    memcpy(block, sample.block, sample.size);
    header_in(block)->text.count += SPARE;
    header_in(block)->size = size;
    return size;
}

static struct format_text spare_text(unsigned char *block, const char *bytes, uint32_t len)
{
    uint64_t at = header_in(block)->text.count - SPARE;
    memcpy(block + header_in(block)->text.offset + at, bytes, len);
    return (struct format_text){.offset = (uint32_t)at, .len = len};
}

static void change_nothing(unsigned char *block)
{
    (void)block;
}
static void change_magic(unsigned char *block)
{
    header_in(block)->magic[0] = 'h';
}
static void change_version(unsigned char *block)
{
    header_in(block)->version++;
}
static void change_byte_order(unsigned char *block)
{
    header_in(block)->byte_order = 0x04030201;
}
static void change_sites(unsigned char *block)
{
    header_in(block)->sites.count = 0;
}
static void change_mounts(unsigned char *block)
{
    header_in(block)->mounts.count = CATALOG_MOUNTS_MAX + 1;
}
static void change_slots_to_three(unsigned char *block)
{
    header_in(block)->slots.count = 3;
}
static void change_slots_to_none(unsigned char *block)
{
    header_in(block)->slots.count = 0;
}
static void change_slots_to_few(unsigned char *block)
{
    header_in(block)->slots.count = 4;
}
static void change_offset_unaligned(unsigned char *block)
{
    header_in(block)->names.offset += 4;
}
static void change_offset_into_header(unsigned char *block)
{
    header_in(block)->text.offset = 8;
}
static void change_count_overflow(unsigned char *block)
{
    header_in(block)->entries.count = UINT64_MAX / sizeof(struct format_entry) + 2;
}
static void change_offset_overflow(unsigned char *block)
{
    header_in(block)->entries.offset = UINT64_MAX - 7;
}
static void change_url(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->url.len--;
}
static void change_root(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->root.offset++;
}
static void change_root_to_nul(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->root = spare_text(block, "/\0etc", 5);
}
static void change_types_count(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->types = UINT32_MAX;
}
static void change_types_first(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->first_type = 1000;
}
static void change_charset(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->charset = spare_text(block, "u\r\nX: y", 7);
}
static void change_charset_outside(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->charset.len = UINT32_MAX;
}
static void change_immutable(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->immutable = spare_text(block, "/a\r\nX: y/", 9);
}
static void change_immutable_outside(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->immutable.offset = UINT32_MAX;
}
static void change_follow(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->follow = spare_text(block, "/a\r\nX: y/", 9);
}
static void change_follow_outside(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->follow.offset = UINT32_MAX;
}
static void change_index_file(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->index_file = spare_text(block, "/a\r\nX: y/", 9);
}
static void change_index_file_outside(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->index_file.offset = UINT32_MAX;
}
static void change_delivery_url(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->delivery_url = spare_text(block, "/a\r\nX: y/", 9);
}
static void change_delivery_url_outside(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->delivery_url.offset = UINT32_MAX;
}
static void change_delivery_root(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->delivery_root = spare_text(block, "/a\r\nX: y/", 9);
}
static void change_delivery_root_outside(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->delivery_root.offset = UINT32_MAX;
}
static void change_index_file_to_path(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->index_file = spare_text(block, "../a", 4);
}
static void change_delivery_url_to_relative(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->delivery_url = spare_text(block, "a/", 2);
}
static void change_delivery_url_to_open(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->delivery_url = spare_text(block, "/a", 2);
}
static void change_delivery_root_to_relative(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->delivery_root = spare_text(block, "a", 1);
}
static void change_kind(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->kind = MOUNT_KINDS;
}
static void change_fields_count(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->fields = UINT32_MAX;
}
static void change_fields_by_one(unsigned char *block)
{
    AT(block, mounts, format_mount, 1)->fields++;
}
static void change_fields_first(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->first_field = 1000;
}
static void change_fields_overflow(unsigned char *block)
{
    AT(block, mounts, format_mount, 0)->first_field = 3;
    AT(block, mounts, format_mount, 0)->fields = UINT32_MAX - 2;
}
static void change_field_section(unsigned char *block)
{
    header_in(block)->fields.count = UINT64_MAX / sizeof(struct format_field) + 2;
}
static void change_fields_to_none(unsigned char *block)
{
    header_in(block)->fields.count = 0;
}
static void change_field_glob(unsigned char *block)
{
    AT(block, fields, format_field, 0)->glob = spare_text(block, "a\nb", 3);
}
static void change_field_glob_outside(unsigned char *block)
{
    AT(block, fields, format_field, 0)->glob.len = UINT32_MAX;
}
static void change_field_name(unsigned char *block)
{
    AT(block, fields, format_field, 0)->name = spare_text(block, "X: y\r\nZ", 7);
}
static void change_field_name_to_none(unsigned char *block)
{
    AT(block, fields, format_field, 2)->name.len = 0;
}
static void change_field_name_outside(unsigned char *block)
{
    AT(block, fields, format_field, 2)->name.offset = UINT32_MAX;
}
static void change_field_value(unsigned char *block)
{
    AT(block, fields, format_field, 0)->value = spare_text(block, "a\r\nX: y", 7);
}
static void change_field_value_nul(unsigned char *block)
{
    AT(block, fields, format_field, 0)->value = spare_text(block, "a\0b", 3);
}
static void change_field_value_outside(unsigned char *block)
{
    AT(block, fields, format_field, 0)->value.offset = UINT32_MAX;
}
static void change_coding_header(unsigned char *block)
{
    AT(block, sites, format_site, 0)->coding_header = spare_text(block, "X: y\r\nZ", 7);
}
static void change_coding_header_outside(unsigned char *block)
{
    AT(block, sites, format_site, 0)->coding_header.offset = UINT32_MAX;
}
static void change_delivery(unsigned char *block)
{
    AT(block, sites, format_site, 0)->delivery = 99;
}
static void change_own_type(unsigned char *block)
{
    AT(block, types, format_type, 0)->type = spare_text(block, "a/b\r\nX: y", 9);
}
static void change_own_type_outside(unsigned char *block)
{
    AT(block, types, format_type, 0)->key.offset = UINT32_MAX;
}
static void change_release_id(unsigned char *block)
{
    AT(block, releases, format_release, 0)->id.offset = UINT32_MAX;
}
static void change_release_mount(unsigned char *block)
{
    AT(block, releases, format_release, 0)->mount = 7;
}
static void change_name_mount(unsigned char *block)
{
    AT(block, names, format_name, 6)->mount = 15;
}
static void change_name_release(unsigned char *block)
{
    AT(block, names, format_name, 6)->release = 4;
}
static void change_name_to_foreign_release(unsigned char *block)
{
    AT(block, names, format_name, 6)->release = 0;
}
static void change_name_entry(unsigned char *block)
{
    AT(block, names, format_name, 0)->entry = 3;
}
static void change_name_dots(unsigned char *block)
{
    AT(block, names, format_name, 0)->name = spare_text(block, "../a", 4);
}
static void change_name_order(unsigned char *block)
{
    struct format_name *names = AT(block, names, format_name, 0), first = names[0];
    names[0] = names[1];
    names[1] = first;
}
static void change_name_twice(unsigned char *block)
{
    *AT(block, names, format_name, 1) = *AT(block, names, format_name, 0);
}
static void change_entry_path(unsigned char *block)
{
    AT(block, entries, format_entry, 0)->path = spare_text(block, "a/../../b", 9);
}
static void change_entry_path_absolute(unsigned char *block)
{
    AT(block, entries, format_entry, 0)->path = spare_text(block, "/etc/passwd", 11);
}
static void change_entry_path_nul(unsigned char *block)
{
    AT(block, entries, format_entry, 0)->path = spare_text(block, "a\0b", 3);
}
static void change_entry_type(unsigned char *block)
{
    AT(block, entries, format_entry, 0)->type = spare_text(block, "a/b\r\nX: y", 9);
}
static void change_entry_hash(unsigned char *block)
{
    AT(block, entries, format_entry, 0)->hash = spare_text(block, "\"\r\nX: y", 7);
}
static void change_entry_proof(unsigned char *block)
{
    AT(block, entries, format_entry, 0)->proof = 4;
}
static void change_variants_count(unsigned char *block)
{
    AT(block, entries, format_entry, 0)->variants = 4;
}
static void change_variants_first(unsigned char *block)
{
    AT(block, entries, format_entry, 0)->first_variant = UINT32_MAX;
}
static void change_variant_coding(unsigned char *block)
{
    AT(block, variants, format_variant, 0)->coding = CODING_IDENTITY;
}
static void change_variant_twice(unsigned char *block)
{
    AT(block, variants, format_variant, 1)->coding = CODING_BR;
}
static void change_variant_path(unsigned char *block)
{
    AT(block, variants, format_variant, 0)->path = spare_text(block, "..", 2);
}
static void change_slot_outside(unsigned char *block)
{
    uint32_t *slots = (uint32_t *)(void *)(block + header_in(block)->slots.offset);
    for (uint64_t i = 0; i < header_in(block)->slots.count; i++) {
        slots[i] = slots[i] ? UINT32_MAX : 0;
    }
}
static void change_slots_empty(unsigned char *block)
{
    memset(block + header_in(block)->slots.offset, 0,
           header_in(block)->slots.count * sizeof(uint32_t));
}

static void what_is_not_sound_is_not_verified_even_with_a_right_digest(void **state)
{
    static const struct {
        const char *label;
        void (*change)(unsigned char *block);
        bool sound;
    } rows[] = {
        {"nothing changed", change_nothing, true},
        {"magic", change_magic, false},
        {"version", change_version, false},
        {"byte order", change_byte_order, false},
        {"no site", change_sites, false},
        {"too many mounts", change_mounts, false},
        {"slots: no power of two", change_slots_to_three, false},
        {"slots: none", change_slots_to_none, false},
        {"slots: not more than the names", change_slots_to_few, false},
        {"a section that is not aligned", change_offset_unaligned, false},
        {"a section in the header", change_offset_into_header, false},
        {"a count that overflows", change_count_overflow, false},
        {"an offset that overflows", change_offset_overflow, false},
        {"a URL without its last slash", change_url, false},
        {"a root that is not absolute", change_root, false},
        {"a root with a NUL", change_root_to_nul, false},
        {"more types than there are", change_types_count, false},
        {"types past the end", change_types_first, false},
        {"a charset with a line break", change_charset, false},
        {"a charset outside", change_charset_outside, false},
        {"immutable globs with a line break", change_immutable, false},
        {"immutable globs outside", change_immutable_outside, false},
        {"directories of links with a line break", change_follow, false},
        {"directories of links outside", change_follow_outside, false},
        {"an index file with a line break", change_index_file, false},
        {"an index file outside", change_index_file_outside, false},
        {"a delivery URL with a line break", change_delivery_url, false},
        {"a delivery URL outside", change_delivery_url_outside, false},
        {"a delivery root with a line break", change_delivery_root, false},
        {"a delivery root outside", change_delivery_root_outside, false},
        {"an index file that climbs", change_index_file_to_path, false},
        {"a delivery URL that begins without a slash", change_delivery_url_to_relative, false},
        {"a delivery URL that ends without one", change_delivery_url_to_open, false},
        {"a delivery root that is not absolute", change_delivery_root_to_relative, false},
        {"an unknown kind of mount", change_kind, false},
        {"more fields than there are", change_fields_count, false},
        {"one field more than there is", change_fields_by_one, false},
        {"fields past the end", change_fields_first, false},
        {"fields that overflow", change_fields_overflow, false},
        {"a section of fields that overflows", change_field_section, false},
        {"no section of fields for those of a mount", change_fields_to_none, false},
        {"a field's glob with a line break", change_field_glob, false},
        {"a field's glob outside", change_field_glob_outside, false},
        {"a field's name with a line break", change_field_name, false},
        {"a field without a name", change_field_name_to_none, false},
        {"a field's name outside", change_field_name_outside, false},
        {"a field's value with a line break", change_field_value, false},
        {"a field's value with a NUL", change_field_value_nul, false},
        {"a field's value outside", change_field_value_outside, false},
        {"a coding header with a line break", change_coding_header, false},
        {"a coding header outside", change_coding_header_outside, false},
        {"an unknown delivery", change_delivery, false},
        {"a mount's type with a line break", change_own_type, false},
        {"a mount's type with its key outside", change_own_type_outside, false},
        {"a release without an id", change_release_id, false},
        {"a release of no mount", change_release_mount, false},
        {"a name of no mount", change_name_mount, false},
        {"a name of no release", change_name_release, false},
        {"a name of another mount's release", change_name_to_foreign_release, false},
        {"a name without an entry", change_name_entry, false},
        {"a name that climbs", change_name_dots, false},
        {"names out of order", change_name_order, false},
        {"a name twice", change_name_twice, false},
        {"a path that climbs", change_entry_path, false},
        {"an absolute path", change_entry_path_absolute, false},
        {"a path with a NUL", change_entry_path_nul, false},
        {"a type with a line break", change_entry_type, false},
        {"a hash with a quote and a line break", change_entry_hash, false},
        {"an unknown proof", change_entry_proof, false},
        {"too many variants", change_variants_count, false},
        {"variants past the end", change_variants_first, false},
        {"a variant of identity", change_variant_coding, false},
        {"two variants of one coding", change_variant_twice, false},
        {"a variant whose path climbs", change_variant_path, false},
        {"slots that point outside", change_slot_outside, false},
        {"slots that find nothing", change_slots_empty, false},
    };
    unsigned char *block = malloc(sample.size + SPARE);
    (void)state;
    assert_non_null(block);
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t size = copy_with_spare(block);
        rows[i].change(block);
        sample_sign(block, size);
        CHECK(rows[i].label, is_verified(block, size) == rows[i].sound);
    }
    free(block);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_itself_is_verified),
        cmocka_unit_test(every_flipped_byte_is_noticed),
        cmocka_unit_test(every_flipped_byte_under_a_right_digest_reads_nothing_outside),
        cmocka_unit_test(a_catalog_cut_anywhere_is_noticed),
        cmocka_unit_test(what_is_not_sound_is_not_verified_even_with_a_right_digest),
    };
    return cmocka_run_group_tests(tests, make_sample, free_sample);
}
