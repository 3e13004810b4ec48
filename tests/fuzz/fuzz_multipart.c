/* A size, a seed, a media type on a line of its own and a Range field. The body is as long as was
 * said, and a client that reads it finds the parts that were asked for. */
#include "fuzz.h"
#include "http/head.h"
#include "http/multipart.h"

#include <inttypes.h>

/* Takes what is expected off the front. */
static void take(const char **text, const char *expected)
{
    MUST(strncmp(*text, expected, strlen(expected)) == 0);
    *text += strlen(expected);
}

static uint64_t take_number(const char **text)
{
    MUST(**text >= '0' && **text <= '9');
    return strtoull(*text, (char **)(uintptr_t)text, 10);
}

/* Reads one delimiter as a client does. Returns the length of the part behind it. */
static uint64_t check_part(const struct multipart *multipart, unsigned part, const char *text)
{
    const struct range *range = &multipart->ranges.part[part];
    take(&text, part == 0 ? "--" : "\r\n--");
    take(&text, multipart->boundary);
    take(&text, "\r\nContent-Type: ");
    take(&text, multipart->type);
    take(&text, "\r\nContent-Range: bytes ");
    uint64_t first = take_number(&text);
    take(&text, "-");
    uint64_t last = take_number(&text);
    take(&text, "/");
    MUST(take_number(&text) == multipart->size);
    MUST(strcmp(text, "\r\n\r\n") == 0);
    MUST(first <= last && last < multipart->size);
    MUST(first == range->first && last - first + 1 == range->length);
    return last - first + 1;
}

static void check_body(const struct multipart *multipart)
{
    char text[MULTIPART_TEXT_SIZE];
    uint64_t length = 0, parts = 0;
    for (unsigned part = 0; part < multipart->ranges.count; part++) {
        size_t delimiter = multipart_delimiter(multipart, part, text);
        MUST(delimiter == strlen(text));
        parts += check_part(multipart, part, text);
        length += delimiter;
    }
    length += multipart_delimiter(multipart, multipart->ranges.count, text);
    const char *end = text;
    take(&end, "\r\n--");
    take(&end, multipart->boundary);
    MUST(strcmp(end, "--\r\n") == 0);
    MUST(parts <= multipart->size);
    MUST(multipart_length(multipart) == length + parts);
}

static void check_content_type(const struct multipart *multipart, uint64_t seed)
{
    char text[MULTIPART_TEXT_SIZE];
    const char *rest = text;
    char *end;
    multipart_content_type(multipart, text);
    take(&rest, "multipart/byteranges; boundary=");
    MUST(strcmp(rest, multipart->boundary) == 0);
    MUST(strlen(rest) == 16 && strspn(rest, "0123456789abcdef") == 16);
    MUST(strtoull(rest, &end, 16) == seed && *end == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t of_file = fuzz_number(&data, &size) & INT64_MAX, seed = fuzz_number(&data, &size);
    char *rest = fuzz_copy(data, size);
    struct slice field = {rest, size}, type = slice_cut(&field, '\n');
    struct range_set ranges;
    struct multipart multipart;
    if (range_parse(field, of_file, &ranges) == RANGE_PARTS) {
        bool made = multipart_make(&multipart, &ranges, of_file, type, seed);
        MUST(made == (type.len < MULTIPART_TYPE_SIZE && head_is_value(type)));
        if (made) {
            check_body(&multipart);
            check_content_type(&multipart, seed);
        }
    }
    free(rest);
    return 0;
}
