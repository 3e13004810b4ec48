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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upload_is_served_as_content_and_no_more),
    };
    return cmocka_run_group_tests(tests, make, answer_site_drop);
}
