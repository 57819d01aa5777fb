/* What is registered, as it runs: one struct server an entry, kept over reloads while the entry stays the same. */
#include "gateway/parts.h"

#include "base/live.h"

const char *
server_state_name(enum server_state state)
{
    static const char *const names[] = {"idle", "running", "starting", "down", "wrong", "disabled"};

    return names[state];
}

void
server_set_state(struct server *s, enum server_state state, const char *detail)
{
    mono_time now = loop_now(s->gateway->parts.loop);

    if (state == STATE_RUNNING && s->state == STATE_RUNNING) { /* each answer says so */
        s->last_check = now;
        return;
    }
    if (s->state != state)
        s->since = now;
    if (state == STATE_RUNNING || state == STATE_DOWN)
        s->last_check = now;
    s->state = state;
    snprintf(s->detail, sizeof s->detail, "%s", detail);
}

static void
server_free(struct server *s)
{
    list_remove(&s->node);
    if (s->upstream.loop != NULL)
        http_upstream_clear(&s->upstream);
    http_origin_release(s->upstream.origin);
    if (s->bridge == NULL)
        serve_close(s);
    bridge_free(s->bridge);
    mirrored_clear(&s->mirrored);
    labels_unref(s->labels);
    labels_unref(s->guest);
    registry_unref(s->registry);
    for (size_t i = 0; i < STDERR_LINES; i++)
        free(s->stderr_lines[i]);
    live_end(LIVE_SERVERS);
    free(s);
}

/* Whoever says so may still be using it: what carried its last exchange, for instance. */
void
server_release_if_unused(struct server *s)
{
    s->gateway->has_unused |= s->is_retired && s->users == 0 && list_is_empty(&s->channels);
}

void
servers_free_unused(struct gateway *g)
{
    if (!g->has_unused)
        return;
    g->has_unused = false;
    LIST_EACH (struct server, s, &g->retired, node) {
        if (s->users > 0 || !list_is_empty(&s->channels))
            continue;
        bridge_cut(s);
        if (s->users == 0) /* else the end of its sessions there is on its way */
            server_free(s);
    }
}

static bool
connect_upstream(struct server *s, struct error *err)
{
    struct gateway *g = s->gateway;

    s->upstream = (struct http_upstream){.loop        = g->parts.loop,
                                         .client      = g->parts.client,
                                         .headers     = s->headers,
                                         .message_max = g->parts.settings->message.max,
                                         .withheld    = g->parts.token};
    list_init(&s->upstream.tellings);
    if (!http_url_parse(s->entry->url, &s->upstream.url, err))
        return false;
    for (size_t i = 0; i < s->entry->header_count && i < HEADERS_MAX; i++)
        s->headers[s->upstream.header_count++] =
            (struct http_header){s->entry->headers[i].name, s->entry->headers[i].value};
    s->upstream.origin = http_client_origin(g->parts.client, &s->upstream.url, err);
    return s->upstream.origin != NULL;
}

static void
server_add(struct gateway *g, struct registry *registry, const struct server_entry *entry)
{
    struct server  *s    = calloc(1, sizeof *s);
    struct server **slot = s == NULL ? NULL : map_get_or_add(&g->by_name, entry->name);
    struct error    err  = {0};

    if (slot == NULL || *slot != NULL) { /* a second entry of a name is wrong, and listed from the registry */
        free(s);
        return;
    }
    s->gateway  = g;
    s->registry = registry_ref(registry);
    s->entry    = entry;
    s->labels   = labels_new(&(struct label_texts){.server    = entry->name,
                                                   .transport = entry->kind == SERVER_STDIO     ? STR("stdio")
                                                                : entry->kind == SERVER_SERVICE ? STR("built-in")
                                                                                                : STR("http")});
    list_init(&s->channels);
    mirrored_init(&s->mirrored);
    list_append(&g->servers, &s->node);
    live_begin(LIVE_SERVERS);
    *slot = s;
    if (entry->kind == SERVER_WRONG)
        server_set_state(s, STATE_WRONG, entry->error);
    else if (!entry->enabled)
        server_set_state(s, STATE_DISABLED, "");
    else if ((entry->kind == SERVER_HTTP && !connect_upstream(s, &err)) ||
             (entry->kind == SERVER_SERVICE && !serve_open(s, &err)))
        server_set_state(s, STATE_WRONG, err.text);
    else if (entry->kind == SERVER_SERVICE)
        server_set_state(s, STATE_RUNNING, "");
}

struct server *
server_find(struct gateway *g, struct str name)
{
    struct server **slot = map_get(&g->by_name, name);

    return slot == NULL ? NULL : *slot;
}

/* Its sessions end, its children stop; calls to an HTTP server or a service run on. */
void
server_retire(struct server *s)
{
    struct gateway *g = s->gateway;

    map_remove(&g->by_name, s->entry->name);
    list_remove(&s->node);
    list_append(&g->retired, &s->node);
    s->users++;
    s->is_retired = true;
    LIST_EACH (struct visit, l, &g->visits, node)
        if (l->server == s)
            visit_end(g, l, CLOSE_SESSION_ENDED);
    bridge_retire(s);
    for (struct list *node; (node = list_first(&s->channels)) != NULL;)
        lane_close(LIST_OF(struct lane, node, node), CLOSE_SESSION_ENDED);
    serve_hang_up(s, CLOSE_SESSION_ENDED);
    s->users--;
    server_release_if_unused(s);
}

void
gateway_set_registry(struct gateway *g, struct registry *fresh)
{
    struct registry *old = g->registry;

    LIST_EACH (struct server, s, &g->servers, node) {
        const struct server_entry *entry = registry_find(fresh, s->entry->name);
        if (entry == NULL || entry->fingerprint != s->entry->fingerprint || entry->kind != s->entry->kind)
            server_retire(s);
    }
    for (size_t i = 0; i < fresh->count; i++)
        if (server_find(g, fresh->entries[i].name) == NULL)
            server_add(g, fresh, &fresh->entries[i]);
    g->registry = registry_ref(fresh);
    registry_unref(old);
}

struct registry *
gateway_registry(const struct gateway *g)
{
    return g->registry;
}

void
server_add_stderr(struct server *s, struct str line)
{
    char **slot = &s->stderr_lines[s->stderr_next++ % STDERR_LINES];
    size_t len  = line.len < STDERR_CUT ? line.len : STDERR_CUT;
    char  *copy = malloc(len + 1);

    if (copy == NULL)
        return;
    if (len > 0)
        memcpy(copy, line.data, len);
    copy[len] = '\0';
    free(*slot);
    *slot = copy;
}

void
gateway_stderr_each(const struct gateway *g, struct str name, void (*each)(void *arg, struct str line), void *arg)
{
    struct server **slot = map_get(&g->by_name, name);

    for (size_t i = 0; slot != NULL && i < STDERR_LINES; i++) {
        const char *line = (*slot)->stderr_lines[((*slot)->stderr_next + i) % STDERR_LINES];
        if (line != NULL)
            each(arg, str_from(line));
    }
}

static void
add_counts(struct server_status *status, const struct channel_counts *counts)
{
    status->odd_lines += counts->odd_lines;
    status->refused_questions += counts->refused_questions;
    status->dropped += counts->dropped;
    status->restarts += counts->starts > 1 ? counts->starts - 1 : 0;
}

static void
describe(const struct gateway *g, struct server *s, void (*each)(void *arg, const struct server_status *status),
         void *arg)
{
    const struct label_texts *texts  = s->labels == NULL ? NULL : labels_texts(s->labels);
    struct server_status      status = {.entry      = s->entry,
                                        .state      = s->state,
                                        .detail     = str_from(s->detail),
                                        .since      = s->since,
                                        .last_check = s->last_check,
                                        .last_us    = s->last_us,
                                        .calls      = s->calls,
                                        .errors     = s->errors,
                                        .eras       = s->eras};

    if (texts != NULL) {
        status.server_name    = texts->server_name;
        status.server_version = texts->server_version;
        status.revision       = texts->revision;
    }
    add_counts(&status, &s->lost);
    LIST_EACH (struct lane, lane, &s->channels, node) {
        add_counts(&status, channel_counts(lane->channel));
        status.calls_in_flight += channel_calls(lane->channel);
        if (channel_child(lane->channel) == NULL)
            continue;
        status.children++;
        if (!lane->isolated)
            status.pid = child_pid(channel_child(lane->channel));
    }
    LIST_EACH (const struct visit, l, &g->visits, node)
        status.sessions += l->server == s;
    if (s->endpoint != NULL && s->entry->kind != SERVER_STDIO)
        status.calls_in_flight = serve_calls(s);
    each(arg, &status);
}

void
gateway_each_server(const struct gateway *g, void (*each)(void *arg, const struct server_status *status), void *arg)
{
    /* In the order of the file, with those that share a name. */
    for (size_t i = 0; i < g->registry->count; i++) {
        const struct server_entry *entry = &g->registry->entries[i];
        struct server            **slot  = map_get(&g->by_name, entry->name);
        if (slot != NULL && registry_find(g->registry, entry->name) == entry)
            describe(g, *slot, each, arg);
        else
            each(arg, &(struct server_status){.entry = entry, .state = STATE_WRONG, .detail = str_from(entry->error)});
    }
}

bool
gateway_server(const struct gateway *g, struct str name, void (*each)(void *arg, const struct server_status *status),
               void *arg)
{
    struct server **slot = map_get(&g->by_name, name);

    if (slot == NULL)
        return false;
    describe(g, *slot, each, arg);
    return true;
}

bool
gateway_restart_server(struct gateway *g, struct str name, struct error *err)
{
    struct server *s = server_find(g, name);

    if (s == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no server is named \"%.*s\"", STR_ARG(name));
    if (s->entry->kind != SERVER_STDIO)
        return error_set(err, ERROR_INVALID, "\"%.*s\" is not a stdio server: there is no child to restart",
                         STR_ARG(name));
    eras_forget(&s->eras);
    LIST_EACH (struct lane, lane, &s->channels, node)
        if (!lane->isolated)
            channel_restart(lane->channel);
    return true;
}
