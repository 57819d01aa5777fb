#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "child/child.h"
#include "cli/doctor.h"
#include "cli/port_owner.h"

/* ---- the port ---- */

/* 0: it may be had, else errno. */
static int
try_port(int family, uint16_t port)
{
    struct sockaddr_in  four = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 six  = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const void         *address = family == AF_INET ? (const void *)&four : (const void *)&six;
    int                 fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, result = 0;

    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, address, family == AF_INET ? sizeof four : sizeof six) != 0 || listen(fd, 1) != 0)
        result = errno;
    close(fd);
    return result;
}

static void
say_taken(struct doctor *d, uint16_t port)
{
    struct port_owner owner;
    char              mend[64];

    snprintf(mend, sizeof mend, "gatehouse serve --port %u", port == UINT16_MAX ? 3333U : port + 1U);
    if (!port_owner_find(port, &owner))
        doctor_say(d, FINDING_BAD, mend, "port %u cannot be had", port);
    else if (owner.uid != geteuid())
        doctor_say(d, FINDING_BAD, mend,
                   "port %u is held by a process of another user (uid %u): it would get your clients", port, owner.uid);
    else
        doctor_say(d, FINDING_BAD, mend, "port %u is taken by %s (pid %d)", port, owner.name, owner.pid);
}

void
check_port(struct doctor *d)
{
    uint16_t port = (uint16_t)d->cli->settings.port;

    if (d->runs) {
        doctor_say(d, FINDING_GOOD, NULL, "running: pid %d on %s", d->gateway.pid, d->gateway.url);
        return;
    }
    int four = try_port(AF_INET, port), six = try_port(AF_INET6, port);
    if (four != 0 || six == EADDRINUSE || six == EACCES)
        say_taken(d, port);
    else if (six != 0)
        doctor_say(d, FINDING_ODD, NULL, "port %u on 127.0.0.1 alone: this machine has no ::1", port);
    else
        doctor_say(d, FINDING_GOOD, NULL, "port %u, both 127.0.0.1 and ::1, is free", port);
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
    if (may_reap && has_list)
        doctor_say(d, FINDING_GOOD, NULL, "children can be ended whole (subreaper, /proc children)");
    else if (may_reap)
        doctor_say(d, FINDING_ODD, NULL, "children can be ended whole, slowly: this kernel has no /proc children");
    else
        doctor_say(d, FINDING_BAD, NULL, "children cannot be ended whole: this kernel has no subreaper");
}

void
check_helper(struct doctor *d)
{
    struct error err = {0};
    char         path[4096];

    if (children_find_helper(path, sizeof path, &err))
        doctor_say(d, FINDING_GOOD, NULL, "the helper that starts servers is %s", path);
    else
        doctor_say(d, FINDING_BAD, "install gatehouse-helper beside gatehouse, or build again: script/run", "%s",
                   err.text);
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
}
