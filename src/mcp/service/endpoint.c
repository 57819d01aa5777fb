#include "mcp/service/endpoint.h"

#include <stdlib.h>

#include "base/random.h"
#include "mcp/head_check.h"
#include "mcp/hop_stream.h"
#include "mcp/revision.h"
#include "mcp/service/intake.h"

enum { NAME_SHOWN = 71 };

struct endpoint {
    struct service       *service;
    struct exchanges     *exchanges;
    struct endpoint_parts parts;
    struct rules         *rules;
    uint64_t              process; /* in session ids */
    struct back           deleting;
};

/* One HTTP request while it is decided what becomes of it. */
struct asked {
    struct endpoint        *endpoint;
    struct http_request    *request;
    struct str              version, session_id; /* as the header fields say; trimmed; no data: absent */
    struct service_session *session;             /* NULL: none, or a modern client */
    struct intake           in;
    bool                    opens; /* `initialize` */
};

static void delete_session(struct back *back, struct exchange *x);
static void forget(struct back *back, struct exchange *x, enum close_reason why);

static const struct back_ops deleting_ops = {delete_session, forget, NULL};

struct endpoint *
endpoint_new(struct service *s, struct exchanges *all, const struct endpoint_parts *parts, struct error *err)
{
    struct endpoint *e = calloc(1, sizeof *e);

    if (e == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for an endpoint");
        return NULL;
    }
    *e = (struct endpoint){.service = s, .exchanges = all, .parts = *parts, .deleting = {&deleting_ops}};
    random_bytes(&e->process, sizeof e->process);
    e->rules = rules_new(s, err);
    if (e->rules == NULL) {
        endpoint_free(e);
        return NULL;
    }
    return e;
}

void
endpoint_free(struct endpoint *e)
{
    if (e == NULL)
        return;
    rules_free(e->rules);
    free(e);
}

/* The session ends behind it: its answer must not be the end's. */
static void
delete_session(struct back *back, struct exchange *x)
{
    (void)back;
    exchange_lose_back(x);
    exchange_close(x, CLOSE_ANSWERED);
}

static void
forget(struct back *back, struct exchange *x, enum close_reason why)
{
    (void)back, (void)x, (void)why;
}

/* What the field's ranges take in, whatever their weights. RFC 9110 section 12.5.1: without one, anything. */
static bool
accepts(const struct http_request *r, struct str type)
{
    struct str family  = str_take(type, (size_t)str_index(type, '/') + 1);
    bool       is_said = false;

    for (size_t i = 0; i < r->headers.count; i++) {
        struct str list = r->headers.items[i].value, range, name;
        if (!str_eq_nocase(r->headers.items[i].name, STR("accept")))
            continue;
        is_said = true;
        while (str_cut(&list, ',', &range)) {
            str_cut(&range, ';', &name);
            name = str_trim(name);
            if (str_eq_nocase(name, type) || str_eq(name, STR("*/*")) ||
                (str_ends(name, STR("/*")) && str_eq_nocase(str_take(name, name.len - 1), family)))
                return true;
        }
    }
    return !is_said;
}

static void
answer_refusal(struct http_request *r, struct str id, const struct refusal *refusal, struct intake *in)
{
    static const struct http_header headers[] = {{{"Content-Type", 12}, {"application/json", 16}},
                                                 {{"Allow", 5}, {"POST", 4}}};
    struct buffer                   body      = {.max = KIB(16)};
    int                             status    = refusal->status;

    if (!append_refusal(&body, id, refusal))
        buffer_reset(&body);
    if (in != NULL)
        intake_end_refused(in, buffer_str(&body));
    http_answer(r, status, headers, status == 405 ? 2 : 1, buffer_str(&body));
    buffer_clear(&body);
}

static void
refuse_head(struct http_request *r, int status, int code, const char *text)
{
    struct refusal refusal;

    refuse_with(&refusal, status, code, text);
    answer_refusal(r, STR_NONE, &refusal, NULL);
}

/* The first of that name, trimmed: head_check has seen that there is no second. */
static struct str
field(const struct http_request *r, struct str name)
{
    struct str value = http_header(&r->headers, name);

    return value.data == NULL ? STR_NONE : str_trim(value);
}

static bool
is_modern_head(const struct http_request *r)
{
    return revision_is_modern(field(r, STR("MCP-Protocol-Version")));
}

/* A stream and a session's end are for those that have a session. */
static bool
has_other_method(const struct endpoint *e, const struct http_request *r)
{
    if (r->method == HTTP_METHOD_POST)
        return false;
    return (r->method != HTTP_METHOD_GET && r->method != HTTP_METHOD_DELETE) || is_modern_head(r) ||
           !service_parts_of(e->service)->is_legacy || field(r, STR("Mcp-Session-Id")).len == 0;
}

void
endpoint_take_head(struct endpoint *e, struct http_request *r)
{
    bool             is_post = r->method == HTTP_METHOD_POST;
    struct head_flaw flaw;

    if (has_other_method(e, r))
        refuse_head(r, 405, -32000, "Method not allowed");
    else if (!head_check(r, &flaw))
        refuse_head(r, flaw.status, flaw.code, flaw.text);
    else if (is_post && (!accepts(r, STR("application/json")) || !accepts(r, STR("text/event-stream"))))
        refuse_head(r, 406, -32000, "Not acceptable: Accept must name application/json and text/event-stream");
    else if (r->method == HTTP_METHOD_GET && !accepts(r, STR("text/event-stream")))
        refuse_head(r, 406, -32000, "Not acceptable: Accept must name text/event-stream");
}

static bool
attach(void *arg, struct exchange *x)
{
    struct asked *a = arg;

    return a->endpoint->parts.attach == NULL || a->endpoint->parts.attach(a->endpoint->parts.owner, x, a->request);
}

static const struct envelope *
first_of(const struct asked *a)
{
    return &a->in.xs[0]->message;
}

/* MCP 2026-07-28, basic/versioning: what the body says counts first, then the header. */
static bool
is_modern(const struct asked *a)
{
    const struct envelope *e      = first_of(a);
    bool                   is_new = e->method.data != NULL && a->session_id.len == 0;

    if (e->modern_revision.data != NULL)
        return true;
    if (str_eq(e->method, STR("initialize")))
        return false;
    return revision_is_modern(a->version) || (is_new && str_eq(e->method, STR("server/discover"))) ||
           !service_parts_of(a->endpoint->service)->is_legacy;
}

static bool
check_modern(struct asked *a)
{
    struct exchange *x = a->in.xs[0];

    x->is_modern = true;
    if (x->kind == KIND_REPLY)
        return intake_refuse(&a->in, 400, -32600, "a response is not sent to a server of this revision");
    return rules_check(a->endpoint->rules, &x->message, &a->request->headers, x->arena, &a->in.refusal);
}

static bool
check_opening(struct asked *a)
{
    const struct envelope *e = first_of(a);

    if (revision_is_modern(a->version))
        return intake_refuse(&a->in, 400, -32020, "MCP-Protocol-Version names a revision without initialize");
    if (!service_parts_of(a->endpoint->service)->is_legacy)
        return refuse_revision(a->endpoint->service, e->revision, a->in.xs[0]->arena, &a->in.refusal);
    if (a->session_id.len == 0)
        return opening_check(e, &a->in.refusal);
    if (a->session != NULL)
        return intake_refuse(&a->in, 400, -32600, "the session is open already: initialize opens it once");
    return intake_refuse(&a->in, 404, -32001, "Session not found: initialize is sent without Mcp-Session-Id");
}

/* Of what comes after `initialize`. */
static bool
check_session(struct asked *a)
{
    if (a->session_id.len == 0)
        return intake_refuse(&a->in, 400, -32000, "Mcp-Session-Id is missing: begin with initialize");
    if (a->session == NULL)
        return intake_refuse(&a->in, 404, -32001, "Session not found: it has ended, begin with initialize");
    if (a->version.data != NULL && (!revision_is_known(a->version) || revision_is_modern(a->version)))
        return intake_refuse(&a->in, 400, -32000, "Unsupported protocol version in MCP-Protocol-Version");
    return true;
}

static bool
check_batch(struct asked *a)
{
    for (size_t i = 0; i < a->in.count; i++) {
        const struct envelope *e = &a->in.xs[i]->message;
        if (e->modern_revision.data != NULL || revision_is_modern(a->version))
            return intake_refuse(&a->in, 400, -32600, "a batch cannot be sent in this revision");
        if (str_eq(e->method, STR("initialize")))
            return intake_refuse(&a->in, 400, -32600, "initialize cannot be in a batch");
    }
    if (!service_parts_of(a->endpoint->service)->is_legacy)
        return intake_refuse(&a->in, 400, -32600, "a batch cannot be sent to this server");
    return check_session(a) && (revision_has_batches(service_session_revision(a->session)) ||
                                intake_refuse(&a->in, 400, -32600, "only revision 2025-03-26 has batches"));
}

static bool
check_post(struct asked *a)
{
    if (!intake_read(&a->in, a->request->body))
        return false;
    if (a->in.is_batch)
        return check_batch(a);
    if (is_modern(a)) {
        a->session = NULL;
        return check_modern(a);
    }
    a->opens = str_eq(first_of(a)->method, STR("initialize"));
    return a->opens ? check_opening(a) : check_session(a);
}

static bool
check_other(struct asked *a)
{
    bool is_stream = a->request->method == HTTP_METHOD_GET;

    if (!intake_add(&a->in, is_stream ? KIND_STREAM : KIND_DELETE, http_method_name(a->request->method)) ||
        !check_session(a))
        return false;
    if (!is_stream)
        return true;
    const char *words;
    int         status = hop_refuses(service_session_streams(a->session), field(a->request, STR("Last-Event-ID")),
                                     service_session_has_stream(a->session), &words);
    return status == 0 || intake_refuse(&a->in, status, -32000, words);
}

/* A modern client that leaves has cancelled. A legacy one has not: its call goes on, to its time-out. */
static void
on_left(struct exchange *x)
{
    if (x->is_modern)
        exchange_close(x, CLOSE_CANCELLED);
    else if (x->kind != KIND_REQUEST)
        exchange_close(x, CLOSE_CLIENT_LEFT);
    else if (x->message.id.data == NULL) /* there was no memory to keep it */
        exchange_close(x, CLOSE_BUSY);
}

static bool
open_session(struct asked *a, struct hop *hop)
{
    const struct service_parts  *parts = service_parts_of(a->endpoint->service);
    const struct endpoint_parts *hooks = &a->endpoint->parts;
    struct session_seal          seal  = {.owner = a->endpoint->process};
    struct str                   wants = first_of(a)->revision;
    char                         id[SESSION_ID_SIZE];

    snprintf(seal.principal, sizeof seal.principal, "%s", parts->principal == NULL ? "" : parts->principal);
    snprintf(seal.revision, sizeof seal.revision, "%.*s", STR_ARG(wants));
    if (session_id_seal(parts->key, &seal, id) && hop_set_session(hop, str_from(id)))
        a->session = service_session_new(a->endpoint->service, str_from(id));
    if (a->session != NULL && hooks->open != NULL && !hooks->open(hooks->owner, a->in.xs[0], str_from(id))) {
        service_session_end(a->session, CLOSE_BUSY);
        a->session = NULL;
    }
    if (a->session == NULL)
        hop_drop(hop, CLOSE_BUSY, "no memory, or too many sessions");
    return a->session != NULL;
}

static struct back *
back_of(const struct asked *a)
{
    if (a->request->method == HTTP_METHOD_DELETE)
        return &a->endpoint->deleting;
    return a->session == NULL ? service_back(a->endpoint->service) : service_session_back(a->session);
}

static void
send_all(struct asked *a, struct hop *hop)
{
    struct exchange *first     = a->in.xs[0];
    bool             is_delete = first->kind == KIND_DELETE;
    struct back     *back      = back_of(a);

    if (first->kind == KIND_STREAM) {
        hop_listen(hop, first, service_session_streams(a->session), field(a->request, STR("Last-Event-ID")), back);
        return;
    }
    if (a->session != NULL)
        hop_set_streams(hop, service_session_streams(a->session));
    hop_expect(hop);
    for (size_t i = 0; i < a->in.count; i++)       /* the last one may free the hop */
        if (a->in.xs[i]->state != EXCHANGE_CLOSED) /* what was said to one before was too much for the client */
            exchange_send(a->in.xs[i], back);
    if (is_delete)
        service_session_end(a->session, CLOSE_SESSION_ENDED);
}

static bool
serve(struct asked *a)
{
    struct str  name = str_from(service_table_of(a->endpoint->service)->name);
    struct hop *hop  = hop_new(a->endpoint->exchanges->loop, a->request, on_left);

    if (hop == NULL)
        return intake_refuse(&a->in, 503, -32603, "no memory");
    hop_set_server(hop, str_take(name, NAME_SHOWN));
    hop->is_batch       = a->in.is_batch;
    hop->accepts_stream = true;
    for (size_t i = 0; i < a->in.count; i++)
        hop_adopt(hop, a->in.xs[i]);
    if (intake_guard(&a->in) && (!a->opens || open_session(a, hop)))
        send_all(a, hop);
    return true;
}

void
endpoint_take_request(struct endpoint *e, struct http_request *r)
{
    struct asked a = {.endpoint   = e,
                      .request    = r,
                      .version    = field(r, STR("MCP-Protocol-Version")),
                      .session_id = field(r, STR("Mcp-Session-Id"))};

    a.in.all      = e->exchanges;
    a.in.patience = e->parts.patience;
    a.in.attach   = attach;
    a.in.arg      = &a;
    if (a.session_id.len > 0)
        a.session = service_session_find(e->service, a.session_id);
    if ((r->method == HTTP_METHOD_POST ? check_post(&a) : check_other(&a)) && serve(&a))
        return;
    answer_refusal(r, a.in.id, &a.in.refusal, &a.in);
}
