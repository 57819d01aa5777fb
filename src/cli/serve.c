#include "cli/cli.h"
#include "cli/port_owner.h"
#include "daemon/daemon.h"

/* daemon_run takes no owner for its callback, and there is one serve in a process. */
static struct cli *serving;

static void
count_servers(const struct registry *r, struct buffer *out)
{
    size_t wrong = 0, own = registry_own(r);

    for (size_t i = 0; i < r->count; i++)
        wrong += r->entries[i].kind == SERVER_WRONG;
    if (r->file_error.code != ERROR_NONE)
        buffer_append(out, STR("mcp.json cannot be read"));
    else if (own == 0)
        buffer_append(out, STR("no servers yet"));
    else
        buffer_printf(out, "%zu server%s", own, own == 1 ? "" : "s");
    if (wrong > 0)
        buffer_printf(out, ", %zu wrong (gatehouse list)", wrong);
}

/* The address stands alone on its line, without indentation in a pipe: programs wait for it. The token is shown on a
 * terminal only, for a pipe is somebody's log. */
static void
on_ready(const struct daemon_ready *ready)
{
    struct cli   *cli  = serving;
    struct buffer text = {.max = KIB(64)};

    buffer_printf(&text, "Gatehouse %s  ·  home ", GATEHOUSE_VERSION);
    cli_short_path(cli, str_from(ready->home), &text);
    buffer_append(&text, STR("  ·  "));
    count_servers(ready->registry, &text);
    buffer_printf(&text, "\n\n%s%s\n", cli->is_terminal ? "  " : "", ready->url);
    if (registry_own(ready->registry) == 0)
        buffer_append(&text, STR("\nAdd a server, then point your client at it:\n"
                                 "  gatehouse add files -- npx -y @modelcontextprotocol/server-filesystem ~/src\n"
                                 "  gatehouse add weather http://localhost:9000/mcp\n"));
    if (ready->token != NULL && cli->is_terminal) {
        buffer_append(&text, STR("Token for the API (also in "));
        cli_short_path(cli, str_from(ready->home), &text);
        buffer_printf(&text, "/token): %s       shown once\n", ready->token);
    }
    cli_put(cli, &text);
    buffer_clear(&text);
}

/* Somebody else has the port: who, and what may be done. */
static int
port_is_taken(struct cli *cli, const struct error *err)
{
    uint16_t          port = (uint16_t)cli->settings.port;
    struct port_owner owner;

    if (port == 0 || !port_owner_find(port, &owner))
        return cli_fail(cli, err);
    if (owner.pid != 0)
        cli_refuse(cli, 0, "port %u is taken by %s (pid %d)", port, owner.name, owner.pid);
    else
        cli_refuse(cli, 0, "port %u is taken by a process of another user (uid %u)", port, owner.uid);
    cli_hint(cli, "Another port:   gatehouse serve --port %u", port == UINT16_MAX ? 3333U : port + 1U);
    cli_hint(cli, "What is there:  curl http://localhost:%u/healthz", port);
    return EXIT_FAILED;
}

int
cli_serve(struct cli *cli)
{
    struct error err     = {0};
    const char  *unknown = settings_unknown_variable(cli->environment);

    if (unknown != NULL)
        cli_refuse(cli, 0, "%.*s is no setting of ours: it is left alone (gatehouse help settings)",
                   (int)strcspn(unknown, "="), unknown);
    serving = cli;
    if (daemon_run(&cli->settings, &cli->source, on_ready, &err))
        return EXIT_DONE;
    return err.code == ERROR_BUSY ? port_is_taken(cli, &err) : cli_fail(cli, &err);
}
