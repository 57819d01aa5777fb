#include "api/entry.h"
#include "mcp/json.h"

#include "api/detail.h"

/* What an entry shows of a message. */
struct shown {
    const struct message_view *message; /* NULL: none */
    yyjson_doc                *doc;     /* NULL: it is no JSON, or too large to be looked into */
    yyjson_val                *root;
    bool                       is_answer, is_event, is_omitted;
};

static struct shown
look_at(const struct print *p, const struct message_view *m)
{
    struct shown s = {.message = m};

    if (m == NULL)
        return s;
    /* As a text between quotes a byte may become six. */
    s.is_omitted = m->text.len > ENTRY_MESSAGE_MAX || m->text.len * 6 + KIB(16) > p->to->max - buffer_len(p->to);
    if (!s.is_omitted && m->text.len > 0)
        s.doc = yyjson_read(m->text.data, m->text.len, YYJSON_READ_NUMBER_AS_RAW);
    s.root      = yyjson_doc_get_root(s.doc);
    s.is_answer = yyjson_obj_get(s.root, "result") != NULL || yyjson_obj_get(s.root, "error") != NULL;
    s.is_event  = m->from == FROM_SERVER && yyjson_obj_get(s.root, "method") != NULL;
    s.is_answer |= m->from == FROM_SERVER && !s.is_event;
    return s;
}

static void
print_peer(struct print *p, const char *key, struct str name, struct str version)
{
    if (name.len == 0)
        return;
    print_open(p, key, '{');
    print_text(p, "name", name);
    print_text(p, "version", version);
    print_close(p, '}');
}

static void
print_metadata(struct print *p, const struct exchange_view *x, const struct shown *s)
{
    bool          is_client  = s->message == NULL || s->message->from == FROM_CLIENT;
    bool          is_outcome = is_client ? x->kind != KIND_REQUEST : s->is_answer;
    struct buffer detail     = {.max = DETAIL_SIZE};

    print_open(p, "metadata", '{');
    print_text(p, "serverName", x->server);
    print_text(p, "sessionId", x->session);
    print_milliseconds(p, "durationMs", is_outcome && x->duration_us > 0 ? x->duration_us : 0);
    print_number(p, "httpStatus", is_outcome ? x->http_status : 0);
    print_peer(p, "client", x->client, x->client_version);
    print_peer(p, "server", x->server_name, x->server_version);
    if (x->user_agent.len > 0)
        print_text(p, "userAgent", x->user_agent);
    if (x->address.len > 0)
        print_text(p, "clientIp", x->address);
    if (is_client && x->tokens_in > 0)
        print_number(p, "inputTokens", (int64_t)x->tokens_in);
    if (!is_client && s->is_answer && x->tokens_out > 0)
        print_number(p, "outputTokens", (int64_t)x->tokens_out);
    detail_append(&detail, x->method, s->is_event ? NULL : s->root);
    if (buffer_len(&detail) > 0)
        print_text(p, "methodDetail", buffer_str(&detail));
    print_close(p, '}');
    buffer_clear(&detail);
}

static void
print_body(struct print *p, const struct shown *s, const char *direction)
{
    struct str text = s->message == NULL ? STR_NONE : s->message->text;

    if (s->is_omitted) {
        print_number(p, "omittedBytes", (int64_t)text.len);
    } else if (s->is_event) {
        print_open(p, "sseEvent", '{');
        print_text(p, "event", STR("message"));
        print_text(p, "data", text);
        print_close(p, '}');
    } else if (s->doc != NULL) {
        print_json(p, direction, text);
    } else if (s->message != NULL) {
        print_text(p, direction, text);
    }
}

/* As the message has it, for 1 and "1" differ; else as the row has it. */
static void
print_message_id(struct print *p, const struct exchange_view *x, const struct shown *s)
{
    yyjson_val *id = yyjson_obj_get(s->root, "id");

    if (yyjson_is_raw(id))
        print_json(p, "id", json_raw(id));
    else if (yyjson_is_str(id))
        print_text(p, "id", json_str(id));
    else if (s->is_event)
        print_null(p, "id");
    else
        print_text_or_null(p, "id", x->jsonrpc_id);
}

void
entry_print(struct print *p, const struct exchange_view *x, const struct message_view *m, bool is_first)
{
    struct shown s         = look_at(p, m);
    const char  *direction = s.is_answer ? "response" : "request";
    yyjson_val  *said      = s.is_event ? yyjson_obj_get(s.root, "method") : NULL;
    struct str   method    = yyjson_is_str(said) ? json_str(said) : x->method;
    const char  *outcome   = outcome_name(x->outcome);

    print_open(p, NULL, '{');
    print_time(p, "timestamp", m == NULL || is_first ? x->at : m->at);
    print_text(p, "method", method);
    print_message_id(p, x, &s);
    print_text(p, "direction", s.is_event ? STR("sse-event") : str_from(direction));
    print_text(p, "from", m != NULL && m->from == FROM_SERVER ? STR("server") : STR("client"));
    if (m != NULL && m->is_cut)
        print_bool(p, "isCut", true);
    print_id(p, "exchangeId", x->id);
    print_text(p, "kind", str_from(kind_name(x->kind)));
    print_text_or_null(p, "outcome", str_from(outcome));
    if (x->has_error_code)
        print_number(p, "errorCode", x->error_code);
    else
        print_null(p, "errorCode");
    print_metadata(p, x, &s);
    print_body(p, &s, direction);
    print_close(p, '}');
    yyjson_doc_free(s.doc);
}
