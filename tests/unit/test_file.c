#include "base/beneath.h"
#include "base/file.h"
#include "check.h"
#include "scratch.h"

#include <errno.h>

static void a_file_is_read_whole_up_to_the_limit_and_no_further(void **state)
{
    static const struct {
        const char *label;
        size_t size, limit;
        bool read;
    } rows[] = {
        {"empty", 0, 100, true},
        {"empty, nothing allowed", 0, 0, true},
        {"one byte too many of nothing", 1, 0, false},
        {"exactly the limit", 100, 100, true},
        {"one over the limit", 101, 100, false},
        {"just under the first buffer", 65535, 1 << 20, true},
        {"the first buffer", 65536, 1 << 20, true},
        {"one over the first buffer", 65537, 1 << 20, true},
        {"several buffers", 300000, 1 << 20, true},
        {"several buffers, exactly the limit", 300000, 300000, true},
        {"several buffers, one over", 300000, 299999, false},
    };
    static char content[300000];
    struct scratch scratch = scratch_make();
    (void)state;
    for (size_t i = 0; i < sizeof content; i++) {
        content[i] = (char)(i % 251);
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *bytes = NULL;
        size_t length = 0;
        scratch_write_bytes(&scratch, "f", content, rows[i].size);
        int fd = openat(scratch.fd, "f", O_RDONLY);
        int result = file_read(fd, rows[i].limit, &bytes, &length);
        int cause = errno;
        close(fd);
        CHECK(rows[i].label, result == (rows[i].read ? 0 : -1));
        if (result == 0) {
            CHECK(rows[i].label, length == rows[i].size);
            CHECK(rows[i].label, memcmp(bytes, content, length) == 0 && bytes[length] == '\0');
            free(bytes);
        } else {
            CHECK(rows[i].label, cause == EFBIG);
        }
    }
    scratch_remove(&scratch);
    check_end();
}

static void what_is_no_file_is_not_read(void **state)
{
    char *bytes = NULL;
    size_t length;
    int fd = open(".", O_RDONLY);
    (void)state;
    assert_int_equal(file_read(fd, 100, &bytes, &length), -1);
    assert_int_equal(errno, EISDIR);
    close(fd);
    assert_int_equal(file_read(-1, 100, &bytes, &length), -1);
    assert_int_equal(errno, EBADF);
}

static void writing_takes_every_byte_or_says_why_not(void **state)
{
    static char content[200000];
    struct scratch scratch = scratch_make();
    struct stat status;
    (void)state;
    int fd = openat(scratch.fd, "f", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(file_write(fd, content, sizeof content), 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, sizeof content);
    close(fd);
    fd = open("/dev/full", O_WRONLY);
    assert_int_equal(file_write(fd, content, 10), -1);
    assert_int_equal(errno, ENOSPC);
    close(fd);
    scratch_remove(&scratch);
}

/* Runs as nobody: what open says of the path is explained; 0 when number and text are right. */
struct explained {
    const char *path;
    enum diagnosis number;
    const char *named; /* a part that the text must have */
};

static int explain(void *context)
{
    const struct explained *row = context;
    struct error error = {0};
    int fd = open(row->path, O_RDONLY | O_DIRECTORY);
    if (fd >= 0 || file_explain_directory("STATIC_ROOT", row->path, errno, &error) != -1) {
        return 1;
    }
    bool right = error.number == row->number && strstr(error.text, row->named) &&
                 strstr(error.text, "STATIC_ROOT") && strstr(error.text, row->path);
    if (!right) {
        fprintf(stderr, "    HB%04d: %s\n", (int)error.number, error.text);
    }
    return right ? 0 : 1;
}

static void a_directory_that_cannot_be_opened_is_explained(void **state)
{
    static const struct {
        const char *label, *path;
        enum diagnosis number;
        const char *named;
    } rows[] = {
        {"missing", "missing", HB_ROOT_MISSING, "does not exist"},
        {"a file", "file", HB_ROOT_NOT_DIRECTORY, "not a directory"},
        {"below a file", "file/x", HB_ROOT_NOT_DIRECTORY, "not a directory"},
        {"behind a closed directory", "home/site/static", HB_ROOT_CLOSED, "/home (mode 0700"},
        {"missing behind a closed one", "home/nowhere", HB_ROOT_CLOSED, "/home (mode 0700"},
        {"closed itself", "home", HB_ROOT_CLOSED, "/home (mode 0700"},
        {"may be entered but not read", "dark", HB_ROOT_CLOSED, "/dark"},
    };
    struct scratch scratch = scratch_make();
    char path[2 * SCRATCH_PATH];
    (void)state;
    scratch_write(&scratch, "file", "x");
    scratch_write(&scratch, "home/site/static/a.css", "x");
    mkdirat(scratch.fd, "dark", 0755);
    assert_int_equal(fchmodat(scratch.fd, "dark", 0711, 0), 0);
    assert_int_equal(fchmodat(scratch.fd, "home", 0700, 0), 0);
    if (geteuid() != 0) {
        print_message("skipped: only root can make a directory that another user may not enter\n");
        scratch_remove(&scratch);
        skip();
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct explained row = {path, rows[i].number, rows[i].named};
        snprintf(path, sizeof path, "%s/%s", scratch.path, rows[i].path);
        CHECK(rows[i].label, scratch_as_nobody(explain, &row) == 0);
    }
    scratch_remove(&scratch);
    check_end();
}

static void a_path_is_behind_no_link_only_if_none_of_its_parts_is_one(void **state)
{
    static const struct {
        const char *path;
        bool wanted;
    } rows[] = {
        {"dir/b.txt", true}, {"dir", true},        {"dir/../dir/b.txt", true},
        {"link", false},     {"way/b.txt", false}, {"way/../dir", false},
        {"missing", false},  {"dangling", false},
    };
    char path[SCRATCH_PATH + 32];
    struct scratch scratch = scratch_make();
    (void)state;
    scratch_write(&scratch, "dir/b.txt", "b");
    scratch_link(&scratch, "link", "dir/b.txt");
    scratch_link(&scratch, "way", "dir");
    scratch_link(&scratch, "dangling", "nowhere");
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(path, sizeof path, "%s/%s", scratch.path, rows[i].path);
        CHECK(rows[i].path, beneath_has_no_link(path) == rows[i].wanted);
    }
    assert_false(beneath_has_no_link("dir/b.txt"));
    assert_false(beneath_has_no_link("."));
    scratch_remove(&scratch);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_whole_up_to_the_limit_and_no_further),
        cmocka_unit_test(what_is_no_file_is_not_read),
        cmocka_unit_test(writing_takes_every_byte_or_says_why_not),
        cmocka_unit_test(a_directory_that_cannot_be_opened_is_explained),
        cmocka_unit_test(a_path_is_behind_no_link_only_if_none_of_its_parts_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
