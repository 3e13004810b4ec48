#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    CAUSES = 256,
    QUIET = 60000, /* milliseconds */
    NUMBERS = 128,
    LINES_OF_A_NUMBER = 10, /* in that time, whatever their causes */
    DATE_SIZE = 24,
};

/* The causes written last, by hash; two causes that share a place merely forget each other. */
static struct {
    uint64_t hash;
    long long written;
} causes[CAUSES];

/* A client can name causes without end, so lines are counted by their number too. */
static struct {
    long long since;
    int lines;
} numbers[NUMBERS];
static const char *log_path; /* NULL: stderr as it came */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t cause_hash(const struct error *error)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)error->number;
    for (const char *c = error->text; *c; c++) {
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    }
    return hash;
}

static bool is_new_cause(uint64_t hash, long long now)
{
    size_t place = hash % CAUSES;
    if (causes[place].hash == hash && now - causes[place].written < QUIET) {
        return false;
    }
    causes[place].hash = hash;
    causes[place].written = now;
    return true;
}

static bool number_has_lines_left(enum diagnosis number, long long now)
{
    size_t place = (size_t)number % NUMBERS;
    if (now - numbers[place].since >= QUIET) {
        numbers[place].since = now;
        numbers[place].lines = 0;
    }
    return numbers[place].lines++ < LINES_OF_A_NUMBER;
}

bool log_due(const struct error *error)
{
    uint64_t hash = cause_hash(error);
    long long now = clock_now();
    pthread_mutex_lock(&lock);
    bool due = is_new_cause(hash, now) && number_has_lines_left(error->number, now);
    pthread_mutex_unlock(&lock);
    return due;
}

size_t log_format(const struct error *error, char line[LOG_LINE_MAX])
{
    int length =
        snprintf(line, LOG_LINE_MAX, "handback: HB%04d: %s\n", (int)error->number, error->text);
    return length > 0 ? (size_t)length : 0;
}

/* Where nobody else dates the lines. */
static size_t format_date(char *date, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    if (!log_path || !gmtime_r(&now, &utc)) {
        return 0;
    }
    /* strftime would bring locales and time zones into the static CGI. */
    int len = snprintf(date, size, "%04d-%02d-%02dT%02d:%02d:%02dZ ", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    return len > 0 && (size_t)len < size ? (size_t)len : 0;
}

void log_always(const struct error *error)
{
    char line[DATE_SIZE + LOG_LINE_MAX];
    size_t len = format_date(line, DATE_SIZE);
    len += log_format(error, line + len);
    /* Nobody is left to be told when stderr itself fails. */
    ssize_t ignored = write(STDERR_FILENO, line, len);
    (void)ignored;
}

void log_error(const struct error *error)
{
    if (log_due(error)) {
        log_always(error);
    }
}

static int redirect_to(const char *path, struct error *error)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0) {
        return error_set(error, HB_LOG_CLOSED, "the log %s cannot be opened: %s", path,
                         strerror(errno));
    }
    dup2(fd, STDERR_FILENO);
    close(fd);
    return 0;
}

int log_open(const char *path, struct error *error)
{
    if (redirect_to(path, error) != 0) {
        return -1;
    }
    log_path = path;
    return 0;
}

void log_reopen(void)
{
    struct error error;
    if (log_path && redirect_to(log_path, &error) != 0) {
        log_always(&error);
    }
}
