/* Whatever a server says, over whatever way: each call of the owner's ends exactly once, each question is gone with its
 * call, and a client that is closed, by its owner or in the middle of what it says, leaves nothing open.
 *
 * The first byte has the flags. Each line that follows is said to the mail that was sent last, or is an order:
 *
 *   =JSON -JSON        a result, an error, with the id of the mail's request
 *   !m N               the mail that is meant from now on
 *   !h STATUS SESSION  a head            !e STATUS EVENT  its end            !x REASON  the same, and why
 *   !t MILLISECONDS    time passes       !c METHOD JSON   a call             !k N       one is cancelled
 *   !a JSON  !r CODE   the last question is answered, refused
 *   !l WISHES URI      a wish            !v LEVEL         a level            !f         nobody can be reached, or again
 *   !o                 it is opened      !q               it is closed */
#include <assert.h>
#include <stdlib.h>

#include "mcp/client/client.h"
#include "mcp/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAILS = 512, CALLS = 64 };
enum {
    IS_STDIO  = 1,
    IS_SSE    = 2,
    IS_LEGACY = 4,
    IS_MODERN = 8,
    DISCOVERS = 16,
    CLOSES    = 32,
    CANCELS   = 64,
    ANSWERS   = 128
};

struct mail {
    const struct mail_events *events;
    void                     *owner;
    char                      id[STR_DIGITS + 1];
    bool                      is_open;
    int                       owed;
};

struct fuzz_way {
    struct way     way;
    struct way_ops ops;
};

static struct talk {
    struct mail         mails[MAILS];
    size_t              sent, meant;
    struct client      *client;
    struct client_call *calls[CALLS];
    size_t              made, ended;
    struct question_in *question;
    unsigned            flags, events;
    bool                refuses, is_freed, is_in_call;
} talk;

static struct loop loop;

/* --- the way --- */

static struct mail *
send_mail(struct way *way, const struct mail_spec *spec, const struct mail_events *events, void *owner,
          struct error *err)
{
    struct arena   *a = arena_new(KIB(4), MIB(64));
    struct envelope e = {0};

    (void)way;
    assert(!talk.is_freed);
    if (talk.refuses || talk.sent == MAILS) {
        error_set(err, ERROR_UNREACHABLE, "nobody is there");
        arena_free(a);
        return NULL;
    }
    struct mail *m = &talk.mails[talk.meant = talk.sent++];
    *m             = (struct mail){.events = events, .owner = owner, .is_open = true};
    bool is_sound  = spec->message.len == 0 || envelope_parse(&e, spec->message, a, NULL);
    assert(is_sound); /* what we send is JSON-RPC, whatever we were told */
    snprintf(m->id, sizeof m->id, "%.*s", (int)(e.id.len < STR_DIGITS ? e.id.len : STR_DIGITS),
             e.id.data == NULL ? "" : e.id.data);
    arena_free(a);
    return m;
}

static void
drop_mail(struct mail *m, enum close_reason why)
{
    (void)why;
    assert(m->is_open);
    m->is_open = false;
}

static void
owe(struct mail *m, int questions)
{
    assert(m->is_open && m->owed + questions >= 0);
    m->owed += questions;
}

static void
free_way(struct way *way)
{
    assert(!talk.is_freed);
    free(LIST_OF(struct fuzz_way, way, way));
    talk.is_freed = true;
    for (size_t i = 0; i < talk.sent; i++)
        talk.mails[i].is_open = false;
}

/* --- the owner --- */

static void
close_client(void)
{
    struct client *c = talk.client;

    talk.client = NULL;
    client_free(c);
    assert(c == NULL || (talk.is_freed && talk.question == NULL));
}

/* What an owner may do in whatever it hears. */
static void
do_something(struct client_call *call, void *place)
{
    talk.events++;
    if ((talk.flags & CLOSES) && talk.events % 7 == 5 && talk.client != NULL)
        close_client();
    else if ((talk.flags & CANCELS) && talk.events % 5 == 3 && call != NULL && !talk.is_in_call) {
        *(struct client_call **)place = NULL;
        client_call_cancel(call, CLOSE_CANCELLED, "enough");
    }
}

static void
on_open(void *owner, struct client *c, const struct client_server *server)
{
    (void)owner, (void)c;
    assert(server->revision.len == 10);
    do_something(NULL, NULL);
}

static void
on_lost(void *owner, struct client *c, int code, int status, const char *words)
{
    (void)owner, (void)c, (void)code, (void)status;
    assert(words != NULL);
    do_something(NULL, NULL);
}

static void
on_message(void *owner, struct client *c, const struct envelope *e)
{
    (void)owner, (void)c;
    assert(e->kind == MESSAGE_NOTIFICATION);
    do_something(NULL, NULL);
}

static void
take_question(struct question_in *q, struct client_call *call, void *place)
{
    assert(question_key(q) != NULL);
    question_watch(q, &talk.question);
    talk.question = q;
    if (talk.flags & ANSWERS) {
        question_answer(q, question_params(q));
        assert(talk.question != q || call == NULL || talk.question == NULL);
    }
    do_something(call, place);
}

static void
on_question(void *owner, struct client *c, struct question_in *q)
{
    (void)owner, (void)c;
    if (talk.question == NULL) /* one place watches one */
        take_question(q, NULL, NULL);
    else
        question_refuse(q, -32603, "one at a time");
}

static size_t
place_of(void *owner)
{
    return (size_t)((struct client_call **)owner - talk.calls);
}

/* NULL when it was cancelled by who is told. */
static void
on_call_message(void *owner, struct client_call *call, const struct envelope *e)
{
    (void)e;
    assert(talk.calls[place_of(owner)] == call || talk.is_in_call);
    do_something(call, owner);
}

static void
on_call_question(void *owner, struct client_call *call, struct question_in *q)
{
    if (talk.question == NULL)
        take_question(q, call, owner);
    else
        question_refuse(q, -32603, "one at a time");
}

static void
on_asked(void *owner, struct client_call *call)
{
    do_something(call, owner);
}

static void
end_call(void *owner, struct client_call *call)
{
    struct client_call **place = owner;

    assert(*place == call || talk.is_in_call);
    *place = NULL;
    talk.ended++;
    do_something(NULL, NULL);
}

static void
on_result(void *owner, struct client_call *call, yyjson_val *result)
{
    assert(yyjson_is_obj(result));
    end_call(owner, call);
}

static void
on_error(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    (void)message, (void)data;
    assert(why == CLOSE_ANSWERED || code == -32603);
    end_call(owner, call);
}

static const struct client_events events      = {on_open, on_lost, on_message, on_question};
static const struct call_events   call_events = {on_call_message, on_call_question, on_asked, on_result, on_error};

/* --- orders --- */

static int64_t
number(struct str *rest)
{
    struct str word;
    int64_t    value = 0;

    if (str_cut(rest, ' ', &word) && str_to_i64(word, &value) && value > -100000 && value < 100000)
        return value;
    return 0;
}

static void
make_call(struct str rest)
{
    struct str            method  = STR_NONE;
    struct client_request request = {.level = 1, .follows_progress = true};
    struct client_call  **place   = talk.made < CALLS ? &talk.calls[talk.made] : NULL;

    str_cut(&rest, ' ', &method);
    if (talk.client == NULL || place == NULL || method.len == 0 || !str_is_utf8(method) ||
        memchr(method.data, '\0', method.len) != NULL)
        return;
    yyjson_doc *params = json_read(rest);
    talk.made++;
    request.method  = method;
    request.params  = yyjson_is_obj(yyjson_doc_get_root(params)) ? yyjson_doc_get_root(params) : NULL;
    talk.is_in_call = true;
    *place          = client_call(talk.client, &request, &call_events, place, NULL);
    talk.is_in_call = false;
    yyjson_doc_free(params);
}

static void
say(struct mail *m, struct str text)
{
    struct arena   *a = arena_new(KIB(4), MIB(64));
    struct envelope e;

    if (m->is_open && envelope_parse(&e, text, a, NULL))
        m->events->on_message(m->owner, &e);
    arena_free(a);
}

static void
answer(struct mail *m, struct str line)
{
    struct buffer text = {.max = MIB(1)};

    buffer_printf(&text, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"%s\":%.*s}", m->id, line.data[0] == '=' ? "result" : "error",
                  STR_ARG(str_skip(line, 1)));
    say(m, buffer_str(&text));
    buffer_clear(&text);
}

static void
end_mail(struct mail *m, struct str rest, bool has_reason)
{
    struct mail_end end = {.why = CLOSE_ANSWERED, .words = "", .retry = -1, .is_stream = true};
    int             n   = (int)number(&rest);

    if (!m->is_open)
        return;
    if (has_reason)
        end.why = (enum close_reason)((n < 0 ? -n : n) % CLOSE_REASONS);
    else
        end.status = n;
    end.last_event = rest;
    if (memchr(rest.data == NULL ? "" : rest.data, '\0', rest.len) != NULL)
        end.last_event = STR_NONE;
    m->is_open = false;
    m->events->on_end(m->owner, &end);
}

static void
pass(int64_t milliseconds)
{
    loop.now += MILLISECONDS(milliseconds < 0 ? 0 : milliseconds);
    timer_wheel_tick(&loop.timers, loop.now + 2 * TIMER_TICK);
}

static void
answer_question(struct str text)
{
    yyjson_doc *doc = json_read(text);

    question_answer(talk.question, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

static void
obey_client(char order, struct str rest)
{
    if (talk.client == NULL)
        return;
    if (order == 'o')
        client_open(talk.client);
    else if (order == 'l') {
        unsigned wishes = (unsigned)number(&rest) & 7;
        client_listen(talk.client, &(struct client_wishes){wishes, &rest, rest.len > 0, &rest, rest.len > 0});
    } else if (order == 'v')
        client_set_level(talk.client, (int)number(&rest));
    else if (order == 'n')
        client_notify(talk.client, "notifications/roots/list_changed", NULL);
    else if (order == 'q')
        close_client();
}

static void
obey(struct str line)
{
    struct mail *m     = talk.sent == 0 ? NULL : &talk.mails[talk.meant];
    struct str   rest  = str_skip(line, 3);
    char         order = line.len > 1 ? line.data[1] : ' ';

    if (order == 'm' && talk.sent > 0)
        talk.meant = (size_t)(number(&rest) & 0xffff) % talk.sent;
    else if (order == 'h' && m != NULL && m->is_open) {
        int status = (int)number(&rest);
        m->events->on_head(m->owner, status, rest);
    } else if ((order == 'e' || order == 'x') && m != NULL)
        end_mail(m, rest, order == 'x');
    else if (order == 't')
        pass(number(&rest));
    else if (order == 'c')
        make_call(rest);
    else if (order == 'k') {
        size_t n = (size_t)(number(&rest) & 0xffff) % CALLS;
        if (talk.client != NULL && talk.calls[n] != NULL)
            client_call_cancel(talk.calls[n], CLOSE_CANCELLED, NULL);
        talk.calls[n] = NULL;
    } else if (order == 'a')
        answer_question(rest);
    else if (order == 'r')
        question_refuse(talk.question, (int)number(&rest), "no");
    else if (order == 'f')
        talk.refuses = !talk.refuses;
    else
        obey_client(order, rest);
}

static void
open_talk(unsigned flags)
{
    static const enum way_kind kinds[] = {WAY_HTTP, WAY_STDIO, WAY_SSE, WAY_HTTP};

    memset(&talk, 0, sizeof talk);
    talk.flags         = flags;
    struct fuzz_way *w = calloc(1, sizeof *w);
    assert(w != NULL);
    w->ops                    = (struct way_ops){kinds[flags & 3], send_mail, drop_mail, owe, free_way};
    w->way.ops                = &w->ops;
    struct client_parts parts = {.loop         = &loop,
                                 .way          = &w->way,
                                 .name         = STR("fuzz"),
                                 .version      = STR("1"),
                                 .capabilities = STR("{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"),
                                 .era          = flags & IS_LEGACY   ? CLIENT_LEGACY
                                                 : flags & IS_MODERN ? CLIENT_MODERN
                                                                     : CLIENT_ANY_ERA,
                                 .discovers    = flags & DISCOVERS,
                                 .events       = &events};
    talk.client               = client_new(&parts, NULL);
    assert(talk.client != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_up;
    struct str  lines = str_of((const char *)data, size), line;

    if (size == 0 || size > KIB(16) || (!is_up && !(is_up = loop_init(&loop, NULL))))
        return 0;
    loop.now = clock_mono() > loop.now ? clock_mono() : loop.now;
    open_talk(data[0]);
    lines = str_skip(lines, 1);
    while (str_cut(&lines, '\n', &line)) {
        struct mail *m = talk.sent == 0 ? NULL : &talk.mails[talk.meant];
        if (str_starts(line, STR("!")))
            obey(line);
        else if (m != NULL && m->id[0] != '\0' && (str_starts(line, STR("=")) || str_starts(line, STR("-"))))
            answer(m, line);
        else if (m != NULL)
            say(m, line);
    }
    close_client();
    assert(talk.ended <= talk.made && loop.timers.count == 0);
    return 0;
}
