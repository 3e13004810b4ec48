/* The .htaccess files of little trees: which names Apache may answer, and whose files are touched.
 */
#include "base/md5.h"
#include "check.h"
#include "prepare/htaccess.h"
#include "prepare/htaccess_text.h"
#include "prepare/prepare.h"
#include "scratch.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;
static struct scratch site;
static struct settings settings;
static struct report report;
static char root_path[SCRATCH_PATH + 16], beside_path[SCRATCH_PATH + 16];

static int make(void **state)
{
    (void)state;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    site = scratch_make();
    snprintf(root_path, sizeof root_path, "%s/static", site.path);
    snprintf(beside_path, sizeof beside_path, "%s/state", site.path);
    scratch_write(&site, "static/live.txt", "live");
    settings = (struct settings){.mounts = 1, .coding_header = ""};
    settings.mount[0] = settings_default_mount(MOUNT_STATIC, pool);
    settings.mount[0].root = root_path;
    return 0;
}

static int drop(void **state)
{
    (void)state;
    scratch_remove(&site);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

/* Writes a file of the name that `form` ("css/a.%s.css") gives, with the hash of its bytes or with
 * another. */
static void write_hashed(const char *form, bool proven)
{
    struct md5 digest;
    char hex[MD5_HEX + 1];
    md5_begin(&digest);
    md5_add(&digest, form, strlen(form));
    md5_end(&digest, hex);
    hex[12] = '\0';
    const char *name = apr_psprintf(pool, "%.*s%s%s", (int)(strchr(form, '%') - form), form,
                                    proven ? hex : "0123456789ab", strchr(form, '%') + 2);
    scratch_write(&site, apr_pstrcat(pool, "static/", name, NULL), form);
}

static int prepare(int level, bool dry)
{
    struct error fault = {0};
    struct prepare_wish wish = {.dry = dry};
    const char digit[2] = {(char)('0' + level), '\0'};
    report = report_make(pool);
    if (level >= 0) {
        assert_null(htaccess_wish(&wish.htaccess, digit, NULL));
    }
    settings.delivery = DELIVERY_BODY;
    htaccess_set_delivery(&settings, &wish.htaccess, pool);
    return prepare_site(&settings, &wish, &report, pool, &fault);
}

/* The text of the root's file, as prepare reports it; "": none. */
static const char *text_of_root(void)
{
    for (int i = 0; i < report.htaccess->nelts; i++) {
        const struct report_htaccess *one =
            &APR_ARRAY_IDX(report.htaccess, i, struct report_htaccess);
        if (strcmp(one->path, apr_pstrcat(pool, root_path, "/.htaccess", NULL)) == 0) {
            return one->text;
        }
    }
    return "";
}

static bool says(const char *what)
{
    return strstr(text_of_root(), what) != NULL;
}

/* ---- what is asked for ---- */

static void wishes(void **state)
{
    static const struct {
        const char *label, *level, *cgi, *url; /* NULL url: refused */
    } rows[] = {
        {"the usual program", "1", NULL, "/cgi-bin/handback.cgi"},
        {"the usual FastCGI program", "3", NULL, "/cgi-bin/handback.fcgi"},
        {"a program of a user", "2", "/~alice/cgi-bin/h.cgi", "/~alice/cgi-bin/h.cgi"},
        {"no level like that", "4", NULL, NULL},
        {"less than none", "-1", NULL, NULL},
        {"two digits", "01", NULL, NULL},
        {"nothing", "", NULL, NULL},
        {"a program without a level", NULL, "/x", NULL},
        {"no path", "1", "http://h/x", NULL},
        {"a blank", "1", "/x y", NULL},
        {"a line end", "1", "/x\nRequire all granted", NULL},
        {"a variable of Apache's", "1", "/%{ENV:x}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct htaccess_wish wish = {0};
        const char *wrong = htaccess_wish(&wish, rows[i].level, rows[i].cgi);
        CHECK(rows[i].label, (wrong == NULL) == (rows[i].url != NULL));
        CHECK(rows[i].label, wrong || strcmp(wish.cgi, rows[i].url) == 0);
    }
    check_end();
}

/* ---- which names ---- */

static void names_that_apache_may_answer(void **state)
{
    static const struct {
        const char *label, *form, *extension;
        bool fast;
    } rows[] = {
        {"a plain name", "css/a.%s.css", "css", true},
        {"an inner extension", "a.min.%s.mjs", "mjs", true},
        {"a directory with a dot", "v1.2/a.%s.svg", "svg", true},
        {"a blank", "a b.%s.png", "png", false},
        {"a quote", "a\".%s.gif", "gif", false},
        {"beyond ASCII", "\xc3\xa9.%s.webp", "webp", false},
        {"a program inside", "a.php.%s.json", "json", false},
        {"a coding inside", "a.gz.%s.txt", "txt", false},
        {"a coding at the end", "a.%s.gz", "gz", false},
        {"a program", "a.%s.php", "php", false},
        {"no extension", "A.%s", "html", false},
        {"two dots", "a..%s.xml", "xml", false},
        {"capitals", "a.%s.PDF", "PDF", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        write_hashed(rows[i].form, true);
    }
    CHECK("all", prepare(1, false) == 0);
    const char *fast = strstr(text_of_root(), "([0-9a-f]{12})\\.(?:");
    assert_non_null(fast);
    const char *list = apr_pstrmemdup(pool, fast, strcspn(fast, "\""));
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label, (strstr(list, rows[i].extension) != NULL) == rows[i].fast);
    }
    CHECK("inner", says("(?:\\.(?:min))*"));
    check_end();
}

static void exceptions(void **state)
{
    (void)state;
    write_hashed("a.%s.css", true);
    write_hashed("css/b.%s.css", false);
    CHECK("in the pool", prepare(1, false) == 0 && !says("RewriteCond $0 !"));
    settings.state = beside_path;
    CHECK("elsewhere", prepare(1, false) == 0 && says("!^(?:css/b\\.0123456789ab\\.css)$"));
    for (int i = 0; i < HTACCESS_EXCEPTIONS_MAX + 1; i++) {
        write_hashed(apr_psprintf(pool, "many/%d.%%s.css", i), false);
    }
    write_hashed("a.%s.js", true);
    CHECK("too many", prepare(1, false) == 0 && !says("RewriteCond $0 !"));
    CHECK("the other extension", says("\\.(?:js)$"));
    check_end();
}

static void types(void **state)
{
    (void)state;
    write_hashed("a.%s.css", true);
    write_hashed("a.%s.xyz", true);
    scratch_write(&site, "static/crossdomain.xml", "x");
    CHECK("settings",
          settings_add_type(&settings.mount[0], ".xyz", "model/x", &(struct error){0}) == 0);
    settings.mount[0].charset = "koi8-r";
    CHECK("level 0", prepare(0, false) == 0);
    CHECK("charset", says("AddType \"text/css; charset=koi8-r\" .css"));
    CHECK("own type", says("AddType \"model/x\" .xyz"));
    CHECK("whole name", says("<Files \"crossdomain.xml\">"));
    check_end();
}

static void fields(void **state)
{
    (void)state;
    struct error error;
    const struct settings_field all = {"*", "X-All", "50% \"of\" \\"},
                                css = {"*.css", "X-Css", "1"}, below = {"css/*", "X-Below", "1"};
    write_hashed("a.%s.css", true);
    write_hashed("a.%s.js", true);
    settings_add_field(&settings.mount[0], &all, &error);
    settings_add_field(&settings.mount[0], &css, &error);
    settings_add_field(&settings.mount[0], &below, &error);
    CHECK("level 1", prepare(1, false) == 0 && says("\\.(?:js)$"));
    CHECK("level 0", prepare(0, false) == 0 && says("<Files \"*.css\">") && !says("X-Below"));
    CHECK("quoted", says("Header set X-All \"50%% \\\"of\\\" \\\\\""));
    check_end();
}

/* ---- whose file ---- */

static void a_file_is_ours_while_no_byte_has_changed(void **state)
{
    (void)state;
    int level;
    const char *cgi;
    struct htaccess_plan plan = {.level = 2, .cgi = "/x.cgi"};
    const char *text = htaccess_text_sign(&plan, "one\ntwo\n", pool);
    CHECK("signed", htaccess_text_is_ours(text, &level, &cgi, pool));
    CHECK("level", level == 2 && strcmp(cgi, "/x.cgi") == 0);
    CHECK("a line more",
          !htaccess_text_is_ours(apr_pstrcat(pool, text, "x", NULL), &level, &cgi, pool));
    for (size_t i = strlen(text) - 1; text[i] != ':'; i--) {
        char *changed = apr_pstrdup(pool, text);
        changed[i] ^= 1;
        bool first_line = i < (size_t)(strchr(text, '\n') - text);
        CHECK("a byte", first_line || !htaccess_text_is_ours(changed, &level, &cgi, pool));
    }
    static const char *const others[] = {"", "\n", "# Handback 1 level 1 cgi /x sum 0123456789ab:",
                                         "# Handback 1 level 1 cgi /x sum 0123456789ab: x\n",
                                         "Header set A b\n"};
    for (size_t i = 0; i < COUNT(others); i++) {
        CHECK(others[i], !htaccess_text_is_ours(others[i], &level, &cgi, pool));
    }
    check_end();
}

static void a_foreign_file_is_a_fault_and_stays(void **state)
{
    (void)state;
    scratch_write(&site, "static/.htaccess", "mine\n");
    for (int level = 0; level < HTACCESS_LEVELS; level++) {
        CHECK("fault", prepare(level, false) == 0 && report.faults == 1);
        CHECK("body", settings.delivery == DELIVERY_BODY);
        CHECK("reported", report.htaccess->nelts == 0);
    }
    CHECK("no wish", prepare(-1, false) == 0 && report.faults == 0);
    check_end();
}

static void links_that_leave_are_closed_at_level_0(void **state)
{
    (void)state;
    scratch_write(&site, "outside/a.txt", "a");
    scratch_link(&site, "static/in.txt", "live.txt");
    CHECK("inside", prepare(0, true) == 0 && !says("leads clients out"));
    scratch_link(&site, "static/out.txt", "../outside/a.txt");
    scratch_link(&site, "static/dir", "../outside");
    CHECK("told",
          prepare(0, true) == 0 && says("RewriteRule \"^(?:dir|out\\.txt)(?:/|$)\" - [R=404,END]"));
    CHECK("the program sees to it", prepare(1, true) == 0 && !says("out\\.txt"));
    settings.mount[0].follow = apr_pstrcat(pool, site.path, "/outside", NULL);
    CHECK("followed", prepare(0, true) == 0 && !says("out\\.txt"));
    settings.mount[0].follow = "";
    scratch_link(&site, "static/a\"b", "../outside/a.txt");
    CHECK("cannot be told", prepare(0, true) == 0 && says("%{REQUEST_FILENAME} -l"));
    check_end();
}

static void without_a_wish_what_is_there_is_renewed(void **state)
{
    (void)state;
    write_hashed("a.%s.css", true);
    CHECK("none", prepare(-1, false) == 0 && report.htaccess->nelts == 0);
    CHECK("made", prepare(2, false) == 0 && report.htaccess->nelts == 2);
    CHECK("redirect", settings.delivery == DELIVERY_LOCAL_REDIRECT);
    CHECK("again", prepare(-1, false) == 0 && report.htaccess->nelts == 2 &&
                       settings.delivery == DELIVERY_LOCAL_REDIRECT);
    CHECK("as it was", !APR_ARRAY_IDX(report.htaccess, 1, struct report_htaccess).changed);
    write_hashed("a.%s.js", true);
    CHECK("renewed", prepare(-1, false) == 0 && says(".js"));
    CHECK("changed", APR_ARRAY_IDX(report.htaccess, 1, struct report_htaccess).changed);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wishes, make, drop),
        cmocka_unit_test_setup_teardown(names_that_apache_may_answer, make, drop),
        cmocka_unit_test_setup_teardown(exceptions, make, drop),
        cmocka_unit_test_setup_teardown(types, make, drop),
        cmocka_unit_test_setup_teardown(fields, make, drop),
        cmocka_unit_test_setup_teardown(a_file_is_ours_while_no_byte_has_changed, make, drop),
        cmocka_unit_test_setup_teardown(a_foreign_file_is_a_fault_and_stays, make, drop),
        cmocka_unit_test_setup_teardown(links_that_leave_are_closed_at_level_0, make, drop),
        cmocka_unit_test_setup_teardown(without_a_wish_what_is_there_is_renewed, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
