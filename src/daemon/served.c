#include "daemon/served.h"

#include "guard/refuse.h"

/* A search of a large log may take its time; no client waits longer. */
#define PATIENCE MINUTES(5)

static bool
admit_while_running(struct exchange *x, struct error *err)
{
    const struct served *s = x->owner->hooks.owner;

    if (s->is_draining && (x->kind == KIND_REQUEST || x->kind == KIND_STREAM))
        return error_set(err, ERROR_FULL, "Gatehouse is shutting down");
    return true;
}

static bool (*const stages[])(struct exchange *x, struct error *err) = {admit_while_running, NULL};

bool
served_open(struct served *s, const struct admin_parts *admin, const struct local_token *token, struct error *err)
{
    struct endpoint_parts parts = {.patience = PATIENCE};

    s->token = token;
    /* Nothing is on record, for arguments may hold credentials. */
    s->is_up = exchanges_init(&s->exchanges, admin->loop, &(struct exchange_hooks){.stages = stages, .owner = s});
    if (!s->is_up)
        return error_set(err, ERROR_MEMORY, "no memory");
    s->admin          = admin_new(admin, err);
    s->admin_endpoint = s->admin == NULL ? NULL : endpoint_new(admin_service(s->admin), &s->exchanges, &parts, err);
    return s->admin_endpoint != NULL;
}

void
served_close(struct served *s)
{
    endpoint_free(s->admin_endpoint);
    admin_free(s->admin);
    if (s->is_up)
        exchanges_clear(&s->exchanges);
    *s = (struct served){0};
}

bool
served_owns(struct str path)
{
    return str_eq(path, STR("/gateway/mcp")) || str_eq(path, STR("/g/mcp"));
}

void
served_take_head(struct served *s, struct http_request *r)
{
    if (refuse_without_token(r, s->token))
        endpoint_take_head(s->admin_endpoint, r);
}

void
served_take_request(struct served *s, struct http_request *r)
{
    endpoint_take_request(s->admin_endpoint, r);
}

void
served_drain(struct served *s)
{
    s->is_draining = true;
    service_drain(admin_service(s->admin));
    for (size_t state = 0; state < EXCHANGE_CLOSED; state++)
        LIST_EACH (struct exchange, x, &s->exchanges.in_state[state], node)
            if (x->kind == KIND_STREAM)
                exchange_close(x, CLOSE_SHUTDOWN);
}

void
served_cut(struct served *s)
{
    for (size_t state = 0; state < EXCHANGE_CLOSED; state++)
        for (struct list *node; (node = list_first(&s->exchanges.in_state[state])) != NULL;)
            exchange_close(LIST_OF(struct exchange, node, node), CLOSE_SHUTDOWN);
}

size_t
served_in_flight(const struct served *s)
{
    return s->exchanges.open;
}
