/* An entry written out: as JSON, and as a person would say it. */
#include "gateway/registry/registry.h"

const char *
server_kind_name(enum server_kind kind)
{
    static const char *const names[] = {
        [SERVER_HTTP] = "http", [SERVER_STDIO] = "stdio", [SERVER_SERVICE] = "built-in", [SERVER_WRONG] = "wrong"};

    return names[kind];
}

static bool
print_pairs(struct buffer *out, const char *key, const struct server_pair *pairs, size_t count)
{
    if (count == 0)
        return true;
    if (!buffer_printf(out, ",\"%s\":{", key))
        return false;
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && !buffer_append_char(out, ',')) || !buffer_append_json(out, pairs[i].name) ||
            !buffer_append_char(out, ':') || !buffer_append_json(out, pairs[i].value))
            return false;
    return buffer_append_char(out, '}');
}

static bool
print_text(struct buffer *out, const char *key, struct str value)
{
    return value.data == NULL || (buffer_printf(out, ",\"%s\":", key) && buffer_append_json(out, value));
}

static bool
print_args(struct buffer *out, const struct server_entry *e)
{
    if (e->arg_count < 2)
        return true;
    if (!buffer_append(out, STR(",\"args\":[")))
        return false;
    for (size_t i = 1; i < e->arg_count; i++)
        if ((i > 1 && !buffer_append_char(out, ',')) || !buffer_append_json(out, str_from(e->argv[i])))
            return false;
    return buffer_append_char(out, ']');
}

bool
server_entry_print(const struct server_entry *e, struct buffer *out)
{
    bool ok = false;

    if (e->kind == SERVER_WRONG)
        return false;
    if (e->kind == SERVER_SERVICE)
        ok = buffer_append(out, STR("{\"type\":\"built-in\""));
    else if (e->kind == SERVER_HTTP)
        ok = buffer_printf(out, "{\"type\":\"%s\"", e->is_sse ? "sse" : "http") && print_text(out, "url", e->url) &&
             print_pairs(out, "headers", e->headers, e->header_count);
    else
        ok = buffer_append(out, STR("{\"type\":\"stdio\"")) && print_text(out, "command", str_from(e->argv[0])) &&
             print_args(out, e) && print_text(out, "envFile", str_from(e->env_file)) &&
             print_pairs(out, "env", e->env, e->env_count) && print_text(out, "cwd", str_from(e->cwd)) &&
             (!e->isolated || buffer_append(out, STR(",\"sessionMode\":\"isolated\"")));
    if (ok && e->timeout != 0 && e->timeout != REGISTRY_TIMEOUT_DEFAULT)
        ok = buffer_printf(out, ",\"timeout\":%lld", (long long)(e->timeout / MILLISECONDS(1)));
    return ok && (e->enabled || buffer_append(out, STR(",\"enabled\":false"))) && buffer_append_char(out, '}');
}

/* A word with spaces or quotes as a shell would want it. */
static bool
append_word(struct buffer *out, const char *word)
{
    if (word[0] != '\0' && strpbrk(word, " \t\n'\"\\$`*?[]{}()<>|&;#~!") == NULL)
        return buffer_append(out, str_from(word));
    return buffer_printf(out, "'%s'", word);
}

bool
server_entry_print_target(const struct server_entry *entry, struct buffer *out)
{
    const struct server_entry *written = entry->written == NULL ? entry : entry->written;
    bool                       ok      = true;

    if (entry->kind == SERVER_WRONG)
        return buffer_append(out, str_from(entry->error));
    if (entry->kind == SERVER_SERVICE)
        return buffer_append(out, str_from(entry->about));
    if (entry->kind == SERVER_HTTP)
        return buffer_append(out, written->url);
    for (size_t i = 0; ok && (i < written->arg_count || (i == 0 && written->argv != NULL)); i++) {
        if (written->argv[i] == NULL)
            break;
        ok = (i == 0 || buffer_append_char(out, ' ')) && append_word(out, written->argv[i]);
    }
    return ok;
}
