#include "cli/cli.h"
#include "gateway/registry.h"

/* Each shell gets the table as a script of its own; names of servers are asked for when needed. */

static const char server_names[] = "gatehouse list --names 2>/dev/null";

static void
words_of(struct buffer *out, const char *const *choices)
{
    for (; choices != NULL && *choices != NULL; choices++)
        buffer_printf(out, "%s ", *choices);
}

static void
command_names(struct buffer *out)
{
    for (const struct command *c = commands; c->name != NULL; c++)
        buffer_printf(out, "%s ", c->name);
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

/* What may stand behind an option, or for a word. */
static void
bash_reply(struct buffer *out, enum complete complete, const char *const *choices)
{
    switch (complete) {
    case COMPLETE_DIRECTORY:
        buffer_append(out, STR("COMPREPLY=($(compgen -d -- \"$cur\"))"));
        return;
    case COMPLETE_SERVER:
        buffer_printf(out, "COMPREPLY=($(compgen -W \"$(%s)\" -- \"$cur\"))", server_names);
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
        command_names(out);
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

static void
bash_command(struct buffer *out, const struct command *c)
{
    buffer_printf(out, "    %s)\n        case $prev in\n", c->name);
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

static void
print_bash(struct buffer *out)
{
    buffer_append(out, STR("_gatehouse() {\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                           "    if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W '"));
    command_names(out);
    buffer_append(out, STR("' -- \"$cur\")); return; fi\n    case ${COMP_WORDS[1]} in\n"));
    for (const struct command *c = commands; c->name != NULL; c++)
        bash_command(out, c);
    buffer_append(out, STR("    esac\n}\ncomplete -F _gatehouse gatehouse\n"));
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
    case COMPLETE_SERVER:
        buffer_printf(out, " -a '(%s)'", server_names);
        return;
    case COMPLETE_BUILT_IN:
        buffer_append(out, STR(" -a '"));
        built_in_names(out);
        break;
    case COMPLETE_COMMAND:
        buffer_append(out, STR(" -a '"));
        command_names(out);
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
                      options->value == NULL ? "" : " -x");
        fish_arguments(out, options->complete, options->choices);
        buffer_append(out, STR(" -d "));
        fish_text(out, options->text);
        buffer_append_char(out, '\n');
    }
}

static void
print_fish(struct buffer *out)
{
    char condition[96];

    buffer_append(out, STR("complete -c gatehouse -f\n"));
    for (const struct command *c = commands; c->name != NULL; c++) {
        buffer_printf(out, "complete -c gatehouse -n __fish_use_subcommand -a %s -d ", c->name);
        fish_text(out, c->text);
        buffer_append_char(out, '\n');
        snprintf(condition, sizeof condition, " -n '__fish_seen_subcommand_from %s'", c->name);
        if (c->complete != COMPLETE_NOTHING) {
            buffer_printf(out, "complete -c gatehouse%s", condition);
            fish_arguments(out, c->complete, c->choices);
            buffer_append_char(out, '\n');
        }
        fish_options(out, c->options, condition);
    }
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
