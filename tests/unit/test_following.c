/* Links that may be followed (`follow`): absolute ones too, as long as they end where files may be
 * served from. */
#include "base/beneath.h"
#include "check.h"
#include "scratch.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct scratch scratch;
static int root; /* of DIR/static */

/* "@" at the beginning of a target stands for the scratch directory. */
static void link_to(const char *name, const char *target)
{
    char path[2 * SCRATCH_PATH];
    snprintf(path, sizeof path, "%s%s", target[0] == '@' ? scratch.path : "",
             target[0] == '@' ? target + 1 : target);
    scratch_link(&scratch, name, path);
}

static void make_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int len = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", scratch.fd,
                       name);
    scratch_need(len > 0 && (size_t)len < sizeof address.sun_path &&
                     bind(fd, (struct sockaddr *)&address, sizeof address) == 0,
                 "bind");
    close(fd);
}

static int make(void **state)
{
    (void)state;
    scratch = scratch_make();
    scratch_write(&scratch, "static/a.txt", "a");
    scratch_write(&scratch, "static/dir/b.txt", "b");
    scratch_write(&scratch, "static2/c.txt", "c");
    scratch_write(&scratch, "app/d.txt", "d");
    scratch_write(&scratch, "app/deep/e.txt", "e");
    scratch_write(&scratch, "app2/f.txt", "f");
    scratch_need(mkfifoat(scratch.fd, "static/fifo", 0644) == 0, "mkfifo");
    scratch_need(mkfifoat(scratch.fd, "app/fifo", 0644) == 0, "mkfifo");
    make_socket("static/socket");
    link_to("static/inside", "@/static/a.txt");
    link_to("static/inside-deep", "@/static/dir/b.txt");
    link_to("static/relative", "dir/b.txt");
    link_to("static/back", "../static/a.txt");
    link_to("static/dots", "@/app/../static/a.txt");
    link_to("static/way", "@/static/dir");
    link_to("static/look-alike", "@/static2/c.txt");
    link_to("static/app", "@/app/d.txt");
    link_to("static/app-deep", "@/app/deep/e.txt");
    link_to("static/apps", "@/app");
    link_to("static/app2", "@/app2/f.txt");
    link_to("static/chain", "chain2");
    link_to("static/chain2", "@/app/chain3");
    link_to("app/chain3", "@/static/a.txt");
    link_to("static/chain-out", "@/app/chain4");
    link_to("app/chain4", "@/app2/f.txt");
    link_to("static/chain-by", "@/app2/chain5");
    link_to("app2/chain5", "@/app/d.txt");
    link_to("static/loop", "@/static/loop");
    link_to("static/loop-a", "@/static/loop-b");
    link_to("static/loop-b", "@/static/loop-a");
    link_to("static/dangling", "@/app/nothing");
    link_to("static/out", "/etc/passwd");
    link_to("static/outdir", "/etc");
    link_to("static/to-fifo", "@/static/fifo");
    link_to("static/to-fifo-of-app", "@/app/fifo");
    link_to("static/to-socket", "@/static/socket");
    link_to("static/to-directory", "@/static/dir");
    link_to("static/to-zero", "/dev/zero");
    link_to("static/to-tty", "/dev/tty");
    link_to("static/to-root", "/");
    link_to("static/to-itself", "/proc/self/exe");
    link_to("static/to-descriptor", "/proc/self/fd/0");
    link_to("alias", "@/app");
    root = openat(scratch.fd, "static", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return root >= 0 ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    close(root);
    scratch_remove(&scratch);
    return 0;
}

static int open_following(const char *path, const char *others)
{
    char directories[4 * SCRATCH_PATH] = "";
    for (size_t len = 0; others && *others; others++, len = strlen(directories)) {
        snprintf(directories + len, sizeof directories - len, "%s%.1s",
                 *others == '@' ? scratch.path : "", *others == '@' ? "" : others);
    }
    return beneath_open_following(root, path, slice_of(others ? directories : NULL));
}

/* The one byte of the file that was opened; '?' when it is not one of ours. */
static char content_of(int fd)
{
    char byte[2];
    return read(fd, byte, 2) == 1 ? byte[0] : '?';
}

struct following {
    const char *label, *path, *others;
    char content; /* 0: not opened */
    int cause;
};

static void check_rows(const struct following *rows, size_t count)
{
    alarm(20); /* nothing may hang */
    for (size_t i = 0; i < count; i++) {
        errno = 0;
        int fd = open_following(rows[i].path, rows[i].others);
        int cause = fd < 0 ? errno : 0;
        if (!CHECK(rows[i].label, cause == rows[i].cause)) {
            print_error("    errno is %s\n", strerror(cause));
        }
        if (CHECK(rows[i].label, (fd >= 0) == (rows[i].content != 0)) && fd >= 0) {
            CHECK(rows[i].label, content_of(fd) == rows[i].content);
            CHECK(rows[i].label, fcntl(fd, F_GETFD) & FD_CLOEXEC);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    alarm(0);
    check_end();
}

static void a_link_is_followed_when_its_end_lies_where_it_may(void **state)
{
    static const struct following rows[] = {
        {"no link", "a.txt", NULL, 'a', 0},
        {"an absolute link inside", "inside", NULL, 'a', 0},
        {"an absolute link to a directory below", "inside-deep", NULL, 'b', 0},
        {"a relative link", "relative", NULL, 'b', 0},
        {"a relative link that leaves and comes back", "back", NULL, 'a', 0},
        {"dots on the way", "dots", NULL, 'a', 0},
        {"an absolute directory link inside, and on", "way/b.txt", NULL, 'b', 0},
        {"another directory, not allowed", "app", NULL, 0, EXDEV},
        {"another directory, allowed", "app", "@/app", 'd', 0},
        {"below it", "app-deep", "@/app", 'e', 0},
        {"a directory link into it, and on", "apps/d.txt", "@/app", 'd', 0},
        {"a directory link into it, and on, not allowed", "apps/d.txt", NULL, 0, EXDEV},
        {"and deeper", "apps/deep/e.txt", "@/app", 'e', 0},
        {"above what is allowed", "app", "@/app/deep", 0, EXDEV},
        {"the second that is allowed", "app", "/nowhere:@/app", 'd', 0},
        {"the first that is allowed", "app", "@/app:/nowhere", 'd', 0},
        {"two that are", "app2", "@/app:@/app2", 'f', 0},
        {"everything", "app", "/", 'd', 0},
        {"an allowed directory that is a link itself", "app", "@/alias", 'd', 0},
        {"a slash behind it", "app", "@/app/", 'd', 0},
        {"dots in it", "app", "@/static/../app", 'd', 0},
        {"an allowed directory that is not there", "app", "/nowhere", 0, EXDEV},
        {"an allowed directory that is a file", "app", "@/app/d.txt", 0, EXDEV},
        {"the link is allowed, its end is not", "app", "@/static", 0, EXDEV},
        {"an empty item", "app", ":", 0, EXDEV},
        {"an empty list", "app", "", 0, EXDEV},
        {"a look-alike of the root", "look-alike", NULL, 0, EXDEV},
        {"a look-alike of what is allowed", "app2", "@/app", 0, EXDEV},
        {"a chain that ends inside counts by its end", "chain", NULL, 'a', 0},
        {"a chain through what is allowed ends elsewhere", "chain-out", "@/app", 0, EXDEV},
        {"a chain through elsewhere ends in what is allowed", "chain-by", "@/app", 'd', 0},
        {"out of everything", "out", NULL, 0, EXDEV},
        {"out by a directory", "outdir/passwd", "@/app", 0, EXDEV},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void a_link_to_nowhere_is_said_as_what_it_is(void **state)
{
    static const struct following rows[] = {
        {"missing", "missing", "/", 0, ENOENT},
        {"a dangling link", "dangling", "/", 0, ENOENT},
        {"a link to itself", "loop", "/", 0, ELOOP},
        {"a link that comes round", "loop-a", "/", 0, ELOOP},
        {"below a file", "inside/x", "/", 0, ENOTDIR},
        {"below a link to a file", "app/x", "/", 0, ENOTDIR},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

/* Looked at before it is opened: opening a FIFO can hang, and a device may act on it. */
static void what_is_no_regular_file_is_never_opened(void **state)
{
    static const char *const paths[] = {"fifo",      "to-fifo", "to-fifo-of-app", "socket",
                                        "to-socket", "dir",     "to-directory",   "way",
                                        "to-zero",   "to-tty",  "to-root",        "."};
    (void)state;
    alarm(20);
    for (size_t i = 0; i < COUNT(paths); i++) {
        errno = 0;
        int fd = open_following(paths[i], "/");
        CHECK(paths[i], fd < 0 && errno != 0);
        if (fd >= 0) {
            close(fd);
        }
    }
    alarm(0);
    check_end();
}

/* Where everything may be reached, /proc would still lead to what has no name. */
static void magic_links_are_not_followed(void **state)
{
    (void)state;
    assert_int_equal(open_following("to-itself", "/"), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(open_following("to-descriptor", "/"), -1);
    assert_int_equal(errno, ELOOP);
}

/* The directory that was opened counts, wherever it is called by now. */
static void the_root_is_the_directory_and_not_its_name(void **state)
{
    (void)state;
    scratch_need(renameat(scratch.fd, "static", scratch.fd, "moved") == 0, "rename");
    scratch_write(&scratch, "static/a.txt", "z");
    static const struct following moved[] = {
        {"a file of the old one", "a.txt", NULL, 'a', 0},
        {"an absolute link leads into the new one", "inside", NULL, 0, EXDEV},
        {"a relative one does not", "relative", NULL, 'b', 0},
        {"where that may be reached", "inside", "@/static", 'z', 0},
    };
    check_rows(moved, COUNT(moved));
}

static void a_root_that_was_deleted_holds_nothing(void **state)
{
    static const struct following rows[] = {
        {"a file", "a.txt", NULL, 0, ENOENT},
        {"a file, with the directory made anew allowed", "a.txt", "@/gone", 0, ENOENT},
        {"the directory made anew is another one", "../gone/a.txt", NULL, 0, EXDEV},
    };
    (void)state;
    close(root);
    scratch_write(&scratch, "gone/a.txt", "a");
    root = openat(scratch.fd, "gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    scratch_unlink(&scratch, "gone/a.txt");
    scratch_unlink(&scratch, "gone");
    scratch_write(&scratch, "gone/a.txt", "a");
    check_rows(rows, COUNT(rows));
}

static void nothing_is_left_open(void **state)
{
    (void)state;
    int before = scratch_descriptors();
    for (int i = 0; i < 100; i++) {
        int fd = open_following(i % 2 ? "app" : "out", "/nowhere:@/app2");
        assert_int_equal(fd, -1);
    }
    assert_int_equal(scratch_descriptors(), before);
}

int main(void)
{
#define WITH_LINKS(test) cmocka_unit_test_setup_teardown(test, make, drop)
    const struct CMUnitTest tests[] = {
        WITH_LINKS(a_link_is_followed_when_its_end_lies_where_it_may),
        WITH_LINKS(a_link_to_nowhere_is_said_as_what_it_is),
        WITH_LINKS(what_is_no_regular_file_is_never_opened),
        WITH_LINKS(magic_links_are_not_followed),
        WITH_LINKS(the_root_is_the_directory_and_not_its_name),
        WITH_LINKS(a_root_that_was_deleted_holds_nothing),
        WITH_LINKS(nothing_is_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
