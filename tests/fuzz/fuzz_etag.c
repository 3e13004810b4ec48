/* A list of entity tags. A strong match is a weak one too, and a match means the tag is there. */
#include "fuzz.h"
#include "http/etag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char tag[] = "\"27e20196a850\"";
    char *list = fuzz_copy(data, size);
    struct slice slice = {list, size}, ours = slice_of(tag);
    enum etag_verdict strong = etag_find(slice, ours, ETAG_STRONG);
    enum etag_verdict weak = etag_find(slice, ours, ETAG_WEAK);
    MUST((strong == ETAG_INVALID) == (weak == ETAG_INVALID));
    MUST((strong == ETAG_ANY) == (weak == ETAG_ANY));
    MUST(strong != ETAG_MATCH || (weak == ETAG_MATCH && memmem(list, size, tag, strlen(tag))));
    MUST(weak != ETAG_MATCH || memmem(list, size, tag, strlen(tag) - 1));
    free(list);
    return 0;
}
