#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/nearest.h"
#include "cli/connect/connect.h"

static struct str
below_home(struct cli *cli, const char *path)
{
    const char *home = environment_get(cli->environment, STR("HOME"));

    return home == NULL || home[0] != '/' ? STR_NONE : arena_printf(cli->settings.arena, "%s/%s", home, path);
}

static bool
is_directory(struct cli *cli, struct str path)
{
    const char *name = path.data == NULL ? NULL : arena_cstr(cli->settings.arena, path);
    struct stat info;

    return name != NULL && stat(name, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Where macOS has it, when this is one. A relative XDG_CONFIG_HOME counts for none (XDG Base Directory Specification).
 */
static struct str
desktop_place(struct cli *cli)
{
    const char *xdg = environment_get(cli->environment, STR("XDG_CONFIG_HOME"));

    if (is_directory(cli, below_home(cli, "Library/Application Support")))
        return below_home(cli, "Library/Application Support/Claude/claude_desktop_config.json");
    if (xdg != NULL && xdg[0] == '/')
        return arena_printf(cli->settings.arena, "%s/Claude/claude_desktop_config.json", xdg);
    return below_home(cli, ".config/Claude/claude_desktop_config.json");
}

static struct str
code_place(struct cli *cli)
{
    const char *elsewhere = environment_get(cli->environment, STR("CLAUDE_CONFIG_DIR"));

    if (elsewhere != NULL && elsewhere[0] == '/')
        return arena_printf(cli->settings.arena, "%s/.claude.json", elsewhere);
    return below_home(cli, ".claude.json");
}

static struct str
cursor_place(struct cli *cli)
{
    return below_home(cli, ".cursor/mcp.json");
}

static struct str
vscode_place(struct cli *cli)
{
    char here[PATH_MAX];

    return getcwd(here, sizeof here) == NULL ? STR_NONE
                                             : arena_printf(cli->settings.arena, "%s/.vscode/mcp.json", here);
}

const struct connect_client connect_clients[] = {
    {.name            = "claude-desktop",
     .title           = "Claude Desktop",
     .key             = "mcpServers",
     .makes_directory = true,
     .mode            = 0600,
     .next            = "Quit Claude Desktop and start it again.",
     .place           = desktop_place},
    {.name        = "claude-code",
     .title       = "Claude Code",
     .key         = "mcpServers",
     .http_type   = "http",
     .stdio_type  = "stdio",
     .speaks_http = true,
     .mode        = 0600,
     .next        = "Start Claude Code again; /mcp says whether it is there.",
     .place       = code_place},
    {.name        = "cursor",
     .title       = "Cursor",
     .key         = "mcpServers",
     .speaks_http = true,
     .mode        = 0600,
     .next        = "Start Cursor again; its settings list the server under MCP.",
     .place       = cursor_place},
    {.name        = "vscode",
     .title       = "VS Code",
     .key         = "servers",
     .http_type   = "http",
     .stdio_type  = "stdio",
     .speaks_http = true,
     .mode        = 0644,
     .next        = "In VS Code, run \"MCP: List Servers\" and start it there.",
     .place       = vscode_place},
    {0},
};

const struct connect_client *
connect_client_find(struct cli *cli, const char *name)
{
    const struct connect_client *nearest = NULL;
    unsigned                     best    = NEAREST_NONE;

    for (const struct connect_client *c = connect_clients; c->name != NULL; c++) {
        unsigned distance = nearest_distance(str_from(name), str_from(c->name));
        if (strcmp(name, c->name) == 0)
            return c;
        if (distance < best) {
            best    = distance;
            nearest = c;
        }
    }
    if (nearest != NULL)
        cli_refuse(cli, 0, "no client \"%s\" is known; did you mean \"%s\"?", name, nearest->name);
    else
        cli_refuse(cli, 0, "no client \"%s\" is known", name);
    cli_hint(cli, "Those that are:  gatehouse connect");
    return NULL;
}

const char *
connect_client_file(struct cli *cli, const struct connect_client *client, struct error *err)
{
    struct str  path = client->place(cli);
    const char *text = path.data == NULL ? NULL : arena_cstr(cli->settings.arena, path);

    if (text == NULL)
        error_set(err, ERROR_NOT_FOUND, "where %s keeps its file is not known: HOME says no directory", client->title);
    return text;
}

bool
connect_client_prepare(struct cli *cli, const struct connect_client *client, const char *path, struct error *err)
{
    struct str directory = str_take(str_from(path), (size_t)(strrchr(path, '/') - path));
    char      *name      = arena_cstr(cli->settings.arena, directory);

    if (name == NULL)
        return error_set(err, ERROR_MEMORY, NO_MEMORY_TEXT);
    if (is_directory(cli, directory))
        return true;
    if (!client->makes_directory)
        return error_set(err, ERROR_NOT_FOUND, "%s has no directory %s: start it once, or make that, then try again",
                         client->title, name);
    if (!file_make_directory(name, err))
        return false;
    cli_refuse(cli, 0, "%s was not there, and is now: is %s installed for you?", name, client->title);
    return true;
}
