#include "api/log_query.h"

#include "api/parameters.h"
#include "base/nearest.h"

enum { DURATION_MAX_MS = 1000000000 };

struct filter;
typedef bool taker(struct log_query *q, const struct filter *f, struct str value, struct error *err);

static taker take_match, take_text, take_duration, take_tokens, take_time, take_limit, take_order, take_cursor,
    take_errors;

/* clang-format off */
static const struct filter {
    const char   *name;
    taker        *take;
    unsigned      which;    /* of log_query.matches */
    bool          contains; /* unless the value says otherwise */
    enum bound_op op;
} filters[] = {
    {"server",      take_match,    .which = 0},
    {"session",     take_match,    .which = 1},
    {"method",      take_match,    .which = 2, .contains = true},
    {"client",      take_match,    .which = 3},
    {"q",           take_text},
    {"durationEq",  take_duration, .op = BOUND_EQ},
    {"durationGt",  take_duration, .op = BOUND_GT},
    {"durationGte", take_duration, .op = BOUND_GTE},
    {"durationLt",  take_duration, .op = BOUND_LT},
    {"durationLte", take_duration, .op = BOUND_LTE},
    {"tokensEq",    take_tokens,   .op = BOUND_EQ},
    {"tokensGt",    take_tokens,   .op = BOUND_GT},
    {"tokensGte",   take_tokens,   .op = BOUND_GTE},
    {"tokensLt",    take_tokens,   .op = BOUND_LT},
    {"tokensLte",   take_tokens,   .op = BOUND_LTE},
    {"after",       take_time,     .op = BOUND_GT},
    {"before",      take_time,     .op = BOUND_LT},
    {"errors",      take_errors},
    {"limit",       take_limit},
    {"order",       take_order},
    {"cursor",      take_cursor},
};
/* clang-format on */

enum { FILTERS = sizeof filters / sizeof filters[0] };

const char *
log_query_parameter(size_t i)
{
    return i < FILTERS ? filters[i].name : NULL;
}

static bool
take_prefix(struct str *value, struct str prefix)
{
    if (!str_starts(*value, prefix))
        return false;
    *value = str_skip(*value, prefix.len);
    return true;
}

static bool
check_length(const struct filter *f, struct str value, size_t max, struct error *err)
{
    if (value.len == 0)
        return error_set(err, ERROR_INVALID, "%s needs a value", f->name);
    return value.len <= max ||
           error_set(err, ERROR_INVALID, "a value of %s has at most %zu bytes, not %zu", f->name, max, value.len);
}

static bool
too_many(const struct filter *f, int max, struct error *err)
{
    return error_set(err, ERROR_INVALID, "%s can be given at most %d times", f->name, max);
}

static bool
take_match(struct log_query *q, const struct filter *f, struct str value, struct error *err)
{
    struct matches *const lists[]  = {&q->query.server, &q->query.session, &q->query.method, &q->query.client};
    struct matches       *list     = lists[f->which];
    bool                  contains = take_prefix(&value, STR("contains:"));

    if (!contains && !take_prefix(&value, STR("is:")))
        contains = f->contains;
    if (!check_length(f, value, LOG_VALUE_MAX, err))
        return false;
    if (list->count == QUERY_MATCHES_MAX)
        return too_many(f, QUERY_MATCHES_MAX, err);
    q->matches[f->which][list->count++] = (struct match){value, contains};
    list->items                         = q->matches[f->which];
    return true;
}

static bool
take_text(struct log_query *q, const struct filter *f, struct str value, struct error *err)
{
    if (q->query.word_count + q->query.contains_count == QUERY_TEXTS_MAX)
        return too_many(f, QUERY_TEXTS_MAX, err);
    if (take_prefix(&value, STR("contains:"))) {
        q->contains[q->query.contains_count++] = value;
        q->query.contains                      = q->contains;
        return check_length(f, value, QUERY_CONTAINS_MAX, err);
    }
    q->words[q->query.word_count++] = value;
    q->query.words                  = q->words;
    return check_length(f, value, LOG_VALUE_MAX, err);
}

/* Milliseconds, up to three digits behind a point. `*unit`: the microseconds of its last digit. */
static bool
read_milliseconds(struct str value, int64_t *microseconds, int64_t *unit)
{
    struct str whole, rest  = value;
    uint64_t   number, part = 0;

    if (!str_cut(&rest, '.', &whole) || !str_to_u64(whole, &number) || number > DURATION_MAX_MS)
        return false;
    *unit = 1000;
    if (whole.len < value.len) {
        if (rest.len == 0 || rest.len > 3 || !str_to_u64(rest, &part))
            return false;
        for (size_t i = 0; i < rest.len; i++)
            *unit /= 10;
    }
    *microseconds = (int64_t)number * 1000 + (int64_t)part * *unit;
    return true;
}

static bool
take_duration(struct log_query *q, const struct filter *f, struct str value, struct error *err)
{
    int64_t microseconds, unit;

    if (!read_milliseconds(value, &microseconds, &unit))
        return error_set(err, ERROR_INVALID, "%s must be milliseconds, like 250 or 0.5", f->name);
    if (f->op == BOUND_EQ) {
        if (q->span_count == QUERY_MATCHES_MAX)
            return too_many(f, QUERY_MATCHES_MAX, err);
        q->spans[q->span_count++] = (struct span){microseconds, microseconds + unit};
        return true;
    }
    if (q->query.duration_us.count == QUERY_MATCHES_MAX)
        return too_many(f, QUERY_MATCHES_MAX, err);
    q->durations[q->query.duration_us.count++] = (struct bound){f->op, microseconds};
    q->query.duration_us.items                 = q->durations;
    return true;
}

static bool
take_tokens(struct log_query *q, const struct filter *f, struct str value, struct error *err)
{
    int64_t number;

    if (!str_to_i64(value, &number) || number < 0)
        return error_set(err, ERROR_INVALID, "%s must be a number of tokens, like 1000", f->name);
    if (q->query.tokens.count == QUERY_MATCHES_MAX)
        return too_many(f, QUERY_MATCHES_MAX, err);
    q->tokens[q->query.tokens.count++] = (struct bound){f->op, number};
    q->query.tokens.items              = q->tokens;
    return true;
}

static bool
take_time(struct log_query *q, const struct filter *f, struct str value, struct error *err)
{
    wall_time t;

    if (!time_parse_iso(value, &t) || t <= 0)
        return error_set(err, ERROR_INVALID, "%s must be a time, like 2026-11-21T14:02:11Z (a + is written %%2B)",
                         f->name);
    *(f->op == BOUND_GT ? &q->query.after : &q->query.before) = t;
    return true;
}

static bool
take_limit(struct log_query *q, const struct filter *f, struct str value, struct error *err)
{
    uint64_t number;

    if (!str_to_u64(value, &number) || number < 1 || number > LOG_LIMIT_MAX)
        return error_set(err, ERROR_INVALID, "%s must be a number from 1 to %d", f->name, (int)LOG_LIMIT_MAX);
    q->limit = (size_t)number;
    return true;
}

static bool
take_order(struct log_query *q, const struct filter *f, struct str value, struct error *err)
{
    q->query.ascending = str_eq(value, STR("asc"));
    return q->query.ascending || str_eq(value, STR("desc")) ||
           error_set(err, ERROR_INVALID, "%s must be asc or desc", f->name);
}

static bool
take_errors(struct log_query *q, const struct filter *f, struct str value, struct error *err)
{
    q->query.errors_only = str_eq(value, STR("true"));
    return q->query.errors_only || str_eq(value, STR("false")) ||
           error_set(err, ERROR_INVALID, "%s must be true or false", f->name);
}

/* "<exchange>" or "<exchange>-<entries of it that were shown>". */
static bool
take_cursor(struct log_query *q, const struct filter *f, struct str value, struct error *err)
{
    struct str id, rest       = value;
    uint64_t   exchange, skip = 0;

    if (!str_cut(&rest, '-', &id) || !str_to_u64(id, &exchange) || exchange == 0 || exchange >= INT64_MAX ||
        (id.len < value.len && (!str_to_u64(rest, &skip) || skip > UINT32_MAX)))
        return error_set(err, ERROR_INVALID, "%s must be what nextCursor of the page before said", f->name);
    q->cursor = exchange;
    q->skip   = (size_t)skip;
    return true;
}

static bool
refuse_unknown(struct str name, struct error *err)
{
    const char *near = NULL;
    unsigned    best = NEAREST_NONE;

    for (size_t i = 0; i < FILTERS; i++) {
        unsigned distance = nearest_distance(name, str_from(filters[i].name));
        if (distance < best) {
            best = distance;
            near = filters[i].name;
        }
    }
    name = str_take(name, 60);
    if (near != NULL)
        return error_set(err, ERROR_INVALID, "there is no parameter \"%.*s\": did you mean \"%s\"?", STR_ARG(name),
                         near);
    return error_set(err, ERROR_INVALID, "there is no parameter \"%.*s\"; docs/api.md lists them", STR_ARG(name));
}

static bool
take_parameter(struct log_query *q, const struct parameter *p, struct error *err)
{
    for (size_t i = 0; i < FILTERS; i++)
        if (str_eq(p->name, str_from(filters[i].name)))
            return filters[i].take(q, &filters[i], p->value, err);
    return refuse_unknown(p->name, err);
}

/* The store is asked for what holds all spans; log_query_wants chooses among it. */
static bool
add_spans(struct log_query *q, struct error *err)
{
    struct span all = q->spans[0];

    if (q->span_count == 0)
        return true;
    if (q->query.duration_us.count + 2 > QUERY_MATCHES_MAX)
        return error_set(err, ERROR_INVALID, "too many bounds of the duration");
    for (size_t i = 1; i < q->span_count; i++) {
        all.from = q->spans[i].from < all.from ? q->spans[i].from : all.from;
        all.to   = q->spans[i].to > all.to ? q->spans[i].to : all.to;
    }
    q->durations[q->query.duration_us.count++] = (struct bound){BOUND_GTE, all.from};
    q->durations[q->query.duration_us.count++] = (struct bound){BOUND_LT, all.to};
    q->query.duration_us.items                 = q->durations;
    return true;
}

struct log_query *
log_query_read(struct str query, struct arena *arena, struct error *err)
{
    struct log_query *q = ARENA_NEW(arena, struct log_query);
    struct parameters given;

    if (q == NULL) {
        error_set(err, ERROR_MEMORY, "no memory");
        return NULL;
    }
    q->limit = LOG_LIMIT;
    if (!parameters_read(&given, query, arena, err))
        return NULL;
    for (size_t i = 0; i < given.count; i++)
        if (!take_parameter(q, &given.items[i], err))
            return NULL;
    if (q->query.after != 0 && q->query.before != 0 && q->query.after >= q->query.before) {
        error_set(err, ERROR_INVALID, "after must be earlier than before");
        return NULL;
    }
    if (q->cursor != 0)
        *(q->query.ascending ? &q->query.after_id : &q->query.before_id) =
            q->query.ascending ? q->cursor - 1 : q->cursor + 1;
    return add_spans(q, err) ? q : NULL;
}

bool
log_query_wants(const struct log_query *q, const struct exchange_view *x)
{
    for (size_t i = 0; i < q->span_count; i++)
        if (x->duration_us >= q->spans[i].from && x->duration_us < q->spans[i].to)
            return true;
    return q->span_count == 0;
}
