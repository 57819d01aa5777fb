/* Who the server is, told to clients that open; and what their capabilities are to it. */
#include "gateway/bridge/bridge.h"

#include "mcp/json.h"

/* --- capabilities --- */

char *
bridge_capabilities_text(yyjson_val *said)
{
    yyjson_mut_doc *copy = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = copy == NULL ? NULL : yyjson_val_mut_copy(copy, said);
    char           *text = NULL;

    if (yyjson_mut_is_obj(root)) {
        yyjson_mut_obj_remove_key(root, "tasks");
        yyjson_mut_val *extensions = yyjson_mut_obj_get(root, "extensions");
        yyjson_mut_obj_remove_key(extensions, "io.modelcontextprotocol/tasks");
        if (yyjson_mut_obj_size(extensions) == 0)
            yyjson_mut_obj_remove_key(root, "extensions");
        text = yyjson_mut_val_write(root, 0, NULL);
    }
    yyjson_mut_doc_free(copy);
    return text != NULL ? text : strdup("{}");
}

static char *
without_tasks(struct str capabilities)
{
    yyjson_doc *doc  = json_read(capabilities);
    char       *text = bridge_capabilities_text(yyjson_doc_get_root(doc));

    yyjson_doc_free(doc);
    return text;
}

struct str
bridge_capabilities(struct request *r)
{
    struct str text    = request_capabilities(r);
    char      *written = text.len > CAPABILITIES_MAX ? NULL : without_tasks(text);
    size_t     len     = written == NULL ? 0 : strlen(written);
    char      *held    = written == NULL ? NULL : request_alloc(r, len + 1);

    if (held != NULL)
        memcpy(held, written, len + 1);
    free(written);
    return held == NULL ? STR("{}") : str_of(held, len);
}

/* --- the server --- */

bool
bridge_tell_server(struct service *to, const struct client_server *server)
{
    struct relay_server known = {server->info, server->capabilities, server->instructions};

    return service_relay_known(to, &known);
}

/* --- who opens --- */

/* In the request's memory. */
struct opener {
    struct waiter   waiter;
    struct request *request;
};

static struct request *
end_waiting(struct waiter *w)
{
    struct request *r = LIST_OF(struct opener, w, waiter)->request;

    request_on_cancel(r, NULL);
    return r;
}

static void
tell_server(struct waiter *w, const struct client_server *server)
{
    struct relay_server known = {server->info, server->capabilities, server->instructions};

    request_relay_known(end_waiting(w), &known);
}

static void
tell_lost(struct waiter *w, int code, int status, const char *words)
{
    struct request *r = end_waiting(w);

    (void)code;
    waiter_challenge(w, status, r);
    request_refuse_with(r, -32603, str_from(words), NULL);
}

static void
stop_waiting(struct request *r)
{
    struct opener *o = request_data(r);

    list_remove(&o->waiter.node);
}

void
bridge_open_client(struct request *r)
{
    struct peer   *p = peer_for_request(request_owner(r), r);
    struct opener *o = p == NULL ? NULL : request_alloc(r, sizeof *o);

    if (p == NULL)
        return;
    if (o == NULL) {
        request_refuse_with(r, -32603, STR("no memory"), NULL);
        return;
    }
    *o = (struct opener){.waiter = {.on_open = tell_server, .on_lost = tell_lost}, .request = r};
    list_init(&o->waiter.node);
    request_set_data(r, o);
    request_on_cancel(r, stop_waiting);
    peer_wait(p, &o->waiter);
}
