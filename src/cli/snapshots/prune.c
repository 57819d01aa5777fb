/* What is old goes into the bin: shown first, then asked for, then done. */
#include "base/format.h"
#include "cli/snapshots/snapshots.h"

enum { SLICE = 200, SHOWN_BEFORE_ASKING = 20 };

/* clang-format off */
static const struct grid_column columns[] = {
    {"ID",      .right = true},
    {"CHANGED"},
    {"NAME",    .shorten = SHORTEN_END, .least = 12},
    {"PROJECT", .shorten = SHORTEN_END, .least = 10, .drop = 1},
    {"SUMMARY", .shorten = SHORTEN_END, .least = 24},
};
/* clang-format on */

enum { COLUMNS = sizeof columns / sizeof *columns };

struct pruning {
    struct memory        *m;
    struct snapshot_sweep rule;
    uint64_t              count; /* of this pass */
    uint64_t              shown_most;
    bool                  has_ids; /* they are written, for --json */
    struct grid           grid;
};

/* ---- what may go ---- */

static bool
read_age(struct pruning *p, struct error *err)
{
    struct str text = args_value(&p->m->cli->args, "older-than");

    return text.data == NULL || (parse_moment(text, p->m->now, &p->rule.before) && p->rule.before > 0) ||
           error_set(err, ERROR_INVALID, "--older-than \"%.*s\" is no time: write 90d, 12h or 2026-11-21",
                     STR_ARG(str_take(text, 60)));
}

static bool
read_keep(struct pruning *p, struct error *err)
{
    struct str text = args_value(&p->m->cli->args, "keep");
    uint64_t   keep = 0;

    if (text.data != NULL && (!str_to_u64(text, &keep) || keep == 0 || keep > UINT32_MAX))
        return error_set(err, ERROR_INVALID, "--keep \"%.*s\" is no number from 1 on", STR_ARG(str_take(text, 60)));
    p->rule.keep = (uint32_t)keep;
    return true;
}

/* As it was typed; where nothing was, as it is set. */
static int
read_rule(struct pruning *p)
{
    const struct settings *s   = &p->m->cli->settings;
    struct error           err = {0};

    p->rule.project = args_value(&p->m->cli->args, "project");
    if (!read_age(p, &err) || !read_keep(p, &err)) {
        cli_fail(p->m->cli, &err);
        return EXIT_TYPED_WRONG;
    }
    if (p->rule.before == 0 && p->rule.keep == 0) {
        p->rule.before = s->snapshots.retention == 0 ? 0 : p->m->now - s->snapshots.retention;
        p->rule.keep   = (uint32_t)s->snapshots.keep;
    }
    if (p->rule.before != 0 || p->rule.keep != 0)
        return EXIT_DONE;
    cli_refuse(p->m->cli, 0, "what may go is not said, and not set");
    cli_hint(p->m->cli, "By age:            gatehouse snapshots prune --older-than 90d");
    cli_hint(p->m->cli, "All but the last:  gatehouse snapshots prune --keep 5");
    return EXIT_TYPED_WRONG;
}

/* ---- through all of them ---- */

static void
cell(struct pruning *p, enum style style)
{
    grid_add(&p->grid, style, buffer_str(&p->m->part));
    buffer_reset(&p->m->part);
}

static void
row(struct pruning *p, const struct snapshot *s)
{
    struct memory *m = p->m;

    buffer_printf(&m->part, "%lld", (long long)s->id);
    cell(p, STYLE_BOLD);
    format_time(&m->part, s->changed, m->now);
    cell(p, STYLE_DIM);
    memory_line(&m->part, s->text.name);
    cell(p, STYLE_BOLD);
    memory_line(&m->part, s->text.project);
    cell(p, STYLE_PLAIN);
    memory_line(&m->part, s->text.summary);
    cell(p, STYLE_PLAIN);
}

static bool
note(struct pruning *p, const struct snapshot *s)
{
    uint64_t before = p->count++;

    if (p->has_ids)
        return buffer_printf(&p->m->out, "%s%lld", before == 0 ? "" : ",", (long long)s->id);
    if (before < p->shown_most)
        row(p, s);
    return true;
}

/* Slice by slice, each a commit. False without a code: what was to be shown could not be. */
static bool
pass(struct pruning *p, bool is_dry, struct error *err)
{
    struct memory        *m     = p->m;
    struct snapshot_sweep sweep = p->rule;
    struct snapshot_page  page  = {.more = m->db != NULL};
    bool                  ok    = true;

    p->count     = 0;
    sweep.is_dry = is_dry;
    while (ok && page.more) {
        arena_reset(m->arena);
        if (!snapshot_prune(m->db, &sweep, m->now, SLICE, m->arena, &page, err))
            return false;
        for (size_t i = 0; ok && i < page.count; i++)
            ok = note(p, &page.items[i]);
        if (ok && !p->has_ids && p->shown_most > 0)
            ok = grid_print(&p->grid, &m->out) && cli_put(m->cli, &m->out);
    }
    return ok;
}

/* ---- what is said ---- */

static int
failed(struct pruning *p, const struct error *err)
{
    return err->code != ERROR_NONE ? cli_fail(p->m->cli, err) : memory_put(p->m, ferror(p->m->cli->out) != 0);
}

/* A pass that answers with the ids alone. */
static int
put_ids(struct pruning *p, bool is_dry)
{
    struct memory *m   = p->m;
    struct error   err = {0};
    bool           ok  = buffer_printf(&m->out, "{\"%s\":[", is_dry ? "would_delete" : "deleted");

    p->has_ids = true;
    if (!ok || !pass(p, is_dry, &err)) {
        buffer_reset(&m->out);
        return err.code != ERROR_NONE ? cli_fail(m->cli, &err) : memory_put(m, false);
    }
    return memory_put(m, buffer_append(&m->out, STR("]}\n")));
}

/* None goes: a project that is not there is said. */
static int
nothing(struct pruning *p)
{
    int code = p->m->db == NULL ? -1 : memory_no_word(p->m, SNAPSHOT_PROJECTS, "project", p->rule.project);

    if (code < 0)
        fprintf(p->m->cli->err, "There is nothing that may go.\n");
    return code < 0 ? EXIT_DONE : code;
}

/* "Put 12 of 340 snapshots into the bin, for 30 days?" */
static const char *
sum(struct pruning *p, const char *begin, const char *end)
{
    struct memory          *m       = p->m;
    struct snapshot_figures figures = {0};
    bool                    ok = snapshot_figures(m->db, &figures, NULL) && buffer_append(&m->out, str_from(begin)) &&
              format_count(&m->out, p->count) && buffer_append(&m->out, STR(" of ")) &&
              memory_count(&m->out, figures.count) &&
              buffer_printf(&m->out, " into the bin, for %d days%s", SNAPSHOT_BIN_DAYS, end);
    const char *text = ok ? arena_cstr(m->arena, buffer_str(&m->out)) : NULL;

    buffer_reset(&m->out);
    return text;
}

/* What would go is on the screen. -1: it may. */
static int
show(struct pruning *p, bool is_dry)
{
    struct memory *m   = p->m;
    struct error   err = {0};

    p->shown_most = is_dry ? UINT64_MAX : SHOWN_BEFORE_ASKING;
    grid_init(&p->grid, columns, COLUMNS, m->cli->columns, m->cli->colour);
    bool ok = pass(p, true, &err);
    grid_clear(&p->grid);
    if (!ok)
        return failed(p, &err);
    if (p->count == 0)
        return nothing(p);
    if (p->count > p->shown_most)
        fprintf(m->cli->err, "... and %llu more: --dry-run shows all of them\n",
                (unsigned long long)(p->count - p->shown_most));
    p->shown_most    = 0;
    const char *said = is_dry ? sum(p, "Would put ", ": --dry-run") : sum(p, "Put ", "?");
    if (said == NULL)
        return memory_put(m, false);
    if (!is_dry)
        return cli_ask(m->cli, said, "All is as it was.", "snapshots go into the bin");
    fprintf(m->cli->err, "%s\n", said);
    return EXIT_DONE;
}

static int
prune(struct memory *m)
{
    struct pruning p      = {.m = m};
    struct error   err    = {0};
    bool           is_dry = args_has(&m->cli->args, "dry-run"), is_sure = args_has(&m->cli->args, "yes");
    int            code = read_rule(&p);

    if (code != EXIT_DONE)
        return code;
    if (m->is_json && !is_dry && !is_sure)
        return cli_refuse(m->cli, EXIT_TYPED_WRONG, "with --json nobody is asked: say --dry-run or --yes too");
    if (m->is_json)
        return put_ids(&p, is_dry);
    if ((is_dry || !is_sure) && (code = show(&p, is_dry)) >= 0)
        return code;
    if (!pass(&p, false, &err))
        return failed(&p, &err);
    if (p.count == 0)
        return nothing(&p);
    code = memory_put(m, buffer_append(&m->out, STR("Deleted ")) && memory_count(&m->out, p.count) &&
                             buffer_append_char(&m->out, '\n'));
    if (code == EXIT_DONE)
        fprintf(m->cli->err, "In the bin for %d days.   Back: gatehouse snapshots restore ID (list --bin)\n",
                SNAPSHOT_BIN_DAYS);
    return code;
}

int
snapshots_prune(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, prune);
}
