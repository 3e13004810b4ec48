/* A mount of user uploads: live, never promised, and never run by a browser as a part of the site.
 */
#include "answer_site.h"

#define ATTACHED(name) "Content-Disposition: attachment; filename=\"" name "\""
#define NOSNIFF "X-Content-Type-Options: nosniff"
#define A_MINUTE "Cache-Control: max-age=60, public"

static int make(void **state)
{
    char media[SCRATCH_PATH + 32];
    if (answer_site_make(state) != 0) {
        return -1;
    }
    site_release(site);
    scratch_write(&tree, "up/page.html", "<script>alert(1)</script>");
    scratch_write(&tree, "up/page.html.gz", "gzip, says its name");
    scratch_write(&tree, "up/PAGE.HTML", "<script>alert(1)</script>");
    scratch_write(&tree, "up/drawing.svg", "<svg/>");
    scratch_write(&tree, "up/script.js", "alert(1)");
    scratch_write(&tree, "up/x.xhtml", "<html/>");
    scratch_write(&tree, "up/x.xml", "<x/>");
    scratch_write(&tree, "up/photo.png", "png");
    scratch_write(&tree, "up/note.txt", "note");
    scratch_write(&tree, "up/kept." OLD ".txt", "old\n");
    scratch_write(&tree, "up/liar." WRONG ".txt", "old\n");
    scratch_write(&tree, "up/staticfiles.json", "{\"an\": \"upload\"}");
    scratch_write(&tree, "up/.htpasswd", "SECRET");
    scratch_link(&tree, "up/out.txt", "../live.txt");
    snprintf(media, sizeof media, "MEDIA_ROOT=%s/up", tree.path);
    answer_site_open(media);
    return 0;
}

static void an_upload_is_served_as_content_and_no_more(void **state)
{
    static const struct {
        const char *label;
        struct asked asked;
        struct expected expected;
    } rows[] = {
        {"an image",
         {"GET", "/media/photo.png", {0}},
         {200, {"Content-Type: image/png", A_MINUTE, NOSNIFF}, {"Content-Disposition:"}}},
        {"text",
         {"GET", "/media/note.txt", {0}},
         {200, {"Content-Type: text/plain; charset=utf-8", NOSNIFF}, {"Content-Disposition:"}}},
        {"a page",
         {"GET", "/media/page.html", {0}},
         {200, {ATTACHED("page.html"), NOSNIFF, "Content-Security-Policy:"}, {0}}},
        {"a page in upper case",
         {"GET", "/media/PAGE.HTML", {0}},
         {200, {ATTACHED("PAGE.HTML")}, {0}}},
        {"a drawing that can hold a script",
         {"GET", "/media/drawing.svg", {0}},
         {200, {ATTACHED("drawing.svg")}, {0}}},
        {"a script", {"GET", "/media/script.js", {0}}, {200, {ATTACHED("script.js")}, {0}}},
        {"XHTML", {"GET", "/media/x.xhtml", {0}}, {200, {ATTACHED("x.xhtml")}, {0}}},
        {"XML", {"GET", "/media/x.xml", {0}}, {200, {ATTACHED("x.xml")}, {0}}},
        {"a part of a page",
         {"GET", "/media/page.html", {"HTTP_RANGE=bytes=0-7"}},
         {206, {ATTACHED("page.html"), NOSNIFF}, {0}}},
        {"two parts of a page",
         {"GET", "/media/page.html", {"HTTP_RANGE=bytes=0-0,4-5"}},
         {206, {ATTACHED("page.html"), NOSNIFF, "Content-Security-Policy:"}, {0}}},
        {"a page by HEAD", {"HEAD", "/media/page.html", {0}}, {200, {ATTACHED("page.html")}, {0}}},
        {"no siblings",
         {"GET", "/media/page.html", {"HTTP_ACCEPT_ENCODING=gzip"}},
         {200, {"Content-Length: 25"}, {"Content-Encoding:", "Vary:"}}},
        {"what looks like one is a file",
         {"GET", "/media/page.html.gz", {0}},
         {200, {"Content-Length: 19"}, {0}}},
        {"what looks like a manifest is a file",
         {"GET", "/media/staticfiles.json", {0}},
         {200, {"Content-Type: application/json"}, {0}}},
        {"never immutable", {"GET", "/media/kept." OLD ".txt", {0}}, {200, {A_MINUTE}, {0}}},
        {"a hash in a name means nothing",
         {"GET", "/media/liar." WRONG ".txt", {0}},
         {200, {A_MINUTE}, {0}}},
        {"a dotfile", {"GET", "/media/.htpasswd", {0}}, {404, {0}, {0}}},
        {"a link out of the root", {"GET", "/media/out.txt", {0}}, {404, {0}, {0}}},
        {"missing", {"GET", "/media/x", {0}}, {404, {0}, {0}}},
        {"the static mount is as it was",
         {"GET", "/static/css/a." CSS ".css", {0}},
         {200, {"Cache-Control: max-age=315360000, public, immutable"}, {"Content-Disposition:"}}},
        {"a static page is a page",
         {"GET", "/static/live.html", {0}},
         {200, {0}, {"Content-Disposition:", "Content-Security-Policy:"}}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct answer answer;
        answer_ask(&answer, rows[i].asked, NOW);
        answer_check(rows[i].label, &answer, &rows[i].expected);
        answer_close(&answer);
    }
    check_end();
}

/* A name is anybody's, so it is quoted and encoded, and never ends the field. */
static void an_awkward_name_is_quoted_in_its_header(void **state)
{
#define ATTACHMENT "Content-Disposition: attachment; "
    static const struct {
        const char *name, *uri, *line;
    } rows[] = {
        {"a b.html", "/media/a%20b.html", ATTACHMENT "filename=\"a b.html\""},
        {"a\"b.html", "/media/a%22b.html",
         ATTACHMENT "filename=\"a_b.html\"; filename*=UTF-8''a%22b.html"},
        {"a\\b.html", "/media/a%5cb.html",
         ATTACHMENT "filename=\"a_b.html\"; filename*=UTF-8''a%5Cb.html"},
        {"a;b=c,d.html", "/media/a;b=c,d.html", ATTACHMENT "filename=\"a;b=c,d.html\""},
        {"caf\xc3\xa9.html", "/media/caf%C3%A9.html",
         ATTACHMENT "filename=\"caf_.html\"; filename*=UTF-8''caf%C3%A9.html"},
        {"\xff.html", "/media/%ff.html", ATTACHMENT "filename=\"_.html\""},
        {"100%41.html", "/media/100%2541.html",
         ATTACHMENT "filename=\"100_41.html\"; filename*=UTF-8''100%2541.html"},
        {"deep/er/x.svg", "/media/deep/er/x.svg", ATTACHMENT "filename=\"x.svg\""},
        {"it's.js", "/media/it%27s.js", ATTACHMENT "filename=\"it's.js\""},
    };
    static const char *const variables[] = {"X=y", "HTTP_RANGE=bytes=0-1",
                                            "HTTP_RANGE=bytes=0-0,2-2", "HTTP_IF_NONE_MATCH=*"};
    static const int statuses[] = {200, 206, 206, 304};
    (void)state;
    for (size_t i = 0; i < COUNT(rows) * COUNT(variables); i++) {
        static struct answer answer;
        size_t row = i / COUNT(variables), way = i % COUNT(variables);
        char path[64];
        snprintf(path, sizeof path, "up/%s", rows[row].name);
        scratch_write(&tree, path, "<p>0123");
        answer_ask(&answer, (struct asked){"GET", rows[row].uri, {variables[way]}}, NOW);
        const struct expected expected = {
            statuses[way],
            {rows[row].line, "Content-Security-Policy: default-src 'none'; sandbox", NOSNIFF},
            {0}};
        answer_check(rows[row].name, &answer, &expected);
        CHECK(rows[row].name, answer.fault.number == NO_DIAGNOSIS);
        answer_close(&answer);
    }
    check_end();
}

static void a_long_name_is_told_to_its_end(void **state)
{
    static struct answer answer;
    char name[300] = "up/", uri[1024] = "/media/";
    (void)state;
    for (int i = 0; i < 50; i++) {
        strcat(name, "\xe2\x82\xac\"\"");
        strcat(uri, "%e2%82%ac%22%22");
    }
    strcat(name, ".svg");
    strcat(uri, ".svg");
    scratch_write(&tree, name, "<svg/>");
    answer_ask(&answer, (struct asked){"GET", uri, {0}}, NOW);
    CHECK("served", answer.status == 200 && answer_has(&answer, "Content-Security-Policy:"));
    CHECK("to its end", memmem(answer.head.text, answer.head.len, "%E2%82%AC%22%22.svg\r\n", 21));
    answer_close(&answer);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upload_is_served_as_content_and_no_more),
        cmocka_unit_test(an_awkward_name_is_quoted_in_its_header),
        cmocka_unit_test(a_long_name_is_told_to_its_end),
    };
    return cmocka_run_group_tests(tests, make, answer_site_drop);
}
