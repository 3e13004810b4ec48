/* Settings over the policy of sample_catalog.h. */
#include "check.h"
#include "compile/settings_adopt.h"
#include "sample_catalog.h"
#include "settings_input.h"

static struct sample sample;
static struct catalog catalog;
static struct settings effective;

static int open_sample(void **state)
{
    struct error fault;
    if (settings_input_make(state) != 0) {
        return -1;
    }
    sample = sample_make(pool);
    return catalog_open(&catalog, sample.block, sample.size, &fault);
}

static int close_sample(void **state)
{
    free(sample.block);
    return settings_input_drop(state);
}

static struct error error;

/* With the state directory /x/state. */
static enum diagnosis adopt(const char *const variables[VARIABLES], const char *file)
{
    struct settings settings;
    if (settings_input_read(variables, file, &settings, &error) != 0 ||
        settings_adopt(&effective, &settings, &catalog, "/x/state", pool, &error) != 0) {
        return error.number;
    }
    return NO_DIAGNOSIS;
}

static void a_state_directory_alone_gives_the_policy_of_the_catalog(void **state)
{
    const struct settings_mount *first = &effective.mount[0], *deep = &effective.mount[1];
    (void)state;
    assert_int_equal(adopt((const char *const[VARIABLES]){"HANDBACK_STATE=/x/state"}, NULL), 0);
    assert_int_equal(effective.mounts, 2);
    assert_int_equal(effective.delivery, DELIVERY_X_SENDFILE);
    assert_string_equal(effective.coding_header, "X-Enc");
    assert_string_equal(first->url, "/static/");
    assert_string_equal(first->root, "/srv/static");
    assert_true(first->max_age_sent && first->max_age == 300);
    assert_string_equal(first->immutable, "dist/*:*.mjs");
    assert_string_equal(first->index_file, "index.html");
    assert_int_equal(first->types->nelts, 2);
    assert_int_equal(first->fields->nelts, 2);
    assert_null(APR_ARRAY_IDX(first->fields, 1, struct settings_field).value);
    assert_int_equal(deep->kind, MOUNT_MEDIA);
    assert_string_equal(deep->charset, "latin1");
    assert_false(deep->max_age_sent || deep->allow_all_origins);
}

static void what_is_given_beats_the_catalog_key_by_key(void **state)
{
    const struct settings_mount *first = &effective.mount[0];
    (void)state;
    assert_int_equal(
        adopt((const char *const[VARIABLES]){"STATIC_ROOT=/y/static", "HANDBACK_STATE=/x/state",
                                             "HANDBACK_MAX_AGE=none", "HANDBACK_DELIVERY=body"},
              NULL),
        0);
    assert_string_equal(first->root, "/y/static");
    assert_false(first->max_age_sent);
    assert_int_equal(effective.delivery, DELIVERY_BODY);
    assert_string_equal(first->immutable, "dist/*:*.mjs");
    assert_int_equal(effective.mounts, 2);
}

static void a_mount_without_names_may_be_added(void **state)
{
    const char *const variables[VARIABLES] = {"HANDBACK_STATE=/x/state", "HANDBACK_ROOT=/y/root"};
    (void)state;
    assert_int_equal(adopt(variables, NULL), 0);
    assert_int_equal(effective.mounts, 3);
    assert_int_equal(effective.mount[2].kind, MOUNT_ROOT);
    assert_string_equal(effective.mount[2].root, "/y/root");
}

static void a_catalog_of_other_mounts_is_refused(void **state)
{
    static const struct {
        const char *label, *variable, *file, *named;
    } rows[] = {
        {"another URL", "STATIC_URL=/assets/", NULL, "without this mount"},
        {"other manifests", "HANDBACK_MANIFESTS=other.json", NULL, "manifests"},
        {"a mount more", NULL,
         "{\"mounts\": [{\"root\": \"/y\", \"url\": \"/static/\"},"
         "{\"root\": \"/z\", \"url\": \"/more/\"}]}",
         "without this mount"},
        {"another type", NULL, "{\"root\": \"/srv/static\", \"mimetypes\": {\".foo\": \"a/b\"}}",
         "mimetypes"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *const variables[VARIABLES] = {"HANDBACK_STATE=/x/state", rows[i].variable};
        CHECK(rows[i].label, adopt(variables, rows[i].file) == HB_CATALOG_OTHER);
        CHECK(rows[i].label, strstr(error.text, rows[i].named));
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_directory_alone_gives_the_policy_of_the_catalog),
        cmocka_unit_test(what_is_given_beats_the_catalog_key_by_key),
        cmocka_unit_test(a_mount_without_names_may_be_added),
        cmocka_unit_test(a_catalog_of_other_mounts_is_refused),
    };
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
