/* A file name. A browser that reads the field finds the name again, and a fallback beside it that
 * holds nothing it could take for an encoding. */
#include "fuzz.h"
#include "http/disposition.h"

#include <ctype.h>
#include <limits.h>

/* What a browser reads. */
struct saved {
    bool named, extended;
    size_t len;
    char fallback[DISPOSITION_SIZE], name[DISPOSITION_SIZE];
};

static bool starts(const char **text, const char *expected)
{
    size_t len = strlen(expected);
    bool does = strncmp(*text, expected, len) == 0;
    *text += does ? len : 0;
    return does;
}

static void read_quoted(const char **text, char *to)
{
    for (; **text != '"'; (*text)++) {
        MUST(**text >= ' ' && **text <= '~' && **text != '\\');
        *to++ = **text;
    }
    (*text)++;
    *to = '\0';
}

static size_t read_extended(const char **text, char *to)
{
    size_t len = 0;
    for (; **text; len++) {
        unsigned byte;
        if (**text != '%') {
            MUST(isalnum(**text) || strchr("!#$&+-.^_`|~", **text));
            to[len] = *(*text)++;
            continue;
        }
        MUST(isxdigit((*text)[1]) && isxdigit((*text)[2]));
        MUST(sscanf(*text, "%%%2x", &byte) == 1);
        to[len] = (char)byte;
        *text += 3;
    }
    return len;
}

static void read_field(const char *text, struct saved *saved)
{
    *saved = (struct saved){.named = false};
    MUST(starts(&text, "attachment"));
    saved->named = starts(&text, "; filename=\"");
    if (saved->named) {
        read_quoted(&text, saved->fallback);
    }
    saved->extended = saved->named && starts(&text, "; filename*=UTF-8''");
    if (saved->extended) {
        saved->len = read_extended(&text, saved->name);
    }
    MUST(*text == '\0');
}

static bool is_ambiguous(const char *text)
{
    for (const char *at = strchr(text, '%'); at; at = strchr(at + 1, '%')) {
        if (isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2])) {
            return true;
        }
    }
    return false;
}

/* The length of the character in front, by its number: 0 when it is none (RFC 3629). */
static size_t character(struct slice text)
{
    static const unsigned long smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned first = (unsigned char)text.at[0];
    size_t len = 0;
    while (len < 5 && first & 0x80u >> len) {
        len++;
    }
    if (len == 0) {
        return 1;
    }
    unsigned long number = first & 0x7fu >> len;
    for (size_t i = 1; i < len && i < text.len; i++) {
        unsigned next = (unsigned char)text.at[i];
        number = next >> 6 == 2 ? number << 6 | (next & 0x3f) : ULONG_MAX >> 8;
    }
    bool good = len >= 2 && len <= 4 && len <= text.len && number >= smallest[len] &&
                number <= 0x10ffff && !(number >= 0xd800 && number <= 0xdfff);
    return good ? len : 0;
}

/* The fallback is the name, character by character, but for what had to be replaced. Returns
 * whether the name is UTF-8. */
static bool check_fallback(struct slice name, const char *fallback)
{
    bool utf8 = true;
    for (; name.len > 0; fallback++) {
        size_t len = character(name);
        bool ascii = (unsigned char)name.at[0] < 0x80;
        MUST(*fallback == '_' || (ascii && *fallback == name.at[0]));
        MUST(*fallback == name.at[0] || !ascii || strchr("%\"\\", name.at[0]));
        utf8 = utf8 && len > 0;
        name = slice_from(name, len > 0 ? len : 1);
    }
    MUST(*fallback == '\0');
    return utf8;
}

static bool holds_control(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.at[i] < ' ' || name.at[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static void check(struct slice name, const struct saved *saved)
{
    if (!saved->named) {
        MUST(name.len == 0 || holds_control(name) || name.len > 255);
        return;
    }
    MUST(name.len > 0 && !holds_control(name) && !is_ambiguous(saved->fallback));
    bool utf8 = check_fallback(name, saved->fallback);
    bool same = slice_equal(slice_of(saved->fallback), name);
    MUST(saved->extended == (utf8 && !same));
    MUST(!saved->extended || slice_equal((struct slice){saved->name, saved->len}, name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct saved saved;
    static char text[DISPOSITION_SIZE];
    char *copy = fuzz_copy(data, size);
    struct slice name = {copy, size};
    disposition_attachment(name, text);
    read_field(text, &saved);
    check(name, &saved);
    free(copy);
    return 0;
}
