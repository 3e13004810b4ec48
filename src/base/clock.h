/* The clock that deadlines are measured by. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/* Milliseconds of CLOCK_MONOTONIC, which goes on whatever is done to the time of day. */
long long clock_now(void);

#endif
