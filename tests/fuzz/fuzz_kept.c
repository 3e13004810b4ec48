/* The list of kept releases. What is believed can be written, and read again as the same. */
#include "base/slice.h"
#include "compile/kept.h"
#include "fuzz_file.h"
#include "http/path.h"

#include <apr_general.h>
#include <sys/stat.h>

static apr_pool_t *parent;
static char directory_path[] = P_tmpdir "/handback-fuzz-XXXXXX";
static int directory = -1;

static void remove_directory(void)
{
    unlinkat(directory, "releases.json", 0);
    rmdir(directory_path);
}

static void prepare(const uint8_t *data, size_t size)
{
    if (directory < 0) {
        MUST(apr_initialize() == APR_SUCCESS && apr_pool_create(&parent, NULL) == APR_SUCCESS);
        MUST(mkdtemp(directory_path));
        directory = open(directory_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        MUST(directory >= 0);
        atexit(remove_directory);
    }
    int fd = openat(directory, "releases.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

static const char *root_at(const struct kept_release *release, int index)
{
    return ((const char *const *)(const void *)release->roots->elts)[index];
}

static void must_be_sound(const struct kept_release *release)
{
    MUST(release->url[0] == '/' && release->url[strlen(release->url) - 1] == '/');
    MUST(release->id[0] && !slice_has_control(slice_of(release->id)));
    MUST(path_is_plain(slice_of(release->manifest)));
    MUST(strlen(release->md5) == 32 && !strpbrk(release->md5, "/."));
    MUST(release->published > 0);
    for (int i = 0; i < release->roots->nelts; i++) {
        MUST(root_at(release, i)[0] == '/' && !strstr(root_at(release, i), "/../"));
    }
}

static void must_be_equal(const struct kept_release *a, const struct kept_release *b)
{
    MUST(strcmp(a->url, b->url) == 0 && strcmp(a->id, b->id) == 0);
    MUST(strcmp(a->manifest, b->manifest) == 0 && strcmp(a->md5, b->md5) == 0);
    MUST(a->published == b->published && a->roots->nelts == b->roots->nelts);
    for (int i = 0; i < a->roots->nelts; i++) {
        MUST(strcmp(root_at(a, i), root_at(b, i)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_array_header_t *releases, *again;
    struct error error = {0};
    apr_pool_t *pool;
    prepare(data, size);
    MUST(apr_pool_create(&pool, parent) == APR_SUCCESS);
    if (kept_read(&releases, directory, directory_path, pool, &error) != 0) {
        MUST(error.number == HB_RELEASES_INVALID);
        MUST(error.text[0] != '\0' && !strpbrk(error.text, "\r\n"));
    } else if (kept_write(releases, directory, directory_path, pool, &error) == 0) {
        MUST(kept_read(&again, directory, directory_path, pool, &error) == 0);
        MUST(again->nelts == releases->nelts);
        for (int i = 0; i < releases->nelts; i++) {
            must_be_sound(kept_at(releases, i));
            must_be_equal(kept_at(releases, i), kept_at(again, i));
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
