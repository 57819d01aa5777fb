/* src/mcp/rewrite.h: a message with some of its bytes replaced, the rest as it came. */
#ifndef GATEHOUSE_MCP_REWRITE_H
#define GATEHOUSE_MCP_REWRITE_H

#include "base/buffer.h"

struct rewrite {
    struct str place; /* a slice of the message; data NULL: nothing to replace */
    struct str with;
};

enum { REWRITES_MAX = 4 };

/* Appends `message` with each place replaced. The places may come in any order and may not overlap. */
bool append_rewritten(struct buffer *b, struct str message, const struct rewrite *edits, size_t count);

/* One edit. `message` becomes what it is then: written over where it lies, if it may be (what was found in it before is
 * of no use then) and is lent (base/lent.h), else in `copy`. False: no memory. */
bool rewrite_one(struct str *message, struct rewrite edit, bool over, struct buffer *copy);

#endif
