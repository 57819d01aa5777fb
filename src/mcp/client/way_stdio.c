#include "mcp/client/way_stdio.h"

#include "mcp/client/late_mail.h"

struct way_stdio {
    struct carrier carrier;
    struct back   *back; /* NULL: it has ended */
};

static struct mail *
send_mail(struct way *way, const struct mail_spec *spec, const struct mail_events *events, void *owner,
          struct error *err)
{
    struct way_stdio *w = LIST_OF(struct way_stdio, way, carrier.way);
    struct mail      *m = mail_new(&w->carrier, &late_mail, spec, events, owner, err);

    if (m == NULL)
        return NULL;
    if (m->x != NULL && w->back == NULL)
        exchange_fail(m->x, CLOSE_SESSION_ENDED, "its session has ended");
    else if (m->x != NULL)
        exchange_send(m->x, w->back);
    return mail_sent(m);
}

static void
free_way(struct way *way)
{
    struct way_stdio *w = LIST_OF(struct way_stdio, way, carrier.way);

    carrier_clear(&w->carrier);
    free(w);
}

static const struct way_ops stdio_ops = {.kind = WAY_STDIO, .send = send_mail, .drop = mail_drop, .free = free_way};

struct way *
way_child_new(struct exchanges *all, struct back *child, const struct way_hooks *hooks)
{
    struct way_stdio *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    carrier_init(&w->carrier, &stdio_ops, all, hooks);
    w->back = child;
    return &w->carrier.way;
}

struct way *
way_stdio_new(struct exchanges *all, struct session *s, const struct way_hooks *hooks)
{
    return way_child_new(all, session_back(s), hooks);
}

void
way_stdio_lose(struct way *way)
{
    LIST_OF(struct way_stdio, way, carrier.way)->back = NULL;
}
