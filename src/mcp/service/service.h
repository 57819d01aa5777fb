/* src/mcp/service/service.h: an MCP server in the process is a table and its handlers; the protocol is done here.
 *
 *   static void
 *   greet(struct request *r)
 *   {
 *       request_say(r, "Hello, %.*s!", STR_ARG(request_string(r, "name")));
 *       request_finish(r);
 *   }
 *
 *   static const struct tool tools[] = {
 *       {.name = "greet", .description = "Greets someone by name.", .call = greet, .hints = TOOL_READS,
 *        .input = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}"},
 *       {0},
 *   };
 *   const struct service_table greeter = {.name = "greeter", .version = "1.0", .tools = tools};
 *
 * Every revision is served from the same table, several at once. A handler is written once for all of them:
 *
 * - It answers exactly once, now or later: request_finish, request_fail or request_refuse. Until then it may say how
 *   far it is (request_progress), log, wait (request_after), and asks whether anybody still wants the answer.
 * - It asks the client by request_elicit, request_sample, request_roots. What was not answered yet is NULL: it asks for
 *   all that it needs now and returns without an answer. It is called again, from its beginning, when the answers are
 *   there; what was computed meanwhile and is dear goes along by request_keep. (A legacy client gets requests while its
 *   call waits; a modern one an `input_required` result, and comes again: MCP 2026-07-28, "Multi round-trip requests".)
 *
 * Tables are read when the service is made: a schema that is none, a name given twice or one that the protocol does not
 * allow is an error then. All of it is used on the network thread. */
#ifndef GATEHOUSE_MCP_SERVICE_SERVICE_H
#define GATEHOUSE_MCP_SERVICE_SERVICE_H

#include <yyjson.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

struct arena;
struct relay;
struct request;
struct service;
struct strand;

/* JSON as it stands in a table, without backslashes: JSON({"type": "object"}) is a string of it. */
#define JSON(...) #__VA_ARGS__

/* What a handler may need of a client. A tool that cannot do without says so in its table, and is refused with -32021
 * (a modern client) or an error in words. */
enum client_ability {
    CLIENT_ELICITS       = 1 << 0, /* elicitation, by form */
    CLIENT_ELICITS_URL   = 1 << 1, /* 2025-11-25 on */
    CLIENT_SAMPLES       = 1 << 2,
    CLIENT_SAMPLES_TOOLS = 1 << 3, /* 2025-11-25 on */
    CLIENT_HAS_ROOTS     = 1 << 4,
    CLIENT_FOLLOWS_TASKS = 1 << 5, /* extension io.modelcontextprotocol/tasks */
};

/* Annotations of a tool. Without any: it may destroy, is not idempotent, and reaches an open world. */
enum tool_hint {
    TOOL_READS   = 1 << 0, /* readOnlyHint */
    TOOL_ADDS    = 1 << 1, /* destructiveHint false */
    TOOL_REPEATS = 1 << 2, /* idempotentHint */
    TOOL_INSIDE  = 1 << 3, /* openWorldHint false */
};

struct icon {
    const char *src; /* https or data URI; NULL ends the list */
    const char *mime_type, *sizes /* "48x48" or "any" */, *theme /* "light", "dark" or NULL */;
};

typedef void (*request_handler)(struct request *r);

/* Each table ends with an entry whose name (of a resource: uri) is NULL. Texts are UTF-8 and live as long as the
 * service; NULL: none. */
struct tool {
    const char *name, *title, *description;
    const char *input;         /* JSON Schema 2020-12 of an object; NULL: no arguments. Arguments are valid, and their
                                  defaults filled in, when the handler is called; null where there is
                                  none in the schema: not given. */
    const char        *output; /* of structured content, which then must be set, and is checked */
    request_handler    call;
    unsigned           hints; /* of enum tool_hint */
    unsigned           needs; /* of enum client_ability */
    bool               is_unlisted;
    const struct icon *icons;
};

struct resource {
    const char        *uri, *name, *title, *description, *mime_type;
    int64_t            size; /* bytes; 0: not said */
    request_handler    read; /* adds contents */
    const struct icon *icons;
};

/* An argument of a prompt, or a variable of a template. `complete` adds values by request_add_value. */
struct argument {
    const char     *name, *title, *description;
    bool            is_required;
    request_handler complete;
};

struct resource_template {
    const char            *uri_template; /* RFC 6570, level 1: "note://{id}/text" */
    const char            *name, *title, *description, *mime_type;
    request_handler        read;
    const struct argument *variables; /* those that can be completed */
    const struct icon     *icons;
};

struct prompt {
    const char            *name, *title, *description;
    const struct argument *arguments;
    request_handler        get; /* adds messages */
    const struct icon     *icons;
};

struct service_table {
    const char                     *name, *title, *version, *description, *website, *instructions;
    const struct icon              *icons;
    const struct tool              *tools; /* listed in this order */
    const struct resource          *resources;
    const struct resource_template *templates;
    const struct prompt            *prompts;
    bool                            logs;           /* some handler uses request_log */
    bool                            makes_tasks;    /* some handler uses request_become_task */
    bool                            is_private;     /* its lists differ from user to user: cacheScope private */
    request_handler                 list_resources; /* those beside `resources`, page by page: adds links, see
                                                       request_set_next; NULL: there are none */
    const char         *failing;                    /* what the words of a tool that failed begin with; NULL: nothing */
    const struct relay *relay;                      /* another server answers (relay.h); NULL: the tables above */
    uint32_t            page;                       /* most entries of a list in one answer; 0: all */
    uint32_t            fresh_ms;                   /* ttlMs of lists, templates, resources */
};

/* What was asked for. Slices and values live as long as the request. */
void *request_owner(const struct request *r); /* as the service was given */
/* Of a tool: valid and filled; of a prompt: strings. An object, never NULL. */
yyjson_val *request_arguments(const struct request *r);
/* The argument of that name, when it is one of that type; else STR_NONE, 0, false. */
struct str request_string(const struct request *r, const char *name);
int64_t    request_integer(const struct request *r, const char *name);
double     request_number(const struct request *r, const char *name);
bool       request_flag(const struct request *r, const char *name);
/* Of a resource: its URI; a variable of its template, decoded; STR_NONE when there is none of that name. */
struct str request_uri(const struct request *r);
struct str request_variable(const struct request *r, const char *name);
/* Of a completion: what was typed so far. (request_arguments: those of its context.) */
struct str request_value(const struct request *r);
/* Whether the client can all of these. */
bool request_can(const struct request *r, unsigned abilities);
/* The client's program, as it names itself: cut when it is long, STR_NONE when it does not say. */
struct request_client {
    struct str name, version;
};
struct request_client request_client(struct request *r);

/* The answer is gathered. No memory is remembered, and the request fails for it in the end. */
void request_say(struct request *r, const char *format, ...) __attribute__((format(printf, 2, 3))); /* a text block */
void request_add_text(struct request *r, struct str text);
/* A text block bit by bit: one block, until anything else is added. */
void request_write(struct request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void request_write_text(struct request *r, struct str text);
void request_add_image(struct request *r, struct str bytes, const char *mime_type);
void request_add_audio(struct request *r, struct str bytes, const char *mime_type);
void request_add_link(struct request *r, const struct resource *resource);
/* An embedded resource; of a resource that is read, its contents. `bytes` are text, or with a blob anything. */
void request_add_resource_text(struct request *r, struct str uri, const char *mime_type, struct str text);
void request_add_resource_blob(struct request *r, struct str uri, const char *mime_type, struct str bytes);
/* A block or a content of any other shape; takes a value of request_doc. */
void request_add(struct request *r, yyjson_mut_val *block);
/* Of a prompt: what is added from here on is said by "user" (the first is, without) or "assistant". */
void request_set_role(struct request *r, const char *role);
void request_add_value(struct request *r, struct str value);
/* Structured content; without a block of text its JSON is added as one. Before 2026-07-28 it must be an object. */
void            request_set_structured(struct request *r, yyjson_mut_val *value);
yyjson_mut_doc *request_doc(struct request *r); /* NULL: no memory */
/* Into the result's _meta; takes a value of request_doc. `key` as MCP "General fields" has it, and it lives on. */
void request_add_meta(struct request *r, const char *key, yyjson_mut_val *value);
/* Of a list: there is more, and the handler is called with this as its request_value for the next page. */
void request_set_next(struct request *r, struct str place);

/* The end of it. */
void request_finish(struct request *r);
/* A tool failed, in words for the model (a result with isError); anything else: -32603. */
void request_fail(struct request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON-RPC error. Outside -32768..-32000, or -32602. */
void request_refuse(struct request *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* On the way. `total` 0: not known; `message` may be NULL. Only who asked for it is told. */
void request_progress(struct request *r, double progress, double total, const char *message);
/* `level` as in RFC 5424: "info", ...; `logger` may be NULL. Takes a value of request_doc. */
void request_log(struct request *r, const char *level, const char *logger, yyjson_mut_val *data);
void request_log_text(struct request *r, const char *level, const char *text);
/* Calls `next` when so much time has passed, once; not at all when the request ended meanwhile. One at a time. */
void request_after(struct request *r, mono_time delay, request_handler next);
/* Called when the request ends without the handler's answer (cancelled, client gone, time-out): to stop what runs for
 * it. The request may still be read, not answered, and is gone when this returns. Without it a request whose client has
 * left stays until the handler answers, to nobody. */
void request_on_cancel(struct request *r, request_handler stop);
/* What a handler that goes on later has of its own; NULL before it is set. */
void  request_set_data(struct request *r, void *data);
void *request_data(const struct request *r);
/* Memory that goes with the request; NULL: none. */
void *request_alloc(struct request *r, size_t size);
/* What blocks (a file, a database) is done on a worker, in the order of `strand` (base/strand.h). A job is zeroed
 * memory of that size, with an arena of its own for what `work` makes; both go with the request, or when the work is
 * over. NULL: no memory, the request has failed. What the work reads of the arguments is good until it is over. */
void         *request_job(struct request *r, size_t size);
struct arena *request_job_arena(struct request *r);
/* `work` gets the job and must not touch the request, which may end meanwhile. When it says true `done` goes on with
 * the request, whose request_data is the job; else the request fails with the words of `err`, as it does when too much
 * waits. When the request has ended before the work began it is not done. One at a time; `done` may start the next. */
void request_work(struct request *r, struct strand *strand, bool (*work)(void *job, struct error *err),
                  request_handler done);
/* The answer will take a while: the client may go and fetch it later (2025-11-25, SSE polling). Nothing for others. */
void request_let_go(struct request *r, mono_time retry);

/* Asking: `key` is the handler's word for the question. The client's result, valid for its method; NULL: not yet. A
 * client that answers with an error, or cannot be asked, ends the request. */
yyjson_val *request_elicit(struct request *r, const char *key, const char *message, const char *schema);
yyjson_val *request_elicit_url(struct request *r, const char *key, const char *message, const char *url);
yyjson_val *request_sample(struct request *r, const char *key, yyjson_mut_val *params);
yyjson_val *request_roots(struct request *r, const char *key);
/* Of an elicitation: its content when it was accepted, else NULL. */
yyjson_val *elicitation_content(yyjson_val *result);
/* What an earlier round of this handler kept under that name, or NULL. Takes a value of request_doc. */
yyjson_val *request_kept(const struct request *r, const char *name);
void        request_keep(struct request *r, const char *name, yyjson_mut_val *value);

/* From here on a task, when the client follows them: it is answered at once with the task's id, on record before that,
 * and the handler goes on. False: it does not, and goes on waiting; nothing changed. (io.modelcontextprotocol/tasks) */
bool request_become_task(struct request *r);

/* What has changed; told to who asked to be. */
void service_tools_changed(struct service *s);
void service_prompts_changed(struct service *s);
void service_resources_changed(struct service *s);
void service_resource_updated(struct service *s, struct str uri);
/* Of all that anybody has subscribed to: something has changed, and it is not known what. */
void service_resources_updated(struct service *s);
/* Whether anybody would hear of a resource: who does not may be spared looking for changes. */
bool service_is_heard(const struct service *s);
/* Of a request, its service. */
struct service *request_service(const struct request *r);

#endif
