/* A head goes through libfcgi. This is also the check that the two members of FCGX_Request which
 * intake.c uses still mean what they did. */
#include "check.h"
#include "fastcgi/intake.h"
#include "fastcgi/peek.h"
#include "fcgi_message.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static struct message message, params;

static void make_request(unsigned id, unsigned flags, const char *uri, size_t each)
{
    message.len = params.len = 0;
    message_pair(&params, "REQUEST_METHOD", "GET");
    message_pair(&params, "REQUEST_URI", uri);
    message_pair(&params, "CONTENT_LENGTH", "0");
    message_pair(&params, "EMPTY", "");
    message_begin(&message, id, RESPONDER, flags);
    message_params(&message, id, params.bytes, params.len, each);
    message_record(&message, STDIN, id, NULL, 0, 0);
}

/* Judges a copy, and takes what was judged to be the head. */
static enum peek_verdict take(struct intake *intake)
{
    size_t head = 0;
    unsigned char *copy = malloc(message.len);
    assert_non_null(copy);
    memcpy(copy, message.bytes, message.len);
    enum peek_verdict verdict = peek_judge(copy, message.len, &head);
    free(copy);
    assert_int_equal(intake_take(intake, message.bytes, head), 0);
    return verdict;
}

static const char *variable(struct intake *intake, const char *name)
{
    struct request_source source = intake_source(intake);
    return source.variable(source.context, name);
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory)) {
        count++;
    }
    closedir(directory);
    return count;
}

static void a_request_is_taken_with_its_parameters(void **state)
{
    struct intake intake;
    (void)state;
    make_request(1, KEEP, "/static/a.css?b=c", 60000);
    assert_int_equal(take(&intake), PEEK_REQUEST);
    assert_int_equal(intake_id(&intake), 1);
    assert_true(intake_keeps(&intake));
    assert_string_equal(variable(&intake, "REQUEST_METHOD"), "GET");
    assert_string_equal(variable(&intake, "REQUEST_URI"), "/static/a.css?b=c");
    assert_string_equal(variable(&intake, "EMPTY"), "");
    assert_null(variable(&intake, "HTTP_RANGE"));
    assert_null(variable(&intake, "REQUEST"));
    intake_free(&intake);
}

static void a_peer_that_closes_does_not_set_the_keep_flag(void **state)
{
    struct intake intake;
    (void)state;
    make_request(7, 0, "/static/a.css", 60000);
    take(&intake);
    assert_int_equal(intake_id(&intake), 7);
    assert_false(intake_keeps(&intake));
    intake_free(&intake);
}

/* A shorter head behind a longer one too: nothing of the former is left. */
static void many_requests_follow_each_other(void **state)
{
    (void)state;
    int before = 0;
    for (unsigned i = 40; i > 0; i--) {
        struct intake intake;
        char uri[600];
        snprintf(uri, sizeof uri, "/static/%0*u.css", (int)i * 10, i);
        make_request(i, i % 2 ? KEEP : 0, uri, i);
        assert_int_equal(take(&intake), PEEK_REQUEST);
        assert_int_equal(intake_id(&intake), i);
        assert_string_equal(variable(&intake, "REQUEST_URI"), uri);
        assert_string_equal(variable(&intake, "EMPTY"), "");
        assert_int_equal(intake_keeps(&intake), i % 2);
        intake_free(&intake);
        before = before ? before : open_descriptors();
    }
    assert_int_equal(open_descriptors(), before);
}

static void a_request_with_a_body_is_taken_without_it(void **state)
{
    struct intake intake;
    (void)state;
    message.len = params.len = 0;
    message_pair(&params, "REQUEST_METHOD", "POST");
    message_pair(&params, "REQUEST_URI", "/static/a.css");
    message_pair(&params, "CONTENT_LENGTH", "1000000");
    message_begin(&message, 1, RESPONDER, 0);
    message_params(&message, 1, params.bytes, params.len, 60000);
    assert_int_equal(take(&intake), PEEK_BODY);
    assert_string_equal(variable(&intake, "REQUEST_METHOD"), "POST");
    struct request_source source = intake_source(&intake);
    assert_int_equal(request_body_length(&source), 1000000);
    intake_free(&intake);
}

static void a_head_that_libfcgi_refuses_costs_no_descriptor_and_nothing_later(void **state)
{
    struct intake intake;
    (void)state;
    make_request(1, KEEP, "/static/a.css", 60000);
    take(&intake);
    intake_free(&intake);
    int before = open_descriptors();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(intake_take(&intake, (const unsigned char *)"nonsense", 8), -1);
    }
    make_request(2, KEEP, "/static/b.css", 60000);
    take(&intake);
    assert_string_equal(variable(&intake, "REQUEST_URI"), "/static/b.css");
    intake_free(&intake);
    assert_int_equal(open_descriptors(), before);
}

static int init(void **state)
{
    (void)state;
    alarm(20); /* nothing here may wait */
    return intake_init();
}

/* FastCGI 1.0, 3.3: padding is ignored, whatever it holds; libfcgi takes that of the first record
 * for the next one. */
static void padding_is_not_read(void **state)
{
    struct intake intake;
    (void)state;
    make_request(7, KEEP, "/static/a.css", 60000);
    static unsigned char rest[MESSAGE_SIZE];
    size_t len = message.len - 16;
    memcpy(rest, message.bytes + 16, len);
    message.len = 16;
    message.bytes[6] = 255;
    for (int i = 0; i < 255; i++) { /* looks like an FCGI_PARAMS with lengths of 2 GiB */
        message_bytes(&message, i < 8 ? &"\1\4\0\7\0\377\0\0"[i] : "\377", 1);
    }
    message_bytes(&message, rest, len);
    assert_int_equal(take(&intake), PEEK_REQUEST);
    assert_int_equal(intake_id(&intake), 7);
    assert_true(intake_keeps(&intake));
    assert_string_equal(variable(&intake, "REQUEST_URI"), "/static/a.css");
    intake_free(&intake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding_is_not_read),
        cmocka_unit_test(a_request_is_taken_with_its_parameters),
        cmocka_unit_test(a_peer_that_closes_does_not_set_the_keep_flag),
        cmocka_unit_test(many_requests_follow_each_other),
        cmocka_unit_test(a_request_with_a_body_is_taken_without_it),
        cmocka_unit_test(a_head_that_libfcgi_refuses_costs_no_descriptor_and_nothing_later),
    };
    return cmocka_run_group_tests(tests, init, NULL);
}
