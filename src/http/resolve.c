#include "http/resolve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>

#include "base/live.h"

#define REMEMBERED SECONDS(10)

/* One getaddrinfo() on a worker. It belongs to the worker until `done`, whatever became of who asked. */
struct lookup {
    struct resolver *resolver; /* NULL: nobody asks any more */
    char            *host;
    uint16_t         port;
    struct addresses found;
    int              failed; /* of getaddrinfo */
    int              saved;  /* errno, when that is EAI_SYSTEM */
};

void
address_format(const union address *a, char out[ADDRESS_TEXT])
{
    char text[INET6_ADDRSTRLEN] = "?";

    if (a->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, text, sizeof text);
        snprintf(out, ADDRESS_TEXT, "%s:%u", text, ntohs(a->v4.sin_port));
    } else {
        inet_ntop(AF_INET6, &a->v6.sin6_addr, text, sizeof text);
        snprintf(out, ADDRESS_TEXT, "[%s]:%u", text, ntohs(a->v6.sin6_port));
    }
}

static bool
add_numeric(struct addresses *to, const char *host, uint16_t port)
{
    union address a = {0};

    if (inet_pton(AF_INET, host, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port   = htons(port);
    } else if (inet_pton(AF_INET6, host, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_port   = htons(port);
    } else {
        return false;
    }
    to->items[to->count++] = a;
    return true;
}

bool
resolver_init(struct resolver *r, struct loop *loop, struct str host, uint16_t port, struct error *err)
{
    *r = (struct resolver){.loop = loop, .port = port};
    list_init(&r->waiting);
    r->host = malloc(host.len + 1);
    if (r->host == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for a host name");
    memcpy(r->host, host.data, host.len);
    r->host[host.len] = '\0';
    if (str_eq_nocase(host, STR("localhost"))) {
        add_numeric(&r->known, "127.0.0.1", port);
        add_numeric(&r->known, "::1", port);
    } else {
        add_numeric(&r->known, r->host, port);
    }
    r->known_until = r->known.count > 0 ? TIMER_NEVER : 0;
    return true;
}

void
resolver_clear(struct resolver *r)
{
    assert(r->host == NULL || list_is_empty(&r->waiting));
    if (r->running != NULL)
        r->running->resolver = NULL;
    free(r->host);
    *r = (struct resolver){0};
}

const struct addresses *
resolver_known(const struct resolver *r, mono_time now)
{
    return now < r->known_until ? &r->known : NULL;
}

void
resolver_forget(struct resolver *r)
{
    if (r->known_until != TIMER_NEVER)
        r->known_until = 0;
}

/* Takes turns between the family that comes first and the other. */
static void
collect(struct addresses *to, const struct addrinfo *found)
{
    const struct addrinfo *next[2] = {found, found}; /* the next of the first family, and of the other */
    int                    first   = found->ai_family;

    for (int turn = 0; to->count < ADDRESSES_MAX && (next[0] != NULL || next[1] != NULL); turn = !turn) {
        while (next[turn] != NULL && (next[turn]->ai_family == first) != (turn == 0))
            next[turn] = next[turn]->ai_next;
        if (next[turn] == NULL)
            continue;
        if (next[turn]->ai_addrlen <= sizeof to->items[0])
            memcpy(&to->items[to->count++], next[turn]->ai_addr, next[turn]->ai_addrlen);
        next[turn] = next[turn]->ai_next;
    }
}

static void
look_up(void *arg)
{
    struct lookup   *l     = arg;
    struct addrinfo  hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    char             service[8];

    snprintf(service, sizeof service, "%u", l->port);
    hints.ai_flags |= AI_NUMERICSERV;
    l->failed = getaddrinfo(l->host, service, &hints, &found);
    l->saved  = errno;
    if (l->failed != 0)
        return;
    collect(&l->found, found);
    freeaddrinfo(found);
}

static void
lookup_free(struct lookup *l)
{
    if (l != NULL)
        free(l->host);
    free(l);
}

static void
looked_up(void *arg)
{
    struct lookup   *l   = arg;
    struct resolver *r   = l->resolver;
    struct error     err = {0};
    struct list      waiting;

    live_end(LIVE_LOOKUPS);
    if (r == NULL) {
        lookup_free(l);
        return;
    }
    r->running = NULL;
    if (l->found.count > 0) {
        r->known       = l->found;
        r->known_until = clock_mono() + REMEMBERED;
    } else {
        error_set(&err, ERROR_UNREACHABLE, "no address found for the name %s: %s", l->host,
                  l->failed == EAI_SYSTEM ? strerror(l->saved) : gai_strerror(l->failed));
    }
    list_init(&waiting);
    list_splice(&waiting, &r->waiting);
    for (struct list *node; (node = list_first(&waiting)) != NULL;) {
        struct resolver_wait *wait = LIST_OF(struct resolver_wait, node, node);
        list_remove(node);
        wait->done(wait, l->found.count > 0 ? &l->found : NULL, l->found.count > 0 ? NULL : &err);
    }
    lookup_free(l);
}

static bool
start_lookup(struct resolver *r, struct error *err)
{
    struct lookup *l = calloc(1, sizeof *l);

    if (l != NULL) {
        *l = (struct lookup){.resolver = r, .host = strdup(r->host), .port = r->port};
        if (l->host != NULL && loop_work(r->loop, look_up, looked_up, l)) {
            r->running = l;
            live_begin(LIVE_LOOKUPS);
            return true;
        }
    }
    lookup_free(l);
    return error_set(err, ERROR_MEMORY, "no memory to look up a host name");
}

bool
resolver_ask(struct resolver *r, struct resolver_wait *wait, struct error *err)
{
    if (r->running == NULL && !start_lookup(r, err))
        return false;
    list_append(&r->waiting, &wait->node);
    return true;
}

void
resolver_leave(struct resolver_wait *wait)
{
    list_remove(&wait->node);
}
