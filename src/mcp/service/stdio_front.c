#include <stdlib.h>

#include "mcp/failure.h"
#include "mcp/service/stdio_inside.h"

static bool stdio_message(struct front *front, struct exchange *x, struct str message, bool last);
static void stdio_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out);
static bool batch_message(struct front *front, struct exchange *x, struct str message, bool last);
static void batch_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out);

/* No back of a service passes bytes. */
const struct front_ops        stdio_ops = {.message = stdio_message, .end = stdio_end};
static const struct front_ops batch_ops = {.message = batch_message, .end = batch_end};

void
stdio_say(struct stdio *io, struct str line)
{
    io->pipe.is_broken |= !line_pipe_write(&io->pipe, line, SIZE_MAX);
}

static bool
stdio_message(struct front *front, struct exchange *x, struct str message, bool last)
{
    struct stdio *io   = LIST_OF(struct stdio, front, front);
    size_t        most = io->parts.queue_max + (last ? io->parts.line_max : 0);

    if (!line_pipe_write(&io->pipe, message, most))
        return false;
    x->http_status = 200;
    if (last)
        exchange_begin_answer(x);
    return true;
}

static bool
has_answer_due(const struct exchange *x, enum close_reason why)
{
    return x->kind == KIND_REQUEST && why != CLOSE_ANSWERED && why != CLOSE_CANCELLED;
}

static const char *
name_of(const struct stdio *io)
{
    return service_table_of(io->service)->name;
}

static void
note_end(struct stdio *io, struct exchange *x)
{
    if (x->kind == KIND_REQUEST)
        io->open--;
    if (io->stream == x)
        io->stream = NULL;
}

static void
stdio_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out)
{
    struct stdio *io   = LIST_OF(struct stdio, front, front);
    struct buffer text = {.max = KIB(8)};

    (void)head_is_out;
    note_end(io, x);
    if (!has_answer_due(x, why) || io->is_told)
        return;
    x->http_status = 200;
    if (append_failure(&text, name_of(io), x, why)) {
        exchange_note(x, FROM_SERVER, buffer_str(&text), false);
        stdio_say(io, buffer_str(&text));
    } else {
        io->pipe.is_broken = true; /* an answer that never comes is worse than an end */
    }
    buffer_clear(&text);
}

/* False: no memory. */
static bool
join(struct stdio_batch *b, struct str answer)
{
    return buffer_append(&b->joined, buffer_len(&b->joined) == 0 ? STR("[") : STR(",")) &&
           buffer_append(&b->joined, answer);
}

static bool
batch_message(struct front *front, struct exchange *x, struct str message, bool last)
{
    struct stdio_batch *b = LIST_OF(struct stdio_batch, front, front);

    if (!last)
        return line_pipe_write(&b->io->pipe, message, b->io->parts.queue_max);
    if (!join(b, message))
        return false;
    x->http_status = 200;
    exchange_begin_answer(x);
    return true;
}

static void
batch_free(struct stdio_batch *b)
{
    list_remove(&b->node);
    buffer_clear(&b->joined);
    free(b);
}

static void
batch_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out)
{
    struct stdio_batch *b    = LIST_OF(struct stdio_batch, front, front);
    struct buffer       text = {.max = KIB(8)};

    (void)head_is_out;
    note_end(b->io, x);
    if (has_answer_due(x, why)) {
        x->http_status = 200;
        b->io->pipe.is_broken |= !append_failure(&text, name_of(b->io), x, why) || !join(b, buffer_str(&text));
        exchange_note(x, FROM_SERVER, buffer_str(&text), false);
        buffer_clear(&text);
    }
    if (!list_is_empty(&b->exchanges))
        return;
    if (buffer_len(&b->joined) > 0 && !b->io->is_told) {
        b->io->pipe.is_broken |= !buffer_append_char(&b->joined, ']');
        stdio_say(b->io, buffer_str(&b->joined));
    }
    batch_free(b);
}

struct stdio_batch *
stdio_batch_new(struct stdio *io)
{
    struct stdio_batch *b = calloc(1, sizeof *b);

    if (b == NULL)
        return NULL;
    *b = (struct stdio_batch){.front = {&batch_ops}, .io = io, .joined = {.max = io->parts.line_max}};
    list_init(&b->exchanges);
    list_append(&io->batches, &b->node);
    return b;
}
