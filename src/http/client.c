#include "http/client.h"

#include <assert.h>

#include "base/live.h"
#include "http/dial.h"
#include "http/pool.h"
#include "http/request.h"

enum {
    REQUEST_HEAD_MAX = 128 * 1024,
    CALLS_KEPT       = 256,
    BODY_SLICE       = 64 * 1024, /* of a large body, handed on as the kernel takes it */
};

enum call_state { CALL_WAITING, CALL_SENT, CALL_ANSWERING, CALL_ENDED, CALL_STATES };

#define BIT(n) (1u << (n))

/* The arrows of the drawing in client.h. */
static const unsigned next_of[CALL_STATES] = {
    [CALL_WAITING]   = BIT(CALL_SENT) | BIT(CALL_ENDED),
    [CALL_SENT]      = BIT(CALL_WAITING) | BIT(CALL_ANSWERING) | BIT(CALL_ENDED),
    [CALL_ANSWERING] = BIT(CALL_ENDED),
    [CALL_ENDED]     = BIT(CALL_WAITING), /* taken for a new call */
};

struct http_call {
    struct list                    node; /* on client->in_state[state] */
    struct http_client            *client;
    struct http_origin            *origin; /* held; NULL once ended */
    struct wire                   *wire;   /* NULL: none yet, or no more */
    struct dial                   *dial;   /* NULL: none */
    struct resolver_wait           lookup;
    struct timer                   connect; /* the time for connecting is over */
    const struct http_call_events *events;
    void                          *owner;
    struct buffer   head;   /* of the request; kept, while it may be sent again, in memory lent by the net */
    struct str      body;   /* the caller's */
    struct str      unsent; /* of the body: not yet handed to the connection */
    mono_time       connect_timeout;
    enum call_state state;
    bool            connecting; /* counted in origin->count, without a wire */
    bool            to_head;
    bool            repeatable;
    bool            again; /* it was sent once before */
    bool            paused;
};

struct http_client {
    struct pool pool;
    struct list in_state[CALL_STATES]; /* of struct http_call, by node; those ended wait for reuse, latest first */
    size_t      kept;                  /* ended ones */
};

/* ---- states ---- */

/* The only writer of `state`. */
static void
move(struct http_call *c, enum call_state to)
{
    assert(next_of[c->state] & BIT(to));
    list_remove(&c->node);
    list_prepend(&c->client->in_state[to], &c->node);
    c->state = to;
}

/* Lets go of the connection, or of the way to one. */
static void
disconnect(struct http_call *c)
{
    loop_clear_timer(c->client->pool.net->loop, &c->connect);
    if (c->wire != NULL)
        wire_close(c->wire);
    if (c->connecting)
        c->origin->count--;
    resolver_leave(&c->lookup);
    dial_cancel(c->dial);
    c->connecting = false;
    c->wire       = NULL;
    c->dial       = NULL;
}

static void
drop_head(struct http_call *c)
{
    blocks_take_back(&c->client->pool.net->heads, &c->head);
}

static void
free_call(struct http_call *c)
{
    list_remove(&c->node);
    free(c);
}

/* An ended call nobody looks at any more. */
static void
recycle(struct http_call *c)
{
    struct http_client *client = c->client;

    live_end(LIVE_HTTP_CALLS);
    http_origin_release(c->origin);
    c->origin = NULL;
    drop_head(c);
    if (client->kept >= CALLS_KEPT) {
        free_call(c);
        return;
    }
    list_prepend(&client->in_state[CALL_ENDED], &c->node);
    client->kept++;
}

/* Off every list while its owner is told: it can be neither taken for a new call nor cancelled again. */
static void
leave(struct http_call *c)
{
    move(c, CALL_ENDED);
    list_remove(&c->node);
    disconnect(c);
}

static void
end(struct http_call *c, const struct error *err)
{
    leave(c);
    c->events->on_end(c->owner, err);
    recycle(c);
}

void
http_call_cancel(struct http_call *c)
{
    if (c == NULL || c->state == CALL_ENDED)
        return;
    leave(c);
    recycle(c);
}

/* ---- connecting ---- */

static void
fail_to_connect(struct http_call *c, const struct error *why)
{
    struct error err = *why;

    if (err.code != ERROR_MEMORY)
        err.code = ERROR_UNREACHABLE;
    end(c, &err);
}

static void
on_connect_time_over(struct timer *t)
{
    struct http_call *c   = LIST_OF(struct http_call, t, connect);
    struct error      err = {0};

    resolver_forget(&c->origin->resolver);
    error_set(&err, ERROR_UNREACHABLE, "no connection to %s:%u within %g s", c->origin->resolver.host,
              c->origin->resolver.port, (double)c->connect_timeout / (double)SECONDS(1));
    end(c, &err);
}

static void
on_dialed(void *owner, int fd, const struct error *why)
{
    struct http_call *c   = owner;
    struct error      err = {0};

    c->dial = NULL;
    if (fd < 0) {
        resolver_forget(&c->origin->resolver);
        fail_to_connect(c, why);
        return;
    }
    c->wire = wire_new(c->origin, fd, c, c->to_head, &err);
    if (c->wire == NULL)
        fail_to_connect(c, &err);
    else
        c->connecting = false; /* the wire counts for itself now */
}

static bool
dial(struct http_call *c, const struct addresses *addresses, struct error *err)
{
    c->dial = dial_start(c->client->pool.net->loop, addresses, on_dialed, c, err);
    return c->dial != NULL;
}

static void
on_looked_up(struct resolver_wait *wait, const struct addresses *addresses, const struct error *why)
{
    struct http_call *c   = LIST_OF(struct http_call, wait, lookup);
    struct error      err = {0};

    if (addresses == NULL)
        fail_to_connect(c, why);
    else if (!dial(c, addresses, &err))
        fail_to_connect(c, &err);
}

/* Sets out for a fresh connection. */
static bool
connect_call(struct http_call *c, struct error *err)
{
    struct http_origin     *o     = c->origin;
    struct net             *net   = o->pool->net;
    const struct addresses *known = resolver_known(&o->resolver, net_now(net));

    if (o->count >= o->pool->limits.connections)
        return error_set(err, ERROR_FULL, "all %u connections to %s:%u are in use", o->count, o->resolver.host,
                         o->resolver.port);
    if (known != NULL ? !dial(c, known, err) : !resolver_ask(&o->resolver, &c->lookup, err))
        return false;
    o->count++;
    c->connecting = true;
    loop_set_timer(net->loop, &c->connect, net_now(net) + c->connect_timeout);
    return true;
}

/* ---- sending and being answered ---- */

/* Hands on as much of the body as the connection takes. A write that fails is told by the connection, later. */
static void
pour(struct http_call *c)
{
    struct conn *conn = c->wire->conn;

    while (c->unsent.len > 0 && !conn_is_full(conn)) {
        struct str slice = str_take(c->unsent, BODY_SLICE);
        if (!conn_write(conn, slice))
            return;
        c->unsent = str_skip(c->unsent, slice.len);
    }
}

static void
send_request(struct http_call *c)
{
    move(c, CALL_SENT);
    c->unsent = c->body;
    if (c->paused)
        conn_set_reading(c->wire->conn, false);
    if (conn_write(c->wire->conn, buffer_str(&c->head)))
        pour(c);
}

static void
on_ready(void *user)
{
    struct http_call *c = user;

    loop_clear_timer(c->client->pool.net->loop, &c->connect);
    send_request(c);
}

static void
on_drained(void *user)
{
    pour(user);
}

static void
on_head(void *user, int status, const struct http_headers *headers)
{
    struct http_call *c = user;

    move(c, CALL_ANSWERING);
    drop_head(c);
    c->events->on_head(c->owner, status, headers);
}

static void
on_data(void *user, struct str bytes)
{
    struct http_call *c = user;

    c->events->on_data(c->owner, bytes);
}

static void
on_whole(void *user)
{
    struct http_call *c = user;
    struct wire      *w = c->wire;

    c->wire = NULL;
    if (c->unsent.len > 0) /* answered before it had heard us out */
        wire_close(w);
    else
        wire_rest(w);
    end(c, NULL);
}

/* No tool runs twice: see client.h. */
static bool
may_go_again(const struct http_call *c)
{
    return c->state == CALL_SENT && !c->again &&
           (!wire_was_written(c->wire) || (c->repeatable && !c->wire->response.started));
}

static void
on_failed(void *user, const struct error *why)
{
    struct http_call *c   = user;
    struct error      err = {0};

    if (c->state == CALL_WAITING) {
        fail_to_connect(c, why);
        return;
    }
    if (!may_go_again(c)) {
        end(c, why);
        return;
    }
    disconnect(c);
    move(c, CALL_WAITING);
    c->again = true;
    if (!connect_call(c, &err))
        end(c, &err);
}

static const struct wire_events wire_events = {
    .on_ready   = on_ready,
    .on_head    = on_head,
    .on_data    = on_data,
    .on_drained = on_drained,
    .on_whole   = on_whole,
    .on_failed  = on_failed,
};

/* ---- calls ---- */

static struct http_call *
take_call(struct http_client *client)
{
    struct list      *kept = list_first(&client->in_state[CALL_ENDED]);
    struct http_call *c;

    if (kept != NULL) {
        c = LIST_OF(struct http_call, kept, node);
        client->kept--;
    } else {
        c = calloc(1, sizeof *c);
        if (c == NULL)
            return NULL;
        *c = (struct http_call){.client = client, .head.max = REQUEST_HEAD_MAX, .state = CALL_ENDED};
        list_init(&c->node);
        list_init(&c->lookup.node);
        c->lookup.done = on_looked_up;
        timer_init(&c->connect, on_connect_time_over);
    }
    move(c, CALL_WAITING);
    live_begin(LIVE_HTTP_CALLS);
    return c;
}

struct http_call *
http_call_start(struct http_client *client, const struct http_call_spec *spec, const struct http_call_events *events,
                void *owner, struct error *err)
{
    struct http_call *c = take_call(client);

    if (c == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for a call");
        return NULL;
    }
    c->events          = events;
    c->owner           = owner;
    c->body            = spec->body;
    c->repeatable      = spec->repeatable;
    c->to_head         = spec->method == HTTP_METHOD_HEAD;
    c->connect_timeout = spec->connect_timeout > 0 ? spec->connect_timeout : client->pool.limits.connect;
    c->again = c->paused = false;
    c->origin            = spec->origin;
    if (c->origin != NULL)
        c->origin->holders++;
    else
        c->origin = pool_origin(&client->pool, spec->url, err);

    blocks_lend(&client->pool.net->heads, &c->head);
    if (c->origin == NULL || !request_format(&c->head, spec, err))
        goto failed;
    c->wire = wire_take(c->origin, c, c->to_head);
    if (c->wire != NULL)
        send_request(c);
    else if (!connect_call(c, err))
        goto failed;
    return c;
failed:
    http_call_cancel(c);
    return NULL;
}

static void
set_paused(struct http_call *c, bool paused)
{
    if (c->state == CALL_ENDED)
        return;
    c->paused = paused;
    if (c->state != CALL_WAITING)
        conn_set_reading(c->wire->conn, !paused);
}

void
http_call_pause(struct http_call *c)
{
    set_paused(c, true);
}

void
http_call_resume(struct http_call *c)
{
    set_paused(c, false);
}

/* ---- the client ---- */

struct http_client *
http_client_new(struct net *net, const struct http_client_limits *limits, struct error *err)
{
    struct http_client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for the HTTP client");
        return NULL;
    }
    for (int i = 0; i < CALL_STATES; i++)
        list_init(&client->in_state[i]);
    if (pool_init(&client->pool, net, limits, &wire_events, err))
        return client;
    http_client_free(client);
    return NULL;
}

void
http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    for (int state = 0; state < CALL_ENDED; state++)
        for (struct list *node; (node = list_first(&client->in_state[state])) != NULL;)
            http_call_cancel(LIST_OF(struct http_call, node, node));
    for (struct list *node; (node = list_first(&client->in_state[CALL_ENDED])) != NULL;)
        free_call(LIST_OF(struct http_call, node, node));
    pools_clear(&client->pool);
    free(client);
}

void
http_client_drop_idle(struct http_client *client)
{
    pool_drop_resting(&client->pool);
}

size_t
http_client_connections(const struct http_client *client)
{
    return client->pool.wires;
}

struct budget *
http_client_budget(const struct http_client *client)
{
    return client->pool.net->budget;
}

struct http_origin *
http_client_origin(struct http_client *client, const struct http_url *url, struct error *err)
{
    return pool_origin(&client->pool, url, err);
}

void
http_origin_release(struct http_origin *origin)
{
    if (origin == NULL)
        return;
    assert(origin->holders > 0);
    origin->holders--;
}
