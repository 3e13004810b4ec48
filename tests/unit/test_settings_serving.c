/* How the names of a mount are served: immutable, follow, index_file, headers and the deliveries.
 */
#include "settings_input.h"

static const char *value_of(const struct settings *settings, const char *what)
{
    const struct settings_mount *mount = &settings->mount[0];
    return strcmp(what, "immutable") == 0       ? mount->immutable
           : strcmp(what, "follow") == 0        ? mount->follow
           : strcmp(what, "index_file") == 0    ? mount->index_file
           : strcmp(what, "delivery_url") == 0  ? mount->delivery_url
           : strcmp(what, "delivery_root") == 0 ? mount->delivery_root
                                                : delivery_name(settings->delivery);
}

/* "@" at the beginning of an expected value stands for the directory of the settings file. */
static bool is_value(const char *value, const char *expected)
{
    char text[2 * SCRATCH_PATH];
    snprintf(text, sizeof text, "%s%s%s", expected[0] == '@' ? scratch.path : "",
             expected[0] == '@' ? "/etc" : "", expected[0] == '@' ? expected + 1 : expected);
    return strcmp(value, text) == 0;
}

static void each_setting_is_read_from_its_place(void **state)
{
    static const struct {
        const char *label;
        const char *variables[VARIABLES];
        const char *file, *what, *value;
    } rows[] = {
        {"immutable", {ROOT, "HANDBACK_IMMUTABLE=*.mjs"}, NULL, "immutable", "*.mjs"},
        {"immutable: a list", {ROOT, "HANDBACK_IMMUTABLE=a/*:*.b"}, NULL, "immutable", "a/*:*.b"},
        {"file: immutable", {ROOT}, "{\"immutable\": \"*.mjs\"}", "immutable", "*.mjs"},
        {"file: immutable: a list",
         {ROOT},
         "{\"immutable\": [\"a/*\", \"*.b\"]}",
         "immutable",
         "a/*:*.b"},
        {"immutable: HANDBACK_ beats the file",
         {ROOT, "HANDBACK_IMMUTABLE=*.e"},
         "{\"immutable\": \"*.f\"}",
         "immutable",
         "*.e"},
        {"follow", {ROOT, "HANDBACK_FOLLOW=/srv/app"}, NULL, "follow", "/srv/app"},
        {"follow: inside", {ROOT, "HANDBACK_FOLLOW=inside"}, NULL, "follow", ""},
        {"follow: a list", {ROOT, "HANDBACK_FOLLOW=/a:/b/"}, NULL, "follow", "/a:/b"},
        {"follow: inside goes without saying",
         {ROOT, "HANDBACK_FOLLOW=inside:/a"},
         NULL,
         "follow",
         "/a"},
        {"file: follow", {ROOT}, "{\"follow\": [\"/a\", \"/b\"]}", "follow", "/a:/b"},
        {"file: follow: inside", {ROOT}, "{\"follow\": \"inside\"}", "follow", ""},
        {"file: follow: inside, in a list", {ROOT}, "{\"follow\": [\"inside\"]}", "follow", ""},
        {"file: follow: relative", {ROOT}, "{\"follow\": [\"app\", \"/b\"]}", "follow", "@/app:/b"},
        {"follow: HANDBACK_ beats the file",
         {ROOT, "HANDBACK_FOLLOW=inside"},
         "{\"follow\": [\"/a\"]}",
         "follow",
         ""},
        {"follow: and the other way",
         {ROOT, "HANDBACK_FOLLOW=/e"},
         "{\"follow\": \"inside\"}",
         "follow",
         "/e"},
        {"index_file: true", {ROOT, "HANDBACK_INDEX_FILE=true"}, NULL, "index_file", "index.html"},
        {"index_file: 1", {ROOT, "HANDBACK_INDEX_FILE=1"}, NULL, "index_file", "index.html"},
        {"index_file: on", {ROOT, "HANDBACK_INDEX_FILE=on"}, NULL, "index_file", "index.html"},
        {"index_file: as Python writes it",
         {ROOT, "HANDBACK_INDEX_FILE=True"},
         NULL,
         "index_file",
         "index.html"},
        {"index_file: false", {ROOT, "HANDBACK_INDEX_FILE=false"}, NULL, "index_file", ""},
        {"index_file: 0", {ROOT, "HANDBACK_INDEX_FILE=0"}, NULL, "index_file", ""},
        {"index_file: off", {ROOT, "HANDBACK_INDEX_FILE=off"}, NULL, "index_file", ""},
        {"index_file: a name",
         {ROOT, "HANDBACK_INDEX_FILE=home.htm"},
         NULL,
         "index_file",
         "home.htm"},
        {"file: index_file: true", {ROOT}, "{\"index_file\": true}", "index_file", "index.html"},
        {"file: index_file: false", {ROOT}, "{\"index_file\": false}", "index_file", ""},
        {"file: index_file: 1", {ROOT}, "{\"index_file\": 1}", "index_file", "index.html"},
        {"file: index_file: a name",
         {ROOT},
         "{\"index_file\": \"a b.html\"}",
         "index_file",
         "a b.html"},
        {"index_file: HANDBACK_ beats the file",
         {ROOT, "HANDBACK_INDEX_FILE=off"},
         "{\"index_file\": true}",
         "index_file",
         ""},
        {"delivery_url", {ROOT, "HANDBACK_DELIVERY_URL=/i/"}, NULL, "delivery_url", "/i/"},
        {"delivery_url: a slash", {ROOT, "HANDBACK_DELIVERY_URL=/i"}, NULL, "delivery_url", "/i/"},
        {"delivery_url is decoded",
         {ROOT, "HANDBACK_DELIVERY_URL=/a%20b/"},
         NULL,
         "delivery_url",
         "/a b/"},
        {"file: delivery_url", {ROOT}, "{\"delivery_url\": \"/i/\"}", "delivery_url", "/i/"},
        {"delivery_url: HANDBACK_ beats the file",
         {ROOT, "HANDBACK_DELIVERY_URL=/e/"},
         "{\"delivery_url\": \"/f/\"}",
         "delivery_url",
         "/e/"},
        {"delivery_url in its mount",
         {ROOT},
         "{\"mounts\": [{\"delivery_url\": \"/m/\"}]}",
         "delivery_url",
         "/m/"},
        {"delivery_root", {ROOT, "HANDBACK_DELIVERY_ROOT=/a/"}, NULL, "delivery_root", "/a"},
        {"file: delivery_root", {ROOT}, "{\"delivery_root\": \"/a\"}", "delivery_root", "/a"},
        {"file: delivery_root: relative",
         {ROOT},
         "{\"delivery_root\": \"a\"}",
         "delivery_root",
         "@/a"},
        {"delivery_root in its mount",
         {ROOT},
         "{\"mounts\": [{\"delivery_root\": \"/a\"}]}",
         "delivery_root",
         "/a"},
        {"delivery_root: HANDBACK_ beats the file",
         {ROOT, "HANDBACK_DELIVERY_ROOT=/e"},
         "{\"delivery_root\": \"/f\"}",
         "delivery_root",
         "/e"},
        {"body", {ROOT, "HANDBACK_DELIVERY=body"}, NULL, "delivery", "body"},
        {"x-sendfile needs no URL",
         {ROOT, "HANDBACK_DELIVERY=x-sendfile"},
         NULL,
         "delivery",
         "x-sendfile"},
        {"local-redirect",
         {ROOT, "HANDBACK_DELIVERY=local-redirect", "HANDBACK_DELIVERY_URL=/i/"},
         NULL,
         "delivery",
         "local-redirect"},
        {"x-accel-redirect",
         {ROOT, "HANDBACK_DELIVERY=x-accel-redirect", "HANDBACK_DELIVERY_URL=/i/"},
         NULL,
         "delivery",
         "x-accel-redirect"},
        {"file: x-accel-redirect",
         {ROOT},
         "{\"delivery\": \"x-accel-redirect\", \"delivery_url\": \"/i/\"}",
         "delivery",
         "x-accel-redirect"},
        {"the URL of any mount will do",
         {ROOT},
         "{\"delivery\": \"x-accel-redirect\", \"mounts\": [{}, {\"kind\": \"media\", \"root\": "
         "\"/m\", \"delivery_url\": \"/i/\"}]}",
         "delivery",
         "x-accel-redirect"},
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
        if (!CHECK(rows[i].label, is_value(value, rows[i].value))) {
            print_error("    it is %s\n", value);
        }
    }
    check_end();
}

static void what_is_wrong_is_said_with_the_key(void **state)
{
    static const struct settings_refusal rows[] = {
#define BAD HB_SETTING_BAD_VALUE
        {"immutable: absolute", {ROOT, "HANDBACK_IMMUTABLE=/a"}, NULL, BAD, "HANDBACK_IMMUTABLE"},
        {"immutable: climbs", {ROOT, "HANDBACK_IMMUTABLE=../a"}, NULL, BAD, "HANDBACK_IMMUTABLE"},
        {"immutable: an empty one",
         {ROOT, "HANDBACK_IMMUTABLE=a:"},
         NULL,
         BAD,
         "HANDBACK_IMMUTABLE"},
        {"immutable: control", {ROOT, "HANDBACK_IMMUTABLE=a\tb"}, NULL, BAD, "HANDBACK_IMMUTABLE"},
        {"file: immutable: an empty list", {ROOT}, "{\"immutable\": []}", BAD, "immutable"},
        {"file: immutable: true", {ROOT}, "{\"immutable\": true}", BAD, "immutable"},
        {"file: immutable: an object", {ROOT}, "{\"immutable\": {}}", BAD, "immutable"},
        {"file: immutable: a colon in an item",
         {ROOT},
         "{\"immutable\": [\"a:b\"]}",
         BAD,
         "immutable"},
        {"immutable uploads",
         {ROOT},
         "{\"mounts\": [{}, {\"kind\": \"media\", \"root\": \"/m\", \"immutable\": \"*\"}]}",
         BAD,
         "immutable"},
        {"follow: relative", {ROOT, "HANDBACK_FOLLOW=app"}, NULL, BAD, "HANDBACK_FOLLOW"},
        {"follow: an empty item", {ROOT, "HANDBACK_FOLLOW=/a::/b"}, NULL, BAD, "HANDBACK_FOLLOW"},
        {"follow: everything", {ROOT, "HANDBACK_FOLLOW=/"}, NULL, BAD, "HANDBACK_FOLLOW"},
        {"follow: everything, by slashes",
         {ROOT, "HANDBACK_FOLLOW=/a://"},
         NULL,
         BAD,
         "HANDBACK_FOLLOW"},
        {"follow: control", {ROOT, "HANDBACK_FOLLOW=/a\nb"}, NULL, BAD, "HANDBACK_FOLLOW"},
        {"file: follow: true", {ROOT}, "{\"follow\": true}", BAD, "follow"},
        {"file: follow: an empty list", {ROOT}, "{\"follow\": []}", BAD, "follow"},
        {"file: follow: an empty item", {ROOT}, "{\"follow\": [\"/a\", \"\"]}", BAD, "follow"},
        {"index_file: a word", {ROOT, "HANDBACK_INDEX_FILE=yes"}, NULL, BAD, "HANDBACK_INDEX_FILE"},
        {"index_file: a number", {ROOT}, "{\"index_file\": 5}", BAD, "index_file"},
        {"delivery_url: an authority",
         {ROOT, "HANDBACK_DELIVERY_URL=//h/i/"},
         NULL,
         BAD,
         "HANDBACK_DELIVERY_URL"},
        {"index_file: a path", {ROOT, "HANDBACK_INDEX_FILE=a/b"}, NULL, BAD, "HANDBACK_INDEX_FILE"},
        {"index_file: absolute",
         {ROOT, "HANDBACK_INDEX_FILE=/a"},
         NULL,
         BAD,
         "HANDBACK_INDEX_FILE"},
        {"index_file: dots", {ROOT, "HANDBACK_INDEX_FILE=.."}, NULL, BAD, "HANDBACK_INDEX_FILE"},
        {"index_file: hidden",
         {ROOT, "HANDBACK_INDEX_FILE=.index"},
         NULL,
         BAD,
         "HANDBACK_INDEX_FILE"},
        {"index_file: control",
         {ROOT, "HANDBACK_INDEX_FILE=a\nb"},
         NULL,
         BAD,
         "HANDBACK_INDEX_FILE"},
        {"file: index_file: empty", {ROOT}, "{\"index_file\": \"\"}", BAD, "index_file"},
        {"file: index_file: a list", {ROOT}, "{\"index_file\": [\"a\"]}", BAD, "index_file"},
        {"file: index_file: null", {ROOT}, "{\"index_file\": null}", BAD, "index_file"},
        {"delivery_url: a query",
         {ROOT, "HANDBACK_DELIVERY_URL=/a?b"},
         NULL,
         BAD,
         "HANDBACK_DELIVERY_URL"},
        {"delivery_url: climbs",
         {ROOT, "HANDBACK_DELIVERY_URL=/../a/"},
         NULL,
         BAD,
         "HANDBACK_DELIVERY_URL"},
        {"file: delivery_url: empty", {ROOT}, "{\"delivery_url\": \"\"}", BAD, "delivery_url"},
        {"file: delivery_url: a list",
         {ROOT},
         "{\"delivery_url\": [\"/a/\"]}",
         BAD,
         "delivery_url"},
        {"delivery_root: relative",
         {ROOT, "HANDBACK_DELIVERY_ROOT=a"},
         NULL,
         BAD,
         "HANDBACK_DELIVERY_ROOT"},
        {"delivery_root: control",
         {ROOT, "HANDBACK_DELIVERY_ROOT=/a\r\nX: y"},
         NULL,
         BAD,
         "HANDBACK_DELIVERY_ROOT"},
        {"local-redirect without a URL",
         {ROOT, "HANDBACK_DELIVERY=local-redirect"},
         NULL,
         HB_SETTING_REQUIRED,
         "delivery_url"},
        {"x-accel-redirect without a URL",
         {ROOT},
         "{\"delivery\": \"x-accel-redirect\"}",
         HB_SETTING_REQUIRED,
         "delivery_url"},
        {"a word in another case",
         {ROOT, "HANDBACK_DELIVERY=X-Accel-Redirect"},
         NULL,
         BAD,
         "HANDBACK_DELIVERY"},
        {"relative HANDBACK_ROOT", {ROOT, "HANDBACK_ROOT=top"}, NULL, BAD, "HANDBACK_ROOT"},
        {"HANDBACK_ROOT is no key of the file",
         {ROOT},
         "{\"HANDBACK_ROOT\": \"/a\"}",
         HB_SETTING_UNKNOWN,
         "HANDBACK_ROOT"},
        {"a root mount of another URL",
         {ROOT},
         "{\"mounts\": [{}, {\"kind\": \"root\", \"root\": \"/r\", \"url\": \"/r/\"}]}",
         BAD,
         "url"},
        {"index files at the top of the site",
         {ROOT},
         "{\"mounts\": [{}, {\"kind\": \"root\", \"root\": \"/r\", \"index_file\": true}]}",
         BAD,
         "index_file"},
        {"a root mount without a root",
         {ROOT},
         "{\"mounts\": [{}, {\"kind\": \"root\"}]}",
         HB_SETTING_REQUIRED,
         "HANDBACK_ROOT"},
        {"delivery_url: relative",
         {ROOT, "HANDBACK_DELIVERY_URL=i/"},
         NULL,
         BAD,
         "HANDBACK_DELIVERY_URL"},
        {"delivery_url: the top",
         {ROOT, "HANDBACK_DELIVERY_URL=/"},
         NULL,
         BAD,
         "HANDBACK_DELIVERY_URL"},
        {"delivery_url: that of the mount",
         {ROOT, "HANDBACK_DELIVERY_URL=/static/"},
         NULL,
         BAD,
         "delivery_url"},
        {"delivery_url: below the mount",
         {ROOT, "HANDBACK_DELIVERY_URL=/static/i/"},
         NULL,
         BAD,
         "delivery_url"},
        {"delivery_url: above it",
         {ROOT, "STATIC_URL=/a/b/", "HANDBACK_DELIVERY_URL=/a/"},
         NULL,
         BAD,
         "delivery_url"},
        {"two mounts of one URL", {ROOT, "MEDIA_ROOT=/m", "MEDIA_URL=/static/"}, NULL, BAD, "url"},
        {"delivery_url beside mounts",
         {ROOT},
         "{\"mounts\": [{}], \"delivery_url\": \"/i/\"}",
         HB_SETTING_UNKNOWN,
         "delivery_url"},
        {"delivery_root beside mounts",
         {ROOT},
         "{\"mounts\": [{}], \"delivery_root\": \"/a\"}",
         HB_SETTING_UNKNOWN,
         "delivery_root"},
        {"headers beside mounts",
         {ROOT},
         "{\"mounts\": [{}], \"headers\": {}}",
         HB_SETTING_UNKNOWN,
         "headers"},
        {"immutable beside mounts",
         {ROOT},
         "{\"mounts\": [{}], \"immutable\": \"a\"}",
         HB_SETTING_UNKNOWN,
         "immutable"},
        {"headers have no variable",
         {ROOT, "HANDBACK_HEADERS={}"},
         NULL,
         HB_SETTING_UNKNOWN,
         "HANDBACK_HEADERS"},
        {"headers: a list", {ROOT}, "{\"headers\": []}", BAD, "headers"},
        {"headers: a string", {ROOT}, "{\"headers\": \"a\"}", BAD, "headers"},
        {"headers: null", {ROOT}, "{\"headers\": null}", BAD, "headers"},
        {"headers: a glob's list", {ROOT}, "{\"headers\": {\"*.z\": []}}", BAD, "*.z"},
        {"headers: a glob's null", {ROOT}, "{\"headers\": {\"*.z\": null}}", BAD, "*.z"},
        {"headers: a number", {ROOT}, "{\"headers\": {\"*.z\": {\"X-A\": 1}}}", BAD, "X-A"},
        {"headers: false", {ROOT}, "{\"headers\": {\"*.z\": {\"X-A\": false}}}", BAD, "X-A"},
        {"headers: a glob twice",
         {ROOT},
         "{\"headers\": {\"*\": {\"A\": \"1\"}, \"*\": {\"B\": \"2\"}}}",
         HB_SETTINGS_FILE_NOT_JSON,
         "site.json"},
    };
    (void)state;
    settings_input_check_refusals(rows, COUNT(rows));
}

/* ---- headers ---- */

static void header_fields_are_read_in_the_order_of_the_file(void **state)
{
    static const struct settings_field expected[] = {
        {"z/*.b", "X-B", "1"},
        {"z/*.b", "X-A", "2"},
        {"*", "X-B", NULL},
        {"a", "Cache-Control", "no-cache"},
        {"a", "cache-control", "private"},
        {"a", "Content-Type", "text/x; charset=\"u\""},
        {"a", "X-Bytes", "caf\xc3\xa9"},
    };
    const char *const variables[VARIABLES] = {ROOT};
    struct settings settings;
    struct error error;
    (void)state;
    assert_int_equal(
        settings_input_read(
            variables,
            "{\"headers\": {\"z/*.b\": {\"X-B\": \"1\", \"X-A\": \"2\"}, \"*\": {\"X-B\": null},"
            "\"empty\": {}, \"a\": {\"Cache-Control\": \"no-cache\", \"cache-control\": "
            "\"private\","
            "\"Content-Type\": \"text/x; charset=\\\"u\\\"\", \"X-Bytes\": \"caf\\u00e9\"}}}",
            &settings, &error),
        0);
    const struct settings_field *fields = (const void *)settings.mount[0].fields->elts;
    assert_int_equal(settings.mount[0].fields->nelts, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        CHECK(expected[i].glob, strcmp(fields[i].glob, expected[i].glob) == 0);
        CHECK(expected[i].name, strcmp(fields[i].name, expected[i].name) == 0);
        CHECK(expected[i].name,
              expected[i].value ? fields[i].value && strcmp(fields[i].value, expected[i].value) == 0
                                : !fields[i].value);
    }
    check_end();
}

static void each_mount_has_header_fields_of_its_own(void **state)
{
    const char *const variables[VARIABLES] = {ROOT};
    struct settings settings;
    struct error error;
    (void)state;
    assert_int_equal(settings_input_read(
                         variables,
                         "{\"mounts\": [{\"headers\": {\"*\": {\"X-S\": \"s\"}}},"
                         "{\"kind\": \"media\", \"root\": \"/m\", \"headers\": {\"*\": {\"X-M\": "
                         "\"m\"}}}, {\"kind\": \"root\", \"root\": \"/r\"}]}",
                         &settings, &error),
                     0);
    for (int i = 0; i < 2; i++) {
        const struct settings_field *fields = (const void *)settings.mount[i].fields->elts;
        assert_int_equal(settings.mount[i].fields->nelts, 1);
        assert_string_equal(fields[0].name, i == 0 ? "X-S" : "X-M");
    }
    assert_int_equal(settings.mount[2].fields->nelts, 0);
}

/* One field by settings_add_field. Returns whether it is taken; *error is filled when it is not. */
static bool takes_field(const char *glob, const char *name, const char *value, struct error *error)
{
    struct settings_mount mount = settings_default_mount(MOUNT_STATIC, pool);
    const struct settings_field field = {glob, name, value};
    *error = (struct error){0};
    bool taken = settings_add_field(&mount, &field, error) == 0;
    CHECK(name, mount.fields->nelts == (taken ? 1 : 0));
    CHECK(name, taken || error->number == HB_SETTING_BAD_VALUE);
    CHECK(name, taken || !strpbrk(error->text, "\r\n"));
    return taken;
}

static void a_field_that_frames_or_decides_is_refused_in_any_case(void **state)
{
    static const char *const names[] = {
        "Status",
        "Connection",
        "Keep-Alive",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Content-Length",
        "Content-Encoding",
        "Content-Range",
        "Accept-Ranges",
        "ETag",
        "Last-Modified",
        "Location",
        "Date",
        "X-Sendfile",
        "X-Accel-Redirect",
        "X-Accel-Buffering",
        "X-Accel-Expires",
        "X-Accel-",
        "X-LIGHTTPD-send-file",
        "X-LIGHTTPD-KBytes-per-second",
        "X-LiteSpeed-Location",
        "X-LiteSpeed-Cache-Control",
        "Proxy-Connection",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct error error;
        char upper[64], lower[64];
        for (size_t c = 0; c <= strlen(names[i]); c++) {
            bool letter = (names[i][c] | 0x20) >= 'a' && (names[i][c] | 0x20) <= 'z';
            upper[c] = letter ? (char)(names[i][c] & ~0x20) : names[i][c];
            lower[c] = letter ? (char)(names[i][c] | 0x20) : names[i][c];
        }
        const char *const written[] = {names[i], upper, lower};
        for (size_t w = 0; w < COUNT(written); w++) {
            CHECK(written[w],
                  !takes_field("*", written[w], "x", &error) && strstr(error.text, written[w]));
            CHECK(written[w], !takes_field("*", written[w], NULL, &error));
        }
    }
    check_end();
}

static void a_field_has_to_be_one_and_to_match_names(void **state)
{
    static const struct {
        const char *label, *glob, *name, *value;
        bool taken;
    } rows[] = {
        {"a field", "*", "X-A", "b", true},
        {"removed", "*", "X-A", NULL, true},
        {"Cache-Control", "*", "Cache-Control", "no-cache", true},
        {"Cache-Control removed", "*", "Cache-Control", NULL, true},
        {"Vary", "*", "Vary", "Cookie", true},
        {"Vary cannot be removed", "*", "Vary", NULL, false},
        {"Vary cannot be removed in any case", "*", "vARY", NULL, false},
        {"Content-Type", "*", "Content-Type", "text/x", true},
        {"Content-Type cannot be removed", "*", "Content-type", NULL, false},
        {"a name that begins like one of ours", "*", "Statuses", "x", true},
        {"a name that ends like one of ours", "*", "My-ETag", "x", true},
        {"X-Accel without a dash", "*", "X-Accel", "x", true},
        {"every character of a token", "*", "!#$%&'*+-.^_`|~09azAZ", "x", true},
        {"no name", "*", "", "x", false},
        {"a space in a name", "*", "X A", "x", false},
        {"a colon in a name", "*", "X-A:", "x", false},
        {"a line break in a name", "*", "X\r\nY", "x", false},
        {"bytes beyond ASCII in a name", "*", "X-\xc3\xa9", "x", false},
        {"a CR in a value", "*", "X-A", "a\rb", false},
        {"an LF in a value", "*", "X-A", "a\nb", false},
        {"a field in a value", "*", "X-A", "a\r\nSet-Cookie: b", false},
        {"an LF at its end", "*", "X-A", "a\n", false},
        {"an escape in a value", "*", "X-A", "a\x1b[31m", false},
        {"DEL in a value", "*", "X-A", "a\x7f", false},
        {"no value", "*", "X-A", "", false},
        {"blanks alone", "*", "X-A", "  ", false},
        {"a blank in front", "*", "X-A", " a", false},
        {"a blank behind", "*", "X-A", "a ", false},
        {"a tab behind", "*", "X-A", "a\t", false},
        {"blanks inside", "*", "X-A", "a  b", true},
        {"no glob", "", "X-A", "b", false},
        {"an absolute glob", "/a", "X-A", "b", false},
        {"a glob that climbs", "../a", "X-A", "b", false},
        {"a glob with an empty segment", "a//b", "X-A", "b", false},
        {"a glob with a line break", "a\nb", "X-A", "b", false},
        {"a glob with a colon is one", "a:b", "X-A", "b", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error error;
        CHECK(rows[i].label,
              takes_field(rows[i].glob, rows[i].name, rows[i].value, &error) == rows[i].taken);
    }
    check_end();
}

static void what_headers_of_the_file_cannot_hold_is_said_with_the_field(void **state)
{
    static const struct {
        const char *file, *named;
    } rows[] = {
        {"{\"headers\": {\"*\": {\"Content-Length\": \"5\"}}}", "Content-Length"},
        {"{\"headers\": {\"*\": {\"X-A\": \"a\\r\\nb\"}}}", "X-A"},
        {"{\"headers\": {\"*\": {\"X A\": \"a\"}}}", "X A"},
        {"{\"headers\": {\"../*\": {\"X-A\": \"a\"}}}", "../*"},
        {"{\"headers\": {\"*\": {\"Vary\": null}}}", "Vary"},
    };
    const char *const variables[VARIABLES] = {ROOT};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct settings settings;
        struct error error;
        CHECK(rows[i].file, settings_input_read(variables, rows[i].file, &settings, &error) == -1);
        CHECK(rows[i].file, error.number == HB_SETTING_BAD_VALUE);
        CHECK(rows[i].file, strstr(error.text, rows[i].named) && strstr(error.text, "headers") &&
                                strstr(error.text, "site.json"));
    }
    check_end();
}

static void a_nul_in_a_value_is_a_fault_of_the_file(void **state)
{
    const char *const variables[VARIABLES] = {ROOT};
    struct settings settings;
    struct error error;
    (void)state;
    assert_int_equal(settings_input_read(variables,
                                         "{\"headers\": {\"*\": {\"X-A\": \"a\\u0000b\"}}}",
                                         &settings, &error),
                     -1);
    assert_int_equal(error.number, HB_SETTINGS_FILE_NOT_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setting_is_read_from_its_place),
        cmocka_unit_test(what_is_wrong_is_said_with_the_key),
        cmocka_unit_test(header_fields_are_read_in_the_order_of_the_file),
        cmocka_unit_test(each_mount_has_header_fields_of_its_own),
        cmocka_unit_test(a_field_that_frames_or_decides_is_refused_in_any_case),
        cmocka_unit_test(a_field_has_to_be_one_and_to_match_names),
        cmocka_unit_test(what_headers_of_the_file_cannot_hold_is_said_with_the_field),
        cmocka_unit_test(a_nul_in_a_value_is_a_fault_of_the_file),
    };
    return cmocka_run_group_tests(tests, settings_input_make, settings_input_drop);
}
