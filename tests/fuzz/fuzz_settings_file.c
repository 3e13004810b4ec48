/* A settings file. What is accepted cannot break a header or leave its form; what is not names a
 * fault of one line. */
#include "base/slice.h"
#include "compile/settings_file.h"
#include "fuzz_file.h"

#include <apr_general.h>

static apr_pool_t *parent;

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static void check_mount(const struct settings_mount *mount)
{
    size_t url = strlen(mount->url);
    MUST(url > 0 && mount->url[0] == '/' && mount->url[url - 1] == '/');
    MUST(!has_control(mount->url) && !has_control(mount->charset) && *mount->charset);
    MUST(!mount->root || (mount->root[0] == '/' && !has_control(mount->root)));
    MUST(!mount->release || !has_control(mount->release));
    MUST(!mount->max_age_sent || mount->max_age <= 315360000);
    for (int i = 0; i < mount->types->nelts; i++) {
        const struct settings_type *type =
            &((const struct settings_type *)(const void *)mount->types->elts)[i];
        MUST(*type->key && !has_control(type->key) && !has_control(type->type));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct error error = {0};
    apr_pool_t *pool;
    if (!parent) {
        MUST(apr_initialize() == APR_SUCCESS && apr_pool_create(&parent, NULL) == APR_SUCCESS);
    }
    MUST(apr_pool_create(&pool, parent) == APR_SUCCESS);
    struct settings settings;
    settings_clear(&settings, pool);
    int fd = fuzz_file(data, size, path);
    if (settings_file_read(&settings, path, true, pool, &error) == 0) {
        MUST(settings.mounts >= 1 && settings.mounts <= CATALOG_MOUNTS_MAX);
        MUST(settings.delivery < DELIVERY_COUNT && !has_control(settings.coding_header));
        for (uint32_t i = 0; i < settings.mounts; i++) {
            check_mount(&settings.mount[i]);
        }
    } else {
        MUST(error.number >= HB_SETTINGS_FILE_UNREADABLE && error.number <= HB_SETTING_REQUIRED);
        MUST(error.text[0] != '\0' && !has_control(error.text));
    }
    close(fd);
    apr_pool_destroy(pool);
    return 0;
}
