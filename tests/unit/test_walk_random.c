/* The walk beside openat2, on trees and paths made at random. */
#include "walk_compare.h"

enum {
    TREES = 60,
    PATHS = 120, /* in each tree */
    ENTRIES = 24,
    WORDS_MAX = 8
};

static struct scratch scratch;

static uint64_t seed;

static unsigned choose(unsigned count)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % count;
}

/* Few names, so that paths often lead somewhere. "@" is the scratch directory. */
static void make_path(char *path, size_t size, unsigned words)
{
    static const char *const word[] = {"a", "b", "c", "d", "a", "b", "c", "d", ".", "..", "..", ""};
    static const char *const begin[] = {"", "", "", "", "", "", "/", "@/", "@/root/", "@/root/"};
    const char *front = begin[choose(COUNT(begin))];
    size_t len = (size_t)snprintf(path, size, "%s%s", front[0] == '@' ? scratch.path : "",
                                  front[0] == '@' ? front + 1 : front);
    for (unsigned i = 0; i < words; i++) {
        len += (size_t)snprintf(path + len, size - len, "%s%s", i > 0 ? "/" : "",
                                word[choose(COUNT(word))]);
    }
    if (choose(8) == 0) {
        snprintf(path + len, size - len, "/");
    }
}

/* What cannot be made (its directory is a file, its name is taken) is left out. */
static void make_entry(int root)
{
    char name[32], target[PATH_MAX];
    size_t len = 0;
    for (unsigned depth = choose(4) + 1; depth > 0; depth--) {
        len += (size_t)snprintf(name + len, sizeof name - len, "%s%c", len > 0 ? "/" : "",
                                (int)('a' + choose(4)));
    }
    unsigned kind = choose(10);
    if (kind < 4) {
        mkdirat(root, name, choose(8) == 0 ? 0 : 0755);
    } else if (kind < 6) {
        int fd = openat(root, name, O_CREAT | O_EXCL | O_WRONLY, choose(8) == 0 ? 0 : 0644);
        close(fd);
    } else if (kind < 7) {
        mkfifoat(root, name, 0644);
    } else {
        make_path(target, sizeof target, choose(4) + 1);
        if (symlinkat(target, root, name) != 0) {
            return;
        }
    }
}

static void compare_tree(int tree)
{
    char path[PATH_MAX], label[32];
    scratch = scratch_make();
    scratch_write(&scratch, "a", "outside");
    scratch_write(&scratch, "b/c", "outside");
    mkdirat(scratch.fd, "root", 0755);
    int root = openat(scratch.fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    seed = (uint64_t)tree;
    for (int i = 0; i < ENTRIES; i++) {
        make_entry(root);
    }
    snprintf(label, sizeof label, "tree %d", tree);
    for (int i = 0; i < PATHS; i++) {
        make_path(path, sizeof path, choose(WORDS_MAX) + 1);
        CHECK(label, walk_compare(root, path));
    }
    close(root);
    scratch_remove(&scratch);
}

/* Every outcome has to be met often, or the comparison says nothing. */
static int compare_trees(void *context)
{
    static const int met[] = {0, ENOENT, ENOTDIR, ELOOP, EXDEV};
    int before = scratch_descriptors();
    (void)context;
    alarm(60);
    memset(walk_outcomes, 0, sizeof walk_outcomes);
    for (int tree = 0; tree < TREES; tree++) {
        compare_tree(tree);
    }
    alarm(0);
    for (size_t i = 0; i < COUNT(met); i++) {
        CHECK(strerror(met[i]), walk_outcomes[met[i]] > 500);
    }
    CHECK("closed directories", geteuid() == 0 || walk_outcomes[EACCES] > 500);
    CHECK("all is closed again", scratch_descriptors() == before);
    return check_failures > 0;
}

static void trees_of_links_are_walked_as_by_the_kernel(void **state)
{
    (void)state;
    compare_trees(NULL);
    check_end();
}

static void closed_directories_stay_closed(void **state)
{
    (void)state;
    assert_int_equal(scratch_as_nobody(compare_trees, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_of_links_are_walked_as_by_the_kernel),
        cmocka_unit_test(closed_directories_stay_closed),
    };
    return walk_has_kernel() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
