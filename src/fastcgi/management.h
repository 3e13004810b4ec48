/* Management records (FastCGI 1.0, 4): what the web server, or `handback serve --status`, asks
 * about the responder and not about a file. */
#ifndef FASTCGI_MANAGEMENT_H
#define FASTCGI_MANAGEMENT_H

#include "fastcgi/scoreboard.h"
#include "serve/site.h"

/* Answers a whole record, which may stand at `buffer`: FCGI_GET_VALUES with the values of those
 * names that are known (4.1; FCGI_MPXS_CONNS is 0), any other type with FCGI_UNKNOWN_TYPE (4.2).
 * `buffer` has room for the largest record. Returns the number of bytes, or 0 when the lengths in
 * the record are not sound. */
size_t management_answer(const unsigned char *record, unsigned char *buffer,
                         struct scoreboard *board, const struct site_source *source);

#endif
