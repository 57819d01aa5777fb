#include <yyjson.h>

#include "base/format.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/logs/logs.h"

enum { CANDIDATES = 6, SHORT_JSON = 100, SESSION_COLUMNS = 13 };

struct found {
    struct logs *l;
    uint64_t     ids[CANDIDATES];
    size_t       count;
};

static bool
note(const struct exchange_view *x, void *arg)
{
    struct found *f = arg;

    f->ids[f->count++] = x->id;
    return f->count < CANDIDATES;
}

/* One id by its tail. */
static int
resolve(struct logs *l, struct str part, uint64_t *id)
{
    struct query q     = {.id_part = part, .limit = CANDIDATES};
    struct found f     = {.l = l};
    struct error err   = {0};
    uint64_t     whole = 0;

    for (size_t i = 0; i < part.len; i++)
        if (part.data[i] < '0' || part.data[i] > '9')
            return cli_refuse(l->cli, EXIT_TYPED_WRONG,
                              "\"%.*s\" is no id of a call: ids are digits, as logs shows them",
                              STR_ARG(str_take(part, 80)));
    if (part.len == 0 || part.len > 19)
        return cli_refuse(l->cli, EXIT_NOT_FOUND, "no call has the id %.*s", STR_ARG(str_take(part, 80)));
    if (!query_run(l->reader, &q, note, &f, &err))
        return cli_fail(l->cli, &err);
    if (f.count == 0)
        return cli_refuse(l->cli, EXIT_NOT_FOUND, "no call has an id that ends with %.*s", STR_ARG(part));
    for (size_t i = 0; i < f.count && f.count > 1; i++)
        if (str_to_u64(part, &whole) && f.ids[i] == whole) { /* whole, and the tail of another */
            *id = whole;
            return EXIT_DONE;
        }
    if (f.count > 1) {
        cli_refuse(l->cli, 0, "%s calls have an id that ends with %.*s: give more of it",
                   f.count == CANDIDATES ? "several" : "more than one", STR_ARG(part));
        for (size_t i = 0; i < f.count; i++)
            cli_hint(l->cli, "gatehouse logs %llu", (unsigned long long)f.ids[i]);
        return EXIT_NOT_FOUND;
    }
    *id = f.ids[0];
    return EXIT_DONE;
}

/* ---- shown in full ---- */

struct telling {
    struct logs *l;
    wall_time    began;
    bool         is_raw;
    uint64_t     tokens_in, tokens_out;
};

static void
put_text(struct logs *l, struct str text)
{
    struct buffer *out = &l->out;

    while (text.len > 0) {
        ptrdiff_t  end  = str_index(text, '\n');
        struct str line = end < 0 ? text : str_take(text, (size_t)end);
        buffer_append(out, STR("  "));
        buffer_append_printable(out, line, true);
        buffer_append_char(out, '\n');
        text = end < 0 ? STR_NONE : str_skip(text, (size_t)end + 1);
    }
}

static void
put_json(struct logs *l, yyjson_val *value)
{
    size_t len  = 0;
    char  *text = yyjson_val_write(value, 0, &len);

    if (text != NULL && len > SHORT_JSON) {
        free(text);
        text = yyjson_val_write(value, YYJSON_WRITE_PRETTY_TWO_SPACES, &len);
    }

    put_text(l, str_of(text, text == NULL ? 0 : len));
    free(text);
}

/* What matters of a message, and what it is called. */
static void
put_content(struct logs *l, yyjson_val *root)
{
    yyjson_val *content = yyjson_obj_get(yyjson_obj_get(root, "result"), "content"), *item;
    yyjson_val *part    = yyjson_obj_get(root, "params");
    size_t      i, count;

    if (yyjson_is_arr(content)) {
        yyjson_arr_foreach(content, i, count, item)
        {
            yyjson_val *text = yyjson_obj_get(item, "text");
            if (yyjson_is_str(text))
                put_text(l, json_str(text));
            else
                put_json(l, item);
        }
        return;
    }
    if (part != NULL && yyjson_obj_get(part, "arguments") != NULL)
        part = yyjson_obj_get(part, "arguments");
    if (part == NULL)
        part = yyjson_obj_get(root, "result");
    if (part == NULL)
        part = yyjson_obj_get(root, "error");
    if (part != NULL)
        put_json(l, part);
}

static const char *
shape_of(yyjson_val *root)
{
    if (yyjson_is_arr(root))
        return "batch";
    if (yyjson_obj_get(root, "error") != NULL)
        return "error";
    if (yyjson_obj_get(root, "result") != NULL)
        return "result";
    return yyjson_obj_get(root, "id") != NULL ? "request" : "notification";
}

static bool
tell(const struct message_view *m, void *arg)
{
    struct telling *t    = arg;
    struct buffer  *out  = &t->l->out;
    yyjson_doc     *doc  = yyjson_read(m->text.data, m->text.len, 0);
    yyjson_val     *root = yyjson_doc_get_root(doc);

    buffer_append(out, m->from == FROM_CLIENT ? STR("\n→ ") : STR("\n← "));
    format_time(out, m->at, t->l->now);
    if (m->at > t->began) {
        buffer_append(out, STR("  +"));
        format_took(out, m->at - t->began);
    }
    buffer_printf(out, "   %s", root == NULL ? "not JSON" : shape_of(root));
    struct str method = str_from(yyjson_get_str(yyjson_obj_get(root, "method")));
    if (method.len > 0) {
        buffer_append_char(out, ' ');
        buffer_append_printable(out, method, true);
    }
    buffer_append(out, STR(", "));
    format_bytes(out, m->text.len);
    if (yyjson_is_true(yyjson_obj_get(yyjson_obj_get(root, "result"), "isError")))
        buffer_append(out, STR(", isError"));
    if (m->is_cut)
        buffer_append(out, STR(", cut: there was no memory to keep more (memory.max)"));
    buffer_append_char(out, '\n');
    if (t->is_raw || root == NULL || yyjson_is_arr(root))
        put_text(t->l, m->text);
    else
        put_content(t->l, root);
    yyjson_doc_free(doc);
    return cli_put(t->l->cli, out);
}

static void
put_field(struct buffer *out, const char *before, struct str text)
{
    if (text.len == 0)
        return;
    buffer_append(out, str_from(before));
    buffer_append_printable(out, text, true);
}

static void
put_title(struct logs *l, const struct exchange_view *x)
{
    struct buffer *out    = &l->out;
    bool           failed = exchange_failed(x), open = x->outcome == OUTCOME_OPEN;

    style_append(out, l->cli->colour,
                 failed ? STYLE_RED
                 : open ? STYLE_YELLOW
                        : STYLE_GREEN,
                 failed ? STR("✗")
                 : open ? STR("…")
                        : STR("✓"));
    put_field(out, " ", x->method.len > 0 ? x->method : str_from(kind_name(x->kind)));
    put_field(out, " ", x->target);
    put_field(out, "   ", x->server);
    buffer_append(out, STR("   "));
    if (open)
        buffer_append(out, STR("open"));
    else
        format_took(out, x->duration_us);
    buffer_append(out, STR("   "));
    format_time(out, x->at, l->now);
    put_field(out, "   ", x->client);
    put_field(out, " ", x->client_version);
    if (x->session.len > 0) {
        struct buffer session = {.max = KIB(4)};
        text_cut(&session, x->session, SESSION_COLUMNS);
        put_field(out, "   session ", buffer_str(&session));
        buffer_clear(&session);
    }
    put_field(out, "   ", x->revision);
    buffer_append_char(out, '\n');
    if (failed) {
        buffer_printf(out, "  %s", outcome_name(x->outcome));
        if (x->has_error_code)
            buffer_printf(out, " %d", x->error_code);
        if (x->http_status != 0)
            buffer_printf(out, ", HTTP %d", x->http_status);
        buffer_append_char(out, '\n');
    }
    buffer_printf(out, "  id %llu   tokens %llu → %llu\n", (unsigned long long)x->id, (unsigned long long)x->tokens_in,
                  (unsigned long long)x->tokens_out);
}

static bool
show(const struct exchange_view *x, void *arg)
{
    struct logs   *l   = arg;
    struct telling t   = {.l = l, .began = x->at, .is_raw = l->is_raw};
    struct error   err = {0};

    if (l->is_json)
        return logs_json_line(l, x) && cli_put(l->cli, &l->out);
    put_title(l, x);
    if (!cli_put(l->cli, &l->out))
        return false;
    if (!reader_messages(l->inner, x->id, tell, &t, &err))
        cli_fail(l->cli, &err);
    if (l->cli->is_terminal && !l->is_raw)
        fprintf(l->cli->err, "\nRaw messages: --raw     As JSON: --json\n");
    return true;
}

int
logs_one(struct logs *l, const char *id)
{
    struct error err   = {0};
    uint64_t     whole = 0;

    int code = resolve(l, str_from(id), &whole);
    if (code != EXIT_DONE)
        return code;
    l->with_messages = true;
    return reader_exchange(l->reader, whole, show, l, &err) ? EXIT_DONE : cli_fail(l->cli, &err);
}
