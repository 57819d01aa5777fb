#include "mcp/client/way_stdio.h"

#include "mcp/client/late_mail.h"

struct way_stdio {
    struct carrier  carrier;
    struct session *session; /* NULL: there is none, or it has ended */
    struct channel *modern;  /* NULL: the same */
};

/* NULL: there is no such any more. */
static struct back *
back_for(const struct way_stdio *w, const struct mail_spec *spec)
{
    if (spec->is_modern)
        return w->modern == NULL ? NULL : channel_back(w->modern);
    return w->session == NULL ? NULL : session_back(w->session);
}

static struct mail *
send_mail(struct way *way, const struct mail_spec *spec, const struct mail_events *events, void *owner,
          struct error *err)
{
    struct way_stdio *w = LIST_OF(struct way_stdio, way, carrier.way);
    struct mail      *m = mail_new(&w->carrier, &late_mail, spec, events, owner, err);

    struct back *back = back_for(w, spec);

    if (m == NULL)
        return NULL;
    if (m->x != NULL && back != NULL)
        exchange_send(m->x, back);
    else if (m->x != NULL && spec->is_modern)
        exchange_fail(m->x, CLOSE_UNREACHABLE, "it does not speak 2026-07-28");
    else if (m->x != NULL)
        exchange_fail(m->x, CLOSE_SESSION_ENDED, "its session has ended");
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
way_stdio_new_modern(struct exchanges *all, struct channel *modern, struct session *legacy,
                     const struct way_hooks *hooks)
{
    struct way_stdio *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    carrier_init(&w->carrier, &stdio_ops, all, hooks);
    w->session = legacy;
    w->modern  = modern;
    return &w->carrier.way;
}

struct way *
way_stdio_new(struct exchanges *all, struct session *s, const struct way_hooks *hooks)
{
    return way_stdio_new_modern(all, NULL, s, hooks);
}

void
way_stdio_lose(struct way *way)
{
    LIST_OF(struct way_stdio, way, carrier.way)->session = NULL;
}

void
way_stdio_lose_modern(struct way *way)
{
    LIST_OF(struct way_stdio, way, carrier.way)->modern = NULL;
}
