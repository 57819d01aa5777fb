#include "base/workers.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/live.h"

enum { THREADS_MOST = 4 };

struct job {
    struct job *next;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

struct jobs { /* the first first */
    struct job *first, **end;
    size_t      count;
};

struct workers {
    uv_poll_t       poll;
    int             wake;     /* eventfd: something was put into `ended` */
    size_t          underway; /* not done yet */
    pthread_t       threads[THREADS_MOST];
    unsigned        thread_count;
    pthread_mutex_t lock;
    pthread_cond_t  due;
    /* --- under the lock --- */
    struct jobs waiting, ended;
    unsigned    idle; /* threads that wait for one */
    bool        is_ending;
};

static void
put(struct jobs *all, struct job *job)
{
    if (all->first == NULL)
        all->end = &all->first;
    job->next = NULL;
    *all->end = job;
    all->end  = &job->next;
    all->count++;
}

static struct job *
take(struct jobs *all)
{
    struct job *job = all->first;

    if (job != NULL) {
        all->first = job->next;
        all->count--;
    }
    return job;
}

/* --- on a worker --- */

static struct job *
wait_for_one(struct workers *w)
{
    while (w->waiting.first == NULL && !w->is_ending) {
        w->idle++;
        pthread_cond_wait(&w->due, &w->lock);
        w->idle--;
    }
    return take(&w->waiting);
}

/* The network thread displaces this one as soon as it is woken, where they share a processor: so not under the lock. */
static void *
run(void *arg)
{
    struct workers *w   = arg;
    struct job     *job = NULL;
    uint64_t        one = 1;

    pthread_mutex_lock(&w->lock);
    while ((job = wait_for_one(w)) != NULL) {
        pthread_mutex_unlock(&w->lock);
        job->work(job->arg);
        pthread_mutex_lock(&w->lock);
        bool is_told = w->ended.first != NULL;
        put(&w->ended, job);
        if (is_told)
            continue;
        pthread_mutex_unlock(&w->lock);
        ssize_t ignored = write(w->wake, &one, sizeof one); /* can only fail when it says so already */
        (void)ignored;
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* --- on the network thread --- */

static void
finish(struct workers *w)
{
    uint64_t    told;
    ssize_t     ignored = read(w->wake, &told, sizeof told);
    struct jobs ended;

    (void)ignored;
    pthread_mutex_lock(&w->lock);
    ended    = w->ended;
    w->ended = (struct jobs){0};
    pthread_mutex_unlock(&w->lock);
    for (struct job *job; (job = take(&ended)) != NULL;) {
        w->underway--;
        job->done(job->arg);
        live_end(LIVE_WORKER_JOBS);
        free(job);
    }
}

static void
on_wake(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    finish(poll->data);
}

struct workers *
workers_new(uv_loop_t *loop)
{
    struct workers *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    if ((w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0 || uv_poll_init(loop, &w->poll, w->wake) != 0) {
        if (w->wake >= 0)
            close(w->wake);
        free(w);
        return NULL;
    }
    w->poll.data = w;
    uv_poll_start(&w->poll, UV_READABLE, on_wake);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->due, NULL);
    return w;
}

/* Signals are the network thread's. */
static void
start_thread(struct workers *w)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    w->thread_count += pthread_create(&w->threads[w->thread_count], NULL, run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

bool
workers_start(struct workers *w, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    struct job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return false;
    pthread_mutex_lock(&w->lock);
    bool is_one_free = w->waiting.count < w->idle; /* those that wake have theirs */
    pthread_mutex_unlock(&w->lock);
    if (!is_one_free && w->thread_count < THREADS_MOST)
        start_thread(w);
    if (w->thread_count == 0) {
        free(job);
        return false;
    }
    *job = (struct job){.work = work, .done = done, .arg = arg};
    w->underway++;
    live_begin(LIVE_WORKER_JOBS);
    pthread_mutex_lock(&w->lock);
    put(&w->waiting, job);
    bool is_any_idle = w->idle > 0;
    pthread_mutex_unlock(&w->lock);
    if (is_any_idle)
        pthread_cond_signal(&w->due);
    return true;
}

static void
on_closed(uv_handle_t *handle)
{
    struct workers *w = handle->data;

    close(w->wake);
    pthread_cond_destroy(&w->due);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void
workers_end(struct workers *w)
{
    if (w == NULL)
        return;
    while (w->underway > 0) {
        poll(&(struct pollfd){.fd = w->wake, .events = POLLIN}, 1, -1);
        finish(w);
    }
    pthread_mutex_lock(&w->lock);
    w->is_ending = true;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_broadcast(&w->due);
    for (unsigned i = 0; i < w->thread_count; i++)
        pthread_join(w->threads[i], NULL);
    uv_close((uv_handle_t *)&w->poll, on_closed);
}
