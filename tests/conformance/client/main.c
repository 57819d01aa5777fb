/* build/conformance-client URL: what the official conformance suite starts to look at a client. The environment says
 * which scenario it is (MCP_CONFORMANCE_SCENARIO), at which revision (_PROTOCOL_VERSION), and what to do there
 * (_CONTEXT, JSON). Ends with 0 when all that was asked was answered, be it with a refusal. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/environment.h"
#include "mcp/client/way_http.h"
#include "mcp/json.h"
#include "visit.h"

#define PATIENCE      SECONDS(25)
#define LAST_PATIENCE SECONDS(2) /* for what only tells the server something: a DELETE */

struct program {
    struct loop          loop;
    struct net           net;
    struct http_client  *http;
    struct http_upstream upstream;
    struct exchanges     exchanges;
    struct arena        *scratch;
    struct visit         visit;
    bool                 is_loop_up, is_net_up, is_exchanges_up, is_over;
};

/* Nothing of it is on record. */
static void
forget_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)from, (void)bytes, (void)continues;
}

static void
forget_end(struct exchange *x, enum close_reason why)
{
    (void)x, (void)why;
}

static void
on_over(struct visit *v)
{
    LIST_OF(struct program, v, visit)->is_over = true;
}

static struct way *
open_way(struct program *p, const char *url, struct error *err)
{
    static const struct exchange_hooks hooks = {.on_message = forget_message, .on_close = forget_end};
    static const struct way_hooks      none  = {0};

    if (!(p->is_loop_up = loop_init(&p->loop, err)) || !(p->is_net_up = net_init(&p->net, &p->loop, NULL, err)))
        return NULL;
    p->is_exchanges_up = exchanges_init(&p->exchanges, &p->loop, &hooks);
    p->scratch         = arena_new(KIB(8), MIB(64));
    p->http            = http_client_new(&p->net, &http_client_limits_default, err);
    p->upstream        = (struct http_upstream){.loop = &p->loop, .client = p->http, .message_max = MIB(16)};
    list_init(&p->upstream.tellings);
    if (p->scratch == NULL || p->http == NULL || !http_url_parse(str_from(url), &p->upstream.url, err))
        return NULL;
    p->upstream.origin = http_client_origin(p->http, &p->upstream.url, err);
    return p->upstream.origin == NULL ? NULL : way_http_new(&p->exchanges, &p->upstream, &none, p->scratch);
}

static const char *
word_of(const char *name, const char *otherwise)
{
    const char *value = environment_get(environ, str_from(name));

    return value == NULL || value[0] == '\0' ? otherwise : value;
}

/* The era is that of the revision: the suite's servers speak one. */
static bool
begin_visit(struct program *p, const char *url, struct error *err)
{
    struct str    revision  = str_from(word_of("MCP_CONFORMANCE_PROTOCOL_VERSION", "2025-11-25"));
    struct str    context   = str_from(word_of("MCP_CONFORMANCE_CONTEXT", "{}"));
    struct str    scenario  = str_from(word_of("MCP_CONFORMANCE_SCENARIO", ""));
    bool          is_modern = str_compare(revision, STR("2026")) > 0;
    struct visit *v         = &p->visit;

    visit_init(v, &p->loop, on_over);
    struct way *way = open_way(p, url, err);
    v->context      = json_read(context);
    v->loads_skill  = str_find(scenario, STR("-verify-")) >= 0;
    if (way == NULL)
        return false;
    v->client = client_new(&(struct client_parts){.loop         = &p->loop,
                                                  .way          = way,
                                                  .name         = STR("conformance-client"),
                                                  .version      = STR(GATEHOUSE_VERSION),
                                                  .capabilities = STR("{\"roots\":{},\"sampling\":{},"
                                                                      "\"elicitation\":{\"form\":{}}}"),
                                                  .era          = is_modern ? CLIENT_MODERN : CLIENT_LEGACY,
                                                  .discovers    = is_modern,
                                                  .revision     = is_modern ? STR_NONE : revision,
                                                  .patience     = PATIENCE,
                                                  .events       = &visit_events,
                                                  .owner        = v},
                           err);
    if (v->client == NULL)
        return false;
    client_open(v->client);
    return true;
}

static void
run(struct program *p)
{
    while (!p->is_over)
        loop_turn(&p->loop, SECONDS(1));
    client_free(p->visit.client);
    for (mono_time until = clock_mono() + LAST_PATIENCE; p->exchanges.open > 0 && clock_mono() < until;)
        loop_turn(&p->loop, MILLISECONDS(50));
}

static void
take_apart(struct program *p)
{
    if (p->is_exchanges_up)
        exchanges_clear(&p->exchanges);
    if (p->is_loop_up)
        visit_clear(&p->visit);
    if (p->http != NULL) {
        http_upstream_clear(&p->upstream);
        http_origin_release(p->upstream.origin);
        http_client_free(p->http);
    }
    arena_free(p->scratch);
    if (p->is_net_up)
        net_clear(&p->net);
    if (p->is_loop_up)
        loop_clear(&p->loop);
}

int
main(int argc, char **argv)
{
    static struct program program;
    struct error          err = {0};

    if (argc != 2) {
        fprintf(stderr, "usage: %s URL\n", argv[0]);
        return 2;
    }
    bool ok = begin_visit(&program, argv[1], &err);
    if (ok)
        run(&program);
    else
        fprintf(stderr, "%s: %s\n", argv[0], err.text);
    take_apart(&program);
    return ok && !program.visit.has_failed ? 0 : 1;
}
