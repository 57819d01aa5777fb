#include "base/nearest.h"
#include "cli/cli.h"

static const char *const colours[] = {"auto", "always", "never", NULL};

/* clang-format off */
const struct option global_options[] = {
    {"home",  "DIR",  .complete = COMPLETE_DIRECTORY, .text = "Where everything is kept; else GATEHOUSE_HOME, else ~/.gatehouse."},
    {"color", "WHEN", .complete = COMPLETE_CHOICES, .choices = colours, .text = "auto, always or never; NO_COLOR is honoured."},
    {"help",  .text = "This."},
    {0},
};

static const struct option help_options[] = {
    {"all", .text = "All commands."},
    {0},
};

static const struct option json_option[] = {
    {"json", .text = "For programs."},
    {0},
};

const struct command commands[] = {
    {"serve", {"serve [--port N] [--KEY VALUE]..."}, "Runs the gateway until SIGTERM or Ctrl-C.",
     {{"gatehouse serve", "on port 3333, with what ~/.gatehouse holds"},
      {"gatehouse serve --port 0", "on a free port, which it prints"},
      {"gatehouse serve --home /tmp/try --retention.age 1d", "elsewhere, forgetting after a day"}},
     .about = "When it is ready it prints http://localhost:PORT on a line of its own.\n"
              "SIGHUP reads mcp.json again. SIGTERM lets calls in flight finish (at most `drain`, 10 s), then exits with 0.",
     .takes_settings = true, .is_first = true, .run = cli_serve},
    {"help", {"help [COMMAND]", "help --all", "help settings"}, "Explains a command, or a setting.",
     {{"gatehouse help logs", "one command"},
      {"gatehouse help settings", "what may be set, and how"}},
     .options = help_options, .most_words = 1, .complete = COMPLETE_COMMAND, .needs_no_home = true, .run = cli_help},
    {"version", {"version [--json]"}, "Says which Gatehouse this is.",
     {{"gatehouse version", "Gatehouse " GATEHOUSE_VERSION}},
     .options = json_option, .needs_no_home = true, .run = cli_version},
    {0},
};
/* clang-format on */

const struct command *
command_find(struct str name)
{
    for (const struct command *c = commands; c->name != NULL; c++)
        if (str_eq(name, str_from(c->name)))
            return c;
    return NULL;
}

const struct command *
command_nearest(struct str name)
{
    const struct command *nearest = NULL;
    unsigned              best    = NEAREST_NONE;

    for (const struct command *c = commands; c->name != NULL; c++) {
        unsigned distance = nearest_distance(name, str_from(c->name));
        if (distance < best) {
            best    = distance;
            nearest = c;
        }
    }
    return nearest;
}
