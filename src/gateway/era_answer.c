/* What an answer says of the era of who gave it. mcp.md 7.2; MCP 2026-07-28 basic/versioning. */
#include <yyjson.h>

#include "gateway/era.h"
#include "mcp/json.h"
#include "mcp/revision.h"

/* Whether `supported` of -32022 has a revision of the modern era; not said counts as one. */
static bool
supports_modern(struct str body)
{
    yyjson_doc *doc       = json_read(body);
    yyjson_val *error     = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
    yyjson_val *supported = yyjson_obj_get(yyjson_obj_get(error, "data"), "supported"), *one;
    size_t      i, max;
    bool        is_modern = !yyjson_is_arr(supported);

    yyjson_arr_foreach(supported, i, max, one) is_modern = is_modern || revision_is_modern(json_str(one));
    yyjson_doc_free(doc);
    return is_modern;
}

bool
exchange_opens_era(const struct exchange *x)
{
    return str_eq(x->message.method, STR("initialize")) || str_eq(x->message.method, STR("server/discover"));
}

/* Not what a modern server would say to a modern request. */
static bool
is_legacy_answer(const struct exchange *x, int status, struct str body, const struct envelope *e)
{
    bool is_error = e->message.data != NULL && e->kind == MESSAGE_ERROR;

    if (status < 300)
        return is_error && e->error_code == -32601 && exchange_opens_era(x);
    if (!is_error)
        return true;
    if (e->error_code == -32022)
        return !supports_modern(body);
    return !(e->error_code == -32020 || e->error_code == -32021 || e->error_code == -32602 ||
             (e->error_code == -32601 && status == 404));
}

/* Not what a legacy server would say to `initialize`. */
static bool
is_modern_answer(const struct exchange *x, const struct envelope *e)
{
    return str_eq(x->message.method, STR("initialize")) && (e->message.data == NULL || e->kind == MESSAGE_ERROR);
}

bool
answer_is_of_other_era(const struct exchange *x, int status, struct str body, const struct envelope *e)
{
    if (status == 401 || status == 403 || status == 429 || status >= 500)
        return false;
    return x->is_modern ? is_legacy_answer(x, status, body, e)
                        : (status >= 400 || status < 300) && is_modern_answer(x, e);
}
