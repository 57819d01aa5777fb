#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "cli/port_owner.h"
#include "guard/peer.h"

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

/* ---- the name under which clients come ---- */

static bool
is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

void
check_localhost(struct doctor *d)
{
    static const char mend[] = "put \"127.0.0.1 localhost\" into /etc/hosts";
    struct addrinfo   hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int               failed = getaddrinfo("localhost", NULL, &hints, &found);
    char              text[NI_MAXHOST];

    if (failed != 0)
        doctor_say(d, FINDING_BAD, mend, "localhost is no name on this machine (%s): clients will not find Gatehouse",
                   gai_strerror(failed));
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        if (is_loopback(a->ai_addr) ||
            getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        doctor_say(d, FINDING_BAD, mend, "localhost is %s here, not this machine: clients would call somebody else",
                   text);
        break;
    }
    if (found != NULL)
        freeaddrinfo(found);
}

/* ---- who connects ---- */

/* Connects to ourselves and asks who that was, as the gateway does with each client. */
static bool
knows_peers(struct error *err)
{
    struct peer_check  check   = {.netlink = -1};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t          len     = sizeof address;
    int                here = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), there = -1;
    int                client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool               ok     = peer_check_open(&check, err);

    if (ok && (here < 0 || client < 0 || bind(here, (struct sockaddr *)&address, len) != 0 || listen(here, 1) != 0 ||
               getsockname(here, (struct sockaddr *)&address, &len) != 0 ||
               connect(client, (struct sockaddr *)&address, len) != 0 || (there = accept(here, NULL, NULL)) < 0))
        ok = error_set_errno(err, errno, "connecting to 127.0.0.1");
    else if (ok && !peer_is_ours(&check, there))
        ok = error_set(err, ERROR_DENIED, "this system does not tell whose process connects: every client is refused");
    peer_check_close(&check);
    for (size_t i = 0; i < 3; i++) {
        int fd = i == 0 ? here : i == 1 ? client : there;
        if (fd >= 0)
            close(fd);
    }
    return ok;
}

void
check_peers(struct doctor *d)
{
    struct error err = {0};

    if (!d->cli->settings.http.peer_uid)
        doctor_say(d, FINDING_ODD, "gatehouse serve --http.peer_uid on",
                   "http.peer_uid is off: every user of this machine may call your servers");
    else if (knows_peers(&err))
        doctor_say(d, FINDING_GOOD, NULL, "only you and root may connect");
    else
        doctor_say(d, FINDING_BAD, "gatehouse serve --http.peer_uid off, if nobody else reaches this loopback", "%s",
                   err.text);
}

/* ---- proxies ---- */

static bool
spares_localhost(const char *list)
{
    struct str rest = str_from(list), part;

    while (str_cut(&rest, ',', &part)) {
        part = str_trim(part);
        if (str_eq(part, STR("*")) || str_eq_nocase(part, STR("localhost")))
            return true;
    }
    return false;
}

void
check_proxies(struct doctor *d)
{
    static const char *const names[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                                        "HTTPS_PROXY", "all_proxy",  "ALL_PROXY"};
    const char              *set     = NULL;
    const char              *spared  = doctor_variable(d, "no_proxy");

    for (size_t i = 0; i < sizeof names / sizeof *names && set == NULL; i++)
        if (doctor_variable(d, names[i]) != NULL)
            set = names[i];
    if (set == NULL)
        return;
    if (spared == NULL)
        spared = doctor_variable(d, "NO_PROXY");
    if (!spares_localhost(spared))
        doctor_say(d, FINDING_ODD, "export no_proxy=localhost,127.0.0.1,::1",
                   "%s is set: clients may ask that proxy for Gatehouse, and it sees what they say", set);
    doctor_say(d, FINDING_ODD, NULL, "%s is set: Gatehouse itself reaches HTTP servers without a proxy", set);
}
