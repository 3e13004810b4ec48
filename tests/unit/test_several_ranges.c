/* 206 with several parts, from the request to the bytes that a gateway writes (RFC 9110
 * 14, 15.3.7.2, 14.6). */
#include "answer_site.h"

#define A_CSS "/static/css/a." CSS ".css"
#define BR "HTTP_ACCEPT_ENCODING=br"

enum {
    LARGE = 100000,
    PARTS_MAX = 20,
    BOUNDARY = 16
};

static char large[LARGE];

static int make(void **state)
{
    if (answer_site_make(state) != 0) {
        return -1;
    }
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = (char)(i * 2654435761u >> 13);
    }
    scratch_write_bytes(&tree, "large.bin", large, LARGE);
    scratch_write_bytes(&tree, "live.png", "0123456789", 10);
    return 0;
}

struct part {
    size_t first, last;
};

struct file {
    const char *uri, *type, *coding;
    const char *name; /* below the root */
};

static const struct file css = {A_CSS, "text/css; charset=utf-8", NULL, "css/a." CSS ".css"};
static const struct file css_br = {A_CSS, "text/css; charset=utf-8", "br", "css/a." CSS ".css.br"};
static const struct file text = {"/static/live.txt", "text/plain; charset=utf-8", NULL, "live.txt"};
static const struct file image = {"/static/live.png", "image/png", NULL, "live.png"};
static const struct file binary = {"/static/large.bin", "application/octet-stream", NULL,
                                   "large.bin"};

static size_t read_content(const struct file *file, char bytes[LARGE])
{
    int fd = openat(tree.fd, file->name, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, bytes, LARGE) : -1;
    scratch_need(len >= 0, file->name);
    close(fd);
    return (size_t)len;
}

/* The body as RFC 9110 15.3.7.2 describes it, written here once more. */
static size_t write_expected(const struct file *file, const char *boundary,
                             const struct part *parts, char *body)
{
    static char bytes[LARGE];
    size_t size = read_content(file, bytes), len = 0;
    for (size_t i = 0; i < PARTS_MAX && (i == 0 || parts[i].last > 0); i++) {
        len += (size_t)sprintf(
            body + len, "%s--%s\r\nContent-Type: %s\r\nContent-Range: bytes %zu-%zu/%zu\r\n\r\n",
            i > 0 ? "\r\n" : "", boundary, file->type, parts[i].first, parts[i].last, size);
        memcpy(body + len, bytes + parts[i].first, parts[i].last - parts[i].first + 1);
        len += parts[i].last - parts[i].first + 1;
    }
    return len + (size_t)sprintf(body + len, "\r\n--%s--\r\n", boundary);
}

static bool find_boundary(const struct answer *answer, char boundary[BOUNDARY + 1])
{
    static const char field[] = "Content-Type: multipart/byteranges; boundary=";
    const char *at = memmem(answer->head.text, answer->head.len, field, sizeof field - 1);
    if (!at || at[sizeof field - 1 + BOUNDARY] != '\r') {
        return false;
    }
    snprintf(boundary, BOUNDARY + 1, "%s", at + sizeof field - 1);
    return strspn(boundary, "0123456789abcdef") == BOUNDARY;
}

static struct asked asked_for(const struct file *file, const char *range, const char *more)
{
    struct asked asked = {"GET", file->uri, {range, file->coding ? BR : "X=y", more}};
    return asked;
}

static void check_parts(const char *label, const struct file *file, struct asked asked,
                        const struct part *parts, size_t piece)
{
    static struct answer answer;
    static char expected[MESSAGE_MAX];
    char boundary[BOUNDARY + 1] = "", line[64];
    struct slice head = {0};
    size_t len = 0;
    answer_ask(&answer, asked, NOW);
    if (!CHECK(label, answer.status == 206) || !CHECK(label, find_boundary(&answer, boundary))) {
        answer_print(&answer);
        answer_close(&answer);
        return;
    }
    size_t wanted = write_expected(file, boundary, parts, expected);
    snprintf(line, sizeof line, "Content-Length: %zu", wanted);
    CHECK(label, answer_has(&answer, line));
    CHECK(label, !answer_has(&answer, "Content-Range:"));
    CHECK(label, answer_has(&answer, "ETag:") && answer_has(&answer, "Accept-Ranges: bytes"));
    CHECK(label, answer_has(&answer, "Content-Encoding: br") == (file->coding != NULL));
    CHECK(label, file->coding || !answer_has(&answer, "Content-Encoding:"));
    CHECK(label, answer.fault.number == NO_DIAGNOSIS);
    const char *body = answer_deliver(&answer, piece, &len, &head);
    CHECK(label, body && len == wanted && memcmp(body, expected, wanted) == 0);
    CHECK(label, slice_starts(head, slice_of("Status: 206 Partial Content\r\n")));
}

static void the_body_is_the_parts_that_were_asked_for(void **state)
{
    static const struct {
        const char *label;
        const struct file *file;
        const char *range;
        struct part parts[PARTS_MAX];
    } rows[] = {
        {"two", &text, "HTTP_RANGE=bytes=0-1,5-6", {{0, 1}, {5, 6}}},
        {"in the order asked", &text, "HTTP_RANGE=bytes=7-8,0-1,4-5", {{7, 8}, {0, 1}, {4, 5}}},
        {"the first and the last byte", &text, "HTTP_RANGE=bytes=0-0,-1", {{0, 0}, {9, 9}}},
        {"an open one", &text, "HTTP_RANGE=bytes=0-2,8-", {{0, 2}, {8, 9}}},
        {"that touch", &text, "HTTP_RANGE=bytes=0-4,5-9", {{0, 4}, {5, 9}}},
        {"that overlap become one", &text, "HTTP_RANGE=bytes=0-3,6-7,2-4", {{0, 4}, {6, 7}}},
        {"in the place of the first", &text, "HTTP_RANGE=bytes=6-7,0-1,5-6", {{5, 7}, {0, 1}}},
        {"twice the same", &text, "HTTP_RANGE=bytes=0-1,0-1,4-5", {{0, 1}, {4, 5}}},
        {"cut at the end", &text, "HTTP_RANGE=bytes=0-1,8-99", {{0, 1}, {8, 9}}},
        {"one that nothing satisfies is left out",
         &text,
         "HTTP_RANGE=bytes=0-1,99-,5-6",
         {{0, 1}, {5, 6}}},
        {"spaces and empty elements", &text, "HTTP_RANGE=bytes= 0-1 ,, 5-6,", {{0, 1}, {5, 6}}},
        {"the unit in another case", &text, "HTTP_RANGE=Bytes=0-1,5-6", {{0, 1}, {5, 6}}},
        {"no charset", &image, "HTTP_RANGE=bytes=1-2,4-5", {{1, 2}, {4, 5}}},
        {"a hashed name", &css, "HTTP_RANGE=bytes=0-12,1290-1299", {{0, 12}, {1290, 1299}}},
        {"a variant's own bytes", &css_br, "HTTP_RANGE=bytes=0-9,-10", {{0, 9}, {290, 299}}},
        {"large parts",
         &binary,
         "HTTP_RANGE=bytes=50000-99999,0-40000",
         {{50000, 99999}, {0, 40000}}},
        {"sixteen",
         &binary,
         "HTTP_RANGE=bytes=0-1,3-4,6-7,9-10,12-13,15-16,18-19,21-22,24-25,27-28,30-31,33-34,36-37,"
         "39-40,42-43,45-46",
         {{0, 1},
          {3, 4},
          {6, 7},
          {9, 10},
          {12, 13},
          {15, 16},
          {18, 19},
          {21, 22},
          {24, 25},
          {27, 28},
          {30, 31},
          {33, 34},
          {36, 37},
          {39, 40},
          {42, 43},
          {45, 46}}},
    };
    static const size_t pieces[] = {1, 7, 64, 65536};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t p = 0; p < COUNT(pieces); p++) {
            check_parts(rows[i].label, rows[i].file, asked_for(rows[i].file, rows[i].range, NULL),
                        rows[i].parts, pieces[p]);
        }
    }
    check_end();
}

/* Whatever the web server announces, and whatever holds besides. */
static void several_parts_are_always_a_body_of_ours(void **state)
{
    static const struct part two[PARTS_MAX] = {{0, 1}, {5, 6}};
    static const char *const variables[] = {"HANDBACK_DELIVERY=x-sendfile",
                                            "HANDBACK_DELIVERY=x-accel-redirect",
                                            "HTTP_IF_RANGE=Tue, 14 Nov 2023 22:13:20 GMT",
                                            "HTTP_IF_RANGE=\"17979cfe362a0000-a\"",
                                            "HTTP_IF_MATCH=*",
                                            "HTTP_IF_NONE_MATCH=\"x\""};
    (void)state;
    for (size_t i = 0; i < COUNT(variables); i++) {
        check_parts(variables[i], &text, asked_for(&text, "HTTP_RANGE=bytes=0-1,5-6", variables[i]),
                    two, 64);
    }
    check_end();
}

static void what_is_not_several_parts_is_answered_otherwise(void **state)
{
    static const struct answer_row rows[] = {
        {"one is left",
         {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=0-3,2-5"}},
         {206,
          {"Content-Range: bytes 0-5/10", "Content-Length: 6",
           "Content-Type: text/plain; charset=utf-8"},
          {0}},
         0},
        {"one can be satisfied",
         {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=99-,1-2"}},
         {206, {"Content-Range: bytes 1-2/10", "Content-Length: 2"}, {0}},
         0},
        {"none can be",
         {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=99-,100-200"}},
         {416, {"Content-Range: bytes */10"}, {0}},
         0},
        {"RFC 9110 17.15 more than sixteen: everything",
         {"GET",
          "/static/large.bin",
          {"HTTP_RANGE=bytes=0-1,3-4,6-7,9-10,12-13,15-16,18-19,21-22,24-25,27-28,30-31,33-34,"
           "36-37,39-40,42-43,45-46,48-49"}},
         {200,
          {"Content-Length: 100000", "Content-Type: application/octet-stream"},
          {"Content-Range:"}},
         0},
        {"seventeen that become one",
         {"GET",
          "/static/large.bin",
          {"HTTP_RANGE=bytes=0-1,1-2,2-3,3-4,4-5,5-6,6-7,7-8,8-9,9-10,10-11,11-12,12-13,13-14,"
           "14-15,15-16,16-17"}},
         {206, {"Content-Range: bytes 0-17/100000"}, {0}},
         0},
        {"one that is malformed spoils all",
         {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=0-1,x"}},
         {200, {"Content-Length: 10"}, {"Content-Range:"}},
         0},
        {"If-Range fails",
         {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=0-1,5-6", "HTTP_IF_RANGE=\"x\""}},
         {200, {"Content-Length: 10"}, {"Content-Range:"}},
         0},
        {"a condition comes first",
         {"GET", "/static/live.txt", {"HTTP_RANGE=bytes=0-1,5-6", "HTTP_IF_NONE_MATCH=*"}},
         {304, {0}, {"Content-Type:"}},
         0},
        {"RFC 9110 14.2 HEAD",
         {"HEAD", "/static/live.txt", {"HTTP_RANGE=bytes=0-1,5-6"}},
         {200, {"Content-Length: 10", "Content-Type: text/plain; charset=utf-8"}, {0}},
         0},
        {"an empty file",
         {"GET", "/static/empty.txt", {"HTTP_RANGE=bytes=0-1,5-6"}},
         {416, {"Content-Range: bytes */0"}, {0}},
         0},
        {"POST", {"POST", "/static/live.txt", {"HTTP_RANGE=bytes=0-1,5-6"}}, {405, {0}, {0}}, 0},
    };
    (void)state;
    answer_check_rows(rows, COUNT(rows));
}

static void no_two_answers_have_the_same_boundary(void **state)
{
    static struct answer answer;
    char boundaries[8][BOUNDARY + 1];
    (void)state;
    for (size_t i = 0; i < COUNT(boundaries); i++) {
        answer_ask(&answer, asked_for(&text, "HTTP_RANGE=bytes=0-1,5-6", NULL), NOW);
        assert_true(find_boundary(&answer, boundaries[i]));
        answer_close(&answer);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(boundaries[i], boundaries[j]);
        }
    }
}

/* Before a byte was written it can still be another answer. */
static void a_file_that_shrinks_before_its_parts_is_503(void **state)
{
    static struct answer answer;
    static char head[DELIVER_HEAD_SIZE + 4096];
    (void)state;
    scratch_write(&tree, "shrinks.txt", "0123456789");
    answer_ask(&answer, (struct asked){"GET", "/static/shrinks.txt", {"HTTP_RANGE=bytes=0-1,5-6"}},
               NOW);
    assert_int_equal(answer.status, 206);
    scratch_write(&tree, "shrinks.txt", "0123");
    size_t len = deliver_begin(&answer, head, sizeof head);
    CHECK("503", slice_starts((struct slice){head, len}, slice_of("Status: 503 ")));
    CHECK("no part of it", !memmem(head, len, "bytes 0-1/10", 12));
    CHECK("no type of it", !memmem(head, len, "multipart", 9));
    CHECK("it is said", answer.fault.number == HB_FILE_SHRANK);
    answer_close(&answer);
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_body_is_the_parts_that_were_asked_for),
        cmocka_unit_test(several_parts_are_always_a_body_of_ours),
        cmocka_unit_test(what_is_not_several_parts_is_answered_otherwise),
        cmocka_unit_test(no_two_answers_have_the_same_boundary),
        cmocka_unit_test(a_file_that_shrinks_before_its_parts_is_503),
    };
    return cmocka_run_group_tests(tests, make, answer_site_drop);
}
