#include "http/method.h"

enum method method_parse(struct slice name)
{
    static const struct {
        const char *name;
        enum method method;
    } methods[] = {
        {"GET", METHOD_GET},         {"HEAD", METHOD_HEAD},     {"OPTIONS", METHOD_OPTIONS},
        {"POST", METHOD_REFUSED},    {"PUT", METHOD_REFUSED},   {"DELETE", METHOD_REFUSED},
        {"CONNECT", METHOD_REFUSED}, {"TRACE", METHOD_REFUSED}, {"PATCH", METHOD_REFUSED},
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (slice_equal(name, slice_of(methods[i].name))) {
            return methods[i].method;
        }
    }
    return METHOD_UNKNOWN;
}
