/* Arguments that several tools have: which snapshots, how many, from where on. */
#include <stdio.h>

#include "base/json.h"
#include "services/snapshots/parts.h"

struct str
argument_text(yyjson_val *arguments, const char *name)
{
    struct str text = json_str_in(arguments, name);

    return text.len > 0 ? text : STR_NONE;
}

int64_t
number_of(yyjson_val *value)
{
    double number = yyjson_get_num(value);

    if (yyjson_is_uint(value))
        return yyjson_get_uint(value) > INT64_MAX ? INT64_MAX : (int64_t)yyjson_get_uint(value);
    if (yyjson_is_sint(value))
        return yyjson_get_sint(value);
    return number > -9e15 && number < 9e15 ? (int64_t)number : 0;
}

int64_t
argument_number(yyjson_val *arguments, const char *name)
{
    return number_of(yyjson_obj_get(arguments, name));
}

/* A time and an id: what is older stands behind. */
void
cursor_write(const struct snapshot *last, char out[CURSOR_SIZE])
{
    snprintf(out, CURSOR_SIZE, "%lld-%lld", (long long)last->created, (long long)last->id);
}

bool
cursor_read(struct str cursor, struct snapshot_filter *out, struct error *err)
{
    struct str created = STR_NONE;

    if (cursor.len == 0)
        return true;
    str_cut(&cursor, '-', &created);
    return (str_to_i64(created, &out->before) && str_to_i64(cursor, &out->before_id) && out->before > 0) ||
           error_set(err, ERROR_INVALID, "cursor must be one that an answer has given");
}

bool
filter_read(yyjson_val *arguments, size_t usual, struct snapshot_filter *out, struct error *err)
{
    struct str since = argument_text(arguments, "since");
    int64_t    limit = argument_number(arguments, "limit");

    *out = (struct snapshot_filter){.project = argument_text(arguments, "project"),
                                    .tag     = argument_text(arguments, "tag"),
                                    .limit   = limit > 0 ? (size_t)limit : usual};
    if (since.len > 0 && !time_parse_iso(since, &out->since))
        return error_set(err, ERROR_INVALID, "since must be a date or a time, like 2026-11-21 or 2026-11-21T14:02:11Z");
    return cursor_read(argument_text(arguments, "cursor"), out, err);
}
