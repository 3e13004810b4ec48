/* Accept-Encoding. What is chosen is on offer and acceptable, and nothing acceptable weighs more.
 */
#include "fuzz.h"
#include "http/coding.h"

static void check_choice(const struct coding_weights *weights, const struct coding_offer *offer)
{
    enum coding chosen = coding_choose(weights, offer);
    for (int i = 0; i < CODING_COUNT; i++) {
        bool possible = offer->size[i] != CODING_ABSENT && weights->of[i] > 0;
        bool last_resort = i == CODING_IDENTITY && !weights->identity_listed;
        MUST(!possible || chosen != CODING_COUNT);
        MUST(!possible || last_resort || weights->of[chosen] >= weights->of[i]);
        MUST(!possible || last_resort || chosen != CODING_IDENTITY || weights->identity_listed);
    }
    if (chosen != CODING_COUNT) {
        MUST(offer->size[chosen] != CODING_ABSENT && weights->of[chosen] > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t sizes = fuzz_number(&data, &size);
    char *field = fuzz_copy(data, size);
    struct coding_weights weights = coding_weigh((struct slice){field, size});
    struct coding_offer offer;
    for (int i = 0; i < CODING_COUNT; i++) {
        uint64_t of_this = sizes >> 8 * i & 0xff;
        MUST(weights.of[i] >= 0 && weights.of[i] <= 1000);
        offer.size[i] = of_this == 0xff ? CODING_ABSENT : of_this;
    }
    check_choice(&weights, &offer);
    free(field);
    return 0;
}
