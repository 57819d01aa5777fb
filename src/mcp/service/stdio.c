#include "mcp/service/stdio_inside.h"

#include <signal.h>
#include <stdlib.h>

#include "mcp/revision.h"
#include "mcp/service/intake.h"

#define LINE_MAX_DEFAULT  MIB(64)
#define QUEUE_MAX_DEFAULT MIB(8)

enum { OPEN_MOST = 16384 /* calls in flight: no more is read then */ };

/* What is no request is not answered, whatever is wrong with it; what could not be read may have been one. */
static void
answer_refusal(struct stdio *io, struct intake *in)
{
    struct buffer text     = {.max = KIB(16)};
    bool          is_asked = in->is_batch || in->count == 0 || in->xs[in->count - 1]->kind == KIND_REQUEST;

    if (is_asked && append_refusal(&text, in->id, &in->refusal))
        stdio_say(io, buffer_str(&text));
    in->refusal.status = 200; /* as on record: there is no HTTP here */
    intake_end_refused(in, buffer_str(&text));
    buffer_clear(&text);
}

static bool
refuse(struct intake *in, int code, const char *text)
{
    return intake_refuse(in, 200, code, text);
}

/* The one session of the process. NULL: refused. */
static struct service_session *
session_of(struct stdio *io, struct intake *in)
{
    if (io->session == NULL)
        io->session = service_session_new(io->service, STR(""));
    if (io->session == NULL)
        refuse(in, -32603, "no memory");
    return io->session;
}

static bool
is_open(const struct stdio *io)
{
    return io->session != NULL && service_session_revision(io->session).len > 0;
}

static bool
check_opening(struct stdio *io, struct intake *in)
{
    const struct exchange *x = in->xs[0];

    if (io->era == STDIO_MODERN || !service_parts_of(io->service)->is_legacy)
        return refuse_revision(io->service, x->message.revision, x->arena, &in->refusal);
    if (is_open(io))
        return refuse(in, -32600, "the session is open already: initialize opens it once");
    if (!opening_check(&x->message, &in->refusal) || session_of(io, in) == NULL)
        return false;
    io->era = STDIO_LEGACY;
    return true;
}

static bool
check_batch(struct stdio *io, struct intake *in)
{
    for (size_t i = 0; i < in->count; i++) {
        const struct envelope *e = &in->xs[i]->message;
        if (str_eq(e->method, STR("initialize")))
            return refuse(in, -32600, "initialize cannot be in a batch");
        if (e->modern_revision.data != NULL)
            return refuse(in, -32600, "a batch cannot be sent in this revision");
    }
    return (is_open(io) && revision_has_batches(service_session_revision(io->session))) ||
           refuse(in, -32600, "only revision 2025-03-26 has batches");
}

static bool
check_modern(struct stdio *io, struct intake *in)
{
    struct exchange *x = in->xs[0];

    x->is_modern = true;
    if (x->kind == KIND_REPLY)
        return refuse(in, -32600, "a response is not sent to a server of this revision");
    if (!rules_check(io->rules, &x->message, NULL, x->arena, &in->refusal))
        return false;
    if (x->kind == KIND_REQUEST && !str_eq(x->message.method, STR("server/discover")))
        io->era = STDIO_MODERN;
    return true;
}

/* MCP 2026-07-28, basic/versioning: the first message decides, but for those that ask what there is to decide. */
static bool
is_modern(const struct stdio *io, const struct exchange *x)
{
    if (io->era != STDIO_UNDECIDED || !service_parts_of(io->service)->is_legacy)
        return io->era != STDIO_LEGACY;
    return x->message.modern_revision.data != NULL || str_eq(x->message.method, STR("server/discover")) ||
           (x->kind == KIND_NOTIFICATION && service_parts_of(io->service)->is_modern);
}

static bool
check_legacy(struct stdio *io, struct intake *in)
{
    if (is_open(io))
        return true;
    if (!str_eq(in->xs[0]->message.method, STR("ping")))
        return refuse(in, -32600, "begin with initialize");
    return session_of(io, in) != NULL;
}

static bool
check(struct stdio *io, struct intake *in)
{
    const struct exchange *x = in->xs[0];

    if (in->is_batch)
        return check_batch(io, in);
    if (str_eq(x->message.method, STR("initialize")) && x->message.modern_revision.data == NULL)
        return check_opening(io, in);
    return is_modern(io, x) ? check_modern(io, in) : check_legacy(io, in);
}

static void
adopt(struct intake *in, struct front *front, struct list *exchanges)
{
    for (size_t i = 0; i < in->count; i++) {
        in->xs[i]->front = front;
        list_append(exchanges, &in->xs[i]->front_node);
    }
}

static bool
adopt_batch(struct stdio *io, struct intake *in)
{
    struct stdio_batch *b = stdio_batch_new(io);

    if (b == NULL)
        return refuse(in, -32603, "no memory");
    adopt(in, &b->front, &b->exchanges);
    return true;
}

static bool
attach(void *arg, struct exchange *x)
{
    struct stdio *io = arg;

    return io->parts.attach == NULL || io->parts.attach(io->parts.owner, x);
}

static struct intake
intake_of(struct stdio *io)
{
    return (struct intake){.all = io->all, .patience = io->parts.patience, .attach = attach, .arg = io};
}

/* Beside its calls a session speaks on its stream: here that is the same line. */
static void
open_stream(struct stdio *io)
{
    struct intake in = intake_of(io);

    if (io->stream != NULL || !is_open(io) || io->has_ended)
        return;
    if (!intake_add(&in, KIND_STREAM, STR("stdio"))) {
        intake_end_refused(&in, STR_NONE);
        return;
    }
    io->stream = in.xs[0];
    adopt(&in, &io->front, &io->exchanges);
    if (intake_guard(&in))
        exchange_send(in.xs[0], service_session_back(io->session));
}

static void
send_all(struct stdio *io, struct intake *in)
{
    bool         is_modern_one = in->xs[0]->is_modern;
    struct back *back          = is_modern_one ? service_back(io->service) : service_session_back(io->session);

    for (size_t i = 0; i < in->count; i++) {
        exchange_send(in->xs[i], back);
        exchange_keep_message(in->xs[i]);
    }
    if (!is_modern_one)
        open_stream(io);
}

static void
take(struct stdio *io, struct str line)
{
    struct intake in = intake_of(io);

    if (!intake_read(&in, line) || !check(io, &in) || (in.is_batch && !adopt_batch(io, &in))) {
        answer_refusal(io, &in);
        return;
    }
    if (!in.is_batch)
        adopt(&in, &io->front, &io->exchanges);
    for (size_t i = 0; i < in.count; i++)
        io->open += in.xs[i]->kind == KIND_REQUEST;
    if (intake_guard(&in))
        send_all(io, &in);
    line_pipe_hold(&io->pipe, io->open >= OPEN_MOST);
}

static bool
on_line(void *owner, struct str line)
{
    struct stdio *io = owner;

    if (str_trim(line).len > 0)
        take(io, line);
    return !io->pipe.is_broken;
}

static bool
on_oversize(void *owner, size_t bytes)
{
    struct stdio  *io      = owner;
    struct refusal refusal = {.code = -32600};
    char           words[100];
    struct buffer  text = {.max = KIB(1)};

    snprintf(words, sizeof words, "a line of %zu bytes was not read: it is longer than %zu", bytes, io->parts.line_max);
    refusal.message = str_from(words);
    if (append_refusal(&text, STR_NONE, &refusal))
        stdio_say(io, buffer_str(&text));
    buffer_clear(&text);
    return true;
}

static const struct lines_events line_events = {.on_line = on_line, .on_oversize = on_oversize};

static void
on_input_end(void *owner)
{
    ((struct stdio *)owner)->has_ended = true;
}

/* No answer will come to what it asked, and nobody listens for ever. */
static bool
waits_in_vain(const struct exchange *x)
{
    return x->kind != KIND_REQUEST || x->owed > 0 || str_eq(x->message.method, STR("subscriptions/listen"));
}

static struct exchange *
first_in(const struct list *exchanges, bool (*is_meant)(const struct exchange *x))
{
    LIST_EACH (struct exchange, x, exchanges, front_node)
        if (is_meant(x))
            return x;
    return NULL;
}

static struct exchange *
first_of(const struct stdio *io, bool (*is_meant)(const struct exchange *x))
{
    struct exchange *x = first_in(&io->exchanges, is_meant);

    if (x != NULL)
        return x;
    LIST_EACH (const struct stdio_batch, b, &io->batches, node)
        if ((x = first_in(&b->exchanges, is_meant)) != NULL)
            return x;
    return NULL;
}

/* What only listened ends without a word; what asked is told that nobody answered. */
static void
close_what_waits(struct stdio *io)
{
    for (struct exchange *x; (x = first_of(io, waits_in_vain)) != NULL;)
        exchange_close(x, x->owed > 0 ? CLOSE_CLIENT_LEFT : CLOSE_CANCELLED);
}

static bool
is_any(const struct exchange *x)
{
    (void)x;
    return true;
}

/* Nothing is written any more. */
static void
finish(struct stdio *io)
{
    io->is_told = true;
    for (struct exchange *x; (x = first_of(io, is_any)) != NULL;)
        exchange_close(x, CLOSE_CLIENT_LEFT);
    if (io->session != NULL)
        service_session_end(io->session, CLOSE_SESSION_ENDED);
    io->session = NULL;
}

static bool
end_turn(struct loop_hook *hook)
{
    struct stdio *io = LIST_OF(struct stdio, hook, turn_end);

    if (io->is_told)
        return false;
    if (io->has_ended)
        close_what_waits(io);
    bool is_read = line_pipe_flush(&io->pipe);
    line_pipe_hold(&io->pipe, io->open >= OPEN_MOST);
    if (is_read && (!io->has_ended || io->open > 0 || line_pipe_queued(&io->pipe) > 0))
        return false;
    finish(io);
    if (io->parts.on_ended != NULL)
        io->parts.on_ended(io->parts.owner); /* it may be gone now */
    return false;
}

static bool
open_pipe(struct stdio *io, struct error *err)
{
    io->pipe = (struct line_pipe){.loop = io->all->loop, .events = &line_events, .on_end = on_input_end, .owner = io};
    return line_pipe_open(&io->pipe, io->parts.in, io->parts.out, io->parts.line_max, err);
}

struct stdio *
stdio_new(struct service *s, struct exchanges *all, const struct stdio_parts *parts, struct error *err)
{
    struct stdio *io = calloc(1, sizeof *io);

    if (io == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for a service on stdio");
        return NULL;
    }
    *io = (struct stdio){.front = {&stdio_ops}, .service = s, .all = all, .parts = *parts, .turn_end.run = end_turn};
    if (parts->line_max == 0)
        io->parts.line_max = LINE_MAX_DEFAULT;
    if (parts->queue_max == 0)
        io->parts.queue_max = QUEUE_MAX_DEFAULT;
    list_init(&io->exchanges);
    list_init(&io->batches);
    signal(SIGPIPE, SIG_IGN); /* of writing to who reads no more */
    io->rules = rules_new(s, err);
    if (io->rules == NULL || !open_pipe(io, err)) {
        rules_free(io->rules);
        free(io);
        return NULL;
    }
    loop_add_hook(all->loop, &io->turn_end);
    return io;
}

void
stdio_free(struct stdio *io)
{
    if (io == NULL)
        return;
    if (!io->is_told)
        finish(io);
    loop_remove_hook(&io->turn_end);
    line_pipe_close(&io->pipe);
    rules_free(io->rules);
    free(io);
}
