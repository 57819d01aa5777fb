#include "store/query.h"

#include "store/reader.h"

/* SQL that grows, and what is bound in it. */
struct sql {
    struct buffer text;
    struct str    texts[QUERY_MATCHES_MAX * 4];
    size_t        count;
    bool          failed;
};

static void __attribute__((format(printf, 2, 3))) add(struct sql *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    s->failed |= !buffer_vprintf(&s->text, format, args);
    va_end(args);
}

static void
add_text(struct sql *s, struct str text)
{
    if (s->count == sizeof s->texts / sizeof s->texts[0]) {
        s->failed = true;
        return;
    }
    s->texts[s->count++] = text;
    add(s, "?%zu", s->count);
}

/* "column is one of these"; nothing when there are none. */
static void
add_matches(struct sql *s, const char *before, const char *column, const struct matches *m, const char *after)
{
    if (m->count == 0)
        return;
    add(s, "%s(", before);
    for (size_t i = 0; i < m->count; i++) {
        add(s, "%s", i == 0 ? "" : " OR ");
        add(s, m->items[i].contains ? "instr(lower(%s), lower(" : "%s = ", column);
        add_text(s, m->items[i].text);
        add(s, "%s", m->items[i].contains ? "))" : "");
    }
    add(s, ")%s", after);
}

static void
add_bounds(struct sql *s, const char *column, const struct bounds *b)
{
    static const char *const ops[] = {
        [BOUND_EQ] = "=", [BOUND_GT] = ">", [BOUND_GTE] = ">=", [BOUND_LT] = "<", [BOUND_LTE] = "<="};
    bool equal = false;

    for (size_t i = 0; i < b->count; i++) {
        if (b->items[i].op == BOUND_EQ) {
            add(s, "%s%s = %lld", equal ? " OR " : " AND (", column, (long long)b->items[i].value);
            equal = true;
        }
    }
    add(s, "%s", equal ? ")" : "");
    for (size_t i = 0; i < b->count; i++) {
        if (b->items[i].op != BOUND_EQ)
            add(s, " AND %s %s %lld", column, ops[b->items[i].op], (long long)b->items[i].value);
    }
}

/* An id with these digits anywhere in it. */
static void
add_id_part(struct sql *s, struct str digits)
{
    if (digits.len == 0)
        return;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.len > 19 || digits.data[i] < '0' || digits.data[i] > '9') {
            add(s, " AND 0");
            return;
        }
    }
    add(s, " AND instr(CAST(e.id AS TEXT), '%.*s') > 0", STR_ARG(digits));
}

static const char columns[] =
    "SELECT e.id, e.kind, e.outcome, e.error_code, e.http_status, e.duration_us, e.first_byte_us, e.bytes_in,"
    " e.bytes_out, e.tokens_in, e.tokens_out, CAST(e.jsonrpc_id AS TEXT), m.text, t.text, l.server, l.session,"
    " l.principal, l.client, l.client_version, l.server_name, l.server_version, l.revision, l.transport, l.address,"
    " l.user_agent FROM exchange_row e LEFT JOIN label l ON l.id = e.label LEFT JOIN name m ON m.id = e.method"
    " LEFT JOIN name t ON t.id = e.target WHERE ";

static void
add_filters(struct sql *s, const struct query *q)
{
    static const char of_label[] = " AND e.label IN (SELECT id FROM label WHERE ";

    add_matches(s, of_label, "server", &q->server, ")");
    add_matches(s, of_label, "session", &q->session, ")");
    add_matches(s, of_label, "client", &q->client, ")");
    add_matches(s, " AND e.method IN (SELECT id FROM name WHERE ", "text", &q->method, ")");
    if (q->errors_only)
        add(s, " AND e.outcome > %d AND (e.label IS NULL OR e.label NOT IN (SELECT id FROM label WHERE %s))",
            (int)OUTCOME_OK, LABEL_OF_BRIDGE);
    add_bounds(s, "e.duration_us", &q->duration_us);
    add_bounds(s, "(e.tokens_in + e.tokens_out)", &q->tokens);
    add_id_part(s, q->id_part);
}

static int64_t
number_or(sqlite3_stmt *s, int column, int64_t none)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL ? none : sqlite3_column_int64(s, column);
}

static bool
read_row(struct reader *r, sqlite3_stmt *s, struct exchange_view *x)
{
    struct str *const texts[] = {
        &x->jsonrpc_id, &x->method,    &x->target,         &x->server,      &x->session,
        &x->principal,  &x->client,    &x->client_version, &x->server_name, &x->server_version,
        &x->revision,   &x->transport, &x->address,        &x->user_agent,
    };

    *x = (struct exchange_view){
        .id             = (uint64_t)sqlite3_column_int64(s, 0),
        .kind           = (enum exchange_kind)(sqlite3_column_int(s, 1) & 7),
        .outcome        = (enum outcome)number_or(s, 2, OUTCOME_OPEN),
        .has_error_code = sqlite3_column_type(s, 3) != SQLITE_NULL,
        .error_code     = sqlite3_column_int(s, 3),
        .http_status    = sqlite3_column_int(s, 4),
        .duration_us    = number_or(s, 5, -1),
        .first_byte_us  = number_or(s, 6, -1),
        .bytes_in       = (uint64_t)sqlite3_column_int64(s, 7),
        .bytes_out      = (uint64_t)sqlite3_column_int64(s, 8),
        .tokens_in      = (uint64_t)sqlite3_column_int64(s, 9),
        .tokens_out     = (uint64_t)sqlite3_column_int64(s, 10),
    };
    x->at = traffic_id_time(x->id);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str text = db_str(s, (int)i + 11);
        *texts[i]       = arena_str(r->arena, text);
        if (text.len > 0 && texts[i]->data == NULL)
            return false;
    }
    return true;
}

/* Reads up to ROWS_A_PAGE rows, ends the transaction, and only then hands them out. */
static bool
show_page(struct reader *r, struct sql *sql, bool (*each)(const struct exchange_view *x, void *arg), void *arg,
          size_t *shown, uint64_t *last, bool *stopped, struct error *err)
{
    struct exchange_view *page;
    sqlite3_stmt         *s     = NULL;
    size_t                count = 0;
    int                   got   = -1;

    arena_reset(r->arena);
    page = arena_alloc(r->arena, ROWS_A_PAGE * sizeof *page);
    if (page == NULL)
        error_set(err, ERROR_MEMORY, "no memory for a page of exchanges");
    else if (sql->failed || !buffer_append_char(&sql->text, '\0'))
        error_set(err, ERROR_TOO_LARGE, "the query is too large");
    else
        s = db_prepare(r->db, sql->text.data + sql->text.from, err);
    for (size_t i = 0; s != NULL && i < sql->count; i++)
        sqlite3_bind_text64(s, (int)i + 1, sql->texts[i].len == 0 ? "" : sql->texts[i].data, sql->texts[i].len,
                            SQLITE_STATIC, SQLITE_UTF8);
    while (s != NULL && (got = db_row(s, err)) > 0) {
        if (count == ROWS_A_PAGE || !read_row(r, s, &page[count])) {
            got = error_set(err, ERROR_MEMORY, "no memory for a page of exchanges") ? 0 : -1;
            break;
        }
        *last = page[count++].id;
    }
    sqlite3_finalize(s);
    for (size_t i = 0; got == 0 && i < count && !*stopped; i++) {
        ++*shown;
        *stopped = !each(&page[i], arg);
    }
    return got == 0;
}

void
query_bounds(const struct query *q, int64_t *after, int64_t *before)
{
    int64_t time_after  = q->after <= 0 ? 0 : q->after >= INT64_MAX >> 10 ? INT64_MAX : q->after << 10 | 1023;
    int64_t time_before = q->before <= 0 || q->before >= INT64_MAX >> 10 ? INT64_MAX : q->before << 10;

    *after  = q->after_id != 0 && (int64_t)q->after_id > time_after ? (int64_t)q->after_id : time_after;
    *before = q->before_id != 0 && (int64_t)q->before_id < time_before ? (int64_t)q->before_id : time_before;
}

struct listing {
    const struct query *query;
    bool (*each)(const struct exchange_view *x, void *arg);
    void  *arg;
    size_t shown;
};

static bool
list_slice(struct reader *r, int64_t after, int64_t before, bool *stop, void *arg, struct error *err)
{
    struct listing     *l = arg;
    const struct query *q = l->query;
    size_t              page, shown;
    bool                ok = true;

    do {
        struct sql sql = {.text.max = KIB(64)};
        uint64_t   last;
        page = q->limit != 0 && q->limit - l->shown < ROWS_A_PAGE ? q->limit - l->shown : ROWS_A_PAGE;
        add(&sql, "%se.id > %lld AND e.id < %lld", columns, (long long)after, (long long)before);
        add_filters(&sql, q);
        add(&sql, " ORDER BY e.id %s LIMIT %zu", q->ascending ? "" : "DESC", page);
        shown = 0;
        ok    = show_page(r, &sql, l->each, l->arg, &shown, &last, stop, err);
        buffer_clear(&sql.text);
        if (shown > 0)
            *(q->ascending ? &after : &before) = (int64_t)last;
        l->shown += shown;
        *stop |= q->limit != 0 && l->shown >= q->limit;
    } while (ok && !*stop && shown == page);
    return ok;
}

static bool
query_is_sound(const struct query *q, struct error *err)
{
    if (q->server.count > QUERY_MATCHES_MAX || q->session.count > QUERY_MATCHES_MAX ||
        q->method.count > QUERY_MATCHES_MAX || q->client.count > QUERY_MATCHES_MAX ||
        q->duration_us.count > QUERY_MATCHES_MAX || q->tokens.count > QUERY_MATCHES_MAX)
        return error_set(err, ERROR_INVALID, "at most %d values for one filter", (int)QUERY_MATCHES_MAX);
    for (size_t i = 0; i < q->contains_count; i++) {
        if (q->contains[i].len == 0 || q->contains[i].len > QUERY_CONTAINS_MAX)
            return error_set(err, ERROR_INVALID, "a text to look for has 1 to %d bytes", (int)QUERY_CONTAINS_MAX);
    }
    return true;
}

bool
query_run(struct reader *r, const struct query *q, bool (*each)(const struct exchange_view *x, void *arg), void *arg,
          struct error *err)
{
    struct listing l = {q, each, arg, 0};
    int64_t        after, before;

    if (!query_is_sound(q, err))
        return false;
    if (q->word_count + q->contains_count > 0)
        return search_run(r, q, each, arg, err);
    query_bounds(q, &after, &before);
    return reader_slices(r, after, before, q->ascending, list_slice, &l, err);
}

bool
query_rows_of(struct reader *r, const struct query *q, const uint64_t *ids, size_t count, size_t limit,
              bool (*each)(const struct exchange_view *x, void *arg), void *arg, size_t *shown, bool *stopped,
              struct error *err)
{
    struct sql sql = {.text.max = KIB(64)};
    uint64_t   last;

    add(&sql, "%se.id IN (", columns);
    for (size_t i = 0; i < count; i++)
        add(&sql, i == 0 ? "%llu" : ",%llu", (unsigned long long)ids[i]);
    add(&sql, ")");
    add_filters(&sql, q);
    add(&sql, " ORDER BY e.id %s LIMIT %zu", q->ascending ? "" : "DESC", limit);
    bool ok = show_page(r, &sql, each, arg, shown, &last, stopped, err);
    buffer_clear(&sql.text);
    return ok;
}

bool
reader_exchange(struct reader *r, uint64_t id, bool (*each)(const struct exchange_view *x, void *arg), void *arg,
                struct error *err)
{
    struct query q       = {0};
    size_t       shown   = 0;
    bool         stopped = false;

    if (!query_rows_of(r, &q, &id, 1, 1, each, arg, &shown, &stopped, err))
        return false;
    return shown == 1 || error_set(err, ERROR_NOT_FOUND, "there is no exchange %llu", (unsigned long long)id);
}
