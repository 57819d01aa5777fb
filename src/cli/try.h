/* src/cli/try.h: talks to a registered server as a client would, through the running gateway. */
#ifndef GATEHOUSE_CLI_TRY_H
#define GATEHOUSE_CLI_TRY_H

#include "cli/running.h"

enum { TRIAL_KINDS = 3 }; /* tools, resources, prompts */

struct trial {
    bool         ok;
    struct error failure;
    int          counts[TRIAL_KINDS];                    /* -1: it has none of the kind */
    bool         has_more[TRIAL_KINDS];                  /* the first page was not all */
    char         server[100], version[60], revision[20]; /* as it said: escape before printing */
    mono_time    took;                                   /* until it was initialized */
};

bool try_server(struct cli *cli, const struct running *gateway, const char *name, struct trial *out);
/* Clients are not told which command could not be started, or where; the operator is: the API says it. */
void trial_explain(struct cli *cli, const struct running *gateway, const char *name, struct trial *trial);
/* "14 tools, 0 resources, 0 prompts; name version speaks ...; ready in 1.9 s", or why not. */
void trial_print(struct cli *cli, const struct trial *trial);

#endif
