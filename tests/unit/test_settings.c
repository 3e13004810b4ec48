#include "settings_input.h"

static void every_default_is_as_documented(void **state)
{
    const char *const variables[VARIABLES] = {ROOT};
    struct settings settings;
    struct error error;
    (void)state;
    assert_int_equal(settings_input_read(variables, NULL, &settings, &error), 0);
    const struct settings_mount *mount = &settings.mount[0];
    assert_int_equal(settings.mounts, 1);
    assert_int_equal(settings.delivery, DELIVERY_BODY);
    assert_string_equal(settings.coding_header, "");
    assert_non_null(settings.file);
    assert_string_equal(mount->root, "/srv/static");
    assert_string_equal(mount->url, "/static/");
    assert_string_equal(mount->manifests, "staticfiles.json:*/staticfiles.json");
    assert_null(mount->release);
    assert_string_equal(mount->charset, "utf-8");
    assert_true(mount->max_age_sent && mount->max_age == 60 && mount->allow_all_origins);
    assert_int_equal(mount->types->nelts, 0);
    assert_int_equal(mount->fields->nelts, 0);
    assert_string_equal(mount->immutable, "");
    assert_string_equal(mount->follow, "");
    assert_string_equal(mount->index_file, "");
    assert_string_equal(mount->delivery_url, "");
    assert_string_equal(mount->delivery_root, "");
}

/* One value of the result, as a text. */
static const char *value_of(const struct settings *settings, const char *what)
{
    static char number[32];
    const struct settings_mount *mount = &settings->mount[0];
    snprintf(number, sizeof number, "%u", mount->max_age);
    return strcmp(what, "root") == 0        ? mount->root
           : strcmp(what, "url") == 0       ? mount->url
           : strcmp(what, "manifests") == 0 ? mount->manifests
           : strcmp(what, "release") == 0   ? mount->release
           : strcmp(what, "charset") == 0   ? mount->charset
           : strcmp(what, "origins") == 0   ? (mount->allow_all_origins ? "true" : "false")
           : strcmp(what, "max_age") == 0   ? (mount->max_age_sent ? number : "none")
           : strcmp(what, "delivery") == 0
               ? (settings->delivery == DELIVERY_X_SENDFILE ? "x-sendfile" : "body")
               : settings->coding_header;
}

static void each_setting_is_read_from_its_place(void **state)
{
    static const struct {
        const char *label;
        const char *variables[VARIABLES];
        const char *file, *what, *value;
    } rows[] = {
        {"STATIC_ROOT", {ROOT}, NULL, "root", "/srv/static"},
        {"a slash at the end", {"STATIC_ROOT=/srv/static//"}, NULL, "root", "/srv/static"},
        {"the root of the file system", {"STATIC_ROOT=/"}, NULL, "root", "/"},
        {"STATIC_URL", {ROOT, "STATIC_URL=/s/"}, NULL, "url", "/s/"},
        {"static/ means /static/", {ROOT, "STATIC_URL=assets/"}, NULL, "url", "/assets/"},
        {"no slash at the end", {ROOT, "STATIC_URL=/assets"}, NULL, "url", "/assets/"},
        {"a URL: its path counts", {ROOT, "STATIC_URL=https://cdn.example/s/"}, NULL, "url", "/s/"},
        {"a URL without a path", {ROOT, "STATIC_URL=https://cdn.example"}, NULL, "url", "/"},
        {"a URL without a scheme", {ROOT, "STATIC_URL=//cdn.example/s/"}, NULL, "url", "/s/"},
        {"the top", {ROOT, "STATIC_URL=/"}, NULL, "url", "/"},
        {"an encoded URL is decoded", {ROOT, "STATIC_URL=/a%20b/"}, NULL, "url", "/a b/"},
        {"empty is not set", {ROOT, "STATIC_URL="}, NULL, "url", "/static/"},
        {"RELEASE_ID", {ROOT, "RELEASE_ID=v1"}, NULL, "release", "v1"},
        {"HANDBACK_MANIFESTS",
         {ROOT, "HANDBACK_MANIFESTS=a.json:b/*.json"},
         NULL,
         "manifests",
         "a.json:b/*.json"},
        {"HANDBACK_MAX_AGE", {ROOT, "HANDBACK_MAX_AGE=0"}, NULL, "max_age", "0"},
        {"ten years", {ROOT, "HANDBACK_MAX_AGE=315360000"}, NULL, "max_age", "315360000"},
        {"none", {ROOT, "HANDBACK_MAX_AGE=none"}, NULL, "max_age", "none"},
        {"HANDBACK_CHARSET", {ROOT, "HANDBACK_CHARSET=iso-8859-1"}, NULL, "charset", "iso-8859-1"},
        {"false", {ROOT, "HANDBACK_ALLOW_ALL_ORIGINS=false"}, NULL, "origins", "false"},
        {"0", {ROOT, "HANDBACK_ALLOW_ALL_ORIGINS=0"}, NULL, "origins", "false"},
        {"off", {ROOT, "HANDBACK_ALLOW_ALL_ORIGINS=off"}, NULL, "origins", "false"},
        {"on", {ROOT, "HANDBACK_ALLOW_ALL_ORIGINS=on"}, NULL, "origins", "true"},
        {"HANDBACK_DELIVERY",
         {ROOT, "HANDBACK_DELIVERY=x-sendfile"},
         NULL,
         "delivery",
         "x-sendfile"},
        {"HANDBACK_CODING_HEADER",
         {ROOT, "HANDBACK_CODING_HEADER=X-Enc"},
         NULL,
         "coding_header",
         "X-Enc"},
        {"file: root", {NULL}, "{\"root\": \"/srv/other\"}", "root", "/srv/other"},
        {"file: url", {ROOT}, "{\"url\": \"/f/\"}", "url", "/f/"},
        {"file: release", {ROOT}, "{\"release\": \"v2\"}", "release", "v2"},
        {"file: a list",
         {ROOT},
         "{\"manifests\": [\"a.json\", \"b.json\"]}",
         "manifests",
         "a.json:b.json"},
        {"file: a number", {ROOT}, "{\"max_age\": 5}", "max_age", "5"},
        {"file: a number as text", {ROOT}, "{\"max_age\": \"5\"}", "max_age", "5"},
        {"file: none", {ROOT}, "{\"max_age\": \"none\"}", "max_age", "none"},
        {"file: false", {ROOT}, "{\"allow_all_origins\": false}", "origins", "false"},
        {"file: 0", {ROOT}, "{\"allow_all_origins\": 0}", "origins", "false"},
        {"file: delivery", {ROOT}, "{\"delivery\": \"x-sendfile\"}", "delivery", "x-sendfile"},
        {"file: coding_header", {ROOT}, "{\"coding_header\": \"X-E\"}", "coding_header", "X-E"},
        {"the file beats Django's STATIC_ROOT", {ROOT}, "{\"root\": \"/srv/f\"}", "root", "/srv/f"},
        {"the file beats Django's STATIC_URL",
         {ROOT, "STATIC_URL=/e/"},
         "{\"url\": \"/f/\"}",
         "url",
         "/f/"},
        {"the file beats RELEASE_ID",
         {ROOT, "RELEASE_ID=e"},
         "{\"release\": \"f\"}",
         "release",
         "f"},
        {"HANDBACK_ beats the file",
         {ROOT, "HANDBACK_MAX_AGE=7"},
         "{\"max_age\": 5}",
         "max_age",
         "7"},
        {"HANDBACK_DELIVERY beats the file",
         {ROOT, "HANDBACK_DELIVERY=body"},
         "{\"delivery\": \"x-sendfile\"}",
         "delivery",
         "body"},
        {"key by key",
         {ROOT, "HANDBACK_MAX_AGE=7"},
         "{\"charset\": \"latin1\"}",
         "charset",
         "latin1"},
        {"an empty object", {ROOT}, "{}", "root", "/srv/static"},
        {"a longer variable is another", {ROOT, "STATIC_ROOT_X=/x"}, NULL, "root", "/srv/static"},
        {"others are nobody's business",
         {ROOT, "RANGE=1", "HTTP_HANDBACK_MAX_AGE=3"},
         NULL,
         "max_age",
         "60"},
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
        const char *value = value_of(&settings, rows[i].what);
        if (!CHECK(rows[i].label, value && strcmp(value, rows[i].value) == 0)) {
            print_error("    it is %s\n", value ? value : "(null)");
        }
    }
    check_end();
}

static void a_relative_path_of_the_file_is_relative_to_it(void **state)
{
    static const struct {
        const char *file, *root;
    } rows[] = {
        {"{\"root\": \"static\"}", "etc/static"},
        {"{\"root\": \"../static/\"}", "etc/../static"},
        {"{\"root\": \".\"}", "etc/."},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *const none[VARIABLES] = {0};
        struct settings settings;
        struct error error;
        char expected[2 * SCRATCH_PATH];
        snprintf(expected, sizeof expected, "%s/%s", scratch.path, rows[i].root);
        CHECK(rows[i].file, settings_input_read(none, rows[i].file, &settings, &error) == 0);
        CHECK(rows[i].file, strcmp(settings.mount[0].root, expected) == 0);
    }
    check_end();
}

/* HB0004 or HB0003, one line, and the key is in it. */
static void what_is_wrong_is_said_with_the_key(void **state)
{
    static const struct settings_refusal rows[] = {
        {"no root", {NULL}, NULL, HB_SETTING_REQUIRED, "STATIC_ROOT"},
        {"no root in the file", {NULL}, "{}", HB_SETTING_REQUIRED, "root"},
        {"an empty root", {"STATIC_ROOT="}, NULL, HB_SETTING_REQUIRED, "STATIC_ROOT"},
        {"unknown variable",
         {ROOT, "HANDBACK_MAXAGE=1"},
         NULL,
         HB_SETTING_UNKNOWN,
         "HANDBACK_MAXAGE"},
        {"unknown variable, empty", {ROOT, "HANDBACK_X="}, NULL, HB_SETTING_UNKNOWN, "HANDBACK_X"},
        {"unknown key", {ROOT}, "{\"maxage\": 1}", HB_SETTING_UNKNOWN, "maxage"},
        {"a key in another case", {ROOT}, "{\"Url\": \"/\"}", HB_SETTING_UNKNOWN, "Url"},
        {"a variable's name as key",
         {ROOT},
         "{\"STATIC_URL\": \"/\"}",
         HB_SETTING_UNKNOWN,
         "STATIC_URL"},
        {"relative root", {"STATIC_ROOT=static"}, NULL, HB_SETTING_BAD_VALUE, "STATIC_ROOT"},
        {"root with a line break",
         {"STATIC_ROOT=/srv/a\nb"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "STATIC_ROOT"},
        {"url with a query", {ROOT, "STATIC_URL=/a?b"}, NULL, HB_SETTING_BAD_VALUE, "STATIC_URL"},
        {"url with a fragment",
         {ROOT, "STATIC_URL=/a#b"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "STATIC_URL"},
        {"url with ..", {ROOT, "STATIC_URL=/../a/"}, NULL, HB_SETTING_BAD_VALUE, "STATIC_URL"},
        {"url with //", {ROOT, "STATIC_URL=/a//b/"}, NULL, HB_SETTING_BAD_VALUE, "STATIC_URL"},
        {"url with bad %", {ROOT, "STATIC_URL=/%zz/"}, NULL, HB_SETTING_BAD_VALUE, "STATIC_URL"},
        {"url with a control byte",
         {ROOT, "STATIC_URL=/a\tb/"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "STATIC_URL"},
        {"relative MEDIA_ROOT",
         {ROOT, "MEDIA_ROOT=media"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "MEDIA_ROOT"},
        {"bad MEDIA_URL", {ROOT, "MEDIA_URL=/a?b"}, NULL, HB_SETTING_BAD_VALUE, "MEDIA_URL"},
        {"max_age: letters",
         {ROOT, "HANDBACK_MAX_AGE=1h"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MAX_AGE"},
        {"max_age: negative",
         {ROOT, "HANDBACK_MAX_AGE=-1"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MAX_AGE"},
        {"max_age: a sign",
         {ROOT, "HANDBACK_MAX_AGE=+1"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MAX_AGE"},
        {"max_age: a space",
         {ROOT, "HANDBACK_MAX_AGE= 1"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MAX_AGE"},
        {"max_age: too much",
         {ROOT, "HANDBACK_MAX_AGE=315360001"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MAX_AGE"},
        {"max_age: 20 digits",
         {ROOT, "HANDBACK_MAX_AGE=99999999999999999999"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MAX_AGE"},
        {"max_age: 2^64 + 5",
         {ROOT, "HANDBACK_MAX_AGE=18446744073709551621"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MAX_AGE"},
        {"charset with a space",
         {ROOT, "HANDBACK_CHARSET=utf 8"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_CHARSET"},
        {"charset with a line break",
         {ROOT, "HANDBACK_CHARSET=a\r\nX: y"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_CHARSET"},
        {"a boolean that is none",
         {ROOT, "HANDBACK_ALLOW_ALL_ORIGINS=yes"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_ALLOW_ALL_ORIGINS"},
        {"a delivery that is none",
         {ROOT, "HANDBACK_DELIVERY=sendfile"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_DELIVERY"},
        {"a coding header with a colon",
         {ROOT, "HANDBACK_CODING_HEADER=X:"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_CODING_HEADER"},
        {"a coding header with a line break",
         {ROOT, "HANDBACK_CODING_HEADER=X\r\nY"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_CODING_HEADER"},
        {"manifests: absolute",
         {ROOT, "HANDBACK_MANIFESTS=/etc/x.json"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MANIFESTS"},
        {"manifests: climbs",
         {ROOT, "HANDBACK_MANIFESTS=../x.json"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MANIFESTS"},
        {"manifests: an empty one",
         {ROOT, "HANDBACK_MANIFESTS=a.json::b.json"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_MANIFESTS"},
        {"release with a line break",
         {ROOT, "RELEASE_ID=a\nb"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "RELEASE_ID"},
        {"file: bad value", {ROOT}, "{\"max_age\": -1}", HB_SETTING_BAD_VALUE, "max_age"},
        {"file: a fraction", {ROOT}, "{\"max_age\": 1.5}", HB_SETTING_BAD_VALUE, "max_age"},
        {"file: null", {ROOT}, "{\"url\": null}", HB_SETTING_BAD_VALUE, "url"},
        {"file: root is an object", {NULL}, "{\"root\": {}}", HB_SETTING_BAD_VALUE, "root"},
        {"file: root is empty", {NULL}, "{\"root\": \"\"}", HB_SETTING_BAD_VALUE, "root"},
        {"file: root is true", {NULL}, "{\"root\": true}", HB_SETTING_BAD_VALUE, "root"},
        {"file: root is a number", {NULL}, "{\"root\": 5}", HB_SETTING_BAD_VALUE, "root"},
        {"file: root is a list",
         {NULL},
         "{\"root\": [\"a\", \"b\"]}",
         HB_SETTING_BAD_VALUE,
         "root"},
        {"file: url is an object", {ROOT}, "{\"url\": {}}", HB_SETTING_BAD_VALUE, "url"},
        {"file: url is true", {ROOT}, "{\"url\": true}", HB_SETTING_BAD_VALUE, "url"},
        {"file: release is an object",
         {ROOT},
         "{\"release\": {}}",
         HB_SETTING_BAD_VALUE,
         "release"},
        {"file: charset is a list",
         {ROOT},
         "{\"charset\": [\"a\", \"b\"]}",
         HB_SETTING_BAD_VALUE,
         "charset"},
        {"file: max_age is true", {ROOT}, "{\"max_age\": true}", HB_SETTING_BAD_VALUE, "max_age"},
        {"file: a list of numbers",
         {ROOT},
         "{\"manifests\": [1]}",
         HB_SETTING_BAD_VALUE,
         "manifests"},
        {"file: a list with a colon",
         {ROOT},
         "{\"manifests\": [\"a:b\"]}",
         HB_SETTING_BAD_VALUE,
         "manifests"},
        {"mimetypes: no object", {ROOT}, "{\"mimetypes\": []}", HB_SETTING_BAD_VALUE, "mimetypes"},
        {"mimetypes: a number",
         {ROOT},
         "{\"mimetypes\": {\".a\": 1}}",
         HB_SETTING_BAD_VALUE,
         "mimetypes"},
        {"mimetypes: no slash",
         {ROOT},
         "{\"mimetypes\": {\".a\": \"text\"}}",
         HB_SETTING_BAD_VALUE,
         "mimetypes"},
        {"mimetypes: a line break",
         {ROOT},
         "{\"mimetypes\": {\".a\": \"a/b\\r\\nX: y\"}}",
         HB_SETTING_BAD_VALUE,
         "mimetypes"},
        {"mimetypes: an empty key",
         {ROOT},
         "{\"mimetypes\": {\"\": \"a/b\"}}",
         HB_SETTING_BAD_VALUE,
         "mimetypes"},
        {"a relative HANDBACK_CONFIG",
         {ROOT, "HANDBACK_CONFIG=site.json"},
         NULL,
         HB_SETTING_BAD_VALUE,
         "HANDBACK_CONFIG"},
        {"a HANDBACK_CONFIG that is not there",
         {ROOT, "HANDBACK_CONFIG=/nowhere/site.json"},
         NULL,
         HB_SETTINGS_FILE_UNREADABLE,
         "/nowhere/site.json"},
        {"a HANDBACK_CONFIG that is a directory",
         {ROOT, "HANDBACK_CONFIG=/"},
         NULL,
         HB_SETTINGS_FILE_UNREADABLE,
         "/"},
        {"file: empty", {ROOT}, "", HB_SETTINGS_FILE_NOT_JSON, "site.json"},
        {"file: cut", {ROOT}, "{\"url\": ", HB_SETTINGS_FILE_NOT_JSON, "site.json"},
        {"file: a list", {ROOT}, "[]", HB_SETTINGS_FILE_NOT_JSON, "site.json"},
        {"file: a key twice",
         {ROOT},
         "{\"url\": \"/a/\", \"url\": \"/b/\"}",
         HB_SETTINGS_FILE_NOT_JSON,
         "site.json"},
        {"file: a NUL",
         {ROOT},
         "{\"url\": \"/a\\u0000b/\"}",
         HB_SETTINGS_FILE_NOT_JSON,
         "site.json"},
        {"file: not UTF-8",
         {ROOT},
         "{\"url\": \"/\xff/\"}",
         HB_SETTINGS_FILE_NOT_JSON,
         "site.json"},
        {"file: something behind it", {ROOT}, "{} {}", HB_SETTINGS_FILE_NOT_JSON, "site.json"},
        {"mounts is no list", {ROOT}, "{\"mounts\": {}}", HB_SETTINGS_FILE_NOT_JSON, "mounts"},
        {"mounts holds no object",
         {ROOT},
         "{\"mounts\": [1]}",
         HB_SETTINGS_FILE_NOT_JSON,
         "mounts"},
        {"mounts is empty", {ROOT}, "{\"mounts\": []}", HB_SETTING_REQUIRED, "mounts"},
        {"an unknown kind",
         {ROOT},
         "{\"mounts\": [{\"kind\": \"x\"}]}",
         HB_SETTING_BAD_VALUE,
         "kind"},
        {"an unknown key of a mount",
         {ROOT},
         "{\"mounts\": [{\"rot\": \"/a\"}]}",
         HB_SETTING_UNKNOWN,
         "rot"},
        {"a mount's key beside mounts",
         {ROOT},
         "{\"mounts\": [{}], \"url\": \"/a/\"}",
         HB_SETTING_UNKNOWN,
         "url"},
    };
    (void)state;
    settings_input_check_refusals(rows, COUNT(rows));
}

static void a_file_cut_at_any_byte_is_a_fault_and_nothing_worse(void **state)
{
    static const char whole[] = "{\"delivery\": \"body\", \"mounts\": [{\"kind\": \"static\", "
                                "\"root\": \"r\", \"mimetypes\": {\".a\": \"b/c\"}}]}";
    const char *const none[VARIABLES] = {0};
    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char cut[sizeof whole];
        struct settings settings;
        struct error error;
        snprintf(cut, sizeof cut, "%.*s", (int)len, whole);
        CHECK(cut, settings_input_read(none, cut, &settings, &error) == -1 &&
                       error.number == HB_SETTINGS_FILE_NOT_JSON);
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_as_documented),
        cmocka_unit_test(each_setting_is_read_from_its_place),
        cmocka_unit_test(a_relative_path_of_the_file_is_relative_to_it),
        cmocka_unit_test(what_is_wrong_is_said_with_the_key),
        cmocka_unit_test(a_file_cut_at_any_byte_is_a_fault_and_nothing_worse),
    };
    return cmocka_run_group_tests(tests, settings_input_make, settings_input_drop);
}
