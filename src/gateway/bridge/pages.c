/* A server of 2025-11-25 refuses what needs a person to go to a page first, with -32042 and where to. A modern client
 * is asked to go there, by an elicitation of that URL, and its call is made again when it says that it was done. Which
 * pages travels in requestState: nothing waits here. MCP 2025-11-25 client/elicitation "URL Elicitation Required". */
#include "gateway/bridge/bridge.h"

enum { PAGES_MAX = 16, KEY_SIZE = 32 };

static void
name_page(char key[KEY_SIZE], size_t i)
{
    snprintf(key, KEY_SIZE, "page-%zu", i + 1);
}

bool
pages_ask(struct request *r, yyjson_val *data)
{
    yyjson_val     *pages = yyjson_obj_get(data, "elicitations"), *page, *refusal;
    yyjson_mut_doc *doc   = request_doc(r);
    char            key[KEY_SIZE];
    size_t          i, max;
    bool            is_due = false;

    if (!request_is_modern(r) || !request_can(r, CLIENT_ELICITS_URL) || yyjson_arr_size(pages) == 0 ||
        yyjson_arr_size(pages) > PAGES_MAX || doc == NULL)
        return false;
    request_keep(r, "pages", yyjson_val_mut_copy(doc, pages));
    yyjson_arr_foreach(pages, i, max, page)
    {
        name_page(key, i);
        refusal = NULL;
        is_due |= request_ask(r, key, STR("elicitation/create"), page, &refusal) == NULL && refusal == NULL;
    }
    return is_due; /* who has been there, and is sent there again, gets the error */
}

bool
pages_are_seen(struct request *r)
{
    yyjson_val *pages   = request_kept(r, "pages"), *page;
    bool        is_done = true;
    char        key[KEY_SIZE];
    size_t      i, max;

    yyjson_arr_foreach(pages, i, max, page)
    {
        yyjson_val *refusal = NULL;
        name_page(key, i);
        yyjson_val *answer = request_ask(r, key, STR("elicitation/create"), page, &refusal);
        if (refusal != NULL || (answer != NULL && !yyjson_equals_str(yyjson_obj_get(answer, "action"), "accept"))) {
            request_refuse_with(r, -32603, STR("the page that the server needs was declined"), NULL);
            return false;
        }
        is_done = is_done && answer != NULL;
    }
    return is_done;
}
