/* From a little tree on disk to a catalog. */
#include "check.h"
#include "compile/compile.h"
#include "compile/manifests.h"
#include "scratch.h"

#include <apr_general.h>

#define A_HASH "27e20196a850"
#define B_HASH "111111111111"

static apr_pool_t *pool;
static struct scratch tree;
static struct settings settings;
static struct compiled compiled;
static struct catalog catalog;

static int make(void **state)
{
    char *environment[] = {NULL};
    struct error error;
    (void)state;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    tree = scratch_make();
    settings_read(&settings, environment, pool, &error); /* fails: there is no root yet */
    settings.mounts = 1;
    settings.mount[0] = settings_default_mount(MOUNT_STATIC, pool);
    settings.mount[0].root = tree.path;
    return 0;
}

static int drop(void **state)
{
    (void)state;
    free(compiled.block);
    compiled = (struct compiled){0};
    scratch_remove(&tree);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static bool is_the_tree(const void *context, struct slice root)
{
    (void)context;
    return slice_equal(root, slice_of(tree.path));
}

static int choose(const char *wanted, const char *current, struct error *error)
{
    struct catalog_wish wish = {
        .wanted = slice_of(wanted), .current = slice_of(current), .is_here = is_the_tree};
    return catalog_choose(&catalog, 0, &wish, error);
}

/* Compiles anew; what was compiled before is what it may remember. */
static void compile(void)
{
    struct error error = {0};
    struct compiled before = compiled;
    free(compiled.block);
    assert_int_equal(
        compile_site(&settings,
                     &(struct compile_options){.before = before.manifests ? &before : NULL},
                     &compiled, pool, &error),
        0);
    assert_int_equal(catalog_open(&catalog, compiled.block, compiled.size, &error), 0);
    if (catalog_verify(&catalog, &error) != 0) {
        fail_msg("%s", error.text);
    }
    choose(settings.mount[0].release, NULL, &error);
}

static void write_manifest(const char *name, const char *pairs)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"version\": \"1.0\", \"paths\": {%s}}", pairs);
    scratch_write(&tree, name, text);
}

static bool find(const char *name, struct catalog_entry *entry)
{
    return catalog_find(&catalog, 0, slice_of(name), entry);
}

static bool is(struct slice text, const char *expected)
{
    return slice_equal(text, slice_of(expected));
}

static void names_of_the_manifest_become_names_of_the_catalog(void **state)
{
    static const struct {
        const char *name, *path; /* path NULL: not there */
        bool hashed;
        const char *hash, *type;
        uint64_t size; /* UINT64_MAX: the file is not there */
        unsigned variants;
    } rows[] = {
        {"css/a.css", "css/a." A_HASH ".css", false, A_HASH, "text/css", 10, 2},
        {"css/a." A_HASH ".css", "css/a." A_HASH ".css", true, A_HASH, "text/css", 10, 2},
        {"LICENSE", "LICENSE." B_HASH, false, B_HASH, "application/octet-stream", 3, 0},
        {"a.js.map", "a.js." B_HASH ".map", false, B_HASH, "application/json", 2, 0},
        {"gone.js", "gone." A_HASH ".js", false, A_HASH, "text/javascript", UINT64_MAX, 0},
        {"vite.js", "dist/vite-abc.js", false, "", "text/javascript", 4, 0},
        {"dist/vite-abc.js", NULL, false, NULL, NULL, 0, 0},
        {"self.txt", "self.txt", false, "", "text/plain", 4, 0},
        {"css/a.css.br", NULL, false, NULL, NULL, 0, 0},
        {"data.json", "data." A_HASH ".json", false, A_HASH, "application/json", 2, 0},
        {"data.json.gz", "data." A_HASH ".json.gz", false, "", "application/gzip", 4, 0},
        {"live.txt", NULL, false, NULL, NULL, 0, 0},
        {"../x", NULL, false, NULL, NULL, 0, 0},
    };
    (void)state;
    scratch_write(&tree, "css/a." A_HASH ".css", "0123456789");
    scratch_write(&tree, "css/a." A_HASH ".css.br", "br");
    scratch_write(&tree, "css/a." A_HASH ".css.gz", "gz..");
    scratch_write(&tree, "LICENSE." B_HASH, "MIT");
    scratch_write(&tree, "a.js." B_HASH ".map", "{}");
    scratch_write(&tree, "dist/vite-abc.js", "vite");
    scratch_write(&tree, "self.txt", "self");
    scratch_write(&tree, "live.txt", "live");
    scratch_write(&tree, "data." A_HASH ".json", "{}");
    scratch_write(&tree, "data." A_HASH ".json.gz", "gzip");
    write_manifest("staticfiles.json",
                   "\"css/a.css\": \"css/a." A_HASH ".css\", \"LICENSE\": \"LICENSE." B_HASH "\","
                   "\"a.js.map\": \"a.js." B_HASH ".map\", \"gone.js\": \"gone." A_HASH ".js\","
                   "\"vite.js\": \"dist/vite-abc.js\", \"self.txt\": \"self.txt\","
                   "\"../x\": \"y\", \"data.json\": \"data." A_HASH ".json\","
                   "\"data.json.gz\": \"data." A_HASH ".json.gz\"");
    compile();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct catalog_entry entry;
        bool found = find(rows[i].name, &entry);
        if (!CHECK(rows[i].name, found == (rows[i].path != NULL)) || !found) {
            continue;
        }
        CHECK(rows[i].name, is(entry.path, rows[i].path));
        CHECK(rows[i].name, entry.hashed == rows[i].hashed);
        CHECK(rows[i].name, is(entry.hash, rows[i].hash));
        CHECK(rows[i].name, is(entry.type, rows[i].type));
        CHECK(rows[i].name, entry.sized == (rows[i].size != UINT64_MAX));
        CHECK(rows[i].name, !entry.sized || entry.size == rows[i].size);
        CHECK(rows[i].name, entry.variants == rows[i].variants);
    }
    check_end();
}

static void a_name_that_a_manifest_lists_is_content_and_no_sibling(void **state)
{
    struct catalog_entry entry;
    (void)state;
    scratch_write(&tree, "data." A_HASH ".json", "{}");
    scratch_write(&tree, "data." A_HASH ".json.gz", "g");
    scratch_write(&tree, "data." A_HASH ".json.br", "b");
    write_manifest("staticfiles.json", "\"data.json\": \"data." A_HASH ".json\","
                                       "\"data.json.gz\": \"data." A_HASH ".json.gz\"");
    compile();
    assert_true(find("data.json", &entry));
    assert_int_equal(entry.variants, 1);
    assert_int_equal(entry.variant[0].coding, CODING_BR);
    assert_true(find("data.json.gz", &entry));
    assert_int_equal(entry.variants, 0);
}

static void each_coding_has_one_sibling(void **state)
{
    struct catalog_entry entry;
    (void)state;
    scratch_write(&tree, "a." A_HASH ".js", "0123456789");
    scratch_write(&tree, "a." A_HASH ".js.br", "b");
    scratch_write(&tree, "a." A_HASH ".js.zst", "z");
    scratch_write(&tree, "a." A_HASH ".js.zstd", "zz");
    scratch_write(&tree, "a." A_HASH ".js.gz", "g");
    write_manifest("staticfiles.json", "\"a.js\": \"a." A_HASH ".js\"");
    compile();
    assert_true(find("a.js", &entry));
    assert_int_equal(entry.variants, 3);
    assert_int_equal(entry.variant[0].coding, CODING_BR);
    assert_int_equal(entry.variant[1].coding, CODING_ZSTD);
    assert_true(is(entry.variant[1].suffix, ".zst"));
    assert_int_equal(entry.variant[2].coding, CODING_GZIP);
}

static struct catalog_release release_of(const char *id)
{
    for (uint32_t i = 0; i < catalog_releases(&catalog); i++) {
        if (is(catalog_release(&catalog, i).id, id)) {
            return catalog_release(&catalog, i);
        }
    }
    return (struct catalog_release){0};
}

static void a_release_is_named_after_the_directory_of_its_manifest(void **state)
{
    struct catalog_entry entry;
    struct error error;
    (void)state;
    write_manifest("v1/staticfiles.json", "\"a.js\": \"a." A_HASH ".js\"");
    write_manifest("v2/staticfiles.json", "\"a.js\": \"a." B_HASH ".js\"");
    scratch_age(&tree, "v2/staticfiles.json", SCRATCH_OLD + 5);
    write_manifest("deep/er/staticfiles.json", "\"a.js\": \"x.js\"");
    write_manifest(".hidden/staticfiles.json", "\"a.js\": \"x.js\"");
    compile();
    assert_int_equal(catalog_releases(&catalog), 2);
    assert_int_equal(release_of("v1").homes, 1);
    assert_true(release_of("v2").published > release_of("v1").published);
    assert_int_equal(compiled.manifests->nelts, 2);
    assert_true(find("a.js", &entry) && is(entry.hash, B_HASH));
    assert_int_equal(choose(NULL, "v1", &error), 0);
    assert_true(find("a.js", &entry) && is(entry.hash, A_HASH));
    assert_int_equal(choose("v2", "v1", &error), 0);
    assert_true(find("a.js", &entry) && is(entry.hash, B_HASH));
    assert_true(find("a." A_HASH ".js", &entry) && entry.hashed);
}

static void the_manifest_at_the_root_is_named_by_release_id_or_its_md5(void **state)
{
    (void)state;
    write_manifest("staticfiles.json", "");
    compile();
    assert_int_equal(catalog_releases(&catalog), 1);
    assert_true(is(catalog_release(&catalog, 0).id, "b483b04c2b6d"));
    settings.mount[0].release = "v7";
    compile();
    assert_true(is(catalog_release(&catalog, 0).id, "v7"));
    write_manifest("v7/staticfiles.json", "");
    compile();
    assert_int_equal(catalog_releases(&catalog), 2);
    assert_non_null(release_of("v7").id.at);
    assert_non_null(release_of("b483b04c2b6d").id.at);
}

static void a_broken_manifest_is_said_and_the_others_count(void **state)
{
    struct catalog_entry entry;
    (void)state;
    scratch_write(&tree, "staticfiles.json", "{\"paths\": {");
    write_manifest("v1/staticfiles.json", "\"a.js\": \"a." A_HASH ".js\"");
    compile();
    assert_int_equal(catalog_releases(&catalog), 1);
    assert_true(find("a.js", &entry));
}

static void a_manifest_that_cannot_be_had_counts_as_it_was(void **state)
{
    struct catalog_entry entry;
    (void)state;
    write_manifest("staticfiles.json", "\"a.js\": \"a." A_HASH ".js\"");
    compile();
    scratch_write(&tree, "staticfiles.json", "{\"paths\": {");
    compile();
    assert_true(find("a.js", &entry));
    scratch_unlink(&tree, "staticfiles.json");
    compile();
    assert_true(find("a.js", &entry));
    assert_true(compiled.watch.expires > 0);
    write_manifest("staticfiles.json", "\"b.js\": \"b." A_HASH ".js\"");
    compile();
    assert_false(find("a.js", &entry));
    assert_true(find("b.js", &entry));
}

static void a_manifest_gone_for_a_minute_counts_no_more(void **state)
{
    struct catalog_entry entry;
    (void)state;
    write_manifest("staticfiles.json", "\"a.js\": \"a." A_HASH ".js\"");
    compile();
    scratch_unlink(&tree, "staticfiles.json");
    compile();
    struct kept_manifest *kept = (struct kept_manifest *)(void *)compiled.manifests->elts;
    kept->gone_since -= MANIFESTS_PATIENCE;
    compile();
    assert_false(find("a.js", &entry));
    assert_int_equal(compiled.manifests->nelts, 0);
}

static void a_release_whose_directory_is_gone_counts_no_more(void **state)
{
    struct catalog_entry entry;
    (void)state;
    write_manifest("v1/staticfiles.json", "\"a.js\": \"a." A_HASH ".js\"");
    compile();
    scratch_unlink(&tree, "v1/staticfiles.json");
    scratch_unlink(&tree, "v1");
    compile();
    assert_false(find("a.js", &entry));
}

static void one_broken_manifest_does_not_hold_another_back(void **state)
{
    struct catalog_entry entry;
    (void)state;
    write_manifest("staticfiles.json", "\"a.js\": \"a." A_HASH ".js\"");
    write_manifest("old/staticfiles.json", "\"o.js\": \"o." A_HASH ".js\"");
    compile();
    scratch_write(&tree, "old/staticfiles.json", "{");
    write_manifest("staticfiles.json", "\"b.js\": \"b." A_HASH ".js\"");
    compile();
    assert_true(find("b." A_HASH ".js", &entry));
    assert_true(find("o." A_HASH ".js", &entry));
    assert_false(find("a." A_HASH ".js", &entry));
}

static void no_manifest_and_no_root_are_no_faults(void **state)
{
    (void)state;
    scratch_write(&tree, "live.txt", "live");
    compile();
    assert_int_equal(catalog_releases(&catalog), 0);
    settings.mount[0].root = "/nowhere/static";
    compile();
    assert_int_equal(catalog_mounts(&catalog), 1);
}

static void a_mounts_own_types_are_written_into_its_entries(void **state)
{
    struct catalog_entry entry;
    struct error error;
    (void)state;
    assert_int_equal(settings_add_type(&settings.mount[0], ".css", "text/x-own", &error), 0);
    write_manifest("staticfiles.json", "\"a.css\": \"a." A_HASH ".css\"");
    compile();
    assert_true(find("a.css", &entry) && is(entry.type, "text/x-own"));
    struct catalog_mount mount = catalog_mount(&catalog, 0);
    assert_true(is(catalog_media_type(&catalog, &mount, slice_of("live.css")), "text/x-own"));
}

static void everything_about_a_mount_is_written_into_the_catalog(void **state)
{
    struct settings_mount *mount = &settings.mount[0];
    const struct settings_field fields[] = {{"a/*", "X-A", "1"}, {"*", "X-B", NULL}};
    struct error error;
    struct catalog_field field;
    (void)state;
    mount->immutable = "dist/*:*.mjs";
    mount->follow = "/a:/b";
    mount->index_file = "home.htm";
    mount->delivery_url = "/internal/";
    mount->delivery_root = "/backend";
    mount->kind = MOUNT_ROOT;
    settings.delivery = DELIVERY_LOCAL_REDIRECT;
    for (size_t i = 0; i < COUNT(fields); i++) {
        assert_int_equal(settings_add_field(mount, &fields[i], &error), 0);
    }
    settings.mount[1] = settings_default_mount(MOUNT_MEDIA, pool);
    settings.mount[1].root = tree.path;
    settings_add_field(&settings.mount[1], &(struct settings_field){"*", "X-C", "3"}, &error);
    settings.mounts = 2;
    compile();
    struct catalog_mount first = catalog_mount(&catalog, 0), second = catalog_mount(&catalog, 1);
    assert_int_equal(catalog_site(&catalog).delivery, DELIVERY_LOCAL_REDIRECT);
    assert_true(is(first.immutable, "dist/*:*.mjs") && is(first.follow, "/a:/b"));
    assert_true(is(first.index_file, "home.htm") && is(first.delivery_url, "/internal/"));
    assert_true(is(first.delivery_root, "/backend"));
    assert_true(first.kind == MOUNT_ROOT && second.kind == MOUNT_MEDIA);
    assert_true(first.fields == 2 && second.fields == 1);
    assert_true(catalog_field(&catalog, &first, 1, &field));
    assert_true(field.removed && is(field.glob, "*") && is(field.name, "X-B"));
    assert_true(catalog_field(&catalog, &second, 0, &field));
    assert_true(!field.removed && is(field.name, "X-C") && is(field.value, "3"));
}

/* What the settings take must not make the whole catalog one that nobody believes. */
static void every_field_that_the_settings_take_is_sound_in_the_catalog(void **state)
{
    static const struct settings_field fields[] = {
        {"*", "X-A", "a b"},           {"*", "X-A", "a\tb"},      {"*", "X-A", "caf\xc3\xa9 \xff"},
        {"a b/[!x]*", "X-A", "\"q\""}, {"\xff*", "!#$%&'*", "~"}, {"*", "X-A", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct error error = {0};
        settings.mount[0] = settings_default_mount(MOUNT_STATIC, pool);
        settings.mount[0].root = tree.path;
        if (settings_add_field(&settings.mount[0], &fields[i], &error) != 0) {
            continue; /* refused with its name is right too */
        }
        struct compiled one;
        assert_int_equal(compile_site(&settings, &(struct compile_options){0}, &one, pool, &error),
                         0);
        CHECK(fields[i].value ? fields[i].value : "removed",
              catalog_open(&catalog, one.block, one.size, &error) == 0 &&
                  catalog_verify(&catalog, &error) == 0);
        free(one.block);
    }
    check_end();
}

static void the_same_tree_gives_the_same_bytes(void **state)
{
    (void)state;
    scratch_write(&tree, "css/a." A_HASH ".css", "0123456789");
    write_manifest("staticfiles.json",
                   "\"b.js\": \"b." B_HASH ".js\", \"css/a.css\": \"css/a." A_HASH ".css\"");
    write_manifest("v1/staticfiles.json", "\"b.js\": \"b." A_HASH ".js\"");
    compile();
    void *before = malloc(compiled.size);
    uint64_t size = compiled.size;
    assert_non_null(before);
    memcpy(before, compiled.block, size);
    compile();
    assert_int_equal(compiled.size, size);
    assert_memory_equal(compiled.block, before, size);
    free(before);
}

static void a_watch_tells_when_what_was_read_is_not_what_it_was(void **state)
{
    (void)state;
    scratch_write(&tree, "css/a." A_HASH ".css", "0123456789");
    write_manifest("staticfiles.json", "\"css/a.css\": \"css/a." A_HASH ".css\"");
    scratch_age(&tree, "css", SCRATCH_OLD);
    scratch_age(&tree, ".", SCRATCH_OLD);
    compile();
    assert_false(watch_changed(&compiled.watch));
    scratch_write(&tree, "css/b.css", "new");
    assert_true(watch_changed(&compiled.watch));
    /* Setting the old time again does not hide it. */
    scratch_age(&tree, "css", SCRATCH_OLD);
    assert_true(watch_changed(&compiled.watch));
    compile();
    assert_false(watch_changed(&compiled.watch));
    scratch_age(&tree, "staticfiles.json", SCRATCH_OLD + 1);
    assert_true(watch_changed(&compiled.watch));
    compile();
    assert_false(watch_changed(&compiled.watch));
    assert_int_equal(chmod(tree.path, 0700), 0);
    assert_true(watch_changed(&compiled.watch));
}

static void of_a_place_only_the_place_is_watched(void **state)
{
    struct watch watch = watch_make(pool);
    struct stat seen;
    (void)state;
    assert_int_equal(stat(tree.path, &seen), 0);
    watch_add_place(&watch, tree.path, &seen);
    scratch_write(&tree, "upload.png", "new");
    assert_false(watch_changed(&watch));
    assert_int_equal(chmod(tree.path, seen.st_mode ^ 0100), 0);
    assert_true(watch_changed(&watch));
    assert_int_equal(chmod(tree.path, seen.st_mode), 0);
    assert_false(watch_changed(&watch));
}

int main(void)
{
#define ON_A_TREE(test) cmocka_unit_test_setup_teardown(test, make, drop)
    const struct CMUnitTest tests[] = {
        ON_A_TREE(names_of_the_manifest_become_names_of_the_catalog),
        ON_A_TREE(a_name_that_a_manifest_lists_is_content_and_no_sibling),
        ON_A_TREE(each_coding_has_one_sibling),
        ON_A_TREE(a_release_is_named_after_the_directory_of_its_manifest),
        ON_A_TREE(the_manifest_at_the_root_is_named_by_release_id_or_its_md5),
        ON_A_TREE(a_broken_manifest_is_said_and_the_others_count),
        ON_A_TREE(a_manifest_that_cannot_be_had_counts_as_it_was),
        ON_A_TREE(a_manifest_gone_for_a_minute_counts_no_more),
        ON_A_TREE(a_release_whose_directory_is_gone_counts_no_more),
        ON_A_TREE(one_broken_manifest_does_not_hold_another_back),
        ON_A_TREE(no_manifest_and_no_root_are_no_faults),
        ON_A_TREE(a_mounts_own_types_are_written_into_its_entries),
        ON_A_TREE(everything_about_a_mount_is_written_into_the_catalog),
        ON_A_TREE(every_field_that_the_settings_take_is_sound_in_the_catalog),
        ON_A_TREE(the_same_tree_gives_the_same_bytes),
        ON_A_TREE(of_a_place_only_the_place_is_watched),
        ON_A_TREE(a_watch_tells_when_what_was_read_is_not_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
