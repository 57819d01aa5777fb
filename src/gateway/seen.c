#include "gateway/seen.h"

struct copying {
    struct seen        *seen;
    struct arena       *arena;
    size_t              room;
    size_t              skip;   /* lines of stderr before the wanted ones */
    struct seen_server *server; /* whose lines are copied */
    bool                failed;
};

static struct str
copy(struct copying *c, struct str text)
{
    struct str fresh = arena_str(c->arena, text);

    c->failed |= text.len > 0 && fresh.data == NULL;
    return fresh;
}

static void
copy_status(void *arg, const struct server_status *status)
{
    struct copying *c = arg;

    if (c->seen->count == c->room)
        return;
    /* Told in the order of the registry; the running server may hold an older one, which may go. */
    const struct server_entry *entry = &c->seen->registry->entries[c->seen->count];
    struct seen_server        *s     = &c->seen->servers[c->seen->count++];
    *s                               = (struct seen_server){.status = *status, .name = entry->name};
    s->status.entry                  = entry;
    s->status.detail                 = copy(c, status->detail);
    s->status.server_name            = copy(c, status->server_name);
    s->status.server_version         = copy(c, status->server_version);
    s->status.revision               = copy(c, status->revision);
}

static void
count_line(void *arg, struct str line)
{
    (void)line;
    ++*(size_t *)arg;
}

static void
copy_line(void *arg, struct str line)
{
    struct copying *c = arg;

    if (c->skip > 0)
        c->skip--;
    else
        c->server->stderr_lines[c->server->stderr_count++] = copy(c, line);
}

static void
copy_stderr(struct copying *c, const struct gateway *g, size_t wanted)
{
    size_t lines = 0;

    gateway_stderr_each(g, c->server->name, count_line, &lines);
    if (lines == 0)
        return;
    c->skip                 = lines > wanted ? lines - wanted : 0;
    c->server->stderr_lines = arena_alloc(c->arena, lines * sizeof(struct str));
    if (c->server->stderr_lines == NULL)
        c->failed = true;
    else
        gateway_stderr_each(g, c->server->name, copy_line, c);
}

static void
let_go(void *registry)
{
    registry_unref(registry);
}

struct seen *
seen_copy(const struct gateway *g, size_t stderr_lines, struct arena *arena)
{
    struct registry *registry = gateway_registry(g);
    struct seen     *seen     = ARENA_NEW(arena, struct seen);
    struct copying   c        = {.seen = seen, .arena = arena, .room = registry->count};

    if (seen == NULL || !arena_defer(arena, let_go, registry))
        return NULL;
    seen->registry = registry_ref(registry);
    seen->now      = clock_mono();
    seen->servers  = arena_zalloc(arena, (registry->count + 1) * sizeof *seen->servers);
    if (seen->servers == NULL)
        return NULL;
    gateway_each_server(g, copy_status, &c);
    for (size_t i = 0; stderr_lines > 0 && i < seen->count; i++) {
        c.server = &seen->servers[i];
        if (c.server->status.entry->kind == SERVER_STDIO)
            copy_stderr(&c, g, stderr_lines);
    }
    return c.failed ? NULL : seen;
}

const struct seen_server *
seen_find(const struct seen *seen, struct str name)
{
    for (size_t i = 0; i < seen->count; i++)
        if (str_eq(seen->servers[i].name, name))
            return &seen->servers[i];
    return NULL;
}

bool
seen_is_healthy(const struct seen_server *s, bool *known)
{
    enum server_state state = s->status.state;

    *known = state == STATE_RUNNING || state == STATE_DOWN || state == STATE_WRONG;
    return state == STATE_RUNNING;
}
