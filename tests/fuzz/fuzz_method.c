/* A method name. What is served is what Allow says, and nothing that differs by a letter. */
#include "fuzz.h"
#include "http/head.h"
#include "http/method.h"

static bool is_allowed(struct slice name)
{
    for (struct slice rest = slice_of(METHOD_ALLOWED); rest.at;) {
        if (slice_equal(slice_trim(slice_cut(&rest, ',')), name)) {
            return true;
        }
    }
    return false;
}

/* Names that are longer by a byte, shorter by one, or have one letter in the other case. */
static void check_neighbours(struct slice name)
{
    char other[16];
    MUST(name.len + 1 < sizeof other);
    memcpy(other, name.at, name.len);
    for (size_t i = 0; i < name.len; i++) {
        other[i] ^= 0x20;
        MUST(method_parse((struct slice){other, name.len}) == METHOD_UNKNOWN);
        other[i] ^= 0x20;
    }
    other[name.len] = '\0';
    MUST(method_parse((struct slice){other, name.len + 1}) == METHOD_UNKNOWN);
    MUST(method_parse((struct slice){other, name.len - 1}) == METHOD_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct slice name = {copy, size};
    enum method method = method_parse(name);
    MUST(is_allowed(name) == (method != METHOD_REFUSED && method != METHOD_UNKNOWN));
    if (method != METHOD_UNKNOWN) {
        MUST(head_is_token(name));
        check_neighbours(name);
    }
    free(copy);
    return 0;
}
