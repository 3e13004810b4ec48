#include "check.h"
#include "http/etag.h"

#include <stdlib.h>
#include <string.h>

#define TAG "\"27e20196a850\""

static void a_list_is_searched_by_either_comparison(void **state)
{
    static const struct {
        const char *label, *list;
        enum etag_verdict strong, weak;
    } rows[] = {
        {"RFC 9110 8.8.3 one tag", TAG, ETAG_MATCH, ETAG_MATCH},
        {"RFC 9110 8.8.3.2 a weak one", "W/" TAG, ETAG_NO_MATCH, ETAG_MATCH},
        {"another", "\"other\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"RFC 9110 13.1.2 *", "*", ETAG_ANY, ETAG_ANY},
        {"* with spaces", " * ", ETAG_ANY, ETAG_ANY},
        {"a list", "\"a\", " TAG ", \"b\"", ETAG_MATCH, ETAG_MATCH},
        {"a list without spaces", "\"a\"," TAG, ETAG_MATCH, ETAG_MATCH},
        {"a list with the weak one", "\"a\", W/" TAG, ETAG_NO_MATCH, ETAG_MATCH},
        {"both weak and strong", "W/" TAG ", " TAG, ETAG_MATCH, ETAG_MATCH},
        {"RFC 9110 5.6.1.2 empty elements", ", ,\"a\",, " TAG " ,", ETAG_MATCH, ETAG_MATCH},
        {"a comma inside a tag", "\"a,b\", \"c\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"our tag inside another", "\"x," TAG "\"", ETAG_INVALID, ETAG_INVALID},
        {"a comma inside, ours behind it", "\"a,b\"," TAG, ETAG_MATCH, ETAG_MATCH},
        {"the empty tag", "\"\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"a tag of * in quotes", "\"*\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"a backslash does not escape", "\"\\\", " TAG, ETAG_MATCH, ETAG_MATCH},
        {"bytes over 127", "\"\xc3\xa9\", " TAG, ETAG_MATCH, ETAG_MATCH},
        {"mod_deflate's suffix", "\"27e20196a850-gzip\"", ETAG_NO_MATCH, ETAG_MATCH},
        {"mod_brotli's suffix", "\"27e20196a850-br\"", ETAG_NO_MATCH, ETAG_MATCH},
        {"weak with suffix", "W/\"27e20196a850-gzip\"", ETAG_NO_MATCH, ETAG_MATCH},
        {"another suffix", "\"27e20196a850-zstd\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"the suffix twice", "\"27e20196a850-gzip-gzip\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"the suffix in upper case", "\"27e20196a850-GZIP\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"the suffix of our variant", "\"27e20196a850.gz\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"a beginning of ours", "\"27e20196\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"another case", "\"27E20196A850\"", ETAG_NO_MATCH, ETAG_NO_MATCH},
        {"malformed: no quotes", "27e20196a850", ETAG_INVALID, ETAG_INVALID},
        {"malformed: not closed", "\"27e20196a850", ETAG_INVALID, ETAG_INVALID},
        {"malformed: not opened", "27e20196a850\"", ETAG_INVALID, ETAG_INVALID},
        {"malformed: one quote", "\"", ETAG_INVALID, ETAG_INVALID},
        {"malformed: w/ is case-sensitive", "w/" TAG, ETAG_INVALID, ETAG_INVALID},
        {"malformed: W/ alone", "W/", ETAG_INVALID, ETAG_INVALID},
        {"malformed: a space behind W/", "W/ " TAG, ETAG_INVALID, ETAG_INVALID},
        {"malformed: no comma", TAG " " TAG, ETAG_INVALID, ETAG_INVALID},
        {"malformed: a space in a tag", "\"a b\", " TAG, ETAG_INVALID, ETAG_INVALID},
        {"malformed: a control byte in a tag", "\"a\tb\"", ETAG_INVALID, ETAG_INVALID},
        {"malformed: DEL in a tag", "\"a\x7f\"", ETAG_INVALID, ETAG_INVALID},
        {"malformed: junk behind ours", TAG ", junk", ETAG_INVALID, ETAG_INVALID},
        {"malformed: * in a list", "*, " TAG, ETAG_INVALID, ETAG_INVALID},
        {"malformed: ours, then *", TAG ", *", ETAG_INVALID, ETAG_INVALID},
        {"malformed: nothing but commas", ", ,", ETAG_INVALID, ETAG_INVALID},
        {"empty", "", ETAG_INVALID, ETAG_INVALID},
        {"spaces", "  ", ETAG_INVALID, ETAG_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum etag_verdict strong = etag_find(slice_of(rows[i].list), slice_of(TAG), ETAG_STRONG);
        enum etag_verdict weak = etag_find(slice_of(rows[i].list), slice_of(TAG), ETAG_WEAK);
        CHECK(rows[i].label, strong == rows[i].strong);
        CHECK(rows[i].label, weak == rows[i].weak);
    }
    check_end();
}

static void the_tag_of_a_variant_is_another_tag(void **state)
{
    struct slice brotli = slice_of("\"27e20196a850.br\"");
    (void)state;
    assert_int_equal(etag_find(slice_of("\"27e20196a850.br\""), brotli, ETAG_STRONG), ETAG_MATCH);
    assert_int_equal(etag_find(slice_of(TAG), brotli, ETAG_WEAK), ETAG_NO_MATCH);
    assert_int_equal(etag_find(slice_of("\"27e20196a850-br\""), brotli, ETAG_WEAK), ETAG_NO_MATCH);
    assert_int_equal(etag_find(slice_of("\"27e20196a850.br-gzip\""), brotli, ETAG_WEAK),
                     ETAG_MATCH);
}

static void a_list_of_ten_thousand_tags_is_searched_to_its_end(void **state)
{
    enum {
        TAGS = 10000,
        EACH = 8
    };
    char *list = malloc(TAGS * EACH + sizeof TAG);
    (void)state;
    assert_non_null(list);
    for (int i = 0; i < TAGS; i++) {
        memcpy(list + i * EACH, "\"other\",", EACH);
    }
    strcpy(list + TAGS * EACH, TAG);
    assert_int_equal(etag_find(slice_of(list), slice_of(TAG), ETAG_STRONG), ETAG_MATCH);
    list[TAGS * EACH] = '\0';
    assert_int_equal(etag_find(slice_of(list), slice_of(TAG), ETAG_STRONG), ETAG_NO_MATCH);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_searched_by_either_comparison),
        cmocka_unit_test(the_tag_of_a_variant_is_another_tag),
        cmocka_unit_test(a_list_of_ten_thousand_tags_is_searched_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
