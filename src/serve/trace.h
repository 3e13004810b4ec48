/* The story of an answer for a person: what each step found, in the order in which they were taken.
 * Written only where somebody asked for it (`handback explain`); a NULL trace is ignored. */
#ifndef SERVE_TRACE_H
#define SERVE_TRACE_H

enum {
    TRACE_STEPS = 16,
    TRACE_TEXT = 2048
};

struct trace_step {
    const char *name;
    const char *why;        /* what the step is there for */
    char found[TRACE_TEXT]; /* clauses, separated by "; " */
};

struct trace {
    unsigned steps;
    struct trace_step step[TRACE_STEPS];
};

void trace_begin(struct trace *trace, const char *name, const char *why);

/* Adds a clause to what the step has found; what does not fit is left out. */
#ifndef HANDBACK_WITHOUT_TRACE
void trace_add(struct trace *trace, const char *format, ...) __attribute__((format(printf, 2, 3)));
#else /* the static CGI explains nothing, and its clauses would be several KB of it */
__attribute__((format(printf, 2, 3))) static inline void trace_add(struct trace *trace,
                                                                   const char *format, ...)
{
    (void)trace;
    (void)format;
}
#endif

#endif
