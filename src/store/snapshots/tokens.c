#include "store/snapshots/tokens.h"

#include <stdlib.h>

#include "store/snapshots/letters.h"

struct tokens { /* what FTS5 knows as Fts5Tokenizer */
    fts5_tokenizer inner;
    Fts5Tokenizer *inner_self;
};

/* A text between two characters that stand alone is given to unicode61. */
struct passing {
    void        *arg;
    token_found *found;
    int          base; /* of that text in the whole */
};

static bool
is_ascii(const char *text, int len)
{
    for (int i = 0; i < len; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

static int
on_token(void *arg, int flags, const char *token, int len, int from, int to)
{
    struct passing *p = arg;
    char            folded[TOKEN_MOST];

    if (is_ascii(token, len)) {
        len = len > TOKEN_MOST ? TOKEN_MOST : len;
    } else {
        len   = (int)letters_fold(str_of(token, (size_t)len), folded, sizeof folded);
        token = folded;
    }
    return len == 0 ? SQLITE_OK : p->found(p->arg, flags, token, len, p->base + from, p->base + to);
}

static int
tokenize(Fts5Tokenizer *self, void *arg, int flags, const char *text, int len, token_found *found)
{
    struct tokens *t    = (struct tokens *)self;
    int            code = SQLITE_OK;

    for (int at = 0; code == SQLITE_OK && at < len;) {
        int      begin = at, width = 0;
        uint32_t c = 0;
        for (; at < len; at += width) {
            width = (int)letter_read(str_of(text + at, (size_t)(len - at)), &c);
            if (letter_stands_alone(c))
                break;
        }
        struct passing p = {arg, found, begin};
        if (at > begin)
            code = t->inner.xTokenize(t->inner_self, &p, flags, text + begin, at - begin, on_token);
        if (code == SQLITE_OK && at < len) {
            code = found(arg, 0, text + at, width, at, at + width);
            at += width;
        }
    }
    return code;
}

static void
destroy(Fts5Tokenizer *self)
{
    struct tokens *t = (struct tokens *)self;

    if (t != NULL && t->inner_self != NULL)
        t->inner.xDelete(t->inner_self);
    free(t);
}

/* The marks belong to words: what unicode61 would part there, letters_fold() drops or keeps. */
static int
create(void *api, const char **args, int arg_count, Fts5Tokenizer **out)
{
    static const char *how[] = {"remove_diacritics", "2", "categories", "L* N* Co Mn Mc"};
    struct tokens     *t     = calloc(1, sizeof *t);
    void              *inner = NULL;
    int                code  = t == NULL ? SQLITE_NOMEM : SQLITE_OK;

    (void)args;
    (void)arg_count;
    if (code == SQLITE_OK)
        code = ((fts5_api *)api)->xFindTokenizer(api, "unicode61", &inner, &t->inner);
    if (code == SQLITE_OK)
        code = t->inner.xCreate(inner, how, 4, &t->inner_self);
    if (code != SQLITE_OK) {
        free(t);
        t = NULL;
    }
    *out = (Fts5Tokenizer *)t;
    return code;
}

fts5_api *
tokens_register(sqlite3 *db, struct error *err)
{
    static fts5_tokenizer ours = {create, destroy, tokenize};
    sqlite3_stmt         *s    = NULL;
    fts5_api             *api  = NULL;

    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(s, 1, (void *)&api, "fts5_api_ptr", NULL);
        sqlite3_step(s);
    }
    sqlite3_finalize(s);
    if (api == NULL)
        error_set(err, ERROR_INTERNAL, "this SQLite has no full-text search (FTS5)");
    else if (api->xCreateTokenizer(api, "gatehouse", api, &ours, NULL) != SQLITE_OK) {
        error_set(err, ERROR_MEMORY, "no memory for the full-text search");
        api = NULL;
    }
    return api;
}

struct tokens *
tokens_new(fts5_api *api, struct error *err)
{
    Fts5Tokenizer *t = NULL;

    if (create(api, NULL, 0, &t) != SQLITE_OK)
        error_set(err, ERROR_MEMORY, "no memory for the full-text search");
    return (struct tokens *)t;
}

void
tokens_free(struct tokens *t)
{
    destroy((Fts5Tokenizer *)t);
}

int
tokens_of(struct tokens *t, struct str text, void *arg, token_found *found)
{
    int code = tokenize((Fts5Tokenizer *)t, arg, FTS5_TOKENIZE_AUX, text.data, (int)text.len, found);

    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int
count_one(void *arg, int flags, const char *token, int len, int from, int to)
{
    (void)flags, (void)token, (void)len, (void)from, (void)to;
    ++*(size_t *)arg;
    return SQLITE_OK;
}

bool
tokens_count(struct tokens *t, struct str text, size_t *count)
{
    *count = 0;
    return tokens_of(t, text, count, count_one) == SQLITE_OK;
}
