/* Name-value pairs (FastCGI 1.0, 3.4): the content of FCGI_PARAMS and of the management records. */
#ifndef FASTCGI_PAIR_H
#define FASTCGI_PAIR_H

#include "base/slice.h"

/* Cuts the first pair off *rest. The views are into it. False when a length says more than is there
 * (*rest stays). */
bool pair_cut(struct slice *rest, struct slice *name, struct slice *value);

/* Writes a pair with four-byte lengths. Returns the number of bytes, or 0 when it does not fit. */
size_t pair_write(unsigned char *buffer, size_t size, struct slice name, struct slice value);

#endif
