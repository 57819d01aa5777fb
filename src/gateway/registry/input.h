/* src/gateway/registry/input.h: an entry of the registry that comes over a wire, as one JSON object with its name in
 * it: {"name": "weather", "url": "http://localhost:9000/mcp"}. */
#ifndef GATEHOUSE_GATEWAY_REGISTRY_INPUT_H
#define GATEHOUSE_GATEWAY_REGISTRY_INPUT_H

#include "base/arena.h"
#include "base/error.h"

/* Shown instead of a secret. One that comes back is refused, for it would be written into the file as the secret. */
#define SECRET_MASK STR("***")

/* *name is its member "name" (empty: none), *entry the rest of it as JSON; both in the arena. ERROR_INVALID in words.
 * What the entry says is not judged here: registry_add and its like do. */
bool registry_input_read(struct str json, struct arena *arena, struct str *name, struct str *entry, struct error *err);

#endif
