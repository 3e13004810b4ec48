/* without_openat2 ENOSYS|EPERM PROGRAM ARGUMENTS...: runs the program where openat2 is answered
 * with that error, as by a kernel before 5.6 or by a sandbox. All that the program starts inherits
 * it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    USAGE = 2,
    CANNOT_RUN = 126
};

static int forbid(unsigned answer)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof steps / sizeof *steps, .filter = steps};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0) {
        return 0;
    }
    /* Only root may do so while programs can still change their user. */
    return errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
               ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)
               : -1;
}

static int answer_of_openat2(void)
{
    uint64_t how[3] = {O_PATH | O_CLOEXEC};
    errno = 0;
    return syscall(SYS_openat2, AT_FDCWD, "/", how, sizeof how) < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
    int answer = argc < 3                         ? 0
                 : strcmp(argv[1], "ENOSYS") == 0 ? ENOSYS
                 : strcmp(argv[1], "EPERM") == 0  ? EPERM
                                                  : 0;
    if (answer == 0) {
        fprintf(stderr, "usage: without_openat2 ENOSYS|EPERM PROGRAM ARGUMENTS...\n");
        return USAGE;
    }
    if (forbid((unsigned)answer) != 0 || answer_of_openat2() != answer) {
        perror("without_openat2: seccomp");
        return CANNOT_RUN;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return CANNOT_RUN;
}
