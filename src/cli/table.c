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
    {"all",      .text = "All commands."},
    {"man",      .text = "The manual page, for man -l -."},
    {"markdown", .text = "The same as docs/cli.md."},
    {0},
};

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static const struct option json_option[] = {
    {"json", .text = "For programs."},
    {0},
};

static const struct option logs_options[] = {
    {"server",   "NAME",   .complete = COMPLETE_SERVER, .text = "Calls of this server."},
    {"session",  "ID",     .text = "Calls of this session."},
    {"method",   "METHOD", .text = "Calls of this method, like tools/call."},
    {"client",   "NAME",   .text = "Calls of this client, like claude-code."},
    {"since",    "WHEN",   .text = "Not before: 10m, 2h, 7d ago, or an ISO 8601 time."},
    {"until",    "WHEN",   .text = "Not after."},
    {"errors",   .text = "What failed."},
    {"text",     "WORDS",  .repeats = true, .text = "Messages that hold all these words."},
    {"contains", "TEXT",   .repeats = true, .text = "Messages that hold this text anywhere; slower than --text."},
    {"limit",    "N",      .text = "The newest N; 0: all. Else 50 on a terminal, all in a pipe."},
    {"follow",   .text = "Shows calls as they are answered, until Ctrl-C."},
    {"json",     .text = "NDJSON: an exchange a line; times in UTC."},
    {"messages", .text = "With --json: the messages of each exchange too."},
    {"raw",      .text = "One call in full: its messages as they were."},
    {"clear",    .text = "Deletes every recorded call."},
    {"yes",      .text = "With --clear: does not ask."},
    {0},
};

static const struct option list_options[] = {
    {"json",  .text = "For programs."},
    {"names", .text = "The names alone, a line each."},
    {0},
};

static const struct option add_options[] = {
    {"header",   "NAME:VALUE", .repeats = true, .text = "Sent with each request to a URL; ${VAR} is read from the environment."},
    {"env",      "NAME=VALUE", .repeats = true, .text = "In the environment of a command."},
    {"cwd",      "DIR", .complete = COMPLETE_DIRECTORY, .text = "The directory a command runs in."},
    {"isolated", .text = "A process for each session, not one for all."},
    {"timeout",  "MS",  .text = "How long a call may be silent (30000)."},
    {"no-try",   .text = "Does not try whether it works."},
    {0},
};

static const char *const eras[]   = {"legacy", "modern", NULL};
static const char *const levels[] = {"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency", NULL};

static const struct option call_options[] = {
    {"json",     .text = "The result as it came, on a line, and nothing else."},
    {"output",   "FILE",  .complete = COMPLETE_FILE, .text = "Images, sounds and blobs are written there, a second one to FILE-2; else the text."},
    {"level",    "LEVEL", .complete = COMPLETE_CHOICES, .choices = levels, .text = "The server's log messages from this level on, on stderr."},
    {"check",    .text = "The result must be what the tool's outputSchema says."},
    {"roots",    "DIR",   .repeats = true, .complete = COMPLETE_DIRECTORY, .text = "A directory that the server is told of when it asks; else none."},
    {"header",   "NAME:VALUE", .repeats = true, .text = "Sent with each request to a URL."},
    {"timeout",  "MS",    .text = "How long the server may be silent (60000)."},
    {"era",      "ERA",   .complete = COMPLETE_CHOICES, .choices = eras, .text = "legacy (initialize) or modern (2026-07-28); else found out."},
    {"revision", "DATE",  .text = "The revision of the protocol that is offered, like 2025-06-18."},
    {"names",    .text = "What may be typed next, a line each, for the shell; starts no command."},
    {0},
};

static const char *const clients[] = {"claude-desktop", "claude-code", "cursor", "vscode", NULL};

static const struct option connect_options[] = {
    {"stdio",   .text = "The client starts Gatehouse as a command; else it asks over HTTP, where it can."},
    {"replace", .text = "Puts ours in the place of another server of that name, or of the old snapshot server, on its data."},
    {"remove",  .text = "Takes ours out."},
    {"dry-run", .text = "Says what it would write, and writes nothing."},
    {"json",    .text = "For programs."},
    {0},
};

static const struct option doctor_options[] = {
    {"fix",  .text = "Mends what can be mended without harm: who may read the home and the envFiles."},
    {"json", .text = "For programs."},
    {0},
};

static const struct option token_options[] = {
    {"show", .text = "Prints the token."},
    {0},
};

const struct command commands[] = {
    {"serve", {"serve [--port N] [--KEY VALUE]..."}, "Runs the gateway until SIGTERM or Ctrl-C.",
     {{"gatehouse serve", "on port 3333, with what ~/.gatehouse holds"},
      {"gatehouse serve --port 0", "on a free port, which it prints"},
      {"gatehouse serve --home /tmp/try --retention.age 1d", "elsewhere, forgetting after a day"}},
     .about = "When it is ready it prints http://localhost:PORT on a line of its own.\n"
              "SIGHUP reads mcp.json and gatehouse.yaml again, and says which settings changed and which want a restart.\n"
              "SIGTERM lets calls in flight finish (at most `drain`, 10 s), then exits with 0.",
     .takes_settings = true, .is_first = true, .run = cli_serve},
    {"add", {"add NAME URL [--header NAME:VALUE]...", "add NAME [--env NAME=VALUE]... [--cwd DIR] -- COMMAND ARGS...", "add NAME"}, "Registers a server, and tries it.",
     {{"gatehouse add files -- npx -y @modelcontextprotocol/server-filesystem ~/src", "a command"},
      {"gatehouse add weather http://localhost:9000/mcp", "a URL"},
      {"gatehouse add issues https://example.com/mcp --header 'Authorization:Bearer ${TOKEN}'", "with a login"},
      {"gatehouse add snapshots", "one that is built in, after it was removed"}},
     .about = "It stands in <home>/mcp.json. A running gateway sees it within a second; the server is tried through it.\n"
              "A server that does not work yet is added all the same.",
     .options = add_options, .least_words = 1, .most_words = 2, .takes_rest = true, .is_first = true, .run = cli_add},
    {"list", {"list [--json]"}, "Lists the servers: how they are, what they did.",
     {{"gatehouse list", "all of them"},
      {"gatehouse list --json | jq -r '.[] | select(.state == \"down\") | .name'", "for programs"}},
     .options = list_options, .is_first = true, .run = cli_list},
    {"remove", {"remove NAME"}, "Takes a server out of the registry; its calls stay in the log.",
     {{"gatehouse remove weather", "the entry alone goes; comments and the rest of mcp.json stay"},
      {"gatehouse remove snapshots", "one that is built in: an entry switches it off"}},
     .least_words = 1, .most_words = 1, .complete = COMPLETE_SERVER, .run = cli_remove},
    {"call", {"call TARGET [TOOL | METHOD] [KEY=VALUE]...", "call [TOOL | METHOD] [KEY=VALUE]... -- COMMAND ARGS..."}, "Calls a tool, or anything else, of an MCP server.",
     {{"gatehouse call files", "what it has: tools with their arguments, resources, prompts"},
      {"gatehouse call files read_file path=README.md", "a tool"},
      {"gatehouse call http://localhost:9000/mcp forecast city=Oslo days=3 --json | jq .", "any server, for programs"},
      {"gatehouse call get_time zone=Europe/Paris -- npx -y @someone/time-server", "a command that is not registered"},
      {"gatehouse call files resources/read uri=file:///etc/hostname --output hostname", "a method"},
      {"gatehouse call files prompts/get review text=@notes.md", "what stands in a file"}},
     .about = "TARGET is one of `gatehouse list`, or a URL. One that is registered is called through the running gateway, and is in\n"
              "the log; when none runs, directly, which it says. The server may speak any revision, over HTTP, HTTP+SSE or stdio.\n"
              "A word that is no method is a tool; a method has a / in it, or is ping.\n"
              "KEY=VALUE becomes what the tool's inputSchema wants: a text, a number, true or false, an array or object as JSON;\n"
              "a key that is there twice makes an array. KEY=@FILE is what is in the file, @- what is piped in. KEY:=JSON goes as\n"
              "it is, and then nothing is checked.\n"
              "What the server asks in the middle is asked at the terminal: forms field by field, texts, whether to open a page\n"
              "(it is never opened for you). Without a terminal it is declined. Ctrl-C cancels the call at the server.\n"
              "With a result that says isError the exit code is 1.",
     .options = call_options, .most_words = 64, .takes_rest = true, .is_first = true, .complete = COMPLETE_CALL, .run = cli_call},
    {"logs", {"logs [FILTERS] [--follow] [--json]", "logs ID [--raw] [--json]", "logs --clear [--yes]"}, "Shows the calls that passed.",
     {{"gatehouse logs --follow", "as they come"},
      {"gatehouse logs --errors --since 1h", "what failed in the last hour"},
      {"gatehouse logs --server files --text 'ENOENT open'", "what was said"},
      {"gatehouse logs 184720531", "one call in full, by any unambiguous end of its id"},
      {"gatehouse logs --json --messages --limit 100 | jq .", "for programs"}},
     .about = "Reads the database itself: no gateway needs to run.\n"
              "A line of --json has: id (a string), at, at_us, server, session, client, client_version, method, target, kind,\n"
              "jsonrpc_id (a string), outcome (null while open), error_code, http_status, duration_us, tokens_in, tokens_out;\n"
              "with --messages also messages: [{at_us, from: \"client\" or \"server\", text}], with is_cut: true\n"
              "where memory had no room for more of it.",
     .options = logs_options, .most_words = 1, .is_first = true, .run = cli_logs},
    {"status", {"status [--json]"}, "Says how the gateway is.",
     {{"gatehouse status", "calls, servers, sessions, what is recorded, memory"},
      {"gatehouse status --json | jq .calls", "for programs"},
      {"gatehouse status --json | jq .objects", "what it holds inside now: where to look for a leak"}},
     .options = json_option, .is_first = true, .run = cli_status},
    {"stdio", {"stdio NAME [--KEY VALUE]..."}, "Runs what is built in on stdin and stdout, for clients that start their servers.",
     {{"gatehouse stdio snapshots", "the command that a client is configured with"}},
     .about = "No gateway needs to run, and any number of these may, beside it too: what they keep is the same, in <home>/users/local.\n"
              "A line a message in and out; what it says to you goes to stderr. It ends, with 0, when its input ends and on\n"
              "SIGINT and SIGTERM. Its calls are not in the log; those at http://localhost:3333/s/NAME/mcp are.",
     .least_words = 1, .most_words = 1, .complete = COMPLETE_BUILT_IN, .takes_settings = true, .run = cli_stdio},
    {"connect", {"connect", "connect CLIENT [SERVER]... [--stdio] [--replace] [--dry-run]", "connect CLIENT [SERVER]... --remove"}, "Writes servers into the configuration of an MCP client.",
     {{"gatehouse connect", "which clients are known, where the file of each is, what of ours stands there"},
      {"gatehouse connect claude-code", "Claude Code gets the memory of conversations, the server snapshots"},
      {"gatehouse connect cursor files weather", "Cursor gets two of yours"},
      {"gatehouse connect claude-desktop --replace", "in the place of the old snapshot server, on its data"},
      {"gatehouse connect vscode --dry-run", "what would be written into .vscode/mcp.json of this directory"},
      {"gatehouse connect cursor weather --remove", "takes it out"}},
     .about = "CLIENT is claude-desktop, claude-code, cursor or vscode; SERVER is one of `gatehouse list`, else snapshots.\n"
              "Only the entry changes: comments, order and all else stay. What was there is kept first, as FILE.backup; one\n"
              "that is there already stays, and the next is FILE.backup.2. A file that is no JSON is left alone.\n"
              "Claude Desktop starts commands only, and gets what is built in: `gatehouse stdio NAME`.",
     .options = connect_options, .most_words = 32, .complete = COMPLETE_CHOICES, .choices = clients, .run = cli_connect},
    {"doctor", {"doctor [--fix] [--json]"}, "Looks whether all is as it should be, and says how to mend it.",
     {{"gatehouse doctor", "home, mcp.json, database, disk, port, children, kernel, limits"},
      {"gatehouse doctor --fix", "closes the home and its files to others"}},
     .about = "Each line begins with ✓ good, ! odd or ✗ wrong. With something wrong the exit code is 1.",
     .options = doctor_options, .is_first = true, .run = cli_doctor},
    {"snapshots", {"snapshots COMMAND [OPTIONS]"}, "Your memory: what was saved of conversations, read and kept without a model.",
     {{"gatehouse snapshots list", "what there is, the newest first"},
      {"gatehouse snapshots show", "the newest, as a model gets it"},
      {"gatehouse snapshots search 'token refresh'", "where these words stand"},
      {"git diff | gatehouse snapshots save 'The login works, tokens expire too soon' -", "saves one by hand"},
      {"gatehouse snapshots backup ~/usb/snapshots.db", "a copy of all of it"}},
     .about = "They lie in <home>/users/local/snapshots.db. Every command works on that file itself, whether or not Gatehouse\n"
              "runs, and while clients save to it.",
     .commands = snapshots_commands},
    {"token", {"token [--show]"}, "Says where the token for the API is, or shows it.",
     {{"curl -H \"Authorization: Bearer $(gatehouse token --show)\" http://localhost:3333/api/logs", "asks the API"}},
     .options = token_options, .run = cli_token},
    {"completion", {"completion bash|zsh|fish"}, "Prints what makes the shell complete commands, options and server names.",
     {{"source <(gatehouse completion bash)", "in ~/.bashrc; the same with zsh in ~/.zshrc"},
      {"gatehouse completion fish >~/.config/fish/completions/gatehouse.fish", "for fish"}},
     .least_words = 1, .most_words = 1, .complete = COMPLETE_CHOICES, .choices = shells, .needs_no_home = true, .run = cli_completion},
    {"help", {"help [COMMAND]", "help settings", "help --all | --man | --markdown"}, "Explains a command, or a setting.",
     {{"gatehouse help logs", "one command"},
      {"gatehouse help snapshots list", "one of a group"},
      {"gatehouse help settings", "what may be set, and how"}},
     .options = help_options, .most_words = COMMAND_WORDS, .complete = COMPLETE_COMMAND, .needs_no_home = true, .run = cli_help},
    {"version", {"version [--json]"}, "Says which Gatehouse this is.",
     {{"gatehouse version", "Gatehouse " GATEHOUSE_VERSION}},
     .options = json_option, .needs_no_home = true, .run = cli_version},
    {0},
};
/* clang-format on */

struct str
command_word(const struct command *command)
{
    const char *space = strrchr(command->name, ' ');

    return str_from(space == NULL ? command->name : space + 1);
}

const struct command *
command_find(const struct command *table, struct str word)
{
    for (const struct command *c = table; c->name != NULL; c++)
        if (str_eq(word, command_word(c)))
            return c;
    return NULL;
}

const struct command *
command_follow(size_t count, const char *const *words, size_t *used)
{
    const struct command *table = commands, *found = NULL;

    for (*used = 0; table != NULL && *used < count; ++*used) {
        const struct command *next = command_find(table, str_from(words[*used]));
        if (next == NULL)
            break;
        found = next;
        table = next->commands;
    }
    return found;
}

const struct command *
command_nearest(const struct command *table, struct str word)
{
    const struct command *nearest = NULL;
    unsigned              best    = NEAREST_NONE;

    for (const struct command *c = table; c != NULL && c->name != NULL; c++) {
        unsigned distance = nearest_distance(word, command_word(c));
        if (distance < best) {
            best    = distance;
            nearest = c;
        }
    }
    return nearest;
}
