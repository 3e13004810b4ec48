#include "base/clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

long long clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

long long clock_date(void)
{
    struct timespec now;
    _Static_assert(sizeof now.tv_sec == sizeof(long), "what the system call takes");
    return syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) == 0 ? (long long)now.tv_sec
                                                                 : time(NULL);
}
