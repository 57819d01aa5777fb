#include "cli/cli.h"

int
cli_version(struct cli *cli)
{
    bool json = args_has(&cli->args, "json");

    fprintf(cli->out, "%s%s%s\n", json ? "{\"version\":\"" : "Gatehouse ", GATEHOUSE_VERSION, json ? "\"}" : "");
    return EXIT_DONE;
}
