#include "fastcgi/intake.h"

#include "base/file.h"

#include <string.h>
#include <unistd.h>

enum {
    BEGIN_LEN = 16, /* bytes of an FCGI_BEGIN_REQUEST, its padding aside */
    PADDING_AT = 6  /* the byte of a header that says how much there is */
};

int intake_init(void)
{
    return FCGX_Init() == 0 ? 0 : -1;
}

/* The file in memory from which libfcgi reads the heads of this thread; -1: to be made. */
static _Thread_local int head_file = -1;

/* Writes the head where libfcgi reads it, without the padding of its first record, which libfcgi
 * would take for the next record. False when that cannot be, or the head is too short to be one. */
static bool write_head(const unsigned char *head, size_t len)
{
    unsigned char begin[BEGIN_LEN];
    size_t rest = len < BEGIN_LEN ? BEGIN_LEN : (size_t)BEGIN_LEN + head[PADDING_AT];
    if (len < rest) {
        return false;
    }
    memcpy(begin, head, sizeof begin);
    begin[PADDING_AT] = 0;
    return pwrite(head_file, begin, sizeof begin, 0) == BEGIN_LEN &&
           pwrite(head_file, head + rest, len - rest, BEGIN_LEN) == (ssize_t)(len - rest) &&
           lseek(head_file, 0, SEEK_SET) == 0;
}

void intake_begin_thread(void)
{
    if (head_file < 0) {
        head_file = file_open_unnamed("head");
    }
}

/* fcgiapp.h asks not to use ipcFd and keepConnection; they have been the same in every 2.4 release,
 * this is the only place that touches them, and a unit test takes requests through here. The
 * listening socket -1 makes FCGX_Accept_r return instead of accepting when it finds fault with the
 * head. */
int intake_take(struct intake *intake, const unsigned char *head, size_t len)
{
    FCGX_Request *request = &intake->request;
    intake_begin_thread();
    if (head_file < 0 || !write_head(head, len)) {
        return -1;
    }
    FCGX_InitRequest(request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    request->ipcFd = head_file;
    request->keepConnection = 1;
    FCGX_Detach(request); /* a plain close, if any: else it waits up to two seconds for a peer */
    if (FCGX_Accept_r(request) != 0) {
        head_file = -1; /* libfcgi has closed it */
        return -1;
    }
    return 0;
}

unsigned intake_id(const struct intake *intake)
{
    return (unsigned)intake->request.requestId;
}

bool intake_keeps(const struct intake *intake)
{
    return intake->request.keepConnection != 0;
}

static const char *variable(void *context, const char *name)
{
    struct intake *intake = context;
    return FCGX_GetParam(name, intake->request.envp);
}

struct request_source intake_source(struct intake *intake)
{
    return (struct request_source){.variable = variable, .context = intake};
}

void intake_free(struct intake *intake)
{
    FCGX_Free(&intake->request, 0);
}
