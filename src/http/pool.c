#include "http/pool.h"

#include <assert.h>
#include <unistd.h>

#include "base/live.h"

#define REST_MARGIN SECONDS(1) /* we let go before the server does: no request meets a closing connection */

const struct http_client_limits http_client_limits_default = {
    .head_bytes  = KIB(64),
    .headers     = 200,
    .connections = 2048,
    .origins     = 1024,
    .idle        = SECONDS(4), /* Node closes after 5 */
    .connect     = SECONDS(10),
};

/* ---- wires ---- */

static void
free_wire(struct wire *w)
{
    response_clear(&w->response);
    live_end(LIVE_WIRES);
    free(w);
}

void
wire_close(struct wire *w)
{
    if (w->conn == NULL)
        return;
    conn_close(w->conn);
    w->conn = NULL;
    w->user = NULL;
    list_remove(&w->node);
    loop_clear_timer(w->origin->pool->net->loop, &w->rest);
    w->origin->count--;
    w->origin->pool->wires--;
    if (w->feeding)
        response_stop(&w->response); /* freed by who feeds it */
    else
        free_wire(w);
}

bool
wire_was_written(const struct wire *w)
{
    return conn_written(w->conn) > w->written_before;
}

/* How long it may rest: as long as its server says, less a margin. */
static mono_time
rest_of(const struct wire *w)
{
    const struct http_client_limits *limits = &w->origin->pool->limits;

    return w->response.idle < 0 ? limits->idle : w->response.idle - REST_MARGIN;
}

void
wire_rest(struct wire *w)
{
    struct pool *p    = w->origin->pool;
    mono_time    rest = rest_of(w);

    if (w->response.state != RESPONSE_WHOLE || !w->response.keeps_alive || rest <= 0 || w->epoch != p->epoch ||
        conn_queued(w->conn) > 0) {
        wire_close(w);
        return;
    }
    w->user = NULL;
    list_remove(&w->node);
    list_prepend(&w->origin->resting, &w->node);
    conn_set_reading(w->conn, true);
    loop_set_timer(p->net->loop, &w->rest, net_now(p->net) + rest);
}

static void
on_rest_over(struct timer *t)
{
    wire_close(LIST_OF(struct wire, t, rest));
}

static void
begin(struct wire *w, void *user, bool to_head)
{
    list_remove(&w->node);
    list_prepend(&w->origin->busy, &w->node);
    response_begin(&w->response, to_head);
    w->user           = user;
    w->written_before = conn_written(w->conn);
}

struct wire *
wire_take(struct http_origin *o, void *user, bool to_head)
{
    struct net *net = o->pool->net;

    for (struct list *node; (node = list_first(&o->resting)) != NULL;) {
        struct wire *w = LIST_OF(struct wire, node, node);
        if (w->rest.deadline <= net_now(net)) { /* the timer comes late: after the machine slept, or was busy */
            wire_close(w);
            continue;
        }
        loop_clear_timer(net->loop, &w->rest);
        begin(w, user, to_head);
        return w;
    }
    return NULL;
}

/* ---- what the connection says ---- */

static void
on_ready(void *owner)
{
    struct wire *w = owner;

    w->origin->pool->events->on_ready(w->user);
}

static void
on_drained(void *owner)
{
    struct wire *w = owner;

    if (w->user != NULL)
        w->origin->pool->events->on_drained(w->user);
}

static void
on_head(void *owner, int status, const struct http_headers *headers)
{
    struct wire *w = owner;

    w->origin->pool->events->on_head(w->user, status, headers);
}

static void
on_answer_data(void *owner, struct str bytes)
{
    struct wire *w = owner;

    w->origin->pool->events->on_data(w->user, bytes);
}

static const struct response_events response_events = {on_head, on_answer_data};

static void
on_data(void *owner, struct str bytes)
{
    struct wire              *w      = owner;
    const struct wire_events *events = w->origin->pool->events;
    struct error              err    = {0};
    struct str                rest;

    if (w->user == NULL) { /* nobody asked it anything */
        wire_close(w);
        return;
    }
    /* As servers do that say 408 to a resting connection: no answer to what waits to go out. */
    if (!wire_was_written(w)) {
        error_set(&err, ERROR_CLOSED, "the server spoke before it was asked");
        events->on_failed(w->user, &err);
        return;
    }
    w->feeding = true;
    bool ok    = response_feed(&w->response, bytes, &rest, &err);
    w->feeding = false;
    if (w->conn == NULL) {
        free_wire(w);
        return;
    }
    if (rest.len > 0)
        w->response.keeps_alive = false; /* it answers what was not asked: no more from this one */
    if (!ok)
        events->on_failed(w->user, &err);
    else if (w->response.state == RESPONSE_WHOLE)
        events->on_whole(w->user);
}

static void
on_closed(void *owner, const struct error *why)
{
    struct wire              *w      = owner;
    const struct wire_events *events = w->origin->pool->events;
    struct error              err    = {0};

    if (w->user == NULL) {
        wire_close(w);
        return;
    }
    if (why != NULL) {
        err = *why;
        if (err.code == ERROR_INTERNAL)
            err.code = ERROR_CLOSED;
    } else if (response_finish(&w->response, &err)) {
        events->on_whole(w->user);
        return;
    }
    events->on_failed(w->user, &err);
}

static const struct conn_events conn_events = {
    .on_data = on_data, .on_drained = on_drained, .on_ready = on_ready, .on_closed = on_closed};

struct wire *
wire_new(struct http_origin *o, int fd, void *user, bool to_head, struct error *err)
{
    struct pool        *p   = o->pool;
    struct tls_session *tls = NULL;
    struct wire        *w   = calloc(1, sizeof *w);

    if (w == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for a connection");
        goto failed;
    }
    if (o->tls && (tls = tls_session_new_client(p->tls, o->resolver.host, err)) == NULL)
        goto failed;
    *w = (struct wire){.origin = o, .epoch = p->epoch};
    list_init(&w->node);
    timer_init(&w->rest, on_rest_over);
    response_init(&w->response, &p->net->heads, p->limits.head_bytes, p->limits.headers, &response_events, w);
    w->conn = conn_new(p->net, fd, tls, &conn_events, w, err);
    if (w->conn == NULL) {
        free(w);
        return NULL;
    }
    p->wires++;
    live_begin(LIVE_WIRES);
    begin(w, user, to_head);
    return w;
failed:
    close(fd);
    free(w);
    return NULL;
}

/* ---- origins ---- */

enum { KEY_MAX = HTTP_HOST_MAX + 16 };

static void
drop_resting(struct http_origin *o)
{
    LIST_EACH (struct wire, w, &o->resting, node)
        wire_close(w);
}

static void
free_origin(struct http_origin *o)
{
    drop_resting(o);
    assert(o->count == 0);
    resolver_clear(&o->resolver);
    free(o);
}

/* "https host:port", the host in lower case. */
static struct str
make_key(const struct http_url *url, char space[KEY_MAX])
{
    size_t len =
        (size_t)snprintf(space, KEY_MAX, "%s %.*s:%u", url->tls ? "https" : "http", STR_ARG(url->host), url->port);

    for (size_t i = 0; i < len; i++)
        if (space[i] >= 'A' && space[i] <= 'Z')
            space[i] = (char)(space[i] | 0x20);
    return str_of(space, len);
}

static struct http_origin *
new_origin(struct pool *p, const struct http_url *url, struct error *err)
{
    struct http_origin *o = calloc(1, sizeof *o);

    if (o == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for one more upstream");
        return NULL;
    }
    *o = (struct http_origin){.pool = p, .tls = url->tls};
    list_init(&o->resting);
    list_init(&o->busy);
    if ((o->tls && p->tls == NULL && (p->tls = tls_client_context_new(p->limits.ca_file, err)) == NULL) ||
        !resolver_init(&o->resolver, p->net->loop, url->host, url->port, err)) {
        free_origin(o);
        return NULL;
    }
    return o;
}

struct unused {
    struct http_origin *origin;
    struct str          key;
};

static bool
find_unused(struct str key, void *value, void *arg)
{
    struct http_origin *o     = *(struct http_origin **)value;
    struct unused      *found = arg;

    if (o->holders > 0)
        return true;
    *found = (struct unused){o, key};
    return false;
}

/* One that nobody holds makes room. */
static bool
evict(struct pool *p)
{
    struct unused found = {0};
    char          space[KEY_MAX];

    map_each(&p->origins, find_unused, &found);
    if (found.origin == NULL)
        return false;
    memcpy(space, found.key.data, found.key.len); /* the map's copy goes with the entry */
    map_remove(&p->origins, str_of(space, found.key.len));
    free_origin(found.origin);
    return true;
}

struct http_origin *
pool_origin(struct pool *p, const struct http_url *url, struct error *err)
{
    char                 space[KEY_MAX];
    struct str           key   = make_key(url, space);
    struct http_origin **known = map_get(&p->origins, key);

    if (known != NULL) {
        (*known)->holders++;
        return *known;
    }
    if (p->origins.count >= p->origins.max && !evict(p)) {
        error_set(err, ERROR_FULL, "%zu upstreams are in use, which is the limit", p->origins.count);
        return NULL;
    }
    struct http_origin *o = new_origin(p, url, err);
    if (o == NULL)
        return NULL;
    known = map_get_or_add(&p->origins, key);
    if (known == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for one more upstream");
        free_origin(o);
        return NULL;
    }
    *known     = o;
    o->holders = 1;
    return o;
}

/* ---- the pool ---- */

bool
pool_init(struct pool *p, struct net *net, const struct http_client_limits *limits, const struct wire_events *events,
          struct error *err)
{
    *p         = (struct pool){.net = net, .limits = *limits, .events = events};
    p->origins = MAP_OF(struct http_origin *, limits->origins);
    if (limits->ca_file != NULL && (p->limits.ca_file = strdup(limits->ca_file)) == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for the HTTP client");
    return true;
}

static bool
free_one(struct str key, void *value, void *arg)
{
    (void)key;
    (void)arg;
    free_origin(*(struct http_origin **)value);
    return true;
}

void
pools_clear(struct pool *p)
{
    map_each(&p->origins, free_one, NULL);
    map_clear(&p->origins);
    tls_context_free(p->tls);
    free((void *)(uintptr_t)p->limits.ca_file);
    *p = (struct pool){0};
}

static bool
drop_one(struct str key, void *value, void *arg)
{
    (void)key;
    (void)arg;
    drop_resting(*(struct http_origin **)value);
    return true;
}

void
pool_drop_resting(struct pool *p)
{
    p->epoch++;
    map_each(&p->origins, drop_one, NULL);
}
