/* src/api/detail.h: a message in one line, for people who scan a list: `forecast(city: "Oslo")`, `3 tools: a, b, c`.
 *
 * The forms are the Fiberplane gateway's. At most DETAIL_CHARACTERS; what does not fit ends with an ellipsis. */
#ifndef GATEHOUSE_API_DETAIL_H
#define GATEHOUSE_API_DETAIL_H

#include <yyjson.h>

#include "base/buffer.h"

enum { DETAIL_CHARACTERS = 100, DETAIL_SIZE = 512 };

/* Appends to `out` (whose max should be DETAIL_SIZE) what `message` says, a request or answer of `method`; nothing when
 * there is nothing worth saying. Numbers may be read raw. */
void detail_append(struct buffer *out, struct str method, yyjson_val *message);

#endif
