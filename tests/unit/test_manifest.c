#include "check.h"
#include "compile/manifest.h"
#include "scratch.h"

#include <apr_general.h>

static apr_pool_t *pool;
static struct scratch scratch;

static int make(void **state)
{
    (void)state;
    scratch = scratch_make();
    return apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static int read_text(struct manifest *manifest, const char *text, struct error *error)
{
    *error = (struct error){0};
    scratch_write(&scratch, "staticfiles.json", text);
    return manifest_read(manifest, scratch.fd, "staticfiles.json", pool, error);
}

static const struct manifest_pair *pair(const struct manifest *manifest, int index)
{
    return &((const struct manifest_pair *)(const void *)manifest->pairs->elts)[index];
}

#define V1 "\"version\": \"1.0\""
#define PATHS(pairs) "{\"paths\": {" pairs "}, " V1 "}"

static void a_manifest_is_read_or_its_fault_is_named(void **state)
{
    static const struct {
        const char *label, *text;
        enum diagnosis number; /* 0: read */
        int pairs;
        unsigned refused;
    } rows[] = {
        {"1.0", PATHS("\"a.css\": \"a.27e20196a850.css\""), 0, 1, 0},
        {"1.1 with its hash",
         "{\"paths\": {\"a\": \"b\"}, \"version\": \"1.1\", \"hash\": \"0123\"}", 0, 1, 0},
        {"version before paths", "{" V1 ", \"paths\": {\"a\": \"b\"}}", 0, 1, 0},
        {"unknown keys", "{\"x\": [1, {}], \"paths\": {\"a\": \"b\"}, " V1 ", \"y\": null}", 0, 1,
         0},
        {"no paths at all in it", PATHS(""), 0, 0, 0},
        {"escaped", PATHS("\"\\u00e9.css\": \"a\\/b.css\""), 0, 1, 0},
        {"UTF-8", PATHS("\"\xc3\xa9.css\": \"b\""), 0, 1, 0},
        {"a name mapped to itself", PATHS("\"a\": \"a\""), 0, 1, 0},
        {"name climbs", PATHS("\"../a\": \"b\", \"c\": \"d\""), 0, 1, 1},
        {"file climbs", PATHS("\"a\": \"b/../../c\""), 0, 0, 1},
        {"file is absolute", PATHS("\"a\": \"/etc/passwd\""), 0, 0, 1},
        {"name is absolute", PATHS("\"/a\": \"b\""), 0, 0, 1},
        {"a newline", PATHS("\"a\\nb\": \"c\", \"d\": \"e\\nf\""), 0, 0, 2},
        {"a NUL in the file", PATHS("\"a\": \"b\\u0000c\""), 0, 0, 1},
        {"empty name", PATHS("\"\": \"b\""), 0, 0, 1},
        {"empty file", PATHS("\"a\": \"\""), 0, 0, 1},
        {"a directory", PATHS("\"a\": \"b/\""), 0, 0, 1},
        {"an empty segment", PATHS("\"a\": \"b//c\""), 0, 0, 1},
        {"a file that is no string", PATHS("\"a\": 1, \"b\": null, \"c\": {}, \"d\": []"), 0, 0, 4},
        {"version 2", "{\"paths\": {}, \"version\": \"2.0\"}", HB_MANIFEST_VERSION, 0, 0},
        {"version 1", "{\"paths\": {}, \"version\": \"1\"}", HB_MANIFEST_VERSION, 0, 0},
        {"version 1.10", "{\"paths\": {}, \"version\": \"1.10\"}", HB_MANIFEST_VERSION, 0, 0},
        {"version is a number", "{\"paths\": {}, \"version\": 1.0}", HB_MANIFEST_SHAPE, 0, 0},
        {"no version", "{\"paths\": {}}", HB_MANIFEST_SHAPE, 0, 0},
        {"no paths", "{" V1 "}", HB_MANIFEST_SHAPE, 0, 0},
        {"paths is a list", "{\"paths\": [], " V1 "}", HB_MANIFEST_SHAPE, 0, 0},
        {"paths is null", "{\"paths\": null, " V1 "}", HB_MANIFEST_SHAPE, 0, 0},
        {"an empty object", "{}", HB_MANIFEST_SHAPE, 0, 0},
        {"a list", "[]", HB_MANIFEST_SHAPE, 0, 0},
        {"a package.json", "{\"name\": \"x\", \"version\": \"1.0\"}", HB_MANIFEST_SHAPE, 0, 0},
        {"empty", "", HB_MANIFEST_NOT_JSON, 0, 0},
        {"spaces", " \n", HB_MANIFEST_NOT_JSON, 0, 0},
        {"not JSON", "hello", HB_MANIFEST_NOT_JSON, 0, 0},
        {"HTML", "<!doctype html>", HB_MANIFEST_NOT_JSON, 0, 0},
        {"something behind it", PATHS("") "x", HB_MANIFEST_NOT_JSON, 0, 0},
        {"not UTF-8", PATHS("\"a\xff\": \"b\""), HB_MANIFEST_NOT_JSON, 0, 0},
        {"half a surrogate", PATHS("\"a\": \"\\ud800\""), HB_MANIFEST_NOT_JSON, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct manifest manifest;
        struct error error;
        int result = read_text(&manifest, rows[i].text, &error);
        bool right = CHECK(rows[i].label, result == (rows[i].number ? -1 : 0));
        right = CHECK(rows[i].label, error.number == rows[i].number) && right;
        if (result == 0) {
            CHECK(rows[i].label, manifest.pairs->nelts == rows[i].pairs);
            CHECK(rows[i].label, manifest.refused == rows[i].refused);
            CHECK(rows[i].label, (manifest.first_refused != NULL) == (rows[i].refused > 0));
        } else {
            CHECK(rows[i].label,
                  strstr(error.text, "staticfiles.json") && !strstr(error.text, scratch.path));
        }
        if (!right) {
            print_error("    HB%04d %s\n", (int)error.number, error.text);
        }
    }
    check_end();
}

static void a_nul_in_a_name_never_becomes_a_shorter_name(void **state)
{
    struct manifest manifest;
    struct error error;
    (void)state;
    int result = read_text(&manifest, PATHS("\"a\\u0000b\": \"c\", \"d\": \"e\""), &error);
    if (result == 0) {
        assert_int_equal(manifest.refused, 1);
        assert_int_equal(manifest.pairs->nelts, 1);
    } else {
        assert_int_equal(error.number, HB_MANIFEST_NOT_JSON);
    }
}

static void names_and_digest_come_out_as_they_stand(void **state)
{
    struct manifest manifest;
    struct error error;
    (void)state;
    assert_int_equal(read_text(&manifest, PATHS("\"\\u00e9.css\": \"a\\/b.css\""), &error), 0);
    assert_string_equal(pair(&manifest, 0)->original, "\xc3\xa9.css");
    assert_string_equal(pair(&manifest, 0)->hashed, "a/b.css");
    assert_int_equal(manifest.status.st_mtim.tv_sec, SCRATCH_OLD);
    assert_int_equal(read_text(&manifest, "{\"paths\": {}, \"version\": \"1.0\"}", &error), 0);
    assert_string_equal(manifest.md5, "fa6f89706fedd8990f4f1ecda23e7f92");
}

static void a_manifest_cut_at_any_byte_is_never_half_believed(void **state)
{
    static const char whole[] =
        "{\"paths\": {\"a.css\": \"a.27e20196a850.css\", \"b\": \"c\"}, \"version\": \"1.1\"}";
    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char cut[sizeof whole];
        struct manifest manifest;
        struct error error;
        snprintf(cut, sizeof cut, "%.*s", (int)len, whole);
        CHECK(cut, read_text(&manifest, cut, &error) == -1 && error.number == HB_MANIFEST_NOT_JSON);
    }
    check_end();
}

static void deep_nesting_is_no_manifest(void **state)
{
    enum {
        DEPTH = 200000
    };
    char *text = malloc(DEPTH + 64);
    struct manifest manifest;
    struct error error;
    (void)state;
    assert_non_null(text);
    strcpy(text, "{\"paths\": ");
    size_t start = strlen(text);
    memset(text + start, '[', DEPTH);
    text[start + DEPTH] = '\0';
    assert_int_equal(read_text(&manifest, text, &error), -1);
    assert_int_equal(error.number, HB_MANIFEST_NOT_JSON);
    free(text);
}

static void a_hundred_thousand_names_are_read(void **state)
{
    enum {
        NAMES = 100000
    };
    char *text = malloc(NAMES * 64 + 64);
    struct manifest manifest;
    struct error error;
    (void)state;
    assert_non_null(text);
    size_t at = (size_t)sprintf(text, "{\"paths\": {");
    for (int i = 0; i < NAMES; i++) {
        at +=
            (size_t)sprintf(text + at, "%s\"f%d.js\": \"f%d.27e20196a850.js\"", i ? "," : "", i, i);
    }
    strcpy(text + at, "}, " V1 "}");
    assert_int_equal(read_text(&manifest, text, &error), 0);
    assert_int_equal(manifest.pairs->nelts, NAMES);
    free(text);
}

static void what_is_no_file_is_no_manifest(void **state)
{
    static const char *const names[] = {"missing.json", "dir",       "fifo",
                                        "out.json",     "../x.json", "loop.json"};
    (void)state;
    mkdirat(scratch.fd, "dir", 0755);
    mkfifoat(scratch.fd, "fifo", 0644);
    scratch_link(&scratch, "out.json", "/etc/passwd");
    scratch_link(&scratch, "loop.json", "loop.json");
    alarm(10); /* a FIFO must not hang */
    for (size_t i = 0; i < COUNT(names); i++) {
        struct manifest manifest;
        struct error error = {0};
        CHECK(names[i], manifest_read(&manifest, scratch.fd, names[i], pool, &error) == -1 &&
                            error.number == HB_MANIFEST_UNREADABLE);
    }
    alarm(0);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_is_read_or_its_fault_is_named),
        cmocka_unit_test(a_nul_in_a_name_never_becomes_a_shorter_name),
        cmocka_unit_test(names_and_digest_come_out_as_they_stand),
        cmocka_unit_test(a_manifest_cut_at_any_byte_is_never_half_believed),
        cmocka_unit_test(deep_nesting_is_no_manifest),
        cmocka_unit_test(a_hundred_thousand_names_are_read),
        cmocka_unit_test(what_is_no_file_is_no_manifest),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
