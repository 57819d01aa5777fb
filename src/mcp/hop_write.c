#include "mcp/hop_write.h"

#include "mcp/hop_stream.h"

#define COMMENT_EVERY SECONDS(15)

static const struct http_header json_header = {{"Content-Type", 12}, {"application/json", 16}};

void
hop_let_go(struct hop *hop)
{
    hop->request = NULL;
    hop->shape   = HOP_DONE;
    loop_clear_timer(hop->loop, &hop->quiet);
    LIST_EACH (struct exchange, x, &hop->exchanges, front_node)
        exchange_keep_message(x);
}

void
hop_answer_json(struct hop *hop, int status, struct str body)
{
    struct http_header   headers[3] = {json_header};
    size_t               count      = 1;
    struct http_request *r          = hop->request;

    if (status < 400 && buffer_len(&hop->session) > 0)
        headers[count++] = (struct http_header){STR("Mcp-Session-Id"), buffer_str(&hop->session)};
    if ((status == 401 || status == 403) && hop->challenge.len > 0)
        headers[count++] = (struct http_header){STR("WWW-Authenticate"), hop->challenge};
    hop_let_go(hop);
    hop->shape = HOP_JSON;
    http_answer(r, status, headers, count, body);
}

void
hop_drop_joined(struct hop *hop)
{
    budget_give(hop->budget, hop->joined_taken);
    hop->joined_taken = 0;
    buffer_clear(&hop->joined);
}

void
hop_join_answer(struct hop *hop, struct str message, int status)
{
    if (hop->status != 200)
        hop->status = status;
    hop->is_torn |= !budget_take(hop->budget, message.len + 1);
    if (hop->is_torn)
        return;
    hop->joined_taken += message.len + 1;
    hop->is_torn |= !buffer_append(&hop->joined, buffer_len(&hop->joined) == 0 ? STR("[") : STR(",")) ||
                    !buffer_append(&hop->joined, message);
}

void
hop_answer_batch(struct hop *hop)
{
    struct buffer failure = {.max = KIB(1)};

    if (!hop->is_torn && buffer_append_char(&hop->joined, ']')) {
        hop_answer_json(hop, hop->status, buffer_str(&hop->joined));
        return;
    }
    if (!append_error_message(&failure, STR_NONE, -32603,
                              STR("the answers of the batch are too large together, or memory.max is spent"),
                              "too-large"))
        buffer_reset(&failure);
    hop_answer_json(hop, 502, buffer_str(&failure));
    buffer_clear(&failure);
}

void
hop_expect_comment(struct hop *hop)
{
    loop_set_timer(hop->loop, &hop->quiet, loop_now(hop->loop) + COMMENT_EVERY);
}

/* A line end between the tokens of JSON is a space; in an event stream it would end the line. */
static void
write_on_one_line(struct hop *hop, struct str message)
{
    for (struct str rest = message; rest.len > 0;) {
        size_t plain = 0;
        while (plain < rest.len && rest.data[plain] != '\r' && rest.data[plain] != '\n')
            plain++;
        http_answer_write(hop->request, str_take(rest, plain));
        rest = str_skip(rest, plain + 1);
    }
}

void
hop_write_event(struct hop *hop, uint64_t number, struct str message)
{
    bool has_lines = memchr(message.data, '\r', message.len) != NULL || memchr(message.data, '\n', message.len) != NULL;
    char id[EVENT_ID_SIZE];

    if (hop->first == 0)
        hop->first = message.len;
    if (hop->stream != NULL) {
        http_answer_write(hop->request, STR("id: "));
        http_answer_write(hop->request, answer_stream_id(hop->stream, number, id));
        http_answer_write(hop->request, STR("\n"));
    }
    http_answer_write(hop->request, STR("event: message\ndata: "));
    if (has_lines)
        write_on_one_line(hop, message);
    else
        http_answer_write(hop->request, message);
    http_answer_write(hop->request, STR("\n\n"));
    hop_expect_comment(hop);
}

bool
hop_put_event(struct hop *hop, struct str message, bool is_answer)
{
    struct answer_stream *s       = hop->stream;
    bool                  is_kept = s != NULL && answer_stream_keep(s, message, is_answer);

    if (s != NULL && !is_kept)
        answer_stream_skip(s, is_answer);
    hop_write_event(hop, s == NULL ? 0 : s->last, message);
    return is_kept;
}

void
hop_prime(struct hop *hop, struct str id, mono_time retry)
{
    char text[EVENT_ID_SIZE + 48];
    int  len = snprintf(text, sizeof text, "id: %.*s\nretry: %lld\ndata:\n\n", STR_ARG(id),
                        (long long)(retry / MILLISECONDS(1)));

    http_answer_write(hop->request, str_of(text, (size_t)len));
    hop_expect_comment(hop);
}

void
hop_forget_request(struct hop *hop)
{
    struct list     *node = list_first(&hop->exchanges);
    struct exchange *x    = node == NULL ? NULL : LIST_OF(struct exchange, node, front_node);

    if (x == NULL || (x->kind != KIND_STREAM && !x->is_lasting))
        return;
    x->message.message = x->message.result = STR_NONE; /* the rest of a lasting one lies in its arena */
    http_request_forget(hop->request);
}

void
hop_begin_stream(struct hop *hop)
{
    struct http_header headers[] = {
        {STR("Content-Type"), STR("text/event-stream")},
        {STR("Cache-Control"), STR("no-cache")},
        {STR("X-Accel-Buffering"), STR("no")},
        {STR("Mcp-Session-Id"), buffer_str(&hop->session)},
    };

    hop->shape = HOP_STREAM;
    http_answer_head(hop->request, 200, headers, buffer_len(&hop->session) == 0 ? 3 : 4, -1);
    LIST_EACH (struct exchange, x, &hop->exchanges, front_node) {
        x->http_status = 200;
        if (x->state != EXCHANGE_GUARDING) /* of a batch, those behind are still to be sent */
            exchange_begin_answer(x);
    }
    hop_begin_events(hop);
    if (buffer_len(&hop->joined) > 0) {
        hop->is_torn |= !buffer_append_char(&hop->joined, ']');
        if (!hop->is_torn)
            hop_put_event(hop, buffer_str(&hop->joined), true);
    }
    hop_drop_joined(hop);
    hop_forget_request(hop);
}

/* All that the stream carried is answered; `is_whole`: and said. */
static void
part_with_stream(struct hop *hop, bool is_whole)
{
    struct answer_stream *s = hop_part(hop);

    if (s == NULL)
        return;
    if (!is_whole)
        answer_stream_skip(s, true);
    hop_stream_settle(s);
}

void
hop_end_stream(struct hop *hop, struct str failure)
{
    struct http_request *r = hop->request;

    bool may_stand = hop->shape == HOP_STREAM || (hop->is_stream && !hop->is_inside);

    if (hop->is_torn || (!may_stand && failure.len > 0)) {
        hop_let_go(hop);
        http_answer_cut(r);
        part_with_stream(hop, false);
        return;
    }
    if (failure.len > 0)
        hop_put_event(hop, failure, true);
    hop_let_go(hop);
    http_answer_end(r);
    part_with_stream(hop, true);
}

void
refuse_request(struct http_request *r, int status, int code, struct str id, const char *text, const char *data)
{
    struct buffer body = {.max = KIB(8)};
    bool          ok   = buffer_append(&body, STR("{\"jsonrpc\":\"2.0\",\"id\":")) &&
              buffer_append(&body, id.len > 0 ? id : STR("null")) &&
              buffer_printf(&body, ",\"error\":{\"code\":%d,\"message\":", code) &&
              buffer_append_json(&body, str_from(text)) &&
              (data == NULL || buffer_printf(&body, ",\"data\":%s", data)) && buffer_append(&body, STR("}}"));

    http_answer(r, status, &json_header, 1, ok ? buffer_str(&body) : STR_NONE);
    buffer_clear(&body);
}
