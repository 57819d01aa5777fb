#include "gateway/registry/registry.h"

/* clang-format off */
const struct built_in built_ins[] = {
    {"snapshots", "keeps where a conversation stands, for the next one"},
    {0},
};
/* clang-format on */

const struct built_in *
built_in_find(struct str name)
{
    for (const struct built_in *b = built_ins; b->name != NULL; b++)
        if (str_eq(name, str_from(b->name)))
            return b;
    return NULL;
}
