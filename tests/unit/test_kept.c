/* The list of kept releases, written and read. */
#include "base/replace.h"
#include "check.h"
#include "compile/kept.h"
#include "scratch.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>

#define MD5 "0123456789abcdef0123456789abcdef"

static apr_pool_t *pool;
static struct scratch site;
static char state_path[SCRATCH_PATH + 16];
static int state_fd;

static int make(void **state)
{
    (void)state;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    site = scratch_make();
    scratch_write(&site, "state/x", "");
    snprintf(state_path, sizeof state_path, "%s/state", site.path);
    state_fd = open(state_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return state_fd >= 0 ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    close(state_fd);
    scratch_remove(&site);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static const char *below_site(const char *path)
{
    return apr_pstrcat(pool, site.path, "/", path, NULL);
}

static struct kept_release *add(apr_array_header_t *releases, const char *id, int64_t published)
{
    struct kept_release *release = apr_array_push(releases);
    *release = (struct kept_release){.url = "/static/",
                                     .id = id,
                                     .manifest = "staticfiles.json",
                                     .md5 = MD5,
                                     .published = published,
                                     .roots = apr_array_make(pool, 2, sizeof(const char *))};
    return release;
}

static void add_root(struct kept_release *release, const char *root)
{
    *(const char **)apr_array_push(release->roots) = root;
}

static const char *root_of(const struct kept_release *release, int index)
{
    return ((const char *const *)(const void *)release->roots->elts)[index];
}

static char *text_of_list(void)
{
    char *text = apr_pcalloc(pool, 65536);
    int fd = openat(state_fd, "releases.json", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, 65535) >= 0);
    close(fd);
    return text;
}

static void what_is_written_is_read(void **state)
{
    apr_array_header_t *written = apr_array_make(pool, 2, sizeof(struct kept_release)), *read;
    struct error error;
    (void)state;
    add_root(add(written, "v1", 1), below_site("releases/1/static"));
    struct kept_release *second = add(written, "v\xc3\xa4 2\"", INT64_C(1) << 53);
    second->url = "/other/";
    second->manifest = "v2/staticfiles.json";
    add_root(second, "/");
    add_root(second, state_path);
    add(written, "v3", 3);
    assert_int_equal(kept_write(written, state_fd, state_path, pool, &error), 0);
    assert_int_equal(kept_read(&read, state_fd, state_path, pool, &error), 0);
    assert_int_equal(read->nelts, 3);
    for (int i = 0; i < 3; i++) {
        const struct kept_release *a = kept_at(written, i), *b = kept_at(read, i);
        assert_string_equal(a->url, b->url);
        assert_string_equal(a->id, b->id);
        assert_string_equal(a->manifest, b->manifest);
        assert_string_equal(a->md5, b->md5);
        assert_true(a->published == b->published);
        assert_int_equal(a->roots->nelts, b->roots->nelts);
        for (int r = 0; r < a->roots->nelts; r++) {
            assert_string_equal(root_of(a, r), root_of(b, r));
        }
    }
}

static void roots_are_written_relative_to_where_the_directory_really_is(void **state)
{
    apr_array_header_t *releases = apr_array_make(pool, 1, sizeof(struct kept_release));
    struct error error;
    (void)state;
    scratch_link(&site, "far/away/link", state_path);
    add_root(add(releases, "v1", 1), below_site("releases/1"));
    assert_int_equal(kept_write(releases, state_fd, below_site("far/away/link"), pool, &error), 0);
    assert_non_null(strstr(text_of_list(), "\"../releases/1\""));
    assert_int_equal(kept_read(&releases, state_fd, below_site("far/away/link"), pool, &error), 0);
    assert_string_equal(root_of(kept_at(releases, 0), 0), below_site("releases/1"));
}

static void the_same_list_gives_the_same_bytes_and_leaves_nothing_else(void **state)
{
    apr_array_header_t *releases = apr_array_make(pool, 1, sizeof(struct kept_release));
    struct error error;
    (void)state;
    add_root(add(releases, "v1", 1), below_site("releases/1"));
    assert_int_equal(kept_write(releases, state_fd, state_path, pool, &error), 0);
    const char *first = text_of_list();
    assert_int_equal(kept_write(releases, state_fd, state_path, pool, &error), 0);
    assert_string_equal(first, text_of_list());
    scratch_unlink(&site, "state/releases.json");
    scratch_unlink(&site, "state/x");
    assert_int_equal(unlinkat(site.fd, "state", AT_REMOVEDIR), 0);
    assert_int_equal(mkdirat(site.fd, "state", 0755), 0);
    close(state_fd);
    state_fd = open(state_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void whoever_may_read_the_directory_may_read_the_list_whatever_the_umask(void **state)
{
    static const mode_t modes[][2] = {{0755, 0644}, {0750, 0640}, {0700, 0600}, {0775, 0644}};
    apr_array_header_t *releases = apr_array_make(pool, 1, sizeof(struct kept_release));
    struct error error;
    struct stat status;
    mode_t mask = umask(077);
    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        fchmod(state_fd, modes[i][0]);
        assert_int_equal(kept_write(releases, state_fd, state_path, pool, &error), 0);
        assert_int_equal(fstatat(state_fd, "releases.json", &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, modes[i][1]);
    }
    fchmod(state_fd, 0755);
    umask(mask);
}

static void a_missing_list_is_empty(void **state)
{
    apr_array_header_t *releases;
    struct error error;
    (void)state;
    unlinkat(state_fd, "releases.json", 0);
    assert_int_equal(kept_read(&releases, state_fd, state_path, pool, &error), 0);
    assert_int_equal(releases->nelts, 0);
}

#define LIST(releases) "{\"version\": 1, \"releases\": [" releases "]}"
#define RELEASE_OF(url, id, manifest, md5, published, roots)                                       \
    "{\"url\": " url ", \"id\": " id ", \"manifest\": " manifest ", \"md5\": " md5                 \
    ", \"published\": " published ", \"roots\": " roots "}"
#define GOOD_MD5 "\"" MD5 "\""
#define GOOD RELEASE_OF("\"/static/\"", "\"v1\"", "\"staticfiles.json\"", GOOD_MD5, "1", "[]")

static void a_list_is_believed_as_a_whole_or_not_at_all(void **state)
{
    static const struct {
        const char *label, *text;
        int count; /* -1: refused */
    } rows[] = {
        {"nothing", "", -1},
        {"cut off", "{\"version\": 1, \"rel", -1},
        {"no object", "[]", -1},
        {"no version", "{\"releases\": []}", -1},
        {"another version", "{\"version\": 2, \"releases\": []}", -1},
        {"no releases", "{\"version\": 1}", -1},
        {"releases that are no list", "{\"version\": 1, \"releases\": {}}", -1},
        {"none", LIST(""), 0},
        {"one", LIST(GOOD), 1},
        {"with what a later version may add", "{\"version\": 1, \"more\": 7, \"releases\": []}", 0},
        {"a key twice", "{\"version\": 1, \"version\": 1, \"releases\": []}", -1},
        {"one that is no object", LIST("7"), -1},
        {"one that is empty", LIST("{}"), -1},
        {"the same twice", LIST(GOOD ", " GOOD), -1},
        {"the same id at two URLs",
         LIST(GOOD ", " RELEASE_OF("\"/o/\"", "\"v1\"", "\"s\"", GOOD_MD5, "1", "[]")), 2},
        {"a URL without its slash",
         LIST(RELEASE_OF("\"/static\"", "\"v1\"", "\"s\"", GOOD_MD5, "1", "[]")), -1},
        {"a relative URL", LIST(RELEASE_OF("\"static/\"", "\"v1\"", "\"s\"", GOOD_MD5, "1", "[]")),
         -1},
        {"an empty id", LIST(RELEASE_OF("\"/s/\"", "\"\"", "\"s\"", GOOD_MD5, "1", "[]")), -1},
        {"an id with a line break",
         LIST(RELEASE_OF("\"/s/\"", "\"a\\nb\"", "\"s\"", GOOD_MD5, "1", "[]")), -1},
        {"an id with a NUL",
         LIST(RELEASE_OF("\"/s/\"", "\"a\\u0000b\"", "\"s\"", GOOD_MD5, "1", "[]")), -1},
        {"a number as id", LIST(RELEASE_OF("\"/s/\"", "7", "\"s\"", GOOD_MD5, "1", "[]")), -1},
        {"a manifest outside",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"../s\"", GOOD_MD5, "1", "[]")), -1},
        {"an absolute manifest",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"/s\"", GOOD_MD5, "1", "[]")), -1},
        {"a short md5", LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", "\"abc\"", "1", "[]")), -1},
        {"an md5 that is a path",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", "\"../../../../../../../../etc/passw\"", "1",
                         "[]")),
         -1},
        {"an md5 in capitals",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", "\"0123456789ABCDEF0123456789ABCDEF\"", "1",
                         "[]")),
         -1},
        {"never published", LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", GOOD_MD5, "0", "[]")), -1},
        {"published as text",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", GOOD_MD5, "\"1\"", "[]")), -1},
        {"a number that has no next one",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", GOOD_MD5, "9223372036854775807", "[]")), -1},
        {"a number past 64 bits",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", GOOD_MD5, "18446744073709551617", "[]")), -1},
        {"roots that are no list",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", GOOD_MD5, "1", "\"/r\"")), -1},
        {"a root that is a number",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", GOOD_MD5, "1", "[1]")), -1},
        {"an empty root", LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", GOOD_MD5, "1", "[\"\"]")),
         -1},
        {"a root above the top",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", GOOD_MD5, "1",
                         "[\"../../../../../../../../../../../../x\"]")),
         -1},
        {"an absolute root",
         LIST(RELEASE_OF("\"/s/\"", "\"v\"", "\"s\"", GOOD_MD5, "1", "[\"/\"]")), 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        apr_array_header_t *releases;
        struct error error = {0};
        scratch_write(&site, "state/releases.json", rows[i].text);
        int result = kept_read(&releases, state_fd, state_path, pool, &error);
        CHECK(rows[i].label, (result == 0) == (rows[i].count >= 0));
        CHECK(rows[i].label, result == 0 || error.number == HB_RELEASES_INVALID);
        CHECK(rows[i].label, result != 0 || releases->nelts == rows[i].count);
    }
    check_end();
}

static void what_is_no_ordinary_file_is_not_read(void **state)
{
    apr_array_header_t *releases;
    struct error error;
    (void)state;
    scratch_write(&site, "elsewhere.json", LIST(""));
    unlinkat(state_fd, "releases.json", 0);
    scratch_link(&site, "state/releases.json", "../elsewhere.json");
    assert_int_equal(kept_read(&releases, state_fd, state_path, pool, &error), -1);
    unlinkat(state_fd, "releases.json", 0);
    assert_int_equal(mkfifoat(state_fd, "releases.json", 0644), 0);
    assert_int_equal(kept_read(&releases, state_fd, state_path, pool, &error), -1);
    assert_int_equal(error.number, HB_RELEASES_INVALID);
    unlinkat(state_fd, "releases.json", 0);
}

static void what_json_cannot_hold_leaves_the_old_list(void **state)
{
    apr_array_header_t *good = apr_array_make(pool, 1, sizeof(struct kept_release));
    apr_array_header_t *bad = apr_array_make(pool, 1, sizeof(struct kept_release));
    struct error error;
    (void)state;
    add(good, "v1", 1);
    add_root(add(bad, "v1", 1), "/srv/\xff");
    assert_int_equal(kept_write(good, state_fd, state_path, pool, &error), 0);
    const char *before = text_of_list();
    assert_int_equal(kept_write(bad, state_fd, state_path, pool, &error), -1);
    assert_int_equal(error.number, HB_WRITE_FAILED);
    bad = apr_array_make(pool, 1, sizeof(struct kept_release));
    add_root(add(bad, "v\xff", 1), "/srv");
    assert_int_equal(kept_write(bad, state_fd, state_path, pool, &error), -1);
    assert_string_equal(before, text_of_list());
    assert_true(kept_can_hold("v\xc3\xa4 2"));
    assert_false(kept_can_hold("v\xff") || kept_can_hold("") || kept_can_hold("a\nb"));
}

static int write_as_nobody(void *context)
{
    struct error error = {0};
    int result = kept_write(context, state_fd, state_path, pool, &error);
    return result == -1 && error.number == HB_WRITE_FAILED ? 0 : 1;
}

static void a_list_that_cannot_be_written_says_so(void **state)
{
    apr_array_header_t *releases = apr_array_make(pool, 1, sizeof(struct kept_release));
    (void)state;
    assert_int_equal(scratch_as_nobody(write_as_nobody, releases), 0);
}

static void a_replaced_file_has_the_time_and_mode_that_were_asked_for(void **state)
{
    const struct replace_access access = {.mode = 0604, .owner = geteuid(), .group = getegid()};
    const struct timespec modified = {.tv_sec = SCRATCH_OLD, .tv_nsec = 5};
    struct stat status;
    char name[REPLACE_NAME];
    (void)state;
    assert_int_equal(replace_file(site.fd, "r", "abc", 3, &access, &modified), 0);
    assert_int_equal(fstatat(site.fd, "r", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0604);
    assert_int_equal(status.st_mtim.tv_sec, SCRATCH_OLD);
    assert_int_equal(status.st_mtim.tv_nsec, 5);
    assert_int_equal(status.st_size, 3);
    assert_int_equal(mkdirat(site.fd, "directory", 0755), 0);
    assert_int_equal(replace_file(site.fd, "directory", "abc", 3, &access, NULL), -1);
    assert_int_equal(errno, EISDIR);
    replace_make_name(name);
    assert_true(replace_is_temporary(name));
    assert_false(replace_is_temporary(".handback") || replace_is_temporary("catalog"));
}

static void a_leftover_of_another_process_is_no_obstacle(void **state)
{
    const struct replace_access access = {.mode = 0644, .owner = geteuid(), .group = getegid()};
    char name[REPLACE_NAME], next[REPLACE_NAME];
    unsigned process, count;
    (void)state;
    replace_make_name(name);
    assert_int_equal(sscanf(name, ".handback-tmp-%u-%u", &process, &count), 2);
    snprintf(next, sizeof next, ".handback-tmp-%u-%u", process, count + 1);
    scratch_write(&site, next, "left");
    assert_int_equal(replace_file(site.fd, "r", "new", 3, &access, NULL), 0);
    assert_int_equal(faccessat(site.fd, next, F_OK, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(roots_are_written_relative_to_where_the_directory_really_is),
        cmocka_unit_test(the_same_list_gives_the_same_bytes_and_leaves_nothing_else),
        cmocka_unit_test(whoever_may_read_the_directory_may_read_the_list_whatever_the_umask),
        cmocka_unit_test(a_missing_list_is_empty),
        cmocka_unit_test(a_list_is_believed_as_a_whole_or_not_at_all),
        cmocka_unit_test(what_is_no_ordinary_file_is_not_read),
        cmocka_unit_test(what_json_cannot_hold_leaves_the_old_list),
        cmocka_unit_test(a_list_that_cannot_be_written_says_so),
        cmocka_unit_test(a_replaced_file_has_the_time_and_mode_that_were_asked_for),
        cmocka_unit_test(a_leftover_of_another_process_is_no_obstacle),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
