/* Writing an answer down: what every gateway sends before the bytes of a file. */
#ifndef SERVE_DELIVER_H
#define SERVE_DELIVER_H

#include "serve/answer.h"

#include <sys/types.h>

enum {
    DELIVER_HEAD_SIZE = HEAD_SIZE + 256
};

/* Writes the Status field, which is never left out (without it Apache makes 304 and 412 of its own,
 * and shows the hand-back to the client), the header and the text of an error (RFC 3875 6.2.1).
 * Returns the number of bytes. */
size_t deliver_head(const struct answer *answer, char buffer[DELIVER_HEAD_SIZE]);

/* Reads the next bytes of the answer's file and moves on. Returns their number, 0 at the end of the
 * body, or -1 with answer->fault when the file ends early or cannot be read: then the length that
 * was announced cannot be kept, and the connection must be broken. */
ssize_t deliver_read(struct answer *answer, void *buffer, size_t size);

#endif
