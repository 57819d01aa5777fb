#include "mcp/revision.h"

const char *const legacy_revisions[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", NULL};
const char *const modern_revisions[] = {"2026-07-28", NULL};

bool
revision_is_modern(struct str revision)
{
    return revision.len == 10 && revision.data[4] == '-' && revision.data[7] == '-' &&
           str_compare(revision, STR("2026-07-28")) >= 0;
}

bool
revision_is_known(struct str revision)
{
    for (size_t i = 0; legacy_revisions[i] != NULL; i++)
        if (str_eq(revision, str_from(legacy_revisions[i])))
            return true;
    for (size_t i = 0; modern_revisions[i] != NULL; i++)
        if (str_eq(revision, str_from(modern_revisions[i])))
            return true;
    return false;
}

bool
revision_has_batches(struct str revision)
{
    return str_eq(revision, STR("2025-03-26"));
}
