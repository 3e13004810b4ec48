#include "fastcgi/status_ask.h"

#include "base/clock.h"
#include "base/slice.h"
#include "fastcgi/address.h"
#include "fastcgi/pair.h"
#include "fastcgi/record.h"
#include "fastcgi/status.h"

#include <errno.h>
#include <fastcgi.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PATIENCE = 5 /* seconds */
};

static int fail(const char *where, const char *why, struct error *error)
{
    return error_set(error, HB_NO_STATUS, "no status from %s: %s", where, why);
}

/* Reads all of it; NULL, or what went wrong. A peer that sends byte by byte gains no time. */
static const char *read_all(int fd, unsigned char *bytes, size_t len, long long end)
{
    for (size_t got = 0; got < len;) {
        if (clock_now() >= end) {
            return "it does not answer";
        }
        ssize_t n = recv(fd, bytes + got, len - got, 0);
        if (n == 0) {
            return "it closed the connection, and is perhaps no handback";
        }
        if (n < 0 && errno != EINTR) {
            return "it does not answer";
        }
        got += n > 0 ? (size_t)n : 0;
    }
    return NULL;
}

static const char *exchange(int fd, unsigned char *record)
{
    long long end = clock_now() + PATIENCE * 1000LL;
    size_t len =
        pair_write(record + RECORD_HEADER, RECORD_CONTENT_MAX, slice_of(STATUS_NAME), slice_of(""));
    record_header(record, FCGI_GET_VALUES, FCGI_NULL_REQUEST_ID, len);
    len += RECORD_HEADER;
    if (send(fd, record, len, MSG_NOSIGNAL) != (ssize_t)len) {
        return strerror(errno);
    }
    const char *fault = read_all(fd, record, RECORD_HEADER, end);
    if (fault) {
        return fault;
    }
    if (record[0] != FCGI_VERSION_1 || record[1] != FCGI_GET_VALUES_RESULT) {
        return "it is no handback";
    }
    len = (size_t)(record[4] << 8 | record[5]);
    return read_all(fd, record + RECORD_HEADER, len, end);
}

/* The value in the record, or absent. */
static struct slice find_status(const unsigned char *record)
{
    struct slice rest = {(const char *)record + RECORD_HEADER,
                         (size_t)(record[4] << 8 | record[5])};
    struct slice name, value;
    while (rest.len > 0 && pair_cut(&rest, &name, &value)) {
        if (slice_equal(name, slice_of(STATUS_NAME))) {
            return value;
        }
    }
    return (struct slice){0};
}

long status_ask(const char *where, char text[STATUS_ASK_SIZE], struct error *error)
{
    unsigned char record[RECORD_HEADER + UINT16_MAX];
    char named[4096];
    struct address address;
    snprintf(named, sizeof named, "%s%s", *where == '/' ? "unix:" : "", where);
    const char *fault = address_read(named, &address);
    if (fault) {
        return fail(where, fault, error);
    }
    int fd = address_connect(&address, PATIENCE);
    if (fd < 0) {
        return fail(where, strerror(errno), error);
    }
    fault = exchange(fd, record);
    close(fd);
    if (fault) {
        return fail(where, fault, error);
    }
    struct slice status = find_status(record);
    if (status.len == 0 || !slice_copy(status, text, STATUS_ASK_SIZE)) {
        return fail(where, "it is no handback, or another version", error);
    }
    return (long)status.len;
}
