#include "check.h"
#include "scratch.h"
#include "serve/finding.h"

#define HELLO_MD5 "5d41402abc4b" /* of "hello" */
#define WORLD_MD5 "7d793037a076" /* of "world" */

enum {
    NOW = SCRATCH_OLD + 1000
};

static struct scratch scratch;

static int make(void **state)
{
    (void)state;
    scratch = scratch_make();
    return 0;
}

static int drop(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static enum finding find(const char *name, const char *hash, int64_t now)
{
    struct stat status;
    int fd = openat(scratch.fd, name, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    enum finding finding = finding_of(fd, &status, slice_of(hash), now);
    close(fd);
    return finding;
}

static void bytes_agree_with_their_hash_or_differ(void **state)
{
    static const struct {
        const char *label, *bytes, *hash;
        enum finding finding;
    } rows[] = {
        {"agrees", "hello", HELLO_MD5, FINDING_AGREES},
        {"differs", "world", HELLO_MD5, FINDING_DIFFERS},
        {"empty", "", "d41d8cd98f00", FINDING_AGREES},
        {"the last digit differs", "hello", "5d41402abc4c", FINDING_DIFFERS},
        {"in upper case", "hello", "5D41402ABC4B", FINDING_DIFFERS},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        scratch_write(&scratch, rows[i].label, rows[i].bytes);
        CHECK(rows[i].label, find(rows[i].label, rows[i].hash, NOW) == rows[i].finding);
        CHECK(rows[i].label, find(rows[i].label, rows[i].hash, NOW) == rows[i].finding);
    }
    check_end();
}

static void what_differs_and_was_just_written_is_in_motion(void **state)
{
    static const struct {
        const char *label;
        int64_t age;
        enum finding finding;
    } rows[] = {
        {"this second", 0, FINDING_IN_MOTION},
        {"a second ago", 1, FINDING_IN_MOTION},
        {"two seconds ago", FINDING_REST_SECONDS, FINDING_DIFFERS},
        {"long ago", 1000000, FINDING_DIFFERS},
        {"a second ahead", -1, FINDING_IN_MOTION},
        {"an hour ahead: a wrong clock", -3600, FINDING_DIFFERS},
    };
    (void)state;
    scratch_write(&scratch, "f", "world");
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label, find("f", HELLO_MD5, SCRATCH_OLD + rows[i].age) == rows[i].finding);
    }
    scratch_write(&scratch, "g", "hello");
    CHECK("what agrees is whole, however young",
          find("g", HELLO_MD5, SCRATCH_OLD) == FINDING_AGREES);
    check_end();
}

/* The descriptor cannot be read, so only what is remembered can answer. */
static void what_was_found_is_remembered(void **state)
{
    struct stat status;
    (void)state;
    scratch_write(&scratch, "f", "hello");
    assert_int_equal(fstatat(scratch.fd, "f", &status, 0), 0);
    assert_int_equal(find("f", HELLO_MD5, NOW), FINDING_AGREES);
    assert_int_equal(finding_of(-1, &status, slice_of(HELLO_MD5), NOW), FINDING_AGREES);
    /* Another hash asks another question; the place in the table is then that one's. */
    assert_int_equal(finding_of(-1, &status, slice_of(WORLD_MD5), NOW), FINDING_FAILED);
    assert_int_equal(find("f", WORLD_MD5, NOW), FINDING_DIFFERS);
    assert_int_equal(finding_of(-1, &status, slice_of(WORLD_MD5), NOW), FINDING_DIFFERS);
}

static void what_is_in_motion_is_not_remembered(void **state)
{
    struct stat status;
    (void)state;
    scratch_write(&scratch, "f", "hello");
    assert_int_equal(fstatat(scratch.fd, "f", &status, 0), 0);
    assert_int_equal(find("f", HELLO_MD5, SCRATCH_OLD), FINDING_AGREES);
    assert_int_equal(finding_of(-1, &status, slice_of(HELLO_MD5), NOW), FINDING_FAILED);
}

static void a_file_rewritten_in_place_is_read_again(void **state)
{
    (void)state;
    scratch_write(&scratch, "f", "hello");
    assert_int_equal(find("f", HELLO_MD5, NOW), FINDING_AGREES);
    scratch_write(&scratch, "f", "world"); /* same inode, size and mtime: only ctime tells */
    assert_int_equal(find("f", HELLO_MD5, NOW), FINDING_DIFFERS);
    scratch_write(&scratch, "f", "hello");
    assert_int_equal(find("f", HELLO_MD5, NOW), FINDING_AGREES);
}

static void a_file_that_changes_while_it_is_read_is_in_motion(void **state)
{
    struct stat status;
    (void)state;
    scratch_write(&scratch, "f", "hello");
    int fd = openat(scratch.fd, "f", O_RDONLY);
    assert_int_equal(fstat(fd, &status), 0);
    scratch_write(&scratch, "f", "hello, longer");
    assert_int_equal(finding_of(fd, &status, slice_of(HELLO_MD5), NOW), FINDING_IN_MOTION);
    close(fd);
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, make, drop)
    const struct CMUnitTest tests[] = {
        WITH_FILES(bytes_agree_with_their_hash_or_differ),
        WITH_FILES(what_differs_and_was_just_written_is_in_motion),
        WITH_FILES(what_was_found_is_remembered),
        WITH_FILES(what_is_in_motion_is_not_remembered),
        WITH_FILES(a_file_rewritten_in_place_is_read_again),
        WITH_FILES(a_file_that_changes_while_it_is_read_is_in_motion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
