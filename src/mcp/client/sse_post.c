#include "mcp/client/sse_post.h"

#include "base/live.h"

#define ALONE_PATIENCE SECONDS(10)

struct sse_post {
    struct list       node; /* on posts->all */
    struct sse_posts *posts;
    struct exchange  *x; /* NULL: nobody waits */
    struct http_call *call;
    struct buffer     text;
    int               status;
    struct timer      patience; /* while nobody waits */
};

static void
post_free(struct sse_post *p)
{
    list_remove(&p->node);
    loop_clear_timer(p->posts->to->loop, &p->patience);
    http_call_cancel(p->call);
    buffer_clear(&p->text);
    live_end(LIVE_TELLINGS);
    free(p);
}

static void
on_head(void *owner, int status, const struct http_headers *headers)
{
    struct sse_post *p = owner;

    p->status = status;
    if (p->x != NULL && status >= 300)
        p->posts->on_refusal(p->x, status, headers);
}

static void
on_data(void *owner, struct str bytes)
{
    (void)owner, (void)bytes;
}

static void
on_end(void *owner, const struct error *err)
{
    struct sse_post  *p      = owner;
    struct sse_posts *posts  = p->posts;
    struct exchange  *x      = p->x;
    int               status = p->status;

    p->call = NULL;
    post_free(p);
    if (x != NULL)
        posts->on_status(posts, x, status, err);
}

static void
stop_waiting(struct timer *patience)
{
    post_free(LIST_OF(struct sse_post, patience, patience));
}

void
sse_posts_init(struct sse_posts *posts)
{
    list_init(&posts->all);
}

void
sse_posts_clear(struct sse_posts *posts)
{
    for (struct list *node; (node = list_first(&posts->all)) != NULL;)
        post_free(LIST_OF(struct sse_post, node, node));
}

static void
let_alone(struct sse_post *p)
{
    struct loop *loop = p->posts->to->loop;

    p->x = NULL;
    loop_set_timer(loop, &p->patience, loop_now(loop) + ALONE_PATIENCE);
}

void
sse_posts_forget(struct sse_posts *posts, const struct exchange *x)
{
    LIST_EACH (struct sse_post, p, &posts->all, node)
        if (p->x == x)
            let_alone(p);
}

size_t
sse_fields(const struct sse_posts *posts, const struct http_header *ours, size_t count,
           struct http_header fields[SSE_FIELDS_MAX])
{
    const struct http_upstream *to      = posts->to;
    struct http_headers         written = {.items = fields, .count = count};

    for (size_t i = 0; i < count; i++)
        fields[i] = ours[i];
    for (size_t i = 0; i < posts->fields->count && written.count < SSE_FIELDS_MAX; i++)
        fields[written.count++] = posts->fields->items[i];
    for (size_t i = 0; i < to->header_count && written.count < SSE_FIELDS_MAX; i++)
        if (http_header(&written, to->headers[i].name).data == NULL)
            fields[written.count++] = to->headers[i];
    return written.count;
}

static struct sse_post *
post_new(struct sse_posts *posts, struct exchange *x, struct str text)
{
    struct sse_post *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    *p = (struct sse_post){.posts = posts, .x = x, .text.max = SIZE_MAX / 2};
    timer_init(&p->patience, stop_waiting);
    list_append(&posts->all, &p->node);
    live_begin(LIVE_TELLINGS);
    if (buffer_append(&p->text, text))
        return p;
    post_free(p);
    return NULL;
}

bool
sse_post(struct sse_posts *posts, const struct http_url *url, struct exchange *x, struct str text, struct error *err)
{
    static const struct http_call_events events = {on_head, on_data, on_end};
    static const struct http_header      ours[] = {{{"Content-Type", 12}, {"application/json", 16}},
                                                   {{"Accept", 6}, {"application/json, text/event-stream", 35}}};
    struct http_header                   fields[SSE_FIELDS_MAX];

    struct sse_post *p = post_new(posts, x, text);
    if (p == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for a message");
    struct http_call_spec spec = {.url          = url,
                                  .origin       = posts->to->origin,
                                  .method       = HTTP_METHOD_POST,
                                  .headers      = fields,
                                  .header_count = sse_fields(posts, ours, sizeof ours / sizeof *ours, fields),
                                  .body         = buffer_str(&p->text)};
    p->call                    = http_call_start(posts->to->client, &spec, &events, p, err);
    if (p->call == NULL) {
        post_free(p);
        return false;
    }
    if (x == NULL)
        let_alone(p);
    return true;
}
