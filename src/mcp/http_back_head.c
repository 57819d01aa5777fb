/* The head of an upstream's answer: what of it passes, and what is refused in our words. */
#include "mcp/header_rules.h"
#include "mcp/http_back_parts.h"

enum { PASSING_MAX = 64 }; /* header fields of an answer that may pass */

static int64_t
declared_length(const struct http_headers *headers)
{
    uint64_t length;

    if (!str_to_u64(http_header(headers, STR("content-length")), &length) || length > INT64_MAX)
        return -1;
    return (int64_t)length;
}

/* A refusal whose text is not ours to show: its status and challenge pass, the words are ours. */
static void
pass_refusal(struct http_back *hb, int status, struct http_header *passing, size_t count)
{
    struct buffer    body = {.max = KIB(4)};
    struct exchange *x    = http_back_first(hb);
    char             text[80];

    snprintf(text, sizeof text, "the server answered with HTTP status %d", status);
    append_error_message(&body, x->message.id, -32603, str_from(text), "http-status");
    passing[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};

    struct answer_head head = {
        .status = status, .headers = passing, .count = count, .length = (int64_t)buffer_len(&body), .is_ours = true};
    if (x->kind == KIND_REQUEST && http_back_is_taken(hb, &head, buffer_str(&body), &(struct envelope){0})) {
        buffer_clear(&body);
        return;
    }
    LIST_EACH (struct exchange, each, &hb->exchanges, back_node) {
        each->http_status = status;
        each->judged = each->failed = true;
        exchange_begin_answer(each);
        exchange_note(each, FROM_SERVER, buffer_str(&body), false);
    }
    if (x->front != NULL) {
        x->front->ops->head(x->front, &head);
        x->front->ops->bytes(x->front, buffer_str(&body), false);
    }
    buffer_clear(&body);
    http_back_finish(hb, CLOSE_ANSWERED, NULL);
}

/* Whether a client waits for more than the status: for the answer of a request, or the events of a stream. */
static bool
is_awaited(const struct http_back *hb)
{
    LIST_EACH (const struct exchange, x, &hb->exchanges, back_node)
        if (x->kind == KIND_REQUEST || x->kind == KIND_STREAM)
            return true;
    return false;
}

/* The same, but of streams nobody waits for a message. */
static bool
wants_answer(const struct http_back *hb)
{
    LIST_EACH (const struct exchange, x, &hb->exchanges, back_node)
        if (x->kind == KIND_REQUEST)
            return true;
    return false;
}

static void
refuse_answer(struct http_back *hb, int status, const struct http_headers *headers, struct http_header *passing,
              size_t count)
{
    struct str type   = http_header(headers, STR("content-type"));
    struct str coding = http_header(headers, STR("content-encoding"));
    char       detail[160];

    if (status >= 400) {
        pass_refusal(hb, status, passing, count);
        return;
    }
    if (status >= 300)
        snprintf(detail, sizeof detail,
                 "a redirect (HTTP status %d), which is not followed: register the address it leads to", status);
    else if (hb->is_dropped)
        snprintf(detail, sizeof detail, "HTTP status %d without a message, to a request", status);
    else if (coding.len > 0)
        snprintf(detail, sizeof detail, "a body with the Content-Encoding \"%.*s\", which it was not asked for",
                 coding.len > 60 ? 60 : (int)coding.len, coding.data);
    else
        snprintf(detail, sizeof detail, "an answer of type \"%.*s\", neither JSON nor an event stream",
                 type.len > 60 ? 60 : (int)type.len, type.len == 0 ? "" : type.data);
    http_back_finish(hb, CLOSE_MALFORMED, detail);
}

void
http_back_pass_head(struct http_back *hb, const struct answer_head *head)
{
    struct exchange *x = http_back_first(hb);

    LIST_EACH (struct exchange, each, &hb->exchanges, back_node) {
        each->http_status = head->status;
        each->first_byte  = each->first_byte == 0 ? clock_mono() : each->first_byte;
        if (hb->is_stream && exchange_is_listening(each))
            each->patience = 0;
        exchange_begin_answer(each);
    }
    if (x->front != NULL)
        x->front->ops->head(x->front, head);
}

/* Whether there is a body to be passed on, and one that may be. */
static bool
is_passable(struct http_back *hb, int status, const struct http_headers *headers, int64_t length)
{
    struct str type    = http_header(headers, STR("content-type"));
    struct str coding  = http_header(headers, STR("content-encoding"));
    bool       is_json = http_is_type(type, STR("application/json"));

    hb->is_stream  = http_is_type(type, STR("text/event-stream"));
    hb->is_dropped = length == 0 || status == 202 || status == 204 ||
                     (status < 300 && !is_json && !hb->is_stream && !is_awaited(hb));
    if (status >= 300 && status < 400)
        return false;
    if (hb->is_dropped)
        return !wants_answer(hb);
    return (is_json || hb->is_stream) && (coding.len == 0 || str_eq_nocase(coding, STR("identity")));
}

void
http_back_take_head(struct http_back *hb, int status, const struct http_headers *headers)
{
    int64_t            length = declared_length(headers);
    struct http_header passing[PASSING_MAX + 1];
    size_t             count = 0;

    for (size_t i = 0; i < headers->count && count < PASSING_MAX; i++)
        if (header_may_enter(headers->items[i].name))
            passing[count++] = headers->items[i];
    hb->status = status;
    hb->events->on_head(http_back_first(hb), status, http_header(headers, STR("mcp-session-id")));
    if (!is_passable(hb, status, headers, length)) {
        refuse_answer(hb, status, headers, passing, count);
        return;
    }
    if (!hb->is_dropped && !hb->is_stream && length > 0 && (uint64_t)length > hb->to->message_max) {
        http_back_finish(hb, CLOSE_TOO_LARGE, "its answer is larger than message.max");
        return;
    }
    if (hb->is_dropped) {
        hb->is_stream = false;
        length        = 0;
    } else {
        passing[count++] = (struct http_header){STR("Content-Type"), http_header(headers, STR("content-type"))};
    }
    struct answer_head head = {.status    = status,
                               .headers   = passing,
                               .count     = count,
                               .length    = hb->is_stream ? -1 : length,
                               .is_stream = hb->is_stream};
    if (!http_back_hold_head(hb, &head))
        http_back_pass_head(hb, &head);
}
