/* tests/fault/shim.c: fails the n-th call of a kind, in one program, from the moment it is told.
 *
 * It is preloaded (LD_PRELOAD) before the C library, and before AddressSanitizer where that is built in: what does not
 * fail goes on to them. FAULT_PROGRAM names the program that it is for; in all others, its children too, it only passes
 * calls on. FAULT_CONTROL is a file of the size of `struct control`, which shim.ts writes and reads while we run. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unwind.h>

#include "../unit/copy_text.h"

#define EXPORT __attribute__((visibility("default")))

/* As shim.ts names them. */
enum class {
    CLASS_NONE,
    CLASS_ALLOC,       /* on the network thread, whoever asks: the C library and other libraries too */
    CLASS_ALLOC_ASIDE, /* on the other threads: the store thread, with SQLite, and workers */
    CLASS_READ,        /* of the program itself, on the network thread */
    CLASS_WRITE,
    CLASS_DESCRIPTOR, /* whatever makes a descriptor, or a process */
    CLASS_SHORT,      /* a read or write moves a single byte: no failure at all */
    CLASS_INTERRUPT,  /* a read or write is interrupted before anything came: nor this */
};

enum { FRAMES = 24 };

struct control {
    _Atomic          uint64_t class; /* of calls that are counted; written last */
    _Atomic uint64_t nth;            /* the first that fails, from 1; 0: only count */
    _Atomic uint64_t span;           /* how many fail from there on */
    _Atomic uint64_t seen;
    _Atomic uint64_t failed;
    _Atomic uint64_t pid;            /* of the program, once we are in */
    _Atomic uint64_t blocks;         /* of memory in use, of all threads */
    uint64_t         base;           /* where the program is loaded */
    uint64_t         frames[FRAMES]; /* where the last failing call came from */
};

static struct control        idle; /* until, and unless, there is one to share */
static struct control       *control = &idle;
static uintptr_t             program_from, program_to;
static __thread bool         is_network_thread __attribute__((tls_model("initial-exec")));
static __thread unsigned int inside __attribute__((tls_model("initial-exec"))); /* our own calls pass */

static _Unwind_Reason_Code
remember_frame(struct _Unwind_Context *context, void *at)
{
    int *count = at;

    control->frames[(*count)++] = _Unwind_GetIP(context);
    return *count == FRAMES ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static void
remember_caller(void)
{
    int count = 0;

    inside++;
    memset(control->frames, 0, sizeof control->frames);
    _Unwind_Backtrace(remember_frame, &count);
    inside--;
}

/* Counts a call of `class`; whether it is to fail. */
static bool fails(enum class class)
{
    if (control->class != class || inside > 0)
        return false;
    uint64_t nth = control->nth, at = ++control->seen;
    if (nth == 0 || at < nth || at - nth >= control->span)
        return false;
    remember_caller();
    control->failed++;
    return true;
}

static bool
is_programs(const void *caller)
{
    return is_network_thread && (uintptr_t)caller >= program_from && (uintptr_t)caller < program_to;
}

/* ---- memory ---- */

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void *(*next_aligned_alloc)(size_t, size_t);
static int (*next_posix_memalign)(void **, size_t, size_t);
static void (*next_free)(void *);

/* For what dlsym itself asks for while it looks up the above; never given back. */
static char   early[64 << 10] __attribute__((aligned(16)));
static size_t early_used;

static bool
is_early(const void *p)
{
    return (const char *)p >= early && (const char *)p < early + sizeof early;
}

static void *
early_alloc(size_t size)
{
    size_t at = early_used;

    size = (size + 31) & ~(size_t)15;
    if (size > sizeof early - at)
        return NULL;
    early_used += size;
    memcpy(early + at, &size, sizeof size);
    return early + at + 16;
}

static void
look_up(void)
{
    static bool begun;

    if (begun)
        return;
    begun               = true;
    next_calloc         = dlsym(RTLD_NEXT, "calloc");
    next_realloc        = dlsym(RTLD_NEXT, "realloc");
    next_aligned_alloc  = dlsym(RTLD_NEXT, "aligned_alloc");
    next_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    next_free           = dlsym(RTLD_NEXT, "free");
    next_malloc         = dlsym(RTLD_NEXT, "malloc");
}

static bool
alloc_fails(void)
{
    if (!fails(is_network_thread ? CLASS_ALLOC : CLASS_ALLOC_ASIDE))
        return false;
    errno = ENOMEM;
    return true;
}

static void *
counted(void *block)
{
    if (block != NULL)
        control->blocks++;
    return block;
}

EXPORT void *
malloc(size_t size)
{
    look_up();
    if (next_malloc == NULL)
        return early_alloc(size);
    return alloc_fails() ? NULL : counted(next_malloc(size));
}

EXPORT void *
calloc(size_t count, size_t size)
{
    look_up();
    if (next_malloc == NULL)
        return early_alloc(count * size); /* it is zero: nobody had it before */
    return alloc_fails() ? NULL : counted(next_calloc(count, size));
}

EXPORT void *
realloc(void *old, size_t size)
{
    look_up();
    if (is_early(old)) {
        size_t held;
        void  *block = malloc(size);
        memcpy(&held, (char *)old - 16, sizeof held);
        if (block != NULL)
            memcpy(block, old, held - 16 < size ? held - 16 : size);
        return block;
    }
    if (alloc_fails())
        return NULL;
    void *block = next_realloc(old, size);
    return old == NULL ? counted(block) : block;
}

EXPORT void *
aligned_alloc(size_t alignment, size_t size)
{
    look_up();
    return alloc_fails() ? NULL : counted(next_aligned_alloc(alignment, size));
}

EXPORT int
posix_memalign(void **into, size_t alignment, size_t size)
{
    look_up();
    if (alloc_fails())
        return ENOMEM;
    int failed = next_posix_memalign(into, alignment, size);
    if (failed == 0)
        counted(*into);
    return failed;
}

EXPORT void
free(void *block)
{
    if (block == NULL || is_early(block))
        return;
    control->blocks--;
    next_free(block);
}

EXPORT char *
strndup(const char *text, size_t max)
{
    return copy_text(text, max, malloc);
}

EXPORT char *
strdup(const char *text)
{
    return copy_text(text, SIZE_MAX / 2, malloc);
}

/* ---- reading and writing ---- */

#define NEXT(name) ((__typeof__(&name))next(#name))

static void *
next(const char *name)
{
    inside++;
    void *found = dlsym(RTLD_NEXT, name);
    inside--;
    return found;
}

/* What the kernel says of such a descriptor when it goes wrong. */
static int
error_of(int fd, bool writing)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return EIO;
    if (S_ISSOCK(info.st_mode))
        return writing ? EPIPE : ECONNRESET;
    return !writing ? EIO : S_ISFIFO(info.st_mode) ? EPIPE : ENOSPC;
}

/* A message of a socket that keeps records is whole or not at all. */
static bool
keeps_records(int fd)
{
    int       type = 0;
    socklen_t len  = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type != SOCK_STREAM;
}

/* Whether a call that moves bytes fails, with errno. A short one is let through with *len 1. */
static bool
transfer_fails(int fd, bool writing, size_t *len, const void *caller)
{
    if (!is_programs(caller))
        return false;
    if (fails(CLASS_INTERRUPT)) {
        errno = EINTR;
        return true;
    }
    if (*len > 1 && !keeps_records(fd) && fails(CLASS_SHORT))
        *len = 1;
    if (!fails(writing ? CLASS_WRITE : CLASS_READ))
        return false;
    errno = error_of(fd, writing);
    return true;
}

#define CALLER __builtin_return_address(0)

EXPORT ssize_t
read(int fd, void *into, size_t len)
{
    return transfer_fails(fd, false, &len, CALLER) ? -1 : NEXT(read)(fd, into, len);
}

EXPORT ssize_t
recv(int fd, void *into, size_t len, int flags)
{
    return transfer_fails(fd, false, &len, CALLER) ? -1 : NEXT(recv)(fd, into, len, flags);
}

EXPORT ssize_t
write(int fd, const void *from, size_t len)
{
    return transfer_fails(fd, true, &len, CALLER) ? -1 : NEXT(write)(fd, from, len);
}

EXPORT ssize_t
send(int fd, const void *from, size_t len, int flags)
{
    return transfer_fails(fd, true, &len, CALLER) ? -1 : NEXT(send)(fd, from, len, flags);
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t        len = SIZE_MAX;
    struct msghdr shorter;
    struct iovec  byte;

    if (transfer_fails(fd, true, &len, CALLER))
        return -1;
    if (len == 1) {
        shorter = *message;
        while (shorter.msg_iovlen > 1 && shorter.msg_iov->iov_len == 0)
            shorter.msg_iov++, shorter.msg_iovlen--;
        byte               = *shorter.msg_iov;
        byte.iov_len       = byte.iov_len > 0;
        shorter.msg_iov    = &byte;
        shorter.msg_iovlen = 1;
        message            = &shorter;
    }
    return NEXT(sendmsg)(fd, message, flags);
}

/* ---- descriptors and processes ---- */

static bool
descriptor_fails(const void *caller)
{
    if (!is_programs(caller) || !fails(CLASS_DESCRIPTOR))
        return false;
    errno = EMFILE;
    return true;
}

/* The mode comes only with O_CREAT, but is always in its register. */
#define OPENS(name)                                                                                                    \
    EXPORT int name(const char *path, int flags, ...)                                                                  \
    {                                                                                                                  \
        va_list args;                                                                                                  \
        va_start(args, flags);                                                                                         \
        mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;                                                    \
        va_end(args);                                                                                                  \
        return descriptor_fails(CALLER) ? -1 : NEXT(name)(path, flags, mode);                                          \
    }
#define OPENS_AT(name)                                                                                                 \
    EXPORT int name(int at, const char *path, int flags, ...)                                                          \
    {                                                                                                                  \
        va_list args;                                                                                                  \
        va_start(args, flags);                                                                                         \
        mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;                                                    \
        va_end(args);                                                                                                  \
        return descriptor_fails(CALLER) ? -1 : NEXT(name)(at, path, flags, mode);                                      \
    }

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

EXPORT int
socket(int domain, int type, int protocol)
{
    return descriptor_fails(CALLER) ? -1 : NEXT(socket)(domain, type, protocol);
}

EXPORT int
socketpair(int domain, int type, int protocol, int pair[2])
{
    return descriptor_fails(CALLER) ? -1 : NEXT(socketpair)(domain, type, protocol, pair);
}

EXPORT int
accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
    return descriptor_fails(CALLER) ? -1 : NEXT(accept4)(fd, peer, len, flags);
}

EXPORT int
pipe2(int pair[2], int flags)
{
    return descriptor_fails(CALLER) ? -1 : NEXT(pipe2)(pair, flags);
}

EXPORT int
pidfd_open(pid_t pid, unsigned int flags)
{
    return descriptor_fails(CALLER) ? -1 : ((int (*)(pid_t, unsigned int))next("pidfd_open"))(pid, flags);
}

EXPORT int
posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
            const posix_spawnattr_t *attributes, char *const *argv, char *const *env)
{
    return descriptor_fails(CALLER) ? EAGAIN : NEXT(posix_spawn)(pid, path, actions, attributes, argv, env);
}

/* ---- beginning ---- */

/* The program is the first that the linker tells of. */
static int
note_program(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size, (void)arg;
    control->base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X)) {
            program_from = info->dlpi_addr + part->p_vaddr;
            program_to   = program_from + part->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void
begin(void)
{
    const char *program = getenv("FAULT_PROGRAM"), *path = getenv("FAULT_CONTROL");

    look_up();
    if (program == NULL || path == NULL || strcmp(program, program_invocation_short_name) != 0)
        return;
    int   fd     = open(path, O_RDWR | O_CLOEXEC);
    void *shared = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (shared == MAP_FAILED)
        return;
    unsetenv("LD_PRELOAD");
    is_network_thread = true;
    control           = shared;
    dl_iterate_phdr(note_program, NULL);
    control->pid = (uint64_t)getpid();
}
