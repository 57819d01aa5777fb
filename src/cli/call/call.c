#include "cli/call/names.h"

#include <unistd.h>

#include "base/heap.h"
#include "base/nearest.h"
#include "mcp/json.h"
#include "mcp/log_level.h"
#include "mcp/revision.h"

#define PATIENCE SECONDS(60) /* npx may have to fetch the server first */

/* ---- options ---- */

static bool
read_revision(struct call_options *o, struct str revision, struct error *err)
{
    char   known[200] = "";
    size_t len        = 0;

    if (revision.data == NULL)
        return true;
    o->revision = revision;
    if (revision_is_known(revision)) {
        bool is_modern = revision_is_modern(revision);
        if (o->era != CLIENT_ANY_ERA && (o->era == CLIENT_MODERN) != is_modern)
            return error_set(err, ERROR_INVALID, "revision %.*s is of the %s era", STR_ARG(revision),
                             is_modern ? "modern" : "legacy");
        o->era = is_modern ? CLIENT_MODERN : CLIENT_LEGACY;
        return true;
    }
    for (const char *const *r = modern_revisions; *r != NULL; r++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s, ", *r);
    for (const char *const *r = legacy_revisions; *r != NULL; r++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", *r, r[1] == NULL ? "" : ", ");
    return error_set(err, ERROR_INVALID, "--revision is one of %s", known);
}

static bool
read_options(struct calling *c, struct error *err)
{
    const struct args   *args  = &c->cli->args;
    struct call_options *o     = &c->options;
    struct str           level = args_value(args, "level"), era = args_value(args, "era");
    struct str           timeout = args_value(args, "timeout"), file = args_value(args, "output");
    uint64_t             ms = 0;

    *o = (struct call_options){.is_json  = args_has(args, "json"),
                               .checks   = args_has(args, "check"),
                               .level    = level.data == NULL ? -1 : log_level_of(level),
                               .patience = PATIENCE};
    if (era.data != NULL)
        o->era = str_eq(era, STR("modern")) ? CLIENT_MODERN : CLIENT_LEGACY;
    if (timeout.data != NULL && (!str_to_u64(timeout, &ms) || ms == 0 || ms > 86400000))
        return error_set(err, ERROR_INVALID, "--timeout is a number of milliseconds, not \"%.*s\"",
                         STR_ARG(str_take(timeout, 60)));
    if (ms > 0)
        o->patience = MILLISECONDS(ms);
    if (file.data != NULL && (o->file = arena_cstr(c->cli->settings.arena, file)) == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    if (o->file != NULL && o->is_json)
        return error_set(err, ERROR_INVALID, "either --json or --output: the one leaves out what the other writes");
    return read_revision(o, args_value(args, "revision"), err);
}

/* ---- the client ---- */

void
calling_end(struct calling *c, int code)
{
    if (c->is_done)
        return;
    c->is_done = true;
    c->code    = code;
    loop_stop(&c->house.loop);
}

static bool begin(struct calling *c, struct error *err);

/* A command is called what it calls itself. */
static void
take_label(struct calling *c, struct str info)
{
    yyjson_doc   *doc  = json_read(info);
    struct buffer safe = {.max = KIB(1)};

    if (buffer_append_printable(&safe, str_take(json_str_in(yyjson_doc_get_root(doc), "name"), 60), true) &&
        buffer_len(&safe) > 0)
        snprintf(c->target.label, sizeof c->target.label, "%.*s", STR_ARG(buffer_str(&safe)));
    buffer_clear(&safe);
    yyjson_doc_free(doc);
}

static void
on_open(void *owner, struct client *client, const struct client_server *server)
{
    struct calling *c = owner;

    (void)client;
    if (c->is_open || c->is_done)
        return;
    c->is_open = true;
    if (c->line.where == CALL_COMMAND)
        take_label(c, server->info);
    calling_go_on(c);
}

/* What else it may be. A server of 2024-11-05 has no place for a POST where its stream is (MCP 2025-03-26
 * basic/transports, "Backwards Compatibility"); a child of 2026-07-28 refuses initialize. */
static enum way_choice
other_way(const struct calling *c, int code, int status)
{
    bool is_refused = status == 400 || status == 404 || status == 405 || status == 406;

    if (c->is_open || c->way != WAY_USUAL || c->target.is_recorded)
        return c->way;
    if (c->target.url != NULL)
        return is_refused && c->options.era != CLIENT_MODERN ? WAY_OLDER : c->way;
    return code != 0 && c->options.era == CLIENT_ANY_ERA ? WAY_MODERN : c->way;
}

static void
on_lost(void *owner, struct client *client, int code, int status, const char *words)
{
    struct calling *c     = owner;
    struct error    err   = {0};
    enum way_choice other = other_way(c, code, status);

    if (c->is_done)
        return;
    if (other != c->way) {
        c->way = other;
        client_free(client);
        c->client = NULL;
        if (!begin(c, &err))
            calling_end(c, cli_fail(c->cli, &err));
        return;
    }
    calling_end(
        c, calling_explain(c, code != 0 ? CLOSE_ANSWERED : CLOSE_UNREACHABLE, code, status, str_from(words), NULL));
}

/* Outside of the call: only logs are of interest. */
static void
on_message(void *owner, struct client *client, const struct envelope *e)
{
    struct calling *c       = owner;
    yyjson_doc     *message = NULL;

    (void)client;
    if (!str_eq(e->method, STR("notifications/message")) || c->options.level < 0 ||
        log_level_of(e->level) < c->options.level)
        return;
    message = json_read(e->message);
    screen_log(&c->screen, yyjson_obj_get(yyjson_doc_get_root(message), "params"));
    yyjson_doc_free(message);
}

static void
on_question(void *owner, struct client *client, struct question_in *q)
{
    (void)client;
    asker_take(((struct calling *)owner)->asker, q);
}

/* Through the gateway: what the server has shown to speak, so that the call passes as it is and stands on record once.
 * A server that has shown nothing yet is likely to be of the legacy era; if it is not, the call is bridged. */
static enum client_era
era_at_gateway(struct calling *c)
{
    yyjson_val *server, *era;
    size_t      i, count;
    bool        is_modern = false;
    yyjson_doc *doc       = target_status(c->cli, &c->target, &server);

    yyjson_arr_foreach(yyjson_obj_get(server, "eras"), i, count, era)
    {
        is_modern |= yyjson_equals_str(era, "modern");
    }
    yyjson_doc_free(doc);
    return is_modern ? CLIENT_MODERN : CLIENT_LEGACY;
}

static bool
begin(struct calling *c, struct error *err)
{
    static const struct client_events events = {
        .on_open = on_open, .on_lost = on_lost, .on_message = on_message, .on_question = on_question};
    struct client_parts parts = {.loop         = &c->house.loop,
                                 .name         = STR("gatehouse-call"),
                                 .version      = STR(GATEHOUSE_VERSION),
                                 .capabilities = asker_capabilities(c->asker),
                                 .era          = c->options.era,
                                 .discovers    = true,
                                 .revision     = c->options.revision,
                                 .patience     = c->options.patience,
                                 .events       = &events,
                                 .owner        = c};

    if (c->target.is_recorded && c->options.era == CLIENT_ANY_ERA)
        parts.era = era_at_gateway(c);
    if (c->target.url == NULL && c->options.era == CLIENT_MODERN)
        c->way = WAY_MODERN;
    if (!c->target.is_recorded && c->target.entry != NULL && c->target.entry->is_sse)
        c->way = WAY_OLDER;
    parts.way = house_way(&c->house, c->way, err);
    if (parts.way == NULL)
        return false;
    if (c->way == WAY_MODERN)
        parts.era = CLIENT_MODERN;
    else if (c->way == WAY_OLDER || c->target.url == NULL)
        parts.era = CLIENT_LEGACY;
    if (parts.era == CLIENT_MODERN)
        parts.revision = STR_NONE;
    c->client = client_new(&parts, err);
    if (c->client == NULL) {
        parts.way->ops->free(parts.way);
        return false;
    }
    client_open(c->client);
    return true;
}

/* ---- the run ---- */

/* Once: the server hears of it, then all ends. Twice: at once. */
static void
on_signal(void *owner, int number)
{
    struct calling *c = owner;

    (void)number;
    if (c->is_interrupted)
        _exit(EXIT_INTERRUPTED);
    c->is_interrupted = true;
    screen_rest(&c->screen);
    fprintf(c->cli->err, "\n");
    if (c->call != NULL) {
        client_call_cancel(c->call, CLOSE_CANCELLED, "interrupted at the terminal");
        cli_refuse(c->cli, 0, "interrupted; %s was told", c->target.label);
    } else {
        cli_refuse(c->cli, 0, "interrupted");
    }
    c->call = NULL;
    calling_end(c, EXIT_INTERRUPTED);
}

int
calling_run(struct calling *c)
{
    struct error err = {0};
    char         what[120];

    c->house.on_signal = on_signal;
    c->house.owner     = c;
    bool ok            = house_open(&c->house, c->cli, &c->target, &err);
    screen_init(&c->screen, c->cli, &c->house.loop);
    if (ok)
        c->asker = asker_new(&c->screen, c->target.label, &err);
    if (ok && c->asker != NULL) {
        snprintf(what, sizeof what, "waiting for %s", c->target.label);
        screen_wait(&c->screen, what);
        ok = begin(c, &err);
        if (ok)
            loop_run(&c->house.loop);
    }
    if (!ok || c->asker == NULL)
        c->code = cli_fail(c->cli, &err);
    if (c->house.is_loop_up)
        screen_clear(&c->screen);
    client_free(c->client);
    asker_free(c->asker);
    house_close(&c->house);
    yyjson_doc_free(c->listed);
    yyjson_mut_doc_free(c->lists);
    return c->code;
}

int
cli_call(struct cli *cli)
{
    struct calling *c   = calloc(1, sizeof *c);
    struct error    err = {0};
    int             code;

    if (c == NULL)
        return cli_refuse(cli, EXIT_FAILED, "no memory");
    c->cli = cli;
    log_set_level((enum log_level)cli->settings.log.level);
    heap_init();
    if (args_has(&cli->args, "names")) {
        code = call_names(c);
        target_clear(&c->target);
    } else if (!read_options(c, &err) || !call_line_read(&c->line, &cli->args, cli->in, cli->settings.arena, &err) ||
               !call_line_check(&c->line, &err)) {
        code = cli_fail(cli, &err);
        code = err.code == ERROR_INVALID ? EXIT_TYPED_WRONG : code;
        cli_hint(cli, "How it is used:  gatehouse call --help");
    } else {
        code = target_find(cli, c->line.target, &c->target);
        if (code < 0)
            code = calling_run(c);
        target_clear(&c->target);
    }
    free(c);
    return code;
}
