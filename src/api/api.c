#include "api/routes.h"

enum { JOB_FIRST = 8192, JOB_MOST = 64 << 20 };

struct api *
api_new(const struct api_parts *parts, struct error *err)
{
    struct api *a = calloc(1, sizeof *a);

    if (a == NULL)
        error_set(err, ERROR_MEMORY, "no memory");
    else
        a->parts = *parts;
    return a;
}

void
api_free(struct api *a)
{
    while (a != NULL && a->running > 0)
        loop_turn(a->parts.loop, MILLISECONDS(10));
    free(a);
}

bool
api_owns(struct str path)
{
    return str_eq(path, STR("/")) || str_eq(path, STR("/healthz")) || str_eq(path, STR("/readyz")) ||
           str_eq(path, STR("/api")) || str_starts(path, STR("/api/"));
}

/* Whether the path fits; `name` is what stands for {name}. */
static bool
fits(struct str pattern, struct str path, struct str *name)
{
    struct str want, got;

    *name = STR_NONE;
    while (str_cut(&pattern, '/', &want)) {
        if (!str_cut(&path, '/', &got))
            return false;
        if (str_eq(want, STR("{name}")))
            *name = got;
        else if (!str_eq(want, got))
            return false;
    }
    return path.len == 0;
}

/* NULL: no such path; `allowed` then is empty, else it lists the methods of that path. */
static const struct route *
find_route(const struct http_request *r, struct str *name, struct buffer *allowed)
{
    for (const struct route *route = api_routes; route->path != NULL; route++) {
        if (!fits(str_from(route->path), r->path, name))
            continue;
        if (route->method == r->method)
            return route;
        struct str method = http_method_name(route->method);
        buffer_printf(allowed, "%s%.*s", buffer_len(allowed) > 0 ? ", " : "", STR_ARG(method));
    }
    return NULL;
}

static void
answer_error(struct http_request *r, int status, const char *code, const char *text, const struct http_header *extra)
{
    struct http_header headers[2] = {{STR("Content-Type"), STR("application/json")}};
    struct buffer      body       = {.max = KIB(4)};
    bool               ok         = buffer_printf(&body, "{\"error\":{\"code\":\"%s\",\"message\":", code) &&
              buffer_append_json(&body, str_from(text)) && buffer_append(&body, STR("}}\n"));

    if (extra != NULL)
        headers[1] = *extra;
    http_answer(r, status, headers, extra == NULL ? 1 : 2, ok ? buffer_str(&body) : STR_NONE);
    buffer_clear(&body);
}

void
api_take_head(struct api *a, struct http_request *r)
{
    struct str          name;
    struct buffer       allowed = {.max = 256};
    const struct route *route   = find_route(r, &name, &allowed);
    struct http_header  allow   = {STR("Allow"), buffer_str(&allowed)};
    struct http_header  bearer  = {STR("WWW-Authenticate"), STR("Bearer")};
    struct str          type    = http_header(&r->headers, STR("content-type"));

    bool is_open = route != NULL ? route->is_open : !str_starts(r->path, STR("/api"));
    if (!is_open && !local_token_is_given(a->parts.token, &r->headers))
        answer_error(
            r, 401, "UNAUTHORIZED",
            http_header(&r->headers, STR("authorization")).data == NULL
                ? "Missing or invalid Authorization header: send `Authorization: Bearer` and the token in <home>/token"
                : "Invalid token: the right one is in <home>/token",
            &bearer);
    else if (route == NULL && buffer_len(&allowed) > 0)
        answer_error(r, 405, "METHOD_NOT_ALLOWED", "this path has other methods", &allow);
    else if (route == NULL)
        answer_error(r, 404, "NOT_FOUND", "the API has no such path; docs/api.md lists them", NULL);
    else if ((route->method == HTTP_METHOD_POST || route->method == HTTP_METHOD_PUT) && type.data != NULL &&
             !str_starts_nocase(type, STR("application/json")))
        answer_error(r, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json", NULL);
    buffer_clear(&allowed);
}

static void
job_free(struct api_job *job)
{
    buffer_clear(&job->body);
    arena_free(job->arena); /* the job lies in it */
}

static void
job_answer(struct api_job *job)
{
    bool               is_page   = job->route->now == landing_page;
    struct http_header headers[] = {
        {STR("Content-Type"), is_page ? STR("text/plain; charset=utf-8") : STR("application/json")},
        {STR("Cache-Control"), STR("no-store")},
    };

    if (job->looks_again)
        registry_watch_look(job->api->parts.watch, false);
    if (job->request != NULL)
        http_answer(job->request, job->status, headers, job->status == 204 ? 0 : 2,
                    job->status == 204 ? STR_NONE : buffer_str(&job->body));
    job_free(job);
}

static void
run(void *arg)
{
    struct api_job *job = arg;

    job->route->work(job);
}

static void
done(void *arg)
{
    struct api_job *job = arg;

    job->api->running--;
    job_answer(job);
}

static void
on_gone(struct http_request *r)
{
    ((struct api_job *)r->user)->request = NULL;
}

void
api_take_request(struct api *a, struct http_request *r)
{
    struct str          name;
    struct buffer       allowed = {.max = 256};
    const struct route *route   = find_route(r, &name, &allowed);
    struct arena       *arena   = route == NULL ? NULL : arena_new(JOB_FIRST, JOB_MOST);
    struct api_job     *job     = arena == NULL ? NULL : ARENA_NEW(arena, struct api_job);

    buffer_clear(&allowed);
    if (job == NULL) {
        arena_free(arena);
        answer_error(r, 503, "BUSY", "no memory", NULL);
        return;
    }
    *job       = (struct api_job){.api     = a,
                                  .request = r,
                                  .route   = route,
                                  .arena   = arena,
                                  .query   = arena_str(arena, r->query),
                                  .name    = arena_str(arena, name),
                                  .input   = route->work == NULL ? r->body : arena_str(arena, r->body),
                                  .body    = {.max = JOB_MOST},
                                  .status  = 200};
    r->user    = job;
    r->on_gone = on_gone;
    if (route->now != NULL)
        route->now(job);
    if (route->work == NULL || job->status != 200) {
        job_answer(job);
        return;
    }
    a->running++;
    if (!loop_work(a->parts.loop, run, done, job)) {
        job_fail(job, 503, "BUSY", "no memory");
        done(job);
    }
}

void
job_fail(struct api_job *job, int status, const char *code, const char *format, ...)
{
    char    text[600];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    job->status = status;
    buffer_reset(&job->body);
    buffer_printf(&job->body, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    buffer_append_json(&job->body, str_from(text));
    buffer_append(&job->body, STR("}}\n"));
}

void
job_fail_with(struct api_job *job, const struct error *err)
{
    static const struct {
        enum error_code code;
        int             status;
        const char     *word;
    } answers[] = {
        {ERROR_INVALID, 400, "INVALID_PARAM"},
        {ERROR_TOO_LARGE, 400, "INVALID_PARAM"},
        {ERROR_NOT_FOUND, 404, "NOT_FOUND"},
        {ERROR_EXISTS, 409, "CONFLICT"},
        {ERROR_BUSY, 503, "BUSY"},
        {ERROR_FULL, 503, "FULL"},
        {ERROR_MEMORY, 503, "BUSY"},
    };

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (answers[i].code == err->code) {
            job_fail(job, answers[i].status, answers[i].word, "%s", err->text);
            return;
        }
    job_fail(job, 500, "INTERNAL_ERROR", "%s", err->text);
}

static int
hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* application/x-www-form-urlencoded; a percent sign that starts no byte stays as it is. */
static struct str
decode(struct arena *arena, struct str text)
{
    char  *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (out == NULL)
        return STR_NONE;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%' && i + 2 < text.len && hex(text.data[i + 1]) >= 0 && hex(text.data[i + 2]) >= 0) {
            c = (char)(hex(text.data[i + 1]) << 4 | hex(text.data[i + 2]));
            i += 2;
        }
        out[len++] = text.data[i] == '+' && c == '+' ? ' ' : c;
    }
    out[len] = '\0';
    return str_of(out, len);
}

bool
job_parameter(struct api_job *job, const char *name, size_t *at, struct str *value)
{
    struct str rest = str_skip(job->query, *at);
    struct str pair, key;

    while (str_cut(&rest, '&', &pair)) {
        *at = job->query.len - rest.len;
        if (!str_cut(&pair, '=', &key) || !str_eq(decode(job->arena, key), str_from(name)))
            continue;
        *value = decode(job->arena, pair);
        return true;
    }
    *at = job->query.len;
    return false;
}
