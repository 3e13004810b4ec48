/* Diagnoses on their way to the operator: `handback: HB0042: what happened: what to do`. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    LOG_LINE_MAX = 520
};

/* Whether this diagnosis may be written now: a line once a minute for each number and text, and ten
 * lines a minute for a number, so that neither load nor a client floods a log. Asking counts as
 * writing. Safe from every thread. */
bool log_due(const struct error *error);

/* Writes the whole line with its newline into `line`; returns its length without the NUL. */
size_t log_format(const struct error *error, char line[LOG_LINE_MAX]);

/* Writes the line to stderr in one write(2), when it is due. */
void log_error(const struct error *error);

/* The same in any case: the answer to what the operator has just done. */
void log_always(const struct error *error);

/* From now on lines go to the end of this file (made with mode 0640) instead of stderr, dated, in
 * this process and those that it forks. The path is kept. Before other threads begin, and with a
 * stderr that is open. Returns 0, or -1 with HB0072. */
int log_open(const char *path, struct error *error);

/* Opens that file again, which somebody may have renamed; when it cannot, that is written to the
 * old one. Does nothing without log_open. */
void log_reopen(void);

#endif
