#include "cli/try.h"

#include <yyjson.h>

#include "base/format.h"

#define TRY_WAIT  SECONDS(60) /* npx may have to fetch the server first */
#define LIST_WAIT SECONDS(20)
enum { NOT_THERE_YET = 404, TRIES = 20, BETWEEN_TRIES_MS = 100 };

static const char initialize[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","
    "\"capabilities\":{},\"clientInfo\":{\"name\":\"gatehouse-add\",\"version\":\"" GATEHOUSE_VERSION "\"}}}";
static const char initialized[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

struct visit {
    char session[FETCH_SESSION_SIZE];
    char url[256];
    char revision[20];
    bool is_off; /* the gateway said that it is disabled */
};

/* The message that answers: in a stream the one line that has a result or an error. */
static yyjson_doc *
read_answer(struct str text)
{
    struct str line;

    while (str_cut(&text, '\n', &line)) {
        yyjson_doc *doc  = yyjson_read(line.data, line.len, 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        if (yyjson_obj_get(root, "result") != NULL || yyjson_obj_get(root, "error") != NULL)
            return doc;
        yyjson_doc_free(doc);
    }
    return NULL;
}

/* NULL: `err`. */
static yyjson_doc *
ask(struct visit *v, enum http_method method, const char *body, mono_time wait, int *status, struct error *err)
{
    struct fetch f = {.method       = method,
                      .url          = v->url,
                      .headers      = {{STR("Content-Type"), STR("application/json")},
                                       {STR("Accept"), STR("application/json, text/event-stream")}},
                      .header_count = 2,
                      .body         = str_from(body),
                      .wait         = wait};

    if (v->session[0] != '\0')
        f.headers[f.header_count++] = (struct http_header){STR("Mcp-Session-Id"), str_from(v->session)};
    if (v->revision[0] != '\0')
        f.headers[f.header_count++] = (struct http_header){STR("MCP-Protocol-Version"), str_from(v->revision)};
    yyjson_doc *doc = NULL;
    bool        ok  = fetch(&f, err);
    *status         = f.status;
    if (ok) {
        if (f.session[0] != '\0')
            snprintf(v->session, sizeof v->session, "%s", f.session);
        doc               = read_answer(buffer_str(&f.answer));
        yyjson_val *error = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
        const char *said  = yyjson_get_str(yyjson_obj_get(error, "message"));
        if (error != NULL || f.status / 100 != 2) {
            v->is_off = yyjson_equals_str(yyjson_obj_get(yyjson_obj_get(error, "data"), "reason"), "disabled");
            error_set(err, ERROR_PROTOCOL, "%s", said != NULL ? said : "");
            if (said == NULL)
                error_set(err, ERROR_PROTOCOL, "it answered with HTTP %d%s", f.status,
                          f.status == 401 ? ": it wants a login; give --header \"Authorization: Bearer ...\"" : "");
            yyjson_doc_free(doc);
            doc = NULL;
        } else if (doc == NULL) {
            error_set(err, ERROR_PROTOCOL, "it gave no answer that can be read");
        }
    }
    buffer_clear(&f.answer);
    return doc;
}

static int
count(struct visit *v, const char *what, bool *has_more)
{
    struct error err = {0};
    char         body[128];
    int          status, items = -1;

    snprintf(body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"%s/list\"}", what);
    yyjson_doc *doc    = ask(v, HTTP_METHOD_POST, body, LIST_WAIT, &status, &err);
    yyjson_val *result = yyjson_obj_get(yyjson_doc_get_root(doc), "result");
    if (result != NULL)
        items = (int)yyjson_arr_size(yyjson_obj_get(result, what));
    *has_more = yyjson_obj_get(result, "nextCursor") != NULL;
    yyjson_doc_free(doc);
    return items;
}

static void
copy(char *to, size_t size, yyjson_val *object, const char *key)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));

    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static void
look_around(struct visit *v, yyjson_val *result, struct trial *out)
{
    static const char *const kinds[]  = {"tools", "resources", "prompts"};
    int                     *counts[] = {&out->tools, &out->resources, &out->prompts};
    struct error             err      = {0};
    int                      status;

    copy(out->server, sizeof out->server, yyjson_obj_get(result, "serverInfo"), "name");
    copy(out->version, sizeof out->version, yyjson_obj_get(result, "serverInfo"), "version");
    copy(out->revision, sizeof out->revision, result, "protocolVersion");
    snprintf(v->revision, sizeof v->revision, "%s", out->revision);
    yyjson_doc_free(ask(v, HTTP_METHOD_POST, initialized, LIST_WAIT, &status, &err));
    for (size_t i = 0; i < 3; i++)
        if (yyjson_obj_get(yyjson_obj_get(result, "capabilities"), kinds[i]) != NULL)
            *counts[i] = count(v, kinds[i], &out->has_more[i]);
    if (v->session[0] != '\0')
        yyjson_doc_free(ask(v, HTTP_METHOD_DELETE, "", LIST_WAIT, &status, &err));
}

bool
try_server(const struct running *gateway, const char *name, struct trial *out)
{
    struct visit v      = {0};
    yyjson_doc  *doc    = NULL;
    mono_time    began  = clock_mono();
    int          status = NOT_THERE_YET;

    *out = (struct trial){.tools = -1, .resources = -1, .prompts = -1};
    snprintf(v.url, sizeof v.url, "http://127.0.0.1:%u/s/%s/mcp", gateway->port, name);
    /* The gateway reads mcp.json a moment later; until then what is built in is still switched off. */
    for (int i = 0; i < TRIES && (status == NOT_THERE_YET || v.is_off); i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = BETWEEN_TRIES_MS * 1000000L}, NULL);
        v.is_off = false;
        began    = clock_mono();
        doc      = ask(&v, HTTP_METHOD_POST, initialize, TRY_WAIT, &status, &out->failure);
    }
    out->took = clock_mono() - began;
    out->ok   = doc != NULL;
    if (out->ok)
        look_around(&v, yyjson_obj_get(yyjson_doc_get_root(doc), "result"), out);
    yyjson_doc_free(doc);
    return out->ok;
}

void
trial_explain(struct cli *cli, const struct running *gateway, const char *name, struct trial *trial)
{
    char          path[256];
    struct buffer text = {0};

    snprintf(path, sizeof path, "/api/servers/config/%s", name);
    if (trial->ok || !running_get(cli, gateway, path, &text, NULL))
        return;
    yyjson_doc *doc    = yyjson_read(buffer_str(&text).data, buffer_len(&text), 0);
    yyjson_val *server = yyjson_obj_get(yyjson_doc_get_root(doc), "server");
    const char *detail = yyjson_get_str(yyjson_obj_get(server, "detail"));
    if (detail != NULL && str_starts(str_from(detail), STR("could not be started")))
        error_set(&trial->failure, ERROR_UNREACHABLE, "%s is down: it %s", name, detail);
    yyjson_doc_free(doc);
    buffer_clear(&text);
}

void
trial_print(struct cli *cli, const struct trial *t)
{
    struct buffer text = {.max = KIB(8)};

    if (!t->ok) {
        buffer_append(&text, STR("it does not work yet: "));
        buffer_append_printable(&text, str_from(t->failure.text), true);
        buffer_append(&text, STR("\n  It stays added. More: gatehouse list, gatehouse logs --errors\n"));
    } else {
        int         counts[] = {t->tools, t->resources, t->prompts};
        const char *kinds[]  = {"tool", "resource", "prompt"};
        for (size_t i = 0; i < 3; i++)
            buffer_printf(&text, "%s%d%s %s%s", i == 0 ? "" : ", ", counts[i] < 0 ? 0 : counts[i],
                          t->has_more[i] ? "+" : "", kinds[i], counts[i] == 1 ? "" : "s");
        buffer_append(&text, STR("; "));
        buffer_append_printable(&text, str_from(t->server), true);
        buffer_append_char(&text, ' ');
        buffer_append_printable(&text, str_from(t->version), true);
        buffer_append(&text, STR(" speaks "));
        buffer_append_printable(&text, str_from(t->revision), true);
        buffer_append(&text, STR("; ready in "));
        format_took(&text, t->took);
        buffer_append_char(&text, '\n');
    }
    cli_put(cli, &text);
    buffer_clear(&text);
}
