#include "mcp/client/mirror.h"

#include "mcp/param_rules.h"

bool
mirror_is_valid(yyjson_val *input_schema, struct error *err)
{
    struct param_rules *rules = param_rules_of(input_schema, err);

    param_rules_free(rules);
    return rules != NULL;
}

bool
mirror_arguments(yyjson_val *input_schema, yyjson_val *arguments, struct arena *a, const struct http_header **params,
                 size_t *count, struct error *err)
{
    struct param_rules *rules   = param_rules_of(input_schema, err);
    struct http_header *headers = NULL;
    size_t              written = 0;

    *params = NULL;
    *count  = 0;
    if (rules == NULL)
        return false;
    if (param_rules_count(rules) > 0) {
        headers = arena_alloc(a, param_rules_count(rules) * sizeof *headers);
        written = headers == NULL ? SIZE_MAX : param_rules_write(rules, arguments, a, headers);
    }
    param_rules_free(rules);
    if (written == SIZE_MAX)
        return error_set(err, ERROR_MEMORY, "no memory for the fields of a call");
    *params = headers;
    *count  = written;
    return true;
}
