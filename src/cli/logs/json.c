#include "cli/logs/logs.h"

/* The fields of a line are a contract with programs outside (docs/cli.md). */

static bool
text(struct buffer *out, const char *key, struct str value)
{
    return buffer_printf(out, ",\"%s\":", key) &&
           (value.len == 0 ? buffer_append(out, STR("null")) : buffer_append_json(out, value));
}

static bool
number(struct buffer *out, const char *key, bool is_there, int64_t value)
{
    return is_there ? buffer_printf(out, ",\"%s\":%lld", key, (long long)value)
                    : buffer_printf(out, ",\"%s\":null", key);
}

struct message_list {
    struct buffer *out;
    size_t         count;
    bool           ok;
};

static bool
add_message(const struct message_view *m, void *arg)
{
    struct message_list *list = arg;

    list->ok = buffer_printf(list->out, "%s{\"at_us\":%lld,\"from\":\"%s\",%s\"text\":", list->count++ == 0 ? "" : ",",
                             (long long)m->at, m->from == FROM_CLIENT ? "client" : "server",
                             m->is_cut ? "\"is_cut\":true," : "") &&
               buffer_append_json(list->out, m->text) && buffer_append_char(list->out, '}');
    return list->ok;
}

static bool
add_messages(struct logs *l, uint64_t id)
{
    struct message_list list = {.out = &l->out, .ok = true};
    struct error        err  = {0};

    if (!buffer_append(&l->out, STR(",\"messages\":[")))
        return false;
    if (!reader_messages(l->inner, id, add_message, &list, &err))
        cli_fail(l->cli, &err);
    return list.ok && buffer_append_char(&l->out, ']');
}

bool
logs_json_line(struct logs *l, const struct exchange_view *x)
{
    struct buffer *out = &l->out;
    char           at[TIME_ISO_SIZE];

    time_format_iso(x->at, at);
    bool ok = buffer_printf(out, "{\"id\":\"%llu\",\"at\":\"%s\",\"at_us\":%lld", (unsigned long long)x->id, at,
                            (long long)x->at) &&
              text(out, "server", x->server) && text(out, "session", x->session) && text(out, "client", x->client) &&
              text(out, "client_version", x->client_version) && text(out, "method", x->method) &&
              text(out, "target", x->target) && text(out, "kind", str_from(kind_name(x->kind))) &&
              text(out, "jsonrpc_id", x->jsonrpc_id) && text(out, "outcome", str_from(outcome_name(x->outcome))) &&
              number(out, "error_code", x->has_error_code, x->error_code) &&
              number(out, "http_status", x->http_status != 0, x->http_status) &&
              number(out, "duration_us", x->duration_us >= 0, x->duration_us) &&
              number(out, "tokens_in", true, (int64_t)x->tokens_in) &&
              number(out, "tokens_out", true, (int64_t)x->tokens_out) &&
              (!l->with_messages || add_messages(l, x->id)) && buffer_append(out, STR("}\n"));
    if (!ok)
        buffer_reset(out);
    return ok && (buffer_len(out) < KIB(64) || cli_put(l->cli, out));
}
