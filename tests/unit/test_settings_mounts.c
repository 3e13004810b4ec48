#include "settings_input.h"

static void media_types_are_read_in_order(void **state)
{
    const char *const variables[VARIABLES] = {ROOT};
    struct settings settings;
    struct error error;
    (void)state;
    assert_int_equal(
        settings_input_read(variables, "{\"mimetypes\": {\".foo\": \"a/b\", \"name\": \"text/x\"}}",
                            &settings, &error),
        0);
    const struct settings_type *types = (const void *)settings.mount[0].types->elts;
    assert_int_equal(settings.mount[0].types->nelts, 2);
    assert_string_equal(types[0].key, ".foo");
    assert_string_equal(types[0].type, "a/b");
    assert_string_equal(types[1].key, "name");
}

static void each_mount_of_the_list_has_its_own_keys(void **state)
{
    const char *const variables[VARIABLES] = {"STATIC_ROOT=/srv/env", "HANDBACK_MAX_AGE=9"};
    struct settings settings;
    struct error error;
    (void)state;
    assert_int_equal(
        settings_input_read(variables,
                            "{\"delivery\": \"x-sendfile\", \"mounts\": ["
                            "{\"kind\": \"static\", \"url\": \"/a/\", \"max_age\": 1},"
                            "{\"url\": \"/b/\", \"root\": \"b\", \"charset\": \"latin1\"}]}",
                            &settings, &error),
        0);
    assert_int_equal(settings.mounts, 2);
    assert_int_equal(settings.delivery, DELIVERY_X_SENDFILE);
    assert_string_equal(settings.mount[0].root, "/srv/env");
    assert_string_equal(settings.mount[0].url, "/a/");
    assert_int_equal(settings.mount[0].max_age, 9);
    assert_string_equal(settings.mount[1].url, "/b/");
    assert_string_equal(settings.mount[1].charset, "latin1");
    assert_int_equal(settings.mount[1].max_age, 60);
}

static void uploads_are_a_mount_of_their_own(void **state)
{
    static const struct {
        const char *label;
        const char *variables[VARIABLES];
        const char *file;
        uint32_t mounts;
        const char *url, *root; /* of the last mount */
        enum mount_kind kind;
    } rows[] = {
        {"no root, no mount",
         {ROOT, "MEDIA_URL=/u/"},
         NULL,
         1,
         "/static/",
         "/srv/static",
         MOUNT_STATIC},
        {"the environment",
         {ROOT, "MEDIA_ROOT=/srv/up"},
         NULL,
         2,
         "/media/",
         "/srv/up",
         MOUNT_MEDIA},
        {"its URL", {ROOT, "MEDIA_ROOT=/up", "MEDIA_URL=u"}, NULL, 2, "/u/", "/up", MOUNT_MEDIA},
        {"the file",
         {ROOT},
         "{\"mounts\": [{}, {\"kind\": \"media\", \"root\": \"/f\", \"url\": \"/f/\"}]}",
         2,
         "/f/",
         "/f",
         MOUNT_MEDIA},
        {"key by key",
         {ROOT, "MEDIA_ROOT=/up"},
         "{\"mounts\": [{}, {\"kind\": \"media\", \"url\": \"/f/\"}]}",
         2,
         "/f/",
         "/up",
         MOUNT_MEDIA},
        {"the file beats Django's names",
         {ROOT, "MEDIA_ROOT=/up"},
         "{\"mounts\": [{}, {\"kind\": \"media\", \"root\": \"/f\"}]}",
         2,
         "/media/",
         "/f",
         MOUNT_MEDIA},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct settings settings;
        struct error error;
        if (!CHECK(rows[i].label,
                   settings_input_read(rows[i].variables, rows[i].file, &settings, &error) == 0)) {
            print_error("    %s\n", error.text);
            continue;
        }
        const struct settings_mount *last = &settings.mount[settings.mounts - 1];
        CHECK(rows[i].label, settings.mounts == rows[i].mounts && last->kind == rows[i].kind);
        CHECK(rows[i].label, strcmp(last->url, rows[i].url) == 0);
        CHECK(rows[i].label, strcmp(last->root, rows[i].root) == 0);
    }
    check_end();
}

static void the_top_of_a_site_is_a_mount_of_its_own(void **state)
{
    static const struct {
        const char *label;
        const char *variables[VARIABLES];
        const char *file;
        uint32_t mounts;
        const char *root; /* of the last mount */
        enum mount_kind kind;
    } rows[] = {
        {"the environment", {ROOT, "HANDBACK_ROOT=/srv/top"}, NULL, 2, "/srv/top", MOUNT_ROOT},
        {"a slash at its end", {ROOT, "HANDBACK_ROOT=/srv/top/"}, NULL, 2, "/srv/top", MOUNT_ROOT},
        {"empty is not set", {ROOT, "HANDBACK_ROOT="}, NULL, 1, "/srv/static", MOUNT_STATIC},
        {"behind the uploads",
         {ROOT, "MEDIA_ROOT=/up", "HANDBACK_ROOT=/srv/top"},
         NULL,
         3,
         "/srv/top",
         MOUNT_ROOT},
        {"beside a file with one mount",
         {ROOT, "HANDBACK_ROOT=/srv/top"},
         "{\"url\": \"/s/\"}",
         2,
         "/srv/top",
         MOUNT_ROOT},
        {"the file",
         {ROOT},
         "{\"mounts\": [{}, {\"kind\": \"root\", \"root\": \"/f\"}]}",
         2,
         "/f",
         MOUNT_ROOT},
        {"the file with its URL",
         {ROOT},
         "{\"mounts\": [{}, {\"kind\": \"root\", \"root\": \"/f\", \"url\": \"/\"}]}",
         2,
         "/f",
         MOUNT_ROOT},
        {"HANDBACK_ beats the file",
         {ROOT, "HANDBACK_ROOT=/srv/top"},
         "{\"mounts\": [{}, {\"kind\": \"root\", \"root\": \"/f\"}]}",
         2,
         "/srv/top",
         MOUNT_ROOT},
        {"the environment fills the file in",
         {ROOT, "HANDBACK_ROOT=/srv/top"},
         "{\"mounts\": [{}, {\"kind\": \"root\", \"max_age\": 5}]}",
         2,
         "/srv/top",
         MOUNT_ROOT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct settings settings;
        struct error error;
        if (!CHECK(rows[i].label,
                   settings_input_read(rows[i].variables, rows[i].file, &settings, &error) == 0)) {
            print_error("    %s\n", error.text);
            continue;
        }
        const struct settings_mount *last = &settings.mount[settings.mounts - 1];
        CHECK(rows[i].label, settings.mounts == rows[i].mounts && last->kind == rows[i].kind);
        CHECK(rows[i].label, strcmp(last->root, rows[i].root) == 0);
        CHECK(rows[i].label, last->kind != MOUNT_ROOT || strcmp(last->url, "/") == 0);
        CHECK(rows[i].label, last->kind != MOUNT_ROOT || !*last->manifests);
    }
    check_end();
}

static void the_static_mount_takes_what_the_environment_says_of_one(void **state)
{
    const char *const variables[VARIABLES] = {ROOT, "HANDBACK_IMMUTABLE=*.mjs",
                                              "HANDBACK_FOLLOW=/srv/app",
                                              "HANDBACK_INDEX_FILE=true", "HANDBACK_ROOT=/top"};
    struct settings settings;
    struct error error;
    (void)state;
    assert_int_equal(settings_input_read(variables,
                                         "{\"mounts\": [{\"kind\": \"media\", \"root\": \"/up\"},"
                                         " {}, {\"root\": \"/b\", \"url\": \"/b/\"}]}",
                                         &settings, &error),
                     0);
    assert_int_equal(settings.mounts, 4);
    for (uint32_t i = 0; i < settings.mounts; i++) {
        const struct settings_mount *mount = &settings.mount[i];
        assert_string_equal(mount->immutable, i == 1 ? "*.mjs" : "");
        assert_string_equal(mount->follow, i == 1 ? "/srv/app" : "");
        assert_string_equal(mount->index_file, i == 1 ? "index.html" : "");
    }
}

static void a_mount_too_many_is_said_also_when_it_is_the_environments(void **state)
{
    const char *const variables[VARIABLES] = {ROOT, "MEDIA_ROOT=/up"};
    char file[2048] = "{\"mounts\": [{}";
    struct settings settings;
    struct error error;
    (void)state;
    for (int i = 1; i < CATALOG_MOUNTS_MAX; i++) {
        char mount[64];
        snprintf(mount, sizeof mount, ", {\"root\": \"/r\", \"url\": \"/m%d/\"}", i);
        strcat(file, mount);
    }
    strcat(file, "]}");
    assert_int_equal(settings_input_read(variables, file, &settings, &error), -1);
    assert_int_equal(error.number, HB_SETTING_BAD_VALUE);
}

static void a_mount_beyond_the_first_needs_its_own_root(void **state)
{
    const char *const variables[VARIABLES] = {ROOT};
    struct settings settings;
    struct error error;
    (void)state;
    assert_int_equal(
        settings_input_read(variables, "{\"mounts\": [{}, {\"url\": \"/b/\"}]}", &settings, &error),
        -1);
    assert_int_equal(error.number, HB_SETTING_REQUIRED);
}

static void there_are_at_most_sixteen_mounts(void **state)
{
    const char *const variables[VARIABLES] = {ROOT};
    char file[2048] = "{\"mounts\": [";
    struct settings settings;
    struct error error;
    (void)state;
    for (int i = 0; i < CATALOG_MOUNTS_MAX + 1; i++) {
        char mount[64];
        snprintf(mount, sizeof mount, "%s{\"root\": \"/r\", \"url\": \"/m%d/\"}", i ? "," : "", i);
        strcat(file, mount);
    }
    strcat(file, "]}");
    assert_int_equal(settings_input_read(variables, file, &settings, &error), -1);
    assert_int_equal(error.number, HB_SETTING_BAD_VALUE);
    char *last = strrchr(file, ',');
    last = memrchr(file, ',', (size_t)(last - file)); /* before the last mount */
    strcpy(last, "]}");
    assert_int_equal(settings_input_read(variables, file, &settings, &error), 0);
    assert_int_equal(settings.mounts, CATALOG_MOUNTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_types_are_read_in_order),
        cmocka_unit_test(each_mount_of_the_list_has_its_own_keys),
        cmocka_unit_test(uploads_are_a_mount_of_their_own),
        cmocka_unit_test(the_top_of_a_site_is_a_mount_of_its_own),
        cmocka_unit_test(the_static_mount_takes_what_the_environment_says_of_one),
        cmocka_unit_test(a_mount_too_many_is_said_also_when_it_is_the_environments),
        cmocka_unit_test(a_mount_beyond_the_first_needs_its_own_root),
        cmocka_unit_test(there_are_at_most_sixteen_mounts),
    };
    return cmocka_run_group_tests(tests, settings_input_make, settings_input_drop);
}
