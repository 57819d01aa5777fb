#include <unistd.h>

#include "cli/cli.h"
#include "daemon/alone.h"
#include "gateway/registry/registry.h"

/* stdout is the protocol's. */
static void
on_ready(void *owner, const char *path)
{
    struct cli   *cli  = owner;
    struct buffer text = {.max = KIB(8)};

    buffer_printf(&text, "Gatehouse %s: %s running on stdio\n  keeps all in ", GATEHOUSE_VERSION, cli->args.words[0]);
    cli_short_path(cli, str_from(path), &text);
    fprintf(cli->err, "%.*s\n", STR_ARG(buffer_str(&text)));
    if (isatty(fileno(cli->in)))
        cli_hint(cli, "An MCP client starts this, and speaks to it; Ctrl-C ends it.");
    buffer_clear(&text);
}

int
cli_stdio(struct cli *cli)
{
    struct error       err   = {0};
    const char        *name  = cli->args.words[0];
    struct alone_parts parts = {.settings    = &cli->settings,
                                .name        = name,
                                .environment = cli->environment,
                                .in          = fileno(cli->in),
                                .out         = fileno(cli->out),
                                .on_ready    = on_ready,
                                .owner       = cli};

    if (built_in_find(str_from(name)) != NULL)
        return alone_run(&parts, &err) ? EXIT_DONE : cli_fail(cli, &err);
    cli_refuse(cli, 0, "nothing is built in under the name \"%s\"", name);
    for (const struct built_in *b = built_ins; b->name != NULL; b++)
        cli_hint(cli, "gatehouse stdio %s   %s", b->name, b->text);
    return EXIT_NOT_FOUND;
}
