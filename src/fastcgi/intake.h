/* Taking one request off a connection with libfcgi. Only a head that peek_judge has found whole may
 * be taken, so that nothing here waits. libfcgi is used for this and nowhere else. */
#ifndef FASTCGI_INTAKE_H
#define FASTCGI_INTAKE_H

#include "serve/request.h"

#include <fcgiapp.h>

struct intake {
    FCGX_Request request;
};

/* Once per process, before the first intake. Returns 0, or -1. */
int intake_init(void);

/* Reads the parameters of the next request on `fd`, and the end of its body when there is none.
 * Returns 0; intake_free follows. Or -1 when libfcgi found fault with it: then it has closed `fd`.
 */
int intake_take(struct intake *intake, int fd, bool body);

/* The id of the request, for the records of its answer. */
unsigned intake_id(const struct intake *intake);

/* Whether the peer wants to keep the connection (FCGI_KEEP_CONN). */
bool intake_keeps(const struct intake *intake);

/* The parameters; views that last until intake_free. */
struct request_source intake_source(struct intake *intake);

void intake_free(struct intake *intake);

#endif
