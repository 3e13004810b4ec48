/* A manifest. Every pair that is believed is safe to open below a root. */
#include "base/slice.h"
#include "compile/manifest.h"
#include "fuzz_file.h"
#include "http/path.h"

#include <apr_general.h>
#include <sys/stat.h>

static apr_pool_t *parent;
static char directory_path[] = P_tmpdir "/handback-fuzz-XXXXXX";
static int directory = -1;

static void remove_directory(void)
{
    unlinkat(directory, "m", 0);
    rmdir(directory_path);
}

/* A file below a directory, since a manifest is opened beneath one. */
static void prepare(const uint8_t *data, size_t size)
{
    if (directory < 0) {
        MUST(apr_initialize() == APR_SUCCESS && apr_pool_create(&parent, NULL) == APR_SUCCESS);
        MUST(mkdtemp(directory_path));
        directory = open(directory_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        MUST(directory >= 0);
        atexit(remove_directory);
    }
    int fd = openat(directory, "m", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest manifest;
    struct error error = {0};
    apr_pool_t *pool;
    prepare(data, size);
    MUST(apr_pool_create(&pool, parent) == APR_SUCCESS);
    if (manifest_read(&manifest, directory, "m", pool, &error) == 0) {
        for (int i = 0; i < manifest.pairs->nelts; i++) {
            const struct manifest_pair *pair =
                &((const struct manifest_pair *)(const void *)manifest.pairs->elts)[i];
            MUST(path_is_plain(slice_of(pair->original)));
            MUST(path_is_plain(slice_of(pair->hashed)));
        }
        MUST((manifest.refused > 0) == (manifest.first_refused != NULL));
        MUST(strlen(manifest.md5) == 32);
    } else {
        MUST(error.number >= HB_MANIFEST_UNREADABLE && error.number <= HB_MANIFEST_VERSION);
        MUST(error.text[0] != '\0' && !strpbrk(error.text, "\r\n"));
    }
    apr_pool_destroy(pool);
    return 0;
}
