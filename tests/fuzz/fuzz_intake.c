/* A head that peek_judge finds whole is read by libfcgi as it was judged: every parameter, and no
 * other. */
#include "fastcgi/intake.h"
#include "fastcgi/pair.h"
#include "fastcgi/peek.h"
#include "fuzz.h"

/* The content of the FCGI_PARAMS records, in one piece. */
static size_t join_params(const uint8_t *head, size_t len, char *params)
{
    size_t joined = 0;
    for (size_t at = 0; at + 8 <= len;) {
        size_t content = (size_t)(head[at + 4] << 8 | head[at + 5]);
        if (head[at + 1] == 4) {
            memcpy(params + joined, head + at + 8, content);
            joined += content;
        }
        at += 8 + content + head[at + 6];
    }
    return joined;
}

static void compare(const uint8_t *head, size_t len)
{
    struct intake intake;
    MUST(intake_take(&intake, head, len) == 0);
    MUST(intake_id(&intake) == (unsigned)(head[2] << 8 | head[3]));
    MUST(intake_keeps(&intake) == (head[10] & 1));
    char *params = malloc(len + 1);
    struct slice rest = {params, join_params(head, len, params)}, name, value;
    char **variable = intake.request.envp;
    MUST(*variable && strcmp(*variable, "FCGI_ROLE=RESPONDER") == 0); /* libfcgi's own */
    variable++;
    while (pair_cut(&rest, &name, &value)) {
        MUST(*variable && strlen(*variable) == name.len + 1 + value.len);
        MUST(memcmp(*variable, name.at, name.len) == 0);
        MUST(memcmp(*variable + name.len + 1, value.at, value.len) == 0);
        variable++;
    }
    MUST(!*variable && rest.len == 0);
    free(params);
    intake_free(&intake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    ready = ready || intake_init() == 0;
    MUST(ready);
    char *copy = fuzz_copy(data, size);
    size_t head = 0;
    enum peek_verdict verdict = peek_judge((unsigned char *)copy, size, &head);
    free(copy);
    if (verdict == PEEK_HEAD || verdict == PEEK_REQUEST || verdict == PEEK_BODY) {
        compare(data, head);
    }
    return 0;
}
