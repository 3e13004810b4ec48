/* Little trees, prepared: what is kept, what is proven, what is said. */
#include "base/md5.h"
#include "check.h"
#include "compile/kept.h"
#include "prepare/prepare.h"
#include "prepare/state.h"
#include "scratch.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <signal.h>
#include <sys/file.h>

#define A_TEXT "a { color: red }"
#define A_OTHER "b { color: red }" /* as long */
#define B_TEXT "b"

static apr_pool_t *pool;
static struct scratch site;
static struct settings settings;
static struct report report;
static struct error fault;
static char root_path[SCRATCH_PATH + 16], state_path[SCRATCH_PATH + 16];

static int make(void **state)
{
    (void)state;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    site = scratch_make();
    snprintf(root_path, sizeof root_path, "%s/static", site.path);
    snprintf(state_path, sizeof state_path, "%s/state", site.path);
    scratch_write(&site, "static/live.txt", "live");
    settings = (struct settings){.mounts = 1, .coding_header = "", .state = state_path};
    settings.mount[0] = settings_default_mount(MOUNT_STATIC, pool);
    settings.mount[0].root = root_path;
    return 0;
}

static int drop(void **state)
{
    (void)state;
    scratch_remove(&site);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static int prepare(bool dry)
{
    report = report_make(pool);
    fault = (struct error){0};
    return prepare_site(&settings, &(struct prepare_wish){.dry = dry}, &report, pool, &fault);
}

static void must_prepare(unsigned faults)
{
    if (prepare(false) != 0) {
        fail_msg("%s", fault.text);
    }
    if (report.faults != faults) {
        fail_msg("%u faults: %s", (unsigned)report.faults,
                 report.fault->nelts ? ((struct error *)(void *)report.fault->elts)->text : "");
    }
}

static enum diagnosis first_fault(void)
{
    return report.fault->nelts > 0 ? ((struct error *)(void *)report.fault->elts)->number
                                   : NO_DIAGNOSIS;
}

static const char *md5_of(const char *text)
{
    struct md5 md5;
    char *hex = apr_palloc(pool, MD5_HEX + 1);
    md5_begin(&md5);
    md5_add(&md5, text, strlen(text));
    md5_end(&md5, hex);
    return hex;
}

/* "css/a.css" and its text: "css/a.HASH.css". */
static const char *hashed(const char *name, const char *text)
{
    const char *dot = strrchr(name, '.');
    return apr_psprintf(pool, "%.*s.%.12s%s", (int)(dot - name), name, md5_of(text), dot);
}

static const char *in_root(const char *name)
{
    return apr_pstrcat(pool, "static/", name, NULL);
}

static const char *in_pool(const char *name)
{
    return apr_pstrcat(pool, "state/pool/", name, NULL);
}

/* As collectstatic: what is there is removed first. */
static void put(const char *name, const char *text)
{
    unlinkat(site.fd, name, 0);
    scratch_write(&site, name, text);
}

static void put_manifest(const char *name, const char *pairs)
{
    put(in_root(name), apr_pstrcat(pool, "{\"version\": \"1.0\", \"paths\": {", pairs, "}}", NULL));
}

static const char *pair(const char *name, const char *file)
{
    return apr_psprintf(pool, "\"%s\": \"%s\"", name, file);
}

/* The tree of a release with one file. */
static const char *put_release(const char *name, const char *text)
{
    const char *file = hashed(name, text);
    put(in_root(file), text);
    put_manifest("staticfiles.json", pair(name, file));
    return file;
}

static bool is_there(const char *name)
{
    return faccessat(site.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct stat status_of(const char *name)
{
    struct stat status = {0};
    fstatat(site.fd, name, &status, AT_SYMLINK_NOFOLLOW);
    return status;
}

static bool holds(const char *name, const char *text)
{
    char bytes[256] = "";
    int fd = openat(site.fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool same = fd >= 0 && read(fd, bytes, sizeof bytes - 1) >= 0 && strcmp(bytes, text) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return same;
}

static void a_release_is_kept_with_its_files_and_manifest(void **state)
{
    (void)state;
    const char *a = put_release("css/a.css", A_TEXT);
    must_prepare(0);
    assert_true(report.changed);
    assert_int_equal(report.releases, 1);
    assert_int_equal(report.kept, 1);
    assert_int_equal(report.added, 1);
    assert_true(holds(in_pool(a), A_TEXT));
    assert_true(is_there("state/catalog") && is_there("state/releases.json") &&
                is_there("state/.htaccess"));
}

static void a_second_run_changes_nothing_on_disk(void **state)
{
    (void)state;
    put_release("css/a.css", A_TEXT);
    must_prepare(0);
    struct stat catalog = status_of("state/catalog"), list = status_of("state/releases.json");
    must_prepare(0);
    assert_false(report.changed);
    assert_int_equal(report.added, 0);
    assert_int_equal(report.kept, 1);
    assert_true(status_of("state/catalog").st_ino == catalog.st_ino);
    assert_true(status_of("state/catalog").st_mtim.tv_nsec == catalog.st_mtim.tv_nsec);
    assert_true(status_of("state/releases.json").st_ino == list.st_ino);
}

static void a_dry_run_says_the_same_and_makes_nothing(void **state)
{
    (void)state;
    const char *a = put_release("css/a.css", A_TEXT);
    assert_int_equal(prepare(true), 0);
    assert_true(report.changed);
    assert_int_equal(report.releases, 1);
    assert_int_equal(report.added, 1);
    assert_false(is_there("state"));
    must_prepare(0);
    assert_int_equal(prepare(true), 0);
    assert_false(report.changed);
    put_release("css/a.css", A_OTHER);
    assert_int_equal(prepare(true), 0);
    assert_true(report.changed);
    assert_int_equal(report.added, 1);
    assert_int_equal(report.kept, 2);
    assert_false(is_there(in_pool(hashed("css/a.css", A_OTHER))));
    assert_true(is_there(in_pool(a)));
}

static void what_the_tree_loses_the_pool_has(void **state)
{
    (void)state;
    const char *a = put_release("css/a.css", A_TEXT);
    must_prepare(0);
    scratch_unlink(&site, in_root(a));
    const char *b = put_release("css/b.css", B_TEXT);
    must_prepare(0);
    assert_int_equal(report.releases, 2);
    assert_int_equal(report.kept, 2);
    assert_true(holds(in_pool(a), A_TEXT) && holds(in_pool(b), B_TEXT));
}

static void files_that_only_their_own_name_proves_are_kept(void **state)
{
    (void)state;
    put_manifest("staticfiles.json", "");
    const char *a = hashed("old/a.css", A_TEXT);
    put(in_root(a), A_TEXT);
    put(in_root("old/b.0123456789ab.css"), "not this");
    must_prepare(0);
    assert_int_equal(report.kept, 1);
    assert_true(is_there(in_pool(a)));
    assert_false(is_there(in_pool("old/b.0123456789ab.css")));
}

static void without_any_manifest_there_is_a_catalog_all_the_same(void **state)
{
    (void)state;
    const char *a = hashed("a.css", A_TEXT);
    put(in_root(a), A_TEXT);
    must_prepare(0);
    assert_int_equal(report.releases, 0);
    assert_null(report.published);
    assert_int_equal(report.kept, 1);
    assert_true(is_there("state/catalog") && is_there(in_pool(a)));
    assert_false(is_there("state/releases.json"));
}

static void a_file_without_the_hash_of_its_name_is_reported_and_not_kept(void **state)
{
    (void)state;
    const char *a = hashed("a.css", A_TEXT), *b = hashed("b.css", B_TEXT);
    put(in_root(a), A_TEXT);
    put(in_root(b), "something else");
    put_manifest("staticfiles.json",
                 apr_pstrcat(pool, pair("a.css", a), ", ", pair("b.css", b), NULL));
    must_prepare(1);
    assert_int_equal(first_fault(), HB_OBJECT_DIFFERS);
    assert_true(is_there(in_pool(a)) && !is_there(in_pool(b)));
    assert_true(is_there("state/catalog"));
}

static void a_storage_that_hashes_otherwise_is_trusted(void **state)
{
    (void)state;
    put(in_root("a.0123456789ab.css"), A_TEXT);
    put_manifest("staticfiles.json", pair("a.css", "a.0123456789ab.css"));
    must_prepare(0);
    assert_int_equal(report.kept, 1);
    assert_true(holds(in_pool("a.0123456789ab.css"), A_TEXT));
    must_prepare(0);
    assert_int_equal(report.added, 0);
    assert_false(report.changed);
    /* What is kept under a name stays, since nothing tells which of the two is right. */
    put(in_root("a.0123456789ab.css"), A_OTHER);
    must_prepare(0);
    assert_true(holds(in_pool("a.0123456789ab.css"), A_TEXT));
}

static void a_name_that_stands_for_itself_is_only_believed_when_proven(void **state)
{
    (void)state;
    const char *a = hashed("a.css", A_TEXT);
    put(in_root(a), A_TEXT);
    put(in_root("chunk.0123456789ab.js"), B_TEXT);
    put_manifest("staticfiles.json",
                 apr_pstrcat(pool, pair(a, a), ", ",
                             pair("chunk.0123456789ab.js", "chunk.0123456789ab.js"), NULL));
    must_prepare(0);
    assert_true(is_there(in_pool(a)) && !is_there(in_pool("chunk.0123456789ab.js")));
    assert_int_equal(report.kept, 1);
}

static void a_missing_file_is_reported(void **state)
{
    (void)state;
    put_manifest("staticfiles.json", pair("a.css", "a.0123456789ab.css"));
    must_prepare(1);
    assert_int_equal(first_fault(), HB_SOURCE_MISSING);
}

static void what_a_former_release_lost_is_counted_and_no_fault(void **state)
{
    (void)state;
    const char *a = put_release("a.css", A_TEXT);
    must_prepare(0);
    scratch_unlink(&site, in_root(a));
    scratch_unlink(&site, in_pool(a));
    put_release("b.css", B_TEXT);
    must_prepare(0);
    assert_int_equal(report.gone, 1);
}

static void an_object_that_is_no_longer_proven_is_replaced_from_the_tree(void **state)
{
    (void)state;
    const char *a = hashed("a.css", A_TEXT), *b = hashed("b.css", B_TEXT);
    put(in_root(a), A_TEXT);
    put(in_root(b), B_TEXT);
    put_manifest("staticfiles.json",
                 apr_pstrcat(pool, pair("a.css", a), ", ", pair("b.css", b), NULL));
    settings.pool = POOL_COPY;
    must_prepare(0);
    scratch_write(&site, in_pool(a), A_OTHER);
    must_prepare(0);
    assert_int_equal(report.replaced, 1);
    assert_true(holds(in_pool(a), A_TEXT));
    scratch_write(&site, in_pool(a), A_OTHER);
    scratch_unlink(&site, in_root(a));
    must_prepare(1);
    assert_int_equal(first_fault(), HB_OBJECT_DIFFERS);
}

static void the_catalog_is_as_old_as_what_was_read_for_it(void **state)
{
    (void)state;
    const char *a = put_release("a.css", A_TEXT);
    must_prepare(0);
    /* The same bytes with a date after that of the catalog, as collectstatic leaves them. Both lie
     * some seconds back: the clock that is looked at moves in steps. */
    time_t made = status_of("state/catalog").st_mtim.tv_sec;
    const struct timespec catalog = {.tv_sec = made - 60}, object = {.tv_sec = made - 10};
    scratch_need(utimensat(site.fd, "state/catalog", (struct timespec[2]){catalog, catalog}, 0) ==
                     0,
                 "utimensat");
    scratch_need(utimensat(site.fd, in_pool(a), (struct timespec[2]){object, object}, 0) == 0,
                 "utimensat");
    must_prepare(0);
    assert_false(report.changed);
    assert_true(status_of("state/catalog").st_mtim.tv_sec > object.tv_sec);
}

static void what_changes_while_it_works_is_later_than_the_catalog(void **state)
{
    (void)state;
    put_release("a.css", A_TEXT);
    must_prepare(0);
    /* The list was written before the catalog, and is later: the catalog has the time at which the
     * work began. */
    struct timespec catalog = status_of("state/catalog").st_mtim;
    struct timespec list = status_of("state/releases.json").st_mtim;
    assert_true(catalog.tv_sec < list.tv_sec ||
                (catalog.tv_sec == list.tv_sec && catalog.tv_nsec <= list.tv_nsec));
}

/* "a" by gzip. */
static const unsigned char gzip_a[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00,
                                       0x00, 0x00, 0x03, 0x4b, 0x04, 0x00, 0x43,
                                       0xbe, 0xb7, 0xe8, 0x01, 0x00, 0x00, 0x00};

static void variants_are_kept_when_they_decode_to_their_source(void **state)
{
    (void)state;
    const char *a = put_release("a.css", "a");
    const char *gz = apr_pstrcat(pool, a, ".gz", NULL), *br = apr_pstrcat(pool, a, ".br", NULL);
    scratch_write_bytes(&site, in_root(gz), gzip_a, sizeof gzip_a);
    put(in_root(br), "no brotli");
    must_prepare(1);
    assert_int_equal(first_fault(), HB_VARIANT_WRONG);
    assert_int_equal(report.variants, 1);
    assert_int_equal(report.variants_added, 1);
    assert_true(is_there(in_pool(gz)) && !is_there(in_pool(br)));
    /* It is in the pool, so the tree may lose it. */
    scratch_unlink(&site, in_root(gz));
    scratch_unlink(&site, in_root(br));
    must_prepare(0);
    assert_int_equal(report.variants, 1);
    assert_int_equal(report.variants_added, 0);
}

static void a_right_variant_of_another_source_is_none(void **state)
{
    (void)state;
    const char *a = put_release("a.css", "b");
    scratch_write_bytes(&site, in_root(apr_pstrcat(pool, a, ".gz", NULL)), gzip_a, sizeof gzip_a);
    must_prepare(1);
    assert_int_equal(first_fault(), HB_VARIANT_WRONG);
    assert_int_equal(report.variants, 0);
}

static void a_name_that_a_manifest_lists_is_content_and_no_variant(void **state)
{
    (void)state;
    const char *a = hashed("a.css", "a");
    const char *gz = apr_pstrcat(pool, a, ".gz", NULL);
    put(in_root(a), "a");
    put(in_root(gz), "not gzip at all");
    put_manifest("staticfiles.json",
                 apr_pstrcat(pool, pair("a.css", a), ", ", pair("x.gz", gz), NULL));
    must_prepare(0);
    assert_int_equal(report.variants, 0);
    assert_false(is_there(in_pool(gz)));
}

static void a_variant_whose_name_looks_hashed_is_a_variant_still(void **state)
{
    (void)state;
    const char *name = apr_psprintf(pool, "LICENSE.%.12s", md5_of("a"));
    const char *gz = apr_pstrcat(pool, name, ".gz", NULL);
    put(in_root(name), "a");
    scratch_write_bytes(&site, in_root(gz), gzip_a, sizeof gzip_a);
    put_manifest("staticfiles.json", pair("LICENSE", name));
    must_prepare(0);
    assert_int_equal(report.kept, 1);
    assert_int_equal(report.variants, 1);
    must_prepare(0);
    assert_int_equal(report.kept, 1);
    assert_int_equal(report.variants, 1);
}

static void without_a_pool_files_are_proven_where_they_lie(void **state)
{
    (void)state;
    const char *a = put_release("a.css", "a");
    scratch_write_bytes(&site, in_root(apr_pstrcat(pool, a, ".gz", NULL)), gzip_a, sizeof gzip_a);
    settings.pool = POOL_OFF;
    must_prepare(0);
    assert_int_equal(report.kept, 1);
    assert_int_equal(report.variants, 1);
    assert_int_equal(report.added + report.variants_added, 0);
    assert_false(is_there("state/pool"));
    assert_true(is_there("state/catalog") && is_there("state/releases.json"));
}

static void a_link_in_the_tree_is_kept_as_a_file(void **state)
{
    (void)state;
    const char *a = hashed("a.css", A_TEXT);
    put("apps/a.css", A_TEXT);
    scratch_link(&site, in_root(a), apr_pstrcat(pool, site.path, "/apps/a.css", NULL));
    put_manifest("staticfiles.json", pair("a.css", a));
    must_prepare(1); /* it leads out of the root */
    assert_int_equal(first_fault(), HB_SOURCE_MISSING);
    settings.mount[0].follow = apr_pstrcat(pool, site.path, "/apps", NULL);
    must_prepare(0);
    assert_true(S_ISREG(status_of(in_pool(a)).st_mode));
    assert_true(holds(in_pool(a), A_TEXT));
}

static void what_is_no_regular_file_does_not_hang(void **state)
{
    (void)state;
    const char *a = hashed("a.css", A_TEXT);
    put_manifest("staticfiles.json", pair("a.css", a));
    assert_int_equal(mkfifoat(site.fd, in_root(a), 0644), 0);
    must_prepare(1);
    assert_int_equal(first_fault(), HB_SOURCE_MISSING);
    assert_false(is_there(in_pool(a)));
}

static void a_state_directory_inside_the_root_is_not_collected(void **state)
{
    static char inside[SCRATCH_PATH + 32];
    (void)state;
    snprintf(inside, sizeof inside, "%s/.kept", root_path);
    settings.state = inside;
    put_release("a.css", A_TEXT);
    must_prepare(0);
    must_prepare(0);
    assert_int_equal(report.kept, 1);
    assert_int_equal(report.added, 0);
    assert_false(is_there("static/.kept/pool/.kept"));
}

static void a_state_directory_that_would_harm_is_refused(void **state)
{
    static char visible[SCRATCH_PATH + 32];
    const char *const places[] = {visible, root_path, site.path};
    (void)state;
    snprintf(visible, sizeof visible, "%s/kept", root_path);
    put_release("a.css", A_TEXT);
    for (size_t i = 0; i < COUNT(places); i++) {
        settings.state = places[i];
        assert_int_equal(prepare(false), -1);
        assert_int_equal(fault.number, HB_STATE_CLOSED);
    }
    assert_false(is_there("static/.htaccess") || is_there("static/lock"));
    assert_false(is_there("static/kept") || is_there(".htaccess"));
}

static void a_manifest_that_cannot_be_used_is_a_fault_and_the_rest_goes_on(void **state)
{
    (void)state;
    const char *a = hashed("a.css", A_TEXT);
    put(in_root(a), A_TEXT);
    put_manifest("v1/staticfiles.json", pair("a.css", a));
    put(in_root("v2/staticfiles.json"), "{\"paths\": {");
    must_prepare(1);
    assert_int_equal(report.releases, 1);
    assert_true(is_there(in_pool(a)));
}

static void a_damaged_list_of_releases_stops_it_and_nothing_is_lost(void **state)
{
    (void)state;
    const char *a = put_release("a.css", A_TEXT);
    must_prepare(0);
    struct stat catalog = status_of("state/catalog");
    put("state/releases.json", "{");
    assert_int_equal(prepare(false), -1);
    assert_int_equal(fault.number, HB_RELEASES_INVALID);
    assert_true(status_of("state/catalog").st_ino == catalog.st_ino && is_there(in_pool(a)));
    assert_true(holds("state/releases.json", "{"));
}

static void a_lost_manifest_of_a_kept_release_is_a_fault_until_the_tree_has_it(void **state)
{
    apr_array_header_t *releases;
    (void)state;
    put_release("a.css", A_TEXT);
    must_prepare(0);
    assert_int_equal(
        kept_read(&releases, openat(site.fd, "state", O_RDONLY), state_path, pool, &fault), 0);
    const char *kept =
        apr_pstrcat(pool, "state/", kept_manifest_path(kept_at(releases, 0)->md5, pool), NULL);
    scratch_write(&site, kept, "damaged");
    must_prepare(0);
    assert_true(!holds(kept, "damaged"));
    put_release("b.css", B_TEXT);
    must_prepare(0);
    scratch_unlink(&site, kept);
    must_prepare(1);
    put_release("a.css", A_TEXT);
    must_prepare(0);
}

static void one_prepare_waits_for_the_other(void **state)
{
    int status, ready[2];
    (void)state;
    put_release("a.css", A_TEXT);
    must_prepare(0);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int lock = openat(site.fd, "state/lock", O_RDWR | O_CLOEXEC);
        flock(lock, LOCK_EX);
        scratch_need(write(ready[1], "x", 1) == 1, "write");
        usleep(300000);
        scratch_need(mkdirat(site.fd, "ended", 0755) == 0, "mkdir");
        _exit(0);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    must_prepare(0);
    assert_true(is_there("ended"));
    assert_true(waitpid(child, &status, 0) == child && status == 0);
    close(ready[0]);
    close(ready[1]);
    char number[32];
    snprintf(number, sizeof number, "%u\n", (unsigned)getpid());
    assert_true(holds("state/lock", number));
}

static void a_lock_that_was_removed_meanwhile_is_not_believed(void **state)
{
    struct stat root;
    struct state first, second;
    (void)state;
    assert_int_equal(fstatat(site.fd, "static", &root, 0), 0);
    assert_int_equal(state_open(&first, state_path, &root, false, &fault), 0);
    scratch_unlink(&site, "state/lock");
    assert_int_equal(state_open(&second, state_path, &root, false, &fault), 0);
    assert_true(is_there("state/lock"));
    state_close(&first);
    state_close(&second);
}

static int prepare_as_nobody(void *context)
{
    const bool *dry = context;
    return prepare(*dry) == -1 && fault.number == HB_STATE_CLOSED &&
                   strstr(fault.text, "HANDBACK_STATE")
               ? 0
               : 1;
}

static void a_place_that_may_not_be_written_says_what_to_set(void **state)
{
    bool dry = false;
    (void)state;
    put_release("a.css", A_TEXT);
    assert_int_equal(scratch_as_nobody(prepare_as_nobody, &dry), 0);
    dry = true;
    assert_int_equal(scratch_as_nobody(prepare_as_nobody, &dry), 0);
    assert_false(is_there("state"));
    put("state", "a file");
    assert_int_equal(prepare(false), -1);
    assert_int_equal(fault.number, HB_STATE_CLOSED);
    scratch_unlink(&site, "state");
}

static int prepare_for_another(void *context)
{
    (void)context;
    return prepare(false) == 0 && report.faults == 0 ? 0 : 1;
}

static void a_root_of_another_user_can_be_prepared_elsewhere(void **state)
{
    (void)state;
    const char *a = put_release("a.css", A_TEXT);
    scratch_need(mkdirat(site.fd, "state", 0700) == 0, "mkdir");
    scratch_need(fchownat(site.fd, "state", SCRATCH_NOBODY, SCRATCH_NOBODY, 0) == 0 ||
                     geteuid() != 0,
                 "chown");
    assert_int_equal(scratch_as_nobody(prepare_for_another, NULL), 0);
    assert_true(holds(in_pool(a), A_TEXT));
}

static void no_descriptor_stays_open(void **state)
{
    (void)state;
    put_release("css/a.css", A_TEXT);
    int before = scratch_descriptors();
    must_prepare(0);
    assert_int_equal(prepare(true), 0);
    settings.mount[0].root = "/nowhere";
    assert_int_equal(prepare(false), -1);
    assert_int_equal(fault.number, HB_ROOT_MISSING);
    assert_int_equal(scratch_descriptors(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_release_is_kept_with_its_files_and_manifest),
        TEST(a_second_run_changes_nothing_on_disk),
        TEST(a_dry_run_says_the_same_and_makes_nothing),
        TEST(what_the_tree_loses_the_pool_has),
        TEST(files_that_only_their_own_name_proves_are_kept),
        TEST(without_any_manifest_there_is_a_catalog_all_the_same),
        TEST(a_file_without_the_hash_of_its_name_is_reported_and_not_kept),
        TEST(a_storage_that_hashes_otherwise_is_trusted),
        TEST(a_name_that_stands_for_itself_is_only_believed_when_proven),
        TEST(a_missing_file_is_reported),
        TEST(what_a_former_release_lost_is_counted_and_no_fault),
        TEST(an_object_that_is_no_longer_proven_is_replaced_from_the_tree),
        TEST(the_catalog_is_as_old_as_what_was_read_for_it),
        TEST(what_changes_while_it_works_is_later_than_the_catalog),
        TEST(variants_are_kept_when_they_decode_to_their_source),
        TEST(a_right_variant_of_another_source_is_none),
        TEST(a_name_that_a_manifest_lists_is_content_and_no_variant),
        TEST(a_variant_whose_name_looks_hashed_is_a_variant_still),
        TEST(without_a_pool_files_are_proven_where_they_lie),
        TEST(a_link_in_the_tree_is_kept_as_a_file),
        TEST(what_is_no_regular_file_does_not_hang),
        TEST(a_state_directory_inside_the_root_is_not_collected),
        TEST(a_state_directory_that_would_harm_is_refused),
        TEST(a_manifest_that_cannot_be_used_is_a_fault_and_the_rest_goes_on),
        TEST(a_damaged_list_of_releases_stops_it_and_nothing_is_lost),
        TEST(a_lost_manifest_of_a_kept_release_is_a_fault_until_the_tree_has_it),
        TEST(one_prepare_waits_for_the_other),
        TEST(a_lock_that_was_removed_meanwhile_is_not_believed),
        TEST(a_place_that_may_not_be_written_says_what_to_set),
        TEST(a_root_of_another_user_can_be_prepared_elsewhere),
        TEST(no_descriptor_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
