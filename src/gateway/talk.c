/* Requests for stdio servers: sessions of ours, each on a channel to a child; those of 2026-07-28 on a channel of all.
 */
#include "gateway/parts.h"

#include "base/live.h"
#include "base/log.h"

/* Whether sessions are served through another child. */
static bool
has_another(const struct lane *lane)
{
    LIST_EACH (const struct lane, other, &lane->server->channels, node)
        if (other != lane && channel_state(other->channel) == CHANNEL_READY)
            return true;
    return false;
}

static struct child *
start_child(void *owner, const struct child_events *events, struct channel *c, struct error *err)
{
    struct lane               *lane  = owner;
    struct gateway            *g     = lane->server->gateway;
    const struct server_entry *entry = lane->server->entry;
    struct arena              *arena = arena_new(KIB(16), MIB(4));
    char *const  *env   = arena == NULL ? NULL : server_entry_environment(entry, g->parts.environment, arena);
    struct child *child = NULL;

    if (env == NULL) {
        error_set(err, ERROR_MEMORY, "no memory");
    } else {
        struct child_spec spec = {.argv      = entry->argv,
                                  .env       = env,
                                  .cwd       = entry->cwd,
                                  .line_max  = g->parts.settings->message.max,
                                  .queue_max = g->parts.settings->stdio.queue};
        child                  = child_start(g->parts.children, &spec, events, c, err);
    }
    arena_free(arena);
    if (child != NULL && !lane->isolated && !has_another(lane))
        server_set_state(lane->server, STATE_STARTING, "");
    return child;
}

static void
on_ready(void *owner, struct channel *c, const struct envelope *answer)
{
    struct lane   *lane   = owner;
    struct labels *labels = answer->kind == MESSAGE_RESULT ? labels_with_server(lane->server->labels, answer) : NULL;

    (void)c;
    server_set_state(lane->server, STATE_RUNNING, "");
    lane->server->detail[0] = '\0'; /* of another child */
    eras_learn(&lane->server->eras, lane->era, true);
    if (labels == NULL)
        return;
    labels_unref(lane->server->labels);
    lane->server->labels = labels;
    labels_unref(lane->server->guest);
    lane->server->guest = NULL;
    LIST_EACH (struct visit, l, &lane->server->gateway->visits, node) {
        if (l->session == NULL || session_channel(l->session) != lane->channel)
            continue;
        struct labels *known = labels_with_server(l->labels, answer);
        if (known != NULL)
            visit_set_labels(l, known);
        labels_unref(known);
    }
}

/* A server that others use through children of their own is not down; but that one of them died is said. */
static void
on_down(void *owner, struct channel *c, const char *words)
{
    struct lane   *lane = owner;
    struct server *s    = lane->server;
    char           note[400];

    (void)c;
    if (eras_may_speak(&s->eras, lane->era)) /* else its end says nothing new */
        eras_forget(&s->eras);
    if (words[0] == '\0') {
        if (!has_another(lane))
            server_set_state(s, STATE_IDLE, "");
        return;
    }
    snprintf(note, sizeof note, "[its child %s]", words);
    server_add_stderr(s, str_from(note));
    if (has_another(lane))
        snprintf(s->detail, sizeof s->detail, "one of its children %s", words);
    else
        server_set_state(s, STATE_DOWN, words);
}

static void
on_stderr(void *owner, struct channel *c, struct str line)
{
    (void)c;
    server_add_stderr(((struct lane *)owner)->server, line);
}

static void
on_odd_line(void *owner, struct channel *c, struct str line, const char *why)
{
    struct buffer text = {.max = KIB(8)};

    (void)c;
    if (buffer_printf(&text, "[stdout, not a message: %s] ", why) && buffer_append(&text, str_take(line, 400)))
        server_add_stderr(((struct lane *)owner)->server, buffer_str(&text));
    buffer_clear(&text);
}

/* A child may cause it as often as it likes: a line of the log now and then. */
static void
on_trouble(void *owner, struct channel *c, const char *words)
{
    struct server *s   = ((struct lane *)owner)->server;
    mono_time      now = clock_mono();

    (void)c;
    if (s->trouble_told != 0 && now - s->trouble_told < TROUBLE_EVERY) {
        s->troubles++;
        return;
    }
    if (s->troubles > 0)
        log_line(LOG_WARN, "%.*s: %u lines like the next were left out", STR_ARG(s->entry->name), s->troubles);
    log_line(LOG_WARN, "%.*s %s", STR_ARG(s->entry->name), words);
    s->troubles     = 0;
    s->trouble_told = now;
}

static void
on_session_lost(void *owner, struct session *session)
{
    struct lane *lane = owner;

    if (session_owner(session) == NULL)
        bridge_session_lost(lane->server, session);
    else
        visit_end_later(lane->server->gateway, session_owner(session));
}

/* The channel goes its own way; the lane is forgotten. */
static void
on_closed(void *owner, struct channel *c)
{
    struct lane                 *lane   = owner;
    struct server               *s      = lane->server;
    const struct channel_counts *counts = channel_counts(c);

    bridge_lane_closed(s, lane);
    s->lost.odd_lines += counts->odd_lines;
    s->lost.refused_questions += counts->refused_questions;
    s->lost.dropped += counts->dropped;
    if (lane->isolated)
        s->isolated_count--;
    else
        s->shared_count--;
    if (list_is_empty(&s->channels) || (s->channels.next == &lane->node && s->channels.prev == &lane->node))
        server_set_state(s, s->state == STATE_RUNNING ? STATE_IDLE : s->state, s->detail);
    list_remove(&lane->node);
    free((char *)(uintptr_t)lane->revision.data);
    free((char *)(uintptr_t)lane->capabilities.data);
    live_end(LIVE_LANES);
    free(lane);
    server_release_if_unused(s);
}

static bool
on_refused(void *owner, struct channel *c, struct exchange *x, struct str refusal)
{
    (void)c;
    return bridge_takes_refused(((struct lane *)owner)->server, x, refusal);
}

static void
on_other_era(void *owner, struct channel *c, const char *words)
{
    struct lane *lane = owner;

    (void)c, (void)words;
    eras_learn(&lane->server->eras, lane->era, false);
    if (!has_another(lane))
        server_set_state(lane->server, STATE_IDLE, "");
}

static void
on_stranded(void *owner, struct channel *c, struct exchange *x, const char *words)
{
    (void)c;
    bridge_take(((struct lane *)owner)->server, x, words);
}

static const struct channel_events lane_events = {
    .start           = start_child,
    .on_ready        = on_ready,
    .on_down         = on_down,
    .on_stderr       = on_stderr,
    .on_odd_line     = on_odd_line,
    .on_session_lost = on_session_lost,
    .on_closed       = on_closed,
    .on_trouble      = on_trouble,
    .on_refused      = on_refused,
    .on_other_era    = on_other_era,
    .on_stranded     = on_stranded,
};

void
lane_close(struct lane *lane, enum close_reason why)
{
    channel_close(lane->channel, why);
}

static struct str
copy_of(struct str s)
{
    char *copy = malloc(s.len + 1);

    if (copy == NULL)
        return STR_NONE;
    if (s.len > 0)
        memcpy(copy, s.data, s.len);
    return str_of(copy, s.len);
}

/* Legacy: as its first session asked for; modern: `e` is NULL. */
static struct lane *
lane_new(struct server *s, const struct envelope *e)
{
    struct gateway *g    = s->gateway;
    struct lane    *lane = calloc(1, sizeof *lane);
    mono_time       most = time_max(s->entry->timeout, OPENING_PATIENCE);

    if (lane == NULL)
        return NULL;
    *lane = (struct lane){.server       = s,
                          .era          = e == NULL ? ERA_MODERN : ERA_LEGACY,
                          .isolated     = e != NULL && s->entry->isolated,
                          .revision     = copy_of(e == NULL ? STR("") : e->revision),
                          .capabilities = copy_of(e == NULL ? STR("") : e->capabilities)};
    if (lane->revision.data == NULL || lane->capabilities.data == NULL)
        lane->channel = NULL;
    else if (e == NULL)
        lane->channel = channel_new_modern(g->parts.loop, &lane_events, lane, g->scratch,
                                           s->eras.legacy == SPOKEN_YES ? DISCOVER_PATIENCE : OPENING_PATIENCE);
    else
        lane->channel = channel_new(g->parts.loop, &lane_events, lane, g->scratch, lane->isolated, most);
    if (lane->channel == NULL) {
        free((char *)(uintptr_t)lane->revision.data);
        free((char *)(uintptr_t)lane->capabilities.data);
        free(lane);
        return NULL;
    }
    list_append(&s->channels, &lane->node);
    live_begin(LIVE_LANES);
    if (lane->isolated)
        s->isolated_count++;
    else
        s->shared_count++;
    return lane;
}

/* The same when there is place for one more. */
static struct lane *
lane_add(struct server *s, const struct envelope *e, struct error *err)
{
    const struct settings *settings    = s->gateway->parts.settings;
    bool                   is_isolated = e != NULL && s->entry->isolated;
    size_t                 count       = is_isolated ? s->isolated_count : s->shared_count;

    if (count >= (is_isolated ? settings->stdio.isolated_max : settings->stdio.shared_max)) {
        error_set(err, ERROR_FULL, "%zu children run for it already (%s)", count,
                  is_isolated ? "stdio.isolated_max" : "stdio.shared_max");
        return NULL;
    }
    struct lane *lane = lane_new(s, e);
    if (lane == NULL)
        error_set(err, ERROR_MEMORY, "no memory");
    return lane;
}

/* The channel for a session that opens: shared by those that asked for the same revision with the same capabilities. */
struct lane *
lane_for(struct server *s, const struct envelope *e, struct error *err)
{
    if (!s->entry->isolated)
        LIST_EACH (struct lane, lane, &s->channels, node)
            if (lane->era == ERA_LEGACY && !lane->isolated && str_eq(lane->revision, e->revision) &&
                str_eq(lane->capabilities, e->capabilities))
                return lane;
    return lane_add(s, e, err);
}

/* The channel of all modern clients, whatever sessionMode says: they have no sessions. NULL: there is none yet. */
static struct lane *
modern_lane(const struct server *s)
{
    LIST_EACH (struct lane, lane, &s->channels, node)
        if (lane->era == ERA_MODERN)
            return lane;
    return NULL;
}

struct lane *
lane_for_modern(struct server *s, struct error *err)
{
    struct lane *lane = modern_lane(s);

    return lane != NULL ? lane : lane_add(s, NULL, err);
}

mono_time
talk_patience(const struct server *s, const struct exchange *x)
{
    const struct lane *lane = modern_lane(s);

    if (str_eq(x->message.method, STR("initialize")) && !x->is_modern)
        return time_max(s->entry->timeout, OPENING_PATIENCE);
    if (!x->is_modern || (lane != NULL && channel_state(lane->channel) == CHANNEL_READY))
        return s->entry->timeout;
    return time_max(s->entry->timeout, OPENING_PATIENCE + DISCOVER_PATIENCE);
}

/* A session for the client that sends `initialize`. NULL: `err`. */
static struct visit *
open_session(struct gateway *g, struct server *s, struct exchange *x, struct error *err)
{
    struct session_seal seal  = {.owner = g->process, .principal = "local"};
    struct lane        *lane  = lane_for(s, &x->message, err);
    struct route       *route = x->service;
    char                id[SESSION_ID_SIZE];

    if (lane == NULL)
        return NULL;
    snprintf(seal.revision, sizeof seal.revision, "%.*s", STR_ARG(x->message.revision));
    struct label_texts texts  = *labels_texts(route->labels);
    struct labels     *labels = NULL;
    struct visit      *l      = NULL;
    if (session_id_seal(g->parts.session_key, &seal, id)) {
        texts.session = str_from(id);
        labels        = labels_new(&texts);
        l             = labels == NULL ? NULL : visit_new(g, s, str_from(id), labels);
    }
    if (l != NULL)
        l->session = session_new(lane->channel, id, l);
    if (l == NULL || l->session == NULL) {
        if (l != NULL)
            visit_end(g, l, CLOSE_BUSY);
        if (channel_sessions(lane->channel) == 0)
            lane_close(lane, CLOSE_BUSY);
        labels_unref(labels);
        error_set(err, ERROR_MEMORY, "no memory, or too many sessions");
        return NULL;
    }
    route_set_labels(x, labels);
    route_set_visit(x, l);
    labels_unref(labels);
    return l;
}

/* Whether it may yet begin again, at the bridge: nobody knows so far whether the server is of its era. */
static bool
is_undecided(struct exchange *x)
{
    const struct route *route = x->service;
    const struct eras  *eras  = &route->server->eras;

    return route->trial != NULL || (x->is_modern ? eras->modern : eras->legacy) == SPOKEN_UNKNOWN;
}

/* A modern client's request. */
static void
send_modern(struct server *s, struct hop *hop, struct exchange *x)
{
    struct error err  = {0};
    struct lane *lane = NULL;

    if (!eras_may_speak(&s->eras, ERA_MODERN)) {
        bridge_take(s, x, "does not speak 2026-07-28");
        return;
    }
    if ((lane = lane_for_modern(s, &err)) == NULL) {
        hop_drop(hop, CLOSE_BUSY, err.text);
        return;
    }
    hop_set_undecided(hop, is_undecided);
    hop_expect(hop);
    exchange_send(x, channel_back(lane->channel));
}

void
talk_requests(struct gateway *g, struct server *s, struct http_request *r, struct hop *hop, struct exchange **xs,
              size_t count)
{
    struct route *route = xs[0]->service;
    struct error  err   = {0};

    if (xs[0]->is_modern) {
        send_modern(s, hop, xs[0]);
        return;
    }
    if (str_eq(xs[0]->message.method, STR("initialize")) && route->visit == NULL &&
        open_session(g, s, xs[0], &err) == NULL) {
        hop_drop(hop, CLOSE_BUSY, err.text);
        return;
    }
    struct visit *l = route->visit;
    if (xs[0]->kind == KIND_REQUEST && str_eq(xs[0]->message.method, STR("initialize")) &&
        !hop_set_session(hop, str_from(session_id(l->session)))) {
        hop_drop(hop, CLOSE_BUSY, "no memory");
        return;
    }
    if (xs[0]->kind == KIND_STREAM) {
        struct str last = http_header(&r->headers, STR("last-event-id"));
        hop_listen(hop, xs[0], session_streams(l->session), last, session_back(l->session));
        return;
    }
    bool is_delete = xs[0]->kind == KIND_DELETE;
    hop_set_streams(hop, session_streams(l->session));
    hop_set_undecided(hop, is_undecided);
    hop_expect(hop);
    for (size_t i = 0; i < count; i++)
        exchange_send(xs[i], session_back(l->session)); /* the last one may free the hop */
    if (is_delete)
        visit_end(g, l, CLOSE_SESSION_ENDED);
}

void
talk_heard(struct exchange *x, struct str message)
{
    struct server *s = ((struct route *)x->service)->server;

    if (s->entry->kind == SERVER_STDIO && str_eq(x->message.method, STR("tools/list")))
        mirrored_learn(&s->mirrored, message);
}

/* A call goes on without its client, to its time-out, and is captured; a modern client has cancelled it by leaving. */
void
talk_left(struct exchange *x)
{
    if (x->is_modern) {
        exchange_close(x, x->judged ? CLOSE_ANSWERED : CLOSE_CANCELLED);
        return;
    }
    if (x->kind != KIND_REQUEST) {
        exchange_close(x, CLOSE_CLIENT_LEFT);
        return;
    }
    if (x->message.id.data == NULL)
        exchange_close(x, CLOSE_BUSY);
}

/* A shared child that nobody has used for a while is stopped. */
void
talk_housekeeping(struct server *s, mono_time now)
{
    mono_time idle = s->gateway->parts.settings->session.idle;

    for (struct list *node = s->channels.next, *next; node != &s->channels; node = next) {
        struct lane *lane  = LIST_OF(struct lane, node, node);
        mono_time    since = channel_lonely_since(lane->channel);
        next               = node->next;
        if (since != 0 && now - since >= idle) {
            channel_close(lane->channel, CLOSE_SESSION_ENDED);
            return; /* the server may be gone; the others wait for the next round */
        }
    }
}
