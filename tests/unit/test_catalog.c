#include "check.h"
#include "sample_catalog.h"

#include <apr_strings.h>
#include <stdio.h>

static apr_pool_t *pool;

static struct sample sample;
static struct catalog catalog;

static int open_sample(void **state)
{
    struct error error = {0};
    (void)state;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    sample = sample_make(pool);
    if (catalog_open(&catalog, sample.block, sample.size, &error) != 0 ||
        catalog_verify(&catalog, &error) != 0) {
        print_error("%s\n", error.text);
        return -1;
    }
    return 0;
}

static int close_sample(void **state)
{
    (void)state;
    free(sample.block);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static bool is_root(const void *context, struct slice root)
{
    return slice_equal(root, slice_of(context));
}

/* Chooses for a mount as if its root were "../static" (mount 0) or "../deep". */
static int choose(struct catalog *from, uint32_t mount, const char *wanted, const char *current,
                  struct error *error)
{
    struct catalog_wish wish = {.wanted = slice_of(wanted),
                                .current = slice_of(current),
                                .is_here = is_root,
                                .context = mount == 0 ? "../static" : "../deep"};
    return catalog_choose(from, mount, &wish, error);
}

static bool is(struct slice text, const char *expected)
{
    return slice_equal(text, slice_of(expected));
}

static void what_was_written_about_the_site_is_read(void **state)
{
    (void)state;
    assert_int_equal(catalog_site(&catalog).delivery, DELIVERY_X_SENDFILE);
    assert_true(is(catalog_site(&catalog).coding_header, "X-Enc"));
    assert_true(is(catalog_site(&catalog).state, "../state"));
    assert_int_equal(catalog_mounts(&catalog), 2);
    assert_int_equal(catalog_releases(&catalog), 4);
}

static void what_was_written_about_a_mount_is_read(void **state)
{
    (void)state;
    struct catalog_mount first = catalog_mount(&catalog, 0), deep = catalog_mount(&catalog, 1);
    assert_true(is(first.url, "/static/"));
    assert_true(is(first.root, "/srv/static"));
    assert_true(is(first.charset, "utf-8"));
    assert_true(is(first.manifests, "staticfiles.json:*/staticfiles.json"));
    assert_true(first.max_age_sent && first.max_age == 300 && first.allow_all_origins);
    assert_true(is(deep.url, "/static/deep/"));
    assert_true(is(deep.charset, "latin1"));
    assert_false(deep.max_age_sent || deep.allow_all_origins);
    assert_true(is(first.immutable, "dist/*:*.mjs"));
    assert_true(is(first.follow, "/srv/app:/srv/lib"));
    assert_true(is(first.index_file, "index.html"));
    assert_true(is(first.delivery_url, "/internal/"));
    assert_true(is(first.delivery_root, "/backend/static"));
    assert_true(first.kind == MOUNT_STATIC && deep.kind == MOUNT_MEDIA);
    assert_true(is(deep.immutable, "") && is(deep.follow, "") && is(deep.index_file, ""));
    assert_true(is(deep.delivery_url, "") && is(deep.delivery_root, ""));
    assert_null(catalog_mount(&catalog, 2).url.at);
    assert_null(catalog_mount(&catalog, UINT32_MAX).root.at);
}

static void the_fields_of_a_mount_are_read_in_their_order(void **state)
{
    static const struct {
        uint32_t mount, index;
        const char *glob, *name, *value;
        bool removed;
    } rows[] = {
        {0, 0, "*.foo", "X-Foo", "bar; baz=\"1\"", false},
        {0, 1, "css/*", "Cache-Control", "", true},
        {1, 0, "*", "X-Deep", "1", false},
    };
    struct catalog_field field;
    (void)state;
    assert_int_equal(catalog_mount(&catalog, 0).fields, 2);
    assert_int_equal(catalog_mount(&catalog, 1).fields, 1);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct catalog_mount mount = catalog_mount(&catalog, rows[i].mount);
        CHECK(rows[i].name, catalog_field(&catalog, &mount, rows[i].index, &field));
        CHECK(rows[i].name, is(field.glob, rows[i].glob) && is(field.name, rows[i].name));
        CHECK(rows[i].name, is(field.value, rows[i].value) && field.removed == rows[i].removed);
    }
    struct catalog_mount deep = catalog_mount(&catalog, 1);
    CHECK("none beyond the last", !catalog_field(&catalog, &deep, 1, &field));
    CHECK("none far beyond it", !catalog_field(&catalog, &deep, UINT32_MAX, &field));
    check_end();
}

static void what_was_written_about_a_release_is_read(void **state)
{
    (void)state;
    struct catalog_release kept = catalog_release(&catalog, 2);
    assert_true(is(kept.id, "kept"));
    assert_int_equal(kept.mount, 0);
    assert_true(is(kept.manifest, "staticfiles.json"));
    assert_int_equal(kept.homes, 0);
    assert_int_equal(kept.published, 300);
    struct catalog_release new = catalog_release(&catalog, 1);
    assert_int_equal(new.homes, 1);
    assert_true(is(catalog_home(&catalog, &new, 0), "../static"));
    assert_null(catalog_home(&catalog, &new, 9).at);
}

static void the_mount_with_the_longest_url_answers(void **state)
{
    static const struct {
        const char *label, *path;
        int mount; /* -1: none */
        const char *name;
    } rows[] = {
        {"the shorter one", "/static/a.css", 0, "a.css"},
        {"the longer one", "/static/deep/a.css", 1, "a.css"},
        {"only a part of a segment", "/static/deeper/a.css", 0, "deeper/a.css"},
        {"the mount itself", "/static/", 0, ""},
        {"without its slash", "/static", -1, NULL},
        {"the longer one without its slash", "/static/deep", 0, "deep"},
        {"another case", "/Static/a.css", -1, NULL},
        {"elsewhere", "/media/a.css", -1, NULL},
        {"the top", "/", -1, NULL},
        {"nothing", "", -1, NULL},
    };
    struct catalog_mount mounts[CATALOG_MOUNTS_MAX];
    uint32_t count = catalog_read_mounts(&catalog, mounts);
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t mount = 99;
        struct slice name = {0};
        bool found = catalog_find_mount(mounts, count, slice_of(rows[i].path), &mount, &name);
        CHECK(rows[i].label, found == (rows[i].mount >= 0));
        CHECK(rows[i].label, !found || ((int)mount == rows[i].mount && is(name, rows[i].name)));
    }
    check_end();
}

static void names_are_found_by_mount_and_release(void **state)
{
    static const struct {
        const char *label;
        uint32_t mount;
        const char *wanted, *name, *path; /* path NULL: not found */
        bool hashed;
    } rows[] = {
        {"a hashed name", 0, "new", "css/a." SAMPLE_HASH ".css", "css/a." SAMPLE_HASH ".css", true},
        {"a hashed name of another release", 0, "new", "css/a.111111111111.css",
         "css/a.111111111111.css", true},
        {"an original name", 0, "new", "css/a.css", "css/a." SAMPLE_HASH ".css", false},
        {"the same name in an older release", 0, "old", "css/a.css", "css/a.111111111111.css",
         false},
        {"the same name in a kept release", 0, "kept", "css/a.css", "dist/app.js", false},
        {"a name of its release alone", 0, "old", "only-old.js", "dist/app.js", false},
        {"that name in another release", 0, "new", "only-old.js", NULL, false},
        {"the same name below another mount", 1, "old", "css/a.css", "dist/app.js", false},
        {"a hashed name below another mount", 1, "old", "css/a." SAMPLE_HASH ".css", NULL, false},
        {"a file that is no name", 0, "new", "dist/app.js", NULL, false},
        {"a beginning of a name", 0, "new", "css/a", NULL, false},
        {"more than a name", 0, "new", "css/a.css/", NULL, false},
        {"another case", 0, "new", "CSS/a.css", NULL, false},
        {"no name", 0, "new", "", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error error;
        struct catalog_entry entry;
        assert_int_equal(choose(&catalog, rows[i].mount, rows[i].wanted, NULL, &error), 0);
        bool found = catalog_find(&catalog, rows[i].mount, slice_of(rows[i].name), &entry);
        if (CHECK(rows[i].label, found == (rows[i].path != NULL)) && found) {
            CHECK(rows[i].label, is(entry.path, rows[i].path));
            CHECK(rows[i].label, entry.hashed == rows[i].hashed);
        }
    }
    check_end();
}

static void without_a_choice_no_original_name_answers(void **state)
{
    struct catalog fresh;
    struct catalog_entry entry;
    struct error error;
    (void)state;
    assert_int_equal(catalog_open(&fresh, sample.block, sample.size, &error), 0);
    assert_false(catalog_find(&fresh, 0, slice_of("css/a.css"), &entry));
    assert_true(catalog_find(&fresh, 0, slice_of("css/a." SAMPLE_HASH ".css"), &entry));
}

static void an_entry_says_all_about_its_file(void **state)
{
    struct catalog_entry entry;
    (void)state;
    assert_true(catalog_find(&catalog, 0, slice_of("css/a." SAMPLE_HASH ".css"), &entry));
    assert_true(is(entry.hash, SAMPLE_HASH));
    assert_true(is(entry.type, "text/css"));
    assert_true(entry.sized && entry.size == 1000);
    assert_true(entry.pooled);
    assert_int_equal(entry.proof, PROOF_AGREES);
    assert_int_equal(entry.md5[0], 0x27);
    assert_int_equal(entry.variants, 2);
    assert_int_equal(entry.variant[0].coding, CODING_BR);
    assert_int_equal(entry.variant[0].size, 300);
    assert_true(is(entry.variant[1].suffix, ".gz"));
    assert_true(entry.variant[0].proven && !entry.variant[1].proven);
    assert_true(catalog_find(&catalog, 0, slice_of("css/a.111111111111.css"), &entry));
    assert_false(entry.sized || entry.pooled);
    assert_int_equal(entry.proof, PROOF_UNREAD);
    assert_int_equal(entry.variants, 0);
}

static void the_release_is_chosen_by_wish_then_link_then_date(void **state)
{
    static const struct {
        const char *label;
        uint32_t mount;
        const char *wanted, *current;
        uint32_t chosen;
        bool known;
    } rows[] = {
        {"nothing said: the last in the root", 0, NULL, NULL, 1, true},
        {"current", 0, NULL, "old", 0, true},
        {"wanted", 0, "old", NULL, 0, true},
        {"wanted before current", 0, "old", "new", 0, true},
        {"kept by RELEASE_ID alone", 0, "kept", NULL, 2, true},
        {"unknown, current is the next rule", 0, "gone", "old", 0, false},
        {"unknown, the date is the next rule", 0, "gone", NULL, 1, false},
        {"current unknown", 0, NULL, "gone", 1, true},
        {"both unknown", 0, "gone", "lost", 1, false},
        {"another mount's release is unknown", 1, "new", NULL, 3, false},
        {"another mount", 1, NULL, NULL, 3, true},
        {"a beginning of an id", 0, "ne", NULL, 1, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error error = {0};
        int result = choose(&catalog, rows[i].mount, rows[i].wanted, rows[i].current, &error);
        CHECK(rows[i].label, result == (rows[i].known ? 0 : -1));
        CHECK(rows[i].label, rows[i].known || error.number == HB_RELEASE_UNKNOWN);
        CHECK(rows[i].label, rows[i].known || strstr(error.text, rows[i].wanted));
        CHECK(rows[i].label, catalog.chosen[rows[i].mount] == rows[i].chosen);
    }
    check_end();
}

static void a_type_is_the_mounts_own_or_the_common_one(void **state)
{
    static const struct {
        uint32_t mount;
        const char *name, *type;
    } rows[] = {
        {0, "a.foo", "application/foo"}, {0, "x/special", "text/special"},
        {0, "a.css", "text/css"},        {1, "a.foo", "application/octet-stream"},
        {9, "a.css", "text/css"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct catalog_mount mount = catalog_mount(&catalog, rows[i].mount);
        CHECK(rows[i].name,
              is(catalog_media_type(&catalog, &mount, slice_of(rows[i].name)), rows[i].type));
    }
    check_end();
}

static void a_delivery_is_one_of_four_words(void **state)
{
    static const char *const words[] = {"body", "x-sendfile", "local-redirect", "x-accel-redirect"};
    (void)state;
    assert_int_equal(COUNT(words), DELIVERY_COUNT);
    for (int i = 0; i < DELIVERY_COUNT; i++) {
        assert_int_equal(delivery_of(slice_of(words[i])), i);
        assert_string_equal(delivery_name((enum delivery)i), words[i]);
    }
    assert_int_equal(delivery_of(slice_of("local-redirect ")), DELIVERY_COUNT);
    assert_int_equal(delivery_of(slice_of("X-Sendfile")), DELIVERY_COUNT);
    assert_int_equal(delivery_of(slice_of("")), DELIVERY_COUNT);
    assert_int_equal(delivery_of(slice_of(NULL)), DELIVERY_COUNT);
}

static void the_same_input_gives_the_same_bytes(void **state)
{
    struct sample again = sample_make(pool);
    (void)state;
    assert_int_equal(again.size, sample.size);
    assert_memory_equal(again.block, sample.block, again.size);
    free(again.block);
}

static void a_name_given_twice_keeps_its_first_entry(void **state)
{
    struct writer *writer = writer_make(pool);
    struct writer_entry first = {.path = "first.js", .type = "text/javascript"};
    struct writer_entry second = {.path = "second.js", .type = "text/javascript"};
    struct catalog small;
    struct catalog_entry entry;
    struct error error;
    void *block;
    uint64_t size;
    (void)state;
    writer_set_site(writer, DELIVERY_BODY, "");
    sample_mount(writer, pool, "/", "/srv");
    uint32_t a = writer_add_entry(writer, &first), b = writer_add_entry(writer, &second);
    writer_add_hashed_name(writer, 0, "x.js", a);
    writer_add_hashed_name(writer, 0, "x.js", b);
    writer_add_hashed_name(writer, 0, "y.js", b);
    writer_add_hashed_name(writer, 0, "y.js", a);
    assert_int_equal(writer_finish(writer, &block, &size, &error), 0);
    assert_int_equal(catalog_open(&small, block, size, &error), 0);
    assert_int_equal(catalog_verify(&small, &error), 0);
    assert_true(catalog_find(&small, 0, slice_of("x.js"), &entry));
    assert_true(is(entry.path, "first.js"));
    assert_true(catalog_find(&small, 0, slice_of("y.js"), &entry));
    if (!is(entry.path, "second.js")) {
        print_error("y.js was added with second.js first, but %.*s answers\n", (int)entry.path.len,
                    entry.path.at);
    }
    bool kept_first = is(entry.path, "second.js");
    free(block);
    assert_true(kept_first);
}

static void ten_thousand_names_are_all_found(void **state)
{
    enum {
        NAMES = 10000
    };
    struct writer *writer = writer_make(pool);
    struct catalog large;
    struct catalog_entry entry;
    struct error error;
    void *block;
    uint64_t size;
    char name[64];
    (void)state;
    writer_set_site(writer, DELIVERY_BODY, "");
    sample_mount(writer, pool, "/static/", "/srv");
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "dir%d/file%d.%012x.js", i % 97, i, (unsigned)i * 2654435761u);
        struct writer_entry one = {
            .path = name, .type = "text/javascript", .sized = true, .size = (uint64_t)i};
        writer_add_hashed_name(writer, 0, apr_pstrdup(pool, name), writer_add_entry(writer, &one));
    }
    assert_int_equal(writer_finish(writer, &block, &size, &error), 0);
    assert_int_equal(catalog_open(&large, block, size, &error), 0);
    assert_int_equal(catalog_verify(&large, &error), 0);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "dir%d/file%d.%012x.js", i % 97, i, (unsigned)i * 2654435761u);
        CHECK(name, catalog_find(&large, 0, slice_of(name), &entry) && entry.size == (uint64_t)i);
        name[0] = 'D';
        CHECK(name, !catalog_find(&large, 0, slice_of(name), &entry));
    }
    free(block);
    check_end();
}

static void an_empty_catalog_is_sound(void **state)
{
    struct writer *writer = writer_make(pool);
    struct catalog empty;
    struct catalog_entry entry;
    struct error error;
    void *block;
    uint64_t size;
    struct catalog_mount mounts[CATALOG_MOUNTS_MAX];
    uint32_t mount;
    struct slice name;
    (void)state;
    writer_set_site(writer, DELIVERY_BODY, "");
    assert_int_equal(writer_finish(writer, &block, &size, &error), 0);
    assert_int_equal(catalog_open(&empty, block, size, &error), 0);
    assert_int_equal(catalog_verify(&empty, &error), 0);
    assert_false(catalog_find_mount(mounts, catalog_read_mounts(&empty, mounts),
                                    slice_of("/static/a"), &mount, &name));
    assert_false(catalog_find(&empty, 0, slice_of("a"), &entry));
    assert_int_equal(choose(&empty, 0, NULL, NULL, &error), 0);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_about_the_site_is_read),
        cmocka_unit_test(what_was_written_about_a_mount_is_read),
        cmocka_unit_test(the_fields_of_a_mount_are_read_in_their_order),
        cmocka_unit_test(what_was_written_about_a_release_is_read),
        cmocka_unit_test(the_mount_with_the_longest_url_answers),
        cmocka_unit_test(names_are_found_by_mount_and_release),
        cmocka_unit_test(without_a_choice_no_original_name_answers),
        cmocka_unit_test(an_entry_says_all_about_its_file),
        cmocka_unit_test(the_release_is_chosen_by_wish_then_link_then_date),
        cmocka_unit_test(a_type_is_the_mounts_own_or_the_common_one),
        cmocka_unit_test(a_delivery_is_one_of_four_words),
        cmocka_unit_test(the_same_input_gives_the_same_bytes),
        cmocka_unit_test(a_name_given_twice_keeps_its_first_entry),
        cmocka_unit_test(ten_thousand_names_are_all_found),
        cmocka_unit_test(an_empty_catalog_is_sound),
    };
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
