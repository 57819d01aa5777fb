#include "cli/call/names.h"

#include "base/map.h"
#include "cli/call/list.h"
#include "mcp/json.h"
#include "store/query.h"

#define MOMENT SECONDS(2)
enum { SEEN_CALLS = 500, NAMES_MAX = 10000 };

static void
put_line(struct buffer *out, struct str name, const char *behind)
{
    if (name.len > 0 && str_index(name, '\n') < 0)
        buffer_printf(out, "%.*s%s\n", STR_ARG(name), behind);
}

static int
put_servers(struct calling *c)
{
    struct registry_source source = {
        .path = cli_home_file(c->cli, "mcp.json"), .environment = c->cli->environment, .has_built_in = true};
    struct registry *r   = source.path == NULL ? NULL : registry_load(&source, NULL);
    struct buffer    out = {.max = MIB(4)};

    for (size_t i = 0; r != NULL && i < r->count; i++)
        if (r->entries[i].kind != SERVER_WRONG && r->entries[i].enabled)
            put_line(&out, r->entries[i].name, "");
    cli_put(c->cli, &out);
    buffer_clear(&out);
    registry_unref(r);
    return EXIT_DONE;
}

/* ---- from the log ---- */

struct seen {
    struct map     names; /* of bool */
    struct buffer *out;
};

static bool
put_seen(const struct exchange_view *x, void *arg)
{
    struct seen *seen  = arg;
    struct str   name  = x->target;
    bool        *known = name.len == 0 ? NULL : map_get_or_add(&seen->names, name);

    if (known != NULL && !*known) {
        *known = true;
        put_line(seen->out, name, "");
    }
    return true;
}

static void
put_tools_of_log(struct calling *c, struct buffer *out)
{
    const char    *path   = cli_home_file(c->cli, "traffic.db");
    struct reader *reader = path == NULL ? NULL : reader_open(path, NULL);
    struct seen    seen   = {.names = MAP_OF(bool, NAMES_MAX), .out = out};
    struct match   server = {.text = str_from(c->target.label)}, method = {.text = STR("tools/call")};
    struct query   q = {.server = {&server, 1}, .method = {&method, 1}, .limit = SEEN_CALLS};

    if (reader != NULL)
        query_run(reader, &q, put_seen, &seen, NULL);
    reader_close(reader);
    map_clear(&seen.names);
}

static int
put_from_log(struct calling *c)
{
    struct buffer out = {.max = MIB(4)};

    if (c->line.method.len == 0)
        put_tools_of_log(c, &out);
    for (const char *const *m = call_methods; c->line.method.len == 0 && *m != NULL; m++)
        put_line(&out, str_from(*m), "");
    cli_put(c->cli, &out);
    buffer_clear(&out);
    return EXIT_DONE;
}

/* ---- from the server ---- */

size_t
calling_names_kind(const struct calling *c)
{
    return str_eq(c->line.method, STR("prompts/get"))      ? LIST_PROMPTS
           : str_eq(c->line.method, STR("resources/read")) ? LIST_RESOURCES
                                                           : LIST_TOOLS;
}

/* `zone=`: what a tool or a prompt takes. */
static void
put_keys(yyjson_val *item, struct buffer *out)
{
    yyjson_val *name, *each;
    size_t      i, count;

    yyjson_obj_foreach(yyjson_obj_get(yyjson_obj_get(item, "inputSchema"), "properties"), i, count, name, each)
    {
        put_line(out, json_str(name), "=");
    }
    yyjson_arr_foreach(yyjson_obj_get(item, "arguments"), i, count, each)
    {
        put_line(out, json_str_in(each, "name"), "=");
    }
}

void
calling_print_names(struct calling *c)
{
    size_t        kind = calling_names_kind(c), i, count;
    yyjson_val   *list = yyjson_obj_get(yyjson_doc_get_root(c->listed), list_kinds[kind].key), *each;
    struct buffer out  = {.max = MIB(4)};

    if (c->line.subject.data != NULL) {
        put_keys(list_find(list, c->line.subject), &out);
    } else {
        yyjson_arr_foreach(list, i, count, each)
        {
            put_line(&out, json_str_in(each, kind == LIST_RESOURCES ? "uri" : "name"), "");
        }
        for (const char *const *m = call_methods; c->line.method.len == 0 && *m != NULL; m++)
            put_line(&out, str_from(*m), "");
    }
    cli_put(c->cli, &out);
    buffer_clear(&out);
    calling_end(c, EXIT_DONE);
}

/* Whether asking the gateway starts no command: its child runs already. */
static bool
child_runs(struct calling *c)
{
    yyjson_val *server;
    yyjson_doc *doc  = target_status(c->cli, &c->target, &server);
    bool        runs = yyjson_equals_str(yyjson_obj_get(server, "state"), "running");

    yyjson_doc_free(doc);
    return runs;
}

static bool
may_ask(struct calling *c)
{
    const struct target *t = &c->target;

    if (t->url == NULL)
        return false;
    if (t->entry == NULL || t->entry->kind != SERVER_STDIO)
        return true;
    return !t->entry->isolated && child_runs(c);
}

int
call_names(struct calling *c)
{
    struct cli *cli = c->cli;

    if (cli->args.has_rest)
        return EXIT_DONE;
    if (cli->args.word_count == 0)
        return put_servers(c);
    if (!call_line_read(&c->line, &cli->args, NULL, cli->settings.arena, NULL))
        return EXIT_DONE;
    int code = target_find(cli, c->line.target, &c->target);
    if (code >= 0)
        return code;
    c->options.is_names = true;
    c->options.patience = MOMENT;
    if (c->target.entry != NULL && c->target.entry->kind == SERVER_STDIO)
        c->options.era = CLIENT_LEGACY; /* whether it speaks the other, another child may have to say */
    return may_ask(c) ? calling_run(c) : put_from_log(c);
}
