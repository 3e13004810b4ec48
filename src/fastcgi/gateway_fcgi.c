#include "fastcgi/gateway_fcgi.h"

#include "base/log.h"
#include "fastcgi/intake.h"
#include "serve/deliver.h"

#include <string.h>
#include <time.h>

_Static_assert(LOG_LINE_MAX <= 1024, "a diagnosis fits before the first record");

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

/* Head and as much of the body as fits into one record. */
static ssize_t write_first_record(struct answer *answer, unsigned char *buffer, unsigned id)
{
    char *content = (char *)buffer + RECORD_HEADER;
    size_t len = deliver_head(answer, content);
    if (answer->fd >= 0) {
        ssize_t got = deliver_read(answer, content + len, RECORD_CONTENT_MAX - len);
        if (got < 0) {
            return -1;
        }
        len += (size_t)got;
    }
    record_stdout(buffer, id, len);
    return (ssize_t)(RECORD_HEADER + len);
}

static ssize_t write_answer(struct answer *answer, unsigned char *buffer,
                            struct gateway_fcgi_rest *rest)
{
    size_t len = write_fault(buffer, rest->request_id, &answer->fault);
    ssize_t first = write_first_record(answer, buffer + len, rest->request_id);
    if (first < 0) {
        log_error(&answer->fault);
        return -1;
    }
    len += (size_t)first;
    rest->offset = answer->offset;
    rest->length = answer->fd >= 0 ? answer->length : 0;
    if (rest->length > 0) {
        rest->file = answer->fd;
        answer->fd = -1;
        return (ssize_t)len;
    }
    record_end(buffer + len, rest->request_id);
    return (ssize_t)len + RECORD_END;
}

ssize_t gateway_fcgi_answer(int fd, bool body, const struct site_source *source,
                            unsigned char buffer[GATEWAY_FCGI_BUFFER],
                            struct gateway_fcgi_rest *rest)
{
    struct intake intake;
    struct request request;
    struct answer answer;
    *rest = (struct gateway_fcgi_rest){.file = -1};
    if (intake_take(&intake, fd, body) != 0) {
        return 0;
    }
    rest->request_id = intake_id(&intake);
    rest->keep = intake_keeps(&intake);
    struct request_source variables = intake_source(&intake);
    request_read(&request, &variables);
    struct site *site = source->current(source->context);
    answer_make(&answer, site, &request, time(NULL));
    site_release(site);
    ssize_t len = write_answer(&answer, buffer, rest);
    answer_close(&answer);
    intake_free(&intake);
    return len;
}

ssize_t gateway_fcgi_continue(struct gateway_fcgi_rest *rest,
                              unsigned char buffer[GATEWAY_FCGI_BUFFER])
{
    struct answer answer = {.fd = rest->file, .offset = rest->offset, .length = rest->length};
    ssize_t got = deliver_read(&answer, buffer + RECORD_HEADER, RECORD_CONTENT_MAX);
    if (got < 0) {
        log_error(&answer.fault);
        return -1;
    }
    rest->offset = answer.offset;
    rest->length = answer.length;
    record_stdout(buffer, rest->request_id, (size_t)got);
    size_t len = RECORD_HEADER + (size_t)got;
    if (rest->length == 0) {
        record_end(buffer + len, rest->request_id);
        len += RECORD_END;
    }
    return (ssize_t)len;
}
