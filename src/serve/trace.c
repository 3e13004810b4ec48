#include "serve/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void trace_begin(struct trace *trace, const char *name, const char *why)
{
    if (trace && trace->steps < TRACE_STEPS) {
        struct trace_step *step = &trace->step[trace->steps++];
        step->name = name;
        step->why = why;
        step->found[0] = '\0';
    }
}

#ifndef HANDBACK_WITHOUT_TRACE
void trace_add(struct trace *trace, const char *format, ...)
{
    va_list arguments;
    if (!trace || trace->steps == 0) {
        return;
    }
    char *found = trace->step[trace->steps - 1].found;
    size_t len = strlen(found);
    if (len > 0 && len + 3 < TRACE_TEXT) {
        memcpy(found + len, "; ", 3);
        len += 2;
    }
    va_start(arguments, format);
    if (vsnprintf(found + len, TRACE_TEXT - len, format, arguments) < 0) {
        found[len] = '\0';
    }
    va_end(arguments);
}
#endif
