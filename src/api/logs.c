/* The log: pages of entries, one exchange in full, forgetting it all.
 *
 * A page is made of whole exchanges, in the order of their beginning; one that does not fit any more begins the next
 * page. Only an exchange that has more entries than a whole page is cut, and goes on on the next. */
#include "api/entry.h"
#include "api/log_query.h"
#include "api/routes.h"
#include "store/purge.h"

/* A page that has grown to PAGE_FULL takes no further exchange; what is above PAGE_MAX is left out of its entry. */
#define PAGE_FULL MIB(16)
#define PAGE_MAX  MIB(40)
/* What an answer with all messages of an exchange keeps free for its end. */
#define MESSAGES_END MIB(1)

struct page {
    struct api_job   *job;
    struct log_query *query;
    struct reader    *reader;
    struct print      print;   /* the body */
    struct buffer     entries; /* of one exchange, one behind the other */
    size_t           *ends;    /* of each of them; query->limit + 1 */
    size_t            count;   /* entries on the page */
    wall_time         oldest, newest;
    bool              has_more;
    uint64_t          next; /* the exchange with which the next page begins */
    size_t            next_skip;
    struct error      err;
};

/* Printing the entries [from, to) of one exchange. */
struct exchange_entries {
    struct page                *page;
    const struct exchange_view *x;
    size_t                      from, to;
    size_t                      total, printed;
};

static void
print_entry(struct exchange_entries *e, const struct message_view *m)
{
    struct page *page  = e->page;
    struct print print = {.to = &page->entries};

    size_t number = e->total++;
    if (number < e->from || number >= e->to)
        return;
    entry_print(&print, e->x, m, number == 0);
    if (print.failed)
        error_set(&page->err, ERROR_MEMORY, "no memory for the entries of exchange %llu", (unsigned long long)e->x->id);
    else
        page->ends[e->printed++] = buffer_len(&page->entries);
}

static bool
each_message(const struct message_view *m, void *arg)
{
    struct exchange_entries *e = arg;

    print_entry(e, m);
    return e->page->err.code == ERROR_NONE;
}

static bool
print_range(struct exchange_entries *e, size_t from, size_t to)
{
    buffer_reset(&e->page->entries);
    e->from  = from;
    e->to    = to;
    e->total = e->printed = 0;
    if (!reader_messages(e->page->reader, e->x->id, each_message, e, &e->page->err))
        return false;
    if (e->total == 0)
        print_entry(e, NULL);
    return e->page->err.code == ERROR_NONE;
}

/* What was printed, in the page's order. */
static void
put_entries(struct page *page, const struct exchange_entries *e)
{
    for (size_t i = 0; i < e->printed; i++) {
        size_t at   = page->query->query.ascending ? i : e->printed - 1 - i;
        size_t from = at == 0 ? 0 : page->ends[at - 1];
        print_json(&page->print, NULL, str_take(str_skip(buffer_str(&page->entries), from), page->ends[at] - from));
    }
    page->count += e->printed;
    page->oldest = page->oldest == 0 || e->x->at < page->oldest ? e->x->at : page->oldest;
    page->newest = e->x->at > page->newest ? e->x->at : page->newest;
}

static bool
go_on_later(struct page *page, uint64_t exchange, size_t skip)
{
    page->has_more  = true;
    page->next      = exchange;
    page->next_skip = skip;
    return false;
}

/* Of an exchange with more entries than a page: as many as there is room for, `skip` of them shown before. */
static bool
put_part(struct page *page, struct exchange_entries *e, size_t skip)
{
    size_t limit = page->query->limit, total = e->total;
    size_t from = page->query->query.ascending ? skip : total > skip + limit ? total - skip - limit : 0;
    size_t to   = page->query->query.ascending ? skip + limit : total - skip;

    if (!print_range(e, from, to))
        return false;
    put_entries(page, e);
    return skip + limit < total ? go_on_later(page, e->x->id, skip + limit) : true;
}

static bool
each_exchange(const struct exchange_view *x, void *arg)
{
    struct page            *page = arg;
    struct exchange_entries e    = {.page = page, .x = x};
    size_t                  room = page->query->limit - page->count;
    size_t                  skip = x->id == page->query->cursor ? page->query->skip : 0;

    if (!log_query_wants(page->query, x))
        return true;
    if (room == 0 || buffer_len(page->print.to) > PAGE_FULL)
        return go_on_later(page, x->id, 0);
    if (!print_range(&e, 0, room))
        return false;
    if (skip > 0 && skip >= e.total)
        return true;
    if (skip == 0 && e.total <= room) {
        put_entries(page, &e);
        return true;
    }
    return page->count > 0 ? go_on_later(page, x->id, 0) : put_part(page, &e, skip);
}

static void
print_pagination(struct page *page)
{
    struct print *p = &page->print;
    char          cursor[48];

    print_open(p, "pagination", '{');
    print_number(p, "count", (int64_t)page->count);
    print_number(p, "limit", (int64_t)page->query->limit);
    print_bool(p, "hasMore", page->has_more);
    print_time(p, "oldestTimestamp", page->oldest);
    print_time(p, "newestTimestamp", page->newest);
    if (page->has_more) {
        snprintf(cursor, sizeof cursor, page->next_skip > 0 ? "%llu-%zu" : "%llu", (unsigned long long)page->next,
                 page->next_skip);
        print_text(p, "nextCursor", str_from(cursor));
    } else {
        print_null(p, "nextCursor");
    }
    print_close(p, '}');
}

void
logs_list(struct api_job *job)
{
    struct page page = {.job = job, .print.to = &job->body, .entries.max = PAGE_MAX};

    page.query = log_query_read(job->query, job->arena, &page.err);
    if (page.query == NULL) {
        job_fail_with(job, &page.err);
        return;
    }
    page.ends = arena_alloc(job->arena, (page.query->limit + 1) * sizeof *page.ends);
    if (page.ends == NULL || !job_reader(job, &page.reader)) {
        if (page.ends == NULL)
            job_fail(job, 503, "BUSY", "no memory");
        return;
    }
    print_open(&page.print, NULL, '{');
    print_open(&page.print, "data", '[');
    bool ok = page.reader == NULL || query_run(page.reader, &page.query->query, each_exchange, &page, &page.err);
    print_close(&page.print, ']');
    print_pagination(&page);
    print_close(&page.print, '}');
    reader_close(page.reader);
    buffer_clear(&page.entries);
    if (!ok || page.err.code != ERROR_NONE)
        job_fail_with(job, &page.err);
    else
        job_finish(job, &page.print);
}

static bool
print_exchange(const struct exchange_view *x, void *arg)
{
    struct print *p = arg;

    print_open(p, NULL, '{');
    print_id(p, "exchangeId", x->id);
    print_time(p, "timestamp", x->at);
    print_text(p, "kind", str_from(kind_name(x->kind)));
    print_text(p, "method", x->method);
    print_text_or_null(p, "target", x->target);
    print_text_or_null(p, "id", x->jsonrpc_id);
    print_text_or_null(p, "outcome", str_from(outcome_name(x->outcome)));
    if (x->has_error_code)
        print_number(p, "errorCode", x->error_code);
    else
        print_null(p, "errorCode");
    print_number(p, "httpStatus", x->http_status);
    if (x->duration_us >= 0)
        print_milliseconds(p, "durationMs", x->duration_us);
    else
        print_null(p, "durationMs");
    if (x->first_byte_us >= 0)
        print_milliseconds(p, "firstByteMs", x->first_byte_us);
    else
        print_null(p, "firstByteMs");
    print_number(p, "bytesIn", (int64_t)x->bytes_in);
    print_number(p, "bytesOut", (int64_t)x->bytes_out);
    print_number(p, "inputTokens", (int64_t)x->tokens_in);
    print_number(p, "outputTokens", (int64_t)x->tokens_out);
    const struct {
        const char *key;
        struct str  value;
    } texts[] = {
        {"serverName", x->server},        {"sessionId", x->session},
        {"principal", x->principal},      {"clientName", x->client},
        {"clientIp", x->address},         {"clientVersion", x->client_version},
        {"userAgent", x->user_agent},     {"upstreamName", x->server_name},
        {"transport", x->transport},      {"upstreamVersion", x->server_version},
        {"protocolVersion", x->revision},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        print_text_or_null(p, texts[i].key, texts[i].value);
    return true;
}

/* The messages of one exchange, as many as an answer can hold; the rest is counted. */
struct messages {
    struct print *print;
    int64_t       omitted;
};

static bool
print_message(const struct message_view *m, void *arg)
{
    struct messages *all = arg;
    struct print    *p   = all->print;

    if (buffer_len(p->to) + 2 * MESSAGES_END > p->to->max) {
        all->omitted++;
        return true;
    }
    print_open(p, NULL, '{');
    print_time(p, "timestamp", m->at);
    print_text(p, "from", m->from == FROM_SERVER ? STR("server") : STR("client"));
    if (m->is_cut)
        print_bool(p, "isCut", true);
    size_t mark = p->to->end;
    p->to->max -= MESSAGES_END;
    print_text(p, "text", m->text);
    p->to->max += MESSAGES_END;
    if (p->failed) { /* it does not fit into an answer */
        p->failed  = false;
        p->to->end = mark;
        print_number(p, "omittedBytes", (int64_t)m->text.len);
    }
    print_close(p, '}');
    return true;
}

void
log_show(struct api_job *job)
{
    struct print    p   = {.to = &job->body};
    struct messages all = {.print = &p};
    struct error    err = {0};
    struct reader  *reader;
    uint64_t        id;

    if (!str_to_u64(job->name, &id) || id == 0 || id >= INT64_MAX) {
        job_fail(job, 400, "INVALID_PARAM", "the id of an exchange is a number: it is exchangeId in GET /api/logs");
        return;
    }
    if (!job_reader(job, &reader))
        return;
    bool ok = reader == NULL ? error_set(&err, ERROR_NOT_FOUND, "there is no exchange %llu", (unsigned long long)id)
                             : reader_exchange(reader, id, print_exchange, &p, &err);
    print_open(&p, "messages", '[');
    ok = ok && reader_messages(reader, id, print_message, &all, &err);
    print_close(&p, ']');
    if (all.omitted > 0)
        print_number(&p, "omittedMessages", all.omitted);
    print_close(&p, '}');
    reader_close(reader);
    job_end(job, &p, ok, &err);
}

void
logs_clear(struct api_job *job)
{
    struct purge_result result = {0};
    struct error        err    = {0};
    struct print        p      = {.to = &job->body};

    if (!traffic_purge(job->api->parts.traffic_path, &(struct purge){0}, &result, &err) &&
        err.code != ERROR_NOT_FOUND) {
        job_fail_with(job, &err);
        return;
    }
    print_open(&p, NULL, '{');
    print_bool(&p, "success", true);
    print_number(&p, "exchanges", (int64_t)result.exchanges);
    print_number(&p, "bytesFreed", (int64_t)result.bytes_freed);
    print_close(&p, '}');
    job_finish(job, &p);
}
