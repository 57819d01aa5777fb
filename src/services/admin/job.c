#include "base/format.h"
#include "base/log.h"
#include "services/admin/parts.h"

enum { ARENA_FIRST = 4096, ARENA_MOST = 32 << 20, TEXT_MOST = 1 << 20 };

static void
forget_request(struct request *r)
{
    struct job *job = request_data(r);

    job->request            = NULL;
    job->errand.is_unwanted = true;
}

struct job *
job_new(struct request *r, size_t size)
{
    struct admin *a     = request_owner(r);
    struct arena *arena = errands_have_room(a->parts.errands) ? arena_new(ARENA_FIRST, ARENA_MOST) : NULL;
    struct job   *job   = arena == NULL ? NULL : ARENA_NEW(arena, struct job);

    if (job == NULL || (job->data = arena_zalloc(arena, size)) == NULL) {
        arena_free(arena);
        request_fail(r, "too much is asked at once, or no memory: try again");
        return NULL;
    }
    job->admin    = a;
    job->request  = r;
    job->arena    = arena;
    job->text.max = TEXT_MOST;
    return job;
}

void
job_free(struct job *job)
{
    buffer_clear(&job->text);
    arena_free(job->arena);
}

static void
work(struct errand *e)
{
    struct job *job = LIST_OF(struct job, e, errand);

    job->work(job);
}

static void
done(struct errand *e)
{
    struct job *job = LIST_OF(struct job, e, errand);

    if (!e->has_run)
        error_set(&job->err, ERROR_MEMORY, "no memory");
    if (job->request != NULL && job->err.code != ERROR_NONE)
        request_fail(job->request, "%s", job->err.text);
    else if (job->request != NULL)
        job->answer(job);
    job_free(job);
}

void
job_start(struct job *job, void (*work_for_it)(struct job *job), void (*answer)(struct job *job))
{
    job->work        = work_for_it;
    job->answer      = answer;
    job->errand.work = work;
    job->errand.done = done;
    request_set_data(job->request, job);
    request_on_cancel(job->request, forget_request);
    errand_start(job->admin->parts.errands, &job->errand);
}

void
job_answer(struct job *job, yyjson_mut_val *structured)
{
    if (job->is_too_long) {
        request_fail(job->request, "the answer is larger than %d MiB, or there is no memory for it: ask for less",
                     TEXT_MOST >> 20);
        return;
    }
    request_add_text(job->request, buffer_str(&job->text));
    request_set_structured(job->request, structured);
    request_finish(job->request);
}

void
job_say(struct job *job, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    job->is_too_long |= !buffer_vprintf(&job->text, format, args);
    va_end(args);
}

void
job_say_text(struct job *job, struct str text)
{
    job->is_too_long |= !buffer_append_printable(&job->text, text, true);
}

void
job_say_age(struct job *job, int64_t us)
{
    job->is_too_long |= !format_age(&job->text, us);
}

static void
put(struct job *job, yyjson_mut_val *object, const char *key, yyjson_mut_val *value)
{
    yyjson_mut_doc *doc = request_doc(job->request);

    yyjson_mut_obj_add(object, yyjson_mut_str(doc, key), value); /* no memory is the request's to notice */
}

void
put_text(struct job *job, yyjson_mut_val *object, const char *key, struct str text)
{
    struct buffer printable = {.max = TEXT_MOST};

    if (text.len == 0)
        return;
    if (!str_is_utf8(text)) {
        job->is_too_long |= !buffer_append_printable(&printable, text, false);
        text = buffer_str(&printable);
    }
    put(job, object, key, yyjson_mut_strncpy(request_doc(job->request), text.data, text.len));
    buffer_clear(&printable);
}

void
put_number(struct job *job, yyjson_mut_val *object, const char *key, int64_t number)
{
    put(job, object, key, yyjson_mut_sint(request_doc(job->request), number));
}

void
put_flag(struct job *job, yyjson_mut_val *object, const char *key, bool flag)
{
    put(job, object, key, yyjson_mut_bool(request_doc(job->request), flag));
}

void
put_time(struct job *job, yyjson_mut_val *object, const char *key, wall_time t)
{
    char text[TIME_ISO_SIZE];

    time_format_iso(t, text);
    put_text(job, object, key, str_from(text));
}

void
put_milliseconds(struct job *job, yyjson_mut_val *object, const char *key, int64_t us)
{
    if (us >= 0)
        put(job, object, key, yyjson_mut_real(request_doc(job->request), (double)us / 1000));
}
