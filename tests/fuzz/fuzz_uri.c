/* Bytes as a path and as a query. Decoded they come back, and a path means to the reader of targets
 * what it meant before. */
#include "fuzz.h"
#include "http/path.h"
#include "http/uri.h"

#include <ctype.h>

enum {
    TEXT_SIZE = 16384
};

static unsigned hex(char c)
{
    MUST((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
    return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* The byte that the text begins with; moves behind it. */
static char decode(const char **text)
{
    const char *at = *text;
    MUST(*at > ' ' && *at < 0x7f);
    *text += *at == '%' ? 3 : 1;
    return *at == '%' ? (char)(hex(at[1]) << 4 | hex(at[2])) : *at;
}

static void check_same_path(struct slice raw, const char *encoded)
{
    static char decoded[PATH_SIZE], target[TEXT_SIZE + 1];
    static struct path a, b;
    if (raw.len + 2 > sizeof decoded) {
        return;
    }
    snprintf(target, sizeof target, "/%s", encoded);
    decoded[0] = '/';
    memcpy(decoded + 1, raw.at, raw.len);
    enum path_verdict verdict = path_resolve(slice_of(target), &a);
    MUST(verdict == path_resolve_decoded((struct slice){decoded, raw.len + 1}, &b));
    MUST(verdict != PATH_OK || (strcmp(a.text, b.text) == 0 && a.directory == b.directory));
}

static void check_path(struct slice raw)
{
    static char text[TEXT_SIZE];
    const char *rest = text;
    if (!uri_encode_path(raw, text, sizeof text)) {
        MUST(text[0] == '\0' && raw.len * 3 >= sizeof text);
        return;
    }
    MUST(!strpbrk(text, ":?#&;\"'\\"));
    for (size_t i = 0; i < raw.len; i++) {
        bool stays = isalnum((unsigned char)raw.at[i]) || (raw.at[i] && strchr("-._~/", raw.at[i]));
        MUST((*rest != '%') == stays);
        MUST(decode(&rest) == raw.at[i]);
    }
    MUST(*rest == '\0');
    check_same_path(raw, text);
}

static void check_query(struct slice raw)
{
    static char text[TEXT_SIZE], again[TEXT_SIZE];
    const char *rest = text;
    if (!uri_encode_query(raw, text, sizeof text)) {
        MUST(text[0] == '\0' && raw.len * 3 >= sizeof text);
        return;
    }
    for (size_t i = 0; i < raw.len; i++) {
        bool stays = raw.at[i] > ' ' && raw.at[i] < 0x7f && raw.at[i] != '#';
        MUST((stays ? *rest++ : decode(&rest)) == raw.at[i]);
    }
    MUST(*rest == '\0');
    MUST(uri_encode_query(slice_of(text), again, sizeof again) && strcmp(again, text) == 0);
}

/* A buffer that is just large enough, and one that is not. */
static void check_exact(struct slice raw, bool (*encode)(struct slice, char *, size_t))
{
    static char text[TEXT_SIZE];
    if (!encode(raw, text, sizeof text)) {
        return;
    }
    size_t needed = strlen(text) + 1;
    char *exact = fuzz_copy((const uint8_t *)text, needed);
    MUST(!encode(raw, exact, needed - 1));
    MUST(needed == 1 || exact[0] == '\0');
    MUST(encode(raw, exact, needed) && strcmp(exact, text) == 0);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct slice raw = {copy, size};
    check_path(raw);
    check_query(raw);
    check_exact(raw, uri_encode_path);
    check_exact(raw, uri_encode_query);
    free(copy);
    return 0;
}
