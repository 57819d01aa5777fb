#include "base/file.h"
#include "cli/cli.h"
#include "cli/try.h"
#include "gateway/registry/registry.h"

/* What was typed, as the entry of the file. */
struct entry_text {
    struct buffer json;
    size_t        members;
    bool          ok;
};

static void
member(struct entry_text *e, const char *key)
{
    e->ok = e->ok && buffer_printf(&e->json, "%s\"%s\": ", e->members++ == 0 ? "{" : ", ", key);
}

static void
text_member(struct entry_text *e, const char *key, struct str value)
{
    member(e, key);
    e->ok = e->ok && buffer_append_json(&e->json, value);
}

/* `--header K:V` and `--env K=V` as an object. */
static bool
pairs(struct entry_text *e, const struct args *args, const char *option, char at, const char *key, struct error *err)
{
    struct str pair;

    if (!args_has(args, option))
        return true;
    member(e, key);
    for (size_t i = 0; args_each(args, option, i, &pair); i++) {
        ptrdiff_t cut = str_index(pair, at);
        if (cut <= 0)
            return error_set(err, ERROR_INVALID, "--%s is NAME%cVALUE, not \"%.*s\"", option, at,
                             STR_ARG(str_take(pair, 60)));
        e->ok = e->ok && buffer_append(&e->json, i == 0 ? STR("{") : STR(", ")) &&
                buffer_append_json(&e->json, str_trim(str_take(pair, (size_t)cut))) &&
                buffer_append(&e->json, STR(": ")) &&
                buffer_append_json(&e->json, at == ':' ? str_trim(str_skip(pair, (size_t)cut + 1))
                                                       : str_skip(pair, (size_t)cut + 1));
    }
    e->ok = e->ok && buffer_append_char(&e->json, '}');
    return true;
}

static bool
http_entry(struct entry_text *e, const struct args *args, struct error *err)
{
    static const char *const others[] = {"env", "cwd", "isolated"};
    struct str               url      = str_from(args->words[1]);

    if (!str_starts_nocase(url, STR("http://")) && !str_starts_nocase(url, STR("https://")))
        return error_set(err, ERROR_INVALID, "\"%.*s\" is no URL: write http://... or, for a command, put -- before it",
                         STR_ARG(str_take(url, 100)));
    for (size_t i = 0; i < 3; i++)
        if (args_has(args, others[i]))
            return error_set(err, ERROR_INVALID, "--%s is for servers that are commands", others[i]);
    text_member(e, "type", STR("http"));
    text_member(e, "url", url);
    return pairs(e, args, "header", ':', "headers", err);
}

static bool
stdio_entry(struct entry_text *e, const struct args *args, struct error *err)
{
    struct str cwd = args_value(args, "cwd");

    if (args->rest_count == 0)
        return error_set(err, ERROR_INVALID, "what is the server? A URL, or -- and a command");
    if (args->word_count > 1)
        return error_set(err, ERROR_INVALID, "either a URL or a command: both are there");
    if (args_has(args, "header"))
        return error_set(err, ERROR_INVALID, "--header is for servers with a URL");
    text_member(e, "type", STR("stdio"));
    text_member(e, "command", str_from(args->rest[0]));
    if (args->rest_count > 1) {
        member(e, "args");
        for (size_t i = 1; i < args->rest_count; i++)
            e->ok = e->ok && buffer_append(&e->json, i == 1 ? STR("[") : STR(", ")) &&
                    buffer_append_json(&e->json, str_from(args->rest[i]));
        e->ok = e->ok && buffer_append_char(&e->json, ']');
    }
    if (cwd.data != NULL)
        text_member(e, "cwd", cwd);
    if (args_has(args, "isolated"))
        text_member(e, "sessionMode", STR("isolated"));
    return pairs(e, args, "env", '=', "env", err);
}

/* `{}`: what is built in needs no more. */
static bool
built_in_entry(struct entry_text *e, const struct args *args, struct error *err)
{
    static const char *const others[] = {"header", "env", "cwd", "isolated"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (args_has(args, others[i]))
            return error_set(err, ERROR_INVALID, "%s is built in: --%s is not for it", args->words[0], others[i]);
    if (!args_has(args, "timeout"))
        e->ok = e->ok && buffer_append_char(&e->json, '{');
    return true;
}

static bool
read_target(struct entry_text *e, const struct args *args, struct error *err)
{
    if (args->has_rest)
        return stdio_entry(e, args, err);
    if (args->word_count > 1)
        return http_entry(e, args, err);
    return built_in_find(str_from(args->words[0])) != NULL ? built_in_entry(e, args, err) : stdio_entry(e, args, err);
}

static bool
make_entry(struct entry_text *e, const struct args *args, struct error *err)
{
    struct str timeout = args_value(args, "timeout");
    uint64_t   ms      = 0;

    if (timeout.data != NULL && (!str_to_u64(timeout, &ms) || ms == 0))
        return error_set(err, ERROR_INVALID, "--timeout is a number of milliseconds, not \"%.*s\"",
                         STR_ARG(str_take(timeout, 60)));
    if (!registry_check_name(str_from(args->words[0]), err) || !read_target(e, args, err))
        return false;
    if (ms > 0) {
        member(e, "timeout");
        e->ok = e->ok && buffer_printf(&e->json, "%llu", (unsigned long long)ms);
    }
    e->ok = e->ok && buffer_append_char(&e->json, '}');
    return e->ok || error_set(err, ERROR_MEMORY, "no memory for the entry, or it is too large");
}

/* It is added; that it does not work yet is said, and no failure of the command. */
static void
added(struct cli *cli, const char *name, const char *kind)
{
    struct running gateway;
    struct trial   trial;
    uint64_t       port = cli->settings.port;

    bool runs = running_find(cli, &gateway);
    if (runs)
        port = gateway.port;
    if (!runs) {
        fprintf(cli->out, "Added %s (%s).%s\n", name, kind,
                args_has(&cli->args, "no-try") ? "" : " Not tried: no gateway runs. Start it: gatehouse serve");
    } else if (args_has(&cli->args, "no-try")) {
        fprintf(cli->out, "Added %s (%s).\n", name, kind);
    } else {
        fprintf(cli->out, "Added %s (%s). Trying it ... ", name, kind);
        fflush(cli->out);
        if (!try_server(cli, &gateway, name, &trial))
            trial_explain(cli, &gateway, name, &trial);
        trial_print(cli, &trial);
    }
    fprintf(cli->out, "  http://localhost:%u/s/%s/mcp\n", (unsigned)port, name);
}

int
cli_add(struct cli *cli)
{
    struct entry_text e    = {.json = {.max = MIB(1)}, .ok = true};
    struct error      err  = {0};
    const char       *path = cli_home_file(cli, "mcp.json");
    const char       *name = cli->args.words[0];
    int               code;

    if (path == NULL)
        return cli_refuse(cli, EXIT_FAILED, NO_MEMORY_TEXT);
    char *home = arena_cstr(cli->settings.arena, cli->settings.home);
    if (!make_entry(&e, &cli->args, &err)) {
        code = cli_fail(cli, &err);
        code = err.code == ERROR_INVALID ? EXIT_TYPED_WRONG : code;
    } else if (home == NULL || !file_make_directory(home, &err) ||
               !registry_add(path, str_from(name), buffer_str(&e.json), &err)) {
        code = cli_fail(cli, &err);
        if (err.code == ERROR_EXISTS)
            cli_hint(cli, "Remove it first:  gatehouse remove %s", name);
    } else {
        added(cli, name, cli->args.has_rest ? "stdio" : cli->args.word_count > 1 ? "http" : "built-in");
        code = EXIT_DONE;
    }
    buffer_clear(&e.json);
    return code;
}
