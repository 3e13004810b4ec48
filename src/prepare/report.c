#include "prepare/report.h"

#include "base/log.h"

struct report report_make(apr_pool_t *pool)
{
    return (struct report){.fault = apr_array_make(pool, 4, sizeof(struct error)),
                           .htaccess = apr_array_make(pool, 2, sizeof(struct report_htaccess)),
                           .beside = apr_array_make(pool, 1, sizeof(struct report_beside))};
}

void report_logged(struct report *report, const struct error *error)
{
    report->faults++;
    if (report->fault->nelts < REPORT_FAULTS_MAX) {
        *(struct error *)apr_array_push(report->fault) = *error;
    }
}

void report_fault(struct report *report, const struct error *error)
{
    report_logged(report, error);
    log_error(error);
}
