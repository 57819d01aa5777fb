#include <yyjson.h>

#include "base/format.h"
#include "cli/grid.h"
#include "cli/running.h"
#include "gateway/registry/registry.h"
#include "mcp/json.h"
#include "store/query.h"

/* clang-format off */
static const struct grid_column columns[] = {
    {"NAME",   .shorten = SHORTEN_MIDDLE, .least = 8},
    {"KIND",   .drop = 4},
    {"STATE"},
    {"CALLS",  .right = true, .drop = 2},
    {"ERRORS", .right = true, .drop = 1},
    {"P50",    .right = true, .drop = 3},
    {"TARGET", .shorten = SHORTEN_MIDDLE, .least = 16},
};
/* clang-format on */

enum { COLUMNS = sizeof columns / sizeof *columns, SERVERS_MAX = 100000 };

struct figures {
    uint64_t calls, errors;
    int64_t  p50_us;
};

struct listing {
    struct cli      *cli;
    struct registry *registry;
    struct map       figures; /* name -> struct figures */
    struct buffer    status;  /* what the running gateway said */
    yyjson_doc      *doc;
    yyjson_val      *servers; /* NULL: no gateway runs, or it did not say */
    bool             is_running;
    struct grid      grid;
    struct buffer    part, out;
};

static bool
note_figures(const struct server_view *v, void *arg)
{
    struct listing *l = arg;
    struct figures *f = map_get_or_add(&l->figures, v->server);

    if (f != NULL)
        *f = (struct figures){v->count, v->errors, v->p50_us};
    return f != NULL;
}

/* The log is not needed to list what is registered. */
static void
read_figures(struct listing *l)
{
    const char    *path = cli_home_file(l->cli, "traffic.db");
    struct error   err  = {0};
    struct reader *r    = path == NULL ? NULL : reader_open(path, &err);

    if (r == NULL ? err.code != ERROR_NOT_FOUND : !reader_servers(r, note_figures, l, &err))
        cli_fail(l->cli, &err);
    reader_close(r);
}

static void
ask_gateway(struct listing *l)
{
    struct running gateway;
    struct error   err = {0};

    l->is_running = running_find(l->cli, &gateway);
    if (!l->is_running)
        return;
    if (!running_get(l->cli, &gateway, "/api/status", &l->status, &err)) {
        error_wrap(&err, "asking the running gateway");
        cli_fail(l->cli, &err);
        return;
    }
    l->doc     = yyjson_read(buffer_str(&l->status).data, buffer_len(&l->status), 0);
    l->servers = yyjson_obj_get(yyjson_doc_get_root(l->doc), "servers");
}

static yyjson_val *
state_of(const struct listing *l, struct str name)
{
    yyjson_val *server;
    size_t      i, count;

    yyjson_arr_foreach(l->servers, i, count, server)
    {
        yyjson_val *its = yyjson_obj_get(server, "name");
        if (str_eq(json_str(its), name))
            return server;
    }
    return NULL;
}

static struct str
member(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);

    return json_str(value);
}

static struct str
state_word(const struct listing *l, const struct server_entry *entry)
{
    struct str state = member(state_of(l, entry->name), "state");

    if (entry->kind == SERVER_WRONG)
        return STR("wrong");
    if (!entry->enabled)
        return STR("disabled");
    if (!l->is_running)
        return STR("not running");
    return l->servers == NULL ? STR("not known") : state.len == 0 ? STR("idle") : state;
}

static void
cell(struct listing *l, enum style style)
{
    grid_add(&l->grid, style, buffer_str(&l->part));
    buffer_reset(&l->part);
}

static void
row(struct listing *l, const struct server_entry *entry)
{
    const struct figures *f      = map_get(&l->figures, entry->name);
    struct str            state  = state_word(l, entry);
    struct str            detail = member(state_of(l, entry->name), "detail");
    bool                  is_bad = str_eq(state, STR("wrong")) || str_eq(state, STR("down"));

    grid_add(&l->grid, STYLE_BOLD, entry->name);
    grid_add(&l->grid, STYLE_PLAIN, str_from(entry->kind == SERVER_WRONG ? "-" : server_kind_name(entry->kind)));
    buffer_append(&l->part, state);
    yyjson_val *since = yyjson_obj_get(state_of(l, entry->name), "sinceSeconds");
    if (str_eq(state, STR("down")) && yyjson_is_num(since)) {
        buffer_append_char(&l->part, ' ');
        format_age(&l->part, (int64_t)yyjson_get_num(since) * 1000000);
    }
    cell(l, is_bad ? STYLE_RED : str_eq(state, STR("running")) ? STYLE_GREEN : STYLE_DIM);
    if (f == NULL)
        buffer_append_char(&l->part, '-');
    else
        format_count(&l->part, f->calls);
    cell(l, STYLE_PLAIN);
    if (f == NULL)
        buffer_append_char(&l->part, '-');
    else
        format_count(&l->part, f->errors);
    cell(l, f != NULL && f->errors > 0 ? STYLE_RED : STYLE_PLAIN);
    format_took(&l->part, f == NULL ? -1 : f->p50_us);
    cell(l, STYLE_PLAIN);
    server_entry_print_target(entry, &l->part);
    if (is_bad && detail.len > 0 && entry->kind != SERVER_WRONG)
        buffer_printf(&l->part, "   %.*s", STR_ARG(detail));
    cell(l, entry->kind == SERVER_WRONG ? STYLE_RED : STYLE_PLAIN);
}

static void
json_entry(struct listing *l, const struct server_entry *entry, bool is_first)
{
    const struct figures *f      = map_get(&l->figures, entry->name);
    struct str            detail = member(state_of(l, entry->name), "detail");
    struct buffer        *out    = &l->out;

    buffer_append(out, is_first ? STR("[\n  {\"name\":") : STR(",\n  {\"name\":"));
    buffer_append_json(out, entry->name);
    buffer_printf(out, ",\"kind\":\"%s\",\"state\":\"%.*s\",\"detail\":", server_kind_name(entry->kind),
                  STR_ARG(state_word(l, entry)));
    if (entry->kind == SERVER_WRONG)
        buffer_append_json(out, str_from(entry->error));
    else if (detail.len > 0)
        buffer_append_json(out, detail);
    else
        buffer_append(out, STR("null"));
    buffer_append(out, STR(",\"target\":"));
    if (entry->kind != SERVER_WRONG)
        server_entry_print_target(entry, &l->part);
    buffer_append_json(out, buffer_str(&l->part));
    buffer_reset(&l->part);
    buffer_printf(out, ",\"calls\":%llu,\"errors\":%llu", (unsigned long long)(f == NULL ? 0 : f->calls),
                  (unsigned long long)(f == NULL ? 0 : f->errors));
    if (f == NULL || f->p50_us < 0)
        buffer_append(out, STR(",\"p50_us\":null}"));
    else
        buffer_printf(out, ",\"p50_us\":%lld}", (long long)f->p50_us);
}

static bool
print(struct listing *l)
{
    struct registry *r    = l->registry;
    bool             json = args_has(&l->cli->args, "json");

    grid_init(&l->grid, columns, COLUMNS, l->cli->columns, l->cli->colour);
    for (size_t i = 0; i < r->count; i++)
        if (json)
            json_entry(l, &r->entries[i], i == 0);
        else
            row(l, &r->entries[i]);
    if (json)
        buffer_append(&l->out, r->count == 0 ? STR("[]\n") : STR("\n]\n"));
    else if (r->count > 0 && !grid_print(&l->grid, &l->out))
        return false;
    return cli_put(l->cli, &l->out);
}

static int
list(struct listing *l)
{
    struct registry *r = l->registry;

    if (r->file_error.code != ERROR_NONE)
        return cli_fail(l->cli, &r->file_error);
    if (args_has(&l->cli->args, "names")) {
        for (size_t i = 0; i < r->count; i++)
            if (buffer_append_printable(&l->out, r->entries[i].name, true))
                buffer_append_char(&l->out, '\n');
        return cli_put(l->cli, &l->out) ? EXIT_DONE : EXIT_FAILED;
    }
    read_figures(l);
    ask_gateway(l);
    if (!print(l))
        return cli_refuse(l->cli, EXIT_FAILED, NO_MEMORY_TEXT);
    if (registry_own(r) == 0 && !args_has(&l->cli->args, "json")) {
        fprintf(l->cli->err, "No servers yet. Add one:\n");
        cli_hint(l->cli, "gatehouse add files -- npx -y @modelcontextprotocol/server-filesystem ~/src");
        cli_hint(l->cli, "gatehouse add weather http://localhost:9000/mcp");
    }
    return EXIT_DONE;
}

int
cli_list(struct cli *cli)
{
    struct registry_source source = {
        .path = cli_home_file(cli, "mcp.json"), .environment = cli->environment, .has_built_in = true};
    struct listing l = {.cli      = cli,
                        .registry = source.path == NULL ? NULL : registry_load(&source, NULL),
                        .figures  = MAP_OF(struct figures, SERVERS_MAX),
                        .part     = {.max = MIB(1)},
                        .out      = {.max = CLI_TEXT_MAX}};

    int code = l.registry == NULL ? cli_refuse(cli, EXIT_FAILED, NO_MEMORY_TEXT) : list(&l);
    yyjson_doc_free(l.doc);
    map_clear(&l.figures);
    grid_clear(&l.grid);
    buffer_clear(&l.status);
    buffer_clear(&l.part);
    buffer_clear(&l.out);
    registry_unref(l.registry);
    return code;
}
