/* src/exchange/envelope.h: what routing needs of a JSON-RPC message, found by one parse; the message itself stays
 * bytes.
 *
 * Values are shown twice: `id` and the other tokens as they were written (JSON text, quotes and all), because 1 and "1"
 * are different ids and must be echoed exactly; and as places in the message, because a channel replaces only those
 * bytes. JSON-RPC 2.0; MCP basic, "Messages". */
#ifndef GATEHOUSE_EXCHANGE_ENVELOPE_H
#define GATEHOUSE_EXCHANGE_ENVELOPE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum message_kind {
    MESSAGE_REQUEST,
    MESSAGE_NOTIFICATION,
    MESSAGE_RESULT,
    MESSAGE_ERROR,
};

enum {
    ID_MAX    = 1024, /* bytes of an id, as written */
    DEPTH_MAX = 512   /* levels of objects and arrays: enough for any message, and for any reader's recursion */
};

/* All slices lie in the message (what is "as written") or in the arena (what is unescaped). Absent: data is NULL. */
struct envelope {
    enum message_kind kind;
    struct str        message;  /* all of it, as it came */
    struct str        id;       /* as written */
    struct str        method;   /* unescaped */
    struct str        target;   /* params.name, else params.uri, params.taskId, params.ref.name (of resources/ the URI
                                   first, of tasks/ the id): unescaped */
    struct str progress_token;  /* params._meta.progressToken, or params.progressToken of a notification: as written */
    struct str cancelled_id;    /* params.requestId of notifications/cancelled: as written */
    struct str level;           /* params.level of logging/setLevel and notifications/message: unescaped */
    struct str revision;        /* params.protocolVersion of initialize, result.protocolVersion: unescaped */
    struct str modern_revision; /* params._meta["io.modelcontextprotocol/protocolVersion"]: unescaped */
    struct str capabilities;    /* params.capabilities of initialize: minified JSON */
    struct str log_level;       /* params._meta["io.modelcontextprotocol/logLevel"]: unescaped */
    struct str subscription;    /* _meta["io.modelcontextprotocol/subscriptionId"] of params or result: as written */
    struct str result;          /* as written */
    struct str peer_name;       /* params.clientInfo, result.serverInfo, or theirs of _meta: name, unescaped */
    struct str peer_version;
    int        error_code;    /* of MESSAGE_ERROR */
    bool       is_tool_error; /* result.isError */
    bool       has_abilities; /* params._meta["io.modelcontextprotocol/clientCapabilities"] is an object */
};

/* Parses one message. Everything found is in `a` or in `message`, which must outlive the envelope. ERROR_INVALID with
 * words when it is no JSON, no JSON-RPC message, nested too deeply, or has a member twice that is read here. */
bool envelope_parse(struct envelope *e, struct str message, struct arena *a, struct error *err);

/* The same of a large message that is walked as it comes (skim.h): `begun` was fed with some or none of it. It stays
 * the caller's to clear. NULL: it was not begun. */
struct skim;
bool envelope_parse_begun(struct envelope *e, struct str message, struct skim *begun, struct arena *a,
                          struct error *err);

/* Whether the message is an array: a batch of revision 2025-03-26, or a mistake. */
bool message_is_batch(struct str message);
/* Calls `each` with every element's bytes. False: no JSON array, empty or of more than BATCH_MOST (`err`), or `each`
 * said stop. */
bool batch_each(struct str batch, bool (*each)(struct str element, void *arg), void *arg, struct error *err);

/* {"jsonrpc":"2.0","id":<id>,"error":{...}}; an `id` without bytes becomes null. `reason` may be NULL: then no data. */
bool append_error_message(struct buffer *b, struct str id, int code, struct str text, const char *reason);

#endif
