#include "cli/cli.h"
#include "cli/manual.h"

static void
print_first(struct buffer *out)
{
    buffer_append(out, STR("Gatehouse: a local gateway for MCP servers that records every call.\n\n"));
    for (const struct command *c = commands; c->name != NULL; c++)
        if (c->is_first)
            buffer_printf(out, "  %-9s %s\n            %s\n", c->name, c->text, c->examples[0].line);
    buffer_append(out, STR("\nAll commands: gatehouse help --all      One of them: gatehouse COMMAND --help\n"));
}

static void
print_all(struct buffer *out)
{
    buffer_append(out, STR("usage: gatehouse COMMAND [OPTIONS]\n\n"));
    for (const struct command *c = commands; c->name != NULL; c++)
        buffer_printf(out, "  %-11s %s\n", c->name, c->text);
    buffer_append(out, STR("\n  help settings   every setting, its default and what it does\n"
                           "  help --man      the manual page (gatehouse help --man | man -l -)\n"));
}

static void
print_options(struct buffer *out, const struct option *options, const char *title)
{
    char left[64];

    if (options == NULL || options->name == NULL)
        return;
    buffer_printf(out, "\n%s\n", title);
    for (; options->name != NULL; options++) {
        snprintf(left, sizeof left, "--%s%s%s", options->name, options->value == NULL ? "" : " ",
                 options->value == NULL ? "" : options->value);
        buffer_printf(out, "  %-20s %s\n", left, options->text);
    }
}

static void
print_below(struct buffer *out, const struct command *group)
{
    if (group->commands == NULL)
        return;
    buffer_append(out, STR("\nCommands\n"));
    for (const struct command *c = group->commands; c->name != NULL; c++)
        buffer_printf(out, "  %-10.*s %s\n", STR_ARG(command_word(c)), c->text);
    buffer_printf(out, "One of them: gatehouse %s COMMAND --help\n", group->name);
}

static void
print_command(struct buffer *out, const struct command *c)
{
    buffer_printf(out, "%s\n\n", c->text);
    for (size_t i = 0; i < COMMAND_USAGES && c->usage[i] != NULL; i++)
        buffer_printf(out, "%s gatehouse %s\n", i == 0 ? "usage:" : "      ", c->usage[i]);
    print_below(out, c);
    buffer_append(out, STR("\nExamples\n"));
    for (size_t i = 0; i < COMMAND_EXAMPLES && c->examples[i].line != NULL; i++)
        buffer_printf(out, "  %s\n      %s\n", c->examples[i].line, c->examples[i].text);
    if (c->about != NULL)
        buffer_printf(out, "\n%s\n", c->about);
    print_options(out, c->options, "Options");
    print_options(out, global_options, "Everywhere");
    if (c->takes_settings)
        buffer_append(out, STR("  --KEY VALUE          Any setting: gatehouse help settings\n"));
    buffer_printf(out, "\nExit codes: %s\n", exit_codes_text);
}

static int
put(struct cli *cli, struct buffer *text)
{
    bool ok = cli_put(cli, text);

    buffer_clear(text);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

int
help_of_command(struct cli *cli, const struct command *command)
{
    struct buffer text = {.max = MIB(1)};

    print_command(&text, command);
    return put(cli, &text);
}

int
help_short(struct cli *cli)
{
    struct buffer text = {.max = MIB(1)};

    print_first(&text);
    return put(cli, &text);
}

static int
help_of_words(struct cli *cli)
{
    struct buffer         text = {.max = MIB(1)};
    const struct args    *a    = &cli->args;
    size_t                used;
    const struct command *command = command_follow(a->word_count, a->words, &used);

    if (used == a->word_count)
        return help_of_command(cli, command);
    if (used == 0 && a->word_count == 1 && strcmp(a->words[0], "settings") == 0) {
        settings_print_help(&text);
        return put(cli, &text);
    }
    return cli_no_command(cli, command, a->words[used]);
}

int
cli_help(struct cli *cli)
{
    struct buffer text = {.max = MIB(1)};

    if (cli->args.word_count > 0)
        return help_of_words(cli);
    if (args_has(&cli->args, "man"))
        manual_print_roff(&text);
    else if (args_has(&cli->args, "markdown"))
        manual_print_markdown(&text);
    else if (args_has(&cli->args, "all"))
        print_all(&text);
    else
        print_first(&text);
    return put(cli, &text);
}
