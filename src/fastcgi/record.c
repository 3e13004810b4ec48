#include "fastcgi/record.h"

#include <fastcgi.h>
#include <string.h>

void record_header(unsigned char header[RECORD_HEADER], int type, unsigned id, size_t len)
{
    const unsigned char bytes[RECORD_HEADER] = {
        FCGI_VERSION_1,    (unsigned char)type,       (unsigned char)(id >> 8),
        (unsigned char)id, (unsigned char)(len >> 8), (unsigned char)len};
    memcpy(header, bytes, sizeof bytes);
}

void record_stdout(unsigned char header[RECORD_HEADER], unsigned id, size_t len)
{
    record_header(header, FCGI_STDOUT, id, len);
}

void record_stderr(unsigned char header[RECORD_HEADER], unsigned id, size_t len)
{
    record_header(header, FCGI_STDERR, id, len);
}

static void end_request(unsigned char *record, unsigned id, unsigned char status)
{
    memset(record, 0, RECORD_HEADER + sizeof(FCGI_EndRequestBody));
    record_header(record, FCGI_END_REQUEST, id, sizeof(FCGI_EndRequestBody));
    record[RECORD_HEADER + 4] = status;
}

void record_end(unsigned char end[RECORD_END], unsigned id)
{
    record_header(end, FCGI_STDOUT, id, 0);
    end_request(end + RECORD_HEADER, id, FCGI_REQUEST_COMPLETE);
}

size_t record_unknown_role(const unsigned char *begin, unsigned char *buffer)
{
    unsigned id = (unsigned)(begin[2] << 8 | begin[3]);
    end_request(buffer, id, FCGI_UNKNOWN_ROLE);
    return RECORD_HEADER + sizeof(FCGI_EndRequestBody);
}
