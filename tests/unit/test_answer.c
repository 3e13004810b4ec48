#include "answer_site.h"

#define OF_A_CSS "ETag: \"" CSS "\""
#define OF_A_CSS_BR "ETag: \"" CSS ".br\""
#define FOR_EVER "Cache-Control: max-age=315360000, public, immutable"
#define A_MINUTE "Cache-Control: max-age=60, public"
#define PRIVATE "Cache-Control: max-age=60, private"
#define NO_STORE "Cache-Control: no-store"
#define VARY "Vary: Accept-Encoding"
#define CORS "Access-Control-Allow-Origin: *"
#define NOSNIFF "X-Content-Type-Options: nosniff"
#define ALLOW "Allow: GET, HEAD, OPTIONS"
#define WRITTEN "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT"
#define A_CSS "/static/css/a." CSS ".css"
#define BR "HTTP_ACCEPT_ENCODING=br"

struct row {
    const char *label;
    struct asked asked;
    struct expected expected;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        static struct answer answer;
        answer_ask(&answer, rows[i].asked, NOW);
        answer_check(rows[i].label, &answer, &rows[i].expected);
        /* What holds for every answer. */
        bool error = answer.status >= 400;
        CHECK(rows[i].label, !error || answer_has(&answer, NO_STORE));
        CHECK(rows[i].label, answer_has(&answer, NOSNIFF));
        CHECK(rows[i].label,
              !memmem(answer.head.text, answer.head.len, tree.path, strlen(tree.path)));
        CHECK(rows[i].label, answer.text.len == 0 || !memmem(answer.text.at, answer.text.len,
                                                             tree.path, strlen(tree.path)));
        CHECK(rows[i].label,
              answer.fault.number == NO_DIAGNOSIS || !strstr(answer.fault.text, tree.path));
        answer_close(&answer);
    }
    check_end();
}

static void names_get_the_caching_that_their_bytes_deserve(void **state)
{
    static const struct row rows[] = {
        {"a hashed name",
         {"GET", A_CSS, {0}},
         {200,
          {OF_A_CSS, FOR_EVER, WRITTEN, "Content-Type: text/css; charset=utf-8",
           "Content-Length: 1300", "Accept-Ranges: bytes", CORS, VARY},
          {"Content-Encoding:"}}},
        {"an original name has the hashed file's content",
         {"GET", "/static/css/a.css", {0}},
         {200, {OF_A_CSS, A_MINUTE, "Content-Length: 1300", VARY}, {0}}},
        {"no variants, no Vary",
         {"GET", "/static/js/app." APP ".js", {0}},
         {200,
          {"ETag: \"" APP "\"", FOR_EVER, "Content-Type: text/javascript; charset=utf-8"},
          {"Vary:"}}},
        {"a hash that the bytes do not have",
         {"GET", "/static/js/wrong." WRONG ".js", {0}},
         {200, {PRIVATE}, {0}}},
        {"its original name", {"GET", "/static/js/wrong.js", {0}}, {200, {PRIVATE}, {0}}},
        {"a former release's file, known by its md5",
         {"GET", "/static/kept." OLD ".txt", {0}},
         {200, {"ETag: \"" OLD "\"", FOR_EVER}, {0}}},
        {"a live file whose hash is wrong",
         {"GET", "/static/liar." WRONG ".txt", {0}},
         {200, {PRIVATE}, {0}}},
        {"a hash that nobody knows",
         {"GET", "/static/css/a.111111111111.css", {0}},
         {404, {NO_STORE}, {"ETag:"}}},
        {"a live file: mtime in ns and size",
         {"GET", "/static/live.txt", {0}},
         {200, {"ETag: \"17979cfe362a0000-a\"", A_MINUTE, WRITTEN, "Content-Length: 10"}, {0}}},
        {"an empty file",
         {"GET", "/static/empty.txt", {0}},
         {200, {"Content-Length: 0", A_MINUTE}, {0}}},
        {"mtime 1 is no date",
         {"GET", "/static/epoch.txt", {0}},
         {200, {A_MINUTE}, {"Last-Modified:"}}},
        {"RFC 9110 8.8.2.1 a date in the future is none",
         {"GET", "/static/tomorrow.txt", {"HTTP_IF_MODIFIED_SINCE=Mon, 27 Nov 2023 12:00:00 GMT"}},
         {200, {A_MINUTE}, {"Last-Modified:"}}},
        {"an encoded name", {"GET", "/static/with%20space.txt", {0}}, {200, {A_MINUTE}, {0}}},
        {"a link inside the root", {"GET", "/static/inside.txt", {0}}, {200, {A_MINUTE}, {0}}},
        {"a query", {"GET", A_CSS "?v=1", {0}}, {200, {OF_A_CSS, FOR_EVER}, {0}}},
        {"absolute-form", {"GET", "http://h" A_CSS, {0}}, {200, {OF_A_CSS}, {0}}},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void what_may_not_be_served_is_404(void **state)
{
    static const char *const targets[] = {
        "/static/missing.css",
        "/static/",
        "/static",
        "/",
        "/media/live.txt",
        "/static/css",
        "/static/css/",
        A_CSS "/",
        A_CSS "/.",
        "/static/staticfiles.json",
        "/static/.env",
        "/static/.git/config",
        "/static/dir/.hidden/x.txt",
        "/static/fifo",
        "/static/out.txt",
        "/static/outdir/passwd",
        "/static/../../etc/passwd",
        "/static/..%2f..%2f..%2fetc/passwd",
        "/static/%2e%2e/x",
        "/static/css/a." CSS ".css.br",
        "/static/css/a.css.br",
        "/static/live.html.gz",
        "/static/live.txt/x",
        "/STATIC/live.txt",
        "/static/live.TXT",
        "/static//etc/passwd",
        "/static/%5c..%5cx",
        "/static/live.txt%20",
    };
    static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS", "BREW"};
    (void)state;
    alarm(20); /* a FIFO must not hang */
    for (size_t m = 0; m < COUNT(methods); m++) {
        for (size_t i = 0; i < COUNT(targets); i++) {
            const struct row row = {targets[i],
                                    {methods[m], targets[i], {BR}},
                                    {404,
                                     {NO_STORE, NOSNIFF, "Content-Length: 14",
                                      "Content-Type: text/plain; charset=utf-8"},
                                     {"ETag:", "Last-Modified:", "Content-Encoding:", "Allow:"}}};
            check_rows(&row, 1);
        }
    }
    alarm(0);
}

static void a_target_is_judged_before_the_method(void **state)
{
    static const struct row rows[] = {
        {"POST", {"POST", A_CSS, {0}}, {405, {ALLOW, NO_STORE, VARY}, {"ETag:"}}},
        {"PATCH", {"PATCH", A_CSS, {0}}, {405, {ALLOW}, {0}}},
        {"unknown", {"BREW", A_CSS, {0}}, {501, {NO_STORE, VARY}, {"Allow:"}}},
        {"a POST that nothing accepts",
         {"POST", A_CSS, {"HTTP_ACCEPT_ENCODING=*;q=0"}},
         {405, {ALLOW}, {0}}},
        {"a POST with a condition", {"POST", A_CSS, {"HTTP_IF_MATCH=\"x\""}}, {405, {ALLOW}, {0}}},
        {"OPTIONS",
         {"OPTIONS", A_CSS, {0}},
         {204, {ALLOW, CORS, VARY}, {"Content-Length:", "Content-Type:"}}},
        {"a preflight",
         {"OPTIONS", A_CSS, {"HTTP_ACCESS_CONTROL_REQUEST_METHOD=GET", "HTTP_ORIGIN=https://a"}},
         {204, {CORS, "Access-Control-Allow-Methods:"}, {0}}},
        {"bad %", {"GET", "/static/%zz", {0}}, {400, {NO_STORE}, {0}}},
        {"%00", {"GET", "/static/a%00", {0}}, {400, {NO_STORE}, {0}}},
        {"above the top", {"GET", "/../a", {0}}, {404, {NO_STORE}, {0}}},
        {"no REQUEST_URI but a SCRIPT_NAME",
         {"GET", NULL, {"SCRIPT_NAME=/static", "PATH_INFO=/live.txt"}},
         {200, {"Content-Length: 10"}, {0}}},
        {"SCRIPT_NAME is decoded already",
         {"GET", NULL, {"SCRIPT_NAME=/static/with%20space.txt"}},
         {404, {0}, {0}}},
        {"nothing at all", {"GET", NULL, {0}}, {400, {NO_STORE}, {0}}},
        {"no method", {NULL, A_CSS, {0}}, {501, {NO_STORE}, {0}}},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void the_page_of_an_error_has_its_status_and_is_not_kept(void **state)
{
    static const struct row rows[] = {
        {"the page is named by SCRIPT_NAME, as Apache leaves REQUEST_URI as it was",
         {"GET", "/app", {"REDIRECT_STATUS=503", "SCRIPT_NAME=/static/live.txt"}},
         {503, {"Content-Length: 10", "Content-Type: text/plain; charset=utf-8"}, {"ETag:"}}},
        {"without ranges, preconditions and hand-back",
         {"GET",
          "/app",
          {"REDIRECT_STATUS=404", "SCRIPT_NAME=/static/live.txt", "HTTP_RANGE=bytes=0-1",
           "HANDBACK_DELIVERY=x-sendfile"}},
         {404, {"Content-Length: 10"}, {"X-Sendfile:", "Content-Range:", "Accept-Ranges:"}}},
        {"a page that is missing hides no error",
         {"GET", "/app", {"REDIRECT_STATUS=502", "SCRIPT_NAME=/static/missing"}},
         {502, {"Content-Length: 16"}, {0}}},
        {"the program itself as the page of an error is another way to it",
         {"GET",
          "/static/live.txt",
          {"REDIRECT_STATUS=404", "SCRIPT_NAME=/cgi-bin/handback", "SCRIPT_FILENAME=/c/handback"}},
         {200, {"ETag:"}, {0}}},
        {"a file of the site behind mod_proxy_fcgi is none",
         {"GET",
          "/app",
          {"REDIRECT_STATUS=404", "SCRIPT_NAME=/static/live.txt",
           "SCRIPT_FILENAME=proxy:fcgi://h/static/live.txt"}},
         {404, {"Content-Length: 10"}, {"ETag:"}}},
        {"another redirect leaves the target what it is",
         {"GET", "/static/live.txt", {"REDIRECT_STATUS=200", "SCRIPT_NAME=/cgi-bin/x"}},
         {200, {"ETag:"}, {0}}},
        {"no status",
         {"GET", "/static/live.txt", {"REDIRECT_STATUS=5033", "SCRIPT_NAME=/x"}},
         {200, {"ETag:"}, {0}}},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void a_head_says_what_a_get_would_without_a_body(void **state)
{
    static const struct row rows[] = {
        {"whole", {"HEAD", A_CSS, {0}}, {200, {OF_A_CSS, "Content-Length: 1300", FOR_EVER}, {0}}},
        {"a variant",
         {"HEAD", A_CSS, {BR}},
         {200, {OF_A_CSS_BR, "Content-Length: 300", "Content-Encoding: br"}, {0}}},
        {"RFC 9110 14.2 Range is for GET",
         {"HEAD", A_CSS, {"HTTP_RANGE=bytes=0-9"}},
         {200, {"Content-Length: 1300"}, {"Content-Range:"}}},
        {"RFC 9110 14.2 even one beyond the end",
         {"HEAD", A_CSS, {"HTTP_RANGE=bytes=9999-"}},
         {200, {"Content-Length: 1300"}, {"Content-Range:"}}},
        {"missing", {"HEAD", "/static/x", {0}}, {404, {"Content-Length: 14"}, {0}}},
        {"a condition", {"HEAD", A_CSS, {"HTTP_IF_NONE_MATCH=*"}}, {304, {OF_A_CSS}, {0}}},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct answer answer;
        answer_ask(&answer, rows[i].asked, NOW);
        CHECK(rows[i].label, answer.body.fd < 0 && answer.text.len == 0);
        answer_close(&answer);
    }
    check_end();
}

static void the_variant_that_weighs_most_is_sent(void **state)
{
    static const struct row rows[] = {
        {"br",
         {"GET", A_CSS, {BR}},
         {200,
          {"Content-Encoding: br", OF_A_CSS_BR, "Content-Length: 300", VARY, FOR_EVER,
           "Content-Type: text/css; charset=utf-8"},
          {0}}},
        {"gzip",
         {"GET", A_CSS, {"HTTP_ACCEPT_ENCODING=gzip"}},
         {200, {"Content-Encoding: gzip", "ETag: \"" CSS ".gz\"", "Content-Length: 400"}, {0}}},
        {"the smallest at equal weight",
         {"GET", "/static/css/a.css", {"HTTP_ACCEPT_ENCODING=gzip, deflate, br, zstd"}},
         {200, {"Content-Encoding: br", OF_A_CSS_BR, A_MINUTE}, {0}}},
        {"zstd is not there",
         {"GET", A_CSS, {"HTTP_ACCEPT_ENCODING=zstd"}},
         {200, {OF_A_CSS, VARY}, {"Content-Encoding:"}}},
        {"nothing acceptable",
         {"GET", A_CSS, {"HTTP_ACCEPT_ENCODING=*;q=0"}},
         {406, {VARY, CORS}, {"ETag:"}}},
        {"identity excluded, and there is nothing else",
         {"GET", "/static/live.txt", {"HTTP_ACCEPT_ENCODING=identity;q=0"}},
         {406, {VARY}, {"ETag:"}}},
        {"a live file's sibling",
         {"GET", "/static/live.html", {"HTTP_ACCEPT_ENCODING=gzip"}},
         {200,
          {"Content-Encoding: gzip", "Content-Length: 15", VARY, A_MINUTE,
           "Content-Type: text/html; charset=utf-8", "ETag: \"17979cfe362a0000-f.gz\""},
          {0}}},
        {"a sibling older than its source",
         {"GET", "/static/stale.html", {"HTTP_ACCEPT_ENCODING=gzip"}},
         {200, {"Content-Length: 40"}, {"Content-Encoding:", "Vary:"}}},
        {"a name that a manifest lists is no sibling",
         {"GET", "/static/self.js", {"HTTP_ACCEPT_ENCODING=gzip"}},
         {200, {"Content-Length: 10"}, {"Content-Encoding:", "Vary:"}}},
        {"it is content",
         {"GET", "/static/self.js.gz", {0}},
         {200, {"Content-Length: 7", A_MINUTE}, {0}}},
        {"a sidecar alone is a file",
         {"GET", "/static/alone.gz", {"HTTP_ACCEPT_ENCODING=gzip"}},
         {200, {"Content-Length: 11"}, {"Content-Encoding:"}}},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void conditions_are_answered(void **state)
{
    static const struct row rows[] = {
        {"RFC 9110 15.4.5 the fields of 304",
         {"GET", A_CSS, {"HTTP_IF_NONE_MATCH=\"" CSS "\""}},
         {304,
          {OF_A_CSS, FOR_EVER, VARY, CORS},
          {"Last-Modified:", "Content-Length:", "Content-Type:", "Content-Encoding:"}}},
        {"a tag that Apache changed",
         {"GET", A_CSS, {"HTTP_IF_NONE_MATCH=W/\"" CSS "-gzip\""}},
         {304, {OF_A_CSS}, {0}}},
        {"the tag of another variant",
         {"GET", A_CSS, {"HTTP_IF_NONE_MATCH=\"" CSS ".br\""}},
         {200, {OF_A_CSS}, {0}}},
        {"the tag of this variant",
         {"GET", A_CSS, {BR, "HTTP_IF_NONE_MATCH=\"" CSS ".br\""}},
         {304, {OF_A_CSS_BR, VARY}, {"Content-Encoding:"}}},
        {"not modified since",
         {"GET", "/static/live.txt", {"HTTP_IF_MODIFIED_SINCE=Tue, 14 Nov 2023 22:13:20 GMT"}},
         {304, {A_MINUTE, "ETag: \"17979cfe362a0000-a\""}, {"Last-Modified:"}}},
        {"modified since",
         {"GET", "/static/live.txt", {"HTTP_IF_MODIFIED_SINCE=Tue, 14 Nov 2023 22:13:19 GMT"}},
         {200, {WRITTEN}, {0}}},
        {"If-Match fails",
         {"GET", A_CSS, {"HTTP_IF_MATCH=\"x\""}},
         {412, {VARY, CORS}, {"Content-Range:"}}},
        {"13.2.2 before the range",
         {"GET", A_CSS, {"HTTP_IF_NONE_MATCH=*", "HTTP_RANGE=bytes=0-9"}},
         {304, {OF_A_CSS}, {"Content-Range:"}}},
        {"406 before the conditions",
         {"GET", A_CSS, {"HTTP_ACCEPT_ENCODING=*;q=0", "HTTP_IF_NONE_MATCH=*"}},
         {406, {0}, {0}}},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void ranges_are_answered(void **state)
{
    static const struct row rows[] = {
        {"RFC 9110 15.3.7 one range",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=10-19"}},
         {206,
          {"Content-Range: bytes 10-19/1300", "Content-Length: 10", OF_A_CSS, FOR_EVER, VARY,
           "Content-Type: text/css; charset=utf-8", WRITTEN},
          {0}}},
        {"the last bytes",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=-5"}},
         {206, {"Content-Range: bytes 1295-1299/1300", "Content-Length: 5"}, {0}}},
        {"past the end is cut",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=1290-9999"}},
         {206, {"Content-Range: bytes 1290-1299/1300", "Content-Length: 10"}, {0}}},
        {"on the bytes of the variant",
         {"GET", A_CSS, {BR, "HTTP_RANGE=bytes=290-"}},
         {206, {"Content-Range: bytes 290-299/300", "Content-Encoding: br", OF_A_CSS_BR}, {0}}},
        {"RFC 9110 15.5.17 beyond the end: the full field set",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=1300-"}},
         {416,
          {"Content-Range: bytes */1300", "Accept-Ranges: bytes", OF_A_CSS, VARY, CORS, NO_STORE},
          {"Content-Encoding:"}}},
        {"the size of the variant",
         {"GET", A_CSS, {BR, "HTTP_RANGE=bytes=300-"}},
         {416, {"Content-Range: bytes */300", OF_A_CSS_BR}, {"Content-Encoding:"}}},
        {"an empty file",
         {"GET", "/static/empty.txt", {"HTTP_RANGE=bytes=0-"}},
         {416, {"Content-Range: bytes */0"}, {0}}},
        {"malformed is ignored",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=9-1"}},
         {200, {"Content-Length: 1300"}, {"Content-Range:"}}},
        {"If-Range holds",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=0-9", "HTTP_IF_RANGE=\"" CSS "\""}},
         {206, {"Content-Length: 10"}, {0}}},
        {"If-Range fails",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=0-9", "HTTP_IF_RANGE=\"x\""}},
         {200, {"Content-Length: 1300"}, {"Content-Range:"}}},
        {"If-Range fails, so a bad range does not matter",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=9999-", "HTTP_IF_RANGE=\"x\""}},
         {200, {"Content-Length: 1300"}, {"Content-Range:"}}},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void a_body_is_exactly_the_bytes_that_were_announced(void **state)
{
    static const struct {
        const char *label;
        struct asked asked;
        const char *body;
    } rows[] = {
        {"whole", {"GET", "/static/live.txt", {0}}, "0123456789"},
        {"a range", {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=3-5"}}, "345"},
        {"a suffix", {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=-2"}}, "89"},
        {"a variant",
         {"GET", "/static/live.html", {"HTTP_ACCEPT_ENCODING=gzip"}},
         "a gzip, perhaps"},
        {"nothing", {"GET", "/static/empty.txt", {0}}, ""},
        {"an original name", {"GET", "/static/js/app.js", {0}}, "// app\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct answer answer;
        char body[64], part[4];
        size_t len = 0;
        ssize_t got;
        answer_ask(&answer, rows[i].asked, NOW);
        CHECK(rows[i].label, answer.body.fd >= 0 && answer.body.length == strlen(rows[i].body));
        while ((got = body_read(&answer.body, part, sizeof part, &answer.fault)) > 0) {
            memcpy(body + len, part, (size_t)got);
            len += (size_t)got;
        }
        CHECK(rows[i].label,
              got == 0 && slice_equal((struct slice){body, len}, slice_of(rows[i].body)));
        answer_close(&answer);
    }
    check_end();
}

static void a_file_that_shrinks_while_it_is_sent_is_said(void **state)
{
    static struct answer answer;
    char body[64];
    (void)state;
    scratch_write(&tree, "shrinks.txt", "0123456789");
    answer_ask(&answer, (struct asked){"GET", "/static/shrinks.txt", {0}}, NOW);
    assert_int_equal(body_read(&answer.body, body, 4, &answer.fault), 4);
    scratch_write(&tree, "shrinks.txt", "01234");
    assert_int_equal(body_read(&answer.body, body, 64, &answer.fault), -1);
    assert_int_equal(answer.fault.number, HB_FILE_SHRANK);
    assert_null(strstr(answer.fault.text, tree.path));
    answer_close(&answer);
}

static void what_is_promised_but_not_whole_is_503(void **state)
{
    static const struct row rows[] = {
        {"the manifest names it and it is gone",
         {"GET", "/static/js/gone." APP ".js", {0}},
         {503, {"Retry-After:", NO_STORE}, {"ETag:"}}},
        {"its original name", {"GET", "/static/js/gone.js", {0}}, {503, {"Retry-After:"}, {0}}},
        {"cut a moment ago",
         {"GET", "/static/js/torn." APP ".js", {0}},
         {503, {"Retry-After:"}, {0}}},
        {"cut a moment ago, original name",
         {"GET", "/static/js/torn.js", {0}},
         {503, {"Retry-After:"}, {0}}},
        {"cut a moment ago, HEAD",
         {"HEAD", "/static/js/torn.js", {0}},
         {503, {"Retry-After:"}, {0}}},
        {"cut long ago: its size is not that of the entry",
         {"GET", "/static/js/short." APP ".js", {0}},
         {503, {"Retry-After:"}, {0}}},
        {"cut long ago, original name",
         {"GET", "/static/js/short.js", {0}},
         {503, {"Retry-After:"}, {0}}},
    };
    (void)state;
    scratch_write(&tree, "js/torn." APP ".js", "//");
    scratch_age(&tree, "js/torn." APP ".js", NOW - 1);
    scratch_write(&tree, "js/short." APP ".js", "//");
    check_rows(rows, COUNT(rows));
}

/* Runs as nobody, who may not read the file. */
static int ask_for_closed(void *context)
{
    static struct answer answer;
    (void)context;
    answer_ask(&answer, (struct asked){"GET", "/static/closed.txt", {0}}, NOW);
    bool right = answer.status == 403 && answer_has(&answer, NO_STORE) &&
                 answer.fault.number == HB_FILE_CLOSED;
    if (!right) {
        answer_print(&answer);
    }
    return right ? 0 : 1;
}

static void what_the_file_system_refuses_is_403(void **state)
{
    (void)state;
    scratch_write(&tree, "closed.txt", "x");
    assert_int_equal(fchmodat(tree.fd, "closed.txt", 0, 0), 0);
    assert_int_equal(scratch_as_nobody(ask_for_closed, NULL), 0);
}

static void without_settings_everything_is_503(void **state)
{
    static struct answer answer;
    static struct request request;
    struct asked asked = {"GET", A_CSS, {0}};
    const struct request_source source = {.variable = answer_variable, .context = &asked};
    (void)state;
    request_read(&request, &source);
    answer_make(&answer, NULL, &request, NOW);
    assert_int_equal(answer.status, 503);
    assert_true(answer_has(&answer, "Retry-After: 5") && answer_has(&answer, NO_STORE));
    answer_close(&answer);
}

static void the_head_begins_with_its_status_and_ends_with_an_empty_line(void **state)
{
    static const int statuses[] = {200, 204, 206, 304, 400, 403, 404, 405,
                                   406, 412, 414, 416, 500, 501, 503};
    static struct answer answer;
    static char head[DELIVER_HEAD_SIZE + 4096];
    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        char label[16];
        snprintf(label, sizeof label, "%d ", statuses[i]);
        CHECK(label, slice_starts(answer_status_line(statuses[i]), slice_of(label)));
    }
    answer_ask(&answer, (struct asked){"GET", "/static/missing", {0}}, NOW);
    size_t len = deliver_begin(&answer, head, sizeof head);
    CHECK("first line",
          slice_starts((struct slice){head, len}, slice_of("Status: 404 Not Found\r\n")));
    CHECK("body", slice_ends((struct slice){head, len}, slice_of("\r\n\r\n404 Not Found\n")));
    answer_close(&answer);
    answer_ask(&answer, (struct asked){"GET", A_CSS, {0}}, NOW);
    len = deliver_begin(&answer, head, sizeof head);
    const char *end = memmem(head, len, "\r\n\r\n", 4);
    CHECK("the whole body is behind the head", end && len - (size_t)(end + 4 - head) == CSS_SIZE);
    CHECK("its bytes", end && memcmp(end + 4, "a{color:red}\na{", 15) == 0);
    CHECK("nothing is left", answer.body.length == 0);
    answer_close(&answer);
    check_end();
}

static void a_file_that_shrinks_before_its_first_byte_is_503(void **state)
{
    static struct answer answer;
    static char head[DELIVER_HEAD_SIZE + 4096];
    (void)state;
    scratch_write(&tree, "vanishes.txt", "0123456789");
    answer_ask(&answer, (struct asked){"GET", "/static/vanishes.txt", {0}}, NOW);
    assert_int_equal(answer.status, 200);
    scratch_write(&tree, "vanishes.txt", "");
    size_t len = deliver_begin(&answer, head, sizeof head);
    struct slice begun = {head, len};
    CHECK("status", slice_starts(begun, slice_of("Status: 503 ")));
    CHECK("caching", memmem(head, len, "no-store", 8) && !memmem(head, len, "max-age", 7));
    CHECK("no length of the file", !memmem(head, len, "Content-Length: 10\r", 19));
    CHECK("no tag of the file", !memmem(head, len, "ETag", 4));
    CHECK("body", slice_ends(begun, slice_of("\r\n\r\n503 Service Unavailable\n")));
    CHECK("the operator hears", answer.fault.number == HB_FILE_SHRANK);
    answer_close(&answer);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_get_the_caching_that_their_bytes_deserve),
        cmocka_unit_test(what_may_not_be_served_is_404),
        cmocka_unit_test(a_target_is_judged_before_the_method),
        cmocka_unit_test(the_page_of_an_error_has_its_status_and_is_not_kept),
        cmocka_unit_test(a_head_says_what_a_get_would_without_a_body),
        cmocka_unit_test(the_variant_that_weighs_most_is_sent),
        cmocka_unit_test(conditions_are_answered),
        cmocka_unit_test(ranges_are_answered),
        cmocka_unit_test(a_body_is_exactly_the_bytes_that_were_announced),
        cmocka_unit_test(a_file_that_shrinks_while_it_is_sent_is_said),
        cmocka_unit_test(a_file_that_shrinks_before_its_first_byte_is_503),
        cmocka_unit_test(what_is_promised_but_not_whole_is_503),
        cmocka_unit_test(what_the_file_system_refuses_is_403),
        cmocka_unit_test(without_settings_everything_is_503),
        cmocka_unit_test(the_head_begins_with_its_status_and_ends_with_an_empty_line),
    };
    return cmocka_run_group_tests(tests, answer_site_make, answer_site_drop);
}
