/* What there is: servers, sessions, clients, methods, and their figures. First the labels are put into groups (by
 * server, by server and session, by client and version), then all rows are counted by label in one pass, in slices,
 * newest first.
 */
#include "base/map.h"
#include "store/reader.h"

enum { GROUPS_MAX = 1 << 20, LABELS_MAX = 1 << 24 };

struct group {
    struct str a, b;
    uint64_t   count, errors, sessions;
    uint64_t   first, last; /* ids; last 0: none */
    int64_t   *recent;      /* durations of the newest answered calls, STATS_RECENT at most; NULL: not wanted */
    size_t     recent_count;
};

struct counting {
    struct reader *reader;
    struct arena  *arena;    /* texts and durations */
    struct map     by_texts; /* a, NUL, b -> uint32_t index in groups */
    struct group  *groups;
    size_t         group_count, group_room;
    uint32_t      *group_of; /* by label; 0: none, else index + 1 */
    size_t         label_room;
    bool           wants_recent, by_method;
};

static bool
no_memory(struct error *err)
{
    return error_set(err, ERROR_MEMORY, "no memory to count the exchanges");
}

/* A zeroed array, grown to hold index `at`. NULL: no memory, or over `max`; the array is as it was. */
static void *
grown(void *items, size_t *room, size_t at, size_t size, size_t max)
{
    size_t fresh = *room == 0 ? 64 : *room;

    if (at < *room)
        return items;
    while (fresh <= at)
        fresh *= 2;
    char *more = fresh > max ? NULL : realloc(items, fresh * size);
    if (more == NULL)
        return NULL;
    memset(more + *room * size, 0, (fresh - *room) * size);
    *room = fresh;
    return more;
}

/* The group of two texts, made when new; -1: no memory. */
static int64_t
group_of(struct counting *c, struct str a, struct str b)
{
    struct buffer key   = {.max = KIB(16)};
    int64_t       index = -1;
    uint32_t     *place = NULL;
    struct group *groups;

    if (buffer_append(&key, a) && buffer_append_char(&key, '\0') && buffer_append(&key, b))
        place = map_get_or_add(&c->by_texts, buffer_str(&key));
    if (place != NULL && *place == 0 &&
        (groups = grown(c->groups, &c->group_room, c->group_count, sizeof *groups, GROUPS_MAX)) != NULL) {
        struct group *g = &groups[c->group_count];
        c->groups       = groups;
        g->a            = arena_str(c->arena, a);
        g->b            = arena_str(c->arena, b);
        if (c->wants_recent)
            g->recent = arena_alloc(c->arena, STATS_RECENT * sizeof *g->recent);
        *place = (uint32_t)++c->group_count;
    }
    if (place != NULL && *place != 0)
        index = *place - 1;
    buffer_clear(&key);
    return index;
}

/* `sql` gives id, text, text of the table whose ids the rows carry. */
static bool
load_groups(struct counting *c, const char *sql, struct str bound, struct error *err)
{
    sqlite3_stmt *s   = db_prepare(c->reader->db, sql, err);
    int           got = -1;

    if (s != NULL && bound.len > 0)
        db_bind_str(s, 1, bound);
    while (s != NULL && (got = db_row(s, err)) > 0) {
        int64_t   id    = sqlite3_column_int64(s, 0);
        int64_t   index = group_of(c, db_str(s, 1), db_str(s, 2));
        uint32_t *of    = index < 0 || id < 0 || id >= LABELS_MAX
                              ? NULL
                              : grown(c->group_of, &c->label_room, (size_t)id, sizeof *of, LABELS_MAX);
        if (of == NULL) {
            no_memory(err);
            got = -1;
            break;
        }
        c->group_of     = of;
        c->group_of[id] = (uint32_t)index + 1;
    }
    sqlite3_finalize(s);
    return got == 0;
}

static void
count_row(struct group *g, sqlite3_stmt *s)
{
    uint64_t id      = (uint64_t)sqlite3_column_int64(s, 0);
    int      outcome = sqlite3_column_int(s, 2);

    g->count++;
    g->errors += outcome > OUTCOME_OK;
    g->last  = id > g->last ? id : g->last;
    g->first = g->first == 0 || id < g->first ? id : g->first;
    if (g->recent != NULL && g->recent_count < STATS_RECENT && sqlite3_column_type(s, 3) != SQLITE_NULL)
        g->recent[g->recent_count++] = sqlite3_column_int64(s, 3);
}

static bool
count_slice(struct reader *r, int64_t after, int64_t before, bool *stop, void *arg, struct error *err)
{
    struct counting *c = arg;
    char             sql[200];
    int              got = -1;

    (void)stop;
    snprintf(sql, sizeof sql,
             "SELECT id, %s, outcome, duration_us FROM exchange_row WHERE id > %lld AND id < %lld ORDER BY id DESC",
             c->by_method ? "method" : "label", (long long)after, (long long)before);
    sqlite3_stmt *s = db_prepare(r->db, sql, err);
    while (s != NULL && (got = db_row(s, err)) > 0) {
        int64_t key = sqlite3_column_int64(s, 1);
        if (key > 0 && (size_t)key < c->label_room && c->group_of[key] != 0)
            count_row(&c->groups[c->group_of[key] - 1], s);
    }
    sqlite3_finalize(s);
    return got == 0;
}

static bool
counting_init(struct counting *c, struct reader *r, struct error *err)
{
    *c =
        (struct counting){.reader = r, .by_texts = MAP_OF(uint32_t, GROUPS_MAX), .arena = arena_new(KIB(64), MIB(512))};
    return c->arena != NULL || no_memory(err);
}

static void
counting_clear(struct counting *c)
{
    map_clear(&c->by_texts);
    if (c->arena != NULL)
        arena_free(c->arena);
    free(c->groups);
    free(c->group_of);
}

static int
compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int
compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    int                 order = str_compare(x->a, y->a);

    return order != 0 ? order : str_compare(x->b, y->b);
}

/* The newest end first. */
static int
compare_ends(const void *a, const void *b)
{
    const struct group *x = a, *y = b;

    return x->last < y->last ? 1 : x->last > y->last ? -1 : 0;
}

/* Counts everything and puts the groups in order; those without a row stay in, with no count. */
static bool
count_all(struct counting *c, int (*order)(const void *, const void *), struct error *err)
{
    if (!reader_slices(c->reader, 0, INT64_MAX, false, count_slice, c, err))
        return false;
    if (c->group_count > 0)
        qsort(c->groups, c->group_count, sizeof *c->groups, order);
    return true;
}

bool
reader_servers(struct reader *r, bool (*each)(const struct server_view *v, void *arg), void *arg, struct error *err)
{
    static const char sql[] =
        "SELECT id, server, NULL FROM label WHERE server IS NOT NULL AND " LABEL_OF_BRIDGE " IS NOT TRUE";
    struct counting c;
    bool            ok = counting_init(&c, r, err);

    c.wants_recent = true;
    ok             = ok && load_groups(&c, sql, STR_NONE, err) && count_all(&c, compare_groups, err);
    for (size_t i = 0; ok && i < c.group_count; i++) {
        struct group *g = &c.groups[i];
        if (g->recent_count > 0)
            qsort(g->recent, g->recent_count, sizeof *g->recent, compare_numbers);
        struct server_view v = {
            .server = g->a,
            .count  = g->count,
            .errors = g->errors,
            .p50_us = g->recent_count > 0 ? g->recent[(g->recent_count - 1) / 2] : -1,
            .last   = traffic_id_time(g->last),
        };
        if (g->count > 0 && !each(&v, arg))
            break;
    }
    counting_clear(&c);
    return ok;
}

bool
reader_sessions(struct reader *r, struct str server, bool (*each)(const struct session_view *v, void *arg), void *arg,
                struct error *err)
{
    const char *sql = server.len > 0 ? "SELECT id, server, session FROM label WHERE session IS NOT NULL AND server = ?1"
                                     : "SELECT id, server, session FROM label WHERE session IS NOT NULL";
    struct counting c;
    bool ok = counting_init(&c, r, err) && load_groups(&c, sql, server, err) && count_all(&c, compare_ends, err);

    for (size_t i = 0; ok && i < c.group_count; i++) {
        struct group       *g = &c.groups[i];
        struct session_view v = {g->a, g->b, traffic_id_time(g->first), traffic_id_time(g->last), g->count};
        if (g->count > 0 && !each(&v, arg))
            break;
    }
    counting_clear(&c);
    return ok;
}

/* How many different sessions each client had. */
static bool
count_sessions(struct counting *c, struct error *err)
{
    static const char sql[] = "SELECT client, client_version, count(DISTINCT server || char(0) || session) FROM label"
                              " WHERE client IS NOT NULL AND session IS NOT NULL GROUP BY client, client_version";
    sqlite3_stmt     *s     = db_prepare(c->reader->db, sql, err);
    int               got   = -1;

    while (s != NULL && (got = db_row(s, err)) > 0) {
        int64_t index = group_of(c, db_str(s, 0), db_str(s, 1));
        if (index >= 0)
            c->groups[index].sessions = (uint64_t)sqlite3_column_int64(s, 2);
    }
    sqlite3_finalize(s);
    return got == 0;
}

bool
reader_clients(struct reader *r, bool (*each)(const struct client_view *v, void *arg), void *arg, struct error *err)
{
    static const char sql[] = "SELECT id, client, client_version FROM label WHERE client IS NOT NULL";
    struct counting   c;
    bool ok = counting_init(&c, r, err) && load_groups(&c, sql, STR_NONE, err) && count_sessions(&c, err) &&
              count_all(&c, compare_groups, err);

    for (size_t i = 0; ok && i < c.group_count; i++) {
        struct group      *g = &c.groups[i];
        struct client_view v = {g->a, g->b, g->count, g->sessions};
        if (g->count > 0 && !each(&v, arg))
            break;
    }
    counting_clear(&c);
    return ok;
}

/* Of one server: the database counts, for a row has two keys then. */
struct methods_of {
    struct counting *counting;
    struct str       server;
};

static bool
count_methods(struct reader *r, int64_t after, int64_t before, bool *stop, void *arg, struct error *err)
{
    static const char sql[] =
        "SELECT n.text, count(*) FROM exchange_row e JOIN name n ON n.id = e.method WHERE e.id > ?2"
        " AND e.id < ?3 AND e.label IN (SELECT id FROM label WHERE server = ?1) GROUP BY e.method";
    struct methods_of *m   = arg;
    sqlite3_stmt      *s   = db_prepare(r->db, sql, err);
    int                got = -1;

    (void)stop;
    if (s == NULL)
        return false;
    db_bind_str(s, 1, m->server);
    sqlite3_bind_int64(s, 2, after);
    sqlite3_bind_int64(s, 3, before);
    while ((got = db_row(s, err)) > 0) {
        int64_t index = group_of(m->counting, db_str(s, 0), STR_NONE);
        if (index >= 0)
            m->counting->groups[index].count += (uint64_t)sqlite3_column_int64(s, 1);
    }
    sqlite3_finalize(s);
    return got == 0;
}

static bool
methods_of(struct counting *c, struct str server, struct error *err)
{
    struct methods_of m = {c, server};

    if (!reader_slices(c->reader, 0, INT64_MAX, false, count_methods, &m, err))
        return false;
    if (c->group_count > 0)
        qsort(c->groups, c->group_count, sizeof *c->groups, compare_groups);
    return true;
}

bool
reader_methods(struct reader *r, struct str server, bool (*each)(const struct method_view *v, void *arg), void *arg,
               struct error *err)
{
    struct counting c;
    bool            ok = counting_init(&c, r, err);

    c.by_method = true;
    if (ok && server.len > 0)
        ok = methods_of(&c, server, err);
    else
        ok = ok && load_groups(&c, "SELECT id, text, NULL FROM name", STR_NONE, err) &&
             count_all(&c, compare_groups, err);
    for (size_t i = 0; ok && i < c.group_count; i++) {
        struct method_view v = {c.groups[i].a, c.groups[i].count};
        if (v.count > 0 && !each(&v, arg))
            break;
    }
    counting_clear(&c);
    return ok;
}

bool
reader_lost(struct reader *r, wall_time after, uint64_t *lost, struct error *err)
{
    char    sql[80];
    int64_t sum;

    snprintf(sql, sizeof sql, "SELECT sum(lost) FROM gap WHERE to_us > %lld", (long long)after);
    bool ok = db_number(r->db, sql, 0, &sum, err);
    *lost   = (uint64_t)sum;
    return ok;
}

bool
reader_totals(struct reader *r, struct totals *out, struct error *err)
{
    int64_t count, first, last, lost, pages;

    if (!db_number(r->db, "SELECT count(*) FROM exchange_row", 0, &count, err) ||
        !db_number(r->db, "SELECT min(id) FROM exchange_row", 0, &first, err) ||
        !db_number(r->db, "SELECT max(id) FROM exchange_row", 0, &last, err) ||
        !db_number(r->db, "SELECT sum(lost) FROM gap", 0, &lost, err) ||
        !db_number(r->db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", 0, &pages, err))
        return false;
    *out = (struct totals){
        .count      = (uint64_t)count,
        .first      = traffic_id_time((uint64_t)first),
        .last       = traffic_id_time((uint64_t)last),
        .file_bytes = (uint64_t)pages,
        .lost       = (uint64_t)lost,
    };
    return true;
}
