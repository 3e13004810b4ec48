/* The beginning of a FastCGI connection, and the answer to a management record. The verdict on a
 * beginning is INCOMPLETE, then perhaps HEAD, until it is the verdict on the whole. */
#include "fastcgi/management.h"
#include "fastcgi/peek.h"
#include "fastcgi/record.h"
#include "fuzz.h"

static enum peek_verdict judge(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    size_t head = 0;
    enum peek_verdict verdict = peek_judge((unsigned char *)copy, size, &head);
    free(copy);
    MUST((verdict != PEEK_MANAGEMENT && verdict != PEEK_ABORT && verdict != PEEK_OTHER_ROLE) ||
         (head >= 8 && head <= size && head <= 8 + 65535 + 255));
    MUST((verdict != PEEK_HEAD && verdict != PEEK_REQUEST && verdict != PEEK_BODY) ||
         (head >= 16 && head <= size && head <= PEEK_HEAD_MAX + 8 + 255));
    return verdict;
}

static struct site *no_site(void *context)
{
    (void)context;
    return NULL;
}

/* In place, as on a connection; the result is a record whose length is that of the answer. */
static void answer_management(const uint8_t *data, size_t size)
{
    static struct scoreboard *board;
    static unsigned char buffer[RECORD_HEADER + 65535 + 255];
    const struct site_source source = {.current = no_site};
    board = board ? board : scoreboard_make();
    MUST(board && size <= sizeof buffer);
    memcpy(buffer, data, size);
    size_t len = management_answer(buffer, buffer, board, &source);
    MUST(len == 0 || (len >= RECORD_HEADER && buffer[0] == 1 && buffer[1] >= 10 &&
                      len == RECORD_HEADER + (size_t)(buffer[4] << 8 | buffer[5])));
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
    if (whole == PEEK_MANAGEMENT) {
        answer_management(data, RECORD_HEADER + (size_t)(data[4] << 8 | data[5]));
    }
    MUST(size < 16 || whole == PEEK_INCOMPLETE || whole == PEEK_INVALID || data[0] == 1);
    MUST(size >= 24 || (whole != PEEK_HEAD && whole != PEEK_REQUEST && whole != PEEK_BODY));
    return 0;
}
