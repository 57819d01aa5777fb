#include "cli/doctor/doctor.h"

#include "cli/grid.h"

/* In the order in which people ask; what weakens a promise without being wrong comes last. */
static void (*const checks[])(struct doctor *d) = {
    check_home,   check_file_system, check_registry, check_database, check_snapshots, check_gateways, check_disk,
    check_port,   check_localhost,   check_peers,    check_children, check_helper,    check_kernel,   check_limits,
    check_memory, check_secrecy,     check_clock,    check_proxies,  check_settings,
};

static const char *const words[] = {"good", "odd", "bad"}; /* enum finding */

static void
say_json(struct doctor *d, enum finding finding, const char *mend, struct str text)
{
    size_t before = d->counts[0] + d->counts[1] + d->counts[2];

    buffer_printf(&d->out, "%s\n  {\"finding\":\"%s\",\"text\":", before == 0 ? "[" : ",", words[finding]);
    buffer_append_json(&d->out, text);
    buffer_append(&d->out, STR(",\"mend\":"));
    if (mend == NULL)
        buffer_append(&d->out, STR("null"));
    else
        buffer_append_json(&d->out, str_from(mend));
    buffer_append_char(&d->out, '}');
}

void
doctor_say(struct doctor *d, enum finding finding, const char *mend, const char *format, ...)
{
    static const struct {
        struct str sign;
        enum style style;
    } signs[]          = {{{"✓", 3}, STYLE_GREEN}, {{"!", 1}, STYLE_YELLOW}, {{"✗", 3}, STYLE_RED}};
    struct buffer text = {.max = KIB(16)};
    va_list       args;

    va_start(args, format);
    buffer_vprintf(&text, format, args);
    va_end(args);
    if (args_has(&d->cli->args, "json")) {
        say_json(d, finding, mend, buffer_str(&text));
    } else {
        style_append(&d->out, d->cli->colour, signs[finding].style, signs[finding].sign);
        buffer_append_char(&d->out, ' ');
        buffer_append_printable(&d->out, buffer_str(&text), true);
        if (mend != NULL) {
            buffer_append(&d->out, STR("\n    Mend: "));
            buffer_append_printable(&d->out, str_from(mend), true);
        }
        buffer_append_char(&d->out, '\n');
        cli_put(d->cli, &d->out); /* a check may take a while: what is known is there */
    }
    d->counts[finding]++;
    buffer_clear(&text);
}

int
cli_doctor(struct cli *cli)
{
    struct doctor d = {.cli = cli, .fixes = args_has(&cli->args, "fix"), .out = {.max = MIB(4)}};

    snprintf(d.home, sizeof d.home, "%.*s", STR_ARG(cli->settings.home));
    d.runs = running_find(cli, &d.gateway);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        checks[i](&d);
    doctor_say(&d, FINDING_ODD, NULL, "OAuth is not there yet: 401 challenges of servers pass unchanged");
    if (args_has(&cli->args, "json"))
        buffer_append(&d.out, STR("\n]\n"));
    cli_put(cli, &d.out);
    buffer_clear(&d.out);
    return d.counts[FINDING_BAD] > 0 ? EXIT_FAILED : EXIT_DONE;
}
