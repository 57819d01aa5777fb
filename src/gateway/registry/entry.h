/* src/gateway/registry/entry.h: reading one entry of mcp.json. Of the registry's own files only.
 *
 * Every problem is written down on the entry (server_entry.error), the first one found, with line and mend. */
#ifndef GATEHOUSE_GATEWAY_REGISTRY_ENTRY_H
#define GATEHOUSE_GATEWAY_REGISTRY_ENTRY_H

#include "gateway/jsonc.h"
#include "gateway/registry/registry.h"

struct entry_reader {
    const struct registry_source *from;
    struct arena                 *arena;
    struct str                    text; /* of the whole file */
    struct jsonc_member           member;
    struct server_entry          *entry;
    bool                          substituted; /* a `${...}` was replaced in this entry */
    bool                          no_memory;
    const char                   *read_file; /* the envFile that was read, or NULL */
};

/* Fills r->entry, whose name and line are there already. */
void entry_read(struct entry_reader *r);

/* An entry that says nothing, of what is built in. */
void entry_imply(struct server_entry *e, const struct built_in *is);
/* Whether the object can only mean what is built in under its name. */
bool entry_means_built_in(yyjson_val *object);

/* Makes the entry wrong, once: "mcp.json:<line of `key` in the entry, or of the entry> <text>". Always false. */
bool entry_wrong(struct entry_reader *r, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `raw` with its `${...}` replaced, NUL-terminated; as it is when there is no environment. `*secret`, when not NULL, is
 * set when something was. */
bool entry_expand(struct entry_reader *r, const char *key, struct str raw, struct str *out, bool *secret);
/* The same for a path: `~/` is the user's home; relative to the directory of mcp.json. */
bool entry_expand_path(struct entry_reader *r, const char *key, struct str raw, const char **out);
/* Reads the file of variables at `path` to the front of entry->env. */
bool entry_read_env_file(struct entry_reader *r, const char *path);
/* Room for one more in entry->env. */
bool entry_add_variable(struct entry_reader *r, struct str name, struct str value, bool secret);

#endif
