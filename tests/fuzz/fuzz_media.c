/* The key of a setting on a line of its own and a file name. A type can stand in a header field; it
 * is the one of the last segment, and the case of an extension does not change it. */
#include "fuzz.h"
#include "http/head.h"
#include "http/media.h"

static void check_type(struct slice name)
{
    const char *type = media_type(name);
    struct slice major = slice_of(type), minor = major;
    major = slice_cut(&minor, '/');
    MUST(head_is_token(major) && head_is_token(minor));
    MUST(media_has_charset(slice_of(type)) == slice_equal(major, slice_of("text")));
    char *below = malloc(name.len + 9);
    MUST(below);
    memcpy(below, "a.css/b/", 8);
    if (name.len > 0) {
        memcpy(below + 8, name.at, name.len);
    }
    MUST(media_type((struct slice){below, name.len + 8}) == type);
    free(below);
}

/* "x" before the name makes it none of the whole names. */
static void check_case(struct slice name)
{
    char *other = malloc(name.len + 1);
    MUST(other);
    other[0] = 'x';
    for (size_t i = 0; i < name.len; i++) {
        other[i + 1] = name.at[i];
    }
    const char *type = media_type((struct slice){other, name.len + 1});
    for (size_t i = 1; i <= name.len; i++) {
        char letter = (char)(other[i] | 0x20);
        other[i] ^= letter >= 'a' && letter <= 'z' ? 0x20 : 0;
    }
    MUST(media_type((struct slice){other, name.len + 1}) == type);
    free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct slice name = {copy, size}, key = slice_cut(&name, '\n');
    check_type(name);
    check_type(key);
    if (!memchr(copy, '/', size)) {
        check_case(name);
    }
    if (media_key_matches(key, name)) {
        MUST(key.len > 0 && slice_ends(name, key) && !memchr(key.at, '/', key.len));
        MUST(key.at[0] == '.' || key.len == name.len || name.at[name.len - key.len - 1] == '/');
    }
    if (media_is_active(key)) {
        MUST(slice_ends(key, slice_of("+xml")) || memchr(key.at, '/', key.len));
    }
    free(copy);
    return 0;
}
