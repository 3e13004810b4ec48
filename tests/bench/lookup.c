/* How long catalog_find takes: lookup CATALOG NAMES LOOKUPS ROUNDS
 *
 * NAMES has two lines for each name: the name, and the path that it must give. In each round so
 * many lookups are made in the catalog as `serve` has it, a copy in memory that was verified as a
 * whole, and as a CGI has it, the file, of which each page is read and checked when it is
 * needed. Prints the nanoseconds of one lookup, a line for each round: verified, read. The exit
 * code is 1, with the reason on stderr, when an answer is wrong. */
#include "base/slice.h"
#include "catalog/catalog.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct file {
    void *bytes;
    size_t size;
};

struct question {
    struct slice name;
    struct slice path;
};

struct questions {
    struct question *list;
    size_t count;
};

static void fail(const char *what, struct slice name)
{
    fprintf(stderr, "%s: %.*s\n", what, (int)name.len, name.at ? name.at : "");
    exit(1);
}

static struct file map_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        fail("cannot be opened", slice_of(path));
    }
    struct file file = {.size = (size_t)status.st_size};
    file.bytes = mmap(NULL, file.size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (file.bytes == MAP_FAILED) {
        fail("cannot be mapped", slice_of(path));
    }
    return file;
}

static struct file copy_of(struct file file)
{
    struct file copy = {.bytes = aligned_alloc(4096, (file.size + 4095) / 4096 * 4096),
                        .size = file.size};
    if (!copy.bytes) {
        fail("no memory for a copy", (struct slice){0});
    }
    memcpy(copy.bytes, file.bytes, file.size);
    return copy;
}

static struct questions read_questions(const char *path)
{
    struct file file = map_file(path);
    struct slice rest = {file.bytes, file.size};
    struct questions questions = {.list = calloc(file.size / 2 + 1, sizeof *questions.list)};
    while (questions.list && rest.len > 0) {
        struct question *question = &questions.list[questions.count++];
        question->name = slice_cut(&rest, '\n');
        question->path = slice_cut(&rest, '\n');
    }
    if (questions.count == 0) {
        fail("no names", slice_of(path));
    }
    return questions;
}

/* Every release was published in the root of this moment. */
static bool is_here(const void *context, struct slice root)
{
    (void)context;
    (void)root;
    return true;
}

static void choose(struct catalog *catalog)
{
    struct error error;
    const struct catalog_wish wish = {.is_here = is_here};
    if (catalog_choose(catalog, 0, &wish, &error) != 0) {
        fail("the catalog", slice_of(error.text));
    }
}

static struct catalog open_copy(struct file file)
{
    struct catalog catalog;
    struct error error;
    if (catalog_open(&catalog, file.bytes, file.size, &error) != 0 ||
        catalog_verify(&catalog, &error) != 0) {
        fail("the catalog", slice_of(error.text));
    }
    choose(&catalog);
    return catalog;
}

static void check_answers(const struct catalog *catalog, const struct questions *questions)
{
    for (size_t i = 0; i < questions->count; i++) {
        const struct question *question = &questions->list[i];
        struct catalog_entry entry;
        if (catalog_find(catalog, 0, question->name, &entry) != CATALOG_FOUND) {
            fail("not found", question->name);
        }
        if (!slice_equal(entry.path, question->path)) {
            fail("another file", question->name);
        }
    }
}

/* Of this process alone, whatever else runs on the machine: a lookup waits for nothing. */
static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Nanoseconds of one lookup. */
static double time_lookups(const struct catalog *catalog, const struct questions *questions,
                           size_t lookups)
{
    size_t found = 0, next = 0;
    double begin = cpu_seconds();
    for (size_t i = 0; i < lookups; i++) {
        struct catalog_entry entry;
        found += catalog_find(catalog, 0, questions->list[next].name, &entry) == CATALOG_FOUND;
        next = next + 1 < questions->count ? next + 1 : 0;
    }
    double took = cpu_seconds() - begin;
    if (found != lookups) {
        fail("found once, and then not", (struct slice){0});
    }
    return took / (double)lookups * 1e9;
}

/* As a CGI and mod_fcgid have it: the head in memory, the pages in the file. */
static struct catalog open_file(const char *path, size_t size)
{
    struct catalog catalog;
    struct error error;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t mapped;
    void *head = fd < 0 ? NULL : catalog_read_head(fd, size, &mapped);
    if (!head || catalog_open(&catalog, head, size, &error) != 0) {
        fail("cannot be opened", slice_of(path));
    }
    catalog.fd = fd;
    choose(&catalog);
    return catalog;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fputs("usage: lookup CATALOG NAMES LOOKUPS ROUNDS\n", stderr);
        return 2;
    }
    struct file file = map_file(argv[1]);
    struct questions questions = read_questions(argv[2]);
    size_t lookups = strtoul(argv[3], NULL, 10);
    struct catalog verified = open_copy(copy_of(file));
    struct catalog read = open_file(argv[1], file.size);
    check_answers(&verified, &questions);
    check_answers(&read, &questions);
    for (unsigned long round = strtoul(argv[4], NULL, 10); round > 0; round--) {
        double of_verified = time_lookups(&verified, &questions, lookups);
        printf("%.2f %.2f\n", of_verified, time_lookups(&read, &questions, lookups));
    }
    return 0;
}
