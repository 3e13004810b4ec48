#include "check.h"
#include "http/method.h"

static void methods_are_known_served_or_neither(void **state)
{
    static const struct {
        const char *label, *name;
        enum method method;
    } rows[] = {
        {"RFC 9110 9.3.1", "GET", METHOD_GET},
        {"RFC 9110 9.3.2", "HEAD", METHOD_HEAD},
        {"RFC 9110 9.3.3", "POST", METHOD_REFUSED},
        {"RFC 9110 9.3.4", "PUT", METHOD_REFUSED},
        {"RFC 9110 9.3.5", "DELETE", METHOD_REFUSED},
        {"RFC 9110 9.3.6", "CONNECT", METHOD_REFUSED},
        {"RFC 9110 9.3.7", "OPTIONS", METHOD_OPTIONS},
        {"RFC 9110 9.3.8", "TRACE", METHOD_REFUSED},
        {"RFC 5789 2", "PATCH", METHOD_REFUSED},
        {"RFC 9110 9.1: case-sensitive", "get", METHOD_UNKNOWN},
        {"RFC 9110 9.1: mixed case", "Get", METHOD_UNKNOWN},
        {"of another protocol", "PROPFIND", METHOD_UNKNOWN},
        {"longer than a known one", "GETX", METHOD_UNKNOWN},
        {"shorter than a known one", "GE", METHOD_UNKNOWN},
        {"with a space", "GET ", METHOD_UNKNOWN},
        {"empty", "", METHOD_UNKNOWN},
        {"absent", NULL, METHOD_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(rows[i].label, method_parse(slice_of(rows[i].name)) == rows[i].method);
    }
    check_end();
}

static void a_nul_in_a_method_is_not_its_end(void **state)
{
    (void)state;
    assert_int_equal(method_parse((struct slice){"GET\0", 4}), METHOD_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_are_known_served_or_neither),
        cmocka_unit_test(a_nul_in_a_method_is_not_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
