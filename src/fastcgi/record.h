/* Writing FastCGI records (FastCGI 1.0, 3.3): the answer is framed here, large, and not in the
 * stream of libfcgi, whose records of 8 KB make a body two to three times as dear. */
#ifndef FASTCGI_RECORD_H
#define FASTCGI_RECORD_H

#include <stddef.h>

enum {
    RECORD_HEADER = 8,
    RECORD_CONTENT_MAX = 65528, /* the largest multiple of eight that a length can say */
    RECORD_END = 24,            /* an empty FCGI_STDOUT and FCGI_END_REQUEST */
};

/* Writes the header of a record of `len` bytes (at most RECORD_CONTENT_MAX) before its content;
 * `type` is one of fastcgi.h. */
void record_header(unsigned char header[RECORD_HEADER], int type, unsigned id, size_t len);
void record_stdout(unsigned char header[RECORD_HEADER], unsigned id, size_t len);
void record_stderr(unsigned char header[RECORD_HEADER], unsigned id, size_t len);

/* Writes the end of a request that was answered. */
void record_end(unsigned char end[RECORD_END], unsigned id);

/* Writes the end of a request for a role that is not ours (6.1), whose FCGI_BEGIN_REQUEST is at
 * `begin`, where `buffer` may be too. Returns the number of bytes. */
size_t record_unknown_role(const unsigned char *begin, unsigned char *buffer);

#endif
