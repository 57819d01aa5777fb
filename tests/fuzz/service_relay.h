/* tests/fuzz/service_relay.h: a relay whose server is the input. A request says itself what comes of it: its params
 * have a list "do", an order each:
 *
 *   ["ask", key, method, params]   the client is asked      ["keep", name, value]   for the next round
 *   ["progress", params]           ["log", params]          on the way
 *   ["result", result]             ["error", code, message, data]
 *   ["hold"]                       somebody has it in hand
 *
 * Without an end it is answered with {}. Who opens says by its name when: "slow" waits in hand, "bad" is refused. What
 * the server can is what the client says that it can. */
#ifndef GATEHOUSE_TESTS_FUZZ_SERVICE_RELAY_H
#define GATEHOUSE_TESTS_FUZZ_SERVICE_RELAY_H

#include "mcp/service/relay.h"

#include "service_play.h"

static struct str
text_at(yyjson_val *order, size_t index)
{
    yyjson_val *value = yyjson_arr_get(order, index);

    return yyjson_is_str(value) ? str_of(yyjson_get_str(value), yyjson_get_len(value)) : STR("");
}

static bool
far_hold(struct request *r)
{
    if (held_count == HELD_MOST)
        return false;
    held[held_count++] = r;
    request_on_cancel(r, let_go);
    return true;
}

/* --- opening --- */

static void
far_known(struct request *r)
{
    yyjson_val         *info = yyjson_obj_get(request_params(r), "clientInfo");
    char               *text = yyjson_is_obj(info) ? yyjson_val_write(info, 0, NULL) : NULL;
    struct relay_server far  = {str_from(text), request_capabilities(r), STR("Do.")};

    request_relay_known(r, &far);
    free(text);
}

static void
far_open(struct request *r)
{
    struct str name = request_client(r).name;

    if (str_eq(name, STR("bad")))
        request_refuse_with(r, -32603, STR("It is down"), NULL);
    else if (!str_eq(name, STR("slow")) || !far_hold(r))
        far_known(r);
}

static bool
is_opening(const struct request *r)
{
    struct str method = request_method(r);

    return str_eq(method, STR("initialize")) || str_eq(method, STR("server/discover")) ||
           str_eq(method, STR("subscriptions/listen"));
}

/* --- calls --- */

/* True: it is answered, or was refused. */
static bool
far_ask(struct request *r, yyjson_val *order)
{
    char        key[64];
    yyjson_val *refusal = NULL;

    snprintf(key, sizeof key, "%.*s", STR_ARG(str_take(text_at(order, 1), 60)));
    yyjson_val *answer = request_ask(r, key, text_at(order, 2), yyjson_arr_get(order, 3), &refusal);
    assert(answer == NULL || refusal == NULL);
    assert(answer == NULL || yyjson_is_obj(answer));
    assert(refusal == NULL || yyjson_is_int(yyjson_obj_get(refusal, "code")) || yyjson_is_obj(refusal));
    return answer != NULL || refusal != NULL;
}

static void
far_keep(struct request *r, yyjson_val *order)
{
    char *name = request_alloc(r, 64);

    if (name == NULL)
        return;
    snprintf(name, 64, "%.*s", STR_ARG(str_take(text_at(order, 1), 60)));
    if (request_kept(r, name) == NULL)
        request_keep(r, name, yyjson_val_mut_copy(request_doc(r), yyjson_arr_get(order, 2)));
}

/* False: it goes on with the next. */
static bool
far_end(struct request *r, yyjson_val *order)
{
    struct str what = text_at(order, 0);

    if (str_eq(what, STR("result")))
        request_finish_with(r, yyjson_arr_get(order, 1));
    else if (str_eq(what, STR("error")))
        request_refuse_with(r, (int)yyjson_get_sint(yyjson_arr_get(order, 1)), text_at(order, 2),
                            yyjson_arr_get(order, 3));
    else
        return str_eq(what, STR("hold")) && far_hold(r);
    return true;
}

static void
far_finish(struct request *r)
{
    yyjson_doc *empty = yyjson_read("{}", 2, 0);

    request_finish_with(r, yyjson_doc_get_root(empty));
    yyjson_doc_free(empty);
}

static void
far_serve(struct request *r)
{
    yyjson_val *orders = yyjson_obj_get(request_params(r), "do"), *order;
    size_t      index, max, waits = 0;

    yyjson_arr_foreach(orders, index, max, order)
    {
        struct str what = text_at(order, 0);
        if (index == ACTS_MOST)
            break;
        if (str_eq(what, STR("ask")))
            waits += !far_ask(r, order);
        else if (str_eq(what, STR("keep")))
            far_keep(r, order);
        else if (str_eq(what, STR("progress")))
            request_relay_progress(r, yyjson_arr_get(order, 1));
        else if (str_eq(what, STR("log")))
            request_relay_log(r, yyjson_arr_get(order, 1));
        else if (waits == 0 && far_end(r, order))
            return;
    }
    if (waits == 0)
        far_finish(r);
}

/* What is in hand goes on. */
static void
far_use(struct request *r, char how)
{
    yyjson_val *refusal = NULL;

    if (how == 'x')
        request_refuse_with(r, -32042, STR("broken"), NULL);
    else if (is_opening(r))
        far_known(r);
    else if (how == 'p')
        far_hold(r);
    else if (how != 'F' || request_ask(r, "later", STR("roots/list"), NULL, &refusal) != NULL || refusal != NULL)
        far_finish(r);
}

/* --- beside calls --- */

static void
far_uri(void *arg, struct str uri)
{
    *(size_t *)arg += uri.len;
}

static void
far_listen(void *owner, struct service *s)
{
    size_t bytes = 0;

    (void)owner;
    service_each_subscription(s, 0, far_uri, &bytes);
    assert(service_wishes(s, 0) < 8);
}

static void
far_set_level(void *owner, struct service *s, int level)
{
    (void)owner, (void)s;
    assert(level >= -1 && level < 8);
}

static void
far_take_notification(void *owner, struct service *s, uint64_t caller, struct str method)
{
    (void)owner;
    assert(method.len > 0);
    service_relay_notification(s, caller, STR("notifications/tools/list_changed"), NULL);
}

/* Those with an odd number of bytes are there. */
static struct follower *
far_follow(struct request *r, struct str id)
{
    (void)r;
    return id.len % 2 == 0 ? NULL : malloc(1);
}

static void
far_unfollow(struct follower *f)
{
    assert(f != NULL);
    free(f);
}

/* {"method":…,"params":…}, of the server. */
static void
far_say(struct service *s, struct str text)
{
    yyjson_doc *doc    = yyjson_read(text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW);
    yyjson_val *method = yyjson_obj_get(yyjson_doc_get_root(doc), "method");

    if (yyjson_is_str(method))
        service_relay_notification(s, 0, str_from(yyjson_get_str(method)),
                                   yyjson_obj_get(yyjson_doc_get_root(doc), "params"));
    yyjson_doc_free(doc);
}

static const struct relay         far_relay = {.open              = far_open,
                                               .serve             = far_serve,
                                               .listen            = far_listen,
                                               .set_level         = far_set_level,
                                               .take_notification = far_take_notification,
                                               .follow            = far_follow,
                                               .unfollow          = far_unfollow};
static const struct service_table far_table = {.name = "far", .version = "1", .relay = &far_relay};

#endif
