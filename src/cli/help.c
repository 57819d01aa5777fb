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
print_command(struct buffer *out, const struct command *c)
{
    buffer_printf(out, "%s\n\n", c->text);
    for (size_t i = 0; i < COMMAND_USAGES && c->usage[i] != NULL; i++)
        buffer_printf(out, "%s gatehouse %s\n", i == 0 ? "usage:" : "      ", c->usage[i]);
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
help_of_word(struct cli *cli, const char *word)
{
    struct buffer         text    = {.max = MIB(1)};
    const struct command *command = command_find(str_from(word));

    if (command != NULL)
        return help_of_command(cli, command);
    if (strcmp(word, "settings") == 0) {
        settings_print_help(&text);
        return put(cli, &text);
    }
    command = command_nearest(str_from(word));
    if (command != NULL)
        return cli_refuse(cli, EXIT_TYPED_WRONG, "there is no command \"%s\"; did you mean \"%s\"?", word,
                          command->name);
    return cli_refuse(cli, EXIT_TYPED_WRONG, "there is no command \"%s\"; all: gatehouse help --all", word);
}

int
cli_help(struct cli *cli)
{
    struct buffer text = {.max = MIB(1)};

    if (cli->args.word_count > 0)
        return help_of_word(cli, cli->args.words[0]);
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
