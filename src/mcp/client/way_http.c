#include "mcp/client/way_http.h"

#include "mcp/client/mail.h"
#include "mcp/header_value.h"

enum { OWN_FIELDS = 8 }; /* beside those of the arguments */

struct way_http {
    struct carrier              carrier;
    const struct http_upstream *to;
    struct arena               *scratch;
};

struct http_mail {
    struct mail       mail;
    struct budget    *budget;
    struct sse_parser events_in;
    struct buffer     body;       /* of an answer in JSON */
    bool              is_ignored; /* what comes is in our own words */
};

static struct http_mail *
http_mail_of(struct mail *m)
{
    return LIST_OF(struct http_mail, m, mail);
}

static void
take_head(struct front *front, const struct answer_head *head)
{
    struct mail *m = mail_of(front);

    mail_note_challenge(m, head->status,
                        &(struct http_headers){(struct http_header *)(uintptr_t)head->headers, head->count});
    m->end.is_stream            = head->is_stream;
    http_mail_of(m)->is_ignored = head->is_ours;
}

/* Digits, in milliseconds; a day is enough. */
static void
note_retry(struct mail *m, struct str digits)
{
    uint64_t wait;

    if (str_to_u64(digits, &wait))
        m->end.retry = MILLISECONDS(wait > 86400000 ? 86400000 : (mono_time)wait);
}

/* An id that is too long to be kept cannot be asked for: as if there were none. */
static void
note_event_id(struct mail *m, struct str id)
{
    buffer_reset(&m->last_event);
    if (str_index(id, '\0') < 0)
        buffer_append(&m->last_event, id);
}

static bool
take_event(void *owner, const struct sse_event *event)
{
    struct mail *m = owner;

    if (event->has_id)
        note_event_id(m, event->id);
    if (event->retry.len > 0)
        note_retry(m, event->retry);
    return event->data.len == 0 || mail_tell_messages(m, event->data);
}

static void
gather(struct http_mail *h, struct str bytes)
{
    if (!budget_take(h->budget, bytes.len)) {
        mail_fail(&h->mail, CLOSE_BUSY, "there is no memory for its answer (memory.max)");
        return;
    }
    if (buffer_append(&h->body, bytes))
        return;
    budget_give(h->budget, bytes.len);
    mail_fail(&h->mail, CLOSE_TOO_LARGE, "its answer is larger than message.max");
}

/* Never slow: what is behind is the log, which the back asks itself. */
static bool
take_bytes(struct front *front, struct str bytes, bool inside)
{
    struct mail      *m   = mail_of(front);
    struct http_mail *h   = http_mail_of(m);
    struct error      err = {0};

    (void)inside;
    if (!mail_is_wanted(m) || h->is_ignored || m->words[0] != '\0')
        return true;
    m->inside++;
    if (!m->end.is_stream)
        gather(h, bytes);
    else if (!sse_feed(&h->events_in, bytes, take_event, m, &err))
        mail_fail(m, err.code == ERROR_MEMORY ? CLOSE_BUSY : CLOSE_TOO_LARGE, err.text);
    m->inside--;
    return true;
}

/* No back of ours sends messages one by one. */
static bool
take_message(struct front *front, struct exchange *x, struct str message, bool last)
{
    (void)x, (void)last;
    mail_tell_messages(mail_of(front), message);
    return true;
}

/* The whole answer in JSON. */
static void
settle(struct mail *m)
{
    struct http_mail *h = http_mail_of(m);

    if (m->x == NULL && m->end.why == CLOSE_ANSWERED && buffer_len(&h->body) > 0)
        mail_tell_messages(m, buffer_str(&h->body));
}

static void
clear(struct mail *m)
{
    struct http_mail *h = http_mail_of(m);

    sse_clear(&h->events_in);
    budget_give(h->budget, buffer_len(&h->body));
    buffer_clear(&h->body);
}

static const struct mail_type http_mail = {.front  = {take_message, take_head, take_bytes, mail_end, NULL},
                                           .size   = sizeof(struct http_mail),
                                           .settle = settle,
                                           .clear  = clear};

static void
on_head(struct exchange *x, int status, struct str session)
{
    struct mail    *m = mail_of(x->front);
    struct carrier *c = m->carrier;

    x->first_byte = clock_mono();
    if (c != NULL && c->hooks.on_heard != NULL)
        c->hooks.on_heard(c->hooks.owner, x, status);
    mail_tell_head(m, status, session);
}

static bool
on_message(struct exchange *x, const struct envelope *e)
{
    if (e->kind == MESSAGE_REQUEST && x->kind == KIND_REQUEST)
        mail_take_question(mail_of(x->front), e->id);
    return false;
}

/* What a legacy server is to hear of a call that timed out, the client says. */
static void
on_expired(struct exchange *x)
{
    (void)x;
}

/* The client asks for the rest of the stream by itself. */
static bool
on_adrift(struct exchange *x)
{
    (void)x;
    return false;
}

static bool
is_behind(struct exchange *x)
{
    struct mail *m = mail_of(x->front);

    return m->carrier != NULL && m->carrier->hooks.is_behind != NULL && m->carrier->hooks.is_behind(x);
}

static const struct http_back_events back_events = {on_head, on_message, on_expired, on_adrift, is_behind};

static void
add_field(struct http_headers *to, struct str name, struct str value)
{
    if (value.data != NULL)
        to->items[to->count++] = (struct http_header){name, value};
}

/* The request as a client of ours would have sent it, with what else its own client sends. False: no memory. */
static bool
write_request(struct http_request *r, const struct mail_spec *spec, const struct http_headers *others,
              struct exchange *x)
{
    struct http_headers *fields = &r->headers;
    struct str           name   = STR_NONE;

    fields->items = arena_alloc(x->arena, (OWN_FIELDS + others->count + spec->param_count) * sizeof *fields->items);
    if (fields->items == NULL || (spec->name.data != NULL && !header_value_write(spec->name, x->arena, &name)))
        return false;
    r->method = spec->kind == KIND_STREAM   ? HTTP_METHOD_GET
                : spec->kind == KIND_DELETE ? HTTP_METHOD_DELETE
                                            : HTTP_METHOD_POST;
    r->body   = x->message.message;
    if (r->method == HTTP_METHOD_POST) {
        add_field(fields, STR("Content-Type"), STR("application/json"));
        add_field(fields, STR("Accept"), STR("application/json, text/event-stream"));
    } else if (r->method == HTTP_METHOD_GET) {
        add_field(fields, STR("Accept"), STR("text/event-stream"));
    }
    add_field(fields, STR("MCP-Protocol-Version"), spec->revision);
    add_field(fields, STR("Mcp-Session-Id"), spec->session);
    add_field(fields, STR("Mcp-Method"), spec->method);
    add_field(fields, STR("Mcp-Name"), name);
    add_field(fields, STR("Last-Event-ID"), spec->last_event);
    for (size_t i = 0; i < spec->param_count; i++)
        add_field(fields, spec->params[i].name, spec->params[i].value);
    for (size_t i = 0; i < others->count; i++)
        fields->items[fields->count++] = others->items[i];
    return true;
}

static enum http_back_kind
back_kind(const struct exchange *x)
{
    return x->kind == KIND_STREAM || str_eq(x->message.method, STR("ping")) ? HTTP_BACK_REPEATABLE : HTTP_BACK_PLAIN;
}

static struct mail *
send_mail(struct way *way, const struct mail_spec *spec, const struct mail_events *events, void *owner,
          struct error *err)
{
    struct way_http    *w = LIST_OF(struct way_http, way, carrier.way);
    struct mail        *m = mail_new(&w->carrier, &http_mail, spec, events, owner, err);
    struct http_request r = {0};
    struct http_mail   *h;

    if (m == NULL)
        return NULL;
    h           = http_mail_of(m);
    h->budget   = http_client_budget(w->to->client);
    h->body.max = w->to->message_max;
    sse_init(&h->events_in, w->to->message_max);
    h->events_in.budget = h->budget;
    if (m->x == NULL)
        return mail_sent(m);
    bool         is_written = write_request(&r, spec, &w->carrier.hooks.fields, m->x);
    struct back *back = is_written ? http_back_new(w->to, &r, 1, back_kind(m->x), &back_events, w->scratch) : NULL;
    if (spec->kind == KIND_REPLY)
        carrier_join_reply(&w->carrier, m->x);
    if (back == NULL)
        exchange_fail(m->x, CLOSE_BUSY, "no memory");
    else
        exchange_send(m->x, back);
    return mail_sent(m);
}

static void
free_way(struct way *way)
{
    struct way_http *w = LIST_OF(struct way_http, way, carrier.way);

    carrier_clear(&w->carrier);
    free(w);
}

static const struct way_ops http_ops = {.kind = WAY_HTTP, .send = send_mail, .drop = mail_drop, .free = free_way};

struct way *
way_http_new(struct exchanges *all, const struct http_upstream *to, const struct way_hooks *hooks,
             struct arena *scratch)
{
    struct way_http *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    carrier_init(&w->carrier, &http_ops, all, hooks);
    w->to      = to;
    w->scratch = scratch;
    return &w->carrier.way;
}
