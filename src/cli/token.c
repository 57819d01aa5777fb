#include "base/file.h"
#include "cli/cli.h"

/* Not on a screen by accident: somebody may be looking. */
int
cli_token(struct cli *cli)
{
    struct error  err  = {0};
    struct buffer text = {.max = KIB(1)}, shown = {.max = KIB(16)};
    const char   *path = cli_home_file(cli, "token");

    if (path == NULL)
        return cli_refuse(cli, EXIT_FAILED, NO_MEMORY_TEXT);
    if (!file_read(path, &text, &err)) {
        int code = cli_fail(cli, &err);
        if (err.code == ERROR_NOT_FOUND)
            cli_hint(cli, "It is made when Gatehouse first starts:  gatehouse serve");
        buffer_clear(&text);
        return code;
    }
    if (args_has(&cli->args, "show")) {
        buffer_append(&shown, str_trim(buffer_str(&text)));
    } else {
        buffer_append(&shown, STR("The token for the API is in "));
        cli_short_path(cli, str_from(path), &shown);
        buffer_append(&shown, STR("\nShow it:  gatehouse token --show\nUse it:   curl -H \"Authorization: Bearer "
                                  "$(gatehouse token --show)\" http://localhost:3333/api/servers"));
    }
    buffer_append_char(&shown, '\n');
    bool ok = cli_put(cli, &shown);
    buffer_clear(&text);
    buffer_clear(&shown);
    return ok ? EXIT_DONE : EXIT_FAILED;
}
