/* Header fields of the operator's own (`headers`): the later match wins, field by field. */
#include "answer_site.h"

#define A_CSS "/static/css/a." CSS ".css"
#define BR "HTTP_ACCEPT_ENCODING=br"
#define A_MINUTE "Cache-Control: max-age=60, public"
#define FOR_EVER "Cache-Control: max-age=315360000, public, immutable"
#define NO_STORE "Cache-Control: no-store"
#define OURS "Content-Type: text/plain; charset=utf-8"
#define NOSNIFF "X-Content-Type-Options: nosniff"

static int make(void **state)
{
    if (answer_site_make(state) != 0) {
        return -1;
    }
    scratch_write(&tree, "up/page.html", "<script>");
    scratch_write(&tree, "docs/index.html", "<p>docs</p>");
    answer_site_reopen(
        (const char *const[VARIABLES_MAX]){NULL},
        "{\"mounts\": [{\"index_file\": true, \"headers\": {"
        "\"*\": {\"X-All\": \"first\", \"X-Kept\": \"a\", \"Permissions-Policy\": "
        "\"fullscreen=()\"},"
        "\"*.txt\": {\"X-All\": \"second\", \"Content-Type\": \"text/x-own\","
        "            \"Cache-Control\": \"no-cache\"},"
        "\"css/*\": {\"Vary\": \"Cookie\", \"X-Content-Type-Options\": null, \"X-Kept\": null,"
        "            \"Access-Control-Allow-Origin\": null},"
        "\"css/a.css\": {\"X-Original\": \"yes\"},"
        "\"live.html\": {\"cache-control\": null, \"CONTENT-TYPE\": \"text/y\", \"VARY\": "
        "\"Origin\"},"
        "\"js/*\": {\"X-All\": null, \"Vary\": \"A\", \"Content-Security-Policy\": \"sandbox\"},"
        "\"js/app.*\": {\"x-all\": \"back\", \"Vary\": \"B, C\"},"
        "\"docs/*\": {\"X-Docs\": \"1\"}, \"[e]*\": {\"X-All\": \"a set\"}}},"
        "{\"kind\": \"media\", \"root\": \"../up\", \"headers\": {\"page.*\": {"
        "\"Content-Disposition\": \"inline\", \"X-Up\": \"1\"}}},"
        "{\"url\": \"/other/\", \"root\": \"..\"}]}");
    return 0;
}

static void the_last_field_that_matches_is_sent(void **state)
{
    static const struct answer_row rows[] = {
        {"one glob",
         {"GET", A_CSS, {0}},
         {200,
          {"X-All: first", "Permissions-Policy: fullscreen=()", "Vary: Accept-Encoding, Cookie",
           FOR_EVER, "ETag: \"" CSS "\"", "Content-Length: 1300"},
          {"X-Kept:", "X-Content-Type-Options:", "Access-Control-Allow-Origin:", "X-Original:"}},
         0},
        {"the name that was asked for counts, not the file's",
         {"GET", "/static/css/a.css", {0}},
         {200, {"X-Original: yes", "X-All: first"}, {0}},
         0},
        {"a later glob replaces what we send",
         {"GET", "/static/live.txt", {0}},
         {200,
          {"X-All: second", "Content-Type: text/x-own", "Cache-Control: no-cache", "X-Kept: a",
           NOSNIFF, "Access-Control-Allow-Origin: *"},
          {"X-All: first", A_MINUTE, OURS}},
         0},
        {"an encoded name",
         {"GET", "/static/with%20space.txt", {0}},
         {200, {"X-All: second"}, {0}},
         0},
        {"also where it was promised",
         {"GET", "/static/kept." OLD ".txt", {0}},
         {200, {"Cache-Control: no-cache", "ETag: \"" OLD "\""}, {FOR_EVER}},
         0},
        {"names in any case",
         {"GET", "/static/live.html", {0}},
         {200,
          {"Vary: Accept-Encoding, Origin", "Content-Length: 40", "CONTENT-TYPE: text/y"},
          {"Cache-Control:", "Content-Type:"}},
         0},
        {"removed, and brought back",
         {"GET", "/static/js/app." APP ".js", {0}},
         {200,
          {"x-all: back", "Vary: B, C", "Content-Security-Policy: sandbox"},
          {"X-All: first", "Vary: A"}},
         0},
        {"removed", {"GET", "/static/js/app.js", {0}}, {200, {"x-all: back", A_MINUTE}, {0}}, 0},
        {"a set in a glob", {"GET", "/static/empty.txt", {0}}, {200, {"X-All: a set"}, {0}}, 0},
        {"the index file is the name",
         {"GET", "/static/docs/", {0}},
         {200, {"X-Docs: 1", "X-All: first"}, {0}},
         0},
        {"an upload that is opened after all",
         {"GET", "/media/page.html", {0}},
         {200, {"Content-Disposition: inline", "X-Up: 1", "Content-Security-Policy:"}, {"X-All:"}},
         0},
        {"another mount of the same files",
         {"GET", "/other/live.txt", {0}},
         {200, {OURS, A_MINUTE}, {"X-All:", "X-Kept:"}},
         0},
    };
    (void)state;
    answer_check_rows(rows, COUNT(rows));
}

static void fields_go_with_every_status_that_describes_the_file(void **state)
{
    static const struct answer_row rows[] = {
        {"HEAD",
         {"HEAD", "/static/live.txt", {0}},
         {200, {"X-All: second", "Content-Type: text/x-own"}, {0}},
         0},
        {"206",
         {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=0-1"}},
         {206,
          {"X-All: second", "Content-Type: text/x-own", "Cache-Control: no-cache",
           "Content-Range: bytes 0-1/10", "Content-Length: 2"},
          {A_MINUTE}},
         0},
        {"206 of several",
         {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=0-1,5-6"}},
         {206,
          {"X-All: second", "Cache-Control: no-cache", "Content-Type:"},
          {"Content-Type: text/x-own", "Content-Range:"}},
         0},
        {"206 of a variant",
         {"GET", A_CSS, {BR, "HTTP_RANGE=bytes=0-1"}},
         {206,
          {"Vary: Accept-Encoding, Cookie", "Content-Encoding: br", "X-All: first"},
          {"X-Kept:"}},
         0},
        {"304",
         {"GET", A_CSS, {"HTTP_IF_NONE_MATCH=*"}},
         {304,
          {"X-All: first", "Vary: Accept-Encoding, Cookie", FOR_EVER},
          {"X-Kept:", "Access-Control-Allow-Origin:", "Last-Modified:"}},
         0},
        {"304 with Cache-Control",
         {"GET", "/static/live.txt", {"HTTP_IF_NONE_MATCH=*"}},
         {304, {"X-All: second", "Cache-Control: no-cache"}, {A_MINUTE, "Content-Type:"}},
         0},
        {"304 without",
         {"GET", "/static/live.html", {"HTTP_IF_NONE_MATCH=*"}},
         {304, {"Vary: Accept-Encoding, Origin"}, {"Cache-Control:"}},
         0},
        {"412: the text is ours",
         {"GET", "/static/live.txt", {"HTTP_IF_MATCH=\"x\""}},
         {412, {"X-All: second", "X-Kept: a", OURS, NO_STORE}, {"Cache-Control: no-cache"}},
         0},
        {"412 of what has another type",
         {"GET", "/static/live.html", {"HTTP_IF_MATCH=\"x\""}},
         {412, {OURS, NO_STORE, "Vary: Accept-Encoding, Origin"}, {0}},
         0},
        {"416",
         {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=99-"}},
         {416,
          {"X-All: second", OURS, NO_STORE, "Content-Range: bytes */10"},
          {"Cache-Control: no-cache"}},
         0},
        {"416: removed fields are removed",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=9999-"}},
         {416, {"X-All: first", "Vary: Accept-Encoding, Cookie"}, {"Access-Control-Allow-Origin:"}},
         0},
    };
    (void)state;
    answer_check_rows(rows, COUNT(rows));
}

static void no_other_status_has_them(void **state)
{
    static const struct answer_row rows[] = {
        {"404",
         {"GET", "/static/missing.txt", {0}},
         {404, {OURS, NO_STORE}, {"X-All:", "X-Kept:"}},
         0},
        {"405", {"POST", "/static/live.txt", {0}}, {405, {OURS, NO_STORE}, {"X-All:"}}, 0},
        {"501", {"BREW", "/static/live.txt", {0}}, {501, {OURS, NO_STORE}, {"X-All:"}}, 0},
        {"406",
         {"GET", A_CSS, {"HTTP_ACCEPT_ENCODING=*;q=0"}},
         {406, {OURS, NO_STORE, "Vary: Accept-Encoding"}, {"X-All:"}},
         0},
        {"400", {"GET", "/static/%zz.txt", {0}}, {400, {NO_STORE}, {"X-All:"}}, 0},
        {"302", {"GET", "/static/docs", {0}}, {302, {NO_STORE}, {"X-All:", "X-Docs:"}}, 0},
        {"503",
         {"GET", "/static/js/gone.js", {0}},
         {503, {NO_STORE, OURS}, {"Vary: A", "X-All:"}},
         HB_FILE_GONE},
        {"OPTIONS", {"OPTIONS", "/static/live.txt", {0}}, {204, {NO_STORE}, {"X-All:"}}, 0},
    };
    (void)state;
    answer_check_rows(rows, COUNT(rows));
}

/* Whether a field name occurs in the head more than once. */
static bool has_one_of_each(const struct answer *answer)
{
    for (struct slice rest = {answer->head.text, answer->head.len}; rest.len > 0;) {
        struct slice line = slice_cut(&rest, '\n'), name = slice_cut(&line, ':');
        for (struct slice others = rest; others.len > 0;) {
            struct slice other = slice_cut(&others, '\n');
            char text[128];
            if (slice_copy(slice_cut(&other, ':'), text, sizeof text) &&
                slice_equal_nocase(name, text)) {
                return false;
            }
        }
    }
    return true;
}

static void no_field_is_sent_twice(void **state)
{
    static const char *const targets[] = {A_CSS, "/static/live.txt", "/static/live.html",
                                          "/static/js/app." APP ".js", "/media/page.html"};
    static const char *const variables[] = {
        "HTTP_RANGE=bytes=0-1",        "HTTP_RANGE=bytes=0-1,4-5", "HTTP_RANGE=bytes=9999-",
        "HTTP_IF_NONE_MATCH=*",        "HTTP_IF_MATCH=\"x\"",      "X=y",
        "HANDBACK_DELIVERY=x-sendfile"};
    (void)state;
    for (size_t i = 0; i < COUNT(targets) * COUNT(variables); i++) {
        static struct answer answer;
        const char *target = targets[i / COUNT(variables)];
        answer_ask(&answer, (struct asked){"GET", target, {variables[i % COUNT(variables)]}}, NOW);
        if (!CHECK(target, has_one_of_each(&answer))) {
            answer_print(&answer);
        }
        answer_close(&answer);
    }
    check_end();
}

/* RFC 9110 15.3.7.2: the parts have the Content-Type that a 200 would have. */
static void the_parts_have_the_type_that_headers_gives(void **state)
{
    static struct answer answer;
    size_t len = 0;
    struct slice head;
    (void)state;
    answer_ask(&answer, (struct asked){"GET", "/static/live.txt", {"HTTP_RANGE=bytes=0-1,5-6"}},
               NOW);
    const char *body = answer_deliver(&answer, 64, &len, &head);
    assert_non_null(body);
    assert_non_null(memmem(body, len, "\r\nContent-Type: text/x-own\r\n", 28));
    assert_null(memmem(body, len, "text/plain", 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_field_that_matches_is_sent),
        cmocka_unit_test(fields_go_with_every_status_that_describes_the_file),
        cmocka_unit_test(no_other_status_has_them),
        cmocka_unit_test(no_field_is_sent_twice),
        cmocka_unit_test(the_parts_have_the_type_that_headers_gives),
    };
    return cmocka_run_group_tests(tests, make, answer_site_drop);
}
