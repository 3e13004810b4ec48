/* Symbolic links below a mount: inside the root they are followed, and beyond it where the operator
 * says so, as after `collectstatic --link`. */
#include "answer_site.h"

#define FOR_EVER "Cache-Control: max-age=315360000, public, immutable"
#define A_MINUTE "Cache-Control: max-age=60, public"
#define LEAVES HB_LINK_LEAVES_ROOT

static struct scratch app; /* what an application brings along */

static void link_to(const struct scratch *where, const char *name, const struct scratch *there,
                    const char *path)
{
    char target[2 * SCRATCH_PATH];
    snprintf(target, sizeof target, "%s/%s", there->path, path);
    scratch_link(where, name, target);
}

static void make_links(void)
{
    scratch_write(&app, "static/x.js", "// from the application 0123456789");
    scratch_write(&app, "static/x.js.gz", "a gzip");
    scratch_write(&app, "static/l.txt", "old\n");
    scratch_write(&app, "static/.env", "SECRET");
    scratch_write(&app, "secret/key", "SECRET");
    link_to(&app, "static/key", &app, "secret/key");
    scratch_need(mkfifoat(app.fd, "static/fifo", 0644) == 0, "mkfifo");
    link_to(&tree, "abs.txt", &tree, "live.txt");
    link_to(&tree, "absdir", &tree, "css");
    link_to(&tree, "to-fifo", &tree, "fifo");
    link_to(&tree, "to-loop", &tree, "to-loop");
    link_to(&tree, "to-nothing", &tree, "nothing");
    link_to(&tree, "to-zero", &(struct scratch){.path = "/dev"}, "zero");
    link_to(&tree, "app/x.js", &app, "static/x.js");
    link_to(&tree, "app/x.js.gz", &app, "static/x.js.gz");
    link_to(&tree, "app/l." OLD ".txt", &app, "static/l.txt");
    link_to(&tree, "app/key", &app, "static/key");
    link_to(&tree, "app/env", &app, "static/.env");
    link_to(&tree, "app/fifo", &app, "static/fifo");
    link_to(&tree, "lib", &app, "static");
    scratch_write(&tree, "staticfiles.json",
                  "{\"version\": \"1.1\", \"hash\": \"x\", \"paths\": {"
                  "\"app/l.txt\": \"app/l." OLD ".txt\"}}");
}

static int make(void **state)
{
    if (answer_site_make(state) != 0) {
        return -1;
    }
    app = scratch_make();
    make_links();
    return 0;
}

static int drop(void **state)
{
    scratch_remove(&app);
    return answer_site_drop(state);
}

static void open_with(const char *follow)
{
    char variable[2 * SCRATCH_PATH];
    snprintf(variable, sizeof variable, "HANDBACK_FOLLOW=%s%s", follow[0] == '/' ? app.path : "",
             follow);
    answer_site_reopen((const char *const[VARIABLES_MAX]){variable}, NULL);
}

static void inside_is_the_rule(void **state)
{
    static const struct answer_row rows[] = {
        {"relative", {"GET", "/static/inside.txt", {0}}, {200, {"Content-Length: 10"}, {0}}, 0},
        {"absolute",
         {"GET", "/static/abs.txt", {0}},
         {200, {"Content-Length: 10", A_MINUTE}, {0}},
         0},
        {"an absolute directory",
         {"GET", "/static/absdir/a." CSS ".css", {0}},
         {200, {FOR_EVER, "ETag: \"" CSS "\""}, {0}},
         0},
        {"its variants",
         {"GET", "/static/absdir/a." CSS ".css", {"HTTP_ACCEPT_ENCODING=br"}},
         {200, {"Content-Encoding: br", "Vary: Accept-Encoding"}, {0}},
         0},
        {"a sidecar by such a link",
         {"GET", "/static/absdir/a." CSS ".css.br", {0}},
         {404, {0}, {0}},
         0},
        {"POST", {"POST", "/static/abs.txt", {0}}, {405, {0}, {0}}, 0},
        {"an application's file",
         {"GET", "/static/app/x.js", {0}},
         {404, {"Cache-Control: no-store"}, {0}},
         LEAVES},
        {"HEAD", {"HEAD", "/static/app/x.js", {0}}, {404, {0}, {0}}, LEAVES},
        {"of a manifest", {"GET", "/static/app/l." OLD ".txt", {0}}, {404, {0}, {0}}, LEAVES},
        {"its original name", {"GET", "/static/app/l.txt", {0}}, {404, {0}, {0}}, LEAVES},
        {"an application's directory", {"GET", "/static/lib/x.js", {0}}, {404, {0}, {0}}, LEAVES},
        {"out of everything", {"GET", "/static/out.txt", {0}}, {404, {0}, {0}}, LEAVES},
        {"a loop", {"GET", "/static/to-loop", {0}}, {404, {0}, {0}}, LEAVES},
        {"a device", {"GET", "/static/to-zero", {0}}, {404, {0}, {0}}, LEAVES},
        {"dangling", {"GET", "/static/to-nothing", {0}}, {404, {0}, {0}}, 0},
        {"a variant that lies elsewhere is none",
         {"GET", "/static/live.txt", {"HTTP_ACCEPT_ENCODING=gzip"}},
         {200, {0}, {"Vary:"}},
         0},
    };
    (void)state;
    alarm(20);
    open_with("inside");
    answer_check_rows(rows, COUNT(rows));
    alarm(0);
}

static void links_reach_the_directories_that_are_named(void **state)
{
    static const struct answer_row rows[] = {
        {"an application's file",
         {"GET", "/static/app/x.js", {0}},
         {200, {"Content-Length: 34", "Vary: Accept-Encoding"}, {0}},
         0},
        {"its variant",
         {"GET", "/static/app/x.js", {"HTTP_ACCEPT_ENCODING=gzip"}},
         {200, {"Content-Encoding: gzip", "Content-Length: 6"}, {0}},
         0},
        {"its sidecar", {"GET", "/static/app/x.js.gz", {0}}, {404, {0}, {0}}, 0},
        {"of a manifest",
         {"GET", "/static/app/l." OLD ".txt", {0}},
         {200, {FOR_EVER, "ETag: \"" OLD "\""}, {0}},
         0},
        {"its original name",
         {"GET", "/static/app/l.txt", {0}},
         {200, {A_MINUTE, "ETag: \"" OLD "\""}, {0}},
         0},
        {"a directory", {"GET", "/static/lib/x.js", {0}}, {200, {"Content-Length: 34"}, {0}}, 0},
        {"inside still", {"GET", "/static/abs.txt", {0}}, {200, {"Content-Length: 10"}, {0}}, 0},
        {"a range", {"GET", "/static/app/x.js", {"HTTP_RANGE=bytes=0-1,9-10"}}, {206, {0}, {0}}, 0},
        {"a link on to elsewhere", {"GET", "/static/app/key", {0}}, {404, {0}, {0}}, LEAVES},
        {"the same by a directory", {"GET", "/static/lib/key", {0}}, {404, {0}, {0}}, LEAVES},
        {"a hidden name by a directory", {"GET", "/static/lib/.env", {0}}, {404, {0}, {0}}, 0},
        {"dots by a directory", {"GET", "/static/lib/..%2fsecret/key", {0}}, {404, {0}, {0}}, 0},
        {"out of everything", {"GET", "/static/out.txt", {0}}, {404, {0}, {0}}, LEAVES},
        {"out by a directory", {"GET", "/static/outdir/passwd", {0}}, {404, {0}, {0}}, LEAVES},
        {"a device", {"GET", "/static/to-zero", {0}}, {404, {0}, {0}}, LEAVES},
    };
    (void)state;
    alarm(20);
    open_with("/static");
    answer_check_rows(rows, COUNT(rows));
    alarm(0);
}

/* It lies where it may, and no setting would mend it. */
static void a_link_to_what_is_no_file_is_not_said_to_leave(void **state)
{
    static const struct answer_row rows[] = {
        {"a FIFO inside", {"GET", "/static/to-fifo", {0}}, {404, {0}, {0}}, 0},
        {"a FIFO where links may lead", {"GET", "/static/app/fifo", {0}}, {404, {0}, {0}}, 0},
        {"a directory inside", {"GET", "/static/absdir", {0}}, {404, {0}, {0}}, 0},
        {"a directory where links may lead", {"GET", "/static/lib", {0}}, {404, {0}, {0}}, 0},
    };
    (void)state;
    alarm(20);
    open_with("/static");
    answer_check_rows(rows, COUNT(rows));
    alarm(0);
}

/* The web server gets the name below the root, and follows the link itself. */
static void a_file_behind_a_link_is_handed_back_by_its_name(void **state)
{
    static struct answer answer;
    char line[2 * SCRATCH_PATH];
    (void)state;
    open_with("/static");
    answer_ask(&answer, (struct asked){"GET", "/static/app/x.js", {"HANDBACK_DELIVERY=x-sendfile"}},
               NOW);
    snprintf(line, sizeof line, "X-Sendfile: %s/app/x.js", tree.path);
    CHECK("handed back", answer.status == 200 && answer_has(&answer, line));
    CHECK("its end is nobody's business",
          !memmem(answer.head.text, answer.head.len, app.path, strlen(app.path)));
    answer_close(&answer);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inside_is_the_rule),
        cmocka_unit_test(links_reach_the_directories_that_are_named),
        cmocka_unit_test(a_link_to_what_is_no_file_is_not_said_to_leave),
        cmocka_unit_test(a_file_behind_a_link_is_handed_back_by_its_name),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
