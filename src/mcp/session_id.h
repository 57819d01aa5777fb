/* src/mcp/session_id.h: the session ids that Gatehouse gives out are sealed.
 *
 * Authenticated encryption (AES-256-GCM) over owner, randomness, principal and revision, in base64url: unguessable, and
 * whoever holds the key can tell whose a session is without a table. The key lives in <home>/keys and survives a
 * restart. Calls look ids up in a map; they are opened only to be handed to another process. MCP 2025-11-25
 * basic/transports, "Session Management": visible ASCII. */
#ifndef GATEHOUSE_MCP_SESSION_ID_H
#define GATEHOUSE_MCP_SESSION_ID_H

#include "base/error.h"
#include "base/str.h"

enum { SESSION_KEY_SIZE = 32, SESSION_ID_SIZE = 200 };

struct session_key {
    unsigned char bytes[SESSION_KEY_SIZE];
};

struct session_seal {
    uint64_t owner; /* the process */
    char     principal[32];
    char     revision[16];
};

/* Reads the key, or makes it (mode 0600). Blocks: at start. */
bool session_key_load(struct session_key *key, const char *path, struct error *err);
/* A fresh id, NUL-terminated. False: no memory. */
bool session_id_seal(const struct session_key *key, const struct session_seal *seal, char out[SESSION_ID_SIZE]);
/* False: not sealed with this key, or changed since. */
bool session_id_open(const struct session_key *key, struct str id, struct session_seal *seal);

#endif
