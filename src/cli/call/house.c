#include "cli/call/house.h"

#include <limits.h>
#include <signal.h>

#define SAID_LAST  MILLISECONDS(1000) /* for what goes out behind the answer */
#define LOOK_AGAIN MILLISECONDS(20)
#define GRACE      MILLISECONDS(700)

/* ---- the child ---- */

static struct child *
start_child(void *owner, const struct child_events *events, struct channel *c, struct error *err)
{
    struct house           *h    = owner;
    const struct settings  *s    = &h->cli->settings;
    const struct child_spec spec = {.argv      = h->target->argv,
                                    .env       = h->target->environment,
                                    .cwd       = h->target->cwd,
                                    .line_max  = s->message.max,
                                    .queue_max = s->stdio.queue,
                                    .grace     = GRACE};

    return child_start(h->children, &spec, events, c, err);
}

static void
on_ready(void *owner, struct channel *c, const struct envelope *answer)
{
    (void)owner, (void)c, (void)answer;
}

static void
on_down(void *owner, struct channel *c, const char *words)
{
    struct house *h = owner;

    (void)c;
    snprintf(h->words, sizeof h->words, "%s", words);
}

static void
on_stderr(void *owner, struct channel *c, struct str line)
{
    struct house *h = owner;

    (void)c;
    snprintf(h->said[h->said_count++ % HOUSE_STDERR_LINES], HOUSE_STDERR_CUT, "%.*s",
             STR_ARG(str_take(line, HOUSE_STDERR_CUT - 1)));
}

static void
on_odd_line(void *owner, struct channel *c, struct str line, const char *why)
{
    char text[HOUSE_STDERR_CUT];

    snprintf(text, sizeof text, "[stdout, not a message: %s] %.*s", why, STR_ARG(str_take(line, 300)));
    on_stderr(owner, c, str_from(text));
}

static void
on_session_lost(void *owner, struct session *s)
{
    (void)owner, (void)s; /* the client hears of it by its calls */
}

static void
on_closed(void *owner, struct channel *c)
{
    struct house *h = owner;

    if (h->channel == c)
        h->channel = NULL;
}

static void
on_trouble(void *owner, struct channel *c, const char *words)
{
    on_stderr(owner, c, str_from(words));
}

static void
on_other_era(void *owner, struct channel *c, const char *words)
{
    (void)c;
    snprintf(((struct house *)owner)->words, sizeof((struct house *)owner)->words, "%s", words);
}

static void
on_stranded(void *owner, struct channel *c, struct exchange *x, const char *words)
{
    (void)owner, (void)c;
    exchange_fail(x, CLOSE_UNREACHABLE, "it %s", words);
}

static const struct channel_events channel_events = {
    .start           = start_child,
    .on_ready        = on_ready,
    .on_down         = on_down,
    .on_stderr       = on_stderr,
    .on_odd_line     = on_odd_line,
    .on_session_lost = on_session_lost,
    .on_closed       = on_closed,
    .on_trouble      = on_trouble,
    .on_other_era    = on_other_era,
    .on_stranded     = on_stranded,
};

void
house_each_line(const struct house *h, void (*each)(void *arg, const char *line), void *arg)
{
    unsigned kept = h->said_count < HOUSE_STDERR_LINES ? h->said_count : HOUSE_STDERR_LINES;

    for (unsigned i = h->said_count - kept; i < h->said_count; i++)
        each(arg, h->said[i % HOUSE_STDERR_LINES]);
}

/* ---- ways ---- */

static void
end_child(struct house *h)
{
    if (h->session != NULL)
        session_end(h->session, CLOSE_SESSION_ENDED);
    h->session = NULL;
    if (h->channel != NULL)
        channel_close(h->channel, CLOSE_SESSION_ENDED);
    h->channel    = NULL;
    h->words[0]   = '\0';
    h->said_count = 0;
}

static struct way *
way_to_child(struct house *h, bool is_modern)
{
    const struct way_hooks none = {0};

    if (is_modern) {
        h->channel = channel_new_modern(&h->loop, &channel_events, h, h->scratch, REGISTRY_TIMEOUT_DEFAULT);
        return h->channel == NULL ? NULL : way_stdio_new_modern(&h->exchanges, h->channel, NULL, &none);
    }
    h->channel = channel_new(&h->loop, &channel_events, h, h->scratch, false, REGISTRY_TIMEOUT_DEFAULT);
    h->session = h->channel == NULL ? NULL : session_new(h->channel, "call", h);
    return h->session == NULL ? NULL : way_stdio_new(&h->exchanges, h->session, &none);
}

static struct way *
way_to_command(struct house *h, bool is_modern, struct error *err)
{
    char helper[PATH_MAX];

    end_child(h);
    if (h->children == NULL && children_find_helper(helper, sizeof helper, err))
        h->children = children_new(&h->loop, helper, err);
    if (h->children == NULL)
        return NULL;
    children_set_budget(h->children, &h->budget);
    struct way *way = way_to_child(h, is_modern);
    if (way == NULL)
        error_set(err, ERROR_MEMORY, "no memory");
    return way;
}

static struct way *
way_to_url(struct house *h, bool sse, struct error *err)
{
    const struct target *t   = h->target;
    struct way          *way = NULL;

    if (h->upstream.loop == NULL) {
        h->upstream = (struct http_upstream){.loop         = &h->loop,
                                             .client       = h->client,
                                             .headers      = t->headers,
                                             .header_count = t->header_count,
                                             .message_max  = h->cli->settings.message.max};
        list_init(&h->upstream.tellings);
        if (!http_url_parse(str_from(t->url), &h->upstream.url, err))
            return NULL;
        h->upstream.origin = http_client_origin(h->client, &h->upstream.url, err);
        if (h->upstream.origin == NULL)
            return NULL;
    }
    way = sse ? way_sse_new(&h->exchanges, &h->upstream, &(struct way_hooks){0})
              : way_http_new(&h->exchanges, &h->upstream, &(struct way_hooks){0}, h->scratch);
    if (way == NULL)
        error_set(err, ERROR_MEMORY, "no memory");
    return way;
}

struct way *
house_way(struct house *h, enum way_choice choice, struct error *err)
{
    return h->target->url != NULL ? way_to_url(h, choice == WAY_OLDER, err)
                                  : way_to_command(h, choice == WAY_MODERN, err);
}

/* ---- the house ---- */

static void
note_gone(void *arg)
{
    *(bool *)arg = true;
}

bool
house_open(struct house *h, struct cli *cli, const struct target *target, struct error *err)
{
    h->cli    = cli;
    h->target = target;
    if (!loop_init(&h->loop, err))
        return false;
    h->is_loop_up = true;
    h->budget.max = cli->settings.memory.max;
    h->scratch    = arena_new(KIB(16), MIB(64));
    if (h->scratch == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    if (!net_init(&h->net, &h->loop, &h->budget, err))
        return false;
    h->is_net_up     = true;
    h->has_exchanges = exchanges_init(&h->exchanges, &h->loop, &(struct exchange_hooks){0});
    if (!h->has_exchanges)
        return error_set(err, ERROR_MEMORY, "no memory");
    h->client = http_client_new(&h->net, &http_client_limits_default, err);
    if (h->client == NULL)
        return false;
    signals_watch(&h->signals, &h->loop, h->on_signal, h->owner);
    return true;
}

static void
let_out(struct house *h)
{
    mono_time until = clock_mono() + SAID_LAST;

    while (h->exchanges.open > 0 && clock_mono() < until)
        loop_turn(&h->loop, LOOK_AGAIN);
}

void
house_close(struct house *h)
{
    if (h->has_exchanges)
        let_out(h);
    end_child(h);
    if (h->children != NULL) {
        children_stop_all(h->children, note_gone, &h->is_gone);
        while (!h->is_gone)
            loop_turn(&h->loop, LOOK_AGAIN);
    }
    if (h->upstream.loop != NULL) {
        http_upstream_clear(&h->upstream);
        http_origin_release(h->upstream.origin);
    }
    if (h->has_exchanges)
        exchanges_clear(&h->exchanges);
    http_client_free(h->client);
    children_free(h->children);
    if (h->is_net_up)
        net_clear(&h->net);
    signals_forget(&h->signals);
    if (h->is_loop_up)
        loop_clear(&h->loop);
    arena_free(h->scratch);
}
