/* What the tables of the unit tests share. Every row has a label; a row that does not hold is
 * printed with it and the table goes on, so that one run shows every row that fails. */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static unsigned check_failures;

#define CHECK(label, condition) check_row((label), (condition), #condition, __LINE__)

static inline bool check_row(const char *label, bool holds, const char *condition, int line)
{
    if (!holds) {
        print_error("[%s] line %d: not so: %s\n", label, line, condition);
        check_failures++;
    }
    return holds;
}

/* Ends every table. */
static inline void check_end(void)
{
    unsigned failures = check_failures;
    check_failures = 0;
    if (failures > 0) {
        fail_msg("%u checks do not hold", failures);
    }
}

#endif
