/* What is asked of a server that is open: its lists, then the call. */
#include "base/format.h"
#include "base/log.h"
#include "cli/call/arguments.h"
#include "cli/call/call.h"
#include "cli/call/list.h"
#include "cli/call/result.h"
#include "cli/grid.h"
#include "mcp/json.h"
#include "mcp/log_level.h"
#include "mcp/schema/schema.h"

static void list_next(struct calling *c);
static void make_call(struct calling *c);
static void ask_page(struct calling *c, yyjson_val *cursor);

static void
fail(struct calling *c, const struct error *err)
{
    screen_rest(&c->screen);
    calling_end(c, cli_fail(c->cli, err));
}

static bool
looks_around(const struct calling *c)
{
    return c->line.method.len == 0 && !c->options.is_names;
}

/* ---- on the way ---- */

static void
on_call_message(void *owner, struct client_call *call, const struct envelope *e)
{
    struct calling *c       = owner;
    yyjson_doc     *message = json_read(e->message);
    yyjson_val     *params  = yyjson_obj_get(yyjson_doc_get_root(message), "params");

    (void)call;
    if (str_eq(e->method, STR("notifications/progress")))
        screen_progress(&c->screen, params);
    else if (str_eq(e->method, STR("notifications/message")) && c->options.level >= 0 &&
             log_level_of(e->level) >= c->options.level)
        screen_log(&c->screen, params);
    yyjson_doc_free(message);
}

static void
on_question(void *owner, struct client_call *call, struct question_in *q)
{
    (void)call;
    asker_take(((struct calling *)owner)->asker, q);
}

static void
on_error(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    struct calling *c = owner;

    c->call = NULL;
    if (!c->is_done)
        calling_end(c, calling_explain(c, why, code, client_call_status(call), message, data));
}

/* A tool that takes long may become a task: it is waited for like any other. Who asks about tasks knows them. */
static void
speak_of_tasks(struct client_request *request)
{
    request->follows_task = str_eq(request->method, STR("tools/call"));
    if (str_starts(request->method, STR("tasks/")))
        request->capabilities = STR("{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
}

static void
start(struct calling *c, struct str method, yyjson_mut_val *params, const struct call_events *events)
{
    yyjson_doc           *fixed   = params == NULL ? NULL : yyjson_mut_val_imut_copy(params, NULL);
    struct client_request request = {.method           = method,
                                     .params           = yyjson_doc_get_root(fixed),
                                     .follows_progress = true,
                                     .level            = c->options.level,
                                     .input_schema     = yyjson_obj_get(c->tool, "inputSchema")};
    struct error          err     = {0};

    speak_of_tasks(&request);
    c->call = client_call(c->client, &request, events, c, &err);
    yyjson_doc_free(fixed);
    if (c->call == NULL)
        fail(c, &err);
}

/* ---- lists ---- */

static yyjson_mut_val *
list_here(struct calling *c)
{
    return yyjson_mut_obj_get(yyjson_mut_doc_get_root(c->lists), list_kinds[c->kind].key);
}

static void
on_page(void *owner, struct client_call *call, yyjson_val *result)
{
    struct calling *c      = owner;
    yyjson_val     *cursor = yyjson_obj_get(result, "nextCursor"), *each;
    size_t          i, count;

    (void)call;
    c->call = NULL;
    yyjson_arr_foreach(yyjson_obj_get(result, list_kinds[c->kind].key), i, count, each)
    {
        yyjson_mut_arr_append(list_here(c), yyjson_val_mut_copy(c->lists, each));
    }
    if (yyjson_is_str(cursor) && ++c->pages < CALL_PAGES_MAX && yyjson_mut_arr_size(list_here(c)) < CALL_ITEMS_MAX) {
        ask_page(c, cursor);
        return;
    }
    c->kind++;
    list_next(c);
}

/* A list that a server does not have after all is no reason not to show the others. */
static void
on_no_page(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    struct calling *c = owner;

    if (why != CLOSE_ANSWERED || code != -32601) {
        on_error(owner, call, why, code, message, data);
        return;
    }
    c->call = NULL;
    c->kind++;
    list_next(c);
}

static void
ask_page(struct calling *c, yyjson_val *cursor)
{
    static const struct call_events events = {
        .on_message = on_call_message, .on_question = on_question, .on_result = on_page, .on_error = on_no_page};
    yyjson_mut_doc *doc    = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *params = yyjson_mut_obj(doc);

    if (cursor != NULL)
        yyjson_mut_obj_add_val(doc, params, "cursor", yyjson_val_mut_copy(doc, cursor));
    start(c, str_from(list_kinds[c->kind].method), cursor == NULL ? NULL : params, &events);
    yyjson_mut_doc_free(doc);
}

static bool
is_declared(const struct calling *c, const char *capability)
{
    yyjson_doc *doc  = json_read(client_server(c->client)->capabilities);
    bool        said = yyjson_obj_get(yyjson_doc_get_root(doc), capability) != NULL;

    yyjson_doc_free(doc);
    return said;
}

/* ---- what there is ---- */

/* Through a gateway it may speak another revision than we do. */
static void
print_gateway(struct calling *c, struct str ours, struct buffer *out)
{
    yyjson_val *server;
    yyjson_doc *doc = target_status(c->cli, &c->target, &server);
    struct str  its = json_str_in(server, "revision");

    buffer_append(out, STR("  through Gatehouse"));
    if (its.len > 0 && !str_eq(its, ours)) {
        buffer_append(out, STR(", which bridges: the server speaks "));
        buffer_append_printable(out, its, true);
    }
    yyjson_doc_free(doc);
}

/* "time-server 1.2.0  2025-11-25, legacy  http://localhost:9000/mcp" */
static void
print_who(struct calling *c, struct buffer *out)
{
    const struct client_server *s    = client_server(c->client);
    yyjson_doc                 *doc  = json_read(s->info);
    yyjson_val                 *info = yyjson_doc_get_root(doc);
    struct str                  name = json_str_in(info, "title");
    struct buffer               safe = {.max = KIB(64)};

    if (name.len == 0)
        name = json_str_in(info, "name");
    buffer_append_printable(&safe, str_take(name.len == 0 ? str_from(c->target.label) : name, 200), true);
    style_append(out, c->cli->colour, STYLE_BOLD, buffer_str(&safe));
    buffer_append_char(out, ' ');
    buffer_append_printable(out, str_take(json_str_in(info, "version"), 100), true);
    buffer_printf(out, "  speaks %.*s (%s)", STR_ARG(s->revision), s->era == CLIENT_MODERN ? "modern" : "legacy");
    if (c->target.is_recorded)
        print_gateway(c, s->revision, out);
    else if (c->way == WAY_OLDER)
        buffer_append(out, STR("  over HTTP+SSE"));
    buffer_append_char(out, '\n');
    if (s->instructions.len > 0) {
        struct str text = str_trim(s->instructions);
        buffer_reset(&safe);
        buffer_append_printable(&safe, c->cli->is_terminal && text.len > 600 ? str_take(text, 600) : text, false);
        buffer_append(&safe, c->cli->is_terminal && text.len > 600 ? STR(" …") : STR(""));
        style_append(out, c->cli->colour, STYLE_DIM, buffer_str(&safe));
        buffer_append_char(out, '\n');
    }
    buffer_clear(&safe);
    yyjson_doc_free(doc);
}

static void
print_who_json(struct calling *c, struct buffer *out)
{
    const struct client_server *s = client_server(c->client);

    buffer_printf(out, "{\"era\":\"%s\",\"revision\":", s->era == CLIENT_MODERN ? "modern" : "legacy");
    buffer_append_json(out, s->revision);
    buffer_append(out, STR(",\"serverInfo\":"));
    buffer_append(out, s->info.len == 0 ? STR("null") : s->info);
    buffer_append(out, STR(",\"capabilities\":"));
    buffer_append(out, s->capabilities.len == 0 ? STR("{}") : s->capabilities);
    if (s->instructions.data != NULL) {
        buffer_append(out, STR(",\"instructions\":"));
        buffer_append_json(out, s->instructions);
    }
    for (const struct list_kind *k = list_kinds; k->method != NULL; k++) {
        char *list = yyjson_val_write(yyjson_obj_get(yyjson_doc_get_root(c->listed), k->key), 0, NULL);
        if (list != NULL)
            buffer_printf(out, ",\"%s\":", k->key);
        buffer_append(out, str_from(list));
        free(list);
    }
    buffer_append(out, STR("}\n"));
}

static void
print_around(struct calling *c)
{
    struct buffer out  = {.max = MIB(256)};
    yyjson_val   *root = yyjson_doc_get_root(c->listed), *tools = yyjson_obj_get(root, "tools");
    bool          has = false;

    screen_rest(&c->screen);
    if (c->options.is_json) {
        print_who_json(c, &out);
    } else {
        print_who(c, &out);
        for (const struct list_kind *k = list_kinds; k->method != NULL; k++) {
            has = has || yyjson_arr_size(yyjson_obj_get(root, k->key)) > 0;
            list_print(c->cli, k, yyjson_obj_get(root, k->key), &out);
        }
        if (!has)
            buffer_append(&out, STR("It has no tools, resources or prompts.\n"));
        if (c->cli->is_terminal && yyjson_arr_size(tools) > 0) {
            buffer_append(&out, STR("\nCall one: gatehouse call "));
            buffer_append_printable(
                &out, c->line.where == CALL_COMMAND ? STR("TOOL key=value -- COMMAND") : c->line.target, true);
            buffer_append(&out, c->line.where == CALL_COMMAND ? STR("\n") : STR(" TOOL key=value\n"));
        }
    }
    bool ok = cli_put(c->cli, &out);
    buffer_clear(&out);
    calling_end(c, ok ? EXIT_DONE : EXIT_FAILED);
}

static void
list_next(struct calling *c)
{
    while (c->kind < c->behind_last && looks_around(c) && !is_declared(c, list_kinds[c->kind].capability))
        c->kind++;
    if (c->kind < c->behind_last) {
        c->pages = 0;
        yyjson_mut_obj_add_arr(c->lists, yyjson_mut_doc_get_root(c->lists), list_kinds[c->kind].key);
        ask_page(c, NULL);
        return;
    }
    c->listed = yyjson_mut_doc_imut_copy(c->lists, NULL);
    if (c->options.is_names)
        calling_print_names(c);
    else if (looks_around(c))
        print_around(c);
    else
        make_call(c);
}

/* ---- the call ---- */

/* What the tool promised of its results. False: it was said. */
static bool
check_result(struct calling *c, yyjson_val *result)
{
    yyjson_val    *promised   = yyjson_obj_get(c->tool, "outputSchema");
    yyjson_val    *structured = yyjson_obj_get(result, "structuredContent");
    size_t         len        = 0;
    char          *text       = promised == NULL ? NULL : yyjson_val_write(promised, 0, &len);
    struct error   err        = {0};
    struct schema *rules      = text == NULL ? NULL : schema_compile(str_of(text, len), &err);
    bool           ok         = true;

    free(text);
    if (promised == NULL) {
        cli_hint(c->cli, "Nothing to check by: the tool declares no outputSchema.");
    } else if (rules == NULL) {
        error_wrap(&err, "its outputSchema is wrong");
        ok = false;
    } else if (structured == NULL) {
        ok = error_set(&err, ERROR_INVALID, "it declares an outputSchema, and gave no structuredContent");
    } else if (!schema_validate(rules, structured, NULL, &err)) {
        error_wrap(&err, "the result breaks its outputSchema");
        ok = false;
    }
    if (!ok)
        cli_refuse(c->cli, 0, "%s", err.text);
    schema_free(rules);
    return ok;
}

static void
on_result(void *owner, struct client_call *call, yyjson_val *result)
{
    struct calling           *c     = owner;
    struct buffer             out   = {.max = MIB(256)};
    struct error              err   = {0};
    const struct result_style style = {
        .colour = c->cli->colour, .is_terminal = c->cli->is_terminal, .file = c->options.file};
    bool failed = result_is_error(result);

    (void)call;
    c->call = NULL;
    screen_rest(&c->screen);
    bool ok = c->options.is_json ? result_print_json(result, false, &out) : result_print(&style, result, &out, &err);
    ok      = cli_put(c->cli, &out) && ok;
    buffer_clear(&out);
    if (err.code != ERROR_NONE)
        cli_fail(c->cli, &err);
    if (c->options.checks && !failed)
        ok = check_result(c, result) && ok;
    calling_end(c, ok && !failed ? EXIT_DONE : EXIT_FAILED);
}

static int
no_such_tool(struct calling *c)
{
    yyjson_val *tools   = yyjson_obj_get(yyjson_doc_get_root(c->listed), "tools");
    struct str  nearest = list_nearest(tools, c->line.subject);

    screen_rest(&c->screen);
    if (nearest.data != NULL)
        cli_refuse(c->cli, 0, "%s has no tool \"%.*s\"; did you mean \"%.*s\"?", c->target.label,
                   STR_ARG(str_take(c->line.subject, 80)), STR_ARG(str_take(nearest, 80)));
    else
        cli_refuse(c->cli, 0, "%s has no tool \"%.*s\"", c->target.label, STR_ARG(str_take(c->line.subject, 80)));
    if (c->line.where != CALL_COMMAND)
        cli_hint(c->cli, "What it has:  gatehouse call %.*s", STR_ARG(c->line.target));
    return EXIT_NOT_FOUND;
}

/* What is wrong with the arguments, and what the tool takes. */
static int
refuse_arguments(struct calling *c, const struct error *err)
{
    struct buffer out = {.max = MIB(1)};

    screen_rest(&c->screen);
    cli_fail(c->cli, err);
    if (yyjson_obj_size(yyjson_obj_get(yyjson_obj_get(c->tool, "inputSchema"), "properties")) > 0) {
        cli_hint(c->cli, "%.*s takes:", STR_ARG(str_take(c->line.subject, 80)));
        list_print_arguments(c->cli, c->tool, &out);
        fprintf(c->cli->err, "%.*s", STR_ARG(buffer_str(&out)));
    }
    buffer_clear(&out);
    return err->code == ERROR_INVALID ? EXIT_TYPED_WRONG : EXIT_FAILED;
}

/* Of a legacy server a tool that is nothing but a task has to be asked for one. */
static void
ask_for_task(struct calling *c, yyjson_mut_doc *doc, yyjson_mut_val *params)
{
    yyjson_val *support = yyjson_obj_get(yyjson_obj_get(c->tool, "execution"), "taskSupport");

    if (client_server(c->client)->era == CLIENT_LEGACY && yyjson_equals_str(support, "required"))
        yyjson_mut_obj_add_obj(doc, params, "task");
}

static void
make_call(struct calling *c)
{
    static const struct call_events events = {
        .on_message = on_call_message, .on_question = on_question, .on_result = on_result, .on_error = on_error};
    yyjson_mut_doc *doc    = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *params = yyjson_mut_obj(doc), *arguments;
    struct error    err    = {0};
    bool            calls  = str_eq(c->line.method, STR("tools/call"));

    c->tool = list_find(yyjson_obj_get(yyjson_doc_get_root(c->listed), "tools"), c->line.subject);
    if (calls && c->tool == NULL && c->line.is_tool) {
        calling_end(c, no_such_tool(c));
    } else if (calls) {
        arguments = arguments_make(doc, &c->line, c->line.subject, yyjson_obj_get(c->tool, "inputSchema"), &err);
        yyjson_mut_obj_add_val(doc, params, "name", json_text(doc, c->line.subject));
        ask_for_task(c, doc, params);
        if (arguments == NULL)
            calling_end(c, refuse_arguments(c, &err));
        else if (yyjson_mut_obj_add_val(doc, params, "arguments", arguments))
            start(c, c->line.method, params, &events);
    } else {
        params = params_make(doc, &c->line, &err);
        if (params == NULL)
            calling_end(c, refuse_arguments(c, &err));
        else
            start(c, c->line.method, yyjson_mut_obj_size(params) > 0 ? params : NULL, &events);
    }
    yyjson_mut_doc_free(doc);
}

void
calling_go_on(struct calling *c)
{
    if (c->options.level >= 0)
        client_set_level(c->client, c->options.level);
    c->lists = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(c->lists, yyjson_mut_obj(c->lists));
    if (c->options.is_names) {
        c->kind        = calling_names_kind(c);
        c->behind_last = c->kind + 1;
    } else if (looks_around(c)) {
        c->behind_last = LIST_KINDS;
    } else if (str_eq(c->line.method, STR("tools/call"))) {
        c->behind_last = 1; /* for the schema of its arguments */
    }
    list_next(c);
}
