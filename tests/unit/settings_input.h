/* Settings as the tests write them: a few variables and the text of a file. */
#ifndef SETTINGS_INPUT_H
#define SETTINGS_INPUT_H

#include "check.h"
#include "compile/settings.h"
#include "scratch.h"

#include <apr_general.h>

static apr_pool_t *pool;
static struct scratch scratch;

static inline int settings_input_make(void **state)
{
    (void)state;
    scratch = scratch_make();
    return apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

static inline int settings_input_drop(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

enum {
    VARIABLES = 5
};

/* Reads the settings from the variables, and from `file` when it is not NULL. */
static inline int settings_input_read(const char *const *variables, const char *file,
                                      struct settings *settings, struct error *error)
{
    static char config[SCRATCH_PATH + 64];
    static char copies[VARIABLES][1024];
    char *environment[VARIABLES + 2] = {0};
    size_t count = 0;
    for (size_t i = 0; i < VARIABLES && variables[i]; i++) {
        snprintf(copies[i], sizeof copies[i], "%s", variables[i]);
        environment[count++] = copies[i];
    }
    if (file) {
        scratch_write(&scratch, "etc/site.json", file);
        snprintf(config, sizeof config, "HANDBACK_CONFIG=%s/etc/site.json", scratch.path);
        environment[count] = config;
    }
    *error = (struct error){0};
    return settings_read(settings, environment, pool, error);
}

/* Settings that are refused: with which number, and what the one line names. */
struct settings_refusal {
    const char *label;
    const char *variables[VARIABLES];
    const char *file;
    enum diagnosis number;
    const char *key;
};

static inline void settings_input_check_refusals(const struct settings_refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct settings settings;
        struct error error;
        int result = settings_input_read(rows[i].variables, rows[i].file, &settings, &error);
        bool right = CHECK(rows[i].label, result == -1) &&
                     CHECK(rows[i].label, error.number == rows[i].number) &&
                     CHECK(rows[i].label, strstr(error.text, rows[i].key));
        CHECK(rows[i].label, result != -1 || !strpbrk(error.text, "\r\n"));
        if (!right && result == -1) {
            print_error("    HB%04d %s\n", (int)error.number, error.text);
        }
    }
    check_end();
}

#define ROOT "STATIC_ROOT=/srv/static"

#endif
