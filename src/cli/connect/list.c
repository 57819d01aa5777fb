#include "base/json.h"
#include "cli/connect/connect.h"
#include "cli/grid.h"

/* clang-format off */
static const struct grid_column columns[] = {
    {"CLIENT"},
    {"SERVERS", .shorten = SHORTEN_END, .least = 12},
    {"FILE",    .shorten = SHORTEN_MIDDLE, .least = 16},
};
/* clang-format on */

struct listing {
    struct cli   *cli;
    struct str    self;
    struct grid   grid;
    struct buffer part, out;
    size_t        connected; /* clients that have one of ours */
};

/* The names of the entries that an owner has; as JSON, or with commas between. */
static size_t
add_names(struct listing *l, const struct connect_file *f, enum connect_owner owner, bool json, struct buffer *out)
{
    yyjson_val *key, *value;
    size_t      i, max, count = 0;
    struct str  server;

    if (f->servers == NULL)
        return 0;
    yyjson_obj_foreach(f->servers, i, max, key, value)
    {
        struct str name = json_str(key);
        if (connect_entry_owner(value, l->self, &server) != owner)
            continue;
        if (count++ > 0)
            buffer_append(out, json ? STR(",") : STR(", "));
        if (json)
            buffer_append_json(out, name);
        else
            buffer_append(out, name);
    }
    return count;
}

static void
json_row(struct listing *l, const struct connect_file *f, const struct error *err)
{
    struct buffer *out = &l->out;

    buffer_printf(out,
                  "%s{\"client\":\"%s\",\"title\":\"%s\",\"file\":", f->client == connect_clients ? "[\n  " : ",\n  ",
                  f->client->name, f->client->title);
    if (f->path == NULL)
        buffer_append(out, STR("null"));
    else
        buffer_append_json(out, str_from(f->path));
    buffer_printf(out, ",\"exists\":%s,\"servers\":[", f->exists ? "true" : "false");
    add_names(l, f, OWNER_GATEHOUSE, true, out);
    buffer_append(out, STR("],\"old\":["));
    add_names(l, f, OWNER_OLD, true, out);
    buffer_append(out, STR("],\"error\":"));
    if (err->code == ERROR_NONE)
        buffer_append(out, STR("null}"));
    else {
        buffer_append_json(out, str_from(err->text));
        buffer_append_char(out, '}');
    }
}

static void
text_row(struct listing *l, const struct connect_file *f, const struct error *err)
{
    bool is_wrong = err->code != ERROR_NONE;

    grid_add(&l->grid, STYLE_BOLD, str_from(f->client->name));
    size_t count = add_names(l, f, OWNER_GATEHOUSE, false, &l->part);
    if (count > 0)
        l->connected++;
    else
        buffer_append(&l->part, is_wrong ? STR("wrong") : f->exists ? STR("-") : STR("no file yet"));
    if (add_names(l, f, OWNER_OLD, false, &l->out) > 0)
        buffer_printf(&l->part, "; old: %.*s", STR_ARG(buffer_str(&l->out)));
    buffer_reset(&l->out);
    grid_add(&l->grid, is_wrong ? STYLE_RED : count > 0 ? STYLE_GREEN : STYLE_DIM, buffer_str(&l->part));
    buffer_reset(&l->part);
    if (is_wrong)
        buffer_append(&l->part, str_from(err->text));
    else
        cli_short_path(l->cli, str_from(f->path), &l->part);
    grid_add(&l->grid, is_wrong ? STYLE_RED : STYLE_PLAIN, buffer_str(&l->part));
    buffer_reset(&l->part);
}

static void
row(struct listing *l, const struct connect_client *client, bool json)
{
    struct error        err = {0};
    struct connect_file f   = {.client = client, .path = connect_client_file(l->cli, client, &err)};

    if (f.path != NULL)
        connect_file_read(&f, &err);
    if (json)
        json_row(l, &f, &err);
    else
        text_row(l, &f, &err);
    connect_file_clear(&f);
}

int
connect_list(struct cli *cli, struct str self)
{
    struct listing l    = {.cli = cli, .self = self, .part = {.max = MIB(1)}, .out = {.max = MIB(1)}};
    bool           json = args_has(&cli->args, "json");

    grid_init(&l.grid, columns, sizeof columns / sizeof *columns, cli->columns, cli->colour);
    for (const struct connect_client *c = connect_clients; c->name != NULL; c++)
        row(&l, c, json);
    bool ok = (json ? buffer_append(&l.out, STR("\n]\n")) : grid_print(&l.grid, &l.out)) && cli_put(cli, &l.out);
    if (ok && !json && l.connected == 0)
        cli_hint(cli, "Give one your conversations' memory:  gatehouse connect claude-code");
    grid_clear(&l.grid);
    buffer_clear(&l.part);
    buffer_clear(&l.out);
    return ok ? EXIT_DONE : EXIT_FAILED;
}
