#include "cli/connect/connect.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/running.h"
#include "gateway/jsonc.h"
#include "gateway/registry/registry.h"

enum { GO_ON = -1, TRIES = 10, LOCK_WAIT_MS = 5000 };

enum did { DID_NOTHING, DID_ADD, DID_CHANGE, DID_REPLACE, DID_REMOVE };

/* clang-format off */
static const struct {
    const char *name;                    /* in --json */
    const char *done, *would, *joint; /* DONE server JOINT file */
} words_of[] = {
    [DID_NOTHING] = {"there",    "Nothing to do: ", "Nothing to do: ", " is there already, in "},
    [DID_ADD]     = {"added",    "Added ",          "Would add ",      " to "},
    [DID_CHANGE]  = {"changed",  "Changed ",        "Would change ",   " in "},
    [DID_REPLACE] = {"replaced", "Put ",            "Would put ",      " in the place of what was there, in "},
    [DID_REMOVE]  = {"removed",  "Removed ",        "Would remove ",   " from "},
};
/* clang-format on */

struct step {
    const char   *name;
    enum did      did;
    struct buffer entry; /* as it shall be */
};

struct connecting {
    struct cli                  *cli;
    const struct connect_client *client;
    struct connect_file          file;
    struct connect_wish          wish; /* of each, but for its name */
    struct registry             *registry;
    struct step                 *steps;
    size_t                       step_count;
    bool                         is_running, is_dry, removes, replaces;
    const char                  *old;      /* the old server's entry, when it stays; from the arena */
    const char                  *database; /* of the old server, which a URL cannot take over */
    char                         self[PATH_MAX], copy[PATH_MAX];
};

static const char *
kept_text(struct connecting *c, struct str text)
{
    return arena_cstr(c->cli->settings.arena, text);
}

/* The home that everybody has needs not be said. */
static struct str
home_to_say(const struct connecting *c)
{
    struct str  home = c->cli->settings.home;
    const char *user = environment_get(c->cli->environment, STR("HOME"));

    bool is_usual =
        user != NULL && str_starts(home, str_from(user)) && str_eq(str_skip(home, strlen(user)), STR("/.gatehouse"));
    return is_usual ? STR_NONE : home;
}

/* Which port a URL names: where a gateway answers now, else where the next one will. */
static int
choose_port(struct connecting *c)
{
    struct running gateway;

    c->is_running = running_find(c->cli, &gateway);
    c->wish.port  = c->is_running ? gateway.port : (unsigned)c->cli->settings.port;
    if (c->wish.port == 0) {
        cli_refuse(c->cli, 0, "the port is 0, any that is free: no URL can be written");
        cli_hint(c->cli, "Choose one, in gatehouse.yaml:  port: 3333");
        return EXIT_FAILED;
    }
    if (c->is_running && c->wish.port != c->cli->settings.port)
        cli_hint(c->cli, "Gatehouse runs on port %u now. For it to stay there, in gatehouse.yaml:  port: %u",
                 c->wish.port, c->wish.port);
    return GO_ON;
}

static int
no_command(struct connecting *c, const char *name)
{
    cli_refuse(c->cli, 0, "%s is not built in: no client can start it from here", name);
    if (c->client->speaks_http)
        cli_hint(c->cli, "Over HTTP:  gatehouse connect %s %s", c->client->name, name);
    else
        cli_hint(c->cli,
                 "%s starts commands only. One that leads to it:  npx -y mcp-remote http://localhost:%u/s/%s/mcp",
                 c->client->title, (unsigned)c->cli->settings.port, name);
    return EXIT_FAILED;
}

static int
check_server(struct connecting *c, const char *name)
{
    const struct server_entry *entry   = registry_find(c->registry, str_from(name));
    const struct server_entry *nearest = entry == NULL ? registry_nearest(c->registry, str_from(name)) : NULL;

    if (entry == NULL) {
        if (nearest != NULL)
            cli_refuse(c->cli, 0, "no server \"%s\"; did you mean \"%.*s\"?", name, STR_ARG(nearest->name));
        else
            cli_refuse(c->cli, 0, "no server \"%s\"", name);
        cli_hint(c->cli, "All of them:  gatehouse list");
        return EXIT_NOT_FOUND;
    }
    if (c->wish.is_command && built_in_find(str_from(name)) == NULL)
        return no_command(c, name);
    if (entry->kind == SERVER_WRONG)
        return cli_refuse(c->cli, EXIT_FAILED, "%s", entry->error);
    if (!entry->enabled && !c->wish.is_command)
        cli_hint(c->cli, "%s is switched off now: its clients will not reach it.", name);
    return GO_ON;
}

/* The old server's entries, but for one of our name: they go, or the last of them is remembered. */
static bool
plan_old(struct connecting *c, struct step *s, yyjson_val **old, struct error *err)
{
    yyjson_val *key, *value;
    size_t      i, max;
    struct str  server;

    yyjson_obj_foreach(c->file.servers, i, max, key, value)
    {
        struct str name = json_str(key);
        if (connect_entry_owner(value, str_from(c->self), &server) != OWNER_OLD)
            continue;
        if (*old == NULL)
            *old = value;
        if (str_eq(name, str_from(s->name)))
            continue;
        if (!c->replaces)
            c->old = kept_text(c, name);
        else if (!connect_file_remove(&c->file, name, err))
            return false;
        else
            s->did = DID_REPLACE;
    }
    return true;
}

static bool
is_same(yyjson_val *before, struct str entry)
{
    yyjson_doc *doc = yyjson_read(entry.data, entry.len, JSONC_FLAGS | YYJSON_READ_NUMBER_AS_RAW);
    bool        ok  = doc != NULL && yyjson_equals(before, yyjson_doc_get_root(doc));

    yyjson_doc_free(doc);
    return ok;
}

static int
refuse_other(struct connecting *c, const char *name)
{
    cli_refuse(c->cli, 0, "%s has another server under the name \"%s\", which is left as it is", c->client->title,
               name);
    cli_hint(c->cli, "To have ours in its place:  gatehouse connect %s %s --replace", c->client->name, name);
    return EXIT_FAILED;
}

static int
plan_set(struct connecting *c, struct step *s)
{
    struct error       err    = {0};
    yyjson_val        *before = connect_file_entry(&c->file, str_from(s->name)), *old = NULL;
    struct str         server;
    enum connect_owner owner = connect_entry_owner(before, str_from(c->self), &server);
    bool               ours  = owner == OWNER_GATEHOUSE && str_eq(server, str_from(s->name));

    if (before != NULL && !ours && !c->replaces)
        return refuse_other(c, s->name);
    if (str_eq(str_from(s->name), STR("snapshots")) && !plan_old(c, s, &old, &err))
        return cli_fail(c->cli, &err);
    c->wish.name = str_from(s->name);
    if (!connect_entry_make(c->client, &c->wish, ours ? before : NULL, c->replaces ? old : NULL, &s->entry))
        return cli_refuse(c->cli, EXIT_FAILED, NO_MEMORY_TEXT);
    const char *database = connect_entry_database(c->replaces && old != NULL ? old : ours ? before : NULL);
    if (!c->wish.is_command && database != NULL)
        c->database = kept_text(c, str_from(database));
    if (ours && is_same(before, buffer_str(&s->entry)))
        return GO_ON;
    if (s->did == DID_NOTHING)
        s->did = before == NULL ? DID_ADD : ours ? DID_CHANGE : DID_REPLACE;
    return connect_file_set(&c->file, str_from(s->name), buffer_str(&s->entry), &err) ? GO_ON : cli_fail(c->cli, &err);
}

static int
plan_remove(struct connecting *c, struct step *s)
{
    struct error       err = {0};
    struct str         server;
    enum connect_owner owner =
        connect_entry_owner(connect_file_entry(&c->file, str_from(s->name)), str_from(c->self), &server);

    if (owner == OWNER_NOBODY)
        return cli_refuse(c->cli, EXIT_NOT_FOUND, "%s has no server \"%s\"", c->client->title, s->name);
    if (owner != OWNER_GATEHOUSE)
        return cli_refuse(c->cli, EXIT_FAILED, "what %s has as \"%s\" is not of Gatehouse, and is left as it is",
                          c->client->title, s->name);
    s->did = DID_REMOVE;
    return connect_file_remove(&c->file, str_from(s->name), &err) ? GO_ON : cli_fail(c->cli, &err);
}

static bool
is_changed(const struct connecting *c)
{
    for (size_t i = 0; i < c->step_count; i++)
        if (c->steps[i].did != DID_NOTHING)
            return true;
    return false;
}

/* All or nothing: reads, changes in memory, writes once. */
static int
attempt(struct connecting *c, struct error *err)
{
    int code = GO_ON;

    if (!connect_file_read(&c->file, err))
        return cli_fail(c->cli, err);
    for (size_t i = 0; i < c->step_count && code == GO_ON; i++)
        code = c->removes ? plan_remove(c, &c->steps[i]) : plan_set(c, &c->steps[i]);
    if (code != GO_ON || !is_changed(c))
        return code;
    bool stays = c->is_dry && c->client->makes_directory;
    if (!stays && !connect_client_prepare(c->cli, c->client, c->file.path, err))
        return cli_fail(c->cli, err);
    if (!c->is_dry && !connect_file_save(&c->file, c->copy, sizeof c->copy, err))
        return err->code == ERROR_BUSY ? GO_ON : cli_fail(c->cli, err);
    return GO_ON;
}

/* The client may write its file at any time: then what it wrote is changed. */
static int
change(struct connecting *c)
{
    struct error err = {0};
    int          code;

    for (int i = 0; i < TRIES; i++) {
        err  = (struct error){0};
        code = attempt(c, &err);
        if (code != GO_ON || err.code != ERROR_BUSY)
            return code;
        connect_file_clear(&c->file);
        for (size_t k = 0; k < c->step_count; k++) {
            buffer_reset(&c->steps[k].entry);
            c->steps[k].did = DID_NOTHING;
        }
    }
    return cli_fail(c->cli, &err);
}

/* Keeps our own processes apart. */
static int
change_locked(struct connecting *c)
{
    struct error err  = {0};
    const char  *lock = cli_home_file(c->cli, "connect.lock");
    const char  *home = kept_text(c, c->cli->settings.home);

    if (c->is_dry)
        return change(c);
    if (lock == NULL || home == NULL)
        return cli_refuse(c->cli, EXIT_FAILED, NO_MEMORY_TEXT);
    int fd = file_make_directory(home, &err) ? file_lock(lock, LOCK_WAIT_MS, &err) : -1;
    if (fd < 0)
        return cli_fail(c->cli, &err);
    int code = change(c);
    close(fd);
    return code;
}

static void
print_json(struct connecting *c, struct buffer *out)
{
    buffer_printf(out, "{\"client\":\"%s\",\"file\":", c->client->name);
    buffer_append_json(out, str_from(c->file.path));
    buffer_printf(out, ",\"changed\":%s,\"backup\":", is_changed(c) && !c->is_dry ? "true" : "false");
    if (c->copy[0] == '\0')
        buffer_append(out, STR("null"));
    else
        buffer_append_json(out, str_from(c->copy));
    buffer_append(out, STR(",\"servers\":["));
    for (size_t i = 0; i < c->step_count; i++) {
        const struct step *s = &c->steps[i];
        buffer_append(out, i == 0 ? STR("{\"name\":") : STR(",{\"name\":"));
        buffer_append_json(out, str_from(s->name));
        buffer_printf(out, ",\"%s\":\"%s\",\"entry\":", c->is_dry ? "would_be" : "is", words_of[s->did].name);
        buffer_append(out, c->removes ? STR("null") : buffer_str(&s->entry));
        buffer_append_char(out, '}');
    }
    buffer_append(out, STR("]}\n"));
}

static void
print_step(struct connecting *c, const struct step *s, struct buffer *out)
{
    buffer_printf(out, "%s%s%s", c->is_dry ? words_of[s->did].would : words_of[s->did].done, s->name,
                  words_of[s->did].joint);
    cli_short_path(c->cli, str_from(c->file.path), out);
    buffer_append_char(out, '\n');
    if (!c->is_dry || s->did == DID_NOTHING || c->removes)
        return;
    buffer_printf(out, "  \"%s\": ", s->name);
    buffer_append_printable(out, buffer_str(&s->entry), true);
    buffer_append_char(out, '\n');
}

static void
print_text(struct connecting *c, struct buffer *out)
{
    for (size_t i = 0; i < c->step_count; i++)
        print_step(c, &c->steps[i], out);
    if (c->copy[0] == '\0')
        return;
    buffer_append(out, STR("  As it was before:  "));
    cli_short_path(c->cli, str_from(c->copy), out);
    buffer_append_char(out, '\n');
}

/* What is left for the person to do. */
static void
say_next(struct connecting *c)
{
    if (c->old != NULL) {
        cli_hint(c->cli, "The old snapshot server stands there too, as \"%s\". To have ours in its place, on its data:",
                 c->old);
        cli_hint(c->cli, "  gatehouse connect %s snapshots --replace", c->client->name);
    }
    if (c->database != NULL)
        cli_hint(c->cli, "What the old server kept is taken in by:  gatehouse snapshots import %s", c->database);
    if (!is_changed(c) || c->is_dry)
        return;
    if (c->removes)
        cli_hint(c->cli, "%s lets go of it when it is started again.", c->client->title);
    else
        cli_hint(c->cli, "%s", c->client->next);
    if (!c->removes && !c->wish.is_command && !c->is_running)
        cli_hint(c->cli, "No gateway runs now. Start it:  gatehouse serve");
}

static int
report(struct connecting *c)
{
    struct buffer out = {.max = MIB(1)};

    if (args_has(&c->cli->args, "json"))
        print_json(c, &out);
    else
        print_text(c, &out);
    bool ok = cli_put(c->cli, &out);
    buffer_clear(&out);
    say_next(c);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

static bool
is_step(const struct connecting *c, const char *name)
{
    for (size_t i = 0; i < c->step_count; i++)
        if (strcmp(c->steps[i].name, name) == 0)
            return true;
    return false;
}

static int
prepare(struct connecting *c)
{
    const struct args *args = &c->cli->args;
    int                code = GO_ON;

    c->wish.is_command = args_has(args, "stdio") || !c->client->speaks_http;
    c->wish.self       = c->self;
    c->wish.home       = home_to_say(c);
    if (args->word_count == 1)
        c->steps[c->step_count++].name = "snapshots";
    for (size_t i = 1; i < args->word_count; i++)
        if (!is_step(c, args->words[i]))
            c->steps[c->step_count++].name = args->words[i];
    for (size_t i = 0; i < c->step_count && code == GO_ON; i++) {
        c->steps[i].entry.max = KIB(256);
        code                  = c->removes ? GO_ON : check_server(c, c->steps[i].name);
    }
    return code != GO_ON || c->removes || c->wish.is_command ? code : choose_port(c);
}

static int
connect_client(struct connecting *c)
{
    struct registry_source source = {
        .path = cli_home_file(c->cli, "mcp.json"), .environment = c->cli->environment, .has_built_in = true};
    struct error err = {0};

    c->client = connect_client_find(c->cli, c->cli->args.words[0]);
    if (c->client == NULL)
        return EXIT_NOT_FOUND;
    c->file.client = c->client;
    c->file.path   = connect_client_file(c->cli, c->client, &err);
    if (c->file.path == NULL)
        return cli_fail(c->cli, &err);
    c->registry = source.path == NULL ? NULL : registry_load(&source, NULL);
    c->steps    = calloc(c->cli->args.word_count + 1, sizeof *c->steps);
    if (c->registry == NULL || c->steps == NULL)
        return cli_refuse(c->cli, EXIT_FAILED, NO_MEMORY_TEXT);
    int code = prepare(c);
    if (code == GO_ON)
        code = change_locked(c);
    return code == GO_ON ? report(c) : code;
}

int
cli_connect(struct cli *cli)
{
    struct connecting c = {.cli      = cli,
                           .is_dry   = args_has(&cli->args, "dry-run"),
                           .removes  = args_has(&cli->args, "remove"),
                           .replaces = args_has(&cli->args, "replace")};

    if (c.removes && (c.replaces || args_has(&cli->args, "stdio")))
        return cli_refuse(cli, EXIT_TYPED_WRONG, "--remove goes with neither --replace nor --stdio");
    if (cli->args.word_count == 0 && (c.is_dry || c.removes || c.replaces || args_has(&cli->args, "stdio"))) {
        cli_refuse(cli, 0, "which client?");
        cli_hint(cli, "All of them:  gatehouse connect");
        return EXIT_TYPED_WRONG;
    }
    ssize_t len = readlink("/proc/self/exe", c.self, sizeof c.self - 1);
    if (len < 0 || access(c.self, X_OK) != 0)
        return cli_refuse(cli, EXIT_FAILED, "where this program is cannot be told: is it being replaced?");
    int code = cli->args.word_count == 0 ? connect_list(cli, str_from(c.self)) : connect_client(&c);
    for (size_t i = 0; i < c.step_count; i++)
        buffer_clear(&c.steps[i].entry);
    free(c.steps);
    connect_file_clear(&c.file);
    registry_unref(c.registry);
    return code;
}
