#include "cli/try.h"

#include "base/format.h"
#include "cli/call/house.h"
#include "mcp/client/client.h"
#include "mcp/json.h"

#define TRY_WAIT  SECONDS(60) /* npx may have to fetch the server first */
#define LIST_WAIT SECONDS(20)
enum { LOOKS = 20, BETWEEN_LOOKS_MS = 100 };

static const char *const kinds[TRIAL_KINDS] = {"tools", "resources", "prompts"};

struct trying {
    struct house   house;
    struct client *client;
    struct trial  *out;
    mono_time      began;
    size_t         kind; /* which is listed */
};

/* ---- until the gateway knows it ---- */

/* What it says of the server; NULL: it does not know it. */
static yyjson_doc *
look(struct cli *cli, const struct running *gateway, const char *name, yyjson_val **server)
{
    char          path[256];
    struct buffer text = {0};

    snprintf(path, sizeof path, "/api/servers/config/%s", name);
    if (!running_get(cli, gateway, path, &text, NULL))
        return NULL;
    yyjson_doc *doc = json_read(buffer_str(&text));
    buffer_clear(&text);
    *server = yyjson_obj_get(yyjson_doc_get_root(doc), "server");
    return doc;
}

/* It reads mcp.json a moment later; until then what is built in is still switched off. */
static void
wait_until_known(struct cli *cli, const struct running *gateway, const char *name)
{
    bool is_known = false;

    for (int i = 0; i < LOOKS && !is_known; i++) {
        yyjson_val *server;
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = BETWEEN_LOOKS_MS * 1000000L}, NULL);
        yyjson_doc *doc = look(cli, gateway, name, &server);
        is_known        = doc != NULL && !yyjson_equals_str(yyjson_obj_get(server, "state"), "disabled");
        yyjson_doc_free(doc);
    }
}

/* ---- as its client ---- */

static void list_next(struct trying *t);

static void
on_result(void *owner, struct client_call *call, yyjson_val *result)
{
    struct trying *t = owner;

    (void)call;
    t->out->counts[t->kind]   = (int)yyjson_arr_size(yyjson_obj_get(result, kinds[t->kind]));
    t->out->has_more[t->kind] = yyjson_obj_get(result, "nextCursor") != NULL;
    t->kind++;
    list_next(t);
}

static void
on_error(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    struct trying *t = owner;

    (void)call, (void)why, (void)code, (void)message, (void)data;
    t->kind++;
    list_next(t);
}

/* Of the kinds that it says it has: the first page of each. */
static void
list_next(struct trying *t)
{
    static const struct call_events events       = {.on_result = on_result, .on_error = on_error};
    yyjson_doc                     *doc          = json_read(client_server(t->client)->capabilities);
    yyjson_val                     *capabilities = yyjson_doc_get_root(doc);
    struct error                    err          = {0};
    char                            method[24];

    while (t->kind < TRIAL_KINDS && yyjson_obj_get(capabilities, kinds[t->kind]) == NULL)
        t->kind++;
    yyjson_doc_free(doc);
    if (t->kind == TRIAL_KINDS) {
        loop_stop(&t->house.loop);
        return;
    }
    snprintf(method, sizeof method, "%s/list", kinds[t->kind]);
    struct client_request request = {.method = str_from(method), .level = -1, .patience = LIST_WAIT};
    if (client_call(t->client, &request, &events, t, &err) == NULL)
        loop_stop(&t->house.loop);
}

static void
copy(char *to, size_t size, yyjson_val *object, const char *key)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));

    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static void
on_open(void *owner, struct client *c, const struct client_server *server)
{
    struct trying *t   = owner;
    yyjson_doc    *doc = json_read(server->info);

    (void)c;
    if (t->out->ok)
        return;
    t->out->ok   = true;
    t->out->took = clock_mono() - t->began;
    copy(t->out->server, sizeof t->out->server, yyjson_doc_get_root(doc), "name");
    copy(t->out->version, sizeof t->out->version, yyjson_doc_get_root(doc), "version");
    snprintf(t->out->revision, sizeof t->out->revision, "%.*s", STR_ARG(server->revision));
    yyjson_doc_free(doc);
    list_next(t);
}

static void
on_lost(void *owner, struct client *c, int code, int status, const char *words)
{
    struct trying *t = owner;

    (void)c, (void)code;
    if (!t->out->ok && status == 401)
        error_set(&t->out->failure, ERROR_PROTOCOL,
                  "it answered with HTTP 401: it wants a login; give --header \"Authorization: Bearer ...\"");
    else if (!t->out->ok)
        error_set(&t->out->failure, ERROR_PROTOCOL, "%s", words);
    loop_stop(&t->house.loop);
}

/* Legacy, as most are: one of the other era is bridged for this, and what it speaks itself the gateway tells. */
static bool
open_client(struct trying *t, struct error *err)
{
    static const struct client_events events = {.on_open = on_open, .on_lost = on_lost};
    struct client_parts               parts  = {.loop     = &t->house.loop,
                                                .way      = house_way(&t->house, WAY_USUAL, err),
                                                .name     = STR("gatehouse-add"),
                                                .version  = STR(GATEHOUSE_VERSION),
                                                .era      = CLIENT_LEGACY,
                                                .patience = TRY_WAIT,
                                                .events   = &events,
                                                .owner    = t};

    if (parts.way == NULL)
        return false;
    t->client = client_new(&parts, err);
    if (t->client == NULL)
        parts.way->ops->free(parts.way);
    return t->client != NULL;
}

static void
on_signal(void *owner, int number)
{
    struct trying *t = owner;

    (void)number;
    error_set(&t->out->failure, ERROR_UNREACHABLE, "interrupted");
    loop_stop(&t->house.loop);
}

static void
visit(struct cli *cli, const struct target *target, struct trial *out)
{
    struct trying t = {.out = out, .house = {.on_signal = on_signal}};

    t.house.owner = &t;
    if (house_open(&t.house, cli, target, &out->failure) && open_client(&t, &out->failure)) {
        t.began = clock_mono();
        client_open(t.client);
        loop_run(&t.house.loop);
    }
    client_free(t.client);
    house_close(&t.house);
}

bool
try_server(struct cli *cli, const struct running *gateway, const char *name, struct trial *out)
{
    struct target target = {.is_recorded = true};
    yyjson_val   *server;
    char          url[256];

    *out = (struct trial){.counts = {-1, -1, -1}};
    snprintf(url, sizeof url, "http://127.0.0.1:%u/s/%s/mcp", gateway->port, name);
    snprintf(target.label, sizeof target.label, "%s", name);
    target.url = url;
    wait_until_known(cli, gateway, name);
    visit(cli, &target, out);
    yyjson_doc *doc = target_status(cli, &target, &server);
    if (out->ok && yyjson_is_str(yyjson_obj_get(server, "revision")))
        copy(out->revision, sizeof out->revision, server, "revision");
    yyjson_doc_free(doc);
    return out->ok;
}

void
trial_explain(struct cli *cli, const struct running *gateway, const char *name, struct trial *trial)
{
    yyjson_val *server = NULL;
    yyjson_doc *doc    = trial->ok ? NULL : look(cli, gateway, name, &server);
    const char *detail = yyjson_get_str(yyjson_obj_get(server, "detail"));

    if (detail != NULL && str_starts(str_from(detail), STR("could not be started")))
        error_set(&trial->failure, ERROR_UNREACHABLE, "%s is down: it %s", name, detail);
    yyjson_doc_free(doc);
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
        for (size_t i = 0; i < TRIAL_KINDS; i++) /* "1 tool, 3+ prompts" */
            buffer_printf(&text, "%s%d%s %.*s", i == 0 ? "" : ", ", t->counts[i] < 0 ? 0 : t->counts[i],
                          t->has_more[i] ? "+" : "", (int)strlen(kinds[i]) - (t->counts[i] == 1), kinds[i]);
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
