#include "fastcgi/intake.h"

int intake_init(void)
{
    return FCGX_Init() == 0 ? 0 : -1;
}

/* The request is attached to a connection that we have accepted ourselves. fcgiapp.h asks not to
 * use ipcFd and keepConnection; they have been the same in every 2.4 release, this is the only
 * place that touches them, and a unit test takes a request through a socket pair. The listening
 * socket -1 makes FCGX_Accept_r return instead of accepting when the connection turns out to be of
 * no use. */
int intake_take(struct intake *intake, int fd, bool body)
{
    char rest[64];
    FCGX_Request *request = &intake->request;
    FCGX_InitRequest(request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    request->ipcFd = fd;
    request->keepConnection = 1;
    FCGX_Detach(request); /* a plain close: else it waits up to two seconds for the peer */
    if (FCGX_Accept_r(request) < 0) {
        return -1;
    }
    while (!body && FCGX_GetStr(rest, sizeof rest, request->in) > 0) {
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
