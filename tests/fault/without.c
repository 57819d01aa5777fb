/* tests/fault/without.c: a machine whose kernel lacks something:  without SYSCALL... -- COMMAND [ARGUMENT]...
 *
 * The system calls named fail with ENOSYS for the command and all that it starts (seccomp(2)). */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    unsigned    number;
} known[] = {{"landlock_create_ruleset", SYS_landlock_create_ruleset}, {"pidfd_open", SYS_pidfd_open}};

enum { MOST = 8 };

int
main(int argc, char **argv)
{
    struct sock_filter filter[2 * MOST + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0 /* seccomp_data.nr */),
    };
    unsigned short len = 1;
    int            i   = 1;

    for (; i < argc && i <= MOST && strcmp(argv[i], "--") != 0; i++)
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            if (strcmp(argv[i], known[k].name) != 0)
                continue;
            filter[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, known[k].number, 0, 1);
            filter[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
        }
    filter[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    if (i + 1 >= argc || len != 2 * i) {
        fprintf(stderr, "usage: without SYSCALL... -- COMMAND; it knows landlock_create_ruleset and pidfd_open\n");
        return 2;
    }
    struct sock_fprog program = {.len = len, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("without");
        return 77; /* here it cannot be done */
    }
    execv(argv[i + 1], argv + i + 1);
    perror(argv[i + 1]);
    return 127;
}
