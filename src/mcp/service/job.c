/* What blocks is done on a worker while its request waits. The worker reads the request's arguments, so their arena
 * stays until it is done: a request that ends earlier leaves it to the job. */
#include <assert.h>
#include <stdalign.h>

#include "base/strand.h"
#include "mcp/service/parts.h"

enum { ARENA_FIRST = 4096, ARENA_MOST = 64 << 20 };

/* In an arena of its own, for the worker's use; freed with that of its request. */
struct job {
    struct strand_work errand;
    struct request    *request; /* NULL: it has ended, */
    struct arena      *kept;    /* and this was its arena */
    struct arena      *arena;
    bool (*work)(void *job, struct error *err);
    request_handler done;
    alignas(max_align_t) char data[];
};

static void
free_job(void *arg)
{
    struct job *job = arg;

    arena_free(job->arena);
}

void *
request_job(struct request *r, size_t size)
{
    struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
    struct job   *job   = arena == NULL ? NULL : arena_zalloc(arena, sizeof *job + size);

    if (job == NULL || !arena_defer(r->arena, free_job, job)) {
        arena_free(arena);
        request_fail(r, "no memory");
        return NULL;
    }
    job->arena   = arena;
    job->request = r;
    r->job       = job;
    r->data      = job->data;
    return job->data;
}

struct arena *
request_job_arena(struct request *r)
{
    return r->job->arena;
}

/* On a worker. */
static bool
do_work(struct strand_work *errand, struct error *err)
{
    struct job *job = LIST_OF(struct job, errand, errand);

    return job->work(job->data, err);
}

static void
end_work(struct strand_work *errand, const struct error *err)
{
    struct job     *job = LIST_OF(struct job, errand, errand);
    struct request *r   = job->request;

    if (r == NULL) {
        arena_free(job->kept); /* and with it the job */
        return;
    }
    r->is_working = false;
    if (r->state == REQUEST_ENDED)
        return;
    if (err->code == ERROR_NONE)
        request_call(r, job->done);
    else
        request_fail(r, "%s", err->text);
}

void
request_work(struct request *r, struct strand *strand, bool (*work)(void *job, struct error *err), request_handler done)
{
    struct job *job = r->job;

    assert(!r->is_working); /* one at a time */
    if (r->is_answered || r->state == REQUEST_ENDED)
        return;
    job->work        = work;
    job->done        = done;
    job->errand.work = do_work;
    job->errand.done = end_work;
    r->is_working    = strand_start(strand, &job->errand);
    if (!r->is_working)
        request_fail(r, "too much is asked at once: try again");
}

void
job_forgo(struct request *r)
{
    if (r->is_working)
        r->job->errand.is_unwanted = true;
}

bool
job_takes_arena(struct request *r)
{
    if (!r->is_working)
        return false;
    r->job->kept    = r->arena;
    r->job->request = NULL;
    return true;
}
