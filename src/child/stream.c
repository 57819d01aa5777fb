#include <errno.h>
#include <unistd.h>

#include "child/inside.h"

/* The queue's memory is kept for the next lines up to this. */
static const size_t QUEUE_KEPT = KIB(64);

/* What is read at most when all is over: a pipe holds 64 KiB, and 1 MiB where a program enlarged it. */
enum { REST_READS = 32 };

void
stream_close_one(struct poll **poll, int *fd)
{
    if (*poll != NULL)
        poll_close(*poll);
    else if (*fd >= 0)
        close(*fd);
    *poll = NULL;
    *fd   = -1;
}

static bool
give_line(void *owner, struct str line)
{
    struct child *child = owner;

    if (child->events.on_line != NULL)
        child->events.on_line(child->user, line);
    return !child->abandoned;
}

static void
give_part(void *owner, struct str so_far)
{
    struct child *child = owner;

    if (child->events.on_part != NULL && !child->abandoned)
        child->events.on_part(child->user, so_far);
}

static bool
give_oversize(void *owner, size_t bytes)
{
    struct child *child = owner;

    if (child->events.on_oversize != NULL)
        child->events.on_oversize(child->user, bytes);
    return !child->abandoned;
}

static bool
give_stderr(void *owner, struct str line)
{
    struct child *child = owner;

    ring_add(&child->ring, line);
    if (child->events.on_stderr != NULL)
        child->events.on_stderr(child->user, line);
    return !child->abandoned;
}

static const struct lines_events out_events = {
    .on_line = give_line, .on_part = give_part, .on_oversize = give_oversize};
static const struct lines_events err_events = {.on_line = give_stderr};

enum reading { READING_MORE, READING_LATER, READING_ENDED };

static enum reading
read_piece(struct child *child, int fd, struct lines *lines, const struct lines_events *events)
{
    ssize_t got = read(fd, child->owner->read, CHILD_READ_SIZE);

    if (got > 0) {
        lines_feed(lines, str_of(child->owner->read, (size_t)got), events, child);
        return READING_MORE;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? READING_LATER : READING_ENDED;
}

/* One piece a turn: a child that floods its stdout shares the loop with all others. */
static void
on_out(void *owner, int events)
{
    struct child *child = owner;

    (void)events;
    if (child->out == NULL || read_piece(child, child->fd.out, &child->out_lines, &out_events) != READING_ENDED)
        return;
    lines_finish(&child->out_lines, &out_events, child);
    stream_close_one(&child->out, &child->fd.out);
    child_out_ended(child);
}

static void
on_err(void *owner, int events)
{
    struct child *child = owner;

    (void)events;
    if (child->err == NULL || read_piece(child, child->fd.err, &child->err_lines, &err_events) != READING_ENDED)
        return;
    lines_finish(&child->err_lines, &err_events, child);
    stream_close_one(&child->err, &child->fd.err);
}

static void
on_in(void *owner, int events)
{
    (void)events;
    stream_flush(owner);
}

bool
stream_open(struct child *child, struct error *err)
{
    struct loop *loop = child->owner->loop;

    child->in  = poll_new(loop, child->fd.in, on_in, child, err);
    child->out = poll_new(loop, child->fd.out, on_out, child, err);
    child->err = poll_new(loop, child->fd.err, on_err, child, err);
    return child->in != NULL && child->out != NULL && child->err != NULL;
}

void
stream_start_reading(struct child *child)
{
    if (child->out != NULL)
        poll_set(child->out, UV_READABLE);
    if (child->err != NULL)
        poll_set(child->err, UV_READABLE);
}

void
stream_read_rest(struct child *child)
{
    for (int i = 0; i < REST_READS && child->out != NULL; i++)
        if (read_piece(child, child->fd.out, &child->out_lines, &out_events) != READING_MORE)
            break;
    if (child->out != NULL)
        lines_finish(&child->out_lines, &out_events, child);
    for (int i = 0; i < REST_READS && child->err != NULL; i++)
        if (read_piece(child, child->fd.err, &child->err_lines, &err_events) != READING_MORE)
            break;
    if (child->err != NULL)
        lines_finish(&child->err_lines, &err_events, child);
    stream_close(child);
}

void
stream_close_in(struct child *child)
{
    list_remove(&child->unsent);
    stream_close_one(&child->in, &child->fd.in);
    buffer_clear(&child->queue);
}

void
stream_close(struct child *child)
{
    stream_close_in(child);
    stream_close_one(&child->out, &child->fd.out);
    stream_close_one(&child->err, &child->fd.err);
}

bool
child_write(struct child *child, struct str line)
{
    size_t queued = buffer_len(&child->queue);

    if (!child_takes_lines(child))
        return false;
    if (queued > 0 && (line.len >= child->queue_max || queued >= child->queue_max - line.len)) {
        child->is_crowded = true;
        return false;
    }
    if (!buffer_reserve(&child->queue, line.len + 1))
        return false;
    char *start = buffer_space(&child->queue);
    if (line.len > 0)
        memcpy(start, line.data, line.len);
    start[line.len] = '\n';
    line_flatten(start, line.len);
    buffer_added(&child->queue, line.len + 1);
    if (buffer_len(&child->queue) >= CHILD_QUEUE_HIGH)
        child->is_crowded = true;
    if (list_is_empty(&child->unsent))
        list_append(&child->owner->unsent, &child->unsent);
    return true;
}

bool
child_takes_lines(const struct child *child)
{
    return child->in != NULL && child->state <= CHILD_RUNNING;
}

size_t
child_queued(const struct child *child)
{
    return buffer_len(&child->queue);
}

/* False: nobody reads its stdin any more. */
static bool
write_queue(struct child *child)
{
    struct str queued = buffer_str(&child->queue);

    if (queued.len == 0)
        return true;
    ssize_t wrote = write(child->fd.in, queued.data, queued.len);
    if (wrote < 0)
        return errno == EAGAIN || errno == EINTR;
    buffer_consume(&child->queue, (size_t)wrote);
    return true;
}

bool
stream_flush(struct child *child)
{
    list_remove(&child->unsent);
    if (child->in == NULL)
        return false;
    if (!write_queue(child)) {
        stream_close_in(child);
        child_lost(child, "closed its stdin and was stopped: ");
        return false;
    }
    size_t left = buffer_len(&child->queue);
    poll_set(child->in, left > 0 ? UV_WRITABLE : 0);
    if (left == 0 && child->queue.cap > QUEUE_KEPT)
        buffer_clear(&child->queue);
    if (left == 0 && child->state == CHILD_CLOSING) {
        stream_close_in(child);
        return false;
    }
    if (!child->is_crowded || left >= CHILD_QUEUE_LOW || child->state > CHILD_RUNNING)
        return false;
    child->is_crowded = false;
    if (child->events.on_drained == NULL)
        return false;
    child->events.on_drained(child->user);
    return true;
}
