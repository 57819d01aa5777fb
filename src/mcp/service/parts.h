/* src/mcp/service/parts.h: what the files of this folder share. For these only; what a request is, and how it lives.
 *
 *   CALLED ---> HELD       the handler returned and goes on later, from outside
 *      |------> TIMED      request_after
 *      |------> ASKING     the client was asked; all answers there: CALLED again, from its beginning
 *      '------> ENDED      answered, or nobody is left who wants the answer and nobody will call
 *   HELD, TIMED and ASKING lead to CALLED or ENDED. What is ENDED is freed when the loop's turn ends, never earlier.
 *
 * A request has an arena of its own, since it may outlive its exchange: as a task, or because its handler, which nobody
 * can call back, still has it in hand when the client has left. Then it stays until the handler answers, to nobody. */
#ifndef GATEHOUSE_MCP_SERVICE_PARTS_H
#define GATEHOUSE_MCP_SERVICE_PARTS_H

#include "base/map.h"
#include "mcp/answer_stream.h"
#include "mcp/json.h"
#include "mcp/log_level.h"
#include "mcp/schema/schema.h"
#include "mcp/service/mirrored.h"
#include "mcp/service/running.h"

/* Revisions in their order: "since" is >=. */
enum revision {
    REVISION_2024_11_05,
    REVISION_2025_03_26,
    REVISION_2025_06_18,
    REVISION_2025_11_25,
    REVISION_2026_07_28,
    REVISIONS,

    /* What came when. MCP, the changelog of each revision. */
    SINCE_AUDIO         = REVISION_2025_03_26,
    SINCE_ANNOTATIONS   = REVISION_2025_03_26, /* of tools */
    SINCE_PROGRESS_TEXT = REVISION_2025_03_26,
    SINCE_COMPLETIONS   = REVISION_2025_03_26, /* as a capability */
    SINCE_TITLES        = REVISION_2025_06_18,
    SINCE_LINKS         = REVISION_2025_06_18,
    SINCE_STRUCTURE     = REVISION_2025_06_18, /* of objects */
    SINCE_ELICITATION   = REVISION_2025_06_18,
    SINCE_ICONS         = REVISION_2025_11_25,
    SINCE_URLS          = REVISION_2025_11_25, /* elicitation by URL */
    SINCE_TOOL_SAMPLING = REVISION_2025_11_25,
    SINCE_POLLING       = REVISION_2025_11_25, /* of event streams */
    SINCE_TOOL_FAULTS   = REVISION_2025_11_25, /* arguments that are invalid are a result for the model to read */
    SINCE_MODERN        = REVISION_2026_07_28,
    HAS_LEGACY_TASKS    = REVISION_2025_11_25, /* and no other: later they are an extension */
};

extern const char *const revision_names[REVISIONS];

/* What a service has, by its table. */
enum feature {
    FEATURE_TOOLS       = 1 << 0,
    FEATURE_RESOURCES   = 1 << 1,
    FEATURE_PROMPTS     = 1 << 2,
    FEATURE_COMPLETIONS = 1 << 3,
    FEATURE_LOGS        = 1 << 4,
    FEATURE_TASKS       = 1 << 5,

    FEATURE_SUBSCRIPTIONS    = 1 << 6, /* to resources */
    FEATURE_TOOLS_CHANGE     = 1 << 7, /* which is told */
    FEATURE_RESOURCES_CHANGE = 1 << 8,
    FEATURE_PROMPTS_CHANGE   = 1 << 9,
};

enum era { ERA_LEGACY = 1 << 0, ERA_MODERN = 1 << 1 };

enum rpc_code {
    RPC_INVALID_REQUEST    = -32600,
    RPC_METHOD_NOT_FOUND   = -32601,
    RPC_INVALID_PARAMS     = -32602,
    RPC_INTERNAL           = -32603,
    RPC_RESOURCE_NOT_FOUND = -32002, /* legacy */
    RPC_PAGES_NEEDED       = -32042, /* 2025-11-25: somebody must open a page first */
    RPC_HEADER_MISMATCH    = -32020, /* modern, as those below */
    RPC_ABILITY_MISSING    = -32021,
    RPC_REVISION_UNKNOWN   = -32022,
};

enum {
    QUESTIONS_MOST      = 64, /* of one request */
    ROUNDS_MOST         = 8,
    RELAYED_ROUNDS_MOST = 64,   /* it is the server that asks, once or for each thing it wants to know */
    SUBSCRIPTIONS_MOST  = 1024, /* of a session, or of a listener */
    LISTENERS_MOST      = 16384,
    CAPABILITIES_MOST   = 65536, /* bytes of a client's, kept for a relay */
    VALUES_MOST         = 100,   /* of a completion: MCP "Completion" */
    SPARE_ARENAS        = 64,
    CLIENT_MOST         = 200, /* bytes of a client's name, or version */
};

#define LEG_MOST   SECONDS(600) /* until a question is answered */
#define STATE_MOST KIB(64)

#define TASKS_EXTENSION "io.modelcontextprotocol/tasks"
#define META_KEY(name)  "io.modelcontextprotocol/" name

enum method_trait {
    METHOD_OPENS = 1 << 0, /* may come before `initialize` was answered */
    METHOD_ASKS  = 1 << 1, /* a modern client may be asked something before it is answered */
    METHOD_LASTS = 1 << 2, /* what a modern client gets says how long it may be kept */
};

struct method {
    const char     *name;
    unsigned        eras;
    unsigned        feature; /* that the service must have; 0: none */
    unsigned        traits;
    request_handler serve;
    request_handler relay; /* in a service that relays. serve_by_relay: whatever its features */
};

/* A tool as it was compiled. */
struct tool_parts {
    const struct tool *tool;
    struct schema     *input, *output;           /* output may be NULL */
    char              *input_text, *output_text; /* minified; of malloc */
    bool               output_is_object;
};

struct tasks;
struct task;

/* Of a service that relays: what is known of its server, and what the relay was told. */
struct relayed {
    yyjson_doc     *capabilities; /* an object; NULL: not known yet */
    char           *instructions; /* of malloc; NULL: none */
    size_t          instructions_len;
    yyjson_doc     *no_memory; /* the refusal of a question that could not even be refused */
    int             level;     /* that it was told is the lowest; -1: none */
    struct mirrored mirrored;  /* of its tools */
};

struct service {
    const struct service_table *table;
    struct service_parts        parts;
    struct back                 back; /* of modern clients */
    unsigned                    features;
    struct tool_parts          *tools; /* in the table's order */
    size_t                      tool_count;
    struct map                  tool_by_name;     /* size_t, the place in tools */
    struct map                  prompt_by_name;   /* const struct prompt * */
    struct map                  resource_by_uri;  /* const struct resource * */
    struct map                  template_by_text; /* const struct resource_template * */
    char                       *identity; /* serverInfo of modern results, as JSON; of malloc. NULL: not known yet */
    struct relayed             *relayed;  /* NULL: it is served from its tables */

    struct loop_hook turn_end;
    struct list      requests;    /* of struct request, by node; those that live */
    struct list      ended;       /* of struct request, by node; freed when the turn ends */
    struct list      unsettled;   /* of struct request, by unsettled: what was asked from outside of a handler */
    struct map       cancellable; /* of modern clients: front and id -> struct request * */
    struct arena    *spare[SPARE_ARENAS];
    size_t           spares;

    struct list   sessions;      /* of struct service_session, by node */
    struct map    session_by_id; /* struct service_session * */
    size_t        session_count;
    struct list   listeners; /* of struct listener, by node */
    size_t        listener_count;
    struct tasks *tasks; /* NULL: makes none */

    bool has_wishes_changed; /* what anybody listens for; told when the turn ends, where somebody wants to know */
    bool has_levels_changed; /* that sessions set */
};

#define EVERY_CALLER UINT64_MAX /* in the place of exchange.caller: all are told */

static inline bool
is_told(uint64_t caller, uint64_t to)
{
    return to == EVERY_CALLER || to == caller;
}

/* What has changed and is to be told. */
enum change { CHANGE_TOOLS = 1 << 0, CHANGE_PROMPTS = 1 << 1, CHANGE_RESOURCES = 1 << 2 };

struct service_session {
    struct list           node; /* on service->sessions */
    struct back           back;
    struct service       *service;
    struct exchange      *stream;        /* the GET; NULL: none */
    struct answer_streams streams;       /* by which a client that was cut off goes on */
    struct list           requests;      /* of struct request, by of_session */
    struct map            by_id;         /* id as written -> struct request *, of those that wait */
    struct map            questions;     /* uint64_t, our id -> struct question * */
    struct map            subscriptions; /* uri -> bool: it was updated and this was not told yet */
    struct map            tasks;         /* of a relay's server, that the client made: id -> bool */
    uint64_t              last_question;
    struct request       *opener;       /* its `initialize`, until that is answered */
    unsigned              abilities;    /* of enum client_ability */
    char                 *capabilities; /* as it wrote them, for a relay; of malloc, NULL: not kept */
    struct request_client client;       /* as it named itself; of malloc */
    unsigned              changes;      /* not told yet: no stream was open */
    bool                  has_updates;
    bool                  is_open; /* `initialize` was answered */
    bool                  listens; /* it had a stream, and may open another when that is cut */
    enum revision         revision;
    int                   level;  /* -1: never set, all are told */
    uint64_t              caller; /* heard in it last */
    struct timer          idle;
    size_t                id_len;
    char                  id[];
};

/* Something that the client is asked. In its request's arena. */
struct question {
    struct list     node; /* on request->questions */
    struct request *request;
    const char     *key, *method;
    yyjson_mut_val *params;
    const char     *schema;   /* that an elicitation's content must obey; NULL: none */
    yyjson_val     *answer;   /* NULL: none yet */
    yyjson_val     *refusal;  /* of a relay: there will be none, an error */
    uint64_t        number;   /* legacy: our id; 0: not asked */
    bool            is_due;   /* asked since the handler was called */
    bool            is_owed;  /* the client has got it */
    bool            is_taken; /* a relay has its answer: under that key it asks anew */
};

enum request_state { REQUEST_CALLED, REQUEST_HELD, REQUEST_TIMED, REQUEST_ASKING, REQUEST_ENDED };

struct request {
    struct list             node;       /* on service->requests or ->ended */
    struct list             unsettled;  /* on service->unsettled, or on none */
    struct list             of_session; /* on session->requests */
    struct back             back;       /* of its exchange, from the first moment on */
    struct service         *service;
    struct service_session *session; /* NULL: a modern client's, or its session is gone */
    struct exchange        *x;       /* NULL: over, or a task */
    struct task            *task;    /* NULL: none */
    struct arena           *arena;   /* holds it */
    enum request_state      state;
    enum revision           revision;
    const struct method    *method;

    bool            is_listener;   /* its arena is a small one, of its own */
    yyjson_doc     *in;            /* of a listener, until it has read it; else in the arena, and NULL */
    yyjson_val     *params, *meta; /* as they came; NULL: none */
    yyjson_val     *plain;         /* for a relay: params without the envelope; NULL: not made yet */
    struct str      name;          /* for a relay: the method */
    yyjson_mut_doc *doc;           /* all that is made for the answer */
    yyjson_val     *arguments;
    struct str      uri, value;
    yyjson_mut_val *variables; /* of a template: name -> value; NULL: none */
    unsigned        abilities; /* of the client */
    int             status;    /* of HTTP, that its refusal has; 0: as its code has it */
    struct str      challenge; /* WWW-Authenticate of it; none: nothing */
    int             level;     /* modern: logs from here on; -1: none */

    /* Who answers, and how what was gathered becomes a result. */
    request_handler handler;
    yyjson_mut_val *(*make)(struct request *r); /* NULL is an error that was answered already */
    const struct tool_parts *tool;
    const struct prompt     *prompt;

    yyjson_mut_val *items; /* blocks, contents, messages or values */
    yyjson_mut_val *structured;
    yyjson_mut_val *own_meta;  /* of the handler; NULL: none */
    struct buffer   writing;   /* of a text block that is made bit by bit; what is in it is not among the items yet */
    struct str      following; /* of a list: where the next page begins; none: this is the last */
    const char     *role;
    bool            has_text, is_error, is_broken /* no memory: not what it should be */;

    unsigned        depth; /* of handlers on the stack */
    bool            is_answered, is_over /* nobody wants the answer */;
    bool            is_given_back; /* the handler asked, waits to be called again, and nobody is left to be asked */
    struct timer    after, leg;
    request_handler next, stop;
    void           *data;
    struct job     *job;        /* the latest, that a handler had made; NULL: none */
    bool            is_working; /* a worker has it */
    double          progress;
    bool            has_progress;

    struct list     questions; /* of struct question, by node */
    unsigned        question_count, waiting /* for answers */, rounds;
    yyjson_val     *given;      /* modern: inputResponses, or NULL */
    yyjson_val     *known;      /* modern: answers of earlier rounds, or NULL */
    yyjson_val     *remembered; /* modern: what earlier rounds kept, or NULL */
    yyjson_mut_val *kept;       /* in this round; NULL: nothing */
    struct str      key;        /* under which it can be cancelled; none: it cannot */
};

/* tables.c */
bool tables_compile(struct service *s, struct error *err);
void tables_clear(struct service *s);
/* serverInfo from the table. */
bool write_identity(struct service *s, struct error *err);

/* service.c */
extern const struct method methods[]; /* the last has no name */
const struct method       *method_find(struct str name);
/* Who serves it to clients of that era; NULL: nobody. `m` is NULL when the toolkit knows no such method. */
request_handler service_handler(const struct service *s, const struct method *m, unsigned era);

/* request.c */
struct request *request_new(struct service *s, struct service_session *session, struct exchange *x);
void            request_serve(struct request *r);
void            request_call(struct request *r, request_handler handler);
/* A handler returned, or what it would do on returning was done from outside of one. */
void request_settle(struct request *r);
/* Its exchange, or its task, ended without an answer of the handler. */
void request_end(struct request *r);
/* Its session ends; it may not. */
void request_leave_session(struct request *r);
void request_forget_key(struct request *r);
/* What a listener was asked was read: it has no params any more. */
void request_forget_params(struct request *r);
void request_cancel_by_id(struct service_session *session, struct str id);
void request_cancel_by_front(struct service *s, const struct front *front, struct str id);
void requests_settle(struct service *s);
void requests_sweep(struct service *s);
void requests_clear(struct service *s);
bool is_modern(const struct request *r);

/* answer.c */
/* The end of it, exactly once: `result` is of r->doc, NULL when there is no memory for it. */
void request_answer(struct request *r, yyjson_mut_val *result);
/* An answer before the handler's own, of malloc; NULL: no memory. */
char *request_write_early(struct request *r, yyjson_mut_val *result, size_t *len);
/* To its exchange, which is over with it; the handler goes on. */
void request_answer_early(struct request *r, struct str message);
/* The handler has answered, which went to a task that there is not: `outcome`, a result or with a code an error, goes
 * to its exchange after all. NULL: no memory. */
void request_answer_late(struct request *r, const char *outcome, int error_code);
/* `data` may be NULL. */
void request_answer_error(struct request *r, int code, struct str text, yyjson_mut_val *data);
void request_refuse_params(struct request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A message on the way to the client. False: it did not get it. */
bool request_tell(struct request *r, struct str message);
/* As a progress token may be: a string or an integer, as written. */
bool token_is_valid(struct str token);
/* Whether who waits for the answer wants to hear of what is logged at that level. */
bool log_is_wanted(const struct request *r, int level);

/* job.c */
/* It has ended: what has not begun for it need not. */
void job_forgo(struct request *r);
/* True: a worker still reads the request's arena, which is freed when it has done. */
bool job_takes_arena(struct request *r);

/* results.c */
void result_begin(struct request *r); /* forgets what was gathered */
void result_clear(struct request *r); /* what of it does not lie in the arena */
/* An object with what every result of the revision has. */
yyjson_mut_val *result_new(struct request *r, const char *type);
void            result_add_freshness(struct request *r, yyjson_mut_val *result);
yyjson_mut_val *result_of_tool(struct request *r);
yyjson_mut_val *result_of_prompt(struct request *r);
yyjson_mut_val *result_of_read(struct request *r);
yyjson_mut_val *result_of_completion(struct request *r);
yyjson_mut_val *result_of_resources(struct request *r);
/* What stands for a block that the revision does not have; NULL: it has it. */
yyjson_mut_val *block_stand_in(struct request *r, yyjson_mut_val *block);
/* A tool's result with isError and these words. */
void answer_tool_fault(struct request *r, struct str words);

/* json.c */
/* A notification being made: begin, add to `params`, end; a failure in between is remembered. */
struct note {
    yyjson_mut_doc *doc;
    yyjson_mut_val *params; /* NULL: no memory */
    bool            is_broken;
};

void note_begin(struct note *n, const char *method);
/* One line of malloc; NULL: no memory, or text that is none. */
char *note_end(struct note *n, size_t *len);
/* Of the request's arena; what fails makes it broken. */
yyjson_alc json_memory(struct request *r);
/* A copy that can be read, of the request's arena; NULL: no memory. */
yyjson_val *json_fix(struct request *r, yyjson_mut_val *value);

/* lists.c */
void serve_tools_list(struct request *r);
void serve_resources_list(struct request *r);
void serve_templates_list(struct request *r);
void serve_prompts_list(struct request *r);
/* `place`, sealed, as where the next page begins. */
void list_put_cursor(struct request *r, yyjson_mut_val *result, const char *member, struct str place);
void describe_service(yyjson_mut_doc *doc, yyjson_mut_val *into, const struct service_table *t, enum revision revision);
void describe_resource(yyjson_mut_doc *doc, yyjson_mut_val *into, const struct resource *resource,
                       enum revision revision);

/* opening.c */
void serve_initialize(struct request *r);
void serve_initialize_when_known(struct request *r);
void serve_ping(struct request *r);
void serve_discover(struct request *r);
void serve_set_level(struct request *r);

/* tools.c, prompts.c, resources.c, complete.c */
void serve_tools_call(struct request *r);
void serve_prompts_get(struct request *r);
void serve_resources_read(struct request *r);
void serve_subscribe(struct request *r);
void serve_unsubscribe(struct request *r);
void take_subscription(struct request *r); /* of a resource that may be there or not */
/* Of a resource or of one above it: what is updated may be a part of what was subscribed to. NULL: none is. */
void *subscription_find(const struct map *subscriptions, struct str uri);
void  serve_complete(struct request *r);
/* There is none of that URI, as the revision has it. */
void resource_refuse(struct request *r, struct str words);

/* template.c */
/* The variables of `uri` as the template has them, or NULL: it is not of that template. */
yyjson_mut_val *template_match(struct request *r, struct str uri_template, struct str uri);
bool            template_is_valid(struct str uri_template, struct error *err);

/* abilities.c */
unsigned        abilities_read(yyjson_val *capabilities, enum revision revision);
yyjson_mut_val *abilities_describe(yyjson_mut_doc *doc, unsigned abilities);
/* Answers and returns false when the client lacks one of them. */
bool abilities_demand(struct request *r, unsigned abilities);

/* seal.c: AES-256-GCM in base64url. `purpose` must be the same at both ends. */
/* Of this service, for that use. */
struct str seal_purpose(struct request *r, const char *use);
char      *seal_text(const struct session_key *key, struct str purpose, struct str text, struct arena *a);
bool seal_open(const struct session_key *key, struct str purpose, struct str sealed, struct arena *a, struct str *text);

/* asking.c */
/* Over or answered: it asks in vain, and is not called again. */
bool asking_is_over(struct request *r);
/* NULL: it was not asked under that key. */
struct question *asking_find(struct request *r, const char *key);
/* With the answer that came in this round. NULL: too many, or no memory. */
struct question *asking_new(struct request *r, const char *key, const char *method, const char *schema);
/* It is asked when the handler returns. */
void asking_set_due(struct question *q, yyjson_mut_val *params);
/* The end of it, whatever its handler waits for. */
void asking_give_up(struct request *r, const char *words);
bool asking_is_due(const struct request *r);
/* The handler returned with questions open. */
void asking_go(struct request *r);
/* It is no task after all: what it asked is asked of who waits. */
void asking_go_again(struct request *r);
void asking_drop(struct request *r);
void asking_expire(struct timer *leg);
void asking_take_reply(struct service_session *session, struct exchange *x);
void asking_flush(struct service_session *session);
/* inputResponses of an update to a task. True: all is answered, and it may go on. */
bool asking_take_responses(struct request *r, yyjson_val *responses);
void asking_go_on(struct request *r);
/* The open questions, as inputRequests has them. */
yyjson_mut_val *asking_describe(struct request *r, yyjson_mut_doc *doc);

/* forms.c */
/* As revisions before 2025-11-25 have it. False: they have no such form. */
bool form_make_older(yyjson_mut_doc *doc, yyjson_mut_val *form);

/* answers.c */
bool answer_is_valid(const struct request *r, const struct question *q, yyjson_val *result);

/* relay_asking.c */
/* An error as a client would answer with; never NULL. */
yyjson_val *refusal_new(struct request *r, int code, struct str words, yyjson_mut_val *data);

/* state_seal.c */
/* An input_required result: what is asked, and what is known so far. */
void state_answer(struct request *r);
/* Reads requestState and inputResponses. False: answered with an error. */
bool state_open(struct request *r);

/* relay.c */
bool relayed_open(struct service *s, struct error *err);
void relayed_close(struct service *s);
/* The relay does it. */
void serve_by_relay(struct request *r);
/* What its server is must be known first. */
void       serve_when_known(struct request *r);
void       when_known(struct request *r, request_handler next);
void       relay_put_capabilities(struct request *r, yyjson_mut_val *into);
struct str relay_instructions(const struct service *s); /* STR_NONE when there are none */

/* relay_words.c: what is of the other era, in the client's words. */
void words_fit_result(struct request *r, yyjson_mut_val *result);
void words_fit_error(struct request *r, int *code, yyjson_mut_val **data);
/* What belongs to the envelope of 2026-07-28 goes; an empty _meta with it. */
void words_drop_envelope(yyjson_mut_val *of);
/* Of which task of 2025-11-25 it is; later revisions have no such word. */
void words_drop_task(yyjson_mut_val *of);
/* As the revision has them. */
void words_put_capabilities(struct request *r, yyjson_mut_val *into, yyjson_val *capabilities);

/* relay_listen.c */
/* True: the relay was told something. */
bool relay_tell_wishes(struct service *s);
void relay_take_notification(struct service_session *session, struct str method);

/* sessions.c */
/* On its GET stream. False: it has none, or cannot take it. */
bool session_say(struct service_session *session, struct str message);
/* `to`: a caller, or all of them. */
void sessions_tell_change(struct service *s, uint64_t to, enum change change);
void sessions_tell_update(struct service *s, uint64_t to, struct str uri);
void sessions_tell_updates(struct service *s); /* of all that is subscribed to */
/* What a client calls itself, kept: bounded, of malloc; none when there is no memory for it. */
void session_keep_client(struct service_session *session, yyjson_val *info);
/* False: answered with an error. */
bool session_keep_capabilities(struct request *r, yyjson_val *capabilities);
/* `r` is over: if it was to open a session and did not, that ends. */
void session_end_opening(struct request *r);
void sessions_clear(struct service *s);

/* listen.c */
void serve_listen(struct request *r);
void listeners_tell_change(struct service *s, uint64_t to, enum change change);
void listeners_tell_update(struct service *s, uint64_t to, struct str uri);
void listeners_tell_updates(struct service *s);
void listeners_tell_task(struct service *s, const struct task *t);
void listeners_clear(struct service *s);
/* What those of a caller listen for, of enum change, and each of their resources; one may come several times. */
unsigned listeners_wish(const struct service *s, uint64_t caller);
void listeners_each_uri(const struct service *s, uint64_t caller, bool (*each)(struct str uri, void *value, void *arg),
                        void *arg);

#endif
