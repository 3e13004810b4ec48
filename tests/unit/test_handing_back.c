/* When a file is handed back to the web server, and when Apache or mod_xsendfile would then answer
 * otherwise than we decided, so that it is sent as a body. */
#include "answer_site.h"

#define ON "HANDBACK_DELIVERY=x-sendfile"
#define CODED "HANDBACK_CODING_HEADER=X-Enc"
#define A_CSS "/static/css/a." CSS ".css"
#define LATER "Wed, 15 Nov 2023 00:00:00 GMT"
#define EARLIER "Mon, 13 Nov 2023 00:00:00 GMT"

/* How the answer left: what must be in it for each way. */
enum way {
    HANDED_BACK,
    AS_A_BODY, /* also 206 */
    WITHOUT_FILE
};

static void check_way(const char *label, struct asked asked, int status, enum way way,
                      const char *file)
{
    static struct answer answer;
    char line[2 * SCRATCH_PATH];
    answer_ask(&answer, asked, NOW);
    snprintf(line, sizeof line, "X-Sendfile: %s/%s", tree.path, file ? file : "");
    bool right = CHECK(label, answer.status == status);
    if (way == HANDED_BACK) {
        right = CHECK(label, answer_has(&answer, line)) && right;
        right = CHECK(label, answer.body.fd == -1 && answer.text.len == 0) && right;
        right = CHECK(label, !answer_has(&answer, "Content-Encoding:")) && right;
        right = CHECK(label, status == 200) && right;
    } else {
        right = CHECK(label, !answer_has(&answer, "X-Sendfile:")) && right;
        right = CHECK(label, !answer_has(&answer, "X-Enc:")) && right;
        right = CHECK(label, (answer.body.fd >= 0) == (way == AS_A_BODY)) && right;
        right = CHECK(label,
                      !memmem(answer.head.text, answer.head.len, tree.path, strlen(tree.path))) &&
                right;
    }
    if (!right) {
        answer_print(&answer);
    }
    answer_close(&answer);
}

static void what_facts_allow_is_handed_back_and_nothing_else(void **state)
{
    static const struct {
        const char *label;
        struct asked asked;
        int status;
        enum way way;
    } rows[] = {
        {"not announced", {"GET", A_CSS, {0}}, 200, AS_A_BODY},
        {"plain", {"GET", A_CSS, {ON}}, 200, HANDED_BACK},
        {"announced as body", {"GET", A_CSS, {"HANDBACK_DELIVERY=body"}}, 200, AS_A_BODY},
        {"announced as a word that is not known",
         {"GET", A_CSS, {"HANDBACK_DELIVERY=maybe"}},
         200,
         AS_A_BODY},
        {"announced as nothing", {"GET", A_CSS, {"HANDBACK_DELIVERY="}}, 200, AS_A_BODY},
        {"a client's header does not announce",
         {"GET", A_CSS, {"HTTP_HANDBACK_DELIVERY=x-sendfile"}},
         200,
         AS_A_BODY},
        {"HEAD", {"HEAD", A_CSS, {ON}}, 200, WITHOUT_FILE},
        {"HEAD with Range", {"HEAD", A_CSS, {ON, "HTTP_RANGE=bytes=0-9"}}, 200, WITHOUT_FILE},
        {"an ordinary range", {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=0-9"}}, 200, HANDED_BACK},
        {"an ordinary suffix", {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=-9"}}, 200, HANDED_BACK},
        {"an ordinary open range", {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=5-"}}, 200, HANDED_BACK},
        {"416 is ours", {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=1300-"}}, 416, WITHOUT_FILE},
        {"416: bytes=-0", {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=-0"}}, 416, WITHOUT_FILE},
        {"20 digits",
         {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=0-99999999999999999999"}},
         206,
         AS_A_BODY},
        {"20 digits, beyond",
         {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=99999999999999999999-"}},
         416,
         WITHOUT_FILE},
        {"one unsatisfiable of two",
         {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=0-9,5000-"}},
         206,
         AS_A_BODY},
        {"spaces", {"GET", A_CSS, {ON, "HTTP_RANGE=bytes= 0-9"}}, 206, AS_A_BODY},
        {"malformed", {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=a-b"}}, 200, AS_A_BODY},
        {"last before first", {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=9-1"}}, 200, AS_A_BODY},
        {"another unit", {"GET", A_CSS, {ON, "HTTP_RANGE=items=0-1"}}, 200, AS_A_BODY},
        {"304 is ours", {"GET", A_CSS, {ON, "HTTP_IF_NONE_MATCH=\"" CSS "\""}}, 304, WITHOUT_FILE},
        {"304 by date is ours",
         {"GET", A_CSS, {ON, "HTTP_IF_MODIFIED_SINCE=" LATER}},
         304,
         WITHOUT_FILE},
        {"412 is ours", {"GET", A_CSS, {ON, "HTTP_IF_MATCH=\"x\""}}, 412, WITHOUT_FILE},
        {"404 is ours", {"GET", "/static/x", {ON}}, 404, WITHOUT_FILE},
        {"405 is ours", {"POST", A_CSS, {ON}}, 405, WITHOUT_FILE},
        {"406 is ours", {"GET", A_CSS, {ON, "HTTP_ACCEPT_ENCODING=*;q=0"}}, 406, WITHOUT_FILE},
        {"503 is ours", {"GET", "/static/js/gone.js", {ON}}, 503, WITHOUT_FILE},
        {"OPTIONS", {"OPTIONS", A_CSS, {ON}}, 204, WITHOUT_FILE},
        {"If-None-Match that differs",
         {"GET", A_CSS, {ON, "HTTP_IF_NONE_MATCH=\"x\""}},
         200,
         HANDED_BACK},
        {"If-Match with a weak tag before the one that holds",
         {"GET", A_CSS, {ON, "HTTP_IF_MATCH=W/\"b\", \"" CSS "\""}},
         200,
         AS_A_BODY},
        {"If-None-Match that is no list",
         {"GET", A_CSS, {ON, "HTTP_IF_NONE_MATCH=*, \"x\""}},
         200,
         AS_A_BODY},
        {"If-Range that is no date",
         {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=0-1", "HTTP_IF_RANGE=yesterday"}},
         200,
         AS_A_BODY},
        {"If-Match that holds: servers know no tag of ours",
         {"GET", A_CSS, {ON, "HTTP_IF_MATCH=\"" CSS "\""}},
         200,
         AS_A_BODY},
        {"If-Match that holds + If-Unmodified-Since that fails",
         {"GET", A_CSS, {ON, "HTTP_IF_MATCH=*", "HTTP_IF_UNMODIFIED_SINCE=" EARLIER}},
         200,
         AS_A_BODY},
        {"any If-Unmodified-Since",
         {"GET", A_CSS, {ON, "HTTP_IF_UNMODIFIED_SINCE=" LATER}},
         200,
         AS_A_BODY},
        {"If-Modified-Since that is past",
         {"GET", A_CSS, {ON, "HTTP_IF_MODIFIED_SINCE=" EARLIER}},
         200,
         HANDED_BACK},
        {"If-Modified-Since with junk behind it",
         {"GET", A_CSS, {ON, "HTTP_IF_MODIFIED_SINCE=" LATER "; length=1300"}},
         200,
         AS_A_BODY},
        {"If-Range that holds",
         {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=0-9", "HTTP_IF_RANGE=\"" CSS "\""}},
         200,
         HANDED_BACK},
        {"If-Range that fails",
         {"GET", A_CSS, {ON, "HTTP_RANGE=bytes=0-9", "HTTP_IF_RANGE=\"x\""}},
         200,
         HANDED_BACK},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        check_way(rows[i].label, rows[i].asked, rows[i].status, rows[i].way, "css/a." CSS ".css");
    }
    check_end();
}

static void the_file_that_is_handed_back_is_the_right_one(void **state)
{
    (void)state;
    check_way("an original name", (struct asked){"GET", "/static/css/a.css", {ON}}, 200,
              HANDED_BACK, "css/a." CSS ".css");
    check_way("a live file", (struct asked){"GET", "/static/live.txt", {ON}}, 200, HANDED_BACK,
              "live.txt");
    check_way("an empty file", (struct asked){"GET", "/static/empty.txt", {ON}}, 200, HANDED_BACK,
              "empty.txt");
    check_way("a path that mod_xsendfile would read otherwise",
              (struct asked){"GET", "/static/with%20space.txt", {ON}}, 200, AS_A_BODY, NULL);
    check_end();
}

static void a_variant_is_handed_back_with_its_coding_in_a_private_header(void **state)
{
    static struct answer answer;
    const struct asked br = {"GET", A_CSS, {ON, CODED, "HTTP_ACCEPT_ENCODING=br"}};
    (void)state;
    check_way("br", br, 200, HANDED_BACK, "css/a." CSS ".css.br");
    answer_ask(&answer, br, NOW);
    CHECK("the private header", answer_has(&answer, "X-Enc: br"));
    CHECK("Vary", answer_has(&answer, "Vary: Accept-Encoding"));
    CHECK("tag", answer_has(&answer, "ETag: \"" CSS ".br\""));
    answer_close(&answer);
    answer_ask(&answer, (struct asked){"GET", A_CSS, {ON, CODED}}, NOW);
    CHECK("identity has none", !answer_has(&answer, "X-Enc:"));
    answer_close(&answer);
    const struct asked uncoded = {"GET", A_CSS, {ON, "HTTP_ACCEPT_ENCODING=br"}};
    check_way("without the header a variant is a body", uncoded, 200, AS_A_BODY, NULL);
    answer_ask(&answer, uncoded, NOW);
    CHECK("and says its coding", answer_has(&answer, "Content-Encoding: br"));
    answer_close(&answer);
    check_end();
}

static void what_the_server_announces_cannot_break_the_head(void **state)
{
    static const char *const announced[] = {
        "HANDBACK_CODING_HEADER=X-Enc: y\r\nX-Evil", "HANDBACK_CODING_HEADER=\n",
        "HANDBACK_CODING_HEADER=X Enc", "HANDBACK_CODING_HEADER=X-Enc:"};
    (void)state;
    for (size_t i = 0; i < COUNT(announced); i++) {
        static struct answer answer;
        answer_ask(&answer,
                   (struct asked){"GET", A_CSS, {ON, announced[i], "HTTP_ACCEPT_ENCODING=br"}},
                   NOW);
        CHECK(announced[i], answer.status == 200);
        CHECK(announced[i], !answer_has(&answer, "X-Evil:") && !answer_has(&answer, "X Enc:") &&
                                !answer_has(&answer, "X-Enc::"));
        CHECK(announced[i], answer_has(&answer, "Content-Encoding: br"));
        answer_close(&answer);
    }
    check_end();
}

static void a_site_may_hand_back_by_its_settings(void **state)
{
    struct site *before = site;
    (void)state;
    answer_site_open("HANDBACK_DELIVERY=x-sendfile");
    check_way("by the settings", (struct asked){"GET", A_CSS, {0}}, 200, HANDED_BACK,
              "css/a." CSS ".css");
    check_way("the server says otherwise", (struct asked){"GET", A_CSS, {"HANDBACK_DELIVERY=body"}},
              200, AS_A_BODY, NULL);
    site_release(site);
    site = before;
    check_end();
}

static void the_settings_of_a_mount_shape_its_answers(void **state)
{
    static const struct {
        const char *variable;
        struct expected expected;
    } rows[] = {
        {"HANDBACK_MAX_AGE=5", {200, {"Cache-Control: max-age=5, public"}, {0}}},
        {"HANDBACK_MAX_AGE=none", {200, {0}, {"Cache-Control:"}}},
        {"HANDBACK_MAX_AGE=0", {200, {"Cache-Control: max-age=0, public"}, {0}}},
        {"HANDBACK_CHARSET=latin1", {200, {"Content-Type: text/plain; charset=latin1"}, {0}}},
        {"HANDBACK_ALLOW_ALL_ORIGINS=off", {200, {0}, {"Access-Control-Allow-Origin:"}}},
    };
    struct site *before = site;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct answer answer;
        answer_site_open(rows[i].variable);
        answer_ask(&answer, (struct asked){"GET", "/static/live.txt", {0}}, NOW);
        answer_check(rows[i].variable, &answer, &rows[i].expected);
        answer_close(&answer);
        site_release(site);
    }
    site = before;
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_facts_allow_is_handed_back_and_nothing_else),
        cmocka_unit_test(the_file_that_is_handed_back_is_the_right_one),
        cmocka_unit_test(a_variant_is_handed_back_with_its_coding_in_a_private_header),
        cmocka_unit_test(what_the_server_announces_cannot_break_the_head),
        cmocka_unit_test(a_site_may_hand_back_by_its_settings),
        cmocka_unit_test(the_settings_of_a_mount_shape_its_answers),
    };
    return cmocka_run_group_tests(tests, answer_site_make, answer_site_drop);
}
