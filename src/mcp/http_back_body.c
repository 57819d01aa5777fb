/* An answer in JSON, piece by piece. That to one request is held, up to HELD_MAX, until it is whole and was judged:
 * what is no answer becomes an error of ours. A larger one passes as it comes, is looked at on the way, and is cut when
 * it was none. What is read as messages, the answer to a batch or to `initialize`, is gathered beside. */
#include "mcp/http_back_parts.h"
#include "mcp/reply.h"

enum { HELD_MAX = 64 << 10 };

static bool
gather(struct http_back *hb, struct str bytes)
{
    struct budget *budget = http_client_budget(hb->to->client);

    if (!budget_take(budget, bytes.len))
        return false;
    if (buffer_append(&hb->json.gathered, bytes))
        return true;
    budget_give(budget, bytes.len);
    return false;
}

void
http_back_clear_body(struct http_back *hb)
{
    budget_give(http_client_budget(hb->to->client), buffer_len(&hb->json.gathered));
    buffer_clear(&hb->json.gathered);
}

/* A JSON body that is read when it is whole: few are. */
static bool
is_gathered(const struct http_back *hb)
{
    return !hb->is_stream && (hb->is_batch || hb->kind == HTTP_BACK_OPENING);
}

bool
http_back_hold_head(struct http_back *hb, const struct answer_head *head)
{
    struct exchange    *x       = http_back_first(hb);
    struct http_header *headers = NULL;

    if (hb->is_dropped || hb->is_stream || hb->is_batch || x->kind != KIND_REQUEST)
        return false;
    hb->json.held = ARENA_NEW(x->arena, struct answer_head);
    headers       = arena_alloc(x->arena, head->count * sizeof *headers);
    if (hb->json.held == NULL || headers == NULL) {
        hb->json.held = NULL;
        return false;
    }
    for (size_t i = 0; i < head->count; i++) {
        headers[i] = (struct http_header){arena_str(x->arena, head->headers[i].name),
                                          arena_str(x->arena, head->headers[i].value)};
        if (headers[i].name.data == NULL || headers[i].value.data == NULL) {
            hb->json.held = NULL;
            return false;
        }
    }
    *hb->json.held         = *head;
    hb->json.held->headers = headers;
    return true;
}

/* The head goes out, and with it what was held. */
static void
pass_held(struct http_back *hb, struct str body)
{
    http_back_pass_head(hb, hb->json.held);
    hb->json.held = NULL;
    http_back_pass(hb, body, false);
}

/* The body is whole. False: it is no answer, or one that the gateway takes, and all is over. */
static bool
pass_judged(struct http_back *hb, struct str body)
{
    struct exchange *x   = http_back_first(hb);
    struct error     err = {0};
    struct envelope  e;
    const char      *wrong = reply_check(&e, body, x->message.id, hb->scratch, &err);

    if ((wrong == NULL || hb->json.held->status >= 300) && http_back_is_taken(hb, hb->json.held, body, &e))
        return false;
    if (wrong == NULL && e.message.data != NULL) {
        exchange_judge(x, &e);
        hb->events->on_message(x, &e);
    }
    exchange_note(x, FROM_SERVER, body, false);
    if (wrong != NULL && hb->json.held->status < 300) {
        http_back_finish(hb, CLOSE_MALFORMED, wrong);
        return false;
    }
    hb->json.held->length = (int64_t)body.len;
    pass_held(hb, body);
    return true;
}

/* Holds the begin of a body. True: there is no more to be done with `bytes`. */
static bool
hold_body(struct http_back *hb, struct str bytes)
{
    if (buffer_len(&hb->json.gathered) == 0 && (int64_t)bytes.len == hb->json.held->length) {
        if (pass_judged(hb, bytes))
            hb->json.is_noted = true;
        return true;
    }
    if (buffer_len(&hb->json.gathered) + bytes.len <= HELD_MAX && gather(hb, bytes))
        return true;
    struct exchange *x    = http_back_first(hb);
    struct str       held = buffer_str(&hb->json.gathered);
    if (held.len > 0 && !is_gathered(hb))
        exchange_note(x, FROM_SERVER, held, true);
    hb->json.look = ARENA_NEW(x->arena, struct answer);
    if (hb->json.look != NULL)
        answer_scan(hb->json.look, held);
    pass_held(hb, held);
    if (!is_gathered(hb))
        http_back_clear_body(hb);
    return false;
}

void
http_back_take_body(struct http_back *hb, struct str bytes)
{
    hb->json.received += bytes.len;
    if (hb->json.received > hb->to->message_max) {
        http_back_finish(hb, CLOSE_TOO_LARGE, "its answer is larger than message.max");
        return;
    }
    if (hb->json.held != NULL && hold_body(hb, bytes))
        return;
    http_back_pass(hb, bytes, false);
    if (!is_gathered(hb)) {
        if (hb->json.look != NULL)
            answer_scan(hb->json.look, bytes);
        exchange_note(http_back_first(hb), FROM_SERVER, bytes, true);
    } else if (!gather(hb, bytes)) {
        http_back_finish(hb, CLOSE_BUSY, "no memory for its answer (memory.max)");
        return;
    } else {
        http_back_follow(hb, buffer_str(&hb->json.gathered));
    }
    http_back_pause(hb);
}

/* A body too large to be held is believed to be an answer if it is whole. */
static bool
judge_by_look(const struct http_back *hb, struct exchange *x)
{
    const struct answer *look = hb->json.look;

    if (look == NULL || hb->status >= 300)
        return true;
    if (!look->based || look->in_string || look->depth > look->base)
        return false;
    if (look->has_result || look->has_error)
        exchange_judge(x, &(struct envelope){.kind          = look->has_error ? MESSAGE_ERROR : MESSAGE_RESULT,
                                             .error_code    = look->has_error ? look->code : 0,
                                             .is_tool_error = look->is_error});
    return true;
}

/* A large one is lent meanwhile. */
static void
take_gathered(struct http_back *hb)
{
    struct budget *budget = http_client_budget(hb->to->client);
    size_t         len    = buffer_len(&hb->json.gathered);
    struct lent   *lent   = lent_begin(&hb->json.gathered);

    http_back_take_messages(hb, lent != NULL ? lent_str(lent) : buffer_str(&hb->json.gathered), true);
    lent_end(lent);
    if (lent != NULL)
        budget_give(budget, len);
}

bool
http_back_end_body(struct http_back *hb)
{
    struct exchange *x = http_back_first(hb);

    if (hb->json.held != NULL)
        return pass_judged(hb, buffer_str(&hb->json.gathered));
    if (hb->is_dropped || hb->json.is_noted || x == NULL)
        return true;
    if (is_gathered(hb)) {
        take_gathered(hb);
        return true;
    }
    exchange_note(x, FROM_SERVER, STR_NONE, false);
    if (judge_by_look(hb, x))
        return true;
    http_back_finish(hb, CLOSE_MALFORMED, "a body that is no JSON, or ends in the middle");
    return false;
}
