#include "mcp/service/line_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define QUEUE_HIGH KIB(64)
#define QUEUE_KEPT KIB(64) /* memory of an empty queue up to this is kept */

enum { PIECE = 64 << 10 };

static void
watch_input(struct line_pipe *p)
{
    bool wants = !p->has_ended && !p->is_held && buffer_len(&p->queue) < QUEUE_HIGH;

    if (p->in != NULL)
        poll_set(p->in, wants ? UV_READABLE : 0);
    else if (!wants)
        loop_clear_timer(p->loop, &p->again);
    else if (!timer_is_set(&p->again))
        loop_set_timer(p->loop, &p->again, loop_now(p->loop));
}

/* One piece a turn: who floods us shares the loop with all others. */
static void
read_piece(struct line_pipe *p)
{
    ssize_t got = p->has_ended ? 0 : read(p->in_fd, p->piece, PIECE);

    if (p->has_ended || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    if (got > 0) {
        lines_feed(&p->lines, str_of(p->piece, (size_t)got), p->events, p->owner);
        return;
    }
    p->has_ended = true;
    lines_finish(&p->lines, p->events, p->owner);
    p->on_end(p->owner);
}

static void
on_readable(void *owner, int events)
{
    struct line_pipe *p = owner;

    (void)events;
    read_piece(p);
    watch_input(p);
}

static void
on_again(struct timer *again)
{
    on_readable(LIST_OF(struct line_pipe, again, again), UV_READABLE);
}

static void
on_room(void *owner, int events)
{
    (void)events;
    line_pipe_flush(owner);
}

static bool
set_nonblocking(int fd, int *flags, const char *name, struct error *err)
{
    *flags = fcntl(fd, F_GETFL);
    return (*flags >= 0 && fcntl(fd, F_SETFL, *flags | O_NONBLOCK) == 0) ||
           error_set_errno(err, errno, "the service's %s", name);
}

/* One descriptor for both ways would have to be watched for both at once. */
static bool
take_descriptors(struct line_pipe *p, int in, int out, struct error *err)
{
    p->in_fd   = in;
    p->is_dup  = in == out;
    p->out_fd  = p->is_dup ? fcntl(out, F_DUPFD_CLOEXEC, 3) : out;
    bool is_ok = p->out_fd >= 0 || error_set_errno(err, errno, "the service's output");
    return is_ok && set_nonblocking(p->in_fd, &p->in_flags, "input", err) &&
           set_nonblocking(p->out_fd, &p->out_flags, "output", err);
}

static void
give_descriptors_back(struct line_pipe *p)
{
    if (p->out_flags >= 0)
        fcntl(p->out_fd, F_SETFL, p->out_flags);
    if (p->in_flags >= 0)
        fcntl(p->in_fd, F_SETFL, p->in_flags);
    if (p->is_dup && p->out_fd >= 0)
        close(p->out_fd);
}

bool
line_pipe_open(struct line_pipe *p, int in, int out, size_t line_max, struct error *err)
{
    p->lines = (struct lines){.max = line_max};
    p->queue = (struct buffer){.max = SIZE_MAX / 4}; /* line_pipe_write has the bound */
    timer_init(&p->again, on_again);
    p->in_flags = p->out_flags = -1;
    p->piece                   = malloc(PIECE);
    if (p->piece == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for the service's lines");
    if (!take_descriptors(p, in, out, err)) {
        give_descriptors_back(p);
        free(p->piece);
        return false;
    }
    p->in = poll_new(p->loop, in, on_readable, p, NULL); /* NULL: a file, which is always readable */
    watch_input(p);
    return true;
}

void
line_pipe_close(struct line_pipe *p)
{
    loop_clear_timer(p->loop, &p->again);
    if (p->in != NULL)
        poll_release(p->in);
    if (p->out != NULL)
        poll_release(p->out);
    give_descriptors_back(p);
    lines_clear(&p->lines);
    buffer_clear(&p->queue);
    free(p->piece);
}

bool
line_pipe_write(struct line_pipe *p, struct str line, size_t most)
{
    size_t queued = buffer_len(&p->queue);

    if (p->is_broken || (queued > 0 && (line.len >= most || queued >= most - line.len)) ||
        !buffer_reserve(&p->queue, line.len + 1))
        return false;
    char *start = buffer_space(&p->queue);
    if (line.len > 0)
        memcpy(start, line.data, line.len);
    start[line.len] = '\n';
    line_flatten(start, line.len);
    buffer_added(&p->queue, line.len + 1);
    return true;
}

/* It took not all: it is watched from here on. */
static bool
wait_for_room(struct line_pipe *p)
{
    if (p->out == NULL)
        p->out = poll_new(p->loop, p->out_fd, on_room, p, NULL);
    if (p->out != NULL)
        poll_set(p->out, UV_WRITABLE);
    return p->out != NULL;
}

bool
line_pipe_flush(struct line_pipe *p)
{
    struct str queued = buffer_str(&p->queue);

    if (!p->is_broken && queued.len > 0) {
        ssize_t wrote = write(p->out_fd, queued.data, queued.len);
        p->is_broken  = wrote < 0 && errno != EAGAIN && errno != EINTR;
        if (wrote > 0)
            buffer_consume(&p->queue, (size_t)wrote);
    }
    if (p->is_broken || (buffer_len(&p->queue) > 0 && !wait_for_room(p))) {
        p->is_broken = true;
        buffer_clear(&p->queue);
    }
    if (buffer_len(&p->queue) == 0) {
        if (p->out != NULL)
            poll_set(p->out, 0);
        if (p->queue.cap > QUEUE_KEPT)
            buffer_clear(&p->queue);
    }
    watch_input(p);
    return !p->is_broken;
}

size_t
line_pipe_queued(const struct line_pipe *p)
{
    return buffer_len(&p->queue);
}

void
line_pipe_hold(struct line_pipe *p, bool is_held)
{
    p->is_held = is_held;
    watch_input(p);
}
