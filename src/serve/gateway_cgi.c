#include "serve/gateway_cgi.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "serve/deliver.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CHUNK = 65536,
    DRAIN_BYTES = 16 << 20,
    DRAIN_SECONDS = 10, /* altogether */
};

/* Outside the stack, of whose frames every page is touched (-fstack-clash-protection): a process
 * pays for each page that it touches, and this one answers a single request. */
static char buffer[CHUNK];
static struct request request;
static struct answer answer;

static const char *variable(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

/* Reads a request body away, or the web server resets the connection before our answer is read.
 * Bounded: nobody keeps a process by sending for ever. */
static void drain_body(uint64_t length)
{
    uint64_t left = length < DRAIN_BYTES ? length : DRAIN_BYTES;
    long long end = left > 0 ? clock_date() + DRAIN_SECONDS : 0;
    while (left > 0 && clock_date() < end) {
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        if (poll(&input, 1, DRAIN_SECONDS * 1000) <= 0) {
            return;
        }
        ssize_t got =
            read(STDIN_FILENO, buffer, left < sizeof buffer ? (size_t)left : sizeof buffer);
        if (got <= 0) {
            return;
        }
        left -= (uint64_t)got;
    }
}

static int send_answer(void)
{
    ssize_t len = (ssize_t)deliver_begin(&answer, buffer, sizeof buffer);
    while (len > 0) {
        if (file_write(STDOUT_FILENO, buffer, (size_t)len) != 0) {
            return -1;
        }
        len = body_read(&answer.body, buffer, sizeof buffer, &answer.fault);
    }
    return (int)len;
}

int gateway_cgi_serve(const struct site *site)
{
    struct request_source source = {.variable = variable,
                                    .front = {.spawned = true, .same_user = true}};
    request_read(&request, &source);
    drain_body(request_body_length(&source));
    answer_make(&answer, site, &request, clock_date());
    int result = send_answer();
    if (answer.fault.number != NO_DIAGNOSIS) {
        log_error(&answer.fault);
    }
    answer_close(&answer);
    return result == 0 ? 0 : 1;
}
