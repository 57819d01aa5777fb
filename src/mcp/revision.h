/* src/mcp/revision.h: the protocol's revisions, and to which era each belongs. MCP 2026-07-28, "Versioning". */
#ifndef GATEHOUSE_MCP_REVISION_H
#define GATEHOUSE_MCP_REVISION_H

#include "base/str.h"

/* Legacy, newest first: opened by `initialize`. NULL-terminated. */
extern const char *const legacy_revisions[];
/* Opened by nothing: each request says its own. */
extern const char *const modern_revisions[];

bool revision_is_known(struct str revision);
/* 2026-07-28 and whatever comes later: dates compare as texts. */
bool revision_is_modern(struct str revision);
/* Whether a POST may carry an array: 2025-03-26 only. */
bool revision_has_batches(struct str revision);

#endif
