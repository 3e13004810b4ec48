/* Writing an answer down: what every gateway sends before the bytes of a file. */
#ifndef SERVE_DELIVER_H
#define SERVE_DELIVER_H

#include "serve/answer.h"

#include <stddef.h>

enum {
    DELIVER_HEAD_SIZE = HEAD_SIZE + 256
};

/* Writes the beginning of an answer into `buffer` (of more than DELIVER_HEAD_SIZE bytes): the
 * Status field, which is left out of a local redirect alone (RFC 3875 6.2.2; without it Apache
 * makes 304 and 412 of its own, and shows the hand-back to the client), the header, and the text of
 * an error or the first bytes of the file (RFC 3875 6.2.1). When those cannot be read the answer
 * becomes a 503. Returns the number of bytes. */
size_t deliver_begin(struct answer *answer, char *buffer, size_t size);

#endif
