/* Files below a directory that must not be left. Run once more where openat2 is refused. */
#include "base/beneath.h"
#include "check.h"
#include "scratch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static void only_what_lies_beneath_is_opened(void **state)
{
    static const struct {
        const char *label, *path;
        int cause; /* 0: opened */
    } rows[] = {
        {"a file", "a.txt", 0},
        {"a file in a directory", "dir/b.txt", 0},
        {"a link inside", "inside", 0},
        {"a link to a directory inside, and on", "way/b.txt", 0},
        {"a link that leaves and comes back relative", "back", EXDEV},
        {".. at the front", "../x", EXDEV},
        {".. that climbs past the top", "dir/../../x", EXDEV},
        {"absolute", "/etc/passwd", EXDEV},
        {"an absolute link out", "out", EXDEV},
        {"a relative link out", "up", EXDEV},
        {"a directory link out, and on", "outdir/passwd", EXDEV},
        {"a link to itself", "loop", ELOOP},
        {"missing", "missing", ENOENT},
        {"below a file", "a.txt/x", ENOTDIR},
        {"a dangling link", "dangling", ENOENT},
        {"nothing", "", ENOENT},
        {"the directory itself", ".", 0},
        {"a directory, to read it", "dir", 0},
        {"the directory itself by a detour", "dir/..", 0},
        {".. of what is not there", "missing/../a.txt", ENOENT},
        {".. of a file", "a.txt/../a.txt", ENOTDIR},
        {"a slash behind a file", "a.txt/", ENOTDIR},
        {"a slash behind a link to a file", "inside/", ENOTDIR},
        {"a slash behind a directory", "dir/", 0},
        {"a slash behind a link to a directory", "way/", 0},
        {"a slash behind a link out", "outdir/", EXDEV},
    };
    struct scratch scratch = scratch_make();
    char back[SCRATCH_PATH + 16];
    (void)state;
    scratch_write(&scratch, "a.txt", "a");
    scratch_write(&scratch, "dir/b.txt", "b");
    scratch_link(&scratch, "inside", "dir/b.txt");
    scratch_link(&scratch, "way", "dir");
    snprintf(back, sizeof back, "..%s/a.txt", strrchr(scratch.path, '/'));
    scratch_link(&scratch, "back", back);
    scratch_link(&scratch, "out", "/etc/passwd");
    scratch_link(&scratch, "up", "../../../../../etc/passwd");
    scratch_link(&scratch, "outdir", "/etc");
    scratch_link(&scratch, "loop", "loop");
    scratch_link(&scratch, "dangling", "nowhere");
    for (size_t i = 0; i < COUNT(rows); i++) {
        errno = 0;
        int fd = beneath_open(scratch.fd, rows[i].path);
        int cause = fd < 0 ? errno : 0;
        if (!CHECK(rows[i].label, cause == rows[i].cause)) {
            print_error("    errno is %s\n", strerror(cause));
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    scratch_remove(&scratch);
    check_end();
}

static void a_fifo_does_not_block_and_nothing_is_inherited(void **state)
{
    struct scratch scratch = scratch_make();
    struct stat status;
    (void)state;
    assert_int_equal(mkfifoat(scratch.fd, "fifo", 0644), 0);
    alarm(5);
    int fd = beneath_open(scratch.fd, "fifo");
    alarm(0);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    scratch_remove(&scratch);
}

static void a_directory_is_opened_beneath_in_the_same_way(void **state)
{
    struct scratch scratch = scratch_make();
    (void)state;
    scratch_write(&scratch, "dir/b.txt", "b");
    scratch_link(&scratch, "out", "/etc");
    int fd = beneath_open_directory(scratch.fd, "dir");
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(beneath_open_directory(scratch.fd, "dir/b.txt"), -1);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(beneath_open_directory(scratch.fd, "out"), -1);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(beneath_open_directory(scratch.fd, ".."), -1);
    assert_int_equal(errno, EXDEV);
    scratch_remove(&scratch);
}

/* ---- while somebody renames ---- */

enum {
    A_MOMENT = 500 /* milliseconds */
};

struct mover {
    struct scratch scratch;
    const char *from, *to;
    unsigned exchange; /* RENAME_EXCHANGE: at no moment is one of them missing */
    atomic_bool ended;
    unsigned long moved;
};

static void *move_about(void *context)
{
    struct mover *mover = context;
    int fd = mover->scratch.fd;
    while (!atomic_load(&mover->ended)) {
        mover->moved += renameat2(fd, mover->from, fd, mover->to, mover->exchange) == 0;
        mover->moved += renameat2(fd, mover->to, fd, mover->from, mover->exchange) == 0;
    }
    return NULL;
}

static long long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What was found at a path that was opened again and again: the bytes in the files there. */
struct found {
    unsigned long inside, outside, nothing;
};

static void look_once(int root, const char *path, struct found *found)
{
    char byte = 0;
    int fd = beneath_open(root, path);
    bool got = fd >= 0 && read(fd, &byte, 1) == 1;
    found->inside += byte == 'i';
    found->outside += byte == 'o';
    found->nothing += !got;
    if (fd >= 0) {
        close(fd);
    }
}

static void make_both_sides(const struct scratch *scratch)
{
    scratch_write(scratch, "root/dir/deep/x", "i");
    scratch_write(scratch, "root/dir/x", "i");
    scratch_write(scratch, "root/same/x", "i");
    scratch_write(scratch, "root/x", "i");
    scratch_write(scratch, "out/deep/x", "o");
    scratch_write(scratch, "out/x", "o");
    scratch_write(scratch, "x", "o");
    scratch_link(scratch, "root/out", "../out");
    scratch_link(scratch, "root/out.x", "../x");
    scratch_link(scratch, "root/in", "same");
    scratch_link(scratch, "root/in.x", "same/x");
    scratch_link(scratch, "root/climb", "dir/deep/../../x");
}

static struct found look_while_it_moves(const char *path, const char *from, const char *to,
                                        unsigned exchange)
{
    struct mover mover = {.scratch = scratch_make(), .from = from, .to = to, .exchange = exchange};
    struct found found = {0};
    pthread_t thread;
    make_both_sides(&mover.scratch);
    int root = openat(mover.scratch.fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    scratch_need(pthread_create(&thread, NULL, move_about, &mover) == 0, "thread");
    for (long long end = milliseconds() + A_MOMENT; milliseconds() < end;) {
        look_once(root, path, &found);
    }
    atomic_store(&mover.ended, true);
    pthread_join(thread, NULL);
    CHECK(path, found.inside > 0 && mover.moved > 100);
    close(root);
    scratch_remove(&mover.scratch);
    return found;
}

static void what_is_swapped_for_a_link_leads_nowhere(void **state)
{
    (void)state;
    struct found found = look_while_it_moves("dir/x", "root/dir", "root/out", RENAME_EXCHANGE);
    CHECK("a directory", found.outside == 0 && found.nothing > 0);
    found = look_while_it_moves("x", "root/x", "root/out.x", RENAME_EXCHANGE);
    CHECK("a file", found.outside == 0 && found.nothing > 0);
    check_end();
}

static void what_is_swapped_for_a_link_inside_is_always_there(void **state)
{
    (void)state;
    struct found found = look_while_it_moves("dir/x", "root/dir", "root/in", RENAME_EXCHANGE);
    CHECK("a directory", found.outside + found.nothing == 0);
    found = look_while_it_moves("x", "root/x", "root/in.x", RENAME_EXCHANGE);
    CHECK("a file", found.outside + found.nothing == 0);
    check_end();
}

/* Its `..` is then another directory, and that one's is outside. */
static void what_is_moved_out_leads_nowhere(void **state)
{
    (void)state;
    struct found found = look_while_it_moves("climb", "root/dir/deep", "out/moved", 0);
    CHECK("by a link", found.outside == 0);
    found = look_while_it_moves("dir/deep/../../x", "root/dir/deep", "out/moved", 0);
    CHECK("by the path", found.outside == 0);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_lies_beneath_is_opened),
        cmocka_unit_test(a_fifo_does_not_block_and_nothing_is_inherited),
        cmocka_unit_test(a_directory_is_opened_beneath_in_the_same_way),
        cmocka_unit_test(what_is_swapped_for_a_link_leads_nowhere),
        cmocka_unit_test(what_is_swapped_for_a_link_inside_is_always_there),
        cmocka_unit_test(what_is_moved_out_leads_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
