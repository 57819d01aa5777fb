#include "base/buffer.h"
#include "store/snapshots/search.h"

enum { TOKENS_BEFORE = EXCERPT_TOKENS / 4, BYTES_MOST = 480, BYTES_BEFORE = 120 };

/* Where tokens lie in the text. */
struct span {
    int from, to;
};

struct cutting {
    const struct found *found;
    int                 token, first, last; /* this one; those of the excerpt */
    struct span         text, hits[FOUND_HITS];
    bool                is_cut; /* tokens follow */
};

static int
on_token(void *arg, int flags, const char *token, int len, int from, int to)
{
    struct cutting *c  = arg;
    int             at = c->token++;

    (void)flags, (void)token, (void)len;
    if (at < c->first)
        return SQLITE_OK;
    c->is_cut = at > c->last;
    if (c->is_cut)
        return SQLITE_DONE;
    if (at == c->first && at > 0)
        c->text.from = from;
    c->text.to = to;
    for (int i = 0; i < c->found->count; i++) {
        if (at == c->found->hits[i].at)
            c->hits[i].from = from;
        if (at >= c->found->hits[i].at && at < c->found->hits[i].at + c->found->hits[i].len)
            c->hits[i].to = to;
    }
    return SQLITE_OK;
}

/* Back to where a character begins. */
static int
begin_of_letter(struct str text, int at)
{
    while (at > 0 && (size_t)at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* A token may be as long as a text. */
static void
bound(struct cutting *c, struct str text)
{
    int first = c->found->count > 0 ? c->hits[0].from : c->text.from;

    if (first - c->text.from > BYTES_BEFORE)
        c->text.from = begin_of_letter(text, first - BYTES_BEFORE);
    if (c->text.to - c->text.from > BYTES_MOST) {
        c->text.to = begin_of_letter(text, c->text.from + BYTES_MOST);
        c->is_cut  = true;
    }
}

static bool
write_plain(struct buffer *out, struct str text, int from, int to)
{
    bool ok = true;

    for (int i = from; ok && i < to; i++)
        ok = buffer_append_char(out, text.data[i] == '\n' || text.data[i] == '\t' ? ' ' : text.data[i]);
    return ok;
}

/* Hits that touch or overlap are one. */
static bool
write_hits(const struct cutting *c, struct str text, struct buffer *out)
{
    int  at = c->text.from;
    bool ok = true;

    for (int i = 0; ok && i < c->found->count && c->hits[i].from < c->text.to; i++) {
        int to = c->hits[i].to;
        if (to <= at)
            continue;
        for (; i + 1 < c->found->count && c->hits[i + 1].from <= to; i++)
            to = c->hits[i + 1].to > to ? c->hits[i + 1].to : to;
        int from = c->hits[i].from < at ? at : c->hits[i].from;
        to       = to > c->text.to ? c->text.to : to;
        ok       = write_plain(out, text, at, from) && buffer_append(out, STR(SNAPSHOT_HIT_BEGIN)) &&
             write_plain(out, text, from, to) && buffer_append(out, STR(SNAPSHOT_HIT_END));
        at = to;
    }
    return ok && write_plain(out, text, at, c->text.to);
}

bool
excerpt_write(struct tokens *t, struct str text, const struct found *found, struct arena *a, struct str *out,
              struct error *err)
{
    struct buffer line = {.max = KIB(4)};
    int first          = found->count == 0 || found->hits[0].at < TOKENS_BEFORE ? 0 : found->hits[0].at - TOKENS_BEFORE;
    struct cutting c   = {.found = found, .first = first, .last = first + EXCERPT_TOKENS - 1};
    bool           ok  = tokens_of(t, text, &c, on_token) == SQLITE_OK;

    if (!c.is_cut)
        c.text.to = (int)text.len;
    bound(&c, text);
    ok = ok && (c.text.from == 0 || buffer_append(&line, STR("\xe2\x80\xa6"))) && write_hits(&c, text, &line) &&
         (!c.is_cut || buffer_append(&line, STR("\xe2\x80\xa6")));
    *out = ok ? arena_str(a, buffer_str(&line)) : STR_NONE;
    ok   = ok && out->len == buffer_len(&line);
    buffer_clear(&line);
    return ok || error_set(err, ERROR_MEMORY, "no memory for an excerpt");
}
