/* What a prepare has done, or would do, and what it found wrong. */
#ifndef PREPARE_REPORT_H
#define PREPARE_REPORT_H

#include "base/error.h"

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    REPORT_FAULTS_MAX = 100 /* that are remembered; all are counted */
};

struct report_htaccess {
    const char *path;
    const char *text; /* as it is now, or would be */
    int level;
    bool changed;
};

/* A directory with a catalog of its own. */
struct report_beside {
    const char *path; /* of the catalog */
    bool changed;
    bool program; /* handback.cgi lies beside it */
};

struct report {
    const char *state;     /* the state directory */
    bool changed;          /* the catalog has other bytes than before */
    int releases;          /* that are kept */
    const char *published; /* the one published last; NULL: none */
    uint64_t kept;         /* files whose bytes are proven */
    uint64_t added;        /* of them new in the pool */
    uint64_t replaced;     /* of them put in place of what was no longer proven */
    uint64_t variants;     /* proven compressed copies */
    uint64_t variants_added;
    uint64_t gone; /* files of former releases that lie nowhere any more */
    const char *first_gone;
    uint64_t faults;
    apr_array_header_t *fault;    /* of struct error */
    apr_array_header_t *htaccess; /* of struct report_htaccess: those that are generated */
    apr_array_header_t *beside;   /* of struct report_beside */
};

struct report report_make(apr_pool_t *pool);

/* Counts and logs a fault. */
void report_fault(struct report *report, const struct error *error);

/* Counts one that has been logged already. */
void report_logged(struct report *report, const struct error *error);

#endif
