/* src/cli/command.h: what a command is, as data. Parsing, --help, the manual, docs/cli.md, shell completion and the
 * test that walks all commands come from the one table (table.c).
 *
 * A command may be a group: it has a table of its own, does nothing itself, and its help lists them. */
#ifndef GATEHOUSE_CLI_COMMAND_H
#define GATEHOUSE_CLI_COMMAND_H

#include "base/str.h"

struct cli;

/* What the shell offers after an option, or as a word of a command. Those from SERVER on are asked of Gatehouse when
 * they are needed (completion.c). */
enum complete {
    COMPLETE_NOTHING,
    COMPLETE_DIRECTORY,
    COMPLETE_FILE,
    COMPLETE_COMMAND,
    COMPLETE_CHOICES,
    COMPLETE_BUILT_IN,
    COMPLETE_SERVER,
    COMPLETE_SNAPSHOT, /* by name */
    COMPLETE_PROJECT,  /* of snapshots, as tags are */
    COMPLETE_TAG,
    COMPLETE_CALL, /* by what stands before it: a server, its tools and methods, what a tool takes */
};

struct option {
    const char        *name;    /* without the dashes */
    const char        *value;   /* what stands for its value; NULL: it is a switch */
    bool               repeats; /* may be given more than once */
    enum complete      complete;
    const char *const *choices; /* of COMPLETE_CHOICES, NULL-terminated: nothing else is taken */
    const char        *text;
};

struct example {
    const char *line;
    const char *text;
};

enum { COMMAND_USAGES = 3, COMMAND_EXAMPLES = 6, COMMAND_WORDS = 2 };

struct command {
    const char          *name;                  /* all its words: "logs", "snapshots list" */
    const char          *usage[COMMAND_USAGES]; /* what follows "gatehouse " */
    const char          *text;                  /* a line */
    struct example       examples[COMMAND_EXAMPLES];
    const char          *about;   /* what else must be known, wrapped by hand at 100; NULL: nothing */
    const struct option *options; /* ends with one without name; NULL: none */
    size_t               least_words, most_words;
    enum complete        complete;       /* its words */
    const char *const   *choices;        /* of COMPLETE_CHOICES */
    bool                 takes_rest;     /* `-- COMMAND ARGS...` */
    bool                 takes_settings; /* each setting is an option */
    bool                 is_first;       /* one of those that people need first */
    bool                 needs_no_home;  /* works with settings that are wrong */
    int (*run)(struct cli *cli);         /* the exit code; NULL: of a group */

    const struct command *commands; /* of a group, ends like the table; NULL: it is none */
};

/* Ends with a command without name. */
extern const struct command commands[];
/* Of the group "snapshots" (snapshots/table.c). */
extern const struct command snapshots_commands[];
/* What every command takes. */
extern const struct option global_options[];

/* The last word of its name: what is typed to choose it among those of its table. */
struct str command_word(const struct command *command);
/* In a table, by that word. NULL: there is none. */
const struct command *command_find(const struct command *table, struct str word);
/* The most alike; NULL: none is near, or there is no table. */
const struct command *command_nearest(const struct command *table, struct str word);
/* As far as words lead, through groups, and how many did. NULL: not even the first. */
const struct command *command_follow(size_t count, const char *const *words, size_t *used);

/* Exit codes, in --help and the manual too. */
enum {
    EXIT_DONE        = 0,
    EXIT_FAILED      = 1,
    EXIT_TYPED_WRONG = 2,
    EXIT_NOT_FOUND   = 3,
    EXIT_NOT_ALLOWED = 4,
    EXIT_INTERRUPTED = 130,
};

#endif
