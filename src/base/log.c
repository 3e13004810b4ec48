#include "base/log.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    CAUSES = 256,
    QUIET_SECONDS = 60,
    NUMBERS = 128,
    LINES_OF_A_NUMBER = 10, /* in that time, whatever their causes */
};

/* The causes written last, by hash; two causes that share a place merely forget each other. */
static struct {
    uint64_t hash;
    time_t written;
} causes[CAUSES];

/* A client can name causes without end, so lines are counted by their number too. */
static struct {
    time_t since;
    int lines;
} numbers[NUMBERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t cause_hash(const struct error *error)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)error->number;
    for (const char *c = error->text; *c; c++) {
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    }
    return hash;
}

static time_t seconds_since_boot(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool is_new_cause(uint64_t hash, time_t now)
{
    size_t place = hash % CAUSES;
    if (causes[place].hash == hash && now - causes[place].written < QUIET_SECONDS) {
        return false;
    }
    causes[place].hash = hash;
    causes[place].written = now;
    return true;
}

static bool number_has_lines_left(enum diagnosis number, time_t now)
{
    size_t place = (size_t)number % NUMBERS;
    if (now - numbers[place].since >= QUIET_SECONDS) {
        numbers[place].since = now;
        numbers[place].lines = 0;
    }
    return numbers[place].lines++ < LINES_OF_A_NUMBER;
}

bool log_due(const struct error *error)
{
    uint64_t hash = cause_hash(error);
    time_t now = seconds_since_boot();
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

void log_always(const struct error *error)
{
    char line[LOG_LINE_MAX];
    /* Nobody is left to be told when stderr itself fails. */
    ssize_t ignored = write(STDERR_FILENO, line, log_format(error, line));
    (void)ignored;
}

void log_error(const struct error *error)
{
    if (log_due(error)) {
        log_always(error);
    }
}
