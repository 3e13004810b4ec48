#include "serve/request.h"

#include <stdio.h>

static struct slice variable(const struct request_source *source, const char *name)
{
    return slice_of(source->variable(source->context, name));
}

/* Whether the script that the server names is this program, to which it has led a request of
 * another name (`ErrorDocument 404 /cgi-bin/handback`), and not a file of the site. */
static bool is_led_to_program(const struct request_source *source)
{
    struct slice script = variable(source, "SCRIPT_NAME");
    struct slice file = variable(source, "SCRIPT_FILENAME");
    return file.len > 0 && !slice_starts(file, slice_of("proxy:")) &&
           slice_equal(slice_behind_last(script, '/'), slice_behind_last(file, '/'));
}

/* The status of the error whose page is asked for by the web server itself (ErrorDocument), else 0.
 * No client can set it. */
static int read_error_status(const struct request_source *source)
{
    uint64_t number;
    bool error = slice_number(variable(source, "REDIRECT_STATUS"), &number) && number >= 400 &&
                 number <= 599 && !is_led_to_program(source);
    return error ? (int)number : 0;
}

static enum path_verdict read_decoded_path(struct path *path, const struct request_source *source)
{
    char joined[PATH_SIZE + 1];
    const char *script = source->variable(source->context, "SCRIPT_NAME");
    const char *info = source->variable(source->context, "PATH_INFO");
    int len = snprintf(joined, sizeof joined, "%s%s", script ? script : "", info ? info : "");
    if (len < 0 || len >= PATH_SIZE) {
        return PATH_TOO_LONG;
    }
    return path_resolve_decoded(slice_of(joined), path);
}

/* REQUEST_URI is the raw target in every server that was tried; SCRIPT_NAME and PATH_INFO differ by
 * front. They serve only where it is missing, or is still that of the request that failed. */
static enum path_verdict read_path(struct path *path, const struct request_source *source)
{
    struct slice target = variable(source, "REQUEST_URI");
    return target.len > 0 && read_error_status(source) == 0 ? path_resolve(target, path)
                                                            : read_decoded_path(path, source);
}

static struct slice read_query(const struct request_source *source)
{
    struct slice target = variable(source, "REQUEST_URI");
    struct slice query = variable(source, "QUERY_STRING");
    if (!target.at) {
        return query.len > 0 ? query : (struct slice){0};
    }
    slice_cut(&target, '?');
    return target;
}

void request_read(struct request *request, const struct request_source *source)
{
    request->method = variable(source, "REQUEST_METHOD");
    request->path_verdict = read_path(&request->path, source);
    request->target = variable(source, "REQUEST_URI");
    request->query = read_query(source);
    request->accept_encoding = variable(source, "HTTP_ACCEPT_ENCODING");
    request->range = variable(source, "HTTP_RANGE");
    request->conditions = (struct conditions){
        .if_match = variable(source, "HTTP_IF_MATCH"),
        .if_unmodified_since = variable(source, "HTTP_IF_UNMODIFIED_SINCE"),
        .if_none_match = variable(source, "HTTP_IF_NONE_MATCH"),
        .if_modified_since = variable(source, "HTTP_IF_MODIFIED_SINCE"),
        .if_range = variable(source, "HTTP_IF_RANGE"),
    };
    request->error_status = read_error_status(source);
    request->preflight = variable(source, "HTTP_ACCESS_CONTROL_REQUEST_METHOD").at != NULL;
    request->delivery = variable(source, "HANDBACK_DELIVERY");
    request->coding_header = variable(source, "HANDBACK_CODING_HEADER");
    /* A service manager passes its socket as mod_fcgid does, and mod_proxy_fcgi comes to it. */
    request->front = source->front;
    request->front.spawned &=
        !slice_starts(variable(source, "SCRIPT_FILENAME"), slice_of("proxy:"));
}

uint64_t request_body_length(const struct request_source *source)
{
    uint64_t length;
    if (slice_number(variable(source, "CONTENT_LENGTH"), &length)) {
        return length;
    }
    return variable(source, "HTTP_TRANSFER_ENCODING").at ? UINT64_MAX : 0;
}
