#include <errno.h>
#include <limits.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/format.h"
#include "child/child.h"
#include "cli/doctor/doctor.h"

/* A small file of the kernel's, its first line; "" when it is not there. */
static void
read_line(const char *path, char *out, size_t size)
{
    struct buffer text = {.max = KIB(64)};
    struct str    line = STR_NONE, rest;

    if (file_read(path, &text, NULL)) {
        rest = buffer_str(&text);
        str_cut(&rest, '\n', &line);
    }
    snprintf(out, size, "%.*s", STR_ARG(line));
    buffer_clear(&text);
}

/* ---- children ---- */

void
check_children(struct doctor *d)
{
    char path[64];
    int  is_subreaper = 0;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    bool has_list = access(path, R_OK) == 0;
    bool may_reap = prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) == 0;
    int  pidfd    = pidfd_open(getpid(), 0);
    if (pidfd < 0)
        doctor_say(d, FINDING_BAD, "Linux 5.3 or newer; in a container, a seccomp profile that lets pidfd_open pass",
                   "servers cannot be started: pidfd_open: %s", strerror(errno));
    else
        close(pidfd);
    if (!may_reap)
        doctor_say(d, FINDING_BAD, "Linux 3.4 or newer; in a container, a seccomp profile that lets prctl pass",
                   "children cannot be ended whole: this kernel has no subreaper");
    else if (!has_list)
        doctor_say(d, FINDING_ODD, NULL, "children can be ended whole, slowly: this kernel has no /proc children");
    else if (pidfd >= 0)
        doctor_say(d, FINDING_GOOD, NULL, "children can be ended whole (subreaper, /proc children)");
}

/* Whoever may change what runs as you is you. */
static void
check_program(struct doctor *d, const char *what, const char *path)
{
    struct stat info;
    char        part[PATH_MAX], mend[PATH_MAX + 16];

    if (path_weak_part(path, part)) {
        snprintf(mend, sizeof mend, "chmod go-w %s", part);
        doctor_say(d, FINDING_BAD, mend, "%s is %s, and others may write to %s", what, path, part);
    }
    if (stat(path, &info) == 0 && (info.st_mode & (S_ISUID | S_ISGID)) != 0) {
        snprintf(mend, sizeof mend, "chmod u-s,g-s %s", path);
        doctor_say(d, FINDING_BAD, mend, "%s is %s, which is set-uid or set-gid: it must run as whoever starts it",
                   what, path);
    }
}

void
check_helper(struct doctor *d)
{
    struct error err = {0};
    char         path[4096], self[PATH_MAX];
    size_t       bad = d->counts[FINDING_BAD];
    ssize_t      len = readlink("/proc/self/exe", self, sizeof self - 1);

    if (len > 0) {
        self[len] = '\0';
        check_program(d, "the program", self);
    }
    if (!children_find_helper(path, sizeof path, &err)) {
        doctor_say(d, FINDING_BAD, "install gatehouse-helper beside gatehouse, or build again: script/run", "%s",
                   err.text);
        return;
    }
    check_program(d, "the helper that starts servers", path);
    if (bad == d->counts[FINDING_BAD])
        doctor_say(d, FINDING_GOOD, NULL, "the helper that starts servers is %s", path);
}

void
check_kernel(struct doctor *d)
{
    struct utsname name = {0};

    uname(&name);
    if (children_are_scoped())
        doctor_say(d, FINDING_GOOD, NULL, "kernel %s: servers cannot signal Gatehouse (Landlock)", name.release);
    else
        doctor_say(d, FINDING_ODD, "run servers you don't trust in a container",
                   "kernel %s: a hostile server could signal Gatehouse (needs 6.12)", name.release);
    if (geteuid() == 0)
        doctor_say(d, FINDING_ODD, "run Gatehouse as a user of its own",
                   "this is root: every server runs as root too, and may do anything");
}

/* ---- limits ---- */

/* Of a child we hold three pipes, a socket and its pidfd; of the rest files, and connections to HTTP servers. */
enum { FDS_A_CHILD = 5, FDS_OF_OURS = 64, FDS_UPSTREAM = 2048 };

void
check_limits(struct doctor *d)
{
    const struct settings *s = &d->cli->settings;
    uint64_t      want       = s->http.connections + s->stdio.isolated_max * FDS_A_CHILD + FDS_UPSTREAM + FDS_OF_OURS;
    struct rlimit limit;
    struct buffer wanted = {.max = 64}, allowed = {.max = 64};
    char          mend[160];

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= want)
        return;
    format_count(&wanted, want);
    format_count(&allowed, limit.rlim_max);
    snprintf(mend, sizeof mend,
             "raise it (LimitNOFILE=%llu in a unit, nofile in limits.conf), or lower http.connections",
             (unsigned long long)want);
    doctor_say(d, FINDING_ODD, mend,
               "%.*s descriptors may be open at most, %.*s are needed for all connections and children: new ones will "
               "wait",
               STR_ARG(buffer_str(&allowed)), STR_ARG(buffer_str(&wanted)));
    buffer_clear(&wanted);
    buffer_clear(&allowed);
}

static void
take_smaller(const char *path, uint64_t *least)
{
    char     line[64];
    uint64_t value;

    read_line(path, line, sizeof line);
    if (str_to_u64(str_from(line), &value) && value < *least) /* "max" is no number */
        *least = value;
}

/* The limit of a group and of all above it; the groups of a container may be seen as the root alone. */
static void
take_group(const char *mount, struct str group, const char *file, uint64_t *least)
{
    char path[PATH_MAX];

    for (;;) {
        snprintf(path, sizeof path, "%s%.*s/%s", mount, STR_ARG(group), file);
        take_smaller(path, least);
        if (group.len == 0)
            return;
        do
            group.len--;
        while (group.len > 0 && group.data[group.len] != '/');
    }
}

static uint64_t
memory_there_is(bool *is_group)
{
    struct sysinfo info  = {0};
    struct buffer  text  = {.max = KIB(64)};
    uint64_t       least = UINT64_MAX;

    if (file_read("/proc/self/cgroup", &text, NULL))
        for (struct str rest = buffer_str(&text), line; str_cut(&rest, '\n', &line);) {
            struct str number, controllers, group = line;
            if (!str_cut(&group, ':', &number) || !str_cut(&group, ':', &controllers))
                continue;
            if (controllers.len == 0)
                take_group("/sys/fs/cgroup", group, "memory.max", &least);
            else if (str_eq(controllers, STR("memory")))
                take_group("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes", &least);
        }
    buffer_clear(&text);
    uint64_t machine = sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : UINT64_MAX;
    *is_group        = least < machine;
    return *is_group ? least : machine;
}

/* Beside what messages hold: the program, the database's cache, what is waiting to be recorded. */
#define MEMORY_BESIDE ((uint64_t)64 << 20)

void
check_memory(struct doctor *d)
{
    bool          is_group;
    uint64_t      there = memory_there_is(&is_group), most = d->cli->settings.memory.max;
    struct buffer has = {.max = 64}, wants = {.max = 64};

    if (most + MEMORY_BESIDE <= there)
        return;
    size_print(&wants, most);
    format_bytes(&has, there);
    doctor_say(d, FINDING_ODD, is_group ? "raise the group's limit, or lower memory.max" : "lower memory.max",
               "memory.max is %.*s, but %s has %.*s: the kernel ends Gatehouse before it refuses calls",
               STR_ARG(buffer_str(&wants)), is_group ? "its control group" : "this machine", STR_ARG(buffer_str(&has)));
    buffer_clear(&has);
    buffer_clear(&wants);
}

/* ---- what is in memory stays there ---- */

/* core(5): with a pipe the limit does not hold a dump back. */
static void
check_core(struct doctor *d)
{
    struct rlimit limit;
    char          pattern[256];

    read_line("/proc/sys/kernel/core_pattern", pattern, sizeof pattern);
    if (pattern[0] == '|')
        doctor_say(d, FINDING_ODD, "run it where core dumps are off; systemd: Storage=none in coredump.conf",
                   "a crash gives Gatehouse's memory, tokens included, to %s", pattern + 1);
    else if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 0)
        doctor_say(d, FINDING_ODD, "ulimit -c 0 before it starts, or LimitCORE=0 in a unit",
                   "a crash writes Gatehouse's memory, tokens included, to a core file");
}

/* What Landlock holds back from signalling us it holds back from tracing us as well. */
void
check_secrecy(struct doctor *d)
{
    char scope[16];

    check_core(d);
    read_line("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof scope);
    if (children_are_scoped() || (scope[0] != '\0' && scope[0] != '0'))
        return;
    doctor_say(
        d, FINDING_ODD,
        scope[0] == '0' ? "sysctl kernel.yama.ptrace_scope=1" : "run servers you don't trust in a container",
        "a hostile server could read Gatehouse's memory: this kernel lets processes of one user trace each other");
}

/* ---- the clock ---- */

/* No release is older; seconds since 1970. */
#define FIRST_RELEASE INT64_C(1767225600) /* 2026-01-01 */

void
check_clock(struct doctor *d)
{
    char at[TIME_ISO_SIZE];

    if (clock_wall() / SECONDS(1) >= FIRST_RELEASE)
        return;
    time_format_iso(clock_wall(), at);
    doctor_say(d, FINDING_BAD, "set the clock: timedatectl",
               "the clock says %s, which is before this program: calls are recorded under wrong times, and no https "
               "server is trusted",
               at);
}

void
check_settings(struct doctor *d)
{
    const char *unknown = settings_unknown_variable(d->cli->environment);

    if (!d->cli->settings.capture.enabled)
        doctor_say(d, FINDING_ODD, "capture.enabled: on", "calls are not recorded: capture.enabled is off");
    if (unknown != NULL)
        doctor_say(d, FINDING_ODD, "gatehouse help settings", "the variable %.*s is no setting",
                   (int)strcspn(unknown, "="), unknown);
}
