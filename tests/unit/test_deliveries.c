/* The ways in which the bytes can be left to the web server, and what each of them is told. */
#include "answer_site.h"

#define A_CSS "/static/css/a." CSS ".css"
#define PNG "/static/pic." OLD ".png"
#define BR "HTTP_ACCEPT_ENCODING=br"
#define FOR_EVER "Cache-Control: max-age=315360000, public, immutable"
#define A_MINUTE "Cache-Control: max-age=60, public"
#define WRITTEN "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT"
#define RANGES "Accept-Ranges: bytes"
#define TYPE_CSS "Content-Type: text/css; charset=utf-8"
#define PROXIED "SCRIPT_FILENAME=proxy:fcgi://localhost/static/x"
#define IN_ITS_LOG HB_SENT_AS_BODY

static int make(void **state)
{
    if (answer_site_make(state) != 0) {
        return -1;
    }
    scratch_write(&tree, "pic." OLD ".png", "old\n");
    scratch_write(&tree, "pic." OLD ".svg", "old\n");
    scratch_write(&tree, "own." OLD ".own", "old\n");
    scratch_write(&tree, "amp." OLD ".amp", "old\n");
    scratch_write(&tree, "hash." OLD ".hash", "old\n");
    scratch_write(&tree, "odd." OLD ".odd", "old\n");
    scratch_write(&tree, "closed." OLD ".txt", "old\n");
    scratch_need(fchmodat(tree.fd, "closed." OLD ".txt", 0640, 0) == 0, "chmod");
    scratch_write(&tree, "variant.html", "0123456789012345678901234567890123456789");
    scratch_write(&tree, "variant.html.br", "closed");
    scratch_need(fchmodat(tree.fd, "variant.html.br", 0640, 0) == 0, "chmod");
    scratch_write(&tree, "sp ce." OLD ".txt", "old\n");
    scratch_write(&tree, "caf\xc3\xa9;#?%41.txt", "0123456789");
    scratch_write(&tree, "fresh.txt", "0123456789");
    scratch_age(&tree, "fresh.txt", NOW - 1);
    scratch_write(&tree, "docs/index.html", "<p>docs</p>");
    scratch_write(&tree, "up/page.html", "<p>upload</p>");
    return 0;
}

static void open_with(const char *const variables[VARIABLES_MAX], const char *file)
{
    answer_spawned = false;
    answer_site_reopen(variables, file);
}

static void what_is_closed_to_others_is_a_body_and_that_is_said(void **state)
{
    static const char *const announced[] = {"HANDBACK_DELIVERY=x-sendfile",
                                            "HANDBACK_DELIVERY=x-accel-redirect"};
    (void)state;
    open_with((const char *const[VARIABLES_MAX]){"HANDBACK_DELIVERY_URL=/internal/"}, NULL);
    for (size_t i = 0; i < COUNT(announced); i++) {
        const struct answer_row rows[] = {
            {announced[i],
             {"GET", "/static/closed." OLD ".txt", {announced[i]}},
             {200,
              {"Content-Length: 4", RANGES, WRITTEN, "ETag: \"" OLD "\""},
              {"X-Sendfile:", "Location:", "X-Accel-Redirect:"}},
             IN_ITS_LOG},
            {"its range",
             {"GET", "/static/closed." OLD ".txt", {announced[i], "HTTP_RANGE=bytes=0-1"}},
             {206, {"Content-Length: 2"}, {0}},
             IN_ITS_LOG},
            {"nothing to send, nothing to say",
             {"HEAD", "/static/closed." OLD ".txt", {announced[i]}},
             {200, {"Content-Length: 4"}, {0}},
             0},
            {"nor here",
             {"GET", "/static/closed." OLD ".txt", {announced[i], "HTTP_IF_NONE_MATCH=*"}},
             {304, {0}, {0}},
             0},
        };
        answer_check_rows(rows, COUNT(rows));
    }
    const struct answer_row variant = {
        "the variant's mode counts",
        {"GET", "/static/variant.html", {"HANDBACK_DELIVERY=x-accel-redirect", BR}},
        {200, {"Content-Encoding: br", "Content-Length: 6"}, {0}},
        IN_ITS_LOG};
    answer_check_rows(&variant, 1);
}

static void open_redirecting(void)
{
    answer_spawned = true;
    answer_site_reopen(
        (const char *const[VARIABLES_MAX]){NULL},
        "{\"delivery\": \"local-redirect\", \"delivery_url\": \"/internal/\", \"mimetypes\": "
        "{\".own\": \"application/x-own+y.z\", \".amp\": \"text/x&y\", \".hash\": "
        "\"text/x#y\", \".odd\": \"text/x%41\"},"
        "\"headers\": {\"*.svg\": {\"Content-Type\": \"image/x\"}, \"*.png\": {\"X-Own\": \"1\","
        "\"Cache-Control\": \"no-cache\"}}}");
}

/* A process that the web server has started reads files as the server does. */
static void what_the_server_itself_can_read_is_handed_back(void **state)
{
    static const struct answer_row rows[] = {
        {"x-sendfile",
         {"GET", "/static/closed." OLD ".txt", {"HANDBACK_DELIVERY=x-sendfile"}},
         {200, {"X-Sendfile:"}, {0}},
         0},
        {"local-redirect",
         {"GET", "/static/closed." OLD ".txt", {"HANDBACK_DELIVERY=local-redirect"}},
         {200, {"Location:"}, {0}},
         0},
    };
    (void)state;
    open_redirecting();
    answer_check_rows(rows, COUNT(rows));
}

static void a_local_redirect_needs_a_server_that_started_us(void **state)
{
    static const struct answer_row row = {"a service",
                                          {"GET", A_CSS, {0}},
                                          {200, {"Content-Length: 1300", RANGES}, {"Location:"}},
                                          HB_NO_LOCAL_REDIRECT};
    (void)state;
    open_redirecting();
    answer_spawned = false;
    answer_check_rows(&row, 1);
}

static void x_sendfile_names_the_file_as_the_web_server_sees_it(void **state)
{
    static const struct answer_row rows[] = {
        {"whole",
         {"GET", A_CSS, {0}},
         {200,
          {"X-Sendfile: /backend/static/css/a." CSS ".css", TYPE_CSS, FOR_EVER, WRITTEN, RANGES,
           "ETag: \"" CSS "\"", "Vary: Accept-Encoding"},
          {"Content-Length:", "Content-Encoding:", "X-Accel-Redirect:", "Location:"}},
         0},
        {"a variant",
         {"GET", A_CSS, {BR, "HANDBACK_CODING_HEADER=Content-Encoding"}},
         {200,
          {"X-Sendfile: /backend/static/css/a." CSS ".css.br", "Content-Encoding: br",
           "ETag: \"" CSS ".br\""},
          {"Content-Length:"}},
         0},
        {"a variant whose coding could not be told",
         {"GET", A_CSS, {BR}},
         {200, {"Content-Encoding: br", "Content-Length: 300"}, {"X-Sendfile:"}},
         IN_ITS_LOG},
        {"an index file",
         {"GET", "/static/docs/", {0}},
         {200, {"X-Sendfile: /backend/static/docs/index.html"}, {0}},
         0},
        {"a name that servers read otherwise",
         {"GET", "/static/with%20space.txt", {0}},
         {200, {"Content-Length: 10"}, {"X-Sendfile:"}},
         IN_ITS_LOG},
        {"HEAD", {"HEAD", A_CSS, {0}}, {200, {"Content-Length: 1300", RANGES}, {"X-Sendfile:"}}, 0},
        {"several ranges",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=0-1,4-5"}},
         {206, {0}, {"X-Sendfile:"}},
         0},
        {"one is left",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=0-4,4-5"}},
         {206, {"Content-Range: bytes 0-5/1300"}, {"X-Sendfile:"}},
         0},
        {"a range of a variant",
         {"GET", A_CSS, {BR, "HANDBACK_CODING_HEADER=X-Enc", "HTTP_RANGE=bytes=0-4"}},
         {206, {"Content-Encoding: br"}, {"X-Sendfile:", "X-Enc:"}},
         0},
        {"what is written a moment ago is not looked for again",
         {"GET", "/static/fresh.txt", {0}},
         {200, {"Content-Length: 10"}, {"X-Sendfile:"}},
         0},
        {"no date",
         {"GET", "/static/epoch.txt", {0}},
         {200, {"Content-Length: 13"}, {"X-Sendfile:"}},
         0},
        {"404", {"GET", "/static/missing", {0}}, {404, {0}, {"X-Sendfile:"}}, 0},
    };
    (void)state;
    open_with((const char *const[VARIABLES_MAX]){"HANDBACK_DELIVERY=x-sendfile",
                                                 "HANDBACK_INDEX_FILE=true",
                                                 "HANDBACK_DELIVERY_ROOT=/backend/static"},
              NULL);
    answer_check_rows(rows, COUNT(rows));
}

static void a_root_that_servers_read_otherwise_is_never_named(void **state)
{
    static const struct answer_row row = {"a space",
                                          {"GET", A_CSS, {0}},
                                          {200, {"Content-Length: 1300"}, {"X-Sendfile:"}},
                                          IN_ITS_LOG};
    (void)state;
    open_with((const char *const[VARIABLES_MAX]){"HANDBACK_DELIVERY=x-sendfile",
                                                 "HANDBACK_DELIVERY_ROOT=/back end"},
              NULL);
    answer_check_rows(&row, 1);
}

/* ---- local redirect (RFC 3875 6.2.2) ---- */

#define REDIRECTED                                                                                 \
    {                                                                                              \
        "ETag:", "Last-Modified:", "Accept-Ranges:", "Content-Length:", "X-Sendfile:",             \
            "X-Accel-Redirect:"                                                                    \
    }

static void a_local_redirect_says_where_and_what(void **state)
{
    static const struct answer_row rows[] = {
        {"a hashed name",
         {"GET", A_CSS, {0}},
         {200,
          {"Location: /internal/css/a." CSS ".css?type=text/css&charset=utf-8&etag=" CSS, TYPE_CSS,
           FOR_EVER, "Vary: Accept-Encoding", "Access-Control-Allow-Origin: *"},
          REDIRECTED},
         0},
        {"an original name",
         {"GET", "/static/css/a.css", {0}},
         {200,
          {"Location: /internal/css/a." CSS ".css?type=text/css&charset=utf-8&etag=" CSS, A_MINUTE},
          REDIRECTED},
         0},
        {"a variant",
         {"GET", A_CSS, {BR}},
         {200,
          {"Location: /internal/css/a." CSS ".css.br?type=text/css&charset=utf-8&etag=" CSS ".br",
           "Content-Encoding: br", FOR_EVER},
          REDIRECTED},
         0},
        {"no charset",
         {"GET", PNG, {0}},
         {200,
          {"Location: /internal/pic." OLD ".png?type=image/png&etag=" OLD,
           "Content-Type: image/png", "X-Own: 1", "Cache-Control: no-cache"},
          REDIRECTED},
         0},
        {"a type of the mount's own",
         {"GET", "/static/own." OLD ".own", {0}},
         {200,
          {"Location: /internal/own." OLD ".own?type=application/x-own+y.z&etag=" OLD},
          REDIRECTED},
         0},
        {"a type by `headers`",
         {"GET", "/static/pic." OLD ".svg", {0}},
         {200,
          {"Location: /internal/pic." OLD ".svg?type=image/x&etag=" OLD, "Content-Type: image/x"},
          REDIRECTED},
         0},
        {"an encoded name",
         {"GET", "/static/sp%20ce." OLD ".txt", {0}},
         {200,
          {"Location: /internal/sp%20ce." OLD ".txt?type=text/plain&charset=utf-8&etag=" OLD},
          REDIRECTED},
         0},
        {"the query of the request is not for the target",
         {"GET", A_CSS "?type=text/html&etag=x", {0}},
         {200,
          {"Location: /internal/css/a." CSS ".css?type=text/css&charset=utf-8&etag=" CSS},
          REDIRECTED},
         0},
        {"an ordinary range",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=0-9"}},
         {200, {"Location:"}, REDIRECTED},
         0},
    };
    (void)state;
    open_redirecting();
    answer_check_rows(rows, COUNT(rows));
}

static void what_a_local_redirect_would_change_is_a_body(void **state)
{
#define BODY                                                                                       \
    {                                                                                              \
        "Location:", "X-Sendfile:", "X-Accel-Redirect:"                                            \
    }
    static const struct answer_row rows[] = {
        {"a live file",
         {"GET", "/static/live.txt", {0}},
         {200, {"Content-Length: 10", WRITTEN, RANGES}, BODY},
         0},
        {"a hash that lies",
         {"GET", "/static/liar." WRONG ".txt", {0}},
         {200, {"Content-Length: 4"}, BODY},
         HB_FILE_DIFFERS},
        {"HEAD",
         {"HEAD", A_CSS, {0}},
         {200, {"Content-Length: 1300", "ETag: \"" CSS "\""}, BODY},
         0},
        {"several ranges", {"GET", A_CSS, {"HTTP_RANGE=bytes=0-1,4-5"}}, {206, {0}, BODY}, 0},
        {"If-Match", {"GET", A_CSS, {"HTTP_IF_MATCH=\"" CSS "\""}}, {200, {RANGES}, BODY}, 0},
        {"304",
         {"GET", A_CSS, {"HTTP_IF_NONE_MATCH=\"" CSS "\""}},
         {304, {"ETag: \"" CSS "\""}, BODY},
         0},
        {"416", {"GET", A_CSS, {"HTTP_RANGE=bytes=9999-"}}, {416, {0}, BODY}, 0},
        {"404", {"GET", "/static/missing", {0}}, {404, {0}, BODY}, 0},
        {"POST", {"POST", A_CSS, {0}}, {405, {0}, BODY}, 0},
        {"behind mod_proxy_fcgi",
         {"GET", A_CSS, {PROXIED}},
         {200, {"Content-Length: 1300"}, BODY},
         HB_NO_LOCAL_REDIRECT},
        {"HEAD behind mod_proxy_fcgi",
         {"HEAD", A_CSS, {PROXIED}},
         {200, {"Content-Length: 1300"}, BODY},
         HB_NO_LOCAL_REDIRECT},
        {"another SCRIPT_FILENAME is no proxy's",
         {"GET", A_CSS, {"SCRIPT_FILENAME=proxy/x.cgi"}},
         {200, {"Location:"}, REDIRECTED},
         0},
        {"a type that no query holds",
         {"GET", "/static/odd." OLD ".odd", {0}},
         {200, {"Content-Length: 4"}, BODY},
         IN_ITS_LOG},
        {"the server says body",
         {"GET", A_CSS, {"HANDBACK_DELIVERY=body"}},
         {200, {RANGES}, BODY},
         0},
        {"the server says a word that is none",
         {"GET", A_CSS, {"HANDBACK_DELIVERY=Local-Redirect"}},
         {200, {RANGES}, BODY},
         HB_DELIVERY_UNKNOWN},
        {"the server says another",
         {"GET", A_CSS, {"HANDBACK_DELIVERY=x-accel-redirect"}},
         {200, {"X-Accel-Redirect: /internal/css/a." CSS ".css"}, {"Location:"}},
         0},
    };
    (void)state;
    open_redirecting();
    answer_check_rows(rows, COUNT(rows));
}

/* The target reads "type=...&charset=...&etag=...": no type may stand in for another member of it.
 */
static void a_type_that_would_be_read_otherwise_in_the_query_is_not_told(void **state)
{
    static const struct answer_row rows[] = {
        {"an ampersand",
         {"GET", "/static/amp." OLD ".amp", {0}},
         {200, {"Content-Length: 4"}, BODY},
         IN_ITS_LOG},
        {"a fragment",
         {"GET", "/static/hash." OLD ".hash", {0}},
         {200, {"Content-Length: 4"}, BODY},
         IN_ITS_LOG},
    };
    (void)state;
    open_redirecting();
    answer_check_rows(rows, COUNT(rows));
}

static void only_a_local_redirect_has_no_status(void **state)
{
    static const struct {
        const char *label;
        struct asked asked;
        const char *status; /* NULL: none */
    } rows[] = {
        {"redirected", {"GET", A_CSS, {0}}, NULL},
        {"a live file", {"GET", "/static/live.txt", {0}}, "Status: 200 OK\r\n"},
        {"HEAD", {"HEAD", A_CSS, {0}}, "Status: 200 OK\r\n"},
        {"304", {"GET", A_CSS, {"HTTP_IF_NONE_MATCH=*"}}, "Status: 304 Not Modified\r\n"},
        {"404", {"GET", "/static/missing", {0}}, "Status: 404 Not Found\r\n"},
        {"x-sendfile", {"GET", A_CSS, {"HANDBACK_DELIVERY=x-sendfile"}}, "Status: 200 OK\r\n"},
        {"x-accel-redirect",
         {"GET", A_CSS, {"HANDBACK_DELIVERY=x-accel-redirect"}},
         "Status: 200 OK\r\n"},
    };
    (void)state;
    open_redirecting();
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct answer answer;
        struct slice head = {0};
        size_t len = 0;
        answer_ask(&answer, rows[i].asked, NOW);
        bool sends = answer.body.fd >= 0 || answer.text.len > 0;
        CHECK(rows[i].label, answer_deliver(&answer, 4096, &len, &head));
        CHECK(rows[i].label, rows[i].status ? slice_starts(head, slice_of(rows[i].status))
                                            : !memmem(head.at, head.len, "Status:", 7));
        CHECK(rows[i].label, sends || len == 0);
    }
    check_end();
}

/* ---- X-Accel-Redirect ---- */

static void an_internal_url_is_encoded_and_says_what_nginx_does_not(void **state)
{
    static const struct answer_row rows[] = {
        {"a hashed name",
         {"GET", A_CSS, {0}},
         {200,
          {"X-Accel-Redirect: /in%20side/css/a." CSS ".css", TYPE_CSS, FOR_EVER, WRITTEN,
           "ETag: \"" CSS "\"", "Vary: Accept-Encoding"},
          {RANGES, "Content-Length:", "Content-Encoding:", "Location:", "X-Sendfile:"}},
         0},
        {"an ordinary range",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=0-9"}},
         {200,
          {"X-Accel-Redirect: /in%20side/css/a." CSS ".css", RANGES},
          {"Content-Range:", "Content-Length:"}},
         0},
        {"If-Range that fails is no range",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=0-9", "HTTP_IF_RANGE=\"x\""}},
         {200, {"X-Accel-Redirect:"}, {RANGES}},
         0},
        {"a variant",
         {"GET", A_CSS, {BR}},
         {200,
          {"X-Accel-Redirect: /in%20side/css/a." CSS ".css.br", "Content-Encoding: br",
           "ETag: \"" CSS ".br\"", TYPE_CSS},
          {RANGES}},
         0},
        {"a range of a variant",
         {"GET", A_CSS, {BR, "HTTP_RANGE=bytes=0-9"}},
         {206, {"Content-Encoding: br", RANGES}, {"X-Accel-Redirect:"}},
         0},
        {"a live file",
         {"GET", "/static/live.txt", {0}},
         {200, {"X-Accel-Redirect: /in%20side/live.txt", A_MINUTE}, {RANGES}},
         0},
        {"a space",
         {"GET", "/static/with%20space.txt", {0}},
         {200, {"X-Accel-Redirect: /in%20side/with%20space.txt"}, {0}},
         0},
        {"whatever else a name may hold",
         {"GET", "/static/caf%c3%a9%3b%23%3f%2541.txt", {0}},
         {200, {"X-Accel-Redirect: /in%20side/caf%C3%A9%3B%23%3F%2541.txt"}, {0}},
         0},
        {"fields that nginx keeps",
         {"GET", PNG, {0}},
         {200,
          {"X-Accel-Redirect: /in%20side/pic." OLD ".png", "Cache-Control: no-cache",
           "Content-Type: image/x"},
          {0}},
         0},
        {"a field that nginx drops",
         {"GET", "/static/pic." OLD ".svg", {0}},
         {200, {"X-Own: 1", "Content-Length: 4"}, {"X-Accel-Redirect:"}},
         IN_ITS_LOG},
        {"a removed field is none",
         {"GET", "/static/own." OLD ".own", {0}},
         {200, {"X-Accel-Redirect:"}, {"X-Nothing:"}},
         0},
        {"Vary of the operator's",
         {"GET", "/static/odd." OLD ".odd", {0}},
         {200, {"Vary: Cookie", "Content-Length: 4"}, {"X-Accel-Redirect:"}},
         IN_ITS_LOG},
        {"HEAD",
         {"HEAD", A_CSS, {0}},
         {200, {"Content-Length: 1300", RANGES}, {"X-Accel-Redirect:"}},
         0},
        {"several ranges",
         {"GET", A_CSS, {"HTTP_RANGE=bytes=0-1,4-5"}},
         {206, {RANGES}, {"X-Accel-Redirect:"}},
         0},
        {"no date",
         {"GET", "/static/epoch.txt", {0}},
         {200, {"Content-Length: 13"}, {"X-Accel-Redirect:"}},
         0},
        {"404", {"GET", "/static/missing", {0}}, {404, {0}, {"X-Accel-Redirect:"}}, 0},
        {"an upload",
         {"GET", "/media/page.html", {0}},
         {200,
          {"X-Accel-Redirect: /uploads/page.html",
           "Content-Disposition: attachment; filename=\"page.html\"", "Content-Security-Policy:"},
          {0}},
         0},
        {"a mount without an internal URL",
         {"GET", "/other/live.txt", {0}},
         {200, {"Content-Length: 10"}, {"X-Accel-Redirect:"}},
         IN_ITS_LOG},
    };
    (void)state;
    open_with(
        (const char *const[VARIABLES_MAX]){NULL},
        "{\"delivery\": \"x-accel-redirect\", \"mounts\": [{\"delivery_url\": \"/in%20side/\","
        "\"headers\": {\"*.png\": {\"Cache-Control\": \"no-cache\", \"Content-Type\": \"image/x\"},"
        "\"*.svg\": {\"X-Own\": \"1\"}, \"*.own\": {\"X-Nothing\": null}, \"*.odd\": {\"Vary\": "
        "\"Cookie\"}}},"
        "{\"kind\": \"media\", \"root\": \"../up\", \"delivery_url\": \"/uploads/\"},"
        "{\"url\": \"/other/\", \"root\": \"..\"}]}");
    answer_check_rows(rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_closed_to_others_is_a_body_and_that_is_said),
        cmocka_unit_test(what_the_server_itself_can_read_is_handed_back),
        cmocka_unit_test(a_local_redirect_needs_a_server_that_started_us),
        cmocka_unit_test(x_sendfile_names_the_file_as_the_web_server_sees_it),
        cmocka_unit_test(a_root_that_servers_read_otherwise_is_never_named),
        cmocka_unit_test(a_local_redirect_says_where_and_what),
        cmocka_unit_test(what_a_local_redirect_would_change_is_a_body),
        cmocka_unit_test(a_type_that_would_be_read_otherwise_in_the_query_is_not_told),
        cmocka_unit_test(only_a_local_redirect_has_no_status),
        cmocka_unit_test(an_internal_url_is_encoded_and_says_what_nginx_does_not),
    };
    return cmocka_run_group_tests(tests, make, answer_site_drop);
}
