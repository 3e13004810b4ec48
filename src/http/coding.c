#include "http/coding.h"

#include "http/field.h"
#include "http/head.h"

enum {
    WEIGHT_ONE = 1000,
    WEIGHT_BAD = -1,
    NOT_LISTED = -1
};

const struct coding_sibling coding_siblings[CODING_SIBLINGS] = {
    {CODING_BR, ".br"}, {CODING_ZSTD, ".zst"}, {CODING_ZSTD, ".zstd"}, {CODING_GZIP, ".gz"}};

const char *coding_name(enum coding coding)
{
    static const char *const names[CODING_COUNT] = {"br", "zstd", "gzip", NULL};
    return names[coding];
}

const char *coding_tag_suffix(enum coding coding)
{
    static const char *const suffixes[CODING_COUNT] = {".br", ".zst", ".gz", ""};
    return suffixes[coding];
}

/* qvalue = "0" ["." 0*3DIGIT] / "1" ["." 0*3"0"] (RFC 9110 12.4.2) */
static int parse_qvalue(struct slice text)
{
    if (text.len < 1 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1') ||
        (text.len > 1 && text.at[1] != '.')) {
        return WEIGHT_BAD;
    }
    int weight = (text.at[0] - '0') * WEIGHT_ONE;
    int unit = WEIGHT_ONE / 10;
    for (size_t i = 2; i < text.len; i++, unit /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return WEIGHT_BAD;
        }
        weight += (text.at[i] - '0') * unit;
    }
    return weight <= WEIGHT_ONE ? weight : WEIGHT_BAD;
}

static int parse_weight(struct slice parameter)
{
    struct slice value = slice_trim(parameter);
    struct slice name = slice_trim(slice_cut(&value, '='));
    if (!value.at || !slice_equal_nocase(name, "q")) {
        return WEIGHT_BAD;
    }
    return parse_qvalue(slice_trim(value));
}

/* CODING_COUNT for a coding that is not ours. */
static enum coding coding_of(struct slice name)
{
    if (slice_equal_nocase(name, "br")) {
        return CODING_BR;
    }
    if (slice_equal_nocase(name, "zstd")) {
        return CODING_ZSTD;
    }
    if (slice_equal_nocase(name, "gzip") || slice_equal_nocase(name, "x-gzip")) {
        return CODING_GZIP;
    }
    return slice_equal_nocase(name, "identity") ? CODING_IDENTITY : CODING_COUNT;
}

struct coding_weights coding_weigh(struct slice accept_encoding)
{
    int listed[CODING_COUNT] = {NOT_LISTED, NOT_LISTED, NOT_LISTED, NOT_LISTED};
    int any = NOT_LISTED;
    for (struct slice rest = accept_encoding; rest.at;) {
        struct slice parameter = slice_cut(&rest, ',');
        struct slice name = slice_trim(slice_cut(&parameter, ';'));
        int weight = parameter.at ? parse_weight(parameter) : WEIGHT_ONE;
        enum coding coding = coding_of(name);
        if (weight == WEIGHT_BAD) {
            continue;
        }
        if (slice_equal(name, slice_of("*"))) {
            any = weight;
        } else if (coding != CODING_COUNT) {
            listed[coding] = weight;
        }
    }
    struct coding_weights weights = {.identity_listed = listed[CODING_IDENTITY] != NOT_LISTED};
    for (int i = 0; i < CODING_IDENTITY; i++) {
        weights.of[i] = listed[i] != NOT_LISTED ? listed[i] : any != NOT_LISTED ? any : 0;
    }
    /* Identity is acceptable unless it is excluded by name or by "*;q=0" (RFC 9110 12.5.3). */
    weights.of[CODING_IDENTITY] = weights.identity_listed ? listed[CODING_IDENTITY]
                                  : any == 0              ? 0
                                                          : WEIGHT_ONE;
    return weights;
}

static bool is_better(const struct coding_weights *weights, const struct coding_offer *offer,
                      int coding, int than)
{
    if (weights->of[coding] != weights->of[than]) {
        return weights->of[coding] > weights->of[than];
    }
    return offer->size[coding] < offer->size[than];
}

enum coding coding_choose(const struct coding_weights *weights, const struct coding_offer *offer)
{
    int best = CODING_COUNT;
    for (int i = 0; i < CODING_COUNT; i++) {
        bool possible = offer->size[i] != CODING_ABSENT && weights->of[i] > 0;
        bool last_resort = i == CODING_IDENTITY && !weights->identity_listed;
        if (possible &&
            (best == CODING_COUNT || (!last_resort && is_better(weights, offer, i, best)))) {
            best = i;
        }
    }
    return (enum coding)best;
}

bool coding_is_header(struct slice name)
{
    return head_is_token(name) &&
           (!field_is_reserved(name) || slice_equal_nocase(name, "Content-Encoding"));
}
