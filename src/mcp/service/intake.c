#include "mcp/service/intake.h"

static const enum exchange_kind kind_of[] = {
    [MESSAGE_REQUEST]      = KIND_REQUEST,
    [MESSAGE_NOTIFICATION] = KIND_NOTIFICATION,
    [MESSAGE_RESULT]       = KIND_REPLY,
    [MESSAGE_ERROR]        = KIND_REPLY,
};

bool
intake_refuse(struct intake *in, int status, int code, const char *message)
{
    return refuse_with(&in->refusal, status, code, message);
}

static struct exchange *
add_exchange(struct intake *in, enum exchange_kind kind)
{
    struct exchange *x = exchange_new(in->all, kind, NULL);

    if (x == NULL)
        intake_refuse(in, 503, -32603, "no memory");
    else
        in->xs[in->count++] = x;
    return x;
}

/* A subscription is answered when it ends: hours later, perhaps. */
static bool
is_subscription(const struct exchange *x)
{
    return str_eq(x->message.method, STR("subscriptions/listen"));
}

static bool
attach(struct intake *in, struct exchange *x)
{
    x->patience = x->kind == KIND_STREAM || is_subscription(x) ? 0 : in->patience;
    if (in->attach == NULL || in->attach(in->arg, x))
        return true;
    x->is_silent = true;
    return intake_refuse(in, 503, -32603, "no memory");
}

static int
code_of(const struct error *err)
{
    return str_find(str_from(err->text), STR("not JSON:")) >= 0 ? -32700 : -32600;
}

static bool
take_message(struct str message, void *arg)
{
    struct intake *in = arg;

    in->id = STR_NONE;
    if (in->count == INTAKE_MOST)
        return intake_refuse(in, 400, -32600, "the batch has more than 100 messages");
    struct exchange *x = add_exchange(in, KIND_REQUEST);
    if (x == NULL)
        return false;
    if (!envelope_parse(&x->message, message, x->arena, &in->err)) {
        bool is_full = in->err.code == ERROR_MEMORY;
        in->id       = x->message.id;
        x->is_silent = true;
        return intake_refuse(in, is_full ? 503 : 400, is_full ? -32603 : code_of(&in->err), in->err.text);
    }
    in->id  = x->message.kind == MESSAGE_REQUEST ? x->message.id : STR_NONE;
    x->kind = kind_of[x->message.kind];
    if (is_subscription(x)) {
        struct exchange *light = exchange_lighten(x);
        if (light != NULL)
            in->xs[in->count - 1] = x = light;
    }
    return attach(in, x);
}

bool
intake_read(struct intake *in, struct str text)
{
    in->is_batch = message_is_batch(text);
    if (!in->is_batch)
        return take_message(text, in);
    bool ok = batch_each(text, take_message, in, &in->err);
    in->id  = STR_NONE;
    if (ok || in->refusal.status != 0)
        return ok;
    return intake_refuse(in, 400, code_of(&in->err), in->err.text);
}

bool
intake_add(struct intake *in, enum exchange_kind kind, struct str method)
{
    struct exchange *x = add_exchange(in, kind);

    if (x == NULL)
        return false;
    x->message.method = method;
    return attach(in, x);
}

void
intake_end_refused(struct intake *in, struct str answer)
{
    for (size_t i = 0; i < in->count; i++) {
        struct exchange *x = in->xs[i];
        x->http_status     = in->refusal.status;
        x->judged = x->failed = true;
        x->error_code         = in->refusal.code;
        if (!x->is_silent && x->message.message.data != NULL) {
            exchange_note(x, FROM_CLIENT, x->message.message, false);
            exchange_note(x, FROM_SERVER, answer, false);
        }
        exchange_close(x, CLOSE_REFUSED);
    }
}

bool
intake_guard(struct intake *in)
{
    bool ok = true;

    for (size_t i = 0; i < in->count; i++) {
        struct exchange *x = in->xs[i];
        if (!ok) {
            exchange_fail(x, CLOSE_REFUSED, "another message of the batch was refused");
            continue;
        }
        if (x->message.message.data != NULL)
            exchange_note(x, FROM_CLIENT, x->message.message, false);
        ok = exchange_guard(x);
        for (size_t k = 0; !ok && k < i; k++)
            exchange_fail(in->xs[k], CLOSE_REFUSED, "another message of the batch was refused");
    }
    return ok;
}
