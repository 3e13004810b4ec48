/* The beginning of a FastCGI connection. The verdict on a beginning is INCOMPLETE, then perhaps
 * HEAD, until it is the verdict on the whole. */
#include "fastcgi/peek.h"
#include "fuzz.h"

static enum peek_verdict judge(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    size_t head = 0;
    enum peek_verdict verdict = peek_judge((unsigned char *)copy, size, &head);
    free(copy);
    MUST((verdict != PEEK_HEAD && verdict != PEEK_REQUEST && verdict != PEEK_BODY) ||
         (head >= 16 && head <= size && head <= PEEK_HEAD_MAX + 8 + 255));
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum peek_verdict whole = judge(data, size);
    /* Every beginning of a short input, some of a long one. */
    size_t step = size / 256 + 1;
    bool final = false, head = false;
    for (size_t len = 0; len < size; len += step) {
        enum peek_verdict verdict = judge(data, len);
        MUST(verdict == whole || (verdict == PEEK_HEAD && !final) ||
             (verdict == PEEK_INCOMPLETE && !final && !head));
        head = head || verdict == PEEK_HEAD;
        final = final || (verdict != PEEK_INCOMPLETE && verdict != PEEK_HEAD);
    }
    MUST(size < 16 || whole == PEEK_INCOMPLETE || whole == PEEK_INVALID || data[0] == 1);
    MUST(size >= 24 || whole == PEEK_INCOMPLETE || whole == PEEK_INVALID);
    return 0;
}
