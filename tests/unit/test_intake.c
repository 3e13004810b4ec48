/* A request goes through a socket pair and libfcgi. This is also the check that the two members of
 * FCGX_Request which intake.c uses still mean what they did. */
#include "check.h"
#include "fastcgi/intake.h"
#include "fastcgi/peek.h"
#include "fcgi_message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct message message, params;
static int server, client;

static int connect_pair(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    server = ends[0];
    client = ends[1];
    alarm(20); /* nothing here may wait */
    return 0;
}

static int close_pair(void **state)
{
    (void)state;
    alarm(0);
    close(client);
    close(server);
    return 0;
}

static void send_request(unsigned id, unsigned flags, const char *uri, size_t each)
{
    message.len = params.len = 0;
    message_pair(&params, "REQUEST_METHOD", "GET");
    message_pair(&params, "REQUEST_URI", uri);
    message_pair(&params, "CONTENT_LENGTH", "0");
    message_pair(&params, "EMPTY", "");
    message_begin(&message, id, RESPONDER, flags);
    message_params(&message, id, params.bytes, params.len, each);
    message_record(&message, STDIN, id, NULL, 0, 0);
    assert_int_equal(write(client, message.bytes, message.len), message.len);
}

static enum peek_verdict peek(void)
{
    static unsigned char bytes[PEEK_SIZE];
    ssize_t got = recv(server, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 ? PEEK_INCOMPLETE : peek_judge(bytes, (size_t)got);
}

static const char *variable(struct intake *intake, const char *name)
{
    struct request_source source = intake_source(intake);
    return source.variable(source.context, name);
}

static bool nothing_is_left(void)
{
    char byte;
    return recv(server, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void a_request_is_taken_with_its_parameters(void **state)
{
    struct intake intake;
    (void)state;
    send_request(1, KEEP, "/static/a.css?b=c", 60000);
    assert_int_equal(peek(), PEEK_REQUEST);
    assert_int_equal(intake_take(&intake, server, false), 0);
    assert_int_equal(intake_id(&intake), 1);
    assert_true(intake_keeps(&intake));
    assert_string_equal(variable(&intake, "REQUEST_METHOD"), "GET");
    assert_string_equal(variable(&intake, "REQUEST_URI"), "/static/a.css?b=c");
    assert_string_equal(variable(&intake, "EMPTY"), "");
    assert_null(variable(&intake, "HTTP_RANGE"));
    assert_null(variable(&intake, "REQUEST"));
    intake_free(&intake);
    assert_true(nothing_is_left());
    assert_int_not_equal(fcntl(server, F_GETFD), -1);
}

static void a_peer_that_closes_does_not_set_the_keep_flag(void **state)
{
    struct intake intake;
    (void)state;
    send_request(7, 0, "/static/a.css", 60000);
    assert_int_equal(intake_take(&intake, server, false), 0);
    assert_int_equal(intake_id(&intake), 7);
    assert_false(intake_keeps(&intake));
    intake_free(&intake);
    assert_int_not_equal(fcntl(server, F_GETFD), -1);
}

static void many_requests_follow_each_other_on_one_connection(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 20; i++) {
        struct intake intake;
        char uri[32];
        snprintf(uri, sizeof uri, "/static/%u.css", i);
        send_request(i, i < 20 ? KEEP : 0, uri, i);
        assert_int_equal(peek(), PEEK_REQUEST);
        assert_int_equal(intake_take(&intake, server, false), 0);
        assert_int_equal(intake_id(&intake), i);
        assert_string_equal(variable(&intake, "REQUEST_URI"), uri);
        assert_int_equal(intake_keeps(&intake), i < 20);
        intake_free(&intake);
        assert_true(nothing_is_left());
    }
}

static void the_answer_can_be_written_by_hand_behind_it(void **state)
{
    struct intake intake;
    char bytes[16];
    (void)state;
    send_request(1, KEEP, "/static/a.css", 60000);
    assert_int_equal(intake_take(&intake, server, false), 0);
    assert_int_equal(write(server, "answer", 6), 6);
    intake_free(&intake);
    assert_int_equal(recv(client, bytes, sizeof bytes, MSG_DONTWAIT), 6);
    struct pollfd ended = {.fd = client, .events = POLLIN};
    assert_int_equal(poll(&ended, 1, 0), 0);
}

static void a_request_with_a_body_is_taken_without_waiting_for_it(void **state)
{
    struct intake intake;
    (void)state;
    message.len = params.len = 0;
    message_pair(&params, "REQUEST_METHOD", "POST");
    message_pair(&params, "REQUEST_URI", "/static/a.css");
    message_pair(&params, "CONTENT_LENGTH", "1000000");
    message_begin(&message, 1, RESPONDER, 0);
    message_params(&message, 1, params.bytes, params.len, 60000);
    assert_int_equal(write(client, message.bytes, message.len), message.len);
    assert_int_equal(peek(), PEEK_BODY);
    assert_int_equal(intake_take(&intake, server, true), 0);
    assert_string_equal(variable(&intake, "REQUEST_METHOD"), "POST");
    assert_int_equal(request_body_length(&(struct request_source){intake_source(&intake).variable,
                                                                  intake_source(&intake).context}),
                     1000000);
    intake_free(&intake);
}

static void a_closed_peer_is_no_request(void **state)
{
    struct intake intake;
    (void)state;
    shutdown(client, SHUT_WR);
    assert_int_equal(intake_take(&intake, server, false), -1);
    assert_int_equal(fcntl(server, F_GETFD), -1);
}

static int init(void **state)
{
    (void)state;
    return intake_init();
}

int main(void)
{
#define ON_A_PAIR(test) cmocka_unit_test_setup_teardown(test, connect_pair, close_pair)
    const struct CMUnitTest tests[] = {
        ON_A_PAIR(a_request_is_taken_with_its_parameters),
        ON_A_PAIR(a_peer_that_closes_does_not_set_the_keep_flag),
        ON_A_PAIR(many_requests_follow_each_other_on_one_connection),
        ON_A_PAIR(the_answer_can_be_written_by_hand_behind_it),
        ON_A_PAIR(a_request_with_a_body_is_taken_without_waiting_for_it),
        ON_A_PAIR(a_closed_peer_is_no_request),
    };
    return cmocka_run_group_tests(tests, init, NULL);
}
