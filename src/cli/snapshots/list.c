#include "base/format.h"
#include "cli/snapshots/snapshots.h"

enum { ON_TERMINAL = 50, PAGE = 500, WORDS_MOST = 100000 };

/* clang-format off */
static const struct grid_column columns[] = {
    {"ID",      .right = true},
    {"SAVED",   .drop = 2},
    {"NAME",    .shorten = SHORTEN_END, .least = 12},
    {"PROJECT", .shorten = SHORTEN_END, .least = 10, .drop = 1},
    {"CLIENT",  .shorten = SHORTEN_END, .least = 10, .drop = 4},
    {"TAGS",    .shorten = SHORTEN_END, .least = 10, .drop = 3},
    {"SUMMARY", .shorten = SHORTEN_END, .least = 24},
};
/* clang-format on */

enum { COLUMNS = sizeof columns / sizeof *columns, COLUMN_SAVED = 1 };

struct listing {
    struct memory         *m;
    struct snapshot_filter filter;
    uint64_t               limit; /* 0: all */
    uint64_t               shown;
    bool                   more; /* than the limit */
    int64_t                newest;
    struct grid_column     columns[COLUMNS];
    struct grid            grid;
};

/* ---- what was typed ---- */

static bool
read_filter(struct listing *l, struct error *err)
{
    struct memory *m     = l->m;
    struct str     limit = args_value(&m->cli->args, "limit");

    l->limit = m->cli->is_terminal && !m->is_json ? ON_TERMINAL : 0;
    if (limit.data != NULL && !str_to_u64(limit, &l->limit))
        return error_set(err, ERROR_INVALID, "--limit \"%.*s\" is no number (0: all)", STR_ARG(str_take(limit, 60)));
    return memory_read_filter(m, &l->filter, err);
}

/* ---- rows ---- */

static void
cell(struct listing *l, enum style style)
{
    grid_add(&l->grid, style, buffer_str(&l->m->part));
    buffer_reset(&l->m->part);
}

static bool
row(struct listing *l, const struct snapshot *s)
{
    struct memory *m = l->m;

    if (m->is_json)
        return memory_json_next(m, l->shown) && memory_json(m, s, false, NULL);
    buffer_printf(&m->part, "%lld", (long long)s->id);
    cell(l, STYLE_BOLD);
    format_time(&m->part, l->filter.from_bin ? s->deleted : s->changed, m->now);
    cell(l, STYLE_DIM);
    memory_line(&m->part, s->text.name);
    cell(l, STYLE_BOLD);
    memory_line(&m->part, s->text.project);
    cell(l, STYLE_PLAIN);
    memory_line(&m->part, s->origin.client);
    cell(l, STYLE_DIM);
    memory_tags(s, &m->part);
    cell(l, STYLE_PLAIN);
    memory_line(&m->part, s->text.summary);
    cell(l, STYLE_PLAIN);
    return true;
}

/* Page by page, each from behind the last of the one before. False: `err`, or without a code: it did not go out. */
static bool
show_rows(struct listing *l, struct error *err)
{
    struct memory       *m    = l->m;
    struct snapshot_page page = {.more = true};

    while (page.more && (l->limit == 0 || l->shown < l->limit)) {
        uint64_t left   = l->limit == 0 ? PAGE : l->limit - l->shown;
        l->filter.limit = left < PAGE ? (size_t)left : PAGE;
        arena_reset(m->arena);
        if (!snapshot_list(m->db, &l->filter, m->arena, &page, err))
            return false;
        for (size_t i = 0; i < page.count; i++, l->shown++)
            if (!row(l, &page.items[i]))
                return false;
        if (page.count == 0)
            break;
        l->newest           = l->newest == 0 ? page.items[0].id : l->newest;
        l->filter.before    = page.items[page.count - 1].created;
        l->filter.before_id = page.items[page.count - 1].id;
        if (!m->is_json && !grid_print(&l->grid, &m->out))
            return false;
        if (!cli_put(m->cli, &m->out))
            return false;
    }
    l->more = page.more;
    return true;
}

/* ---- what is said besides ---- */

static int
nothing(struct listing *l)
{
    struct memory          *m       = l->m;
    struct snapshot_filter  f       = l->filter;
    struct snapshot_figures figures = {0};

    if (m->db != NULL && !f.from_bin) {
        int code = memory_no_word(m, SNAPSHOT_PROJECTS, "project", f.project);
        code     = code >= 0 ? code : memory_no_word(m, SNAPSHOT_TAGS, "tag", f.tag);
        code     = code >= 0 ? code : memory_no_word(m, SNAPSHOT_NAMES, "name", f.name);
        if (code >= 0)
            return code;
        snapshot_figures(m->db, &figures, NULL);
    }
    if (m->is_json)
        return EXIT_DONE;
    if (f.from_bin)
        fprintf(m->cli->err, "The bin is empty.\n");
    else if (figures.count > 0)
        fprintf(m->cli->err, "No snapshot matches.\n");
    else
        memory_invite(m);
    return EXIT_DONE;
}

/* Below the rows, for people. */
static void
say_sum(struct listing *l)
{
    struct memory          *m       = l->m;
    struct snapshot_figures figures = {0};
    struct buffer           text    = {.max = KIB(1)};

    if (!m->cli->is_terminal || m->is_json)
        return;
    buffer_append(&text, l->more ? STR("The newest ") : STR_NONE);
    memory_count(&text, l->shown);
    if (!l->filter.from_bin && snapshot_figures(m->db, &figures, NULL) && figures.in_bin > 0) {
        buffer_append(&text, STR(", "));
        format_count(&text, figures.in_bin);
        buffer_append(&text, STR(" more in the bin (--bin)"));
    }
    buffer_printf(&text, ".%s   %s: gatehouse snapshots %s %lld", l->more ? "   All: --limit 0" : "",
                  l->filter.from_bin ? "Have one back" : "One in full", l->filter.from_bin ? "restore" : "show",
                  (long long)l->newest);
    fprintf(m->cli->err, "%.*s\n", STR_ARG(buffer_str(&text)));
    buffer_clear(&text);
}

static int
list(struct memory *m)
{
    struct listing l   = {.m = m};
    struct error   err = {0};
    bool           ok  = true;

    if (!read_filter(&l, &err)) {
        cli_fail(m->cli, &err);
        return EXIT_TYPED_WRONG;
    }
    memcpy(l.columns, columns, sizeof columns);
    if (l.filter.from_bin)
        l.columns[COLUMN_SAVED].title = "DELETED";
    grid_init(&l.grid, l.columns, COLUMNS, m->cli->columns, m->cli->colour);
    if (m->db != NULL)
        ok = show_rows(&l, &err);
    grid_clear(&l.grid);
    if (!ok && err.code != ERROR_NONE)
        return cli_fail(m->cli, &err);
    if (!ok) /* no memory, or the output is broken: putting it out says which */
        return memory_put(m, ferror(m->cli->out) != 0);
    if (l.shown == 0) {
        int code = nothing(&l);
        if (code != EXIT_DONE)
            return code;
    }
    int code = memory_put(m, !m->is_json || memory_json_end(m, l.shown));
    if (code == EXIT_DONE && l.shown > 0)
        say_sum(&l);
    return code;
}

int
snapshots_list(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, list);
}

/* ---- versions of one ---- */

/* clang-format off */
static const struct grid_column version_columns[] = {
    {"VERSION", .right = true},
    {"SAVED"},
    {"NAME",    .shorten = SHORTEN_END, .least = 12, .drop = 2},
    {"CLIENT",  .shorten = SHORTEN_END, .least = 10, .drop = 1},
    {"SUMMARY", .shorten = SHORTEN_END, .least = 24},
};
/* clang-format on */

enum { VERSION_COLUMNS = sizeof version_columns / sizeof *version_columns };

static bool
version_rows(struct memory *m, const struct snapshot_page *page)
{
    struct listing l = {.m = m};

    grid_init(&l.grid, version_columns, VERSION_COLUMNS, m->cli->columns, m->cli->colour);
    for (size_t i = 0; i < page->count; i++) {
        const struct snapshot *s = &page->items[i];
        buffer_printf(&m->part, "%u", s->version);
        cell(&l, STYLE_BOLD);
        format_time(&m->part, s->changed, m->now);
        cell(&l, STYLE_DIM);
        memory_line(&m->part, s->text.name);
        cell(&l, STYLE_PLAIN);
        memory_line(&m->part, s->origin.client);
        cell(&l, STYLE_DIM);
        memory_line(&m->part, s->text.summary);
        cell(&l, STYLE_PLAIN);
    }
    bool ok = grid_print(&l.grid, &m->out);
    grid_clear(&l.grid);
    return ok;
}

static int
versions(struct memory *m)
{
    struct snapshot      s;
    struct snapshot_page page;
    struct error         err  = {0};
    int                  code = memory_find(m, str_from(m->cli->args.words[0]), 0, false, &s);
    bool                 ok   = true;

    if (code != EXIT_DONE)
        return code;
    if (!snapshot_versions(m->db, s.id, m->arena, &page, &err))
        return cli_fail(m->cli, &err);
    for (size_t i = 0; ok && m->is_json && i < page.count; i++)
        ok = memory_json_next(m, i) && memory_json(m, &page.items[i], false, NULL);
    code = memory_put(m, ok && (m->is_json ? memory_json_end(m, page.count) : version_rows(m, &page)));
    if (code == EXIT_DONE && m->cli->is_terminal && !m->is_json)
        fprintf(m->cli->err, "One in full: gatehouse snapshots show %lld --version %u\n", (long long)s.id,
                page.count == 0 ? 1 : page.items[page.count - 1].version);
    return code;
}

int
snapshots_versions(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, versions);
}

/* ---- names, projects, tags ---- */

static int
words(struct memory *m)
{
    struct str         word  = command_word(m->cli->command);
    enum snapshot_word kind  = str_eq(word, STR("names"))      ? SNAPSHOT_NAMES
                               : str_eq(word, STR("projects")) ? SNAPSHOT_PROJECTS
                                                               : SNAPSHOT_TAGS;
    struct str        *all   = NULL;
    size_t             count = 0;
    struct error       err   = {0};
    bool               ok    = true;

    if (m->db != NULL && !snapshot_words(m->db, kind, STR_NONE, WORDS_MOST, m->arena, &all, &count, &err))
        return cli_fail(m->cli, &err);
    for (size_t i = 0; ok && i < count; i++)
        if (m->is_json)
            ok = memory_json_next(m, i) && buffer_append_json(&m->out, all[i]);
        else
            ok = memory_line(&m->out, all[i]) && buffer_append_char(&m->out, '\n');
    return memory_put(m, ok && (!m->is_json || memory_json_end(m, count)));
}

int
snapshots_words(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, words);
}
