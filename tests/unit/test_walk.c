/* The walk opens what openat2 opens, and fails as it does. */
#include "walk_compare.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct scratch scratch;

/* "@" at the beginning of a target stands for the scratch directory. */
static void link_to(const char *name, const char *target)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", target[0] == '@' ? scratch.path : "",
             target[0] == '@' ? target + 1 : target);
    scratch_link(&scratch, name, path);
}

static void repeat(char *text, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        text[i] = word[i % strlen(word)];
    }
    text[len] = '\0';
}

static void make_chain(void)
{
    char name[32], target[32];
    for (int i = 1; i <= 45; i++) {
        snprintf(name, sizeof name, "chain%d", i);
        snprintf(target, sizeof target, "chain%d", i - 1);
        scratch_link(&scratch, name, i == 1 ? "a.txt" : target);
    }
}

static void make_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", scratch.fd);
    scratch_need(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    close(fd);
}

static void make_special_files(void)
{
    char text[PATH_MAX];
    scratch_write(&scratch, "a.txt", "a");
    scratch_write(&scratch, "dir/b.txt", "b");
    scratch_write(&scratch, "large", "");
    scratch_need(truncate(strcat(strcpy(text, scratch.path), "/large"), 3LL << 30) == 0, "large");
    scratch_need(mkfifoat(scratch.fd, "fifo", 0644) == 0, "mkfifo");
    make_socket();
    make_chain();
    repeat(text, PATH_MAX - 1, "./");
    scratch_link(&scratch, "long", text);
    scratch_link(&scratch, "long-way", text);
    link_to("dir/slash", "../a.txt/");
    link_to("dir/slashes", "..//dir///");
    link_to("dir/root", "/");
    link_to("dir/up", "..");
    link_to("dir/here", ".");
    link_to("dir/home", "@/dir/b.txt");
    link_to("fifo-link", "fifo");
    link_to("exe", "/proc/self/exe");
    link_to("descriptor", "/proc/self/fd/0");
    link_to("namespace", "/proc/self/ns/mnt");
    link_to("mounts", "/proc/mounts");
    link_to("self", "/proc/self");
    link_to("self-status", "/proc/self/status");
    link_to("null", "/dev/null");
}

static const char *const special[] = {"",
                                      ".",
                                      "..",
                                      "/",
                                      "//",
                                      "./",
                                      "../",
                                      "./.",
                                      ".//a.txt",
                                      "//a.txt",
                                      "a.txt",
                                      "a.txt/",
                                      "a.txt/.",
                                      "a.txt/..",
                                      "dir",
                                      "dir/",
                                      "dir/.",
                                      "dir/..",
                                      "dir/../",
                                      "dir/../a.txt",
                                      "dir/../..",
                                      "dir/../../..",
                                      "missing",
                                      "missing/",
                                      "missing/..",
                                      "missing/../a.txt",
                                      "a.txt/../a.txt",
                                      "fifo",
                                      "fifo/",
                                      "fifo/x",
                                      "fifo-link",
                                      "socket",
                                      "large",
                                      "dir/slash",
                                      "dir/slash/",
                                      "dir/slash/..",
                                      "dir/slashes",
                                      "dir/slashes/b.txt",
                                      "dir/slashes/../a.txt",
                                      "dir/root",
                                      "dir/root/",
                                      "dir/root/etc",
                                      "dir/up",
                                      "dir/up/",
                                      "dir/up/a.txt",
                                      "dir/up/dir/up/a.txt",
                                      "dir/up/..",
                                      "dir/here/b.txt",
                                      "dir/here/here/../a.txt",
                                      "dir/home",
                                      "dir/home/",
                                      "chain40",
                                      "chain41",
                                      "chain39/",
                                      "chain40/x",
                                      "chain41/x",
                                      "long",
                                      "long/a.txt",
                                      "long/long-way/a.txt",
                                      "long/long-way",
                                      "exe",
                                      "descriptor",
                                      "namespace",
                                      "mounts",
                                      "self",
                                      "self/",
                                      "self/status",
                                      "self/exe",
                                      "self/cwd/x",
                                      "self/fd/0",
                                      "self/ns/mnt",
                                      "self-status",
                                      "null",
                                      "null/",
                                      "null/x",
                                      "/dev/null",
                                      "/proc/self/exe",
                                      "/proc/self/fd/1",
                                      "/proc/mounts",
                                      "/proc/thread-self/comm"};

static void special_paths_are_opened_as_by_the_kernel(void **state)
{
    char path[2 * PATH_MAX];
    (void)state;
    scratch = scratch_make();
    make_special_files();
    alarm(20); /* nothing may hang */
    for (size_t i = 0; i < COUNT(special); i++) {
        CHECK(special[i], walk_compare(scratch.fd, special[i]));
    }
    static const size_t lengths[] = {1, 254, 255, 256, 4094, 4095, 4096, 8000};
    static const char *const words[] = {"n", "dir/../", "./", "/", "dir/up/"};
    for (size_t i = 0; i < COUNT(lengths) * COUNT(words); i++) {
        repeat(path, lengths[i / COUNT(words)], words[i % COUNT(words)]);
        CHECK(path, walk_compare(scratch.fd, path));
    }
    alarm(0);
    scratch_remove(&scratch);
    check_end();
}

static void what_is_no_directory_to_begin_with_is_said(void **state)
{
    (void)state;
    scratch = scratch_make();
    scratch_write(&scratch, "a.txt", "a");
    scratch_write(&scratch, "gone/a.txt", "a");
    int file = openat(scratch.fd, "a.txt", O_RDONLY | O_CLOEXEC);
    int gone = openat(scratch.fd, "gone", O_PATH | O_CLOEXEC);
    scratch_unlink(&scratch, "gone/a.txt");
    scratch_unlink(&scratch, "gone");
    static const char *const paths[] = {"x", ".", "..", "", "/", "../gone", "../a.txt"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        CHECK(paths[i], walk_compare(file, paths[i]));
        CHECK(paths[i], walk_compare(gone, paths[i]));
        CHECK(paths[i], walk_compare(-1, paths[i]));
    }
    close(file);
    close(gone);
    scratch_remove(&scratch);
    check_end();
}

static void a_mount_that_forbids_links_and_one_of_procfs_are_as_to_the_kernel(void **state)
{
    static const char *const paths[] = {"strict/a.txt", "strict/link",    "strict/dir/b.txt",
                                        "into",         "proc/self/exe",  "proc/self/fd/0",
                                        "proc/self",    "proc/self/comm", "proc/mounts"};
    char mount_point[SCRATCH_PATH + 16];
    (void)state;
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        print_message("skipped: only root can mount\n");
        skip();
    }
    scratch = scratch_make();
    mkdirat(scratch.fd, "strict", 0755);
    mkdirat(scratch.fd, "proc", 0755);
    snprintf(mount_point, sizeof mount_point, "%s/strict", scratch.path);
    scratch_need(mount("none", mount_point, "tmpfs", MS_NOSYMFOLLOW, NULL) == 0, "tmpfs");
    scratch_write(&scratch, "strict/a.txt", "a");
    scratch_write(&scratch, "strict/real/b.txt", "b");
    link_to("strict/link", "a.txt");
    link_to("strict/dir", "real");
    link_to("into", "strict/link");
    snprintf(mount_point, sizeof mount_point, "%s/proc", scratch.path);
    scratch_need(mount("none", mount_point, "proc", 0, NULL) == 0, "proc");
    for (size_t i = 0; i < COUNT(paths); i++) {
        CHECK(paths[i], walk_compare(scratch.fd, paths[i]));
    }
    umount2(mount_point, MNT_DETACH);
    snprintf(mount_point, sizeof mount_point, "%s/strict", scratch.path);
    umount2(mount_point, MNT_DETACH);
    scratch_remove(&scratch);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_paths_are_opened_as_by_the_kernel),
        cmocka_unit_test(what_is_no_directory_to_begin_with_is_said),
        cmocka_unit_test(a_mount_that_forbids_links_and_one_of_procfs_are_as_to_the_kernel),
    };
    return walk_has_kernel() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
