/* The log searched. */
#include "services/admin/records.h"

enum { TEXT_SHOWN = 1024, READ_MOST = 4 << 20 };

/* At most so many bytes of it, and no half of a letter at the end. */
static struct str
take_letters(struct str text, size_t most)
{
    if (text.len <= most)
        return text;
    while (most > 0 && ((unsigned char)text.data[most] & 0xC0) == 0x80)
        most--;
    return str_take(text, most);
}

static struct str
keep(struct job *job, struct str text, size_t most)
{
    struct str kept = arena_str(job->arena, take_letters(text, most));

    if (text.len > 0 && kept.data == NULL)
        error_set(&job->err, ERROR_MEMORY, "no memory");
    return kept;
}

static bool
note_exchange(const struct exchange_view *x, void *arg)
{
    struct job    *job = arg;
    struct search *s   = job->data;

    if (s->count == s->limit) {
        s->has_more = true;
        return false;
    }
    s->records[s->count++] = (struct record){.id             = x->id,
                                             .at             = x->at,
                                             .server         = keep(job, x->server, TEXT_SHOWN),
                                             .session        = keep(job, x->session, TEXT_SHOWN),
                                             .client         = keep(job, x->client, TEXT_SHOWN),
                                             .method         = keep(job, x->method, TEXT_SHOWN),
                                             .target         = keep(job, x->target, TEXT_SHOWN),
                                             .kind           = x->kind,
                                             .outcome        = x->outcome,
                                             .has_error_code = x->has_error_code,
                                             .error_code     = x->error_code,
                                             .http_status    = x->http_status,
                                             .duration_us    = x->duration_us};
    return job->err.code == ERROR_NONE;
}

/* ---- what was said ---- */

struct reading {
    struct job    *job;
    struct record *record;
    size_t         most; /* bytes of a body that are shown */
};

static struct body
cut(struct reading *reading, struct str text)
{
    struct body body = {.text = keep(reading->job, text, reading->most)};

    body.omitted = text.len - body.text.len;
    return body;
}

/* What matters of a message; all of it when it is no JSON-RPC message, or too large to be looked into. */
static struct body
read_body(struct reading *reading, yyjson_val *root, struct str text)
{
    static const char *const keys[] = {"params", "result", "error"};
    yyjson_val              *part   = NULL;
    size_t                   len    = 0;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && part == NULL; i++)
        part = yyjson_obj_get(root, keys[i]);
    if (yyjson_is_obj(root) && part == NULL)
        return (struct body){0}; /* {"method": "ping"} */
    char       *written = part == NULL ? NULL : yyjson_val_write(part, 0, &len);
    struct body body    = cut(reading, written == NULL ? text : str_of(written, len));
    free(written);
    return body;
}

static bool
read_message(const struct message_view *m, void *arg)
{
    struct reading *reading   = arg;
    struct record  *record    = reading->record;
    bool            is_client = m->from == FROM_CLIENT;
    yyjson_doc     *doc       = m->text.len == 0 || m->text.len > READ_MOST
                                    ? NULL
                                    : yyjson_read(m->text.data, m->text.len, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val     *root      = yyjson_doc_get_root(doc);

    record->messages++;
    record->is_cut |= m->is_cut;
    if (is_client && record->messages == 1)
        record->request = read_body(reading, root, m->text);
    else if (!is_client && yyjson_obj_get(root, "method") == NULL) /* the last such is the answer */
        record->response = read_body(reading, root, m->text);
    yyjson_doc_free(doc);
    return reading->job->err.code == ERROR_NONE;
}

static bool
read_all(struct job *job, struct search *s, struct reader *reader)
{
    size_t most = s->count == 0 ? 0 : BODIES_MOST / (2 * s->count);

    most = most < BODY_LEAST ? BODY_LEAST : most > BODY_MOST ? BODY_MOST : most;
    for (size_t i = 0; i < s->count; i++) {
        struct reading reading = {job, &s->records[i], most};
        if (!reader_messages(reader, s->records[i].id, read_message, &reading, &job->err))
            return false;
    }
    return job->err.code == ERROR_NONE;
}

static void
work(struct job *job)
{
    struct search *s      = job->data;
    struct reader *reader = reader_open(job->admin->parts.traffic_path, &job->err);
    bool           ok     = reader != NULL;

    if (!ok && job->err.code == ERROR_NOT_FOUND) {
        job->err = (struct error){0}; /* nothing passed yet */
        ok       = true;
    } else {
        ok = ok && query_run(reader, &s->query, note_exchange, job, &job->err) && job->err.code == ERROR_NONE &&
             read_all(job, s, reader);
    }
    reader_close(reader);
    if (ok)
        records_say(job, s);
    else
        error_wrap(&job->err, "searching the log");
}

static void
answer(struct job *job)
{
    job_answer(job, records_put(job, job->data));
}

/* ---- what is asked for ---- */

static void
match(struct job *job, struct matches *matches, struct match *m, const char *argument, bool contains)
{
    struct str text = request_string(job->request, argument);

    if (text.len == 0)
        return;
    *m       = (struct match){.text = keep(job, text, SIZE_MAX), .contains = contains};
    *matches = (struct matches){m, 1};
}

static bool
read_cursor(struct job *job, struct search *s)
{
    struct str text = request_string(job->request, "cursor");
    uint64_t   id;

    if (text.len == 0)
        return true;
    if (!str_to_u64(text, &id) || id == 0 || id >= INT64_MAX)
        return false;
    *(s->query.ascending ? &s->query.after_id : &s->query.before_id) = id;
    return true;
}

static void
look_for_server(struct job *job, struct search *s)
{
    struct registry           *all  = gateway_registry(job->admin->parts.gateway);
    const struct server_entry *near = NULL;

    s->is_unknown = s->server.text.len > 0 && registry_find(all, s->server.text) == NULL;
    if (s->is_unknown)
        near = registry_nearest(all, s->server.text);
    if (near != NULL)
        s->near = keep(job, near->name, TEXT_SHOWN);
}

static bool
read_search(struct job *job, struct search *s)
{
    struct request *r    = job->request;
    struct str      text = request_string(r, "text");

    match(job, &s->query.server, &s->server, "serverName", false);
    match(job, &s->query.session, &s->session, "sessionId", false);
    match(job, &s->query.method, &s->method, "method", true);
    if (text.len > 0) {
        s->words            = keep(job, text, SIZE_MAX);
        s->query.words      = &s->words;
        s->query.word_count = 1;
    }
    s->query.errors_only = request_flag(r, "errorsOnly");
    s->query.ascending   = str_eq(request_string(r, "order"), STR("asc"));
    s->limit             = (size_t)request_integer(r, "limit");
    s->query.limit       = s->limit + 1; /* whether there is more */
    s->records           = arena_zalloc(job->arena, s->limit * sizeof *s->records);
    s->is_captured       = job->admin->parts.settings->capture.enabled;
    look_for_server(job, s);
    if (s->records == NULL)
        error_set(&job->err, ERROR_MEMORY, "no memory");
    else if (!read_cursor(job, s))
        error_set(&job->err, ERROR_INVALID, "cursor must be what nextCursor of the answer before said");
    return job->err.code == ERROR_NONE;
}

void
search_records(struct request *r)
{
    struct job *job = job_new(r, sizeof(struct search));

    if (job == NULL)
        return;
    if (read_search(job, job->data)) {
        job_start(job, work, answer);
        return;
    }
    request_fail(r, "%s", job->err.text);
    job_free(job);
}
