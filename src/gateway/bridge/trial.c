/* Finding out which era a server is of: its first client tells, by how it is answered.
 *
 * A request passes as it came. An answer that a server of its era would not give is held back, and the other era is
 * tried: when the server opens in it, the request goes over the bridge, and the client never sees the first answer;
 * when not, that answer is what the client gets, byte for byte. mcp.md 7.2; MCP 2026-07-28 basic/versioning. */
#include "gateway/bridge/bridge.h"

#include "mcp/json.h"

/* In the arena of its exchange. */
struct trial {
    struct server     *server;
    struct exchange   *x;
    struct waiter      waiter;
    struct caller     *caller; /* a reference; NULL before it runs, too */
    struct answer_head head;   /* of the answer that is held */
    struct str         body;
    bool               has_answer;  /* else there is none yet: `words` say why */
    bool               is_over_sse; /* that is what is tried now */
    int                status;      /* HTTP, of the last refusal */
    int                code;        /* JSON-RPC, of the answer; 0: a result */
    const char        *words;
    char               capabilities[CAPABILITIES_MAX]; /* of the client */
};

static struct route *
route_of(struct exchange *x)
{
    return x->service;
}

static enum era
era_of(const struct exchange *x)
{
    return x->is_modern ? ERA_MODERN : ERA_LEGACY;
}

/* --- what an answer shows --- */

/* What a fine answer shows. A server of long ago may answer a modern request as it would any: that shows nothing. */
static void
learn(struct server *s, const struct exchange *x, const struct envelope *e)
{
    if (e->kind != MESSAGE_RESULT || e->message.data == NULL)
        return;
    if (str_eq(x->message.method, STR("initialize")))
        eras_learn(&s->eras, ERA_LEGACY, true);
    else if (str_eq(x->message.method, STR("server/discover")))
        eras_learn(&s->eras, ERA_MODERN, true);
}

/* --- how a trial ends --- */

void
trial_over(struct trial *t)
{
    list_remove(&t->waiter.node);
    caller_unref(t->caller);
    t->caller             = NULL;
    route_of(t->x)->trial = NULL;
}

/* It is no exchange of the client's: what is on record of it already, because it is large or took long, is ours. */
static void
leave_record(struct exchange *x)
{
    struct labels *ours = bridge_labels(route_of(x)->server, false);

    if (ours != NULL)
        route_set_labels(x, ours);
    labels_unref(ours);
    x->is_silent = true;
}

/* The request begins again, at the bridge. */
static void
hand_over(struct server *s, struct exchange *x, int code)
{
    struct error         err = {0};
    struct bridge       *b   = bridge_of(s, &err);
    struct http_request *r   = b == NULL ? NULL : hop_release(x);

    if (r == NULL) {
        exchange_fail(x, b == NULL ? CLOSE_BUSY : CLOSE_CLIENT_LEFT, "%s", err.text);
        return;
    }
    leave_record(x);
    x->judged = x->failed = true; /* as the server answered it */
    x->error_code         = code;
    exchange_close(x, CLOSE_ANSWERED); /* `s` stays: the exchange that comes has it */
    bridge_take_request(b, r);
}

static void
on_open(struct waiter *w, const struct client_server *server)
{
    struct trial    *t    = LIST_OF(struct trial, w, waiter);
    struct server   *s    = t->server;
    struct exchange *x    = t->x;
    int              code = t->has_answer && t->code != 0 ? t->code : -32603;

    (void)server;
    eras_learn(&s->eras, era_of(x), false);
    if (t->is_over_sse && s->bridge != NULL)
        s->bridge->is_over_sse = true;
    trial_over(t);
    s->users++;
    hand_over(s, x, code);
    s->users--;
    server_release_if_unused(s);
}

/* The client gets what it would have got. */
static void
pass_held(struct trial *t)
{
    struct exchange *x     = t->x;
    struct front    *front = x->front;

    exchange_note(x, FROM_SERVER, t->body, false);
    exchange_judge(x, &(struct envelope){.kind = t->code != 0 ? MESSAGE_ERROR : MESSAGE_RESULT, .error_code = t->code});
    x->http_status = t->head.status;
    exchange_begin_answer(x);
    if (front != NULL) {
        front->ops->head(front, &t->head);
        front->ops->bytes(front, t->body, false);
    }
    exchange_close(x, CLOSE_ANSWERED);
}

static void
fail(struct trial *t)
{
    struct exchange *x = t->x;

    trial_over(t);
    if (t->has_answer)
        pass_held(t);
    else
        exchange_fail(x, CLOSE_REFUSED, "it %s, and could not be opened in another era of the protocol", t->words);
}

static bool begin(struct trial *t, enum client_era era, bool over_sse);

/* The other era wants to know who the client is before it says more: that is what the client has to know, and not what
 * it was answered in its own. Without memory it gets the latter. */
static void
take_refusal(struct trial *t, int status, const char *words)
{
    struct arena       *a       = t->x->arena;
    struct http_header *headers = arena_alloc(a, 2 * sizeof *headers);
    struct str          wanted  = arena_str(a, client_challenge(t->waiter.peer->client));
    struct buffer       text    = {.max = KIB(8)};
    bool                ok      = append_error_message(&text, t->x->message.id, -32603, str_from(words), "http-status");
    struct str          body    = ok ? arena_str(a, buffer_str(&text)) : STR_NONE;

    buffer_clear(&text);
    if (headers == NULL || body.data == NULL)
        return;
    headers[0] = (struct http_header){STR("Content-Type"), STR("application/json")};
    headers[1] = (struct http_header){STR("WWW-Authenticate"), wanted};
    t->head    = (struct answer_head){
           .status = status, .headers = headers, .count = wanted.len > 0 ? 2 : 1, .length = (int64_t)body.len};
    t->body       = body;
    t->code       = -32603;
    t->has_answer = true;
}

/* `initialize` got a status that a server of HTTP+SSE gives to any POST. */
static bool
may_be_sse(const struct trial *t, int status)
{
    return t->server->entry->kind == SERVER_HTTP && !t->is_over_sse &&
           (status == 400 || status == 404 || status == 405);
}

static void
on_lost(struct waiter *w, int code, int status, const char *words)
{
    struct trial *t       = LIST_OF(struct trial, w, waiter);
    int           refusal = t->x->is_modern ? status : t->status; /* which `initialize` got, theirs or ours */

    (void)code;
    if (status_is_of_caller(status))
        take_refusal(t, status, words);
    if (may_be_sse(t, refusal)) {
        t->is_over_sse = true;
        if (begin(t, CLIENT_LEGACY, true))
            return;
    }
    fail(t);
}

/* --- how it begins --- */

static bool
begin(struct trial *t, enum client_era era, bool over_sse)
{
    struct error   err = {0};
    struct bridge *b   = bridge_of(t->server, &err);
    struct peer   *p =
        b == NULL || b->is_closing ? NULL : peer_for(b, era, over_sse, str_from(t->capabilities), t->caller, &err);

    if (p == NULL)
        return false;
    list_init(&t->waiter.node);
    peer_wait(p, &t->waiter);
    return true;
}

/* What the client can, as it says in the request. */
static void
read_capabilities(struct trial *t)
{
    yyjson_doc *doc    = json_read(t->x->message.message);
    yyjson_val *params = json_member(yyjson_doc_get_root(doc), "params");
    yyjson_val *said   = t->x->is_modern
                             ? yyjson_obj_get(json_member(params, "_meta"), "io.modelcontextprotocol/clientCapabilities")
                             : json_member(params, "capabilities");
    char       *text   = bridge_capabilities_text(said);

    snprintf(t->capabilities, sizeof t->capabilities, "%s",
             text == NULL || strlen(text) >= sizeof t->capabilities ? "{}" : text);
    free(text);
    yyjson_doc_free(doc);
}

static struct trial *
trial_new(struct server *s, struct exchange *x)
{
    struct trial *t = ARENA_NEW(x->arena, struct trial);

    if (t == NULL)
        return NULL;
    *t = (struct trial){.server = s, .x = x, .waiter = {.on_open = on_open, .on_lost = on_lost}};
    list_init(&t->waiter.node);
    read_capabilities(t);
    return t;
}

/* False: its client has left, or there is no memory. */
static bool
find_caller(struct trial *t)
{
    const struct http_upstream *to      = &t->server->upstream;
    const struct http_headers  *headers = hop_headers(t->x);

    if (t->server->entry->kind != SERVER_HTTP)
        return true;
    return headers != NULL && caller_find(&t->server->gateway->callers, headers, to->withheld, &t->caller, NULL);
}

static void
run(struct trial *t)
{
    route_of(t->x)->trial = t;
    list_remove(&t->x->known); /* it is on record once it is known whose it is */
    if (!find_caller(t) || !begin(t, t->x->is_modern ? CLIENT_LEGACY : CLIENT_MODERN, false))
        fail(t);
}

bool
bridge_takes_held(struct exchange *x, const struct answer_head *head, struct str body, const struct envelope *e)
{
    struct server *s     = route_of(x)->server;
    enum spoken    other = x->is_modern ? s->eras.legacy : s->eras.modern;
    enum spoken    own   = x->is_modern ? s->eras.modern : s->eras.legacy;

    if (!answer_is_of_other_era(x, head->status, body, e)) {
        learn(s, x, e);
        return false;
    }
    if (other == SPOKEN_NO || (own == SPOKEN_YES && !exchange_opens_era(x)) || route_of(x)->visit != NULL ||
        s->gateway->is_draining || s->is_retired)
        return false;
    struct trial *t = trial_new(s, x);
    if (t == NULL || (body.len > 0 && (t->body = arena_str(x->arena, body)).data == NULL))
        return false;
    t->head        = *head;
    t->head.length = (int64_t)body.len;
    t->has_answer  = true;
    t->status      = head->status;
    t->code        = e->message.data != NULL && e->kind == MESSAGE_ERROR ? e->error_code : 0;
    if (head->status >= 300 && t->code == 0)
        t->code = -32603;
    struct http_header *headers = arena_alloc(x->arena, (head->count + 1) * sizeof *headers);
    if (headers == NULL)
        return false;
    for (size_t i = 0; i < head->count; i++)
        headers[i] = (struct http_header){arena_str(x->arena, head->headers[i].name),
                                          arena_str(x->arena, head->headers[i].value)};
    t->head.headers = headers;
    run(t);
    return true;
}

void
bridge_take(struct server *s, struct exchange *x, const char *words)
{
    struct trial *t = route_of(x)->is_ours ? NULL : trial_new(s, x);

    if (route_of(x)->is_ours) {
        exchange_fail(x, CLOSE_UNREACHABLE, "it %s", words);
        return;
    }
    if (t == NULL) {
        exchange_fail(x, CLOSE_BUSY, "no memory");
        return;
    }
    char *copy = arena_cstr(x->arena, str_from(words));
    t->words   = copy == NULL ? "" : copy;
    run(t);
}

bool
bridge_takes_refused(struct server *s, struct exchange *x, struct str refusal)
{
    static const struct http_header json = {{"Content-Type", 12}, {"application/json", 16}};

    if (route_of(x)->is_ours || s->eras.modern == SPOKEN_NO || s->gateway->is_draining || s->is_retired)
        return false;
    struct trial *t = trial_new(s, x);
    if (t == NULL || (t->body = arena_str(x->arena, refusal)).data == NULL)
        return false;
    t->head       = (struct answer_head){.status = 200, .headers = &json, .count = 1, .length = (int64_t)refusal.len};
    t->has_answer = true;
    t->status     = 200;
    t->code       = -32603;
    run(t);
    return true;
}
