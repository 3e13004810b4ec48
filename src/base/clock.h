/* The clock that deadlines are measured by, and the time of day. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/* Milliseconds of CLOCK_MONOTONIC, which goes on whatever is done to the time of day. */
long long clock_now(void);

/* Seconds since 1970, for a process that asks once: the vdso, whose pages have to be mapped and
 * searched first, is faster only from the second time on. */
long long clock_date(void);

#endif
