/* A request under /s/{name}/mcp: which server, which exchanges, whose session. */
#include <arpa/inet.h>

#include "gateway/parts.h"
#include "mcp/head_check.h"
#include "mcp/revision.h"
#include "mcp/service/rules.h"

enum { BATCH_MAX = 100 };

/* The name in the path, if the path is one of ours. */
static bool
name_of(struct str path, struct str *name)
{
    struct str rest = str_starts(path, STR("/s/"))         ? str_skip(path, 3)
                      : str_starts(path, STR("/servers/")) ? str_skip(path, 9)
                                                           : STR_NONE;

    return str_cut(&rest, '/', name) && (str_eq(rest, STR("mcp")) || str_eq(rest, STR("mcp/")));
}

bool
gateway_owns(struct str path)
{
    return str_starts(path, STR("/s/")) || str_starts(path, STR("/servers/"));
}

static void
refuse_unknown(struct gateway *g, struct http_request *r, struct str name)
{
    const struct server_entry *near = registry_nearest(g->registry, name);
    char                       text[300];

    if (near != NULL)
        snprintf(text, sizeof text, "no server is named \"%.*s\"; did you mean \"%.*s\"?",
                 name.len > 80 ? 80 : (int)name.len, name.data, STR_ARG(near->name));
    else
        snprintf(text, sizeof text, "no server is named \"%.*s\"; `gatehouse list` shows which are",
                 name.len > 80 ? 80 : (int)name.len, name.data == NULL ? "" : name.data);
    refuse_request(r, 404, -32001, STR_NONE, text, NULL);
}

/* The server of the request; NULL: refused. */
static struct server *
server_of(struct gateway *g, struct http_request *r)
{
    struct str     name = STR_NONE;
    struct server *s    = name_of(r->path, &name) ? server_find(g, name) : NULL;
    char           text[200];

    if (s == NULL) {
        refuse_unknown(g, r, name);
        return NULL;
    }
    if (s->state != STATE_WRONG && s->state != STATE_DISABLED)
        return s;
    snprintf(text, sizeof text, "%.*s is %s; `gatehouse list` says more", STR_ARG(s->entry->name),
             s->state == STATE_WRONG ? "not registered rightly" : "disabled");
    refuse_request(r, 503, -32603, STR_NONE, text,
                   s->state == STATE_WRONG ? "{\"reason\":\"wrong\"}" : "{\"reason\":\"disabled\"}");
    return NULL;
}

/* Since 2026-07-28 there are no sessions and no streams beside the answers: a GET or DELETE without a session, of a
 * client or for a server of that era alone. */
static bool
is_for_no_session(const struct server *s, const struct http_request *r)
{
    struct str revision = http_header(&r->headers, STR("mcp-protocol-version"));

    return s->entry->kind == SERVER_STDIO && r->method != HTTP_METHOD_POST &&
           http_header(&r->headers, STR("mcp-session-id")).len == 0 &&
           (revision_is_modern(revision) || (s->eras.modern == SPOKEN_YES && s->eras.legacy != SPOKEN_YES));
}

void
gateway_take_head(struct gateway *g, struct http_request *r)
{
    static const struct http_header allow[] = {{{"Allow", 5}, {"GET, POST, DELETE", 17}}};
    static const struct http_header post[]  = {{{"Allow", 5}, {"POST", 4}}};
    struct head_flaw                flaw;

    if (r->method != HTTP_METHOD_POST && r->method != HTTP_METHOD_GET && r->method != HTTP_METHOD_DELETE) {
        http_answer(r, 405, allow, 1, STR_NONE);
        return;
    }
    struct server *s = server_of(g, r);
    if (s == NULL)
        return;
    if (s->entry->kind == SERVER_SERVICE)
        endpoint_take_head(s->endpoint, r);
    else if (bridge_takes_head(s, r))
        return;
    else if (!head_check(r, &flaw))
        refuse_request(r, flaw.status, flaw.code, STR_NONE, flaw.text, NULL);
    else if (is_for_no_session(s, r))
        http_answer(r, 405, post, 1, STR_NONE);
}

static struct str
user_agent_of(const struct http_request *r)
{
    return str_take(http_header(&r->headers, STR("user-agent")), 200);
}

/* "127.0.0.1" or "::1" into `out`. */
static struct str
address_of(const struct http_request *r, char out[INET6_ADDRSTRLEN])
{
    const void *bytes = r->peer->sa_family == AF_INET
                            ? (const void *)&((const struct sockaddr_in *)(const void *)r->peer)->sin_addr
                            : &((const struct sockaddr_in6 *)(const void *)r->peer)->sin6_addr;

    return inet_ntop(r->peer->sa_family, bytes, out, INET6_ADDRSTRLEN) == NULL ? STR_NONE : str_from(out);
}

struct labels *
labels_of(struct server *s, const struct http_request *r, const struct envelope *e, struct str session)
{
    struct label_texts texts = *labels_texts(s->labels);

    texts.session    = session;
    texts.user_agent = user_agent_of(r);
    char address[INET6_ADDRSTRLEN];
    texts.address = address_of(r, address);
    if (e->peer_name.data != NULL) {
        texts.client         = e->peer_name;
        texts.client_version = e->peer_version;
    }
    if (e->revision.data != NULL || e->modern_revision.data != NULL)
        texts.revision = e->modern_revision.data != NULL ? e->modern_revision : e->revision;
    return labels_new(&texts);
}

struct labels *
labels_with_server(struct labels *old, const struct envelope *answer)
{
    struct label_texts texts = *labels_texts(old);

    texts.server_name    = answer->peer_name;
    texts.server_version = answer->peer_version;
    if (answer->revision.data != NULL)
        texts.revision = answer->revision;
    return labels_new(&texts);
}

bool
route_attach(struct exchange *x, struct server *s, struct visit *l, struct labels *labels)
{
    struct route *route = ARENA_NEW(x->arena, struct route);

    if (route == NULL || labels == NULL)
        return false;
    *route     = (struct route){.server = s, .labels = labels_ref(labels)};
    x->service = route;
    s->users++;
    route_set_visit(x, l);
    return true;
}

void
route_set_visit(struct exchange *x, struct visit *l)
{
    struct route *route = x->service;

    if (route->visit != NULL)
        route->visit->open--;
    route->visit = l;
    if (l != NULL)
        l->open++;
}

void
route_set_labels(struct exchange *x, struct labels *labels)
{
    struct route *route = x->service;

    labels_ref(labels);
    labels_unref(route->labels);
    route->labels = labels;
}

/* The exchanges of one request, while they are made. */
struct intake {
    struct gateway      *g;
    struct server       *server;
    struct http_request *request;
    struct visit        *visit;
    struct exchange     *xs[BATCH_MAX];
    size_t               count;
    bool                 is_batch;
    int                  status, code; /* when refused */
    const char          *data;
    struct str           id;
    struct error         err;
};

static bool
refuse(struct intake *in, int status, int code, const char *data, const char *text)
{
    in->status = status;
    in->code   = code;
    in->data   = data;
    return error_set(&in->err, ERROR_INVALID, "%s", text);
}

/* Who calls without a session is mostly who called last. */
static struct labels *
labels_of_guest(struct server *s, const struct http_request *r, const struct envelope *e)
{
    char                      address[INET6_ADDRSTRLEN];
    const struct label_texts *last = s->guest == NULL ? NULL : labels_texts(s->guest);

    if (last != NULL && str_eq(last->user_agent, user_agent_of(r)) && str_eq(last->address, address_of(r, address)))
        return labels_ref(s->guest);
    labels_unref(s->guest);
    s->guest = labels_of(s, r, e, STR_NONE);
    return s->guest == NULL ? NULL : labels_ref(s->guest);
}

struct labels *
labels_for(struct server *s, const struct http_request *r, const struct envelope *e, const struct visit *l)
{
    struct str session = str_take(http_header(&r->headers, STR("mcp-session-id")), 200);

    if (l != NULL)
        return labels_ref(l->labels);
    if (e->peer_name.data != NULL || session.len > 0)
        return labels_of(s, r, e, session);
    return labels_of_guest(s, r, e);
}

static bool
attach(struct intake *in, struct exchange *x)
{
    bool           is_alone = in->server->entry->kind == SERVER_STDIO && x->is_modern; /* whatever session it names */
    struct visit  *l        = is_alone ? NULL : in->visit;
    struct labels *labels   = labels_for(in->server, in->request, &x->message, l);
    bool           ok       = route_attach(x, in->server, l, labels);

    labels_unref(labels);
    x->patience = x->kind == KIND_STREAM                    ? 0
                  : in->server->entry->kind == SERVER_STDIO ? talk_patience(in->server, x)
                                                            : in->server->entry->timeout;
    if (!ok)
        return refuse(in, 503, -32603, NULL, "no memory");
    return true;
}

static struct exchange *
add_exchange(struct intake *in, enum exchange_kind kind)
{
    struct exchange *x = exchange_new(&in->g->exchanges, kind, NULL);

    if (x == NULL)
        refuse(in, 503, -32603, NULL, "no memory");
    else
        in->xs[in->count++] = x;
    return x;
}

static const enum exchange_kind kind_of[] = {
    [MESSAGE_REQUEST]      = KIND_REQUEST,
    [MESSAGE_NOTIFICATION] = KIND_NOTIFICATION,
    [MESSAGE_RESULT]       = KIND_REPLY,
    [MESSAGE_ERROR]        = KIND_REPLY,
};

/* A subscription with a child is open for hours: it gets a small arena. */
static struct exchange *
lighten(struct intake *in, struct exchange *x)
{
    struct exchange *light =
        in->server->entry->kind == SERVER_STDIO && !in->is_batch && x->kind == KIND_REQUEST && exchange_is_listening(x)
            ? exchange_lighten(x)
            : NULL;

    if (light == NULL)
        return x;
    in->xs[in->count - 1] = light;
    return light;
}

static bool
take_message(struct str message, void *arg)
{
    struct intake   *in = arg;
    struct exchange *x  = in->count == BATCH_MAX ? NULL : add_exchange(in, KIND_REQUEST);

    if (x == NULL)
        return in->err.code != ERROR_NONE ? false
                                          : refuse(in, 400, -32600, NULL, "the batch has more than 100 messages");
    if (!envelope_parse(&x->message, message, x->arena, &in->err)) {
        in->status = in->err.code == ERROR_MEMORY ? 503 : 400;
        in->code   = str_find(str_from(in->err.text), STR("not JSON:")) >= 0 ? -32700 : -32600;
        in->id     = x->message.id;
        return false;
    }
    x->kind      = kind_of[x->message.kind];
    x->is_modern = x->message.modern_revision.data != NULL ||
                   revision_is_modern(http_header(&in->request->headers, STR("mcp-protocol-version")));
    in->id = x->message.id;
    x      = lighten(in, x);
    if (in->is_batch && str_eq(x->message.method, STR("initialize")))
        return refuse(in, 400, -32600, NULL, "initialize may not be in a batch");
    return attach(in, x);
}

/* A child is chosen, and may be started, by what the opening says: it must say it. */
static bool
check_opening(struct intake *in, const struct exchange *x)
{
    if (x->kind != KIND_REQUEST)
        return refuse(in, 400, -32600, NULL, "initialize must be a request: it needs an id");
    if (x->message.revision.data == NULL || x->message.capabilities.data == NULL)
        return refuse(in, 400, -32602, NULL, "initialize needs protocolVersion, a string, and capabilities, an object");
    return true;
}

/* What a child cannot see. */
static bool
check_modern(struct intake *in)
{
    const struct exchange *x = in->xs[0];
    struct refusal         refusal;

    if (in->is_batch)
        return refuse(in, 400, -32600, NULL, "2026-07-28 has no batches");
    if (x->kind == KIND_REPLY)
        return refuse(in, 400, -32600, NULL, "2026-07-28 has no answers of clients: they are in the next request");
    if (str_eq(x->message.method, STR("initialize")) && x->message.modern_revision.data == NULL)
        return refuse(in, 400, -32020, NULL, "MCP-Protocol-Version is of a revision that has no initialize");
    const struct http_headers *headers = &in->request->headers;
    if (rules_check_head(&x->message, headers, x->arena, &refusal) &&
        mirrored_check(&in->server->mirrored, &x->message, headers, x->arena, &refusal))
        return true;
    const char *data = refusal.data.data == NULL ? NULL : arena_cstr(x->arena, refusal.data);
    const char *text = arena_cstr(x->arena, refusal.message);
    return refuse(in, refusal.status, refusal.code, data, text == NULL ? "no memory" : text);
}

static bool
has_modern(const struct intake *in)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->xs[i]->is_modern)
            return true;
    return false;
}

/* What only we can say of a request to a stdio server: there is no such session, or no such revision. */
static bool
check_stdio(struct intake *in)
{
    struct str             session  = http_header(&in->request->headers, STR("mcp-session-id"));
    struct str             revision = http_header(&in->request->headers, STR("mcp-protocol-version"));
    const struct exchange *first    = in->xs[0];

    if (has_modern(in))
        return check_modern(in);
    if (str_eq(first->message.method, STR("initialize")))
        return check_opening(in, first);
    if (session.len == 0)
        return refuse(in, 400, -32000, NULL, "Mcp-Session-Id is missing: begin with initialize");
    if (in->visit == NULL)
        return refuse(in, 404, -32001, NULL, "Session not found: it has ended, begin with initialize");
    if (revision.data != NULL && !revision_is_known(revision))
        return refuse(in, 400, -32000, NULL, "MCP-Protocol-Version is not a revision that this server knows");
    if (in->is_batch && !revision_has_batches(session_revision(in->visit->session)))
        return refuse(in, 400, -32600, NULL, "only revision 2025-03-26 has batches");
    return true;
}

static bool
check_stream(struct intake *in)
{
    if (in->server->entry->kind != SERVER_STDIO || in->request->method != HTTP_METHOD_GET || in->visit == NULL)
        return true;
    struct session *session = in->visit->session;
    struct str      last    = http_header(&in->request->headers, STR("last-event-id"));
    const char     *words;
    int             status = hop_refuses(session_streams(session), last, session_has_stream(session), &words);
    return status == 0 || refuse(in, status, -32000, NULL, words);
}

static bool
read_request(struct intake *in)
{
    struct http_request *r = in->request;

    if (r->method != HTTP_METHOD_POST) {
        struct exchange *x = add_exchange(in, r->method == HTTP_METHOD_GET ? KIND_STREAM : KIND_DELETE);
        if (x == NULL)
            return false;
        x->message.method = http_method_name(r->method);
        x->is_modern      = false;
        return attach(in, x) && check_stream(in);
    }
    in->is_batch = message_is_batch(r->body);
    if (in->is_batch)
        return batch_each(r->body, take_message, in, &in->err) ||
               (in->status != 0
                    ? false
                    : refuse(in, 400,
                             in->err.text[0] == 't' && str_find(str_from(in->err.text), STR("not JSON")) >= 0 ? -32700
                                                                                                              : -32600,
                             NULL, in->err.text));
    return take_message(r->body, in);
}

/* The client is told, and it is on record: nothing left the house. */
static void
answer_refusal(struct intake *in)
{
    struct buffer answer = {.max = KIB(8)};

    if (in->status == 0)
        in->status = 400;
    append_error_message(&answer, in->is_batch ? STR_NONE : in->id, in->code, str_from(in->err.text), NULL);
    for (size_t i = 0; i < in->count; i++) {
        struct exchange *x = in->xs[i];
        x->http_status     = in->status;
        x->judged = x->failed = true;
        x->error_code         = in->code;
        if (x->service == NULL) {
            x->is_silent = true;
        } else {
            exchange_note(x, FROM_CLIENT, x->message.message, false);
            exchange_note(x, FROM_SERVER, buffer_str(&answer), false);
        }
        exchange_close(x, CLOSE_REFUSED);
    }
    buffer_clear(&answer);
    refuse_request(in->request, in->status, in->code, in->is_batch ? STR_NONE : in->id, in->err.text, in->data);
}

static void
on_left(struct exchange *x)
{
    struct route *route = x->service;

    if (route->server->entry->kind == SERVER_STDIO)
        talk_left(x);
    else
        pass_left(x);
}

/* All of them, or none: what is refused in a batch is refused with it. */
static bool
guard_all(struct intake *in, struct hop *hop)
{
    for (size_t i = 0; i < in->count; i++) {
        if (in->request->method == HTTP_METHOD_POST)
            exchange_note(in->xs[i], FROM_CLIENT, in->xs[i]->message.message, false);
        bool is_last = i + 1 == in->count;
        if (exchange_guard(in->xs[i]))
            continue;
        if (!is_last || i > 0)
            hop_drop(hop, CLOSE_REFUSED, "another message of the batch was refused");
        return false;
    }
    return true;
}

void
gateway_route(struct gateway *g, struct http_request *r)
{
    struct server *s = server_of(g, r);

    if (s == NULL)
        return;
    if (s->entry->kind == SERVER_SERVICE) {
        endpoint_take_request(s->endpoint, r);
        return;
    }
    if (bridge_takes_request(s, r))
        return;
    struct intake in = {.g = g, .server = s, .request = r, .visit = visit_of(g, s, r), .code = -32600};
    if (!read_request(&in) || (s->entry->kind == SERVER_STDIO && !check_stdio(&in))) {
        answer_refusal(&in);
        return;
    }
    struct hop *hop = hop_new(g->parts.loop, r, on_left);
    if (hop == NULL) {
        refuse(&in, 503, -32603, NULL, "no memory");
        answer_refusal(&in);
        return;
    }
    hop_set_server(hop, s->entry->name);
    hop->is_batch = in.is_batch;
    for (size_t i = 0; i < in.count; i++)
        hop_adopt(hop, in.xs[i]);
    if (!guard_all(&in, hop))
        return;
    if (s->entry->kind == SERVER_STDIO)
        talk_requests(g, s, r, hop, in.xs, in.count);
    else
        pass_requests(g, s, r, hop, in.xs, in.count);
}
