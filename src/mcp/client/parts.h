/* src/mcp/client/parts.h: what the files of this folder share. For these only; what a call is, and how it lives.
 *
 *   WAITING ---> SENT ---> OVER           and from every state to OVER
 *      ^          |  ^
 *      |          |--|---> ASKED       modern: its questions are open; all answered: SENT, with a new id
 *      |          |--|---> RESUMING    legacy: its stream ended before the answer; after a while: SENT, by a GET
 *      |          |--|---> REFRESHING  modern: its headers were refused; tools/list is read anew
 *      |          |  '---> FOLLOWING   modern: a task was made of it (task_modern.c)
 *      '----------'        refused with 404: its session is gone, another one is opened
 *   WAITING     the client is not open yet
 *   OVER        told; freed when no function of the client is on the stack any more
 *
 * What is sent is a letter, which outlives its call when the server goes on talking behind the answer: the way tells
 * the letter, the letter its call. A client counts the functions that are on the stack (client_enter, client_leave):
 * callbacks may close calls and the client, and nothing is freed under anybody's feet. */
#ifndef GATEHOUSE_MCP_CLIENT_PARTS_H
#define GATEHOUSE_MCP_CLIENT_PARTS_H

#include "base/buffer.h"
#include "base/loop.h"
#include "base/map.h"
#include "mcp/client/client.h"
#include "mcp/json.h"

enum {
    CALLS_MOST     = 16384, /* open at once */
    QUESTIONS_MOST = 64,    /* open at once, of one call, or outside of any */
    ROUNDS_MOST    = 32,    /* of questions, of one call */
    RESUMES_MOST   = 5,     /* in a row that brought nothing new */
    TELLS_MOST     = 8192,  /* messages that need no answer, on their way */
    TOOLS_MOST     = 4096,  /* whose schemas are remembered */
    PAGES_MOST     = 64,    /* of tools/list, when it is read anew */
    URIS_MOST      = 8192,  /* listened to */
    TASKS_MOST     = 8192,  /* the same */
    SESSION_MOST   = 1024,  /* bytes of a session's id */
};

#define SCHEMAS_MOST  MIB(4)      /* bytes of them */
#define PATIENCE      SECONDS(60) /* of a client that says none */
#define PROBE         SECONDS(10) /* until a server that says nothing is taken for a legacy one */
#define RETRY         SECONDS(1)  /* before a GET when the server does not say. WHATWG leaves it to us */
#define RETRY_MOST    SECONDS(60) /* whatever it says */
#define BACK_OFF_MOST SECONDS(30) /* between attempts to listen */
#define LETTER_REST   SECONDS(2)  /* how long a stream may stay open behind its answer */
#define STREAM_WAIT   SECONDS(1)  /* how long calls wait for the stream on which a server may ask */

#define META_KEY(name) "io.modelcontextprotocol/" name

enum rpc_code_in {
    CODE_METHOD_NOT_FOUND    = -32601,
    CODE_INVALID_PARAMS      = -32602,
    CODE_INTERNAL            = -32603,
    CODE_TRANSPORT           = -32000, /* of the SDKs: it was refused before it was read */
    CODE_HEADER_MISMATCH     = -32020,
    CODE_ABILITY_MISSING     = -32021,
    CODE_UNSUPPORTED_VERSION = -32022,
};

enum client_state { CLIENT_NEW, CLIENT_PROBING, CLIENT_OPENING, CLIENT_OPEN, CLIENT_LOST };

/* Something that was sent and to which something may come back. */
struct letter {
    struct list         node; /* on client->letters, or ->dead_letters */
    struct client      *client;
    struct client_call *call;  /* NULL: nobody waits for it */
    struct mail        *mail;  /* NULL: it has ended */
    struct timer        rest;  /* set when its call is over */
    uint64_t            about; /* of a reply: the id of the call in which it was asked */
    int                 status;
};

enum call_state { CALL_WAITING, CALL_SENT, CALL_ASKED, CALL_RESUMING, CALL_REFRESHING, CALL_FOLLOWING, CALL_OVER };

struct client_call {
    struct list        node; /* on client->calls, ->waiting, ->refreshing or ->over */
    struct client     *client;
    enum call_state    state;
    struct call_events events; /* all may be NULL in a call of ours */
    void              *owner;
    struct letter     *letter; /* NULL: none is open */

    char       *method;
    yyjson_doc *params;       /* NULL: none */
    yyjson_doc *capabilities; /* NULL: the client's */
    yyjson_doc *schema;       /* of the tool; NULL: what the client remembers */
    bool        is_ours;      /* the client's own: not counted, and not asked for questions */
    bool        is_opening;   /* goes before the client is open */
    bool        is_listener;  /* lasts as long as the server likes */
    bool        is_modern;
    bool        follows_progress;
    bool        follows_task;
    int         level;
    mono_time   patience;

    char    *task;         /* the id of the task that it has become; NULL: none */
    unsigned statuses;     /* of it, that were told as progress */
    bool     has_progress; /* the server told some of its own */

    uint64_t  id;         /* of the latest message */
    uint64_t  token;      /* of its progress */
    uint64_t  generation; /* of the session that it was sent in */
    bool      has_session;
    int       status;
    char     *challenge; /* WWW-Authenticate that came with it; NULL: none */
    mono_time heard;     /* when a message came, or it was sent */

    struct timer timer; /* RESUMING: when it goes on */
    char        *last_event;
    unsigned     resumes;
    bool         is_unknown; /* its session is, to the server */
    bool         is_resent, is_refreshed, is_renamed /* each is done once */;

    struct list questions; /* of struct question_in, by node */
    unsigned    question_count, unanswered;
    bool        is_telling; /* questions of a round are being told */
    yyjson_doc *round;      /* the result that asks; NULL: none */
    unsigned    rounds;

    struct following *following; /* FOLLOWING: its task; else NULL */
};

struct question_in {
    struct list          node; /* on call->questions, client->questions or ->dead_questions */
    struct client       *client;
    struct client_call  *call; /* NULL: outside of any */
    struct question_in **place;
    yyjson_doc          *doc;    /* legacy: the message; of a task: key and request */
    yyjson_val          *params; /* NULL: none */
    yyjson_doc          *answer; /* modern */
    struct str           method;
    char                *id;  /* legacy: as written */
    const char          *key; /* modern: in the round's document, or in its own */
    char                 own_key[24];
    uint64_t             generation;
    bool                 is_told, is_gone;
};

struct client {
    struct loop         *loop;
    struct way          *way;
    enum client_era      pinned, era; /* as the owner said; as it is */
    bool                 discovers;
    const char          *offered;  /* legacy */
    const char          *revision; /* as agreed */
    char                *name, *version;
    yyjson_doc          *capabilities;
    mono_time            patience, probe;
    struct client_events events;
    void                *owner;

    enum client_state    state;
    uint64_t             generation;            /* counts openings */
    bool                 is_reopening;          /* its session was gone; nothing has been answered since */
    bool                 is_gone;               /* its owner has closed it */
    unsigned             depth;                 /* of our functions on the stack */
    struct timer         trouble;               /* it could not even begin to open: told a little later */
    char                 trouble_words[256];    /* why */
    struct client_server server;                /* while it is open */
    char                *info, *caps, *words;   /* of it */
    yyjson_doc          *declared;              /* its capabilities, read; NULL: not known */
    char                 session[SESSION_MOST]; /* "": none */
    char                *challenge;             /* with which it was last refused to be opened; NULL: none */
    bool                 is_renamed;            /* another revision was tried with server/discover */
    struct mail         *initialized;           /* notifications/initialized; NULL: not on its way */

    struct list calls, waiting, over; /* of struct client_call, by node */
    struct list refreshing, doomed;   /* the same: waiting for tools/list; being told that the client is lost */
    struct list letters, dead_letters;
    struct list questions, dead_questions; /* outside of any call; answered, or taken back */
    size_t      question_count;
    size_t      open;     /* calls of the owner's */
    size_t      followed; /* of these, those that have become tasks */
    size_t      tells;
    uint64_t    last_id, last_question;

    struct map          schemas; /* name of a tool -> char *, its input schema */
    size_t              schema_bytes;
    struct client_call *refresh; /* tools/list of ours; NULL: none */
    unsigned            pages;

    unsigned            wishes;
    struct map          uris;              /* -> struct uri_wish */
    struct map          tasks;             /* ids -> bool */
    struct mail        *stream;            /* legacy: the GET; NULL: none */
    bool                is_awaited;        /* until it is there nothing else goes out */
    bool                has_streamed;      /* in this session it was there */
    struct client_call *listener, *former; /* modern: subscriptions/listen, and the one that it takes the place of */
    struct timer        again;
    unsigned            failures;
    char               *last_event;
    bool                is_deaf; /* the server has no such stream */
    int                 level, level_told;
};

struct uri_wish {
    bool is_told; /* legacy: resources/subscribe was called */
};

/* client.c */
void client_enter(struct client *c);
void client_leave(struct client *c);
bool client_is_http(const struct client *c);
bool client_declares(const struct client *c, const char *feature, const char *detail); /* detail may be NULL */
/* Who it is, of the result of server/discover or initialize, or NULL: it does not say. False: no memory. */
bool client_keep_server(struct client *c, yyjson_val *result);
/* It is open: era, revision and who it is are known. */
void client_opened(struct client *c);
/* It could not even begin to open, which is told a little later. */
void client_trouble(struct client *c, const struct error *err);
void client_lose(struct client *c, enum close_reason why, int code, int status, const char *words);
/* Its session is gone. */
void client_reopen(struct client *c);
/* Of malloc; NULL: no memory. */
char *text_copy(struct str text);
/* In the place of what stood there; NULL for an empty one, or without memory. */
void text_set(char **place, struct str text);

/* opening.c */
void opening_begin(struct client *c);
void opening_initialize(struct client *c);
void opening_stop(struct client *c); /* what is not a call */
/* The newest of ours in an array of revisions; `modern` or not. NULL: none. */
const char *revision_among(yyjson_val *revisions, bool modern);

/* call.c */
/* A call of the client's own; NULL: `err`. Sent at once when it is opening or the client is open. */
struct client_call *call_start(struct client *c, const struct client_request *request, const struct call_events *events,
                               void *owner, unsigned kind, struct error *err);
enum { CALL_OF_OWNER = 0, CALL_OURS = 1 << 0, CALL_OPENS = 1 << 1, CALL_OPENS_MODERN = 1 << 2, CALL_LISTENS = 1 << 3 };
bool call_send(struct client_call *call, struct error *err);
void call_send_or_fail(struct client_call *call);
/* There was no answer. */
void call_fail(struct client_call *call, enum close_reason why, const char *words);
void call_fail_for(struct client_call *call, const struct error *err);
/* `code` is JSON-RPC's, of the answer or of who refused its question. */
void call_end_error(struct client_call *call, int code, struct str message, yyjson_val *data);
/* OVER, and nobody is told: from now on it is nobody's; its memory stays until the last of our functions returns. */
void call_finish(struct client_call *call, enum close_reason why);
void call_free(struct client_call *call);
/* A legacy server goes on with what nobody waits for, unless it is told. */
bool call_is_to_be_told(const struct client_call *call);
void call_tell_cancelled(const struct client_call *call, const char *reason);
bool call_is(const struct client_call *call, const char *method);
/* A request whose answer nobody wants; it gets there also when the client is freed. */
void call_tell(struct client *c, const struct client_request *request);
/* All that wait are sent. */
void calls_flush(struct client *c);

/* answer.c: of its letter: a message, the answer or not, and the end */
void call_take(struct client_call *call, const struct envelope *e);
void call_take_end(struct client_call *call, const struct mail_end *end);

/* hear.c: what comes beside answers. `call` is whose mail it came with; NULL: nobody's */
void client_hear(struct client *c, struct client_call *call, const struct envelope *e);

/* resume.c */
bool resume_may(const struct client_call *call, const struct mail_end *end);
void resume_later(struct client_call *call, const struct mail_end *end);
void resume_init(struct client_call *call);

/* letter.c */
/* What every message to the server says of the session, the revision and the era. */
struct mail_spec letter_spec(const struct client *c, enum exchange_kind kind, bool is_modern);
bool             letter_send(struct client_call *call, const struct mail_spec *spec, struct error *err);
/* Nobody waits for it any more; the way is told `why`, or (CLOSE_ANSWERED) it may end by itself. */
void letter_leave(struct letter *l, enum close_reason why);
void letter_free(struct letter *l);
/* The answer to a question of `call`, which ends when it does not get there. As letter_tell. */
bool letter_reply(struct client_call *call, char *message, size_t len, struct error *err);
/* A message of malloc (NULL: no memory) that needs no answer. False: `err`. */
bool letter_tell(struct client *c, enum exchange_kind kind, char *message, size_t len, struct error *err);
bool letter_tell_as(struct client *c, const struct mail_spec *spec, char *message, size_t len, struct error *err);

/* compose.c: messages, of malloc; NULL: no memory, or text that is none */
char *compose_request(const struct client_call *call, size_t *len);
char *compose_notification(const char *method, yyjson_val *params, size_t *len);
char *compose_cancel(uint64_t id, const char *reason, size_t *len);
char *compose_result(const char *id, yyjson_val *result, size_t *len); /* NULL: an empty one */
char *compose_error(const char *id, int code, const char *words, size_t *len);

/* questions.c: a request of a legacy server */
void question_take(struct client *c, struct client_call *call, const struct envelope *e);
void questions_withdraw(struct client *c, struct str id);
void questions_drop(struct list *questions);
void question_free(struct question_in *q);
/* Over stdio it is only likely in which call a legacy server asks: one that has its answer did not ask what is still
 * open. It is told as asked outside of any, when that answer has been told. */
void questions_set_free(struct client_call *call);
void questions_tell_freed(struct client *c);
/* Of a modern server. NULL: no memory. */
struct question_in *question_new(struct client *c, struct client_call *call);
bool                question_is_valid(yyjson_val *key, yyjson_val *request);
void                question_bury(struct question_in *q);
/* Those that were not told yet, and that these are all. The call may be over afterwards. */
void questions_tell(struct client_call *call);
/* What a modern server needs to know: tells all, and goes on when all are answered. Takes `doc`. */
void round_begin(struct client_call *call, yyjson_doc *doc, yyjson_val *result);

/* tools.c */
void tools_learn(struct client *c, const struct client_call *call, yyjson_val *result);
/* A copy without the tools that are not to be used over HTTP. `*shown` is NULL: all are. False: no memory. */
bool tools_filter(const struct client *c, const struct client_call *call, yyjson_val *result, yyjson_doc **shown);
/* Of the call of a tool; the document is the caller's. NULL: none, or nothing that matters. False: no memory. */
bool tools_schema(const struct client *c, const struct client_call *call, yyjson_doc **schema);
void tools_refresh(struct client_call *call);
void tools_forget(struct client *c);

/* task_legacy.c */
/* Whether the result says that the call goes on as a task, and its owner follows it. */
bool task_is_begun(const struct client_call *call, yyjson_val *result);
void task_begin(struct client_call *call, yyjson_val *result);
/* The result as if there had been no task; `*shown` is NULL: as it came. False: no memory. */
bool task_hide(const struct client_call *call, yyjson_val *result, yyjson_doc **shown);
/* The call whose task the server asks for, wherever it asks; NULL: it does not say, or of none of ours. */
struct client_call *task_asked_in(struct client *c, const struct envelope *e);
/* Its status in words, for who follows progress; what is no text is passed over. */
void task_tell_status(struct client_call *call, yyjson_val *words);
/* True: it was of a task of ours, nobody else needs to hear it. */
bool task_hear(struct client *c, const struct envelope *e);
/* Of a call that is over: its task, if it became one, goes no further. */
void task_cancel(const struct client_call *call);

/* task_modern.c */
/* Whether the result says that the call goes on as a task, and its owner follows it. */
bool task_is_modern(const struct client_call *call, yyjson_val *result);
void task_follow(struct client_call *call, yyjson_val *result);
/* All that it asked is answered. */
void task_answered(struct client_call *call);
/* The call is over, and with it the following. */
void task_leave(struct client_call *call);
void task_free(struct client_call *call);
/* If its call became a task, the server need not go on with it. */
void task_cancel_modern(struct client_call *call);

/* listen.c */
/* Before it is open: a server may ask on the stream what a call needs. True: client_opened comes when it is there. */
bool listen_first(struct client *c);
void listen_begin(struct client *c);
void listen_stop(struct client *c);
void listen_init(struct client *c);
void listen_clear(struct client *c);
/* Of what the listener heard. True: nobody else needs to hear it. */
bool listen_takes(struct client *c, struct client_call *call, const struct envelope *e);

#endif
