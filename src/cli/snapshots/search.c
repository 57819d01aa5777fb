#include "base/format.h"
#include "base/log.h"
#include "cli/snapshots/snapshots.h"

enum { BEST = 20, MOST = 1000, INDENT = 4 };

#define QUERY_MAX KIB(16)

/* ---- an excerpt, within the terminal ---- */

/* Its words, wrapped. What was found stands out: by colour, else between « and ». */
struct wrapping {
    struct buffer *out;
    bool           colour;
    size_t         room, used; /* columns of a line; 0: no bound */
};

static bool
is_begin(char c)
{
    return c == SNAPSHOT_HIT_BEGIN[0];
}

static bool
is_mark(char c)
{
    return is_begin(c) || c == SNAPSHOT_HIT_END[0];
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

/* Of the UTF-8 character in front. */
static size_t
char_len(struct str s)
{
    unsigned char c   = (unsigned char)s.data[0];
    size_t        len = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return len < s.len ? len : s.len;
}

static bool
new_line(struct wrapping *w)
{
    w->used = 0;
    return buffer_printf(w->out, "\n%*s", INDENT, "");
}

static bool
put_char(struct wrapping *w, struct str c)
{
    if (is_mark(c.data[0])) {
        if (w->colour)
            return buffer_append(w->out, is_begin(c.data[0]) ? STR("\033[1m") : STR("\033[0m"));
        c = is_begin(c.data[0]) ? STR("«") : STR("»");
    }
    size_t width = text_width(c);
    if (w->room > 0 && w->used + width > w->room && !new_line(w)) /* a word that is wider than a line */
        return false;
    w->used += width;
    return buffer_append(w->out, c);
}

static size_t
word_width(const struct wrapping *w, struct str word)
{
    size_t width = 0;

    for (size_t len; word.len > 0; word = str_skip(word, len)) {
        len = char_len(word);
        width += !is_mark(word.data[0]) ? text_width(str_take(word, len)) : w->colour ? 0 : 1;
    }
    return width;
}

static bool
put_word(struct wrapping *w, struct str word)
{
    bool is_tight = w->room > 0 && w->used + 1 + word_width(w, word) > w->room;
    bool ok       = w->used == 0 || (is_tight ? new_line(w) : put_char(w, STR(" ")));

    for (size_t len; ok && word.len > 0; word = str_skip(word, len)) {
        len = char_len(word);
        ok  = put_char(w, str_take(word, len));
    }
    return ok;
}

/* Without what a terminal would obey, but for our marks. */
static bool
make_printable(struct str excerpt, struct buffer *out)
{
    bool ok = true;

    for (size_t from = 0, i = 0; ok && i <= excerpt.len; i++)
        if (i == excerpt.len || is_mark(excerpt.data[i])) {
            ok = buffer_append_printable(out, str_take(str_skip(excerpt, from), i - from), false) &&
                 (i == excerpt.len || buffer_append_char(out, excerpt.data[i]));
            from = i + 1;
        }
    return ok;
}

static bool
put_excerpt(struct memory *m, struct str excerpt)
{
    unsigned        columns = m->cli->columns;
    struct wrapping w       = {
              .out = &m->out, .colour = m->cli->colour, .room = columns > (unsigned)(2 * INDENT) ? columns - INDENT : 0};
    bool ok = make_printable(excerpt, &m->part) && buffer_printf(&m->out, "%*s", INDENT, "");

    struct str text = m->part.data == NULL ? STR("") : buffer_str(&m->part);
    for (size_t from = 0, i = 0; ok && i <= text.len; i++)
        if (i == text.len || is_space(text.data[i])) {
            ok   = i == from || put_word(&w, str_take(str_skip(text, from), i - from));
            from = i + 1;
        }
    buffer_reset(&m->part);
    return ok && buffer_append_char(&m->out, '\n');
}

/* ---- hits ---- */

/* A line: what it is. Then where it was found. */
static bool
put_hit(struct memory *m, const struct snapshot_hit *hit)
{
    const struct snapshot *s    = &hit->snapshot;
    struct buffer          line = {.max = KIB(256)};
    size_t                 room = m->cli->columns == 0 ? SIZE_MAX : m->cli->columns, used;

    bool ok = memory_title(s, &m->part) && text_cut(&line, buffer_str(&m->part), room) &&
              style_append(&m->out, m->cli->colour, STYLE_BOLD, buffer_str(&line));
    used = text_width(buffer_str(&line));
    buffer_reset(&m->part);
    buffer_reset(&line);
    ok = ok && buffer_append(&line, STR("   ")) && format_time(&line, s->changed, m->now);
    if (s->text.project.len > 0)
        ok = ok && buffer_append(&line, STR("   ")) && memory_line(&line, s->text.project);
    ok = ok && buffer_append(&line, STR("   ")) && memory_line(&line, s->text.summary) &&
         (used >= room || text_cut(&m->out, buffer_str(&line), room - used)) && buffer_append_char(&m->out, '\n');
    buffer_clear(&line);
    return ok && put_excerpt(m, hit->excerpt);
}

static int
nothing(struct memory *m, const struct snapshot_filter *filter, struct str query)
{
    struct snapshot_figures figures = {0};

    if (m->db != NULL) {
        int code = memory_no_word(m, SNAPSHOT_PROJECTS, "project", filter->project);
        code     = code >= 0 ? code : memory_no_word(m, SNAPSHOT_TAGS, "tag", filter->tag);
        if (code >= 0)
            return code;
        snapshot_figures(m->db, &figures, NULL);
    }
    if (m->is_json)
        return memory_put(m, memory_json_end(m, 0));
    if (figures.count == 0) {
        memory_invite(m);
        return EXIT_DONE;
    }
    fprintf(m->cli->err, "No snapshot has ");
    if (buffer_append_printable(&m->part, str_take(query, 200), true))
        fprintf(m->cli->err, "%.*s", STR_ARG(buffer_str(&m->part)));
    fprintf(m->cli->err, ".\n");
    cli_hint(m->cli, "Any of the words:    gatehouse snapshots search 'one OR other'");
    cli_hint(m->cli, "Beginnings of words: gatehouse snapshots search 'auth*'");
    return EXIT_DONE;
}

static bool
read_filter(struct memory *m, struct snapshot_filter *f, struct error *err)
{
    struct str limit = args_value(&m->cli->args, "limit");
    uint64_t   count = BEST;

    if (!memory_read_filter(m, f, err))
        return false;
    if (limit.data != NULL && (!str_to_u64(limit, &count) || count == 0 || count > MOST))
        return error_set(err, ERROR_INVALID, "--limit \"%.*s\" is no number from 1 to %d", STR_ARG(str_take(limit, 60)),
                         MOST);
    f->limit = (size_t)count;
    return true;
}

static int
look(struct memory *m, struct str query, const struct snapshot_filter *filter)
{
    struct snapshot_hit *hits  = NULL;
    size_t               count = 0;
    struct error         err   = {0};
    bool                 ok    = true;

    if (m->db != NULL && !snapshot_search(m->db, query, filter, m->arena, &hits, &count, &err)) {
        int code = cli_fail(m->cli, &err);
        return err.code == ERROR_INVALID ? EXIT_TYPED_WRONG : code;
    }
    if (count == 0)
        return nothing(m, filter, query);
    for (size_t i = 0; ok && i < count; i++)
        ok = m->is_json ? memory_json_next(m, i) && memory_json(m, &hits[i].snapshot, false, &hits[i])
                        : put_hit(m, &hits[i]);
    int code = memory_put(m, ok && (!m->is_json || memory_json_end(m, count)));
    if (code == EXIT_DONE && m->cli->is_terminal && !m->is_json)
        fprintf(m->cli->err, "%zu found.   One in full: gatehouse snapshots show %lld\n", count,
                (long long)hits[0].snapshot.id);
    return code;
}

static int
search(struct memory *m)
{
    const struct args     *a     = &m->cli->args;
    struct buffer          query = {.max = QUERY_MAX};
    struct snapshot_filter filter;
    struct error           err = {0};
    bool                   ok  = read_filter(m, &filter, &err);

    for (size_t i = 0; ok && i < a->word_count; i++)
        if ((i > 0 && !buffer_append_char(&query, ' ')) || !buffer_append(&query, str_from(a->words[i])))
            ok = error_set(&err, ERROR_INVALID, "that is too much to look for: at most %zu bytes", QUERY_MAX);
    int code = EXIT_TYPED_WRONG;
    if (ok)
        code = look(m, buffer_str(&query), &filter);
    else
        cli_fail(m->cli, &err);
    buffer_clear(&query);
    return code;
}

int
snapshots_search(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, search);
}
