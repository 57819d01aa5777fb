#include "cli/cli.h"
#include "gateway/registry.h"

int
cli_remove(struct cli *cli)
{
    struct error           err    = {0};
    const char            *path   = cli_home_file(cli, "mcp.json");
    const char            *name   = cli->args.words[0];
    struct registry_source source = {.path = path};

    if (path == NULL)
        return cli_refuse(cli, EXIT_FAILED, NO_MEMORY_TEXT);
    if (registry_remove(path, str_from(name), &err)) {
        fprintf(cli->out, "Removed %s. What it did stays in the log.\n", name);
        return EXIT_DONE;
    }
    if (err.code != ERROR_NOT_FOUND)
        return cli_fail(cli, &err);
    struct registry           *r       = registry_load(&source, NULL);
    const struct server_entry *nearest = r == NULL ? NULL : registry_nearest(r, str_from(name));
    if (nearest != NULL)
        cli_refuse(cli, 0, "no server \"%s\"; did you mean \"%.*s\"?", name, STR_ARG(nearest->name));
    else
        cli_refuse(cli, 0, "no server \"%s\"", name);
    registry_unref(r);
    cli_hint(cli, "All of them:  gatehouse list");
    return EXIT_NOT_FOUND;
}
