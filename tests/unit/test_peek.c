#include "check.h"
#include "fastcgi/peek.h"
#include "fcgi_message.h"

#include <stdio.h>

static struct message message, params;
static size_t judged_head; /* what the last verdict said of its length */

/* The verdict on the first `len` bytes, in a copy of exactly that size. */
static enum peek_verdict judge(const unsigned char *bytes, size_t len)
{
    unsigned char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    enum peek_verdict verdict = peek_judge(copy, len, &judged_head);
    free(copy);
    return verdict;
}

static void start(unsigned id, unsigned flags)
{
    message.len = 0;
    message_begin(&message, id, RESPONDER, flags);
}

static void usual_params(const char *content_length)
{
    char long_value[200];
    memset(long_value, 'v', sizeof long_value);
    long_value[sizeof long_value - 1] = '\0';
    params.len = 0;
    message_pair(&params, "REQUEST_METHOD", "GET");
    message_pair(&params, "REQUEST_URI", "/static/a.css");
    message_pair(&params, "CONTENT_LENGTH", content_length);
    message_pair(&params, "HTTP_USER_AGENT", long_value);
    message_pair(&params, "EMPTY", "");
}

/* Every beginning is incomplete, or a head alone, until the verdict falls, which then stays;
 * returns how many bytes it took. */
static size_t check_beginnings(const char *label, enum peek_verdict expected)
{
    size_t final = 0;
    bool head = false;
    for (size_t len = 0; len <= message.len; len++) {
        enum peek_verdict verdict = judge(message.bytes, len);
        head = head || verdict == PEEK_HEAD;
        if (verdict != PEEK_INCOMPLETE && verdict != PEEK_HEAD && final == 0) {
            final = len;
        }
        enum peek_verdict open = head ? PEEK_HEAD : PEEK_INCOMPLETE;
        if (!CHECK(label, verdict == (final > 0 ? expected : open))) {
            print_error("    verdict %d on %zu of %zu bytes\n", (int)verdict, len, message.len);
            break;
        }
    }
    CHECK(label, final > 0);
    return final;
}

static void a_request_is_complete_with_its_last_byte_and_not_before(void **state)
{
    static const struct {
        const char *label, *content_length;
        size_t each;
        unsigned id, padding;
    } rows[] = {
        {"params in one record", "0", 60000, 1, 0},
        {"params byte by byte", "0", 1, 1, 0},
        {"params in sevens", "0", 7, 1, 0},
        {"no length", "", 60000, 1, 0},
        {"a length of zeros", "000", 60000, 1, 0},
        {"another id", "0", 60000, 513, 0},
        {"padding behind the end", "0", 60000, 1, 255},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        usual_params(rows[i].content_length);
        start(rows[i].id, KEEP);
        message_params(&message, rows[i].id, params.bytes, params.len, rows[i].each);
        message_record(&message, STDIN, rows[i].id, NULL, 0, rows[i].padding);
        CHECK(rows[i].label, check_beginnings(rows[i].label, PEEK_REQUEST) == message.len);
    }
    check_end();
}

static void params_split_at_any_byte_give_the_same_verdict(void **state)
{
    (void)state;
    usual_params("0");
    for (size_t at = 1; at < params.len; at++) {
        char label[32];
        snprintf(label, sizeof label, "split at %zu", at);
        start(1, KEEP);
        message_record(&message, PARAMS, 1, params.bytes, at, 5);
        message_record(&message, PARAMS, 1, params.bytes + at, params.len - at, 0);
        message_record(&message, PARAMS, 1, NULL, 0, 8);
        message_record(&message, STDIN, 1, NULL, 0, 0);
        CHECK(label, check_beginnings(label, PEEK_REQUEST) == message.len);
    }
    check_end();
}

static void a_body_is_announced_with_the_end_of_the_head(void **state)
{
    static const char *const lengths[] = {"1", "1000000", "0010", "99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        usual_params(lengths[i]);
        start(1, 0);
        message_params(&message, 1, params.bytes, params.len, 100);
        size_t head = message.len;
        message_record(&message, STDIN, 1, "body", 4, 4);
        CHECK(lengths[i], check_beginnings(lengths[i], PEEK_BODY) == head);
    }
    check_end();
}

static void a_body_that_was_not_announced_is_a_body(void **state)
{
    (void)state;
    usual_params("0");
    start(1, 0);
    message_params(&message, 1, params.bytes, params.len, 100);
    message_record(&message, STDIN, 1, "body", 4, 4);
    check_beginnings("STDIN with content", PEEK_BODY);
    check_end();
}

static void what_comes_behind_a_request_does_not_change_it(void **state)
{
    (void)state;
    usual_params("0");
    start(1, KEEP);
    message_params(&message, 1, params.bytes, params.len, 100);
    message_record(&message, STDIN, 1, NULL, 0, 0);
    size_t whole = message.len;
    message_bytes(&message, "anything at all", 15);
    assert_int_equal(check_beginnings("junk behind", PEEK_REQUEST), whole);
    check_end();
}

/* Each builds a message whose verdict is INVALID, however it is cut. */
static void build_empty_version(void)
{
    start(1, 0);
    message.bytes[0] = 0;
}
static void build_http(void)
{
    message.len = 0;
    message_bytes(&message, "GET /static/ HTTP/1.1\r\n\r\n", 25);
}
static void build_id_0(void)
{
    start(0, 0);
}
static void build_authorizer(void)
{
    message.len = 0;
    message_begin(&message, 1, 2, 0);
}
static void build_filter(void)
{
    message.len = 0;
    message_begin(&message, 1, 3, 0);
}
static void build_role_256_plus_1(void)
{
    message.len = 0;
    message_begin(&message, 1, 257, 0);
}
static void build_management(void)
{
    message.len = 0;
    message_record(&message, GET_VALUES, 0, "\x0e\0FCGI_MAX_CONNS", 16, 0);
}
static void build_params_first(void)
{
    message.len = 0;
    message_record(&message, PARAMS, 1, NULL, 0, 0);
}
static void build_short_begin(void)
{
    message.len = 0;
    message_record(&message, BEGIN, 1, "\0\1\0\0", 4, 0);
}
static void build_long_begin(void)
{
    message.len = 0;
    message_record(&message, BEGIN, 1, "\0\1\0\0\0\0\0\0\0", 9, 7);
}
static void build_begin_twice(void)
{
    start(1, 0);
    message_begin(&message, 1, RESPONDER, 0);
}
static void build_abort(void)
{
    start(1, 0);
    message_record(&message, ABORT, 1, NULL, 0, 0);
}
static void build_stdin_before_params_end(void)
{
    start(1, 0);
    message_record(&message, PARAMS, 1, "\1\1ab", 4, 0);
    message_record(&message, STDIN, 1, NULL, 0, 0);
}
static void build_other_id(void)
{
    start(1, 0);
    message_record(&message, PARAMS, 2, NULL, 0, 0);
}
static void build_other_id_in_stdin(void)
{
    start(1, 0);
    message_record(&message, PARAMS, 1, NULL, 0, 0);
    message_record(&message, STDIN, 2, NULL, 0, 0);
}
static void build_management_between(void)
{
    start(1, 0);
    message_record(&message, GET_VALUES, 0, NULL, 0, 0);
}
static void build_data_for_stdin(void)
{
    start(1, 0);
    message_record(&message, PARAMS, 1, NULL, 0, 0);
    message_record(&message, DATA, 1, NULL, 0, 0);
}
static void build_version_changes(void)
{
    start(1, 0);
    message_record(&message, PARAMS, 1, NULL, 0, 0);
    message.bytes[16] = 2;
}

static void with_params(const char *bytes, size_t len)
{
    start(1, 0);
    message_params(&message, 1, (const unsigned char *)bytes, len, 60000);
}
static void build_name_too_long(void)
{
    with_params("\5\0abcd", 6);
}
static void build_value_too_long(void)
{
    with_params("\2\3abcd", 6);
}
static void build_no_value_length(void)
{
    with_params("\1", 1);
}
static void build_cut_long_length(void)
{
    with_params("\x80\0\0", 3);
}
static void build_cut_long_value_length(void)
{
    with_params("\1\x80\0\0", 4);
}
static void build_huge_lengths(void)
{
    with_params("\xff\xff\xff\xff\xff\xff\xff\xff"
                "ab",
                10);
}
static void build_sum_overflows(void)
{
    with_params("\x01\xff\xff\xff\xff"
                "a",
                6);
}
static void build_trailing_byte(void)
{
    with_params("\1\1ab\1", 5);
}

static void what_is_no_request_for_a_responder_is_invalid(void **state)
{
    static const struct {
        const char *label;
        void (*build)(void);
    } rows[] = {
        {"3.3 version 0", build_empty_version},
        {"HTTP", build_http},
        {"3.3 request id 0", build_id_0},
        {"params first", build_params_first},
        {"5.1 a short BEGIN", build_short_begin},
        {"5.1 a long BEGIN", build_long_begin},
        {"BEGIN twice", build_begin_twice},
        {"5.4 ABORT", build_abort},
        {"STDIN before the params end", build_stdin_before_params_end},
        {"params of another request", build_other_id},
        {"STDIN of another request", build_other_id_in_stdin},
        {"a management record between", build_management_between},
        {"DATA for STDIN", build_data_for_stdin},
        {"the version changes", build_version_changes},
        {"3.4 a name longer than the params", build_name_too_long},
        {"3.4 a value longer than the params", build_value_too_long},
        {"3.4 no length of the value", build_no_value_length},
        {"3.4 a long length that is cut", build_cut_long_length},
        {"3.4 a long length of the value that is cut", build_cut_long_value_length},
        {"3.4 two lengths of 2 GiB", build_huge_lengths},
        {"3.4 a sum that overflows", build_sum_overflows},
        {"3.4 a byte behind the last pair", build_trailing_byte},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        rows[i].build();
        check_beginnings(rows[i].label, PEEK_INVALID);
    }
    check_end();
}

static void build_unknown_management(void)
{
    message.len = 0;
    message_record(&message, 200, 0, "abc", 3, 5);
}
static void build_values_result(void)
{
    message.len = 0;
    message_record(&message, 10, 0, "abc", 3, 5);
}
static void build_unknown_type(void)
{
    message.len = 0;
    message_record(&message, 11, 0, "\12\0\0\0\0\0\0\0", 8, 0);
}
static void build_largest_management(void)
{
    static unsigned char content[65535];
    message.len = 0;
    message_record(&message, GET_VALUES, 0, content, sizeof content, 255);
}
static void build_late_abort(void)
{
    message.len = 0;
    message_record(&message, ABORT, 7, NULL, 0, 0);
}
static void build_abort_of_nobody(void)
{
    message.len = 0;
    message_record(&message, ABORT, 0, NULL, 0, 0);
}

static void a_record_that_is_a_matter_of_its_own_is_judged_when_it_is_whole(void **state)
{
    static const struct {
        const char *label;
        void (*build)(void);
        enum peek_verdict verdict;
    } rows[] = {
        {"6.3 an authorizer", build_authorizer, PEEK_OTHER_ROLE},
        {"6.4 a filter", build_filter, PEEK_OTHER_ROLE},
        {"the high byte of the role", build_role_256_plus_1, PEEK_OTHER_ROLE},
        {"4.1 FCGI_GET_VALUES", build_management, PEEK_MANAGEMENT},
        {"4.2 an unknown type", build_unknown_management, PEEK_MANAGEMENT},
        {"4.1 an answer", build_values_result, PEEK_INVALID},
        {"4.2 another answer", build_unknown_type, PEEK_INVALID},
        {"the largest record", build_largest_management, PEEK_MANAGEMENT},
        {"5.4 the end of a request that was answered", build_late_abort, PEEK_ABORT},
        {"5.4 of no request", build_abort_of_nobody, PEEK_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        rows[i].build();
        size_t whole = message.len;
        if (rows[i].verdict == PEEK_INVALID) {
            check_beginnings(rows[i].label, rows[i].verdict);
            continue;
        }
        if (whole < 1000) { /* the verdicts on 65 KB of beginnings are all the same */
            CHECK(rows[i].label, check_beginnings(rows[i].label, rows[i].verdict) == whole);
        }
        CHECK(rows[i].label, judge(message.bytes, whole - 1) == PEEK_INCOMPLETE);
        message_begin(&message, 1, RESPONDER, 0);
        CHECK(rows[i].label, judge(message.bytes, message.len) == rows[i].verdict);
        CHECK(rows[i].label, judged_head == whole);
    }
    check_end();
}

/* A head of exactly `size` bytes, up to and with the empty PARAMS. */
static void build_head(size_t size)
{
    size_t rest = size - 16 - 8; /* BEGIN, and the empty PARAMS */
    start(1, 0);
    params.len = 0;
    while (rest > 0) {
        static unsigned char content[60000];
        size_t take = rest - 8 < sizeof content ? rest - 8 : sizeof content;
        if (rest - 8 - take > 0 && rest - 8 - take < 20) {
            take -= 100;
        }
        /* One pair per record: no name, a value of the rest. */
        content[0] = 0;
        content[1] = (unsigned char)(0x80 | (take - 5) >> 24);
        content[2] = (unsigned char)((take - 5) >> 16);
        content[3] = (unsigned char)((take - 5) >> 8);
        content[4] = (unsigned char)(take - 5);
        memset(content + 5, 'v', take - 5);
        message_record(&message, PARAMS, 1, content, take, 0);
        rest -= take + 8;
    }
    message_record(&message, PARAMS, 1, NULL, 0, 0);
    assert_int_equal(message.len, size);
    message_record(&message, STDIN, 1, NULL, 0, 0);
}

static void a_head_over_128_kilobytes_is_invalid(void **state)
{
    static const struct {
        const char *label;
        size_t size;
        enum peek_verdict verdict;
    } rows[] = {
        {"100000 bytes", 100000, PEEK_REQUEST},
        {"the largest head", PEEK_HEAD_MAX, PEEK_REQUEST},
        {"one byte more", PEEK_HEAD_MAX + 1, PEEK_INVALID},
        {"200000 bytes", 200000, PEEK_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        build_head(rows[i].size);
        size_t len = message.len < PEEK_SIZE ? message.len : PEEK_SIZE;
        CHECK(rows[i].label, judge(message.bytes, len) == rows[i].verdict);
        CHECK(rows[i].label, judge(message.bytes, 50000) == PEEK_INCOMPLETE);
    }
    check_end();
}

static void a_full_buffer_never_asks_for_more(void **state)
{
    (void)state;
    /* Padding can make the end of the params fit and the end of stdin not. */
    for (size_t size = PEEK_HEAD_MAX - 3; size <= PEEK_HEAD_MAX + 3; size++) {
        char label[32];
        snprintf(label, sizeof label, "a head of %zu bytes", size);
        build_head(size);
        message.len = size;
        message_record(&message, STDIN, 1, NULL, 0, 255);
        message_bytes(&message, params.bytes, 8192);
        CHECK(label, judge(message.bytes, PEEK_SIZE) != PEEK_INCOMPLETE);
    }
    check_end();
}

static void a_head_ends_where_its_body_begins(void **state)
{
    (void)state;
    usual_params("0");
    start(1, KEEP);
    message_params(&message, 1, params.bytes, params.len, 100);
    size_t before = message.len;
    assert_int_equal(judge(message.bytes, before), PEEK_HEAD);
    assert_int_equal(judged_head, before);
    message_record(&message, STDIN, 1, NULL, 0, 3);
    size_t behind = message.len;
    message_begin(&message, 1, RESPONDER, KEEP);
    assert_int_equal(judge(message.bytes, message.len), PEEK_REQUEST);
    assert_int_equal(judged_head, behind);
    message.len = before;
    message_record(&message, STDIN, 1, "body", 4, 0);
    assert_int_equal(judge(message.bytes, message.len), PEEK_BODY);
    assert_int_equal(judged_head, before);
    /* 5.4: it may be given up at any moment, also before its body has ended. */
    message.len = before;
    message_record(&message, ABORT, 1, NULL, 0, 0);
    assert_int_equal(judge(message.bytes, message.len), PEEK_HEAD);
    assert_int_equal(judged_head, before);
}

static void the_records_of_a_body_are_told_from_the_next_request(void **state)
{
    size_t whole = 0;
    (void)state;
    message.len = 0;
    message_record(&message, STDIN, 1, "body", 4, 4);
    assert_int_equal(peek_at_body(message.bytes, 7, &whole), PEEK_REST_UNKNOWN);
    assert_int_equal(peek_at_body(message.bytes, 8, &whole), PEEK_REST_SKIP);
    assert_int_equal(whole, 16);
    message.len = 0;
    message_record(&message, STDIN, 1, NULL, 0, 5);
    assert_int_equal(peek_at_body(message.bytes, 8, &whole), PEEK_REST_LAST);
    assert_int_equal(whole, 13);
    message.len = 0;
    message_record(&message, ABORT, 1, NULL, 0, 0);
    assert_int_equal(peek_at_body(message.bytes, 8, &whole), PEEK_REST_LAST);
    assert_int_equal(whole, 8);
    message.len = 0;
    message_begin(&message, 2, RESPONDER, KEEP);
    assert_int_equal(peek_at_body(message.bytes, 8, &whole), PEEK_REST_NEXT);
}

static void a_nul_in_a_parameter_is_no_request(void **state)
{
    static const unsigned char pair[] = {11,  5,   'R', 'E', 'Q', 'U', 'E', 'S', 'T',
                                         '_', 'U', 'R', 'I', '/', 'a', 0,   '/', 'b'};
    (void)state;
    start(1, KEEP);
    message_params(&message, 1, pair, sizeof pair, sizeof pair);
    message_record(&message, STDIN, 1, NULL, 0, 0);
    assert_int_equal(judge(message.bytes, message.len), PEEK_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_complete_with_its_last_byte_and_not_before),
        cmocka_unit_test(params_split_at_any_byte_give_the_same_verdict),
        cmocka_unit_test(a_body_is_announced_with_the_end_of_the_head),
        cmocka_unit_test(a_body_that_was_not_announced_is_a_body),
        cmocka_unit_test(what_comes_behind_a_request_does_not_change_it),
        cmocka_unit_test(what_is_no_request_for_a_responder_is_invalid),
        cmocka_unit_test(a_record_that_is_a_matter_of_its_own_is_judged_when_it_is_whole),
        cmocka_unit_test(a_head_over_128_kilobytes_is_invalid),
        cmocka_unit_test(a_full_buffer_never_asks_for_more),
        cmocka_unit_test(a_nul_in_a_parameter_is_no_request),
        cmocka_unit_test(a_head_ends_where_its_body_begins),
        cmocka_unit_test(the_records_of_a_body_are_told_from_the_next_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
