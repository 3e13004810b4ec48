#include "check.h"
#include "http/coding.h"

#include <string.h>

static void accept_encoding_weighs_each_coding(void **state)
{
    static const struct {
        const char *label, *field;
        int br, zstd, gzip, identity;
        bool listed;
    } rows[] = {
        {"absent", NULL, 0, 0, 0, 1000, false},
        {"RFC 9110 12.5.3 empty: identity", "", 0, 0, 0, 1000, false},
        {"spaces", "  ", 0, 0, 0, 1000, false},
        {"one", "gzip", 0, 0, 1000, 1000, false},
        {"a browser's", "gzip, deflate, br, zstd", 1000, 1000, 1000, 1000, false},
        {"RFC 9110 8.4.1.3 x-gzip", "x-gzip", 0, 0, 1000, 1000, false},
        {"RFC 9110 8.4.1 any case", "GZip, BR", 1000, 0, 1000, 1000, false},
        {"RFC 9110 12.4.2 weights", "br;q=0.5, gzip;q=0.25, zstd;q=0.125", 500, 125, 250, 1000,
         false},
        {"q in upper case", "br;Q=0.5", 500, 0, 0, 1000, false},
        {"spaces around ; and =", "br ; q=0.5", 500, 0, 0, 1000, false},
        {"tabs", "br\t;\tq=0.5\t,\tgzip", 500, 0, 1000, 1000, false},
        {"q=0", "br;q=0", 0, 0, 0, 1000, false},
        {"q=0.", "br;q=0.", 0, 0, 0, 1000, false},
        {"q=0.000", "br;q=0.000", 0, 0, 0, 1000, false},
        {"q=0.001", "br;q=0.001", 1, 0, 0, 1000, false},
        {"q=1.", "br;q=1.", 1000, 0, 0, 1000, false},
        {"q=1.000", "br;q=1.000", 1000, 0, 0, 1000, false},
        {"q over 1 is malformed", "br;q=1.001, gzip", 0, 0, 1000, 1000, false},
        {"q=2 is malformed", "br;q=2, gzip", 0, 0, 1000, 1000, false},
        {"four digits are malformed", "br;q=0.1234, gzip", 0, 0, 1000, 1000, false},
        {"q= is malformed", "br;q=, gzip", 0, 0, 1000, 1000, false},
        {"q=.5 is malformed", "br;q=.5, gzip", 0, 0, 1000, 1000, false},
        {"q=-1 is malformed", "br;q=-1, gzip", 0, 0, 1000, 1000, false},
        {"q=0,5 is two elements", "br;q=0,5, gzip", 0, 0, 1000, 1000, false},
        {"q=abc is malformed", "br;q=abc, gzip", 0, 0, 1000, 1000, false},
        {"; alone is malformed", "br;, gzip", 0, 0, 1000, 1000, false},
        {"another parameter is malformed", "br;level=1, gzip", 0, 0, 1000, 1000, false},
        {"* covers what is not listed", "*", 1000, 1000, 1000, 1000, false},
        {"* with a weight", "*;q=0.5", 500, 500, 500, 1000, false},
        {"RFC 9110 12.5.3: *;q=0 excludes identity", "*;q=0", 0, 0, 0, 0, false},
        {"listed beats *", "gzip;q=0.5, *;q=0.1", 100, 100, 500, 1000, false},
        {"* before what it does not cover", "*;q=0.1, gzip;q=0.5", 100, 100, 500, 1000, false},
        {"excluded by name, not by *", "br;q=0, *", 0, 1000, 1000, 1000, false},
        {"RFC 9110 12.5.3: identity;q=0", "identity;q=0", 0, 0, 0, 0, true},
        {"identity;q=0 beside another", "gzip, identity;q=0", 0, 0, 1000, 0, true},
        {"identity against *;q=0", "identity, *;q=0", 0, 0, 0, 1000, true},
        {"identity with a weight", "identity;q=0.5", 0, 0, 0, 500, true},
        {"RFC 9110 example", "gzip;q=1.0, identity; q=0.5, *;q=0", 0, 0, 1000, 500, true},
        {"unknown codings", "deflate, compress, sdch;q=1", 0, 0, 0, 1000, false},
        {"a longer name is another", "gzipx, brotli, zst", 0, 0, 0, 1000, false},
        {"RFC 9110 5.6.1.2 empty elements", ",, gzip,,", 0, 0, 1000, 1000, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct coding_weights weights = coding_weigh(slice_of(rows[i].field));
        bool right = weights.of[CODING_BR] == rows[i].br &&
                     weights.of[CODING_ZSTD] == rows[i].zstd &&
                     weights.of[CODING_GZIP] == rows[i].gzip &&
                     weights.of[CODING_IDENTITY] == rows[i].identity &&
                     weights.identity_listed == rows[i].listed;
        if (!CHECK(rows[i].label, right)) {
            print_error("    br %d zstd %d gzip %d identity %d listed %d\n", weights.of[0],
                        weights.of[1], weights.of[2], weights.of[3], weights.identity_listed);
        }
    }
    check_end();
}

#define NO CODING_ABSENT

static void the_variant_is_chosen_by_weight_then_size_then_order(void **state)
{
    static const struct {
        const char *label, *field;
        struct coding_offer offer;
        enum coding chosen;
    } rows[] = {
        {"nothing asked", NULL, {{10, 11, 12, 100}}, CODING_IDENTITY},
        {"all asked: smallest", "gzip, br, zstd", {{12, 10, 11, 100}}, CODING_ZSTD},
        {"all asked, equal: order", "gzip, zstd, br", {{10, 10, 10, 100}}, CODING_BR},
        {"equal without br: order", "gzip, zstd, br", {{NO, 10, 10, 100}}, CODING_ZSTD},
        {"weight before size", "gzip;q=0.9, br;q=0.8", {{10, NO, 50, 100}}, CODING_GZIP},
        {"what is not there is not chosen", "br;q=1, gzip;q=0.1", {{NO, NO, 9, 99}}, CODING_GZIP},
        {"identity comes last unless listed", "gzip;q=0.1", {{NO, NO, 9, 99}}, CODING_GZIP},
        {"even when it is smaller", "gzip;q=0.1", {{NO, NO, 99, 9}}, CODING_GZIP},
        {"identity listed and heavier", "gzip;q=0.5, identity", {{NO, NO, 9, 99}}, CODING_IDENTITY},
        {"identity listed and lighter", "gzip, identity;q=0.5", {{NO, NO, 9, 99}}, CODING_GZIP},
        {"identity listed and equal: smallest", "gzip, identity", {{NO, NO, 9, 99}}, CODING_GZIP},
        {"identity listed, equal and smaller",
         "gzip, identity",
         {{NO, NO, 99, 9}},
         CODING_IDENTITY},
        {"*", "*", {{NO, 20, 10, 100}}, CODING_GZIP},
        {"* with little weight", "*;q=0.001", {{NO, 20, 10, 100}}, CODING_GZIP},
        {"q=0 excludes", "br;q=0, gzip;q=0", {{10, NO, 10, 100}}, CODING_IDENTITY},
        {"x-gzip", "x-gzip", {{10, NO, 10, 100}}, CODING_GZIP},
        {"none of ours", "deflate", {{10, 10, 10, 100}}, CODING_IDENTITY},
        {"406: all excluded", "*;q=0", {{10, 10, 10, 100}}, CODING_COUNT},
        {"406: identity excluded, nothing else asked",
         "identity;q=0",
         {{10, 10, 10, 100}},
         CODING_COUNT},
        {"406: identity excluded, the other is missing",
         "gzip, identity;q=0",
         {{10, NO, NO, 100}},
         CODING_COUNT},
        {"identity excluded, the other is there",
         "gzip, identity;q=0",
         {{10, NO, 12, 100}},
         CODING_GZIP},
        {"*;q=0 but br", "br, *;q=0", {{10, NO, NO, 100}}, CODING_BR},
        {"406: *;q=0 but br, which is missing", "br, *;q=0", {{NO, NO, 10, 100}}, CODING_COUNT},
        {"*;q=0 but identity", "identity;q=0.1, *;q=0", {{10, NO, NO, 100}}, CODING_IDENTITY},
        {"an empty file has size 0", "gzip", {{NO, NO, NO, 0}}, CODING_IDENTITY},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct coding_weights weights = coding_weigh(slice_of(rows[i].field));
        enum coding chosen = coding_choose(&weights, &rows[i].offer);
        if (!CHECK(rows[i].label, chosen == rows[i].chosen)) {
            print_error("    chose %d\n", (int)chosen);
        }
    }
    check_end();
}

static void codings_have_names_and_tag_suffixes(void **state)
{
    (void)state;
    assert_string_equal(coding_name(CODING_BR), "br");
    assert_string_equal(coding_name(CODING_ZSTD), "zstd");
    assert_string_equal(coding_name(CODING_GZIP), "gzip");
    assert_null(coding_name(CODING_IDENTITY));
    assert_string_equal(coding_tag_suffix(CODING_BR), ".br");
    assert_string_equal(coding_tag_suffix(CODING_ZSTD), ".zst");
    assert_string_equal(coding_tag_suffix(CODING_GZIP), ".gz");
    assert_string_equal(coding_tag_suffix(CODING_IDENTITY), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_encoding_weighs_each_coding),
        cmocka_unit_test(the_variant_is_chosen_by_weight_then_size_then_order),
        cmocka_unit_test(codings_have_names_and_tag_suffixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
