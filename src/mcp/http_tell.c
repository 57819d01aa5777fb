/* A message of ours to an HTTP upstream that no exchange brings. */
#include "mcp/http_back.h"

#include "base/live.h"

enum { HEADERS_MAX = 64 };

#define TELL_PATIENCE SECONDS(10)

/* A message that nobody waits for, while it is on its way. */
struct telling {
    struct list       node; /* on upstream->tellings */
    struct loop      *loop;
    struct http_call *call;
    struct buffer     text;
    struct timer      patience;
};

static void
telling_free(struct telling *t)
{
    list_remove(&t->node);
    loop_clear_timer(t->loop, &t->patience);
    http_call_cancel(t->call);
    buffer_clear(&t->text);
    live_end(LIVE_TELLINGS);
    free(t);
}

static void
told_head(void *owner, int status, const struct http_headers *headers)
{
    (void)owner, (void)status, (void)headers;
}

static void
told_data(void *owner, struct str bytes)
{
    (void)owner, (void)bytes;
}

static void
told_end(void *owner, const struct error *err)
{
    struct telling *t = owner;

    (void)err;
    t->call = NULL;
    telling_free(t);
}

static void
stop_waiting(struct timer *patience)
{
    telling_free(LIST_OF(struct telling, patience, patience));
}

static struct telling *
telling_new(struct http_upstream *to, struct str message)
{
    struct telling *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->loop     = to->loop;
    t->text.max = KIB(64);
    timer_init(&t->patience, stop_waiting);
    loop_set_timer(t->loop, &t->patience, loop_now(t->loop) + TELL_PATIENCE);
    list_append(&to->tellings, &t->node);
    live_begin(LIVE_TELLINGS);
    if (buffer_append(&t->text, message))
        return t;
    telling_free(t);
    return NULL;
}

void
http_back_tell(struct http_upstream *to, struct str message, const struct http_tell *as)
{
    static const struct http_call_events events = {told_head, told_data, told_end};

    struct telling    *t = telling_new(to, message);
    struct http_header headers[HEADERS_MAX];
    size_t             count = 0;

    if (t == NULL)
        return;
    headers[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    headers[count++] = (struct http_header){STR("Accept"), STR("application/json, text/event-stream")};
    if (as->session.len > 0)
        headers[count++] = (struct http_header){STR("Mcp-Session-Id"), as->session};
    if (as->revision.len > 0)
        headers[count++] = (struct http_header){STR("MCP-Protocol-Version"), as->revision};
    bool has_own = as->authorization.len > 0 && !http_upstream_withholds(to, as->authorization);
    if (has_own)
        headers[count++] = (struct http_header){STR("Authorization"), as->authorization};
    for (size_t i = 0; i < to->header_count && count < HEADERS_MAX; i++)
        if (!has_own || !str_eq_nocase(to->headers[i].name, STR("authorization")))
            headers[count++] = to->headers[i];
    t->call = http_call_start(to->client,
                              &(struct http_call_spec){.url          = &to->url,
                                                       .origin       = to->origin,
                                                       .method       = HTTP_METHOD_POST,
                                                       .headers      = headers,
                                                       .header_count = count,
                                                       .body         = buffer_str(&t->text)},
                              &events, t, NULL);
    if (t->call == NULL)
        telling_free(t);
}

void
http_upstream_clear(struct http_upstream *to)
{
    for (struct list *node; (node = list_first(&to->tellings)) != NULL;)
        telling_free(LIST_OF(struct telling, node, node));
}
