#include "api/routes.h"

#include "api/parameters.h"
#include "base/live.h"
#include "guard/refuse.h"

enum { JOB_FIRST = 8192, JOB_MOST = 64 << 20 };

struct api *
api_new(const struct api_parts *parts, struct error *err)
{
    struct api *a = calloc(1, sizeof *a);

    if (a == NULL) {
        error_set(err, ERROR_MEMORY, "no memory");
        return NULL;
    }
    a->parts = *parts;
    return a;
}

void
api_free(struct api *a)
{
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
        if (str_starts(want, STR("{")))
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

/* `allowed`: the methods of that path, when it has others. */
static void
refuse_misfit(struct http_request *r, const struct route *route, struct str allowed)
{
    struct http_header allow = {STR("Allow"), allowed};
    struct str         type  = http_header(&r->headers, STR("content-type"));

    if (route == NULL && allowed.len > 0)
        refuse(r, 405, "METHOD_NOT_ALLOWED", "this path has other methods", &allow);
    else if (route == NULL)
        refuse(r, 404, "NOT_FOUND", "the API has no such path; docs/api.md lists them", NULL);
    else if ((route->method == HTTP_METHOD_POST || route->method == HTTP_METHOD_PUT) && type.data != NULL &&
             !http_is_type(type, STR("application/json")))
        refuse(r, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json", NULL);
}

void
api_take_head(struct api *a, struct http_request *r)
{
    struct str          name;
    struct buffer       allowed = {.max = 256};
    const struct route *route   = find_route(r, &name, &allowed);
    bool                is_open = route != NULL ? route->is_open : !str_starts(r->path, STR("/api"));

    if (is_open || refuse_without_token(r, a->parts.token))
        refuse_misfit(r, route, buffer_str(&allowed));
    buffer_clear(&allowed);
}

static void
job_free(struct api_job *job)
{
    buffer_clear(&job->body);
    live_end(LIVE_API_JOBS);
    arena_free(job->arena); /* the job lies in it */
}

static void
job_answer(struct api_job *job)
{
    if (job->request == NULL) {
        job_free(job);
        return;
    }
    bool               is_page   = job->route->now == landing_page;
    struct http_header headers[] = {
        {STR("Content-Type"), is_page ? STR("text/plain; charset=utf-8") : STR("application/json")},
        {STR("Cache-Control"), STR("no-store")},
    };

    http_answer(job->request, job->status, headers, job->status == 204 ? 0 : 2,
                job->status == 204 ? STR_NONE : buffer_str(&job->body));
    job_free(job);
}

static void
work(struct errand *e)
{
    struct api_job *job = LIST_OF(struct api_job, e, errand);

    job->route->work(job);
}

static void
done(struct errand *e)
{
    struct api_job *job = LIST_OF(struct api_job, e, errand);

    if (!e->has_run)
        job_fail(job, 503, "BUSY", "no memory");
    job_answer(job);
}

static void
on_gone(struct http_request *r)
{
    struct api_job *job = r->user;

    job->request            = NULL;
    job->errand.is_unwanted = true;
}

void
api_take_request(struct api *a, struct http_request *r)
{
    struct str          name;
    struct buffer       allowed = {.max = 256};
    const struct route *route   = find_route(r, &name, &allowed);
    struct arena *arena = route == NULL || !errands_have_room(a->parts.errands) ? NULL : arena_new(JOB_FIRST, JOB_MOST);
    struct api_job *job = arena == NULL ? NULL : ARENA_NEW(arena, struct api_job);

    buffer_clear(&allowed);
    if (job == NULL) {
        arena_free(arena);
        refuse(r, 503, "BUSY", "too much is asked at once, or no memory: try again", NULL);
        return;
    }
    struct error err = {0};
    *job             = (struct api_job){.api     = a,
                                        .request = r,
                                        .route   = route,
                                        .arena   = arena,
                                        .query   = arena_str(arena, r->query),
                                        .input   = route->work == NULL ? r->body : arena_str(arena, r->body),
                                        .body    = {.max = JOB_MOST},
                                        .status  = 200};
    live_begin(LIVE_API_JOBS);
    r->user    = job;
    r->on_gone = on_gone;
    if (!path_part_decode(name, arena, &job->name, &err))
        job_fail_with(job, &err);
    else if (route->now != NULL)
        route->now(job);
    if (route->work == NULL || job->status != 200) {
        job_answer(job);
        return;
    }
    job->errand = (struct errand){.work = work, .done = done, .changes = route->method != HTTP_METHOD_GET};
    errand_start(a->parts.errands, &job->errand);
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

void
job_finish(struct api_job *job, const struct print *p)
{
    if (p->failed || !buffer_append_char(&job->body, '\n'))
        job_fail(job, 500, "TOO_LARGE", "the answer is larger than %d MiB: ask for less", JOB_MOST >> 20);
}

void
job_end(struct api_job *job, const struct print *p, bool ok, const struct error *err)
{
    if (ok)
        job_finish(job, p);
    else
        job_fail_with(job, err);
}

bool
job_reader(struct api_job *job, struct reader **out)
{
    struct error err = {0};

    *out = reader_open(job->api->parts.traffic_path, &err);
    if (*out != NULL || err.code == ERROR_NOT_FOUND)
        return true;
    job_fail_with(job, &err);
    return false;
}
