#include "store/finder.h"

static void
want_word(void *arg, uint64_t hash)
{
    struct finder *f = arg;

    for (size_t i = 0; i < f->word_count && i < QUERY_TEXTS_MAX; i++) {
        if (f->words[i] == hash)
            return;
    }
    if (f->word_count < QUERY_TEXTS_MAX) /* else finder_init refuses */
        f->words[f->word_count] = hash;
    f->word_count++;
    f->some |= 1ULL << (hash & 63);
}

/* Without a branch, so that the compiler can do many at once. */
static void
fold(char *out, const char *in, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)in[i];
        out[i]          = (char)(c | ((unsigned char)(c - 'A') < 26) << 5);
    }
}

static bool
append_folded(struct buffer *b, struct str s)
{
    if (!buffer_reserve(b, s.len + 1))
        return false;
    fold(buffer_space(b), s.data, s.len);
    buffer_added(b, s.len);
    return true;
}

bool
finder_init(struct finder *f, const struct query *q, struct error *err)
{
    *f = (struct finder){.folded.max = BLOCK_RAW_LIMIT + MIB(1)};
    for (size_t i = 0; i < q->word_count; i++) {
        size_t before = f->word_count;
        words_of_text(q->words[i], want_word, f);
        if (f->word_count == before && before == 0)
            return error_set(err, ERROR_INVALID,
                             "\"%.*s\" holds no word: look for a part of a message (contains) instead",
                             STR_ARG(str_take(q->words[i], 60)));
    }
    if (f->word_count + q->contains_count > QUERY_TEXTS_MAX)
        return error_set(err, ERROR_INVALID, "at most %d words and texts in one search", (int)QUERY_TEXTS_MAX);
    for (; f->text_count < q->contains_count; f->text_count++) {
        struct buffer *text = &f->texts[f->text_count];
        text->max           = QUERY_CONTAINS_MAX + 64;
        if (!append_folded(text, q->contains[f->text_count]))
            return error_set(err, ERROR_MEMORY, "no memory");
    }
    f->all = (uint32_t)((1ULL << (f->word_count + f->text_count)) - 1);
    return true;
}

void
finder_clear(struct finder *f)
{
    for (size_t i = 0; i < QUERY_TEXTS_MAX; i++)
        buffer_clear(&f->texts[i]);
    buffer_clear(&f->folded);
}

bool
finder_may_match(const struct finder *f, struct str words, bool parts)
{
    size_t may = 0;

    for (size_t i = 0; i < f->word_count; i++)
        may += filter_may_hold(words, f->words[i]);
    return may == f->word_count || (parts && (may > 0 || f->text_count > 0));
}

static bool
holds(struct str text, struct str part)
{
    return part.len <= text.len && memmem(text.data, text.len, part.data, part.len) != NULL;
}

bool
finder_run_may_match(struct finder *f, struct str run, bool parts)
{
    if (f->text_count == 0 || parts)
        return true;
    buffer_reset(&f->folded);
    if (!append_folded(&f->folded, run))
        return true;
    for (size_t i = 0; i < f->text_count; i++) {
        if (!holds(buffer_str(&f->folded), buffer_str(&f->texts[i])))
            return false;
    }
    return true;
}

static void
note_word(void *arg, uint64_t hash)
{
    struct finder *f = arg;

    if ((f->some >> (hash & 63) & 1) == 0)
        return;
    for (size_t i = 0; i < f->word_count; i++) {
        if (f->words[i] == hash)
            f->found |= 1U << i;
    }
}

static void
look_for_texts(struct finder *f, const struct piece *p)
{
    if ((p->flags & PIECE_CONTINUED) == 0)
        buffer_reset(&f->folded);
    if (buffer_len(&f->folded) > CARRY_TEXT)
        buffer_consume(&f->folded, buffer_len(&f->folded) - CARRY_TEXT);
    if (!append_folded(&f->folded, p->text)) {
        f->failed = true;
        return;
    }
    for (size_t i = 0; i < f->text_count; i++) {
        uint32_t bit = 1U << (f->word_count + i);
        if ((f->found & bit) == 0 && holds(buffer_str(&f->folded), buffer_str(&f->texts[i])))
            f->found |= bit;
    }
}

uint32_t
finder_look(struct finder *f, const struct entry *e)
{
    struct word_scan scan   = {0};
    struct str       pieces = e->pieces;
    struct piece     p;

    f->found = 0;
    buffer_reset(&f->folded);
    if ((e->flags & ENTRY_CARRY) != 0) {
        scan = e->carry.words;
        f->failed |= !append_folded(&f->folded, str_of(e->carry.text, e->carry.len));
    }
    while (f->found != f->all && piece_next(&pieces, &p)) {
        if (f->word_count > 0)
            words_scan(&scan, p.text, note_word, f);
        if (f->word_count > 0 && (p.flags & PIECE_CONTINUES) == 0)
            words_end(&scan, note_word, f);
        if (f->text_count > 0)
            look_for_texts(f, &p);
    }
    return f->found;
}
