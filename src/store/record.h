/* src/store/record.h: what is captured of one exchange on its way to the store thread. Owned by the network thread
 * until traffic_put takes it.
 *
 *   struct record *r = record_new(traffic, id, labels);
 *   record_add(r, FROM_CLIENT, at, request, false);
 *   record_add(r, FROM_SERVER, at, answer, false);
 *   traffic_put(traffic, r, &facts);
 *
 * Bytes are copied once, into memory that is pooled and comes back from the store thread; large ones that are lent
 * (base/lent.h) are kept as they lie. A record that has grown past
 * RECORD_LARGE, or whose exchange is older than a second, is put with `final` false, and what follows comes in further
 * records of the same id; the last of them is final. */
#ifndef GATEHOUSE_STORE_RECORD_H
#define GATEHOUSE_STORE_RECORD_H

#include "base/buffer.h"
#include "base/clock.h"
#include "store/labels.h"

struct record;
struct traffic;

enum message_from { FROM_CLIENT, FROM_SERVER };

enum exchange_kind { KIND_REQUEST, KIND_NOTIFICATION, KIND_REPLY, KIND_STREAM, KIND_DELETE, KINDS };

enum outcome {
    OUTCOME_OPEN,      /* no answer yet: NULL in the database */
    OUTCOME_OF_ANSWER, /* the store thread reads it from the last message of the server: ok or error, and the code */
    OUTCOME_OK,
    OUTCOME_ERROR,
    OUTCOME_CANCELLED,
    OUTCOME_TIMED_OUT,
    OUTCOME_UNREACHABLE,
    OUTCOME_CUT,     /* broken off after the answer had begun, or by a crash of ours */
    OUTCOME_REFUSED, /* by us, before the upstream saw it */
    OUTCOMES
};

/* What the database and people call it; NULL while open. */
const char *kind_name(enum exchange_kind kind);
const char *outcome_name(enum outcome outcome);

/* What is known when a record is put. The strings are copied. Once an exchange has been put with a method, target or
 * jsonrpc_id, later records of it may leave them empty. */
struct exchange_facts {
    enum exchange_kind kind;
    enum outcome       outcome; /* counts when final; a record that is not final leaves the row open */
    struct str         method;
    struct str         target;      /* tool, prompt, resource; empty when the method has none */
    struct str         jsonrpc_id;  /* a string without its quotes, a number as it stands; empty: has none */
    int                http_status; /* 0: none */
    int                error_code;
    bool               has_error_code; /* else it is read from the answer when `outcome` is */
    bool               final;
    int64_t            duration_us;   /* below 0: not known yet */
    int64_t            first_byte_us; /* below 0: none came */
};

/* Beyond this much a record should be put, not final, and a next one begun. */
#define RECORD_LARGE KIB(64)

/* Takes a reference of `l`. NULL: no memory; then put NULL, which counts the exchange as lost. */
struct record *record_new(struct traffic *t, uint64_t id, struct labels *l);
/* The session became known while the exchange ran (initialize). The principal must stay the same. */
void record_set_labels(struct record *r, struct labels *l);
/* Copies a message, or a piece of one: `continues` says that more of the same message follows, perhaps in the next
 * record of this exchange. What there is no memory for, or no room in the budget, is missing: of a message its begin is
 * kept, and that the rest is not (message_view.is_cut, traffic_stats.missing_bytes). False: not even that could be
 * noted; then the exchange is lost as a whole, and counted. */
bool record_add(struct record *r, enum message_from from, wall_time at, struct str bytes, bool continues);
/* Something could not be added: the exchange is lost as a whole, and counted. NULL is nothing. */
void record_tear(struct record *r);
/* Bytes of messages that it keeps. */
size_t record_size(const struct record *r);
/* Throws it away unwritten. NULL is nothing. */
void record_free(struct traffic *t, struct record *r);

#endif
