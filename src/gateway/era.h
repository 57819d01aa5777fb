/* src/gateway/era.h: which eras a server speaks, as far as it has shown.
 *
 *   UNKNOWN ---> YES, NO      by what it answers: an opening of the era, or an error in its place
 *   YES, NO ---> UNKNOWN      when it fails, is restarted, or its entry changes
 *
 * An era is a property of a server, and one server may speak both. While nothing is known it is tried in the era of its
 * client; what is known saves the next client the trial. Legacy: opened by `initialize`; modern: 2026-07-28 and later.
 * MCP 2026-07-28 basic/versioning. */
#ifndef GATEHOUSE_GATEWAY_ERA_H
#define GATEHOUSE_GATEWAY_ERA_H

#include "exchange/exchange.h"

enum era { ERA_LEGACY, ERA_MODERN };

enum spoken { SPOKEN_UNKNOWN, SPOKEN_YES, SPOKEN_NO };

struct eras {
    enum spoken legacy, modern;
};

/* Whether a request of that era is worth a trial: it is spoken, or nobody knows. */
bool eras_may_speak(const struct eras *e, enum era era);
void eras_learn(struct eras *e, enum era era, bool is_spoken);
void eras_forget(struct eras *e);

/* `initialize` and `server/discover`: what is asked first. */
bool exchange_opens_era(const struct exchange *x);
/* Whether no server of the era of `x` would answer it so: then it is of the other, or no server at all. `e` shows the
 * body, and is empty when that is no answer of JSON-RPC. 401, 403, 429 and 5xx show nothing. */
bool answer_is_of_other_era(const struct exchange *x, int status, struct str body, const struct envelope *e);

#endif
