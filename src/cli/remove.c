#include "cli/cli.h"
#include "gateway/registry/registry.h"

/* It is off now; or a person's server had its place, and it is there again. */
static void
say_what_is_built_in(struct cli *cli, const struct registry_source *source, struct str name)
{
    struct registry           *r     = built_in_find(name) == NULL ? NULL : registry_load(source, NULL);
    const struct server_entry *entry = r == NULL ? NULL : registry_find(r, name);

    if (entry != NULL && entry->kind == SERVER_SERVICE && entry->enabled)
        fprintf(cli->out, "The one that is built in has its place now.\n");
    else if (entry != NULL && entry->kind == SERVER_SERVICE)
        fprintf(cli->out, "It is built in, and keeps what it has. To have it back:  gatehouse add %.*s\n",
                STR_ARG(name));
    registry_unref(r);
}

int
cli_remove(struct cli *cli)
{
    struct error           err    = {0};
    const char            *path   = cli_home_file(cli, "mcp.json");
    struct str             name   = str_from(cli->args.words[0]);
    struct registry_source source = {.path = path, .has_built_in = true};

    if (path == NULL)
        return cli_refuse(cli, EXIT_FAILED, NO_MEMORY_TEXT);
    if (registry_remove(path, name, &err)) {
        fprintf(cli->out, "Removed %.*s. What it did stays in the log.\n", STR_ARG(name));
        say_what_is_built_in(cli, &source, name);
        return EXIT_DONE;
    }
    if (err.code != ERROR_NOT_FOUND || built_in_find(name) != NULL)
        return cli_fail(cli, &err);
    struct registry           *r       = registry_load(&source, NULL);
    const struct server_entry *nearest = r == NULL ? NULL : registry_nearest(r, name);
    if (nearest != NULL)
        cli_refuse(cli, 0, "no server \"%.*s\"; did you mean \"%.*s\"?", STR_ARG(name), STR_ARG(nearest->name));
    else
        cli_refuse(cli, 0, "no server \"%.*s\"", STR_ARG(name));
    registry_unref(r);
    cli_hint(cli, "All of them:  gatehouse list");
    return EXIT_NOT_FOUND;
}
