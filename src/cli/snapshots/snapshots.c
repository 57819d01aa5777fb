#include "cli/snapshots/snapshots.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/format.h"
#include "base/nearest.h"
#include "services/snapshots/words.h"
#include "store/snapshots/care.h"

enum { ARENA_FIRST = 1 << 16, NAMES_MOST = 1000 };

#define ARENA_MOST (MIB(1) * 1024)

/* ---- one use of the database ---- */

static bool
is_file(const char *path, struct error *err)
{
    struct stat st;

    if (stat(path, &st) == 0)
        return true;
    if (errno != ENOENT && errno != ENOTDIR)
        error_set_errno(err, errno, "looking for %s", path);
    return false;
}

/* While another file takes its place, for a moment only the lock is there. */
bool
memory_is_there(struct memory *m, struct error *err)
{
    struct str lock = arena_printf(m->arena, "%s-lock", m->path);

    return is_file(m->path, err) || (err->code == ERROR_NONE && lock.data != NULL && is_file(lock.data, err));
}

static bool
open_database(struct memory *m, enum memory_use use, struct error *err)
{
    const struct settings  *s       = &m->cli->settings;
    struct snapshot_limits  limits  = {.size = s->snapshots.size, .quota = s->snapshots.quota};
    struct snapshot_opening opening = {0};

    if (use == MEMORY_PATH || (use == MEMORY_LOOK && !memory_is_there(m, err)))
        return err->code == ERROR_NONE;
    m->db = snapshot_db_open(m->path, &limits, &opening, err);
    if (opening.damaged[0] != '\0')
        cli_refuse(m->cli, 0, "%s", opening.damaged);
    if (opening.migrated[0] != '\0')
        cli_refuse(m->cli, 0, "%s", opening.migrated);
    return m->db != NULL;
}

int
memory_run(struct cli *cli, enum memory_use use, int (*work)(struct memory *m))
{
    struct memory m = {
        .cli     = cli,
        .path    = cli_home_file(cli, "users/local/snapshots.db"),
        .arena   = arena_new(ARENA_FIRST, ARENA_MOST),
        .out     = {.max = CLI_TEXT_MAX},
        .part    = {.max = MIB(16)},
        .now     = clock_wall(),
        .is_json = args_has(&cli->args, "json"),
    };
    struct error err = {0};
    int          code;

    if (m.path == NULL || m.arena == NULL)
        code = cli_refuse(cli, EXIT_FAILED, NO_MEMORY_TEXT);
    else
        code = open_database(&m, use, &err) ? work(&m) : cli_fail(cli, &err);
    snapshot_db_close(m.db);
    buffer_clear(&m.part);
    buffer_clear(&m.out);
    arena_free(m.arena);
    return code;
}

int
memory_put(struct memory *m, bool ok)
{
    if (!ok)
        return cli_refuse(m->cli, EXIT_FAILED, NO_MEMORY_TEXT);
    if (cli_put(m->cli, &m->out) || errno == EPIPE) /* the reader of our pipe left: that is its right */
        return EXIT_DONE;
    return cli_refuse(m->cli, EXIT_FAILED, "the output could not be written: %s", strerror(errno));
}

/* ---- which one ---- */

bool
memory_is_id(struct str word, int64_t *id)
{
    if (str_starts(word, STR("#")))
        word = str_skip(word, 1);
    return str_to_i64(word, id) && *id > 0;
}

int
memory_no_id(struct memory *m, int64_t id)
{
    struct snapshot_which which = {.id = id, .from_bin = true};
    struct snapshot       s;

    if (m->db != NULL && snapshot_load(m->db, &which, m->arena, &s, NULL)) {
        cli_refuse(m->cli, 0, "snapshot #%lld %s", (long long)id,
                   s.deleted == 0 ? "is not in the bin" : "lies in the bin");
        if (s.deleted != 0)
            cli_hint(m->cli, "Have it back:  gatehouse snapshots restore %lld", (long long)id);
        return EXIT_NOT_FOUND;
    }
    cli_refuse(m->cli, 0, "there is no snapshot #%lld", (long long)id);
    cli_hint(m->cli, "All of them:  gatehouse snapshots list");
    return EXIT_NOT_FOUND;
}

bool
memory_read_filter(const struct memory *m, struct snapshot_filter *out, struct error *err)
{
    const struct args *a     = &m->cli->args;
    struct str         since = args_value(a, "since");

    *out = (struct snapshot_filter){.project  = args_value(a, "project"),
                                    .tag      = args_value(a, "tag"),
                                    .name     = args_value(a, "name"),
                                    .from_bin = args_has(a, "bin")};
    return since.data == NULL || parse_moment(since, m->now, &out->since) ||
           error_set(err, ERROR_INVALID, "--since \"%.*s\" is no time: write 10m, 2h, 7d or 2026-11-21T14:02:00Z",
                     STR_ARG(str_take(since, 60)));
}

int
memory_no_word(struct memory *m, enum snapshot_word kind, const char *what, struct str word)
{
    struct str *words;
    size_t      count;
    unsigned    best    = NEAREST_NONE;
    struct str  nearest = STR_NONE;

    if (word.data == NULL || !snapshot_words(m->db, kind, word, NAMES_MOST, m->arena, &words, &count, NULL))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (str_eq(word, words[i]))
            return -1;
    if (!snapshot_words(m->db, kind, STR_NONE, NAMES_MOST, m->arena, &words, &count, NULL))
        return -1;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = nearest_distance(word, words[i]);
        if (distance < best) {
            best    = distance;
            nearest = words[i];
        }
    }
    if (best != NEAREST_NONE)
        cli_refuse(m->cli, 0, "no snapshot has the %s \"%.*s\"; did you mean \"%.*s\"?", what,
                   STR_ARG(str_take(word, 80)), STR_ARG(str_take(nearest, 80)));
    else
        cli_refuse(m->cli, 0, "no snapshot has the %s \"%.*s\"", what, STR_ARG(str_take(word, 80)));
    return EXIT_NOT_FOUND;
}

static int
no_version(struct memory *m, const struct snapshot *newest, uint32_t version)
{
    cli_refuse(m->cli, 0, "snapshot #%lld has no version %u; its newest is %u", (long long)newest->id, version,
               newest->version);
    cli_hint(m->cli, "All of them:  gatehouse snapshots versions %lld", (long long)newest->id);
    return EXIT_NOT_FOUND;
}

static int
no_name(struct memory *m, struct str name)
{
    if (memory_no_word(m, SNAPSHOT_NAMES, "name", name) < 0) /* the last of that name has just gone */
        cli_refuse(m->cli, 0, "no snapshot has the name \"%.*s\"", STR_ARG(str_take(name, 80)));
    cli_hint(m->cli, "All of them:  gatehouse snapshots list");
    return EXIT_NOT_FOUND;
}

int
memory_find(struct memory *m, struct str word, uint32_t version, bool from_bin, struct snapshot *out)
{
    struct snapshot_which which = {.from_bin = from_bin};
    struct error          err   = {0};

    if (m->db == NULL) {
        cli_refuse(m->cli, 0, "there is no snapshot \"%.*s\": there is none at all", STR_ARG(str_take(word, 80)));
        return EXIT_NOT_FOUND;
    }
    bool is_id = memory_is_id(word, &which.id);
    bool ok    = is_id && snapshot_load(m->db, &which, m->arena, out, &err);
    if (!ok && (!is_id || err.code == ERROR_NOT_FOUND)) { /* a name may be of digits */
        struct snapshot_which named = {.name = word};
        ok                          = snapshot_load(m->db, &named, m->arena, out, &err);
    }
    if (!ok && err.code == ERROR_NOT_FOUND)
        return is_id ? memory_no_id(m, which.id) : no_name(m, word);
    if (ok && version != 0 && version != out->version) {
        struct snapshot newest = *out;
        which                  = (struct snapshot_which){.id = newest.id, .version = version, .from_bin = from_bin};
        ok                     = snapshot_load(m->db, &which, m->arena, out, &err);
        if (!ok && err.code == ERROR_NOT_FOUND)
            return no_version(m, &newest, version);
    }
    return ok ? EXIT_DONE : cli_fail(m->cli, &err);
}

void
memory_invite(struct memory *m)
{
    const char **old;
    size_t       count;

    fprintf(m->cli->err, "No snapshots yet. Connect a client, and a model saves them:\n");
    cli_hint(m->cli, "claude mcp add snapshots -- gatehouse stdio snapshots");
    fprintf(m->cli->err, "Or save one by hand:\n");
    cli_hint(m->cli, "gatehouse snapshots save 'Where things stand' --context 'What must not be forgotten'");
    if (!snapshot_old_places(m->cli->environment, m->arena, &old, &count) || count == 0)
        return;
    fprintf(m->cli->err, "Those of snapshot-mcp-server are taken over by:\n");
    for (size_t i = 0; i < count; i++)
        cli_hint(m->cli, "gatehouse snapshots import %s", old[i]);
}

/* ---- how it is written ---- */

bool
memory_line(struct buffer *out, struct str text)
{
    struct str line;
    bool       ok = true;

    for (bool is_first = true; ok && str_cut(&text, '\n', &line); is_first = false)
        ok = (is_first || buffer_append_char(out, ' ')) && buffer_append_printable(out, line, true);
    return ok;
}

bool
memory_title(const struct snapshot *s, struct buffer *out)
{
    return buffer_printf(out, "#%lld", (long long)s->id) &&
           (s->text.name.len == 0 || (buffer_append_char(out, ' ') && memory_line(out, s->text.name)));
}

bool
memory_tags(const struct snapshot *s, struct buffer *out)
{
    bool ok = true;

    for (size_t i = 0; ok && i < s->text.tag_count; i++)
        ok = (i == 0 || buffer_append_char(out, ' ')) && memory_line(out, s->text.tags[i]);
    return ok;
}

bool
memory_count(struct buffer *out, uint64_t count)
{
    return format_count(out, count) && buffer_append(out, count == 1 ? STR(" snapshot") : STR(" snapshots"));
}

/* The excerpt as search_snapshots has it: each find between two stars. */
static bool
add_hit(yyjson_mut_doc *doc, yyjson_mut_val *value, const struct snapshot_hit *hit)
{
    struct buffer marked = {.max = MIB(1)};
    bool          ok     = true;

    for (size_t i = 0; ok && i < hit->excerpt.len; i++) {
        char c = hit->excerpt.data[i];
        if (c == SNAPSHOT_HIT_BEGIN[0] || c == SNAPSHOT_HIT_END[0])
            ok = buffer_append(&marked, STR("**"));
        else
            ok = buffer_append_char(&marked, c == '\n' || c == '\t' ? ' ' : c);
    }
    struct str text = buffer_str(&marked);
    ok              = ok && yyjson_mut_obj_add_strncpy(doc, value, "excerpt", text.len > 0 ? text.data : "", text.len);
    buffer_clear(&marked);
    return ok;
}

bool
memory_json(struct memory *m, const struct snapshot *s, bool whole, const struct snapshot_hit *hit)
{
    yyjson_mut_doc *doc   = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *value = doc == NULL ? NULL : snapshot_json(doc, s, whole);
    bool            ok    = value != NULL && (hit == NULL || add_hit(doc, value, hit));
    size_t          len   = 0;
    char           *text  = ok ? yyjson_mut_val_write(value, 0, &len) : NULL;

    ok = text != NULL && buffer_append(&m->out, str_of(text, len));
    free(text);
    yyjson_mut_doc_free(doc);
    return ok;
}

bool
memory_json_next(struct memory *m, uint64_t before)
{
    return buffer_append(&m->out, before == 0 ? STR("[\n  ") : STR(",\n  "));
}

bool
memory_json_end(struct memory *m, uint64_t count)
{
    return buffer_append(&m->out, count == 0 ? STR("[]\n") : STR("\n]\n"));
}
