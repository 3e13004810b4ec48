#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *error, enum diagnosis number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (written < 0) {
        error->text[0] = '\0';
    }
    for (char *c = error->text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    error->number = number;
    return -1;
}
