/* Reading the head of one request with libfcgi. libfcgi is given a copy of a head that peek_judge
 * has found whole, and never the connection itself: so it cannot wait, cannot close what is ours,
 * and reads nothing of what comes behind. It is used for this and nowhere else. */
#ifndef FASTCGI_INTAKE_H
#define FASTCGI_INTAKE_H

#include "serve/request.h"

#include <fcgiapp.h>

struct intake {
    FCGX_Request request;
};

/* Once per process, before the first intake. Returns 0, or -1. */
int intake_init(void);

/* Once per thread that reads heads: takes the descriptor that it needs, before they run out. */
void intake_begin_thread(void);

/* Reads a head of `len` bytes. Returns 0; intake_free follows. Or -1 when libfcgi finds fault with
 * it or the system has no descriptor. */
int intake_take(struct intake *intake, const unsigned char *head, size_t len);

/* The id of the request, for the records of its answer. */
unsigned intake_id(const struct intake *intake);

/* Whether the peer wants to keep the connection (FCGI_KEEP_CONN). */
bool intake_keeps(const struct intake *intake);

/* The parameters; views that last until intake_free. */
struct request_source intake_source(struct intake *intake);

void intake_free(struct intake *intake);

#endif
