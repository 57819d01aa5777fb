#include "base/format.h"
#include "base/log.h"
#include "cli/snapshots/snapshots.h"
#include "services/snapshots/words.h"

/* ---- one in full ---- */

static bool
put_field(struct buffer *out, const char *before, struct str text)
{
    return text.len == 0 || (buffer_append(out, str_from(before)) && memory_line(out, text));
}

/* Who saved it when, and how it may be found: what stands above the text. */
static bool
put_head(struct memory *m, const struct snapshot *s)
{
    struct buffer *out = &m->out;
    bool ok = memory_title(s, &m->part) && style_append(out, m->cli->colour, STYLE_BOLD, buffer_str(&m->part));

    buffer_reset(&m->part);
    ok = ok && put_field(out, "   ", s->text.project) && buffer_append(out, STR("   ")) &&
         format_time(out, s->changed, m->now) && put_field(out, "   ", s->origin.client) &&
         put_field(out, " ", s->origin.client_version) && put_field(out, " through ", s->origin.server) &&
         buffer_append_char(out, '\n');
    if (s->deleted != 0)
        ok = ok && buffer_append(out, STR("  in the bin since ")) && format_time(out, s->deleted, m->now) &&
             buffer_append_char(out, '\n');
    if (s->version > 1)
        ok = ok && buffer_printf(out, "  version %u; first saved ", s->version) &&
             format_time(out, s->created, m->now) && buffer_append_char(out, '\n');
    ok = ok && buffer_printf(out, "  importance %d", s->text.importance) && memory_tags(s, &m->part) &&
         put_field(out, "   tags ", buffer_str(&m->part)) &&
         buffer_printf(out, "   %llu tokens\n\n", (unsigned long long)words_tokens(s->text.prompt));
    buffer_reset(&m->part);
    return ok;
}

static bool
put_text(struct buffer *out, struct str text)
{
    return buffer_append_printable(out, text, false) && (str_ends(text, STR("\n")) || buffer_append_char(out, '\n'));
}

static bool
put_compact(struct memory *m, const struct snapshot *s, uint64_t max_tokens)
{
    bool ok = compact_write(s, max_tokens, &m->part) && put_text(&m->out, buffer_str(&m->part));

    buffer_reset(&m->part);
    return ok;
}

/* The newest of all or of a project, or what the word says. */
static int
find(struct memory *m, uint32_t version, struct snapshot *s)
{
    const struct args    *a     = &m->cli->args;
    struct snapshot_which which = {.project = args_value(a, "project")};
    struct error          err   = {0};

    if (a->word_count > 0)
        return memory_find(m, str_from(a->words[0]), version, args_has(a, "bin"), s);
    if (m->db == NULL)
        memory_invite(m);
    if (m->db == NULL)
        return EXIT_NOT_FOUND;
    if (snapshot_load(m->db, &which, m->arena, s, &err))
        return EXIT_DONE;
    if (err.code != ERROR_NOT_FOUND)
        return cli_fail(m->cli, &err);
    if (memory_no_word(m, SNAPSHOT_PROJECTS, "project", which.project) < 0)
        memory_invite(m);
    return EXIT_NOT_FOUND;
}

/* A snapshot of the old server's first version has none: it is made as it would have been. */
static bool
need_prompt(struct memory *m, struct snapshot *s)
{
    if (str_trim(s->text.prompt).len > 0)
        return true;
    s->text.prompt = prompt_write(&s->text, &m->part) ? arena_str(m->arena, buffer_str(&m->part)) : STR_NONE;
    buffer_reset(&m->part);
    return s->text.prompt.data != NULL;
}

static bool
read_number(const struct memory *m, const char *option, uint64_t most, uint64_t *number, struct error *err)
{
    struct str text = args_value(&m->cli->args, option);

    if (text.data == NULL || (str_to_u64(text, number) && *number > 0 && *number <= most))
        return true;
    return error_set(err, ERROR_INVALID, "--%s \"%.*s\" is no number from 1 on", option, STR_ARG(str_take(text, 60)));
}

static int
show(struct memory *m)
{
    const struct args *a       = &m->cli->args;
    uint64_t           version = 0, tokens = 0;
    struct snapshot    s;
    struct error       err = {0};

    bool ok = read_number(m, "version", UINT32_MAX, &version, &err) &&
              read_number(m, "max-tokens", UINT32_MAX, &tokens, &err);
    if (ok && version != 0 && a->word_count == 0)
        ok = error_set(&err, ERROR_INVALID, "--version needs an id: gatehouse snapshots show ID --version %u",
                       (unsigned)version);
    if (ok && args_has(a, "project") && a->word_count > 0)
        ok = error_set(&err, ERROR_INVALID, "--project shows the newest of it: leave \"%s\" out", a->words[0]);
    if (!ok) {
        cli_fail(m->cli, &err);
        return EXIT_TYPED_WRONG;
    }
    int code = find(m, (uint32_t)version, &s);
    if (code != EXIT_DONE)
        return code;
    if (m->is_json)
        return memory_put(m, memory_json(m, &s, true, NULL) && buffer_append_char(&m->out, '\n'));
    if (!need_prompt(m, &s))
        return memory_put(m, false);
    if (args_has(a, "raw") && tokens == 0)
        return memory_put(m, buffer_append(&m->out, s.text.prompt));
    if (args_has(a, "raw"))
        return memory_put(m, compact_write(&s, tokens, &m->out));
    return memory_put(m,
                      put_head(m, &s) && (tokens > 0 ? put_compact(m, &s, tokens) : put_text(&m->out, s.text.prompt)));
}

int
snapshots_show(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, show);
}
