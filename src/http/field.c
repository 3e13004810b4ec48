#include "http/field.h"

#include "http/head.h"

bool field_is_reserved(struct slice name)
{
    static const char *const names[] = {"Status",
                                        "Connection",
                                        "Keep-Alive",
                                        "Transfer-Encoding",
                                        "TE",
                                        "Trailer",
                                        "Upgrade",
                                        "Proxy-Connection",
                                        "Content-Range",
                                        "Content-Length",
                                        "Content-Encoding",
                                        "Accept-Ranges",
                                        "ETag",
                                        "Last-Modified",
                                        "Location",
                                        "Date"};
    static const char *const beginnings[] = {"X-Sendfile", "X-Accel-", "X-LIGHTTPD-",
                                             "X-LiteSpeed-"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_equal_nocase(name, names[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        struct slice beginning = {name.at, slice_of(beginnings[i]).len};
        if (name.len >= beginning.len && slice_equal_nocase(beginning, beginnings[i])) {
            return true;
        }
    }
    return false;
}

bool field_may_be_set(struct slice name, struct slice value, bool removed)
{
    if (!head_is_token(name) || field_is_reserved(name)) {
        return false;
    }
    if (removed) {
        return !slice_equal_nocase(name, "Vary") && !slice_equal_nocase(name, "Content-Type");
    }
    bool type = slice_equal_nocase(name, "Content-Type");
    return value.len > 0 && value.len <= (type ? FIELD_TYPE_MAX : FIELD_VALUE_MAX) &&
           head_is_value(value) && slice_trim(value).len == value.len;
}
