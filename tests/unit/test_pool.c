/* Objects in the pool: whole under their names, and nothing but what was put there. */
#include "check.h"
#include "prepare/pool.h"
#include "scratch.h"

#include <apr_general.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

static apr_pool_t *memory;
static struct scratch site;
static struct state state_directory;
static struct pool pool;

static void open_again(bool links)
{
    struct stat root;
    struct error error;
    pool_close(&pool);
    state_close(&state_directory);
    assert_int_equal(fstat(site.fd, &root), 0);
    char *path = malloc(SCRATCH_PATH + 16);
    snprintf(path, SCRATCH_PATH + 16, "%s/state", site.path);
    free((char *)(uintptr_t)state_directory.path);
    if (state_open(&state_directory, path, &root, false, &error) != 0) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(pool_open(&pool, &state_directory, links, true), 0);
}

static int make(void **state)
{
    (void)state;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&memory, NULL) != APR_SUCCESS) {
        return -1;
    }
    site = scratch_make();
    pool = (struct pool){.fd = -1, .last_fd = -1};
    state_directory = (struct state){.fd = -1, .lock = -1};
    open_again(true);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    pool_close(&pool);
    state_close(&state_directory);
    free((char *)(uintptr_t)state_directory.path);
    scratch_remove(&site);
    apr_pool_destroy(memory);
    apr_terminate();
    return 0;
}

/* A file of its own: one that is there already may have become an object. */
static void fresh(const char *name, const char *text)
{
    unlinkat(site.fd, name, 0);
    scratch_write(&site, name, text);
}

/* Adds a file of the site; returns 0 or errno. */
static int add(const char *name, const char *path)
{
    struct pool_object object;
    int fd = openat(site.fd, name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int result = pool_begin(&pool, &object, fd, path) == 0 && pool_finish(&object) == 0 ? 0 : errno;
    close(fd);
    return result;
}

static bool holds(const char *path, const char *text)
{
    char bytes[256] = "";
    int fd = pool_open_object(&pool, path);
    bool same = fd >= 0 && read(fd, bytes, sizeof bytes - 1) >= 0 && strcmp(bytes, text) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return same;
}

static struct stat status_of(const char *name)
{
    struct stat status = {0};
    fstatat(site.fd, name, &status, AT_SYMLINK_NOFOLLOW);
    return status;
}

static unsigned names_in_pool(void)
{
    return apr_hash_count(pool_names(&pool, false, memory));
}

static void an_object_lies_under_its_own_path(void **state)
{
    (void)state;
    fresh("a.css", "a");
    assert_int_equal(add("a.css", "css/deep/a.css"), 0);
    assert_int_equal(add("a.css", "top.css"), 0);
    assert_int_equal(add("a.css", "css/b.css"), 0);
    assert_true(holds("css/deep/a.css", "a") && holds("top.css", "a") && holds("css/b.css", "a"));
    assert_int_equal(names_in_pool(), 3);
    assert_int_equal(pool_sync(&pool), 0);
}

static void a_removed_or_replaced_source_takes_nothing_with_it(void **state)
{
    static const bool kinds[] = {true, false};
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        open_again(kinds[i]);
        fresh("a.css", "first");
        assert_int_equal(add("a.css", "r.css"), 0);
        scratch_unlink(&site, "a.css");
        fresh("a.css", "second");
        assert_true(holds("r.css", "first"));
    }
}

static void a_copy_stays_what_it_was_when_its_source_is_written_in_place(void **state)
{
    (void)state;
    open_again(false);
    fresh("a.css", "first");
    assert_int_equal(add("a.css", "c.css"), 0);
    scratch_write(&site, "a.css", "other");
    assert_true(holds("c.css", "first"));
    assert_int_equal(status_of("state/pool/c.css").st_mtim.tv_sec, SCRATCH_OLD);
    assert_true(status_of("state/pool/c.css").st_nlink == 1);
}

static void where_links_do_no_second_copy_is_made(void **state)
{
    (void)state;
    open_again(true);
    fresh("a.css", "first");
    pool.no_clone = true;
    assert_int_equal(add("a.css", "l.css"), 0);
    assert_true(status_of("state/pool/l.css").st_ino == status_of("a.css").st_ino);
    assert_int_equal(status_of("a.css").st_nlink, 2);
}

static void what_has_the_name_is_replaced_not_written(void **state)
{
    (void)state;
    fresh("a.css", "new");
    scratch_write(&site, "state/pool/css/old.css", "old");
    scratch_write(&site, "outside.css", "outside");
    scratch_link(&site, "state/pool/link.css", "../../outside.css");
    ino_t before = status_of("state/pool/css/old.css").st_ino;
    int held = openat(site.fd, "state/pool/css/old.css", O_RDONLY | O_CLOEXEC);
    char bytes[8] = "";
    assert_int_equal(add("a.css", "css/old.css"), 0);
    assert_true(holds("css/old.css", "new"));
    assert_true(status_of("state/pool/css/old.css").st_ino != before);
    assert_int_equal(read(held, bytes, 7), 3);
    assert_string_equal(bytes, "old");
    close(held);
    assert_int_equal(add("a.css", "link.css"), 0);
    assert_true(holds("link.css", "new"));
    assert_int_equal(status_of("outside.css").st_size, 7);
}

static void an_object_that_is_its_own_source_leaves_no_second_name(void **state)
{
    (void)state;
    open_again(true);
    fresh("a.css", "same");
    pool.no_clone = true;
    assert_int_equal(add("a.css", "same.css"), 0);
    assert_int_equal(add("a.css", "same.css"), 0);
    assert_int_equal(status_of("a.css").st_nlink, 2);
}

static void a_dropped_object_leaves_nothing(void **state)
{
    struct pool_object object;
    (void)state;
    fresh("a.css", "a");
    unsigned before = names_in_pool();
    int fd = openat(site.fd, "a.css", O_RDONLY | O_CLOEXEC);
    assert_int_equal(pool_begin(&pool, &object, fd, "dropped/a.css"), 0);
    assert_int_equal(names_in_pool(), before);
    pool_drop(&object);
    close(fd);
    assert_int_equal(names_in_pool(), before);
    assert_int_equal(unlinkat(site.fd, "state/pool/dropped", AT_REMOVEDIR), 0);
}

static void no_link_below_the_pool_is_followed(void **state)
{
    (void)state;
    fresh("a.css", "a");
    scratch_write(&site, "elsewhere/e.css", "e");
    scratch_link(&site, "state/pool/way", "../../elsewhere");
    assert_true(add("a.css", "way/x.css") != 0);
    assert_int_equal(faccessat(site.fd, "elsewhere/x.css", F_OK, 0), -1);
    assert_true(pool_open_object(&pool, "way/e.css") < 0);
    scratch_link(&site, "state/pool/e.css", "../../elsewhere/e.css");
    assert_true(pool_open_object(&pool, "e.css") < 0);
    assert_null(apr_hash_get(pool_names(&pool, false, memory), "way/e.css", APR_HASH_KEY_STRING));
    assert_null(apr_hash_get(pool_names(&pool, false, memory), "e.css", APR_HASH_KEY_STRING));
    scratch_unlink(&site, "state/pool/way");
    scratch_unlink(&site, "state/pool/e.css");
}

static void what_cannot_be_put_there_is_an_error_and_leaves_nothing(void **state)
{
    char longest[300];
    (void)state;
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    fresh("a.css", "a");
    scratch_write(&site, "state/pool/file.css", "a file");
    assert_int_equal(mkdirat(site.fd, "state/pool/directory.css", 0755), 0);
    unsigned before = names_in_pool();
    assert_int_equal(add("a.css", "file.css/a.css"), ENOTDIR);
    assert_int_equal(add("a.css", "directory.css"), EISDIR);
    assert_int_equal(add("a.css", longest), ENAMETOOLONG);
    assert_int_equal(names_in_pool(), before);
    assert_int_equal(status_of("a.css").st_nlink, 1);
    scratch_unlink(&site, "state/pool/directory.css");
}

static int fill_the_disk(void *context)
{
    /* The limit of a file's size is met as a full disk is: in the middle of a write. */
    const struct rlimit small = {.rlim_cur = 100000, .rlim_max = 100000};
    (void)context;
    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &small) == 0 && add("large.js", "large.js") == EFBIG ? 0 : 1;
}

static void a_copy_that_ends_half_way_is_not_there(void **state)
{
    static char bytes[300000];
    int status;
    (void)state;
    open_again(false);
    scratch_write_bytes(&site, "large.js", bytes, sizeof bytes);
    unsigned before = names_in_pool();
    pid_t child = fork();
    if (child == 0) {
        _exit(fill_the_disk(NULL));
    }
    assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(names_in_pool(), before);
    assert_int_equal(faccessat(site.fd, "state/pool/large.js", F_OK, 0), -1);
}

static int add_from_root(void *context)
{
    (void)context;
    if (add("foreign.css", "foreign.css") != 0) {
        return 1;
    }
    return holds("foreign.css", "foreign") ? 0 : 2;
}

static void somebody_elses_file_is_copied_where_it_may_not_be_linked(void **state)
{
    (void)state;
    open_again(true);
    pool.no_clone = true;
    scratch_write(&site, "foreign.css", "foreign");
    scratch_need(fchmod(pool.fd, 0777) == 0, "chmod");
    assert_int_equal(scratch_as_nobody(add_from_root, NULL), 0);
    fchmod(pool.fd, 0755);
}

static void leftovers_of_a_killed_process_go_and_nothing_else(void **state)
{
    (void)state;
    scratch_write(&site, "state/pool/css/.handback-tmp-1-2", "half");
    scratch_write(&site, "state/pool/.handback-tmp-1-3", "half");
    scratch_write(&site, "state/.handback-tmp-1-4", "half");
    scratch_write(&site, "state/pool/css/.hidden", "somebody's");
    unsigned before = names_in_pool();
    assert_int_equal(faccessat(site.fd, "state/pool/.handback-tmp-1-3", F_OK, 0), 0);
    assert_int_equal(apr_hash_count(pool_names(&pool, true, memory)), before);
    open_again(true);
    assert_int_equal(faccessat(site.fd, "state/pool/css/.handback-tmp-1-2", F_OK, 0), -1);
    assert_int_equal(faccessat(site.fd, "state/pool/.handback-tmp-1-3", F_OK, 0), -1);
    assert_int_equal(faccessat(site.fd, "state/.handback-tmp-1-4", F_OK, 0), -1);
    assert_int_equal(faccessat(site.fd, "state/pool/css/.hidden", F_OK, 0), 0);
}

static void a_pool_that_is_not_there_is_empty_and_not_made_unasked(void **state)
{
    struct state nowhere = {.fd = -1, .lock = -1};
    struct pool none;
    (void)state;
    assert_int_equal(pool_open(&none, &nowhere, true, false), 0);
    assert_int_equal(apr_hash_count(pool_names(&none, true, memory)), 0);
    assert_int_equal(pool_open_object(&none, "a.css"), -1);
    assert_int_equal(errno, ENOENT);
    pool_close(&none);
}

static void modes_are_those_of_the_root_whatever_the_umask(void **state)
{
    static const mode_t modes[][3] = {
        {0755, 0755, 0644}, {0775, 0755, 0644}, {0750, 0750, 0640}, {0711, 0711, 0600}};
    mode_t mask = umask(0);
    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        umask(i % 2 ? 077 : 0);
        struct stat root = {
            .st_mode = S_IFDIR | modes[i][0], .st_uid = geteuid(), .st_gid = getegid()};
        struct state own;
        struct error error;
        char path[SCRATCH_PATH + 16], name[64];
        snprintf(path, sizeof path, "%s/own%zu", site.path, i);
        assert_int_equal(state_open(&own, path, &root, false, &error), 0);
        struct pool one;
        assert_int_equal(pool_open(&one, &own, false, true), 0);
        struct pool saved = pool;
        pool = one;
        fresh("a.css", "a");
        assert_int_equal(add("a.css", "css/a.css"), 0);
        one = pool;
        pool = saved;
        static const char *const directories[] = {"", "/pool", "/pool/css"};
        static const char *const files[] = {"/lock", "/.htaccess", "/pool/css/a.css"};
        for (size_t n = 0; n < 3; n++) {
            snprintf(name, sizeof name, "own%zu%s", i, directories[n]);
            CHECK(name, (status_of(name).st_mode & 07777) == modes[i][1]);
            snprintf(name, sizeof name, "own%zu%s", i, files[n]);
            CHECK(name, (status_of(name).st_mode & 07777) == modes[i][2]);
        }
        pool_close(&one);
        state_close(&own);
    }
    umask(mask);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_lies_under_its_own_path),
        cmocka_unit_test(a_removed_or_replaced_source_takes_nothing_with_it),
        cmocka_unit_test(a_copy_stays_what_it_was_when_its_source_is_written_in_place),
        cmocka_unit_test(where_links_do_no_second_copy_is_made),
        cmocka_unit_test(what_has_the_name_is_replaced_not_written),
        cmocka_unit_test(an_object_that_is_its_own_source_leaves_no_second_name),
        cmocka_unit_test(a_dropped_object_leaves_nothing),
        cmocka_unit_test(no_link_below_the_pool_is_followed),
        cmocka_unit_test(what_cannot_be_put_there_is_an_error_and_leaves_nothing),
        cmocka_unit_test(a_copy_that_ends_half_way_is_not_there),
        cmocka_unit_test(somebody_elses_file_is_copied_where_it_may_not_be_linked),
        cmocka_unit_test(leftovers_of_a_killed_process_go_and_nothing_else),
        cmocka_unit_test(a_pool_that_is_not_there_is_empty_and_not_made_unasked),
        cmocka_unit_test(modes_are_those_of_the_root_whatever_the_umask),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
