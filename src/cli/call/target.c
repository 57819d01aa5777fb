/* Where the server is that was typed: a URL, a command, or a name; a name through the running gateway, so that the call
 * is on record, else as its entry says. */
#include <limits.h>
#include <unistd.h>

#include "cli/call/house.h"
#include "cli/running.h"
#include "mcp/json.h"

enum { GO_ON = -1, HEADERS_MAX = 64 };

static int
no_memory(struct cli *cli)
{
    return cli_refuse(cli, EXIT_FAILED, "no memory");
}

/* --header NAME:VALUE, of a URL. */
static int
read_headers(struct cli *cli, struct target *t)
{
    size_t     count = args_count(&cli->args, "header");
    struct str pair;

    t->headers = arena_alloc(cli->settings.arena, (count + 1) * sizeof *t->headers);
    if (t->headers == NULL)
        return no_memory(cli);
    if (count > HEADERS_MAX)
        return cli_refuse(cli, EXIT_TYPED_WRONG, "at most %d headers", HEADERS_MAX);
    while (args_each(&cli->args, "header", t->header_count, &pair)) {
        ptrdiff_t cut = str_index(pair, ':');
        if (cut <= 0)
            return cli_refuse(cli, EXIT_TYPED_WRONG, "--header is NAME:VALUE, not \"%.*s\"",
                              STR_ARG(str_take(pair, 60)));
        t->headers[t->header_count++] =
            (struct http_header){str_trim(str_take(pair, (size_t)cut)), str_trim(str_skip(pair, (size_t)cut + 1))};
    }
    return GO_ON;
}

static int
find_url(struct cli *cli, struct str word, struct target *t)
{
    struct error    err = {0};
    struct http_url url;

    if (!http_url_parse(word, &url, &err)) {
        cli_fail(cli, &err);
        return EXIT_TYPED_WRONG;
    }
    t->url = arena_cstr(cli->settings.arena, word);
    snprintf(t->label, sizeof t->label, "%.*s", STR_ARG(url.authority));
    return t->url == NULL ? no_memory(cli) : read_headers(cli, t);
}

/* As it was typed, where it was typed: the environment is the person's own. */
static int
find_command(struct cli *cli, struct target *t)
{
    const char *slash = strrchr(cli->args.rest[0], '/');

    t->argv        = cli->args.rest;
    t->environment = cli->environment;
    snprintf(t->label, sizeof t->label, "%s", slash == NULL ? cli->args.rest[0] : slash + 1);
    return GO_ON;
}

/* ---- a name ---- */

static int
no_such_name(struct cli *cli, struct str name, const struct target *t)
{
    const struct server_entry *nearest = registry_nearest(t->registry, name);

    if (nearest != NULL)
        cli_refuse(cli, 0, "no server \"%.*s\"; did you mean \"%.*s\"?", STR_ARG(str_take(name, 80)),
                   STR_ARG(nearest->name));
    else
        cli_refuse(cli, 0, "no server \"%.*s\"", STR_ARG(str_take(name, 80)));
    cli_hint(cli, "Those that are registered:  gatehouse list");
    cli_hint(cli, "Another needs no name:      gatehouse call http://localhost:9000/mcp, or gatehouse call -- COMMAND");
    return EXIT_NOT_FOUND;
}

/* What is built in runs as `gatehouse stdio NAME` then. */
static int
run_built_in(struct cli *cli, struct target *t)
{
    struct arena *arena = cli->settings.arena;
    char          self[PATH_MAX];
    ssize_t       len  = readlink("/proc/self/exe", self, sizeof self - 1);
    char        **argv = arena_alloc(arena, 6 * sizeof *argv);

    if (len <= 0 || argv == NULL)
        return no_memory(cli);
    argv[0] = arena_cstr(arena, str_of(self, (size_t)len));
    argv[1] = arena_cstr(arena, STR("stdio"));
    argv[2] = arena_cstr(arena, t->entry->name);
    argv[3] = arena_cstr(arena, STR("--home"));
    argv[4] = arena_cstr(arena, cli->settings.home);
    argv[5] = NULL;
    for (size_t i = 0; i < 5; i++)
        if (argv[i] == NULL)
            return no_memory(cli);
    t->argv        = argv;
    t->environment = cli->environment;
    return GO_ON;
}

static int
use_entry(struct cli *cli, struct target *t)
{
    const struct server_entry *e     = t->entry;
    struct arena              *arena = cli->settings.arena;

    cli_hint(cli, "No gateway runs: %.*s is asked directly, and nothing is recorded.", STR_ARG(e->name));
    if (e->kind == SERVER_SERVICE)
        return run_built_in(cli, t);
    if (e->kind == SERVER_STDIO) {
        t->argv        = e->argv;
        t->cwd         = e->cwd;
        t->environment = server_entry_environment(e, cli->environment, arena);
        return t->environment == NULL ? no_memory(cli) : GO_ON;
    }
    t->url     = e->url.data;
    t->headers = arena_alloc(arena, (e->header_count + 1) * sizeof *t->headers);
    if (t->headers == NULL)
        return no_memory(cli);
    for (; t->header_count < e->header_count; t->header_count++)
        t->headers[t->header_count] =
            (struct http_header){e->headers[t->header_count].name, e->headers[t->header_count].value};
    return GO_ON;
}

static int
find_name(struct cli *cli, struct str name, struct target *t)
{
    struct registry_source source = {
        .path = cli_home_file(cli, "mcp.json"), .environment = cli->environment, .has_built_in = true};
    struct running gateway;
    struct str     url;

    t->registry = source.path == NULL ? NULL : registry_load(&source, NULL);
    if (t->registry == NULL)
        return no_memory(cli);
    if (t->registry->file_error.code != ERROR_NONE)
        return cli_fail(cli, &t->registry->file_error);
    t->entry = registry_find(t->registry, name);
    if (t->entry == NULL)
        return no_such_name(cli, name, t);
    snprintf(t->label, sizeof t->label, "%.*s", STR_ARG(name));
    if (t->entry->kind == SERVER_WRONG)
        return cli_refuse(cli, EXIT_FAILED, "%s", t->entry->error);
    if (!t->entry->enabled)
        return cli_refuse(cli, EXIT_FAILED, "%.*s is switched off in mcp.json", STR_ARG(name));
    if (args_has(&cli->args, "header"))
        return cli_refuse(cli, EXIT_TYPED_WRONG, "--header is for URLs: the headers of %.*s stand in mcp.json",
                          STR_ARG(name));
    if (!running_find(cli, &gateway))
        return use_entry(cli, t);
    url            = arena_printf(cli->settings.arena, "http://127.0.0.1:%u/s/%.*s/mcp", gateway.port, STR_ARG(name));
    t->url         = url.data == NULL ? NULL : arena_cstr(cli->settings.arena, url);
    t->is_recorded = true;
    return t->url == NULL ? no_memory(cli) : GO_ON;
}

int
target_find(struct cli *cli, struct str word, struct target *out)
{
    *out = (struct target){0};
    if (cli->args.has_rest)
        return args_has(&cli->args, "header") ? cli_refuse(cli, EXIT_TYPED_WRONG, "--header is for URLs")
                                              : find_command(cli, out);
    return str_starts_nocase(word, STR("http://")) || str_starts_nocase(word, STR("https://"))
               ? find_url(cli, word, out)
               : find_name(cli, word, out);
}

void
target_clear(struct target *t)
{
    registry_unref(t->registry);
}

yyjson_doc *
target_status(struct cli *cli, const struct target *t, yyjson_val **server)
{
    struct running gateway;
    struct buffer  text = {0};
    yyjson_val    *each;
    size_t         i, count;

    *server = NULL;
    if (!running_find(cli, &gateway) || !running_get(cli, &gateway, "/api/status", &text, NULL))
        return NULL;
    yyjson_doc *doc = json_read(buffer_str(&text));
    buffer_clear(&text);
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "servers"), i, count, each)
    {
        if (yyjson_equals_str(yyjson_obj_get(each, "name"), t->label))
            *server = each;
    }
    return doc;
}
