#include "compile/kept.h"

const struct kept_release *kept_at(const apr_array_header_t *releases, int index)
{
    return &((const struct kept_release *)(const void *)releases->elts)[index];
}
