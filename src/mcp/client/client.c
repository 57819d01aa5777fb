/* The life of a client: its states, and what it keeps of the server. */
#include "mcp/client/parts.h"

#include <stdlib.h>

#include "mcp/revision.h"

static void
client_fire(struct timer *trouble)
{
    struct client *c = LIST_OF(struct client, trouble, trouble);

    client_enter(c);
    client_lose(c, CLOSE_UNREACHABLE, 0, 0, c->trouble_words);
    client_leave(c);
}

char *
text_copy(struct str text)
{
    char *copy = malloc(text.len + 1);

    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

void
text_set(char **place, struct str text)
{
    free(*place);
    *place = text.len == 0 ? NULL : text_copy(text);
}

/* The legacy revision of that name, as it stands in the table; the newest when none is named. */
static const char *
legacy_revision(struct str name)
{
    if (name.len == 0)
        return legacy_revisions[0];
    for (size_t i = 0; legacy_revisions[i] != NULL; i++)
        if (str_eq(name, str_from(legacy_revisions[i])))
            return legacy_revisions[i];
    return NULL;
}

static void
init(struct client *c, const struct client_parts *parts)
{
    *c = (struct client){.loop      = parts->loop,
                         .way       = parts->way,
                         .pinned    = parts->era,
                         .discovers = parts->discovers,
                         .offered   = legacy_revision(parts->revision),
                         .name      = text_copy(parts->name),
                         .version   = text_copy(parts->version),
                         .patience  = parts->patience > 0 ? parts->patience : PATIENCE,
                         .probe     = parts->probe > 0 ? parts->probe : PROBE,
                         .owner     = parts->owner,
                         .schemas   = MAP_OF(char *, TOOLS_MOST),
                         .level     = -1};
    if (parts->events != NULL)
        c->events = *parts->events;
    c->capabilities = json_read(parts->capabilities.len > 0 ? parts->capabilities : STR("{}"));
    timer_init(&c->trouble, client_fire);
    list_init(&c->calls);
    list_init(&c->waiting);
    list_init(&c->over);
    list_init(&c->refreshing);
    list_init(&c->doomed);
    list_init(&c->letters);
    list_init(&c->dead_letters);
    list_init(&c->questions);
    list_init(&c->dead_questions);
    listen_init(c);
}

static void
destroy(struct client *c)
{
    tools_forget(c);
    listen_clear(c);
    yyjson_doc_free(c->capabilities);
    yyjson_doc_free(c->declared);
    free(c->info);
    free(c->caps);
    free(c->words);
    free(c->name);
    free(c->version);
    free(c->challenge);
    free(c);
}

struct client *
client_new(const struct client_parts *parts, struct error *err)
{
    struct client *c = malloc(sizeof *c);

    if (c == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for a client");
        return NULL;
    }
    init(c, parts);
    if (c->name != NULL && c->version != NULL && c->offered != NULL &&
        yyjson_is_obj(yyjson_doc_get_root(c->capabilities)))
        return c;
    if (c->name == NULL || c->version == NULL)
        error_set(err, ERROR_MEMORY, "no memory for a client");
    else if (c->offered == NULL)
        error_set(err, ERROR_INVALID, "\"%.*s\" is no revision of the protocol that opens with initialize",
                  STR_ARG(str_take(parts->revision, 40)));
    else
        error_set(err, ERROR_INVALID, "the capabilities of the client are no JSON object");
    destroy(c);
    return NULL;
}

/* --- functions on the stack --- */

void
client_enter(struct client *c)
{
    c->depth++;
}

/* Nobody is left who could look at them. */
static void
sweep(struct client *c)
{
    LIST_EACH (struct client_call, call, &c->over, node)
        call_free(call);
    LIST_EACH (struct letter, l, &c->dead_letters, node)
        letter_free(l);
    LIST_EACH (struct question_in, q, &c->dead_questions, node)
        question_free(q);
}

void
client_leave(struct client *c)
{
    if (c->depth > 1) {
        c->depth--;
        return;
    }
    sweep(c);
    c->depth--;
    if (c->is_gone)
        destroy(c);
}

static void
drop_all(struct list *calls)
{
    for (struct list *node; (node = list_first(calls)) != NULL;)
        call_finish(LIST_OF(struct client_call, node, node), CLOSE_CANCELLED);
}

void
client_free(struct client *c)
{
    if (c == NULL || c->is_gone)
        return;
    client_enter(c);
    c->is_gone = true;
    loop_clear_timer(c->loop, &c->trouble);
    listen_stop(c);
    drop_all(&c->calls);
    drop_all(&c->waiting);
    drop_all(&c->refreshing);
    drop_all(&c->doomed);
    questions_drop(&c->questions);
    opening_stop(c);
    if (c->session[0] != '\0' && c->era == CLIENT_LEGACY && client_is_http(c))
        letter_tell(c, KIND_DELETE, NULL, 0, NULL);
    c->way->ops->free(c->way);
    LIST_EACH (struct letter, l, &c->letters, node) { /* what was still behind its answer */
        loop_clear_timer(c->loop, &l->rest);
        letter_free(l);
    }
    client_leave(c);
}

/* --- states --- */

bool
client_is_http(const struct client *c)
{
    return c->way->ops->kind == WAY_HTTP;
}

const struct client_server *
client_server(const struct client *c)
{
    return c->state == CLIENT_OPEN ? &c->server : NULL;
}

struct str
client_challenge(const struct client *c)
{
    return str_from(c->challenge);
}

size_t
client_calls(const struct client *c)
{
    return c->open;
}

void
client_open(struct client *c)
{
    if (c->is_gone || (c->state != CLIENT_NEW && c->state != CLIENT_LOST))
        return;
    client_enter(c);
    text_set(&c->challenge, STR_NONE);
    opening_begin(c);
    client_leave(c);
}

void
client_trouble(struct client *c, const struct error *err)
{
    snprintf(c->trouble_words, sizeof c->trouble_words, "%.*s", STR_ARG(str_take(str_from(err->text), 250)));
    loop_set_timer(c->loop, &c->trouble, loop_now(c->loop));
}

static void
forget_server(struct client *c)
{
    yyjson_doc_free(c->declared);
    free(c->info);
    free(c->caps);
    free(c->words);
    c->declared = NULL;
    c->info = c->caps = c->words = NULL;
    c->server                    = (struct client_server){0};
}

/* An object as JSON; NULL: it is none, or no memory. */
static char *
object_text(yyjson_val *object)
{
    return yyjson_is_obj(object) ? yyjson_val_write(object, 0, NULL) : NULL;
}

bool
client_keep_server(struct client *c, yyjson_val *result)
{
    yyjson_val *declared = json_member(result, "capabilities");
    yyjson_val *info     = json_member(json_member(result, "_meta"), META_KEY("serverInfo"));
    struct str  words    = json_str_in(result, "instructions");

    forget_server(c);
    if (info == NULL) /* legacy; and modern ones of an early draft */
        info = json_member(result, "serverInfo");
    c->info     = object_text(info);
    c->caps     = object_text(declared);
    c->declared = json_keep(declared);
    c->words    = words.data == NULL ? NULL : text_copy(words);
    return (info == NULL || c->info != NULL) && (declared == NULL || (c->caps != NULL && c->declared != NULL)) &&
           (words.data == NULL || c->words != NULL);
}

bool
client_declares(const struct client *c, const char *feature, const char *detail)
{
    yyjson_val *has = yyjson_obj_get(yyjson_doc_get_root(c->declared), feature);

    if (c->declared == NULL)
        return c->era == CLIENT_MODERN; /* it was not asked */
    return has != NULL && (detail == NULL || yyjson_is_true(yyjson_obj_get(has, detail)));
}

void
client_opened(struct client *c)
{
    c->state      = CLIENT_OPEN;
    c->server     = (struct client_server){.era          = c->era,
                                           .revision     = str_from(c->revision),
                                           .info         = str_from(c->info),
                                           .capabilities = str_from(c->caps),
                                           .instructions = str_from(c->words),
                                           .session      = str_from(c->session)};
    c->level_told = -1;
    if (c->events.on_open != NULL)
        c->events.on_open(c->owner, c, &c->server);
    calls_flush(c);
    if (c->state == CLIENT_OPEN && !c->is_gone)
        listen_begin(c);
}

/* Takes all calls off the client first: who is told may make new ones. `status`: for which it is lost, or 0. */
static void
tell_lost(struct client *c, enum close_reason why, int status, const char *words)
{
    list_splice(&c->doomed, &c->calls);
    list_splice(&c->doomed, &c->waiting);
    list_splice(&c->doomed, &c->refreshing);
    if (status != 0)
        LIST_EACH (struct client_call, call, &c->doomed, node) {
            call->status = status;
            text_set(&call->challenge, client_challenge(c));
        }
    for (struct list *node; (node = list_first(&c->doomed)) != NULL;) {
        struct client_call *call = LIST_OF(struct client_call, node, node);
        if (call->is_ours)
            call_finish(call, why);
        else
            call_fail(call, why, words);
    }
}

void
client_lose(struct client *c, enum close_reason why, int code, int status, const char *words)
{
    char kept[sizeof c->trouble_words];

    if (c->is_gone || c->state == CLIENT_LOST || c->state == CLIENT_NEW)
        return;
    snprintf(kept, sizeof kept, "%s", words);
    c->state = CLIENT_LOST;
    c->generation++;
    c->is_reopening = false;
    loop_clear_timer(c->loop, &c->trouble);
    opening_stop(c);
    listen_stop(c);
    questions_drop(&c->questions);
    c->refresh    = NULL;
    c->session[0] = '\0';
    forget_server(c);
    tell_lost(c, why, status, kept);
    if (!c->is_gone && c->events.on_lost != NULL)
        c->events.on_lost(c->owner, c, code, status, kept);
}

void
client_reopen(struct client *c)
{
    if (c->is_reopening) {
        client_lose(c, CLOSE_SESSION_ENDED, 0, 404, "its session is gone, and so was the one that followed");
        return;
    }
    c->is_reopening = true;
    c->generation++;
    text_set(&c->challenge, STR_NONE);
    listen_stop(c);
    questions_drop(&c->questions);
    forget_server(c);
    opening_initialize(c);
}
