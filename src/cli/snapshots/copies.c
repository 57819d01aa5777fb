#include <limits.h>
#include <sys/stat.h>

#include "base/format.h"
#include "cli/snapshots/snapshots.h"
#include "store/snapshots/care.h"

/* Copies of the whole database: made, listed, looked at, put back. None of them opens it. */

/* NULL-terminated, as it was typed. */
static const char *
first_word(const struct memory *m)
{
    return m->cli->args.word_count > 0 ? m->cli->args.words[0] : NULL;
}

static uint64_t
size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static bool
put_path(struct memory *m, const char *path)
{
    return cli_short_path(m->cli, str_from(path), &m->out);
}

/* There is no database, or as `err` says. */
static int
nothing_there(struct memory *m, const struct error *err)
{
    if (err->code != ERROR_NONE)
        return cli_fail(m->cli, err);
    memory_invite(m);
    return EXIT_NOT_FOUND;
}

/* ---- backup ---- */

static int
backup(struct memory *m)
{
    const char  *to             = first_word(m);
    char         made[PATH_MAX] = "";
    struct error err            = {0};

    if (!memory_is_there(m, &err))
        return nothing_there(m, &err);
    bool ok =
        to == NULL ? snapshot_backup_daily(m->path, m->now, true, made, &err) : snapshot_backup(m->path, to, &err);
    if (!ok)
        return cli_fail(m->cli, &err);
    to = to == NULL ? made : to;
    if (m->is_json)
        return memory_put(m, buffer_append(&m->out, STR("{\"path\":")) && buffer_append_json(&m->out, str_from(to)) &&
                                 buffer_printf(&m->out, ",\"bytes\":%llu}\n", (unsigned long long)size_of(to)));
    return memory_put(m, buffer_append(&m->out, STR("Backed up to ")) && put_path(m, to) &&
                             buffer_append(&m->out, STR(", ")) && format_bytes(&m->out, size_of(to)) &&
                             buffer_append_char(&m->out, '\n'));
}

int
snapshots_backup(struct cli *cli)
{
    return memory_run(cli, MEMORY_PATH, backup);
}

/* ---- backups ---- */

/* clang-format off */
static const struct grid_column columns[] = {
    {"MADE"},
    {"SIZE", .right = true},
    {"FILE", .shorten = SHORTEN_MIDDLE, .least = 24},
};
/* clang-format on */

enum { COLUMNS = sizeof columns / sizeof *columns };

static bool
put_copies(struct memory *m, const struct snapshot_backup_file *files, size_t count)
{
    struct grid g;

    grid_init(&g, columns, COLUMNS, m->cli->columns, m->cli->colour);
    for (size_t i = 0; i < count; i++) {
        format_time(&m->part, files[i].made, m->now);
        grid_add(&g, STYLE_PLAIN, buffer_str(&m->part));
        buffer_reset(&m->part);
        format_bytes(&m->part, files[i].bytes);
        grid_add(&g, STYLE_PLAIN, buffer_str(&m->part));
        buffer_reset(&m->part);
        cli_short_path(m->cli, str_from(files[i].path), &m->part);
        grid_add(&g, STYLE_PLAIN, buffer_str(&m->part));
        buffer_reset(&m->part);
    }
    bool ok = grid_print(&g, &m->out);
    grid_clear(&g);
    return ok;
}

static bool
put_copies_json(struct memory *m, const struct snapshot_backup_file *files, size_t count)
{
    char at[TIME_ISO_SIZE];
    bool ok = true;

    for (size_t i = 0; ok && i < count; i++) {
        time_format_iso(files[i].made, at);
        ok = memory_json_next(m, i) && buffer_append(&m->out, STR("{\"path\":")) &&
             buffer_append_json(&m->out, str_from(files[i].path)) &&
             buffer_printf(&m->out, ",\"made\":\"%s\",\"bytes\":%llu}", at, (unsigned long long)files[i].bytes);
    }
    return ok && memory_json_end(m, count);
}

static int
backups(struct memory *m)
{
    struct snapshot_backup_file *files = NULL;
    size_t                       count = 0;
    struct error                 err   = {0};

    if (!snapshot_backups(m->path, m->arena, &files, &count, &err))
        return cli_fail(m->cli, &err);
    if (m->is_json)
        return memory_put(m, put_copies_json(m, files, count));
    if (count == 0) {
        fprintf(m->cli->err, "No backups yet. While Gatehouse runs it makes one a day. Now:\n");
        cli_hint(m->cli, "gatehouse snapshots backup");
        return EXIT_DONE;
    }
    int code = memory_put(m, put_copies(m, files, count));
    if (code == EXIT_DONE && m->cli->is_terminal)
        fprintf(m->cli->err, "Put one back: gatehouse snapshots restore DATE\n");
    return code;
}

int
snapshots_backups(struct cli *cli)
{
    return memory_run(cli, MEMORY_PATH, backups);
}

/* ---- verify ---- */

static bool
put_figures(struct memory *m, const struct snapshot_figures *f)
{
    return memory_count(&m->out, f->count) && buffer_append(&m->out, STR(", ")) && format_count(&m->out, f->versions) &&
           buffer_append(&m->out, f->versions == 1 ? STR(" older version, ") : STR(" older versions, ")) &&
           format_count(&m->out, f->in_bin) && buffer_append(&m->out, STR(" in the bin, ")) &&
           format_bytes(&m->out, f->bytes) && buffer_append(&m->out, STR(" of text"));
}

static int
not_whole(struct memory *m, const char *path, const struct error *err)
{
    if (m->is_json) {
        bool ok = buffer_append(&m->out, STR("{\"path\":")) && buffer_append_json(&m->out, str_from(path)) &&
                  buffer_append(&m->out, STR(",\"whole\":false,\"error\":")) &&
                  buffer_append_json(&m->out, str_from(err->text)) && buffer_append(&m->out, STR("}\n"));
        memory_put(m, ok);
    }
    int code = cli_fail(m->cli, err);
    if (code == EXIT_FAILED && path == m->path)
        cli_hint(m->cli, "The copies there are:  gatehouse snapshots backups");
    return code;
}

static int
verify(struct memory *m)
{
    const char             *path    = first_word(m) == NULL ? m->path : first_word(m);
    struct snapshot_figures figures = {0};
    struct error            err     = {0};
    mono_time               began   = clock_mono();

    if (path == m->path && !memory_is_there(m, &err))
        return nothing_there(m, &err);
    if (!snapshot_verify(path, &figures, &err))
        return not_whole(m, path, &err);
    if (m->is_json)
        return memory_put(m, buffer_append(&m->out, STR("{\"path\":")) && buffer_append_json(&m->out, str_from(path)) &&
                                 buffer_printf(&m->out,
                                               ",\"whole\":true,\"count\":%llu,\"versions\":%llu,\"in_bin\":%llu,"
                                               "\"bytes\":%llu}\n",
                                               (unsigned long long)figures.count, (unsigned long long)figures.versions,
                                               (unsigned long long)figures.in_bin, (unsigned long long)figures.bytes));
    return memory_put(m, style_append(&m->out, m->cli->colour, STYLE_GREEN, STR("✓")) &&
                             buffer_append_char(&m->out, ' ') && put_path(m, path) &&
                             buffer_append(&m->out, STR(" is whole: ")) && put_figures(m, &figures) &&
                             buffer_append(&m->out, STR("; checked in ")) &&
                             format_took(&m->out, clock_mono() - began) && buffer_append_char(&m->out, '\n'));
}

int
snapshots_verify(struct cli *cli)
{
    return memory_run(cli, MEMORY_PATH, verify);
}

/* ---- restore ---- */

static bool
is_date(struct str word)
{
    static const char form[] = "0000-00-00";

    for (size_t i = 0; i < word.len; i++)
        if (i >= sizeof form - 1 || (form[i] == '-' ? word.data[i] != '-' : word.data[i] < '0' || word.data[i] > '9'))
            return false;
    return word.len == sizeof form - 1;
}

/* The backup of a day, or the file of that name. NULL: the exit code. */
static const char *
find_copy(struct memory *m, const char *word, int *code)
{
    struct snapshot_backup_file *files = NULL;
    size_t                       count = 0;
    struct error                 err   = {0};
    struct str                   day   = str_from(word);
    struct str                   tail  = arena_printf(m->arena, "snapshots-%.*s.db", STR_ARG(day));

    if (!is_date(day))
        return word;
    if (!snapshot_backups(m->path, m->arena, &files, &count, &err)) {
        *code = cli_fail(m->cli, &err);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (str_ends(str_from(files[i].path), tail))
            return files[i].path;
    *code = cli_refuse(m->cli, EXIT_NOT_FOUND, "there is no backup of %s", word);
    cli_hint(m->cli, count == 0 ? "There is none at all; one now:  gatehouse snapshots backup"
                                : "All of them:  gatehouse snapshots backups");
    return NULL;
}

/* "Put ~/x.db (12 snapshots, ...) in the place of all that is there?" */
static int
ask(struct memory *m, const char *from)
{
    struct snapshot_figures figures = {0};
    struct error            err     = {0};

    if (!snapshot_verify(from, &figures, &err))
        return cli_fail(m->cli, &err);
    bool ok = buffer_append(&m->out, STR("Put ")) && put_path(m, from) && buffer_append(&m->out, STR(" (")) &&
              memory_count(&m->out, figures.count);
    if (figures.newest != 0)
        ok = ok && buffer_append(&m->out, STR(", the newest of ")) && format_time(&m->out, figures.newest, m->now);
    ok                   = ok && buffer_append(&m->out, STR(") in the place of all that is there?"));
    const char *question = ok ? arena_cstr(m->arena, buffer_str(&m->out)) : NULL;
    buffer_reset(&m->out);
    if (question == NULL)
        return cli_refuse(m->cli, EXIT_FAILED, NO_MEMORY_TEXT);
    return cli_ask(m->cli, question, "All is as it was.", "a backup takes the place of all that is there");
}

int
memory_restore_copy(struct memory *m)
{
    int          code           = EXIT_DONE;
    const char  *from           = find_copy(m, first_word(m), &code);
    char         kept[PATH_MAX] = "";
    struct error err            = {0};

    if (from == NULL)
        return code;
    code = ask(m, from);
    if (code >= 0)
        return code;
    if (!snapshot_restore_from(m->path, from, kept, &err))
        return cli_fail(m->cli, &err);
    if (m->is_json)
        return memory_put(m, buffer_append(&m->out, STR("{\"restored\":")) &&
                                 buffer_append_json(&m->out, str_from(from)) &&
                                 buffer_append(&m->out, STR(",\"kept\":")) &&
                                 (kept[0] == '\0' ? buffer_append(&m->out, STR("null"))
                                                  : buffer_append_json(&m->out, str_from(kept))) &&
                                 buffer_append(&m->out, STR("}\n")));
    bool ok = buffer_append(&m->out, STR("Restored from ")) && put_path(m, from) && buffer_append(&m->out, STR(".\n"));
    if (kept[0] != '\0')
        ok = ok && buffer_append(&m->out, STR("What was there before: ")) && put_path(m, kept) &&
             buffer_append_char(&m->out, '\n');
    return memory_put(m, ok);
}
