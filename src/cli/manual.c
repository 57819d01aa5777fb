#include "cli/manual.h"

#include "base/settings.h"
#include "cli/command.h"

const char exit_codes_text[] = "0 done, 1 failed, 2 typed wrong, 3 not found, 4 not allowed, 130 interrupted";

/* ---- roff, man(7) ---- */

/* Backslashes and dashes are escaped, and no line begins with a control character. */
static bool
roff(struct buffer *out, const char *text)
{
    bool at_start = true, ok = true;

    for (const char *c = text; ok && *c != '\0'; c++) {
        if (at_start && (*c == '.' || *c == '\''))
            ok = buffer_append(out, STR("\\&"));
        if (*c == '\\')
            ok = ok && buffer_append(out, STR("\\e"));
        else if (*c == '-')
            ok = ok && buffer_append(out, STR("\\-"));
        else
            ok = ok && buffer_append_char(out, *c);
        at_start = *c == '\n';
    }
    return ok;
}

static void
roff_options(struct buffer *out, const struct option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        buffer_append(out, STR(".TP\n\\fB\\-\\-"));
        roff(out, options->name);
        buffer_append(out, STR("\\fR"));
        if (options->value != NULL)
            buffer_printf(out, " \\fI%s\\fR", options->value);
        buffer_append_char(out, '\n');
        roff(out, options->text);
        buffer_append_char(out, '\n');
    }
}

static void roff_commands(struct buffer *out, const struct command *table);

static void
roff_command(struct buffer *out, const struct command *c)
{
    buffer_printf(out, ".SS %s\n", c->name);
    for (size_t i = 0; i < COMMAND_USAGES && c->usage[i] != NULL; i++) {
        buffer_append(out, STR("gatehouse "));
        roff(out, c->usage[i]);
        buffer_append(out, STR("\n.br\n"));
    }
    buffer_append(out, STR(".PP\n"));
    roff(out, c->text);
    buffer_append_char(out, '\n');
    if (c->about != NULL) {
        roff(out, c->about);
        buffer_append_char(out, '\n');
    }
    roff_options(out, c->options);
    for (size_t i = 0; i < COMMAND_EXAMPLES && c->examples[i].line != NULL; i++) {
        buffer_append(out, STR(".PP\n.nf\n    "));
        roff(out, c->examples[i].line);
        buffer_append(out, STR("\n.fi\n.RS 8\n"));
        roff(out, c->examples[i].text);
        buffer_append(out, STR("\n.RE\n"));
    }
    roff_commands(out, c->commands);
}

static void
roff_commands(struct buffer *out, const struct command *table)
{
    for (; table != NULL && table->name != NULL; table++)
        roff_command(out, table);
}

bool
manual_print_roff(struct buffer *out)
{
    buffer_append(out, STR(".TH GATEHOUSE 1 \"\" \"Gatehouse " GATEHOUSE_VERSION "\"\n.SH NAME\n"
                           "gatehouse \\- a local gateway for MCP servers that records every call\n"
                           ".SH SYNOPSIS\n\\fBgatehouse\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH COMMANDS\n"));
    roff_commands(out, commands);
    buffer_append(out, STR(".SH OPTIONS OF EVERY COMMAND\n"));
    roff_options(out, global_options);
    buffer_append(out,
                  STR(".SH SETTINGS\n"
                      "In <home>/gatehouse.yaml, as GATEHOUSE_NAME in the environment, or as an option of serve.\n"));
    for (const struct setting *s = settings_table; s->name != NULL; s++) {
        buffer_printf(out, ".TP\n\\fB%s\\fR (%s)\n", s->name, s->initial);
        roff(out, s->help);
        buffer_append_char(out, '\n');
    }
    buffer_append(out, STR(".SH FILES\n.TP\n~/.gatehouse\nThe home: mcp.json, gatehouse.yaml, token, traffic.db, "
                           "users/local/snapshots.db.\n"
                           ".SH EXIT STATUS\n"));
    return roff(out, exit_codes_text) && buffer_append(out, STR(".\n"));
}

/* ---- Markdown ---- */

static void
markdown_options(struct buffer *out, const struct option *options)
{
    if (options == NULL || options->name == NULL)
        return;
    buffer_append(out, STR("\n| option | |\n|---|---|\n"));
    for (; options->name != NULL; options++) {
        buffer_printf(out, "| `--%s%s%s` | ", options->name, options->value == NULL ? "" : " ",
                      options->value == NULL ? "" : options->value);
        for (const char *c = options->text; *c != '\0'; c++) {
            if (*c == '|')
                buffer_append_char(out, '\\');
            buffer_append_char(out, *c);
        }
        buffer_append(out, STR(" |\n"));
    }
}

static void markdown_commands(struct buffer *out, const struct command *table, const char *heading);

static void
markdown_command(struct buffer *out, const struct command *c, const char *heading)
{
    buffer_printf(out, "\n%s gatehouse %s\n\n%s\n\n```\n", heading, c->name, c->text);
    for (size_t i = 0; i < COMMAND_USAGES && c->usage[i] != NULL; i++)
        buffer_printf(out, "gatehouse %s\n", c->usage[i]);
    buffer_append(out, STR("```\n"));
    if (c->about != NULL)
        buffer_printf(out, "\n%s\n", c->about);
    markdown_options(out, c->options);
    buffer_append(out, STR("\n```sh\n"));
    for (size_t i = 0; i < COMMAND_EXAMPLES && c->examples[i].line != NULL; i++)
        buffer_printf(out, "%s\n    # %s\n", c->examples[i].line, c->examples[i].text);
    buffer_append(out, STR("```\n"));
    markdown_commands(out, c->commands, "###");
}

static void
markdown_commands(struct buffer *out, const struct command *table, const char *heading)
{
    for (; table != NULL && table->name != NULL; table++)
        markdown_command(out, table, heading);
}

bool
manual_print_markdown(struct buffer *out)
{
    buffer_append(out,
                  STR("# The command line\n\n<!-- Made by `gatehouse help --markdown`; a test keeps them equal. -->\n\n"
                      "`gatehouse COMMAND [OPTIONS]`. What was asked for goes to stdout, everything else to stderr; "
                      "a pipe gets no colour and nothing shortened.\n"));
    markdown_commands(out, commands, "##");
    buffer_append(out, STR("\n## Everywhere\n"));
    markdown_options(out, global_options);
    return buffer_printf(out, "\nSettings: [settings.md](settings.md). Exit codes: %s.\n", exit_codes_text);
}
