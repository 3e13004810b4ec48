#include "check.h"
#include "fastcgi/record.h"

#include <stdio.h>
#include <string.h>

static void a_header_says_type_id_and_length(void **state)
{
    static const struct {
        const char *label;
        unsigned id;
        size_t len;
        unsigned char bytes[6]; /* behind version and type */
    } rows[] = {
        {"3.3 nothing", 1, 0, {0, 1, 0, 0, 0, 0}},
        {"3.3 one byte", 1, 1, {0, 1, 0, 1, 0, 0}},
        {"3.3 high bytes", 0x1234, 0x5678, {0x12, 0x34, 0x56, 0x78, 0, 0}},
        {"3.3 the largest", 65535, RECORD_CONTENT_MAX, {0xff, 0xff, 0xff, 0xf8, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char header[RECORD_HEADER + 1];
        memset(header, 0xaa, sizeof header);
        record_stdout(header, rows[i].id, rows[i].len);
        CHECK(rows[i].label, header[0] == 1 && header[1] == 6);
        CHECK(rows[i].label, memcmp(header + 2, rows[i].bytes, 6) == 0);
        CHECK(rows[i].label, header[RECORD_HEADER] == 0xaa);
        record_stderr(header, rows[i].id, rows[i].len);
        CHECK(rows[i].label, header[0] == 1 && header[1] == 7);
        CHECK(rows[i].label, memcmp(header + 2, rows[i].bytes, 6) == 0);
    }
    check_end();
}

static void the_end_is_an_empty_stdout_and_a_completed_request(void **state)
{
    static const unsigned char expected[RECORD_END] = {1, 6, 0x12, 0x34, 0,    0, 0,
                                                       0, 1, 3,    0x12, 0x34, 0, 8};
    unsigned char end[RECORD_END + 1];
    (void)state;
    memset(end, 0xaa, sizeof end);
    record_end(end, 0x1234);
    assert_memory_equal(end, expected, RECORD_END);
    assert_int_equal(end[RECORD_END], 0xaa);
}

static void another_role_is_refused_in_place(void **state)
{
    /* FastCGI 1.0, 5.5: the protocol status is the fifth byte of the body. */
    static const unsigned char expected[] = {1, 3, 0x12, 0x34, 0, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0};
    unsigned char record[] = {1, 1, 0x12, 0x34, 0, 8, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0};
    (void)state;
    assert_int_equal(record_unknown_role(record, record), sizeof expected);
    assert_memory_equal(record, expected, sizeof expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_says_type_id_and_length),
        cmocka_unit_test(the_end_is_an_empty_stdout_and_a_completed_request),
        cmocka_unit_test(another_role_is_refused_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
