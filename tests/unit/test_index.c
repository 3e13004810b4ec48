/* Index files: a directory has one URL, with a slash at its end, and everything else that means it
 * is led there. */
#include "answer_site.h"

#define FOR_EVER "Cache-Control: max-age=315360000, public, immutable"
#define A_MINUTE "Cache-Control: max-age=60, public"
#define NO_STORE "Cache-Control: no-store"
#define CORS "Access-Control-Allow-Origin: *"
#define NOSNIFF "X-Content-Type-Options: nosniff"
#define VARY "Vary: Accept-Encoding"
#define ALLOW "Allow: GET, HEAD, OPTIONS"

static void write_pages(void)
{
    static const char *const directories[] = {
        "docs",          "docs/deep", "a b",      "c:d",         "caf\xc3\xa9", "100%",
        "q?u#v",         "http:x",    "up/pages", "top/p",       "a\\b",        "evil.example",
        "semi;colon=1,", "tilde~",    "\xff\xfe", "dir/.hidden", "nested/in"};
    for (size_t i = 0; i < COUNT(directories); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/index.html", directories[i]);
        scratch_write(&tree, name, "<p>an index file</p>");
    }
    scratch_write(&tree, "index.html", "<p>top</p>");
    scratch_write(&tree, "docs/index.html.gz", "a gzip");
    scratch_write(&tree, "nested/home.htm", "<p>home</p>");
    scratch_write(&tree, "nested/index.html", "<p>not the index</p>");
    scratch_write(&tree, "top/index.html", "<p>the site</p>");
    scratch_write(&tree, "app/index." OLD ".html", "old\n");
    scratch_write(&tree, "bare/x.txt", "x");
    scratch_write(&tree, "odd/index.html/x.txt", "x");
    scratch_write(&tree, "staticfiles.json",
                  "{\"version\": \"1.1\", \"hash\": \"x\", \"paths\": {"
                  "\"app/index.html\": \"app/index." OLD ".html\","
                  "\"gone/index.html\": \"gone/index." OLD ".html\"}}");
}

static int make(void **state)
{
    char target[SCRATCH_PATH + 16];
    if (answer_site_make(state) != 0) {
        return -1;
    }
    write_pages();
    snprintf(target, sizeof target, "%s/docs", tree.path);
    scratch_link(&tree, "to-docs", target);
    scratch_link(&tree, "to-deep", "docs/deep");
    answer_site_reopen(
        (const char *const[VARIABLES_MAX]){NULL},
        "{\"mounts\": [{\"index_file\": true},"
        "{\"url\": \"/static/inner/\", \"root\": \"../nested\", \"index_file\": \"home.htm\"},"
        "{\"kind\": \"media\", \"root\": \"../up\", \"index_file\": true},"
        "{\"url\": \"/plain/\", \"root\": \"../docs\"},"
        "{\"kind\": \"root\", \"root\": \"../top\"}]}");
    return 0;
}

static void a_directory_is_answered_by_its_index_file(void **state)
{
    static const struct answer_row rows[] = {
        {"the top of the mount",
         {"GET", "/static/", {0}},
         {200, {"Content-Length: 10", "Content-Type: text/html; charset=utf-8", A_MINUTE}, {0}},
         0},
        {"a directory",
         {"GET", "/static/docs/", {0}},
         {200, {"Content-Length: 20", A_MINUTE, VARY, "Accept-Ranges: bytes"}, {"Location:"}},
         0},
        {"below it", {"GET", "/static/docs/deep/", {0}}, {200, {"Content-Length: 20"}, {0}}, 0},
        {"a query", {"GET", "/static/docs/?a=b", {0}}, {200, {"Content-Length: 20"}, {0}}, 0},
        {"a dot", {"GET", "/static/docs/.", {0}}, {200, {"Content-Length: 20"}, {0}}, 0},
        {"two dots", {"GET", "/static/docs/deep/..", {0}}, {200, {"Content-Length: 20"}, {0}}, 0},
        {"slashes", {"GET", "/static//docs///", {0}}, {200, {"Content-Length: 20"}, {0}}, 0},
        {"a relative link",
         {"GET", "/static/to-deep/", {0}},
         {200, {"Content-Length: 20"}, {0}},
         0},
        {"an absolute link",
         {"GET", "/static/to-docs/", {0}},
         {200, {"Content-Length: 20"}, {0}},
         0},
        {"its variant",
         {"GET", "/static/docs/", {"HTTP_ACCEPT_ENCODING=gzip"}},
         {200, {"Content-Encoding: gzip", "Content-Length: 6", VARY}, {0}},
         0},
        {"HEAD", {"HEAD", "/static/docs/", {0}}, {200, {"Content-Length: 20"}, {0}}, 0},
        {"a range",
         {"GET", "/static/docs/", {"HTTP_RANGE=bytes=0-2"}},
         {206, {"Content-Range: bytes 0-2/20"}, {0}},
         0},
        {"a condition", {"GET", "/static/docs/", {"HTTP_IF_NONE_MATCH=*"}}, {304, {VARY}, {0}}, 0},
        {"POST", {"POST", "/static/docs/", {0}}, {405, {ALLOW}, {0}}, 0},
        {"OPTIONS", {"OPTIONS", "/static/docs/", {0}}, {204, {ALLOW}, {0}}, 0},
        {"a name of its own",
         {"GET", "/static/inner/", {0}},
         {200, {"Content-Length: 11"}, {0}},
         0},
        {"what is the index file elsewhere is a file here",
         {"GET", "/static/inner/index.html", {0}},
         {200, {"Content-Length: 20"}, {"Location:"}},
         0},
        {"no index file of that name", {"GET", "/static/inner/in/", {0}}, {404, {0}, {0}}, 0},
        {"an upload is not opened as a page",
         {"GET", "/media/pages/", {0}},
         {200,
          {"Content-Disposition: attachment; filename=\"index.html\"",
           "Content-Security-Policy: default-src 'none'; sandbox"},
          {0}},
         0},
        {"the top of the site is the application's", {"GET", "/", {0}}, {404, {NO_STORE}, {0}}, 0},
        {"below it too", {"GET", "/p/", {0}}, {404, {NO_STORE}, {0}}, 0},
        {"no such directory", {"GET", "/static/missing/", {0}}, {404, {NO_STORE}, {0}}, 0},
        {"no index file", {"GET", "/static/bare/", {0}}, {404, {NO_STORE}, {0}}, 0},
        {"no index file, POST", {"POST", "/static/bare/", {0}}, {404, {0}, {"Allow:"}}, 0},
        {"a file", {"GET", "/static/live.txt/", {0}}, {404, {NO_STORE}, {0}}, 0},
        {"the index file as a directory",
         {"GET", "/static/docs/index.html/", {0}},
         {404, {0}, {0}},
         0},
        {"an index file that is a directory", {"GET", "/static/odd/", {0}}, {404, {0}, {0}}, 0},
        {"a hidden directory", {"GET", "/static/dir/.hidden/", {0}}, {404, {0}, {0}}, 0},
        {"a directory behind a link out", {"GET", "/static/outdir/", {0}}, {404, {0}, {0}}, 0},
        {"where it is off", {"GET", "/plain/", {0}}, {404, {NO_STORE}, {0}}, 0},
        {"where it is off, below", {"GET", "/plain/deep/", {0}}, {404, {NO_STORE}, {0}}, 0},
    };
    (void)state;
    answer_check_rows(rows, COUNT(rows));
}

#define TO(place)                                                                                  \
    {                                                                                              \
        302, {"Location: " place, NO_STORE, CORS, NOSNIFF, "Content-Length: 10"},                  \
        {                                                                                          \
            "ETag:", "Last-Modified:", "Accept-Ranges:", "X-Sendfile:"                             \
        }                                                                                          \
    }

static const struct answer_row redirects[] = {
    {"a directory without its slash", {"GET", "/static/docs", {0}}, TO("docs/"), 0},
    {"below another", {"GET", "/static/docs/deep", {0}}, TO("deep/"), 0},
    {"the index file by its name", {"GET", "/static/docs/index.html", {0}}, TO("./"), 0},
    {"that of the mount", {"GET", "/static/index.html", {0}}, TO("./"), 0},
    {"a name of its own", {"GET", "/static/inner/home.htm", {0}}, TO("./"), 0},
    {"a relative link", {"GET", "/static/to-deep", {0}}, TO("to-deep/"), 0},
    {"an upload", {"GET", "/media/pages", {0}}, TO("pages/"), 0},
    {"an upload's index file", {"GET", "/media/pages/index.html", {0}}, TO("./"), 0},
    {"RFC 9110 10.2.2 the query is kept",
     {"GET", "/static/docs?a=1&b=%20c", {0}},
     TO("docs/?a=1&b=%20c"),
     0},
    {"the query of an index file", {"GET", "/static/docs/index.html?x", {0}}, TO("./?x"), 0},
    {"an empty query", {"GET", "/static/docs?", {0}}, TO("docs/?"), 0},
    {"question marks", {"GET", "/static/docs??a?b", {0}}, TO("docs/??a?b"), 0},
    {"a query with a URL",
     {"GET", "/static/docs?u=http://e/;x:y", {0}},
     TO("docs/?u=http://e/;x:y"),
     0},
    {"a query with bytes beyond ASCII",
     {"GET", "/static/docs?\xc3\xa9\xff", {0}},
     TO("docs/?%C3%A9%FF"),
     0},
    {"a query with a fragment", {"GET", "/static/docs?a#b", {0}}, TO("docs/?a%23b"), 0},
    {"a query with a line break",
     {"GET", "/static/docs?a\r\nSet-Cookie: b", {0}},
     TO("docs/?a%0D%0ASet-Cookie:%20b"),
     0},
    {"a query with what is no encoding", {"GET", "/static/docs?%zz%", {0}}, TO("docs/?%zz%"), 0},
    {"a space", {"GET", "/static/a%20b", {0}}, TO("a%20b/"), 0},
    {"RFC 3986 4.2 a colon is no scheme's", {"GET", "/static/c:d", {0}}, TO("c%3Ad/"), 0},
    {"RFC 3986 4.2 nor is this one", {"GET", "/static/http:x", {0}}, TO("http%3Ax/"), 0},
    {"an encoded colon", {"GET", "/static/c%3ad", {0}}, TO("c%3Ad/"), 0},
    {"UTF-8", {"GET", "/static/caf%c3%a9", {0}}, TO("caf%C3%A9/"), 0},
    {"bytes that are not", {"GET", "/static/%ff%fe", {0}}, TO("%FF%FE/"), 0},
    {"a percent sign", {"GET", "/static/100%25", {0}}, TO("100%25/"), 0},
    {"a question mark and a hash", {"GET", "/static/q%3fu%23v", {0}}, TO("q%3Fu%23v/"), 0},
    {"a backslash", {"GET", "/static/a%5cb", {0}}, TO("a%5Cb/"), 0},
    {"what else a segment may hold",
     {"GET", "/static/semi;colon=1,", {0}},
     TO("semi%3Bcolon%3D1%2C/"),
     0},
    {"unreserved", {"GET", "/static/tilde~", {0}}, TO("tilde~/"), 0},
    {"slashes in front", {"GET", "//static/docs", {0}}, TO("docs/"), 0},
    {"a host in the middle", {"GET", "/static//evil.example", {0}}, TO("evil.example/"), 0},
    {"a host in front", {"GET", "//evil.example/../static/docs", {0}}, TO("docs/"), 0},
    {"dots on the way", {"GET", "/static/docs/../docs", {0}}, TO("docs/"), 0},
    {"absolute-form", {"GET", "http://h/static/docs?q", {0}}, TO("docs/?q"), 0},
    {"HEAD", {"HEAD", "/static/docs", {0}}, TO("docs/"), 0},
    {"conditions are not about it",
     {"GET", "/static/docs", {"HTTP_IF_NONE_MATCH=*"}},
     TO("docs/"),
     0},
    {"nor is a failed one", {"GET", "/static/docs", {"HTTP_IF_MATCH=\"x\""}}, TO("docs/"), 0},
    {"nor a range", {"GET", "/static/docs", {"HTTP_RANGE=bytes=999-"}}, TO("docs/"), 0},
    {"nor what is accepted",
     {"GET", "/static/docs", {"HTTP_ACCEPT_ENCODING=*;q=0"}},
     TO("docs/"),
     0},
    {"nor a hand-back", {"GET", "/static/docs", {"HANDBACK_DELIVERY=x-sendfile"}}, TO("docs/"), 0},
    {"an original name", {"GET", "/static/app", {0}}, TO("app/"), 0},
    {"an original name's index file", {"GET", "/static/app/index.html", {0}}, TO("./"), 0},
};

static void what_means_a_directory_is_led_to_its_one_url(void **state)
{
    (void)state;
    answer_check_rows(redirects, COUNT(redirects));
}

/* The value of Location, or nothing. */
static struct slice location_of(const struct answer *answer)
{
    for (struct slice rest = {answer->head.text, answer->head.len}; rest.len > 0;) {
        struct slice line = slice_cut(&rest, '\n');
        if (slice_starts(line, slice_of("Location: "))) {
            return (struct slice){line.at + 10, line.len - 11};
        }
    }
    return (struct slice){0};
}

/* The one URL of a directory, decoded, for a target that means it. */
static void find_canonical(const char *target, char url[PATH_SIZE])
{
    static struct path path;
    path_resolve(slice_of(target), &path);
    char *last = strrchr(path.text, '/') + 1;
    bool index = strcmp(last, "index.html") == 0 || strcmp(last, "home.htm") == 0;
    snprintf(url, PATH_SIZE, "%.*s%s", index ? (int)(last - path.text) : (int)path.len, path.text,
             index ? "" : "/");
}

/* Goes where a client goes: RFC 3986 5.2.3 for a reference that is a relative path. */
static void check_followed(const char *label, struct asked asked)
{
    static struct answer answer;
    static struct path path;
    char target[4 * PATH_SIZE], url[PATH_SIZE];
    answer_ask(&answer, asked, NOW);
    struct slice location = location_of(&answer);
    int base = (int)strcspn(asked.uri, "?");
    while (base > 0 && asked.uri[base - 1] != '/') {
        base--;
    }
    snprintf(target, sizeof target, "%.*s%.*s", base, asked.uri, (int)location.len,
             location.at ? location.at : "");
    answer_close(&answer);
    find_canonical(asked.uri, url);
    path_resolve(slice_of(target), &path);
    answer_ask(&answer, (struct asked){"GET", target, {0}}, NOW);
    if (!CHECK(label, location.at && answer.status == 200 && strcmp(path.text, url) == 0)) {
        print_error("    %d for %s, which means %s\n", answer.status, target, path.text);
    }
    answer_close(&answer);
}

static void where_a_client_is_led_there_is_the_index_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(redirects); i++) {
        check_followed(redirects[i].label, redirects[i].asked);
    }
    check_end();
}

/* To a client "%2f" is a character of its segment (RFC 3986 2.2), so that "x/" beside it is another
 * place than it is for us. Leading nowhere is right too. */
static void an_encoded_slash_does_not_lead_elsewhere(void **state)
{
    static const char *const targets[] = {"/static/docs%2fdeep", "/static/docs%2Fdeep%2Findex.html",
                                          "/static/docs/..%2fdocs", "/static%2fdocs"};
    (void)state;
    for (size_t i = 0; i < COUNT(targets); i++) {
        static struct answer answer;
        struct asked asked = {"GET", targets[i], {0}};
        answer_ask(&answer, asked, NOW);
        int status = answer.status;
        answer_close(&answer);
        if (CHECK(targets[i], status == 302 || status == 200 || status == 404) && status == 302) {
            check_followed(targets[i], asked);
        }
    }
    check_end();
}

/* What is right about a link must not be said to be wrong. */
static void an_absolute_link_to_a_directory_inside_is_no_fault(void **state)
{
    static const struct answer_row row = {
        "an absolute link", {"GET", "/static/to-docs", {0}}, TO("to-docs/"), 0};
    (void)state;
    answer_check_rows(&row, 1);
}

static void a_redirect_is_a_get_or_head_of_what_is_there(void **state)
{
    static const struct answer_row rows[] = {
        {"POST", {"POST", "/static/docs", {0}}, {405, {ALLOW}, {"Location:"}}, 0},
        {"POST to the index file",
         {"POST", "/static/docs/index.html", {0}},
         {405, {ALLOW}, {0}},
         0},
        {"OPTIONS", {"OPTIONS", "/static/docs", {0}}, {204, {ALLOW}, {"Location:"}}, 0},
        {"an unknown method", {"BREW", "/static/docs", {0}}, {501, {0}, {"Location:"}}, 0},
        {"no such name", {"GET", "/static/missing", {0}}, {404, {0}, {"Location:"}}, 0},
        {"no such name, POST", {"POST", "/static/missing", {0}}, {404, {0}, {"Allow:"}}, 0},
        {"a directory without one", {"GET", "/static/bare", {0}}, {404, {0}, {"Location:"}}, 0},
        {"a file is no directory", {"GET", "/static/live.txt", {0}}, {200, {0}, {"Location:"}}, 0},
        {"an index file that is not there",
         {"GET", "/static/bare/index.html", {0}},
         {404, {0}, {0}},
         0},
        {"an index file that is a directory", {"GET", "/static/odd", {0}}, {404, {0}, {0}}, 0},
        {"a name that ends like one", {"GET", "/static/docs/xindex.html", {0}}, {404, {0}, {0}}, 0},
        {"its sidecar", {"GET", "/static/docs/index.html.gz", {0}}, {404, {0}, {"Location:"}}, 0},
        {"a hidden directory", {"GET", "/static/dir/.hidden", {0}}, {404, {0}, {"Location:"}}, 0},
        {"the mount itself has no name", {"GET", "/static", {0}}, {404, {0}, {"Location:"}}, 0},
        {"a mount inside another", {"GET", "/static/inner", {0}}, {404, {0}, {"Location:"}}, 0},
        {"at the top of the site", {"GET", "/p", {0}}, {404, {0}, {"Location:"}}, 0},
        {"where it is off", {"GET", "/plain/deep", {0}}, {404, {0}, {"Location:"}}, 0},
        {"where it is off, by its name",
         {"GET", "/plain/index.html", {0}},
         {200, {"Content-Length: 20"}, {"Location:"}},
         0},
    };
    static struct answer answer;
    (void)state;
    answer_check_rows(rows, COUNT(rows));
    answer_ask(&answer, (struct asked){"HEAD", "/static/docs", {0}}, NOW);
    assert_true(answer.text.len == 0 && answer.body.fd == -1);
    answer_close(&answer);
}

static void an_index_file_of_a_manifest_is_an_original_name(void **state)
{
    static const struct answer_row rows[] = {
        {"its content is the hashed file's",
         {"GET", "/static/app/", {0}},
         {200, {"ETag: \"" OLD "\"", A_MINUTE, "Content-Length: 4"}, {0}},
         0},
        {"the hashed name is itself",
         {"GET", "/static/app/index." OLD ".html", {0}},
         {200, {"ETag: \"" OLD "\"", FOR_EVER}, {"Location:"}},
         0},
        {"gone", {"GET", "/static/gone/", {0}}, {503, {"Retry-After:"}, {0}}, HB_FILE_GONE},
        {"gone, without its slash",
         {"GET", "/static/gone", {0}},
         {503, {"Cache-Control: no-store"}, {"Location:"}},
         HB_FILE_GONE},
        {"gone, by its name",
         {"GET", "/static/gone/index.html", {0}},
         {503, {"Retry-After:"}, {"Location:"}},
         HB_FILE_GONE},
    };
    (void)state;
    answer_check_rows(rows, COUNT(rows));
}

/* "/static/" and directories of 200 bytes down to about 3000, and what a name of theirs gives. */
static void long_names_are_led_there_or_refused_whole(void **state)
{
    static char target[2 * PATH_SIZE] = "/static/", query[4 * PATH_SIZE];
    static char expected[5 * PATH_SIZE];
    char segment[201] = "";
    int fd = dup(tree.fd);
    (void)state;
    memset(segment, 'n', 200);
    for (int i = 0; i < 14; i++) {
        int below = -1;
        scratch_need(mkdirat(fd, segment, 0755) == 0 &&
                         (below = openat(fd, segment, O_RDONLY | O_DIRECTORY)) >= 0,
                     "mkdirat");
        close(fd);
        fd = below;
        strcat(strcat(target, i ? "/" : ""), segment);
    }
    int file = openat(fd, "index.html", O_WRONLY | O_CREAT, 0644);
    scratch_need(file >= 0 && write(file, "x", 1) == 1, "index.html");
    close(file);
    close(fd);
    snprintf(expected, sizeof expected, "Location: %s/", segment);
    struct answer_row row = {"a long path", {"GET", target, {0}}, {302, {expected}, {0}}, 0};
    answer_check_rows(&row, 1);
    check_followed("a long path", row.asked);
    memset(query, 'q', 6000);
    memcpy(query, "/static/docs?", 13);
    snprintf(expected, sizeof expected, "Location: docs/%s", query + 12);
    row = (struct answer_row){"a long query", {"GET", query, {0}}, {302, {expected}, {0}}, 0};
    answer_check_rows(&row, 1);
    memset(query + 13, '\xff', 6000);
    row = (struct answer_row){
        "a query too long once it is encoded", {"GET", query, {0}}, {414, {0}, {"Location:"}}, 0};
    answer_check_rows(&row, 1);
    strcat(memset(target, 0, sizeof target), "/static/");
    for (int i = 0; i < 20; i++) {
        strcat(strcat(target, segment), "/");
    }
    target[8 + PATH_SIZE - 12] = '\0'; /* room for the name, none for an index file behind it */
    row = (struct answer_row){"no room", {"GET", target, {0}}, {404, {0}, {"Location:"}}, 0};
    answer_check_rows(&row, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_is_answered_by_its_index_file),
        cmocka_unit_test(what_means_a_directory_is_led_to_its_one_url),
        cmocka_unit_test(where_a_client_is_led_there_is_the_index_file),
        cmocka_unit_test(an_encoded_slash_does_not_lead_elsewhere),
        cmocka_unit_test(an_absolute_link_to_a_directory_inside_is_no_fault),
        cmocka_unit_test(a_redirect_is_a_get_or_head_of_what_is_there),
        cmocka_unit_test(an_index_file_of_a_manifest_is_an_original_name),
        cmocka_unit_test(long_names_are_led_there_or_refused_whole),
    };
    return cmocka_run_group_tests(tests, make, answer_site_drop);
}
