#include "fastcgi/gateway_fcgi.h"

#include "base/log.h"
#include "fastcgi/intake.h"
#include "serve/deliver.h"

#include <string.h>
#include <time.h>

_Static_assert(LOG_LINE_MAX <= 1024, "a diagnosis fits behind a record");

/* Into the log of the site that was asked, which is where FCGI_STDERR ends. */
static size_t write_fault(unsigned char *buffer, unsigned id, const struct error *fault)
{
    char line[LOG_LINE_MAX];
    if (fault->number == NO_DIAGNOSIS || !log_due(fault)) {
        return 0;
    }
    size_t len = log_format(fault, line);
    record_stderr(buffer, id, len);
    memcpy(buffer + RECORD_HEADER, line, len);
    return RECORD_HEADER + len;
}

/* Makes a record of `len` bytes that stand behind the place of its header, and ends the request
 * behind the last one. */
static size_t write_record(struct answer *answer, unsigned char *buffer, size_t len,
                           struct gateway_fcgi_rest *rest)
{
    if (len > 0) { /* an empty one would end the stream */
        record_stdout(buffer, rest->request_id, len);
        len += RECORD_HEADER;
    }
    len += write_fault(buffer + len, rest->request_id, &answer->fault);
    answer->fault.number = NO_DIAGNOSIS;
    rest->offset = answer->offset;
    rest->length = answer->fd >= 0 ? answer->length : 0;
    if (rest->length == 0) {
        record_end(buffer + len, rest->request_id);
        len += RECORD_END;
    }
    return len;
}

size_t gateway_fcgi_answer(const unsigned char *head, size_t head_len,
                           const struct site_source *source,
                           unsigned char buffer[GATEWAY_FCGI_BUFFER],
                           struct gateway_fcgi_rest *rest)
{
    struct intake intake;
    struct request request;
    struct answer answer;
    *rest = (struct gateway_fcgi_rest){.file = -1};
    if (intake_take(&intake, head, head_len) != 0) {
        return 0;
    }
    rest->request_id = intake_id(&intake);
    rest->keep = intake_keeps(&intake);
    struct request_source variables = intake_source(&intake);
    request_read(&request, &variables);
    struct site *site = source->current(source->context);
    answer_make(&answer, site, &request, time(NULL));
    site_release(site);
    size_t len = deliver_begin(&answer, (char *)buffer + RECORD_HEADER, RECORD_CONTENT_MAX);
    len = write_record(&answer, buffer, len, rest);
    rest->status = answer.status;
    if (rest->length > 0) {
        rest->file = answer.fd;
        answer.fd = -1;
    }
    answer_close(&answer);
    intake_free(&intake);
    return len;
}

size_t gateway_fcgi_continue(struct gateway_fcgi_rest *rest,
                             unsigned char buffer[GATEWAY_FCGI_BUFFER])
{
    struct answer answer = {.fd = rest->file, .offset = rest->offset, .length = rest->length};
    ssize_t got = deliver_read(&answer, (char *)buffer + RECORD_HEADER, RECORD_CONTENT_MAX);
    if (got < 0) {
        answer.length = 0;
        got = 0;
    }
    return write_record(&answer, buffer, (size_t)got, rest);
}
