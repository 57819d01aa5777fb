#include "cli/running.h"
#include "http/client.h"

enum { ANSWER_MAX = 64 * 1024 * 1024 };

struct fetching {
    struct fetch     *f;
    struct loop       loop;
    struct budget     budget;
    struct net        net;
    struct timer      deadline;
    struct http_call *call;
    struct error      failure;
};

static void
fail(struct fetching *g, const struct error *err)
{
    g->failure = *err;
    loop_stop(&g->loop);
}

static void
on_head(void *owner, int status, const struct http_headers *headers)
{
    struct fetching *g = owner;

    (void)headers;
    g->f->status = status;
}

static void
on_data(void *owner, struct str bytes)
{
    struct fetching *g   = owner;
    struct error     err = {0};

    if (buffer_append(&g->f->answer, bytes))
        return;
    error_set(&err, ERROR_TOO_LARGE, "the answer is larger than %d MiB", ANSWER_MAX / 1024 / 1024);
    fail(g, &err);
}

static void
on_end(void *owner, const struct error *err)
{
    struct fetching *g = owner;

    g->call = NULL;
    if (err != NULL)
        g->failure = *err;
    loop_stop(&g->loop);
}

static const struct http_call_events events = {on_head, on_data, on_end};

static void
on_deadline(struct timer *t)
{
    struct fetching *g   = LIST_OF(struct fetching, t, deadline);
    struct error     err = {0};

    error_set(&err, ERROR_TIMED_OUT, "no answer within %lld s", (long long)(g->f->wait / 1000000));
    fail(g, &err);
}

static bool
run(struct fetching *g, struct http_client *client, struct error *err)
{
    struct http_url url;

    if (!http_url_parse(str_from(g->f->url), &url, err))
        return false;
    struct http_header    bearer = {STR("Authorization"), g->f->authorization};
    struct http_call_spec spec   = {
          .url = &url, .method = HTTP_METHOD_GET, .headers = &bearer, .header_count = g->f->authorization.len > 0};
    g->call = http_call_start(client, &spec, &events, g, err);
    if (g->call == NULL)
        return false;
    timer_init(&g->deadline, on_deadline);
    loop_set_timer(&g->loop, &g->deadline, clock_mono() + g->f->wait);
    loop_run(&g->loop);
    http_call_cancel(g->call);
    loop_clear_timer(&g->loop, &g->deadline);
    if (g->failure.code != ERROR_NONE)
        *err = g->failure;
    return g->failure.code == ERROR_NONE;
}

bool
fetch(struct fetch *f, struct error *err)
{
    struct fetching    *g      = calloc(1, sizeof *g);
    struct http_client *client = NULL;
    bool                ok     = false;

    if (g == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    g->f          = f;
    f->status     = 0;
    f->answer.max = ANSWER_MAX;
    g->budget.max = 2 * (uint64_t)ANSWER_MAX;
    if (loop_init(&g->loop, err)) {
        if (net_init(&g->net, &g->loop, &g->budget, err)) {
            client = http_client_new(&g->net, &http_client_limits_default, err);
            ok     = client != NULL && run(g, client, err);
            http_client_free(client);
            net_clear(&g->net);
        }
        loop_clear(&g->loop);
    }
    free(g);
    return ok;
}
