/* src/cli/cli.h: one run of the command line: what was typed, the settings, where output goes.
 *
 * What was asked for goes to `out`, everything else to `err`. A pipe gets no colour, no cut columns, no questions. */
#ifndef GATEHOUSE_CLI_CLI_H
#define GATEHOUSE_CLI_CLI_H

#include "base/log.h"
#include "base/settings.h"
#include "cli/args.h"

struct cli {
    const struct command  *command;
    struct args            args;
    struct settings        settings; /* nothing in it for a command that needs no home */
    struct settings_source source;   /* where they come from; its flags are ours */
    char *const           *environment;
    FILE                  *out, *err, *in;
    bool                   is_terminal; /* out */
    bool                   colour;
    unsigned               columns; /* of the terminal; 0: no bound */
};

/* All of it, but for the process's own ends: the tests run commands with it. The exit code. */
int cli_run(struct cli *cli, size_t count, char *const *words);
/* For main. */
int cli_main(int argc, char **argv);

/* "gatehouse: <text>" on `err`; the exit code that fits the error. */
int cli_fail(struct cli *cli, const struct error *err);
/* The same for who has no error yet. */
int cli_refuse(struct cli *cli, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A line "  <format>" under it: what to do. */
void cli_hint(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* There is no such word in the group, or with NULL no such command: the nearest, and where all of them stand. */
int cli_no_command(struct cli *cli, const struct command *group, const char *word);
/* Asks for a yes or no on a terminal, where --yes was not given. Where nobody can be asked: says `refusal`. -1: yes;
 * else the exit code, and `kept` was said. */
int cli_ask(struct cli *cli, const char *question, const char *kept, const char *refusal);
/* Writes the buffer to `out`, and empties it. False: it did not all go (a full disk, a closed pipe). */
bool cli_put(struct cli *cli, struct buffer *text);

#define NO_MEMORY_TEXT "no memory for the output"

/* Largest output that is put together in memory. */
#define CLI_TEXT_MAX MIB(256)

/* The path of a file in the home; good until settings are cleared. NULL: no memory. */
const char *cli_home_file(struct cli *cli, const char *name);
/* The home as people write it, ~ for their own directory. */
bool cli_short_path(const struct cli *cli, struct str path, struct buffer *out);

/* One file each. */
int cli_add(struct cli *cli);
int cli_call(struct cli *cli);
int cli_completion(struct cli *cli);
int cli_connect(struct cli *cli);
int cli_doctor(struct cli *cli);
int cli_help(struct cli *cli);
int cli_list(struct cli *cli);
int cli_logs(struct cli *cli);
int cli_remove(struct cli *cli);
int cli_serve(struct cli *cli);
int cli_status(struct cli *cli);
int cli_stdio(struct cli *cli);
int cli_token(struct cli *cli);
int cli_version(struct cli *cli);

/* help.c */
int help_of_command(struct cli *cli, const struct command *command);
int help_short(struct cli *cli);

#endif
