/* Names that the operator vouches for, because another tool has hashed them (`immutable`). */
#include "answer_site.h"

#define FOR_EVER "Cache-Control: max-age=315360000, public, immutable"
#define A_MINUTE "Cache-Control: max-age=60, public"
#define PRIVATE "Cache-Control: max-age=60, private"

static int make(void **state)
{
    if (answer_site_make(state) != 0) {
        return -1;
    }
    scratch_write(&tree, "dist/app-3f2a9b.js", "bundled 0123456789");
    scratch_write(&tree, "dist/app-3f2a9b.js.br", "brotli");
    scratch_write(&tree, "dist/deep/app.js", "bundled");
    scratch_write(&tree, "x/y/module.mjs", "module");
    scratch_write(&tree, "dist/tool." WRONG ".js", "another tool's hash");
    scratch_write(&tree, "dist/kept." OLD ".txt", "old\n");
    scratch_write(&tree, "dist/a-second-ago.js", "x");
    scratch_age(&tree, "dist/a-second-ago.js", NOW - 1);
    scratch_write(&tree, "dist/two-seconds-ago.js", "x");
    scratch_age(&tree, "dist/two-seconds-ago.js", NOW - 2);
    scratch_write(&tree, "dist/a-second-ahead.js", "x");
    scratch_age(&tree, "dist/a-second-ahead.js", NOW + 1);
    scratch_write(&tree, "up/app.mjs", "an upload");
    scratch_write(&tree, "top/app.mjs", "at the top");
    return 0;
}

static void names_that_a_glob_matches_are_promised(void **state)
{
    static const struct answer_row rows[] = {
        {"a glob with a slash",
         {"GET", "/static/dist/app-3f2a9b.js", {0}},
         {200, {FOR_EVER, "Content-Length: 18", "Vary: Accept-Encoding"}, {0}},
         0},
        {"its variant",
         {"GET", "/static/dist/app-3f2a9b.js", {"HTTP_ACCEPT_ENCODING=br"}},
         {200, {FOR_EVER, "Content-Encoding: br"}, {0}},
         0},
        {"a glob without one", {"GET", "/static/x/y/module.mjs", {0}}, {200, {FOR_EVER}, {0}}, 0},
        {"not below", {"GET", "/static/dist/deep/app.js", {0}}, {200, {A_MINUTE}, {0}}, 0},
        {"another name", {"GET", "/static/live.txt", {0}}, {200, {A_MINUTE}, {0}}, 0},
        {"HEAD", {"HEAD", "/static/x/y/module.mjs", {0}}, {200, {FOR_EVER}, {0}}, 0},
        {"304",
         {"GET", "/static/x/y/module.mjs", {"HTTP_IF_NONE_MATCH=*"}},
         {304, {FOR_EVER}, {0}},
         0},
        {"206",
         {"GET", "/static/x/y/module.mjs", {"HTTP_RANGE=bytes=0-1"}},
         {206, {FOR_EVER}, {0}},
         0},
        {"416 is never stored",
         {"GET", "/static/x/y/module.mjs", {"HTTP_RANGE=bytes=99-"}},
         {416, {"Cache-Control: no-store"}, {0}},
         0},
        {"another tool's hash is no lie",
         {"GET", "/static/dist/tool." WRONG ".js", {0}},
         {200, {FOR_EVER}, {"ETag: \"" WRONG "\""}},
         0},
        {"nor is one of ours needed",
         {"GET", "/static/dist/kept." OLD ".txt", {0}},
         {200, {FOR_EVER}, {0}},
         0},
        {"without the glob it would be",
         {"GET", "/static/liar." WRONG ".txt", {0}},
         {200, {PRIVATE}, {0}},
         HB_FILE_DIFFERS},
        {"written a second ago",
         {"GET", "/static/dist/a-second-ago.js", {0}},
         {200, {A_MINUTE}, {0}},
         0},
        {"written two seconds ago",
         {"GET", "/static/dist/two-seconds-ago.js", {0}},
         {200, {FOR_EVER}, {0}},
         0},
        {"by a clock a second ahead",
         {"GET", "/static/dist/a-second-ahead.js", {0}},
         {200, {A_MINUTE}, {0}},
         0},
        {"an upload never is", {"GET", "/media/app.mjs", {0}}, {200, {A_MINUTE}, {0}}, 0},
        {"it is said of the static mount alone",
         {"GET", "/app.mjs", {0}},
         {200, {A_MINUTE}, {0}},
         0},
        {"missing",
         {"GET", "/static/dist/missing.js", {0}},
         {404, {"Cache-Control: no-store"}, {0}},
         0},
    };
    (void)state;
    answer_site_reopen((const char *const[VARIABLES_MAX]){"HANDBACK_IMMUTABLE=dist/*:*.mjs",
                                                          "MEDIA_ROOT=@/up", "HANDBACK_ROOT=@/top",
                                                          NULL},
                       NULL);
    answer_check_rows(rows, COUNT(rows));
}

/* A file that lost its end is not what the manifest promises, whatever else vouches for its name.
 */
static void a_torn_file_of_a_manifest_is_not_promised_by_a_glob(void **state)
{
    static const struct answer_row rows[] = {
        {"whole", {"GET", "/static/js/app." APP ".js", {0}}, {200, {FOR_EVER}, {0}}, 0},
        {"an original name that a glob matches",
         {"GET", "/static/js/app.js", {0}},
         {200, {FOR_EVER, "ETag: \"" APP "\""}, {0}},
         0},
        {"bytes that are not those of the manifest",
         {"GET", "/static/js/wrong.js", {0}},
         {200, {PRIVATE}, {0}},
         HB_FILE_DIFFERS},
        {"cut long ago",
         {"GET", "/static/js/short." APP ".js", {0}},
         {503, {"Retry-After:"}, {0}},
         HB_FILE_IN_MOTION},
        {"cut long ago, original name",
         {"GET", "/static/js/short.js", {0}},
         {503, {"Retry-After:"}, {0}},
         HB_FILE_IN_MOTION},
    };
    (void)state;
    answer_site_reopen((const char *const[VARIABLES_MAX]){"HANDBACK_IMMUTABLE=*.js"}, NULL);
    scratch_write(&tree, "js/short." APP ".js", "//");
    answer_check_rows(rows, COUNT(rows));
}

static void a_mount_of_the_file_has_globs_of_its_own(void **state)
{
    static const struct answer_row rows[] = {
        {"the top", {"GET", "/app.mjs", {0}}, {200, {FOR_EVER}, {0}}, 0},
        {"the static mount", {"GET", "/static/x/y/module.mjs", {0}}, {200, {A_MINUTE}, {0}}, 0},
    };
    (void)state;
    answer_site_reopen((const char *const[VARIABLES_MAX]){NULL},
                       "{\"mounts\": [{}, {\"kind\": \"root\", \"root\": \"../top\", "
                       "\"immutable\": [\"x\", \"*.mjs\"]}]}");
    answer_check_rows(rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_a_glob_matches_are_promised),
        cmocka_unit_test(a_mount_of_the_file_has_globs_of_its_own),
        cmocka_unit_test(a_torn_file_of_a_manifest_is_not_promised_by_a_glob),
    };
    return cmocka_run_group_tests(tests, make, answer_site_drop);
}
