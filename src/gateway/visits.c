/* Sessions of clients with servers: whose they are, what is still due in them. */
#include "gateway/parts.h"

#include "base/live.h"

enum { KEY_MAX = 512 };

/* "server\0id" into `key`; empty when it is longer than any. */
static struct str
make_key(char key[KEY_MAX], const struct server *s, struct str id)
{
    struct str name = s->entry->name;

    if (name.len + 1 + id.len > KEY_MAX)
        return STR_NONE;
    memcpy(key, name.data, name.len);
    key[name.len] = '\0';
    if (id.len > 0)
        memcpy(key + name.len + 1, id.data, id.len);
    return str_of(key, name.len + 1 + id.len);
}

struct visit *
visit_find(struct gateway *g, const struct server *s, struct str id)
{
    char           text[KEY_MAX];
    struct str     key  = id.len > 0 ? make_key(text, s, id) : STR_NONE;
    struct visit **slot = key.len > 0 ? map_get(&g->sessions, key) : NULL;

    return slot == NULL || (*slot)->server != s ? NULL : *slot;
}

struct str
visit_id(const struct visit *l)
{
    return str_skip(l->key, (size_t)str_index(l->key, '\0') + 1);
}

struct visit *
visit_new(struct gateway *g, struct server *s, struct str id, struct labels *labels)
{
    char           text[KEY_MAX];
    struct str     key  = make_key(text, s, id);
    struct visit  *l    = key.len == 0 ? NULL : calloc(1, sizeof *l + key.len);
    struct visit **slot = NULL;

    if (g->sessions.count >= SESSIONS_MAX && !list_is_empty(&g->visits)) {
        struct visit *oldest = LIST_OF(struct visit, list_first(&g->visits), node);
        if (oldest->session == NULL && oldest->open == 0)
            visit_end(g, oldest, CLOSE_SESSION_ENDED);
    }
    if (l != NULL)
        slot = map_get_or_add(&g->sessions, key);
    if (slot == NULL || *slot != NULL) {
        free(l);
        return NULL;
    }
    *l = (struct visit){.server    = s,
                        .labels    = labels_ref(labels),
                        .key       = str_of(l->key_text, key.len),
                        .heard     = clock_mono(),
                        .adrift    = MAP_OF(struct exchange *, ADRIFT_MAX),
                        .questions = MAP_OF(struct exchange *, ADRIFT_MAX)};
    memcpy(l->key_text, key.data, key.len);
    *slot = l;
    s->users++;
    list_append(&g->visits, &l->node);
    live_begin(LIVE_VISITS);
    return l;
}

void
visit_touch(struct gateway *g, struct visit *l)
{
    l->heard = loop_now(g->parts.loop);
    list_remove(&l->node);
    list_append(&g->visits, &l->node);
}

struct visit *
visit_of(struct gateway *g, const struct server *s, const struct http_request *r)
{
    struct visit *l = visit_find(g, s, http_header(&r->headers, STR("mcp-session-id")));

    if (l == NULL || l->is_over)
        return NULL;
    visit_touch(g, l);
    return l;
}

void
visit_set_labels(struct visit *l, struct labels *labels)
{
    labels_ref(labels);
    labels_unref(l->labels);
    l->labels = labels;
}

static bool
first_adrift(struct str id, void *value, void *arg)
{
    (void)id;
    *(struct exchange **)arg = *(struct exchange **)value;
    return false;
}

/* Exchanges may outlive the session that they came in. */
static void
let_go(struct gateway *g, struct visit *l)
{
    for (size_t state = 0; state < EXCHANGE_CLOSED; state++)
        LIST_EACH (struct exchange, x, &g->exchanges.in_state[state], node)
            if (x->service != NULL && ((struct route *)x->service)->visit == l)
                route_set_visit(x, NULL);
}

void
visit_end(struct gateway *g, struct visit *l, enum close_reason why)
{
    struct server  *s       = l->server;
    struct session *session = l->session;

    l->session = NULL;
    if (session != NULL)
        session_end(session, why);
    if (s->endpoint != NULL)
        serve_end_session(l, why);
    for (struct exchange *x = NULL; map_each(&l->adrift, first_adrift, &x), x != NULL; x = NULL) {
        map_remove(&l->adrift, x->message.id);
        exchange_close(x, why);
    }
    if (l->open > 0)
        let_go(g, l);
    map_remove(&g->sessions, l->key);
    list_remove(&l->node);
    map_clear(&l->adrift);
    map_clear(&l->questions);
    labels_unref(l->labels);
    live_end(LIVE_VISITS);
    free(l);
    s->users--;
    server_release_if_unused(s);
}

void
visit_end_later(struct gateway *g, struct visit *l)
{
    l->is_over  = true;
    g->has_over = true;
}

void
visits_end_those_over(struct gateway *g)
{
    if (!g->has_over)
        return;
    g->has_over = false;
    for (struct list *node = g->visits.next, *next; node != &g->visits; node = next) {
        struct visit *l = LIST_OF(struct visit, node, node);
        next            = node->next;
        if (l->is_over)
            visit_end(g, l, CLOSE_SESSION_ENDED);
    }
}

void
visits_housekeeping(struct gateway *g, mono_time now)
{
    mono_time idle = g->parts.settings->session.idle;

    LIST_EACH (struct visit, l, &g->visits, node) {
        if (now - l->heard < idle)
            break;
        bool is_busy = l->open > 0 || (l->session != NULL && session_open(l->session) > 0);
        if (is_busy)
            visit_touch(g, l);
        else
            visit_end(g, l, CLOSE_SESSION_ENDED);
    }
}

void
gateway_each_session(const struct gateway *g, void (*each)(void *arg, struct str server, struct str client), void *arg)
{
    LIST_EACH (const struct visit, l, &g->visits, node)
        each(arg, l->server->entry->name, l->labels == NULL ? STR_NONE : labels_texts(l->labels)->client);
}
