/* What differs between two snapshots, or two versions of one. */
#include "base/format.h"
#include "cli/lines.h"
#include "cli/snapshots/snapshots.h"
#include "services/snapshots/words.h"

enum { AROUND = 3 }; /* lines that are alike, above and below what differs */

/* "7", "7:2", "auth:2"; a colon with no number behind it is of the name. */
static int
find(struct memory *m, struct str word, struct snapshot *out)
{
    uint64_t version = 0;
    size_t   colon   = word.len;

    while (colon > 0 && word.data[colon - 1] != ':')
        colon--;
    if (colon > 1 && str_to_u64(str_skip(word, colon), &version) && version > 0 && version <= UINT32_MAX)
        word = str_take(word, colon - 1);
    else
        version = 0;
    return memory_find(m, word, (uint32_t)version, false, out);
}

/* The two that were named; of one alone, it and its version before. */
static int
find_both(struct memory *m, struct snapshot *before, struct snapshot *after)
{
    const struct args *a    = &m->cli->args;
    int                code = find(m, str_from(a->words[0]), before);

    if (code != EXIT_DONE)
        return code;
    if (a->word_count > 1)
        return find(m, str_from(a->words[1]), after);
    *after = *before;
    if (after->version > 1) {
        struct str id = arena_printf(m->arena, "%lld", (long long)after->id);
        return id.data == NULL ? memory_put(m, false) : memory_find(m, id, after->version - 1, false, before);
    }
    cli_refuse(m->cli, 0, "snapshot #%lld as it was first saved has none before it", (long long)after->id);
    cli_hint(m->cli, "With another:  gatehouse snapshots diff %lld ID", (long long)after->id);
    return EXIT_TYPED_WRONG;
}

/* All that a person sees of it, a fact a line. STR_NONE: no memory. */
static struct str
text_of(struct memory *m, const struct snapshot *s)
{
    const struct snapshot_text *t  = &s->text;
    bool                        ok = true;

    if (t->name.len > 0)
        ok = buffer_printf(&m->part, "Name: %.*s\n", STR_ARG(t->name));
    if (t->project.len > 0)
        ok = ok && buffer_printf(&m->part, "Project: %.*s\n", STR_ARG(t->project));
    for (size_t i = 0; i < t->tag_count; i++)
        ok = ok && buffer_printf(&m->part, "Tag: %.*s\n", STR_ARG(t->tags[i]));
    ok              = ok && buffer_printf(&m->part, "Importance: %d\n\n", t->importance) && prompt_write(t, &m->part);
    struct str text = ok ? arena_str(m->arena, buffer_str(&m->part)) : STR_NONE;
    buffer_reset(&m->part);
    return text;
}

static bool
put_head(struct memory *m, const char *sign, const struct snapshot *s)
{
    bool ok = buffer_printf(&m->part, "%s ", sign) && memory_title(s, &m->part) &&
              buffer_printf(&m->part, " version %u   ", s->version) && format_time(&m->part, s->changed, m->now) &&
              style_append(&m->out, m->cli->colour, STYLE_BOLD, buffer_str(&m->part)) &&
              buffer_append_char(&m->out, '\n');

    buffer_reset(&m->part);
    return ok;
}

static bool
put_line(struct memory *m, const struct line *l)
{
    enum style style = l->sign == '-' ? STYLE_RED : l->sign == '+' ? STYLE_GREEN : STYLE_PLAIN;
    bool       ok    = buffer_append_char(&m->part, l->sign) && buffer_append_printable(&m->part, l->text, true) &&
              style_append(&m->out, m->cli->colour, style, buffer_str(&m->part)) && buffer_append_char(&m->out, '\n');

    buffer_reset(&m->part);
    return ok;
}

/* To one that differs. */
static bool
is_near(const struct line *lines, size_t count, size_t i)
{
    size_t from = i < AROUND ? 0 : i - AROUND;

    for (size_t k = from; k < count && k <= i + AROUND; k++)
        if (lines[k].sign != ' ')
            return true;
    return false;
}

static bool
put_lines(struct memory *m, const struct line *lines, size_t count)
{
    bool ok = true, is_cut = false;

    for (size_t i = 0; ok && i < count; i++) {
        if (!is_near(lines, count, i)) {
            is_cut = true;
            continue;
        }
        if (is_cut)
            ok = style_append(&m->out, m->cli->colour, STYLE_DIM, STR("...")) && buffer_append_char(&m->out, '\n');
        is_cut = false;
        ok     = ok && put_line(m, &lines[i]);
    }
    return ok;
}

static bool
put_json(struct memory *m, const struct snapshot *both[2], const struct line *lines, size_t count)
{
    bool ok = buffer_printf(&m->out, "{\"before\":{\"id\":%lld,\"version\":%u},\"after\":{\"id\":%lld,\"version\":%u},",
                            (long long)both[0]->id, both[0]->version, (long long)both[1]->id, both[1]->version) &&
              buffer_append(&m->out, STR("\"lines\":["));

    for (size_t i = 0; ok && i < count; i++)
        ok = buffer_printf(&m->out, "%s\n  {\"sign\":\"%c\",\"text\":", i == 0 ? "" : ",", lines[i].sign) &&
             buffer_append_json(&m->out, lines[i].text) && buffer_append_char(&m->out, '}');
    return ok && buffer_append(&m->out, STR("]}\n"));
}

static int
diff(struct memory *m)
{
    struct snapshot        before, after;
    const struct snapshot *both[2] = {&before, &after};
    struct line           *lines   = NULL;
    size_t                 count = 0, others = 0;
    int                    code = find_both(m, &before, &after);

    if (code != EXIT_DONE)
        return code;
    struct str a = text_of(m, &before), b = text_of(m, &after);
    if (a.data == NULL || b.data == NULL || !lines_compare(a, b, m->arena, &lines, &count))
        return memory_put(m, false);
    if (m->is_json)
        return memory_put(m, put_json(m, both, lines, count));
    for (size_t i = 0; i < count; i++)
        others += lines[i].sign != ' ';
    if (others == 0)
        fprintf(m->cli->err, "They say the same.\n");
    return memory_put(m, others == 0 ||
                             (put_head(m, "---", &before) && put_head(m, "+++", &after) && put_lines(m, lines, count)));
}

int
snapshots_diff(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, diff);
}
