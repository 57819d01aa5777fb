#include "store/streams.h"

static const struct {
    size_t      at; /* of struct streams */
    const char *sql;
} statements[] = {
    {offsetof(struct streams, find), "SELECT id, floor FROM stream WHERE principal = ?1 AND slot = ?2"},
    {offsetof(struct streams, make), "INSERT INTO stream(principal, slot) VALUES(?1, ?2) RETURNING id, floor"},
    {offsetof(struct streams, bounds), "SELECT last FROM block WHERE id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT 1"},
    {offsetof(struct streams, tail_bounds), "SELECT max(last), sum(length(body)) FROM tail WHERE id >= ?1 AND id < ?2"},
    {offsetof(struct streams, read_tail), "SELECT id, last, body FROM tail WHERE id >= ?1 AND id < ?2 ORDER BY id"},
    {offsetof(struct streams, add_tail), "INSERT INTO tail VALUES(?1, ?2, ?3, ?4, ?5)"},
    {offsetof(struct streams, drop_tail), "DELETE FROM tail WHERE id >= ?1 AND id < ?2"},
    {offsetof(struct streams, add_block), "INSERT INTO block VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
    {offsetof(struct streams, add_body), "INSERT INTO block_body VALUES(?1, ?2)"},
    {offsetof(struct streams, add_words), "INSERT INTO block_words VALUES(?1, ?2)"},
};

bool
streams_init(struct streams *ss, sqlite3 *db, unsigned slot, struct error *err)
{
    *ss = (struct streams){.db = db, .slot = slot, .by_name = MAP_OF(struct stream *, SIZE_MAX)};
    list_init(&ss->all);
    list_init(&ss->changed);
    ss->run.max    = MIB(64);
    ss->packed.max = MIB(4);
    ss->filter.max = MIB(4);
    ss->packer     = packer_new();
    if (ss->packer == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        sqlite3_stmt *s = db_prepare(db, statements[i].sql, err);
        if (s == NULL)
            return false;
        memcpy((char *)ss + statements[i].at, &s, sizeof s);
    }
    return true;
}

void
streams_clear(struct streams *ss)
{
    if (ss->all.next == NULL)
        return;
    LIST_EACH (struct stream, s, &ss->all, all) {
        buffer_clear(&s->pending);
        list_remove(&s->all);
        free(s);
    }
    map_clear(&ss->by_name);
    packer_free(ss->packer);
    word_set_clear(&ss->words);
    buffer_clear(&ss->run);
    buffer_clear(&ss->packed);
    buffer_clear(&ss->filter);
}

static void
bind_range(sqlite3_stmt *s, int64_t stream)
{
    sqlite3_bind_int64(s, 1, stream << STREAM_SHIFT);
    sqlite3_bind_int64(s, 2, (stream + 1) << STREAM_SHIFT);
}

/* Reads where the stream stands: after a start, a rollback, or a purge by somebody else. */
static bool
stream_load(struct streams *ss, struct stream *s, struct error *err)
{
    int64_t floor;

    sqlite3_bind_text64(ss->find, 1, s->principal, s->principal_len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int(ss->find, 2, (int)ss->slot);
    sqlite3_stmt *found = ss->find;
    int           got   = db_row(found, err);
    if (got == 0) {
        found = ss->make;
        sqlite3_bind_text64(found, 1, s->principal, s->principal_len, SQLITE_STATIC, SQLITE_UTF8);
        sqlite3_bind_int(found, 2, (int)ss->slot);
        got = db_row(found, err);
    }
    if (got <= 0)
        return false;
    s->id = sqlite3_column_int64(found, 0);
    floor = sqlite3_column_int64(found, 1);
    sqlite3_reset(found);

    bind_range(ss->bounds, s->id);
    got = db_row(ss->bounds, err);
    if (got < 0)
        return false;
    s->next = got > 0 && sqlite3_column_int64(ss->bounds, 0) >= floor ? sqlite3_column_int64(ss->bounds, 0) + 1 : floor;
    sqlite3_reset(ss->bounds);

    bind_range(ss->tail_bounds, s->id);
    if (db_row(ss->tail_bounds, err) < 0)
        return false;
    if (sqlite3_column_int64(ss->tail_bounds, 0) >= s->next)
        s->next = sqlite3_column_int64(ss->tail_bounds, 0) + 1;
    ss->tails -= s->tail_bytes;
    s->tail_bytes = (size_t)sqlite3_column_int64(ss->tail_bounds, 1);
    ss->tails += s->tail_bytes;
    sqlite3_reset(ss->tail_bounds);
    s->epoch = ss->epoch;
    return true;
}

struct stream *
stream_of(struct streams *ss, struct str principal, struct error *err)
{
    struct stream **place = map_get_or_add(&ss->by_name, principal);

    if (place != NULL && *place == NULL) {
        struct stream *s = calloc(1, sizeof *s + principal.len);
        if (s != NULL) {
            memcpy(s->principal, principal.data, principal.len);
            s->principal_len = principal.len;
            s->pending.max   = STREAM_PENDING_MAX + BLOCK_RAW_LIMIT;
            s->epoch         = ss->epoch - 1;
            list_init(&s->changed);
            list_append(&ss->all, &s->all);
            *place = s;
        }
    }
    if (place == NULL || *place == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for the messages of another principal");
        return NULL;
    }
    return *place;
}

static bool
add_block(struct streams *ss, struct stream *s, int64_t first, int64_t last, struct str run, const uint64_t ids[2],
          bool parts, struct error *err)
{
    int64_t id = s->id << STREAM_SHIFT | first;

    buffer_reset(&ss->packed);
    buffer_reset(&ss->filter);
    words_of_run(run, &ss->words);
    if (!word_set_filter(&ss->words, &ss->filter))
        return error_set(err, ERROR_MEMORY, "no memory for the words of a block");
    if (!block_pack(ss->packer, run, &ss->packed, err))
        return false;
    sqlite3_bind_int64(ss->add_block, 1, id);
    sqlite3_bind_int64(ss->add_block, 2, last);
    sqlite3_bind_int64(ss->add_block, 3, (int64_t)ids[0]);
    sqlite3_bind_int64(ss->add_block, 4, (int64_t)ids[1]);
    sqlite3_bind_int64(ss->add_block, 5, (int64_t)run.len);
    sqlite3_bind_int(ss->add_block, 6, parts);
    sqlite3_bind_int64(ss->add_body, 1, id);
    db_bind_blob(ss->add_body, 2, buffer_str(&ss->packed));
    sqlite3_bind_int64(ss->add_words, 1, id);
    db_bind_blob(ss->add_words, 2, buffer_str(&ss->filter));
    return db_run(ss->add_block, err) && db_run(ss->add_body, err) && db_run(ss->add_words, err);
}

/* Entries that stand together. */
struct run {
    struct str bytes;
    int64_t    first;          /* number of the first */
    uint64_t   min_id, max_id; /* of their exchanges */
};

/* Cuts `*run` into blocks, and leaves in it what makes no good one. A last block of less than half the size packs badly
 * and needs as many words in its filter as a whole one: unless `all` must go, it waits in the tail for more. */
static bool
add_blocks(struct streams *ss, struct stream *s, struct run *run, bool all, struct error *err)
{
    struct str   rest   = run->bytes;
    struct run   block  = {.bytes = rest, .first = run->first, .min_id = UINT64_MAX};
    bool         parts  = false;
    bool         is_cut = false;
    int64_t      number = run->first;
    struct entry e;

    for (;;) {
        size_t len  = block.bytes.len - rest.len;
        bool   more = entry_next(&rest, &e);
        if (!more && is_cut && !all && len < BLOCK_MAX / 2)
            break;
        if (len > 0 && (!more || block.bytes.len - rest.len > BLOCK_MAX)) {
            const uint64_t ids[2] = {block.min_id, block.max_id};
            if (!add_block(ss, s, block.first, number - 1, str_take(block.bytes, len), ids, parts, err))
                return false;
            block  = (struct run){.bytes = str_skip(block.bytes, len), .first = number, .min_id = UINT64_MAX};
            parts  = false;
            is_cut = true;
        }
        if (!more)
            break;
        number++;
        block.min_id = e.id < block.min_id ? e.id : block.min_id;
        block.max_id = e.id > block.max_id ? e.id : block.max_id;
        parts |= (e.flags & ENTRY_PART) != 0;
    }
    *run = block;
    return true;
}

static bool
add_tail(struct streams *ss, struct stream *s, const struct run *run, struct error *err)
{
    sqlite3_bind_int64(ss->add_tail, 1, s->id << STREAM_SHIFT | run->first);
    sqlite3_bind_int64(ss->add_tail, 2, s->next - 1);
    sqlite3_bind_int64(ss->add_tail, 3, (int64_t)run->min_id);
    sqlite3_bind_int64(ss->add_tail, 4, (int64_t)run->max_id);
    db_bind_blob(ss->add_tail, 5, run->bytes);
    s->tail_bytes += run->bytes.len;
    ss->tails += run->bytes.len;
    return db_run(ss->add_tail, err);
}

/* Tail and pending entries become blocks. */
static bool
stream_roll(struct streams *ss, struct stream *s, bool all, struct error *err)
{
    int64_t first = 0;
    int     got;

    buffer_reset(&ss->run);
    bind_range(ss->read_tail, s->id);
    while (s->tail_bytes > 0 && (got = db_row(ss->read_tail, err)) != 0) {
        if (got < 0)
            return false;
        if (first == 0)
            first = sqlite3_column_int64(ss->read_tail, 0) & ((1LL << STREAM_SHIFT) - 1);
        if (!buffer_append(&ss->run, db_blob(ss->read_tail, 2))) {
            sqlite3_reset(ss->read_tail);
            return error_set(err, ERROR_MEMORY, "no memory to roll the tail");
        }
    }
    if (!buffer_append(&ss->run, buffer_str(&s->pending)))
        return error_set(err, ERROR_MEMORY, "no memory to roll the tail");
    struct run run = {.bytes = buffer_str(&ss->run), .first = first == 0 ? s->pending_first : first};
    if (!add_blocks(ss, s, &run, all, err))
        return false;
    bind_range(ss->drop_tail, s->id);
    if (s->tail_bytes > 0 && !db_run(ss->drop_tail, err))
        return false;
    ss->tails -= s->tail_bytes;
    s->tail_bytes = 0;
    return run.bytes.len == 0 || add_tail(ss, s, &run, err);
}

static bool
stream_to_tail(struct streams *ss, struct stream *s, struct error *err)
{
    const struct run run = {buffer_str(&s->pending), s->pending_first, s->first_id, s->last_id};

    return add_tail(ss, s, &run, err);
}

static bool
stream_flush(struct streams *ss, struct stream *s, struct error *err)
{
    size_t len = buffer_len(&s->pending);

    list_remove(&s->changed);
    if (len == 0)
        return true;
    bool ok = s->tail_bytes + len < BLOCK_MAX ? stream_to_tail(ss, s, err) : stream_roll(ss, s, false, err);
    buffer_reset(&s->pending);
    return ok;
}

bool
stream_append(struct streams *ss, struct stream *s, const struct entry_parts *e, int64_t *number, struct error *err)
{
    size_t len = e->head.len;

    for (size_t i = 0; i < e->count; i++)
        len += e->parts[i].len;
    if (s->epoch != ss->epoch && !stream_load(ss, s, err))
        return false;
    if (buffer_len(&s->pending) + len > STREAM_PENDING_MAX && !stream_flush(ss, s, err))
        return false;
    if (buffer_len(&s->pending) == 0) {
        s->pending_first = s->next;
        s->first_id      = UINT64_MAX;
        s->last_id       = 0;
        list_remove(&s->changed);
        list_append(&ss->changed, &s->changed);
    }
    if (!buffer_reserve(&s->pending, len) || !buffer_append(&s->pending, e->head))
        return error_set(err, ERROR_MEMORY, "no memory for an exchange's messages");
    for (size_t i = 0; i < e->count; i++)
        buffer_append(&s->pending, e->parts[i]);
    s->first_id = e->id < s->first_id ? e->id : s->first_id;
    s->last_id  = e->id > s->last_id ? e->id : s->last_id;
    *number     = s->next++;
    return true;
}

/* When all tails together are too large, the largest goes. */
static bool
roll_the_largest(struct streams *ss, struct error *err)
{
    while (ss->tails > TAILS_MAX) {
        struct stream *largest = NULL;
        LIST_EACH (struct stream, s, &ss->all, all) {
            if (s->epoch == ss->epoch && (largest == NULL || s->tail_bytes > largest->tail_bytes))
                largest = s;
        }
        if (largest == NULL || largest->tail_bytes == 0)
            return true;
        if (!stream_roll(ss, largest, true, err))
            return false;
    }
    return true;
}

bool
streams_flush(struct streams *ss, struct error *err)
{
    LIST_EACH (struct stream, s, &ss->changed, changed) {
        if (!stream_flush(ss, s, err))
            return false;
    }
    return roll_the_largest(ss, err);
}

void
streams_forget(struct streams *ss)
{
    ss->epoch++;
    LIST_EACH (struct stream, s, &ss->all, all) {
        list_remove(&s->changed);
        buffer_reset(&s->pending);
        ss->tails -= s->tail_bytes;
        s->tail_bytes = 0;
    }
    sqlite3_reset(ss->read_tail);
    word_set_clear(&ss->words);
}

bool
streams_adopt(struct streams *ss, unsigned slot, struct error *err)
{
    sqlite3_stmt *list = db_prepare(ss->db,
                                    "SELECT s.id FROM stream s WHERE s.slot = ?1 AND EXISTS(SELECT 1 FROM tail"
                                    " WHERE id >= s.id << 40 AND id < (s.id + 1) << 40)",
                                    err);
    int           got  = -1;

    if (list == NULL)
        return false;
    sqlite3_bind_int(list, 1, (int)slot);
    while ((got = db_row(list, err)) > 0) {
        struct stream orphan = {.id = sqlite3_column_int64(list, 0), .tail_bytes = 1};
        ss->tails += orphan.tail_bytes;
        if (!stream_roll(ss, &orphan, true, err)) {
            got = -1;
            break;
        }
    }
    sqlite3_finalize(list);
    return got == 0;
}
