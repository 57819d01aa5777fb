#include "store/capture.h"

#include "store/labels_cache.h"
#include "store/names.h"

/* A record's pieces, over its chunks. The first of a record may go on with a message that began in an earlier one,
 * which whoever filled it could not know. */
struct pieces {
    const struct chunk *chunk; /* of `rest` */
    struct str          rest;
    bool                continued;
};

static struct pieces
pieces_from(const struct chunk *first, bool continued)
{
    return (struct pieces){first, str_of(first->data, first->len), continued};
}

static bool
pieces_next(struct pieces *it, struct piece *p)
{
    while (it->rest.len == 0 && it->chunk->next != NULL) {
        it->chunk = it->chunk->next;
        it->rest  = str_of(it->chunk->data, it->chunk->len);
    }
    if (it->chunk->size == CHUNK_LENT ? !piece_with_text(&it->rest, it->chunk->text, p) : !piece_next(&it->rest, p))
        return false;
    if (it->continued)
        p->flags |= PIECE_CONTINUED;
    it->continued = false;
    return true;
}

/* What the messages say: the request's tokens, and the last message of the server. */
static void
read_messages(const struct record *r, struct open_exchange *x)
{
    bool call = str_eq(r->facts.method, STR("tools/call"));
    bool quick =
        !call && !str_eq(r->facts.method, STR("resources/read")) && !str_eq(r->facts.method, STR("prompts/get"));
    struct pieces it        = pieces_from(r->first, x->continued);
    struct pieces last      = it, before;
    bool          answering = false;
    struct piece  p;

    for (before = it; pieces_next(&it, &p); before = it) {
        if ((p.flags & PIECE_FROM_SERVER) == 0) {
            if (call && !x->request_seen)
                answer_scan(&x->request, p.text);
            x->request_seen |= (p.flags & PIECE_CONTINUES) == 0;
            continue;
        }
        if ((p.flags & PIECE_CONTINUED) == 0) {
            x->answer = (struct answer){.quick = quick};
            last      = before;
            answering = true;
        } else if (!answering) {
            last      = before;
            answering = true;
        }
    }
    while (answering && pieces_next(&last, &p)) {
        if ((p.flags & PIECE_FROM_SERVER) != 0)
            answer_scan(&x->answer, p.text);
    }
}

static size_t
add_parts(struct str *parts, size_t count, const char *data, size_t len, struct str text)
{
    parts[count++] = str_of(data, len);
    if (text.len > 0)
        parts[count++] = text;
    return count;
}

/* Writes the chunks from `first` to before `end` as one entry. */
static bool
add_entry(struct writer *w, const struct record *r, struct open_exchange *x, const struct chunk *first,
          const struct chunk *end, bool part, int64_t *number, struct error *err)
{
    enum { PARTS_MAX = BLOCK_MAX / 8192 };
    struct str parts[2 * PARTS_MAX + 2]; /* a chunk has two at most */
    size_t     count = 0, len = 0;
    char       head[ENTRY_HEAD_MAX];
    char       flags = first->data[0];

    if (x->continued) { /* the first byte of a chunk is the flags of its first piece */
        flags          = (char)(flags | PIECE_CONTINUED);
        parts[count++] = str_of(&flags, 1);
        count          = add_parts(parts, count, first->data + 1, first->len - 1, first->text);
        len            = chunk_len(first);
        first          = first->next;
    }
    for (const struct chunk *c = first; c != end; c = c->next) {
        count = add_parts(parts, count, c->data, c->len, c->text);
        len += chunk_len(c);
    }
    size_t head_len = entry_head(head, r->id, part ? ENTRY_PART : 0, x->continued ? &x->carry : NULL, len);
    return stream_append(&w->streams, r->labels->stream,
                         &(struct entry_parts){str_of(head, head_len), parts, count, r->id}, number, err);
}

static void
carry_on(struct open_exchange *x, const struct chunk *first, const struct chunk *end)
{
    struct pieces it = pieces_from(first, x->continued);
    struct piece  p;

    while (it.chunk != end && pieces_next(&it, &p)) {
        if (it.chunk == end)
            break;
        carry_over(&x->carry, &p);
        x->continued = (p.flags & PIECE_CONTINUES) != 0;
    }
}

/* The first chunk stays empty when the first message is large. */
static const struct chunk *
first_filled(const struct record *r)
{
    return r->first->len == 0 ? r->first->next : r->first;
}

/* All entries of one record follow each other in the stream. */
static bool
add_entries(struct writer *w, const struct record *r, struct open_exchange *x, int64_t *number, int64_t *count,
            struct error *err)
{
    bool    part = !r->facts.final || x->has_messages;
    int64_t next;

    *count = 0;
    for (const struct chunk *first = first_filled(r), *end; first != NULL; first = end) {
        size_t len  = 0;
        size_t many = 0;
        for (end = first; end != NULL && (len == 0 || (len + chunk_len(end) <= BLOCK_MAX && many < BLOCK_MAX / 8192));
             many++) {
            len += chunk_len(end);
            end = end->next;
        }
        part |= end != NULL;
        if (!add_entry(w, r, x, first, end, part, &next, err))
            return false;
        *number = *count == 0 ? next : *number;
        ++*count;
        if (part)
            carry_on(x, first, end);
    }
    return true;
}

/* A number as a number when that loses nothing: rows are smaller. */
static void
bind_jsonrpc_id(sqlite3_stmt *s, int at, struct str id)
{
    int64_t number;
    char    again[24];

    if (id.len > 0 && id.len < 19 && str_to_i64(id, &number)) {
        int len = snprintf(again, sizeof again, "%lld", (long long)number);
        if (str_eq(id, str_of(again, (size_t)len))) {
            sqlite3_bind_int64(s, at, number);
            return;
        }
    }
    db_bind_str(s, at, id);
}

static void
bind_known(sqlite3_stmt *s, int at, bool known, int64_t value)
{
    if (known)
        sqlite3_bind_int64(s, at, value);
    else
        sqlite3_bind_null(s, at);
}

static enum outcome
outcome_of(const struct exchange_facts *f, const struct answer *a)
{
    if (!f->final)
        return OUTCOME_OPEN;
    if (f->outcome != OUTCOME_OF_ANSWER)
        return f->outcome;
    if (a->has_error || a->is_error)
        return OUTCOME_ERROR;
    if (a->has_result)
        return OUTCOME_OK;
    return f->http_status >= 200 && f->http_status < 300 ? OUTCOME_OK : OUTCOME_ERROR;
}

/* The columns that a new row and a later record share. */
static bool
bind_row(struct writer *w, sqlite3_stmt *s, const struct record *r, const struct open_exchange *x, struct error *err)
{
    const struct exchange_facts *f       = &r->facts;
    enum outcome                 outcome = outcome_of(f, &x->answer);
    bool    coded = f->has_error_code || (f->final && outcome == OUTCOME_ERROR && x->answer.has_code);
    int64_t method, target;

    if (!name_id(w, f->method, &method, err) || !name_id(w, f->target, &target, err))
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)r->id);
    sqlite3_bind_int64(s, 2, r->labels->row);
    bind_known(s, 3, method != 0, method);
    bind_known(s, 4, target != 0, target);
    bind_jsonrpc_id(s, 5, f->jsonrpc_id);
    sqlite3_bind_int(s, 6, (int)f->kind);
    bind_known(s, 7, outcome != OUTCOME_OPEN, outcome);
    bind_known(s, 8, coded, f->has_error_code ? f->error_code : x->answer.code);
    bind_known(s, 9, f->http_status != 0, f->http_status);
    bind_known(s, 10, f->duration_us >= 0 && f->final, f->duration_us);
    bind_known(s, 11, f->first_byte_us >= 0, f->first_byte_us);
    sqlite3_bind_int64(s, 12, (int64_t)r->bytes_in);
    sqlite3_bind_int64(s, 13, (int64_t)r->bytes_out);
    sqlite3_bind_int64(s, 14, (int64_t)answer_tokens_in(&x->request));
    sqlite3_bind_int64(s, 15, x->answer.quick ? 0 : (int64_t)answer_tokens_out(&x->answer));
    return true;
}

static bool
add_row(struct writer *w, const struct record *r, const struct open_exchange *x, int64_t number, int64_t count,
        struct error *err)
{
    if (!bind_row(w, w->add_row, r, x, err))
        return false;
    bind_known(w->add_row, 16, count > 0, number);
    bind_known(w->add_row, 17, count > 0, count);
    return db_run(w->add_row, err);
}

static bool
update_row(struct writer *w, const struct record *r, struct open_exchange *x, int64_t number, int64_t count,
           struct error *err)
{
    if (!bind_row(w, w->update_row, r, x, err) || !db_run(w->update_row, err))
        return false;
    if (sqlite3_changes(w->db) == 0) { /* purged meanwhile: what goes on begins anew */
        x->has_row = false;
        return add_row(w, r, x, number, count, err);
    }
    if (count == 0)
        return true;
    sqlite3_bind_int64(w->add_more, 1, (int64_t)r->id);
    sqlite3_bind_int64(w->add_more, 2, number);
    sqlite3_bind_int64(w->add_more, 3, count);
    return db_run(w->add_more, err);
}

bool
capture_record(struct writer *w, const struct record *r, struct error *err)
{
    struct open_exchange  alone  = {0};
    struct open_exchange *x      = w->open.count > 0 ? map_get(&w->open, MAP_KEY_U64(r->id)) : NULL;
    bool                  first  = x == NULL;
    int64_t               number = 0, count = 0;

    if (first && !r->facts.final)
        x = map_get_or_add(&w->open, MAP_KEY_U64(r->id));
    if (x == NULL)
        x = &alone; /* one record alone; or too many are open: then its later records find the row there */
    read_messages(r, x);
    if (!add_entries(w, r, x, &number, &count, err))
        return false;
    bool ok = x->has_row ? update_row(w, r, x, number, count, err) : add_row(w, r, x, number, count, err);
    if (!ok && !x->has_row && sqlite3_errcode(w->db) == SQLITE_CONSTRAINT_PRIMARYKEY)
        ok = update_row(w, r, x, number, count, err);
    if (ok && (first || !x->has_row) && !r->facts.final) {
        sqlite3_bind_int64(w->add_open, 1, (int64_t)r->id);
        ok = db_run(w->add_open, err);
    } else if (ok && !first && r->facts.final) {
        sqlite3_bind_int64(w->drop_open, 1, (int64_t)r->id);
        ok = db_run(w->drop_open, err);
    }
    x->has_row = true;
    x->has_messages |= count > 0;
    return ok; /* a final one is forgotten once it is committed: writer_written */
}

void
capture_skip(struct writer *w, const struct record *r)
{
    struct open_exchange *x = r->facts.final ? NULL : map_get_or_add(&w->open, MAP_KEY_U64(r->id));

    if (x == NULL) /* nothing follows; or too many are open */
        return;
    read_messages(r, x);
    carry_on(x, first_filled(r), NULL);
    x->has_messages = true; /* elsewhere, if nowhere */
    x->has_row      = false;
}
