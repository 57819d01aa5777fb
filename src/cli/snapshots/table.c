#include "cli/snapshots/snapshots.h"

/* clang-format off */
static const struct option list_options[] = {
    {"project", "NAME", .complete = COMPLETE_PROJECT,  .text = "Those of this project."},
    {"tag",     "TAG",  .complete = COMPLETE_TAG,      .text = "Those with this tag."},
    {"name",    "NAME", .complete = COMPLETE_SNAPSHOT, .text = "Those of this name: it may be given many times."},
    {"since",   "WHEN", .text = "Saved or changed not before: 10m, 2h, 7d ago, or an ISO 8601 time."},
    {"bin",     .text = "Those that were deleted, and lie in the bin."},
    {"limit",   "N",    .text = "The newest N; 0: all. Else 50 on a terminal, all in a pipe."},
    {"json",    .text = "For programs: an array; times in UTC."},
    {0},
};

static const struct option show_options[] = {
    {"project",    "NAME", .complete = COMPLETE_PROJECT, .text = "The newest of this project."},
    {"version",    "N",    .text = "An older version; gatehouse snapshots versions lists them."},
    {"bin",        .text = "Also one that lies in the bin, by its id."},
    {"max-tokens", "N",    .text = "The compact form, in at most N tokens."},
    {"raw",        .text = "The continuation prompt alone, byte for byte, as a model gets it."},
    {"json",       .text = "For programs: all of it."},
    {0},
};

static const struct option search_options[] = {
    {"project", "NAME", .complete = COMPLETE_PROJECT, .text = "In this project."},
    {"tag",     "TAG",  .complete = COMPLETE_TAG,     .text = "Among those with this tag."},
    {"since",   "WHEN", .text = "Saved or changed not before."},
    {"limit",   "N",    .text = "The best N (20), at most 1000."},
    {"json",    .text = "For programs: an array, the best first."},
    {0},
};

static const struct option save_options[] = {
    {"context",    "TEXT", .text = "What must not be forgotten; else a file, or - for what is piped in."},
    {"structured", .text = "The context is a JSON object: files, decisions, blockers, code_state and what else there is."},
    {"next",       "TEXT", .text = "What comes next."},
    {"name",       "NAME", .complete = COMPLETE_SNAPSHOT, .text = "To find it by; the newest of a name is meant then."},
    {"project",    "NAME", .complete = COMPLETE_PROJECT,  .text = "What it belongs to."},
    {"tag",        "TAG",  .repeats = true, .complete = COMPLETE_TAG, .text = "A word to find it by."},
    {"importance", "N",    .text = "1 to 5; 3 is usual."},
    {"json",       .text = "For programs: what was saved."},
    {0},
};

static const struct option update_options[] = {
    {"summary",    "TEXT", .text = "Where things stand."},
    {"context",    "TEXT", .text = "What must not be forgotten; else a file, or - for what is piped in."},
    {"structured", .text = "The context is a JSON object, as save takes it."},
    {"next",       "TEXT", .text = "What comes next; '': nothing."},
    {"name",       "NAME", .complete = COMPLETE_SNAPSHOT, .text = "'': none."},
    {"project",    "NAME", .complete = COMPLETE_PROJECT,  .text = "'': none."},
    {"tag",        "TAG",  .repeats = true, .complete = COMPLETE_TAG, .text = "All its tags from now on; '': none."},
    {"importance", "N",    .text = "1 to 5."},
    {"json",       .text = "For programs: what it is now."},
    {0},
};

static const struct option restore_options[] = {
    {"yes",  .text = "Of a backup: does not ask."},
    {"json", .text = "For programs."},
    {0},
};

static const struct option prune_options[] = {
    {"older-than", "WHEN", .text = "Those not changed since: 90d, 12h ago, or an ISO 8601 time."},
    {"keep",       "N",    .text = "But not the newest N of each name, in each project."},
    {"project",    "NAME", .complete = COMPLETE_PROJECT, .text = "Of this project."},
    {"dry-run",    .text = "Shows what would go, and does nothing."},
    {"yes",        .text = "Does not ask."},
    {"json",       .text = "For programs: the ids."},
    {0},
};

static const struct option export_options[] = {
    {"project", "NAME", .complete = COMPLETE_PROJECT, .text = "Those of this project."},
    {"tag",     "TAG",  .complete = COMPLETE_TAG,     .text = "Those with this tag."},
    {"since",   "WHEN", .text = "Saved or changed not before."},
    {0},
};

static const struct option json_option[] = {
    {"json", .text = "For programs."},
    {0},
};

const struct command snapshots_commands[] = {
    {"snapshots list", {"snapshots list [FILTERS] [--json]"}, "Lists them, the newest first.",
     {{"gatehouse snapshots list", "what there is"},
      {"gatehouse snapshots list --project gatehouse --since 7d", "of the last week"},
      {"gatehouse snapshots list --bin", "what may still be had back"},
      {"gatehouse snapshots list --json | jq -r '.[] | \"\\(.id) \\(.summary)\"'", "for programs"}},
     .options = list_options, .run = snapshots_list},
    {"snapshots show", {"snapshots show [ID|NAME] [--raw] [--json]", "snapshots show --project NAME"}, "Shows one in full; without ID or NAME the newest.",
     {{"gatehouse snapshots show", "the newest"},
      {"gatehouse snapshots show 7 --version 1", "as it was when it was first saved"},
      {"gatehouse snapshots show auth --raw | wl-copy", "into a client that is not connected"}},
     .options = show_options, .most_words = 1, .complete = COMPLETE_SNAPSHOT, .run = snapshots_show},
    {"snapshots versions", {"snapshots versions ID|NAME [--json]"}, "Lists the versions of one, the newest first.",
     {{"gatehouse snapshots versions 7", "each update made one"}},
     .options = json_option, .least_words = 1, .most_words = 1, .complete = COMPLETE_SNAPSHOT, .run = snapshots_versions},
    {"snapshots diff", {"snapshots diff ID|NAME[:VERSION] [ID|NAME[:VERSION]] [--json]"}, "Shows what differs between two, line by line; of one alone, what its last update changed.",
     {{"gatehouse snapshots diff 7", "its newest version, and the one before"},
      {"gatehouse snapshots diff 7:1 7:4", "two versions of one"},
      {"gatehouse snapshots diff 7 9", "two snapshots"}},
     .about = "- went, + came. Name, project, tags and importance are compared too.",
     .options = json_option, .least_words = 1, .most_words = 2, .complete = COMPLETE_SNAPSHOT, .run = snapshots_diff},
    {"snapshots search", {"snapshots search WORDS... [FILTERS] [--json]"}, "Finds them by what stands in them, the best first.",
     {{"gatehouse snapshots search token refresh", "both words, anywhere in it"},
      {"gatehouse snapshots search '\"token refresh\"'", "as a phrase: the quotes are part of it"},
      {"gatehouse snapshots search 'deploy* OR release -staging'", "beginnings, one or the other, and what must not be there"}},
     .about = "It looks at name, project, tags, summary, context and next steps. Upper and lower case and accents are the same.",
     .options = search_options, .least_words = 1, .most_words = 64, .run = snapshots_search},
    {"snapshots save", {"snapshots save SUMMARY --context TEXT [OPTIONS]", "snapshots save SUMMARY FILE|- [OPTIONS]"}, "Saves one by hand.",
     {{"gatehouse snapshots save 'Login works' --context 'Tokens expire after 5 minutes, see auth.c' --next 'Make it a setting'", "a note"},
      {"git diff | gatehouse snapshots save 'Half way through the rewrite' - --name rewrite --tag wip", "what a program says"},
      {"gatehouse snapshots save 'Release 2' plan.json --structured", "a context with parts"}},
     .options = save_options, .least_words = 1, .most_words = 2, .complete = COMPLETE_FILE, .run = snapshots_save},
    {"snapshots update", {"snapshots update ID|NAME [FILE|-] [OPTIONS]"}, "Makes a new version; what is not named stays, and so does the old version.",
     {{"gatehouse snapshots update 7 --next 'Write the tests'", "one part"},
      {"gatehouse snapshots update 7 --tag auth --tag done", "these tags instead of those"}},
     .options = update_options, .least_words = 1, .most_words = 2, .complete = COMPLETE_SNAPSHOT, .run = snapshots_update},
    {"snapshots delete", {"snapshots delete ID..."}, "Puts them into the bin, where they lie for 30 days.",
     {{"gatehouse snapshots delete 7 8", "by id alone: a name may be given to many"}},
     .options = json_option, .least_words = 1, .most_words = 1000, .run = snapshots_delete},
    {"snapshots restore", {"snapshots restore ID...", "snapshots restore DATE|FILE [--yes]"}, "Takes some out of the bin, or puts a backup in the place of all.",
     {{"gatehouse snapshots restore 7", "out of the bin"},
      {"gatehouse snapshots restore 2026-11-20", "all as it was that day, from the daily backup"},
      {"gatehouse snapshots restore ~/usb/snapshots.db", "from a file that backup made"}},
     .about = "A backup takes the place of everything. What was there before is kept beside it, and it says where.",
     .options = restore_options, .least_words = 1, .most_words = 1000, .complete = COMPLETE_FILE, .run = snapshots_restore},
    {"snapshots prune", {"snapshots prune [--older-than WHEN] [--keep N] [--project NAME] [--dry-run] [--yes]"}, "Puts what is old into the bin, where it lies for 30 days.",
     {{"gatehouse snapshots prune --older-than 90d --dry-run", "what would go"},
      {"gatehouse snapshots prune --older-than 90d --keep 5", "but of each name the newest 5 stay"},
      {"gatehouse snapshots prune --keep 20 --yes", "after which 20 of their name were saved, however new they are"}},
     .about = "It shows what would go, and asks. Those without a name go by their age alone. Without --older-than and --keep\n"
              "it does what snapshots.retention and snapshots.keep say, which Gatehouse does once a day while it runs.",
     .options = prune_options, .run = snapshots_prune},
    {"snapshots backup", {"snapshots backup [FILE]"}, "Makes a copy of all of it, versions and bin too.",
     {{"gatehouse snapshots backup", "beside the database: today's"},
      {"gatehouse snapshots backup ~/usb/snapshots.db", "into a file that is not there yet"}},
     .about = "While Gatehouse runs it makes one a day, and keeps those of 7 days.",
     .options = json_option, .most_words = 1, .complete = COMPLETE_FILE, .run = snapshots_backup},
    {"snapshots backups", {"snapshots backups [--json]"}, "Lists the backups that lie beside the database.",
     {{"gatehouse snapshots backups", "the newest first"}},
     .options = json_option, .run = snapshots_backups},
    {"snapshots verify", {"snapshots verify [FILE]"}, "Looks whether the database, or a backup, is whole.",
     {{"gatehouse snapshots verify && echo all is well", "the exit code is 1 when it is not"},
      {"gatehouse snapshots verify ~/usb/snapshots.db", "a copy, before it is needed"}},
     .options = json_option, .most_words = 1, .complete = COMPLETE_FILE, .run = snapshots_verify},
    {"snapshots export", {"snapshots export [FILE] [FILTERS]"}, "Writes them as JSON, the newest first, a line each.",
     {{"gatehouse snapshots export memory.json", "into a file that is not there yet"},
      {"gatehouse snapshots export --project gatehouse | jq -r '.snapshots[].summary'", "for programs"}},
     .about = "The format stands in docs/snapshots.md. Each is there as it is now, with its context; older versions and the\n"
              "bin are not: those are in a backup.",
     .options = export_options, .most_words = 1, .complete = COMPLETE_FILE, .run = snapshots_export},
    {"snapshots import", {"snapshots import FILE|-..."}, "Takes in an export, or a database of the server that ours replaces.",
     {{"gatehouse snapshots import memory.json", "what is there already is left out"},
      {"gatehouse snapshots import ~/.claude-snapshots/snapshots.db", "of snapshot-mcp-server; its file stays as it is"}},
     .about = "It may be repeated: what was taken before is not taken twice.",
     .options = json_option, .least_words = 1, .most_words = 1000, .complete = COMPLETE_FILE, .run = snapshots_import},
    {"snapshots names", {"snapshots names [--json]"}, "Prints every name that was given, a line each.",
     {{"gatehouse snapshots names", "what the shell completes by"}},
     .options = json_option, .run = snapshots_words},
    {"snapshots projects", {"snapshots projects [--json]"}, "Prints every project, a line each.",
     {{"gatehouse snapshots projects", "what --project takes"}},
     .options = json_option, .run = snapshots_words},
    {"snapshots tags", {"snapshots tags [--json]"}, "Prints every tag, a line each.",
     {{"gatehouse snapshots tags", "what --tag takes"}},
     .options = json_option, .run = snapshots_words},
    {0},
};
/* clang-format on */
