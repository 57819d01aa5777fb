#include "store/names.h"

#include "store/labels_cache.h"

static struct str
cut(struct str s)
{
    size_t len = s.len;

    if (len <= NAME_TEXT_MAX)
        return s;
    for (len = NAME_TEXT_MAX; len > 0 && ((uint8_t)s.data[len] & 0xc0) == 0x80; len--)
        ;
    return str_take(s, len);
}

void
names_forget(struct writer *w)
{
    map_clear(&w->names);
    w->name_bytes = 0;
}

static void
remember(struct writer *w, struct str text, int64_t id)
{
    if (w->names.count >= NAMES_MAX || w->name_bytes + text.len > NAMES_BYTES_MAX)
        names_forget(w);
    int64_t *place = map_get_or_add(&w->names, text);
    if (place == NULL)
        return;
    *place = id;
    w->name_bytes += text.len;
}

bool
name_id(struct writer *w, struct str text, int64_t *id, struct error *err)
{
    text = cut(text);
    *id  = 0;
    if (text.len == 0)
        return true;
    int64_t *known = map_get(&w->names, text);
    if (known != NULL) {
        *id = *known;
        return true;
    }
    db_bind_str(w->find_name, 1, text);
    int got = db_row(w->find_name, err);
    if (got < 0)
        return false;
    if (got > 0) {
        *id = sqlite3_column_int64(w->find_name, 0);
        sqlite3_reset(w->find_name);
    } else {
        db_bind_str(w->add_name, 1, text);
        if (!db_run(w->add_name, err))
            return false;
        *id = sqlite3_last_insert_rowid(w->db);
    }
    remember(w, text, *id);
    return true;
}

/* FNV-1a over the texts and their ends: the same in every process, unlike hash_bytes. */
static int64_t
labels_hash(const struct str *texts)
{
    uint64_t hash = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < LABEL_TEXTS; i++) {
        for (size_t k = 0; k < texts[i].len; k++)
            hash = (hash ^ (uint8_t)texts[i].data[k]) * 0x100000001b3ULL;
        hash = (hash ^ 0x100) * 0x100000001b3ULL;
    }
    return (int64_t)(hash >> 16); /* 48 bits are enough, and shorter */
}

static bool
is_row_of(sqlite3_stmt *row, const struct str *texts)
{
    for (size_t i = 0; i < LABEL_TEXTS; i++) {
        if (!str_eq(db_str(row, (int)i + 1), texts[i]))
            return false;
    }
    return true;
}

bool
labels_resolve(struct writer *w, struct labels *l, struct error *err)
{
    const struct str *texts = (const struct str *)(const void *)&l->texts;
    int               got;

    if (l->epoch == w->epoch)
        return true;
    int64_t hash = labels_hash(texts);
    l->row       = 0;
    sqlite3_bind_int64(w->find_label, 1, hash);
    while (l->row == 0 && (got = db_row(w->find_label, err)) != 0) {
        if (got < 0)
            return false;
        if (is_row_of(w->find_label, texts))
            l->row = sqlite3_column_int64(w->find_label, 0);
    }
    sqlite3_reset(w->find_label);
    if (l->row == 0) {
        sqlite3_bind_int64(w->add_label, 1, hash);
        for (size_t i = 0; i < LABEL_TEXTS; i++)
            db_bind_str(w->add_label, (int)i + 2, texts[i]);
        if (!db_run(w->add_label, err))
            return false;
        l->row = sqlite3_last_insert_rowid(w->db);
    }
    l->stream = stream_of(&w->streams, l->texts.principal, err);
    if (l->stream == NULL)
        return false;
    l->epoch = w->epoch;
    return true;
}
