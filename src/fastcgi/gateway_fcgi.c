#include "fastcgi/gateway_fcgi.h"

#include "base/log.h"
#include "fastcgi/intake.h"
#include "serve/deliver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
static size_t write_record(struct error *fault, unsigned char *buffer, size_t len,
                           const struct gateway_fcgi_rest *rest)
{
    if (len > 0) { /* an empty one would end the stream */
        record_stdout(buffer, rest->request_id, len);
        len += RECORD_HEADER;
    }
    len += write_fault(buffer + len, rest->request_id, fault);
    if (rest->body.length == 0) {
        record_end(buffer + len, rest->request_id);
        len += RECORD_END;
    }
    return len;
}

void gateway_fcgi_drop(struct gateway_fcgi_rest *rest)
{
    if (rest->body.fd >= 0) {
        close(rest->body.fd);
    }
    free(rest->parts);
    rest->parts = NULL;
    rest->body = (struct body){.fd = -1};
}

/* Moves what the buffer does not hold yet out of the answer. False when there is no memory. */
static bool take_body(struct gateway_fcgi_rest *rest, struct answer *answer)
{
    if (answer->body.fd < 0 || answer->body.length == 0) {
        return true;
    }
    rest->body = answer->body;
    if (answer->body.parts) {
        rest->parts = malloc(sizeof *rest->parts);
        if (!rest->parts) {
            rest->body = (struct body){.fd = -1};
            return false;
        }
        *rest->parts = answer->parts;
        rest->body.parts = rest->parts;
    }
    answer->body.fd = -1;
    return true;
}

size_t gateway_fcgi_answer(const unsigned char *head, size_t head_len,
                           const struct site_source *source, struct request_front front,
                           unsigned char buffer[GATEWAY_FCGI_BUFFER],
                           struct gateway_fcgi_rest *rest)
{
    struct intake intake;
    struct request request;
    struct answer answer;
    *rest = (struct gateway_fcgi_rest){.body = {.fd = -1}};
    if (intake_take(&intake, head, head_len) != 0) {
        return 0;
    }
    rest->request_id = intake_id(&intake);
    rest->keep = intake_keeps(&intake);
    struct request_source variables = intake_source(&intake);
    variables.front = front;
    request_read(&request, &variables);
    struct site *site = source->current(source->context);
    answer_make(&answer, site, &request, time(NULL));
    site_release(site);
    size_t len = deliver_begin(&answer, (char *)buffer + RECORD_HEADER, RECORD_CONTENT_MAX);
    rest->status = answer.status;
    bool taken = take_body(rest, &answer);
    len = taken ? write_record(&answer.fault, buffer, len, rest) : 0;
    answer_close(&answer);
    intake_free(&intake);
    return len;
}

size_t gateway_fcgi_continue(struct gateway_fcgi_rest *rest,
                             unsigned char buffer[GATEWAY_FCGI_BUFFER])
{
    struct error fault = {.number = NO_DIAGNOSIS};
    ssize_t got =
        body_read(&rest->body, (char *)buffer + RECORD_HEADER, RECORD_CONTENT_MAX, &fault);
    if (got < 0) {
        rest->body.length = 0;
        got = 0;
    }
    return write_record(&fault, buffer, (size_t)got, rest);
}
