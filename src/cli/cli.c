#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nearest.h"

static int
code_of(enum error_code code)
{
    switch (code) {
    case ERROR_NONE:
        return EXIT_DONE;
    case ERROR_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case ERROR_DENIED:
        return EXIT_NOT_ALLOWED;
    default:
        return EXIT_FAILED;
    }
}

/* Errors may quote what a server or a file holds. */
static void
say(struct cli *cli, const char *before, struct str text)
{
    struct buffer line = {.max = KIB(64)};

    if (buffer_append_printable(&line, text, true))
        fprintf(cli->err, "%s%.*s\n", before, STR_ARG(buffer_str(&line)));
    buffer_clear(&line);
}

int
cli_fail(struct cli *cli, const struct error *err)
{
    say(cli, "gatehouse: ", str_from(err->text));
    return code_of(err->code);
}

int
cli_refuse(struct cli *cli, int code, const char *format, ...)
{
    struct buffer text = {.max = KIB(16)};
    va_list       args;

    va_start(args, format);
    if (buffer_vprintf(&text, format, args))
        say(cli, "gatehouse: ", buffer_str(&text));
    va_end(args);
    buffer_clear(&text);
    return code;
}

void
cli_hint(struct cli *cli, const char *format, ...)
{
    struct buffer text = {.max = KIB(16)};
    va_list       args;

    va_start(args, format);
    if (buffer_vprintf(&text, format, args))
        say(cli, "  ", buffer_str(&text));
    va_end(args);
    buffer_clear(&text);
}

int
cli_no_command(struct cli *cli, const struct command *group, const char *word)
{
    const struct command *nearest = command_nearest(group == NULL ? commands : group->commands, str_from(word));
    const char           *of      = group == NULL ? "" : group->name;
    const char           *space   = group == NULL ? "" : " ";

    if (nearest != NULL)
        cli_refuse(cli, 0, "there is no command \"%s%s%s\"; did you mean \"%s\"?", of, space, word, nearest->name);
    else if (word[0] == '-')
        cli_refuse(cli, 0, "the command comes first: gatehouse %s%sCOMMAND %s", of, space, word);
    else
        cli_refuse(cli, 0, "there is no command \"%s%s%s\"", of, space, word);
    cli_hint(cli, "All commands:  gatehouse help %s", group == NULL ? "--all" : group->name);
    return EXIT_TYPED_WRONG;
}

int
cli_ask(struct cli *cli, const char *question, const char *kept, const char *refusal)
{
    char answer[16];

    if (args_has(&cli->args, "yes"))
        return -1;
    if (!isatty(fileno(cli->in)))
        return cli_refuse(cli, EXIT_TYPED_WRONG, "%s: say --yes too when nobody can be asked", refusal);
    fprintf(cli->err, "%s [y/N] ", question);
    if (fgets(answer, sizeof answer, cli->in) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return -1;
    fprintf(cli->err, "%s\n", kept);
    return EXIT_DONE;
}

bool
cli_put(struct cli *cli, struct buffer *text)
{
    struct str s  = buffer_str(text);
    bool       ok = fwrite(s.data == NULL ? "" : s.data, 1, s.len, cli->out) == s.len && fflush(cli->out) == 0;

    buffer_reset(text);
    return ok;
}

const char *
cli_home_file(struct cli *cli, const char *name)
{
    struct str path = arena_printf(cli->settings.arena, "%.*s/%s", STR_ARG(cli->settings.home), name);

    return path.data == NULL ? NULL : arena_cstr(cli->settings.arena, path);
}

static const char *
variable(char *const *environment, struct str name)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        struct str line = str_from(*environment);
        if (str_starts(line, name) && line.len > name.len && line.data[name.len] == '=')
            return *environment + name.len + 1;
    }
    return NULL;
}

bool
cli_short_path(const struct cli *cli, struct str path, struct buffer *out)
{
    struct str user = str_from(variable(cli->environment, STR("HOME")));

    if (user.len > 1 && str_starts(path, user) && (path.len == user.len || path.data[user.len] == '/')) {
        if (!buffer_append_char(out, '~'))
            return false;
        path = str_skip(path, user.len);
    }
    return buffer_append_printable(out, path, true);
}

/* NO_COLOR: https://no-color.org */
static bool
choose_colour(struct cli *cli)
{
    struct str  wanted = args_value(&cli->args, "color");
    const char *no     = variable(cli->environment, STR("NO_COLOR"));
    const char *term   = variable(cli->environment, STR("TERM"));

    if (wanted.data != NULL && !str_eq(wanted, STR("auto")))
        return str_eq(wanted, STR("always"));
    return cli->is_terminal && (no == NULL || no[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

static unsigned
terminal_columns(const struct cli *cli)
{
    struct winsize size;
    uint64_t       columns;

    if (!cli->is_terminal)
        return 0;
    if (ioctl(fileno(cli->out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return str_to_u64(str_from(variable(cli->environment, STR("COLUMNS"))), &columns) && columns >= 20 &&
                   columns < 10000
               ? (unsigned)columns
               : 80;
}

static bool
load_settings(struct cli *cli, struct error *err)
{
    struct setting_flag *flags = calloc(cli->args.given_count + 1, sizeof *flags);
    size_t               count = 0;

    if (flags == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    for (size_t i = 0; i < cli->args.given_count; i++) {
        const struct given *g = &cli->args.given[i];
        if (g->is_setting || str_eq(g->name, STR("home")))
            flags[count++] = (struct setting_flag){g->name, g->value};
    }
    cli->source = (struct settings_source){.environment = cli->environment, .flags = flags, .flag_count = count};
    return settings_load(&cli->settings, &cli->source, err);
}

static int
run_command(struct cli *cli, size_t count, char *const *words)
{
    struct error err = {0};

    if (!args_parse(&cli->args, cli->command, count, words, &err)) {
        cli_fail(cli, &err);
        cli_hint(cli, "How it is used:  gatehouse %s --help", cli->command->name);
        return EXIT_TYPED_WRONG;
    }
    cli->colour = choose_colour(cli);
    if (args_has(&cli->args, "help") || cli->command->commands != NULL)
        return help_of_command(cli, cli->command);
    int code;
    if (cli->command->needs_no_home || load_settings(cli, &err)) {
        code = cli->command->run(cli);
    } else {
        code = cli_fail(cli, &err);
        code = err.code == ERROR_INVALID ? EXIT_TYPED_WRONG : code;
    }
    settings_clear(&cli->settings);
    free((void *)(uintptr_t)cli->source.flags);
    return code;
}

int
cli_run(struct cli *cli, size_t count, char *const *words)
{
    const char *first[COMMAND_WORDS] = {0};
    size_t      used;

    cli->columns = terminal_columns(cli);
    if (count == 0)
        return help_short(cli);
    for (size_t i = 0; i < count && i < COMMAND_WORDS; i++)
        first[i] = words[i];
    if (strcmp(first[0], "--help") == 0 || strcmp(first[0], "-h") == 0)
        first[0] = "help";
    if (strcmp(first[0], "--version") == 0 || strcmp(first[0], "-V") == 0)
        first[0] = "version";
    cli->command  = command_follow(count < COMMAND_WORDS ? count : COMMAND_WORDS, first, &used);
    bool is_group = cli->command != NULL && cli->command->commands != NULL;
    if (cli->command == NULL || (is_group && used < count && words[used][0] != '-'))
        return cli_no_command(cli, cli->command, words[used]);
    int code = run_command(cli, count - used, words + used);
    args_clear(&cli->args);
    if (fflush(cli->out) != 0 && errno != EPIPE && code == EXIT_DONE)
        return cli_refuse(cli, EXIT_FAILED, "the output could not be written: %s", strerror(errno));
    return code;
}

int
cli_main(int argc, char **argv)
{
    struct cli cli = {.environment = environ, .out = stdout, .err = stderr, .in = stdin, .is_terminal = isatty(1) == 1};

    signal(SIGPIPE, SIG_IGN); /* `gatehouse logs | head` ends by a write that fails */
    return cli_run(&cli, argc > 0 ? (size_t)argc - 1 : 0, argv + 1);
}
