#include "fastcgi/record.h"

#include <fastcgi.h>
#include <string.h>

static void write_header(unsigned char *header, int type, unsigned id, size_t len)
{
    const unsigned char bytes[RECORD_HEADER] = {
        FCGI_VERSION_1,    (unsigned char)type,       (unsigned char)(id >> 8),
        (unsigned char)id, (unsigned char)(len >> 8), (unsigned char)len};
    memcpy(header, bytes, sizeof bytes);
}

void record_stdout(unsigned char header[RECORD_HEADER], unsigned id, size_t len)
{
    write_header(header, FCGI_STDOUT, id, len);
}

void record_stderr(unsigned char header[RECORD_HEADER], unsigned id, size_t len)
{
    write_header(header, FCGI_STDERR, id, len);
}

void record_end(unsigned char end[RECORD_END], unsigned id)
{
    memset(end, 0, RECORD_END);
    write_header(end, FCGI_STDOUT, id, 0);
    write_header(end + RECORD_HEADER, FCGI_END_REQUEST, id, sizeof(FCGI_EndRequestBody));
    end[2 * RECORD_HEADER + 4] = FCGI_REQUEST_COMPLETE;
}
