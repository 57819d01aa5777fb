/* resources/read, and who wants to hear that one was updated. */
#include "mcp/service/parts.h"

enum { LEVELS_MOST = 32 /* of a path that are looked at */ };

static const char *
uri_of(struct request *r)
{
    r->uri = json_str_in(r->params, "uri");
    if (r->uri.data == NULL)
        request_refuse_params(r, "%s needs a \"uri\"", r->method->name);
    return r->uri.data;
}

/* -32002 before 2026-07-28, then -32602; the URI stands in the data of both. */
void
resource_refuse(struct request *r, struct str words)
{
    yyjson_mut_val *data = yyjson_mut_obj(r->doc);

    yyjson_mut_obj_add_val(r->doc, data, "uri", json_text(r->doc, r->uri));
    request_answer_error(r, is_modern(r) ? RPC_INVALID_PARAMS : RPC_RESOURCE_NOT_FOUND, words, data);
}

static request_handler
find_reader(struct request *r)
{
    const struct resource *const *place = map_get(&r->service->resource_by_uri, r->uri);

    if (place != NULL)
        return (*place)->read;
    for (const struct resource_template *t = r->service->table->templates; t != NULL && t->name != NULL; t++) {
        r->variables = template_match(r, str_from(t->uri_template), r->uri);
        if (r->variables != NULL)
            return t->read;
    }
    return NULL;
}

void
serve_resources_read(struct request *r)
{
    if (uri_of(r) == NULL)
        return;
    r->handler = find_reader(r);
    r->make    = result_of_read;
    result_begin(r);
    if (r->handler == NULL)
        resource_refuse(r, STR("Resource not found"));
    else if (state_open(r))
        request_call(r, r->handler);
}

void *
subscription_find(const struct map *subscriptions, struct str uri)
{
    void *found = subscriptions->count == 0 ? NULL : map_get(subscriptions, uri);

    for (int i = 0; found == NULL && subscriptions->count > 0 && uri.len > 0 && i < LEVELS_MOST; i++) {
        uri.len -= uri.data[uri.len - 1] == '/';
        while (uri.len > 0 && uri.data[uri.len - 1] != '/')
            uri.len--;
        found = uri.len == 0 ? NULL : map_get(subscriptions, uri);
        if (found == NULL && uri.len > 0)
            found = map_get(subscriptions, str_take(uri, uri.len - 1));
    }
    return found;
}

static void
subscribe(struct request *r)
{
    r->service->has_wishes_changed = true;
    if (map_get_or_add(&r->session->subscriptions, r->uri) == NULL)
        request_answer_error(r, RPC_INTERNAL, STR("Too many subscriptions"), NULL);
    else
        request_answer(r, yyjson_mut_obj(r->doc));
}

void
serve_subscribe(struct request *r)
{
    if (uri_of(r) == NULL)
        return;
    if (find_reader(r) == NULL)
        resource_refuse(r, STR("Resource not found"));
    else
        subscribe(r);
}

void
take_subscription(struct request *r)
{
    if (uri_of(r) != NULL)
        subscribe(r);
}

void
serve_unsubscribe(struct request *r)
{
    if (uri_of(r) == NULL)
        return;
    map_remove(&r->session->subscriptions, r->uri);
    r->service->has_wishes_changed = true;
    request_answer(r, yyjson_mut_obj(r->doc));
}
