#include "cli/cli.h"
#include "gateway/registry/registry.h"

/* Each shell gets the table as a script of its own. What only Gatehouse knows is asked for when needed: a value a line,
 * which others have written. A shell must neither expand it nor put it into the command line as if it were typed. */

static const char *const asked[] = {
    [COMPLETE_SERVER]   = "gatehouse list --names",
    [COMPLETE_SNAPSHOT] = "gatehouse snapshots names",
    [COMPLETE_PROJECT]  = "gatehouse snapshots projects",
    [COMPLETE_TAG]      = "gatehouse snapshots tags",
};

static void
words_of(struct buffer *out, const char *const *choices)
{
    for (; choices != NULL && *choices != NULL; choices++)
        buffer_printf(out, "%s ", *choices);
}

static void
command_names(struct buffer *out, const struct command *table)
{
    for (const struct command *c = table; c->name != NULL; c++)
        buffer_printf(out, "%.*s ", STR_ARG(command_word(c)));
}

static void
built_in_names(struct buffer *out)
{
    for (const struct built_in *b = built_ins; b->name != NULL; b++)
        buffer_printf(out, "%s ", b->name);
}

static void
option_names(struct buffer *out, const struct option *options)
{
    for (; options != NULL && options->name != NULL; options++)
        buffer_printf(out, "--%s ", options->name);
}

/* ---- bash ---- */

/* compgen -W would expand what stands in a line; `cur` is what was typed, with its quotes. */
static const char bash_ask[] = "_gatehouse_ask() {\n"
                               "    local line quoted\n"
                               "    COMPREPLY=()\n"
                               "    while IFS= read -r line; do\n"
                               "        printf -v quoted %q \"$line\"\n"
                               "        if [[ $quoted == \"$cur\"* ]]; then COMPREPLY+=(\"$quoted\"); fi\n"
                               "    done < <(\"$@\" 2>/dev/null)\n"
                               "}\n";

/* What stands before decides what is offered. bash cuts words at : and =, which URLs and arguments have: so the line is
 * cut at blanks, without expanding anything. Behind KEY= nothing is known; behind a key that is offered comes no blank.
 */
static const char bash_call[] = "_gatehouse_call() {\n"
                                "    local line=${COMP_LINE:0:${COMP_POINT:-0}} flags=$-\n"
                                "    local -a typed\n"
                                "    COMPREPLY=()\n"
                                "    if [[ $cur == '=' || $prev == '=' ]]; then return; fi\n"
                                "    if [[ -n $line ]]; then\n"
                                "        case $line in *[[:blank:]]) ;; *) line=${line%[[:blank:]]*} ;; esac\n"
                                "        set -f; typed=($line); case $flags in *f*) ;; *) set +f ;; esac\n"
                                "    else\n"
                                "        typed=(\"${COMP_WORDS[@]:0:COMP_CWORD}\")\n"
                                "    fi\n"
                                "    _gatehouse_ask gatehouse call --names \"${typed[@]:2}\"\n"
                                "    if [[ ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi\n"
                                "}\n";

/* What may stand behind an option, or for a word. */
static void
bash_reply(struct buffer *out, enum complete complete, const char *const *choices)
{
    switch (complete) {
    case COMPLETE_DIRECTORY:
        buffer_append(out, STR("COMPREPLY=($(compgen -d -- \"$cur\"))"));
        return;
    case COMPLETE_FILE:
        buffer_append(out, STR("COMPREPLY=(); " /* zsh has no compopt */
                               "compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- \"$cur\"))"));
        return;
    case COMPLETE_SERVER:
    case COMPLETE_SNAPSHOT:
    case COMPLETE_PROJECT:
    case COMPLETE_TAG:
        buffer_printf(out, "_gatehouse_ask %s", asked[complete]);
        return;
    case COMPLETE_CALL:
        buffer_append(out, STR("_gatehouse_call"));
        return;
    case COMPLETE_NOTHING:
        buffer_append(out, STR("COMPREPLY=()"));
        return;
    case COMPLETE_BUILT_IN:
        buffer_append(out, STR("COMPREPLY=($(compgen -W '"));
        built_in_names(out);
        break;
    case COMPLETE_COMMAND:
        buffer_append(out, STR("COMPREPLY=($(compgen -W '"));
        command_names(out, commands);
        break;
    case COMPLETE_CHOICES:
        buffer_append(out, STR("COMPREPLY=($(compgen -W '"));
        words_of(out, choices);
        break;
    }
    buffer_append(out, STR("' -- \"$cur\"))"));
}

static void
bash_values(struct buffer *out, const struct option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (options->value == NULL)
            continue;
        buffer_printf(out, "        --%s) ", options->name);
        bash_reply(out, options->complete, options->choices);
        buffer_append(out, STR("; return ;;\n"));
    }
}

static void bash_commands(struct buffer *out, const struct command *table, unsigned depth);

static void
bash_command(struct buffer *out, const struct command *c, unsigned depth)
{
    buffer_printf(out, "    %.*s)\n", STR_ARG(command_word(c)));
    if (c->commands != NULL) {
        bash_commands(out, c->commands, depth + 1);
        buffer_append(out, STR("    ;;\n"));
        return;
    }
    buffer_append(out, STR("        case $prev in\n"));
    bash_values(out, c->options);
    bash_values(out, global_options);
    buffer_append(out, STR("        esac\n        if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '"));
    option_names(out, c->options);
    option_names(out, global_options);
    for (const struct setting *s = settings_table; c->takes_settings && s->name != NULL; s++)
        buffer_printf(out, "--%s ", s->name);
    buffer_append(out, STR("' -- \"$cur\")); else "));
    bash_reply(out, c->complete, c->choices);
    buffer_append(out, STR("; fi ;;\n"));
}

/* The word at `depth` chooses among them. */
static void
bash_commands(struct buffer *out, const struct command *table, unsigned depth)
{
    buffer_printf(out, "    if [ \"$COMP_CWORD\" = %u ]; then COMPREPLY=($(compgen -W '", depth);
    command_names(out, table);
    buffer_printf(out, "' -- \"$cur\")); return; fi\n    case ${COMP_WORDS[%u]} in\n", depth);
    for (const struct command *c = table; c->name != NULL; c++)
        bash_command(out, c, depth);
    buffer_append(out, STR("    esac\n"));
}

static void
print_bash(struct buffer *out)
{
    buffer_append(out, str_from(bash_ask));
    buffer_append(out, str_from(bash_call));
    buffer_append(out,
                  STR("_gatehouse() {\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"));
    bash_commands(out, commands, 1);
    buffer_append(out, STR("}\ncomplete -F _gatehouse gatehouse\n"));
}

/* ---- fish ---- */

static void
fish_text(struct buffer *out, const char *text)
{
    buffer_append_char(out, '\'');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\')
            buffer_append_char(out, '\\');
        buffer_append_char(out, *c);
    }
    buffer_append_char(out, '\'');
}

static void
fish_arguments(struct buffer *out, enum complete complete, const char *const *choices)
{
    switch (complete) {
    case COMPLETE_NOTHING:
        return;
    case COMPLETE_DIRECTORY:
        buffer_append(out, STR(" -a '(__fish_complete_directories)'"));
        return;
    case COMPLETE_FILE:
        buffer_append(out, STR(" -F"));
        return;
    case COMPLETE_SERVER:
    case COMPLETE_SNAPSHOT:
    case COMPLETE_PROJECT:
    case COMPLETE_TAG:
        buffer_printf(out, " -a '(%s 2>/dev/null)'", asked[complete]);
        return;
    case COMPLETE_CALL:
        buffer_append(out, STR(" -a '(gatehouse call --names (commandline -opc)[3..] 2>/dev/null)'"));
        return;
    case COMPLETE_BUILT_IN:
        buffer_append(out, STR(" -a '"));
        built_in_names(out);
        break;
    case COMPLETE_COMMAND:
        buffer_append(out, STR(" -a '"));
        command_names(out, commands);
        break;
    case COMPLETE_CHOICES:
        buffer_append(out, STR(" -a '"));
        words_of(out, choices);
        break;
    }
    buffer_append_char(out, '\'');
}

static void
fish_options(struct buffer *out, const struct option *options, const char *condition)
{
    for (; options != NULL && options->name != NULL; options++) {
        buffer_printf(out, "complete -c gatehouse%s -l %s%s", condition, options->name,
                      options->value == NULL               ? ""
                      : options->complete == COMPLETE_FILE ? " -r"
                                                           : " -x");
        fish_arguments(out, options->complete, options->choices);
        buffer_append(out, STR(" -d "));
        fish_text(out, options->text);
        buffer_append_char(out, '\n');
    }
}

/* Whether the words before the cursor begin with those, and whether they are those. */
static const char fish_places[] = "function __gatehouse_in\n"
                                  "    set -l words (commandline -opc)\n"
                                  "    for i in (seq (count $argv))\n"
                                  "        set -l at (math $i + 1)\n"
                                  "        test \"$words[$at]\" = \"$argv[$i]\"; or return 1\n"
                                  "    end\n"
                                  "    true\n"
                                  "end\n"
                                  "function __gatehouse_at\n"
                                  "    set -l words (commandline -opc)\n"
                                  "    test (count $words) -eq (math (count $argv) + 1); and __gatehouse_in $argv\n"
                                  "end\n";

/* `group`: its words, "" of all. */
static void
fish_commands(struct buffer *out, const struct command *table, const char *group)
{
    char condition[96];

    for (const struct command *c = table; c->name != NULL; c++) {
        buffer_printf(out, "complete -c gatehouse -n '__gatehouse_at %s' -a %.*s -d ", group, STR_ARG(command_word(c)));
        fish_text(out, c->text);
        buffer_append_char(out, '\n');
        if (c->commands != NULL) {
            fish_commands(out, c->commands, c->name);
            continue;
        }
        snprintf(condition, sizeof condition, " -n '__gatehouse_in %s'", c->name);
        if (c->complete != COMPLETE_NOTHING) {
            buffer_printf(out, "complete -c gatehouse%s", condition);
            fish_arguments(out, c->complete, c->choices);
            buffer_append_char(out, '\n');
        }
        fish_options(out, c->options, condition);
    }
}

static void
print_fish(struct buffer *out)
{
    buffer_append(out, str_from(fish_places));
    buffer_append(out, STR("complete -c gatehouse -f\n"));
    fish_commands(out, commands, "");
    fish_options(out, global_options, "");
}

int
cli_completion(struct cli *cli)
{
    struct buffer text  = {.max = MIB(1)};
    const char   *shell = cli->args.words[0];

    if (strcmp(shell, "bash") == 0) {
        print_bash(&text);
    } else if (strcmp(shell, "zsh") == 0) { /* which knows bash's way of completing */
        buffer_append(&text, STR("autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"));
        print_bash(&text);
    } else if (strcmp(shell, "fish") == 0) {
        print_fish(&text);
    } else {
        return cli_refuse(cli, EXIT_TYPED_WRONG, "no completion for \"%s\": bash, zsh or fish", shell);
    }
    bool ok = cli_put(cli, &text);
    buffer_clear(&text);
    return ok ? EXIT_DONE : EXIT_FAILED;
}
