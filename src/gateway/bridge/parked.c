/* Calls whose modern client was told what the server asks, and is to come back with answers. They are found by a random
 * id that travels in the sealed requestState, which binds it to the principal and to what was asked (state_seal.c); so
 * who comes with an id is who was given it, for this very request; and whose call it is has to be who asks (caller.h).
 *
 * A call waits for bridge.wait, then the server is told that it is cancelled. What it came to stays a while for a
 * client that comes again, because its answer was lost on the way: nothing is done twice. Nothing outlives a restart.
 */
#include "gateway/bridge/bridge.h"

#include "base/random.h"
#include "mcp/json.h"

static struct loop *
loop_of(const struct crossing *c)
{
    return c->bridge->gateway->parts.loop;
}

static struct str
id_of(const struct crossing *c)
{
    return str_of(c->id, PARKED_ID_SIZE - 1);
}

/* Of those that are over, the one that was parked first makes room. */
static bool
make_room(struct bridge *b)
{
    if (b->parked.count + b->held.count < b->gateway->parts.settings->bridge.parked)
        return true;
    LIST_EACH (struct crossing, c, &b->parked_in_order, of_parked)
        if (c->peer == NULL && c->depth == 0) {
            crossing_free(c);
            return true;
        }
    return false;
}

static bool
enlist(struct crossing *c)
{
    unsigned char bytes[(PARKED_ID_SIZE - 1) / 2];

    if (!make_room(c->bridge))
        return false;
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(c->id + 2 * i, 3, "%02x", bytes[i]);
    struct crossing **slot = map_get_or_add(&c->bridge->parked, id_of(c));
    if (slot == NULL || *slot != NULL) {
        c->id[0] = '\0';
        return false;
    }
    *slot = c;
    list_append(&c->bridge->parked_in_order, &c->of_parked);
    return true;
}

bool
crossing_park(struct crossing *c, struct request *r)
{
    if (c->id[0] == '\0' && !enlist(c))
        return false;
    request_keep(r, "call", yyjson_mut_strcpy(request_doc(r), c->id));
    return true;
}

void
crossing_unpark(struct crossing *c)
{
    if (c->id[0] != '\0')
        map_remove(&c->bridge->parked, id_of(c));
    c->id[0] = '\0';
    list_remove(&c->of_parked);
}

void
crossing_await(struct crossing *c)
{
    loop_set_timer(loop_of(c), &c->expiry, loop_now(loop_of(c)) + c->bridge->gateway->parts.settings->bridge.wait);
}

void
crossing_expire(struct timer *expiry)
{
    struct crossing *c = LIST_OF(struct crossing, expiry, expiry);

    if (c->is_over)
        crossing_free(c);
    else
        crossing_give_up(c, CLOSE_TIMED_OUT, "the client did not come back with answers in time");
}

void
parked_give_up(struct bridge *b, const char *reason)
{
    for (struct crossing *found = NULL;; found = NULL) {
        LIST_EACH (struct crossing, c, &b->parked_in_order, of_parked)
            if (found == NULL && list_is_empty(&c->askers) && c->depth == 0)
                found = c;
        if (found == NULL)
            return;
        crossing_give_up(found, CLOSE_SHUTDOWN, reason);
    }
}

/* --- what it came to --- */

void
crossing_keep_outcome(struct crossing *c, int code, struct str message, yyjson_val *value)
{
    size_t len = 0;

    if (c->id[0] == '\0')
        return;
    c->code    = code;
    c->message = strndup(message.data == NULL ? "" : message.data, message.len);
    c->outcome = value == NULL ? NULL : yyjson_val_write(value, 0, &len);
    if (len <= OUTCOME_MAX)
        return;
    free(c->outcome);
    c->outcome = NULL;
    crossing_unpark(c); /* it is not kept for who asks again */
}

static void
answer_again(const struct crossing *c, struct request *r)
{
    yyjson_doc *doc = c->outcome == NULL ? NULL : json_read(str_from(c->outcome));

    if (c->code != 0)
        request_refuse_with(r, c->code, str_from(c->message == NULL ? "" : c->message), yyjson_doc_get_root(doc));
    else if (doc != NULL)
        request_finish_with(r, yyjson_doc_get_root(doc));
    else
        request_refuse_with(r, -32603, STR("no memory"), NULL);
    yyjson_doc_free(doc);
}

struct crossing *
crossing_parked_of(struct bridge *b, struct request *r, bool *is_retry)
{
    struct str        id   = json_str(request_kept(r, "call"));
    struct crossing **slot = id.data == NULL ? NULL : map_get(&b->parked, id);

    *is_retry = id.data != NULL;
    if (!*is_retry)
        return NULL;
    if (slot == NULL || (*slot)->caller != caller_of_request(r)) {
        request_refuse_with(
            r, -32602,
            STR("the call that these answers are for has ended, or is another's: it was cancelled, waited "
                "too long, was made with other credentials, or Gatehouse was restarted. Call again, "
                "without requestState"),
            NULL);
        return NULL;
    }
    struct crossing *c = *slot;
    if (!c->is_over) {
        loop_clear_timer(loop_of(c), &c->expiry);
        return c;
    }
    answer_again(c, r);
    return NULL;
}

void
crossing_settle(struct crossing *c)
{
    struct peer    *p    = c->peer;
    const mono_time wait = c->bridge->gateway->parts.settings->bridge.wait;

    list_remove(&c->node);
    c->peer = NULL;
    if (c->id[0] != '\0' && !c->bridge->is_closing)
        loop_set_timer(loop_of(c), &c->expiry, loop_now(loop_of(c)) + (wait < OUTCOME_KEPT ? wait : OUTCOME_KEPT));
    else
        crossing_free(c);
    if (p != NULL)
        peer_left(p);
}
