#include <stdlib.h>

#include "cli/connect/connect.h"
#include "mcp/json.h"

static struct str
text_of(yyjson_val *value)
{
    return json_str(value);
}

static struct str
base_name(struct str path)
{
    for (size_t i = path.len; i > 0; i--)
        if (path.data[i - 1] == '/')
            return str_skip(path, i);
    return path;
}

/* Of http://localhost:PORT/s/NAME/mcp the name. */
static bool
leads_to(struct str url, struct str *server)
{
    static const char *const hosts[] = {"http://localhost", "http://127.0.0.1", "http://[::1]"};
    struct str               rest    = STR_NONE;

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts && rest.len == 0; i++)
        if (str_starts_nocase(url, str_from(hosts[i])))
            rest = str_skip(url, strlen(hosts[i]));
    if (str_starts(rest, STR(":"))) {
        size_t end = 1;
        while (end < rest.len && rest.data[end] >= '0' && rest.data[end] <= '9')
            end++;
        rest = str_skip(rest, end);
    }
    if (!str_starts(rest, STR("/s/")) || !str_ends(rest, STR("/mcp")) || rest.len <= 7)
        return false;
    *server = str_take(str_skip(rest, 3), rest.len - 7);
    return str_index(*server, '/') < 0;
}

/* Of `gatehouse stdio NAME` the name, however that program is called now. */
static bool
runs(yyjson_val *entry, struct str self, struct str *server)
{
    struct str  command = text_of(yyjson_obj_get(entry, "command"));
    yyjson_val *args    = yyjson_obj_get(entry, "args");

    if (!str_eq(base_name(command), STR("gatehouse")) && !str_eq(command, self))
        return false;
    *server = text_of(yyjson_arr_get(args, 1));
    return str_eq(text_of(yyjson_arr_get(args, 0)), STR("stdio")) && server->len > 0;
}

/* A part of a path, or a package with a version. */
static bool
names_package(struct str word)
{
    struct str package = STR("snapshot-mcp-server");
    ptrdiff_t  at      = str_find(word, package);
    struct str behind  = at < 0 ? STR_NONE : str_skip(word, (size_t)at + package.len);

    return at >= 0 && (at == 0 || word.data[at - 1] == '/') &&
           (behind.len == 0 || behind.data[0] == '/' || behind.data[0] == '@');
}

/* It says where its database is, or its package's name is in the command. */
static bool
is_old(yyjson_val *entry)
{
    yyjson_val *arg;
    size_t      i, max;

    if (connect_entry_database(entry) != NULL || names_package(text_of(yyjson_obj_get(entry, "command"))))
        return true;
    yyjson_arr_foreach(yyjson_obj_get(entry, "args"), i, max, arg)
    {
        if (names_package(text_of(arg)))
            return true;
    }
    return false;
}

enum connect_owner
connect_entry_owner(yyjson_val *entry, struct str self, struct str *server)
{
    *server = STR_NONE;
    if (entry == NULL)
        return OWNER_NOBODY;
    if (leads_to(text_of(yyjson_obj_get(entry, "url")), server) || runs(entry, self, server))
        return OWNER_GATEHOUSE;
    return is_old(entry) ? OWNER_OLD : OWNER_OTHER;
}

const char *
connect_entry_database(yyjson_val *entry)
{
    return yyjson_get_str(yyjson_obj_get(yyjson_obj_get(entry, "env"), "SNAPSHOT_DB_PATH"));
}

/* What one way of reaching a server says of it is nothing to the other. */
static bool
is_replaced(struct str key, bool is_command)
{
    static const char *const always[] = {"type", "command", "args", "url", "env"};

    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (str_eq(key, str_from(always[i])))
            return true;
    return str_eq(key, is_command ? STR("headers") : STR("cwd"));
}

/* Copies the members of `from` that are not there yet. */
static bool
take_members(yyjson_mut_doc *doc, yyjson_mut_val *to, yyjson_val *from, bool is_entry, bool is_command)
{
    yyjson_val *key, *value;
    size_t      i, max;

    yyjson_obj_foreach(from, i, max, key, value)
    {
        struct str name = text_of(key);
        if ((is_entry && is_replaced(name, is_command)) || yyjson_mut_obj_getn(to, name.data, name.len) != NULL)
            continue;
        if (!yyjson_mut_obj_add(to, yyjson_val_mut_copy(doc, key), yyjson_val_mut_copy(doc, value)))
            return false;
    }
    return true;
}

static bool
add_command(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct connect_wish *wish)
{
    yyjson_mut_val *args = yyjson_mut_arr(doc);

    bool ok = yyjson_mut_obj_add_str(doc, root, "command", wish->self) && yyjson_mut_arr_add_str(doc, args, "stdio") &&
              yyjson_mut_arr_add_strn(doc, args, wish->name.data, wish->name.len);
    if (ok && wish->home.len > 0)
        ok = yyjson_mut_arr_add_str(doc, args, "--home") &&
             yyjson_mut_arr_add_strn(doc, args, wish->home.data, wish->home.len);
    return ok && yyjson_mut_obj_add_val(doc, root, "args", args);
}

static bool
add_variables(yyjson_mut_doc *doc, yyjson_mut_val *root, yyjson_val *before, yyjson_val *old)
{
    yyjson_mut_val *variables = yyjson_mut_obj(doc);
    yyjson_val     *kept      = yyjson_obj_get(before, "env");

    return take_members(doc, variables, kept, false, true) &&
           take_members(doc, variables, yyjson_obj_get(old, "env"), false, true) &&
           ((kept == NULL && yyjson_mut_obj_size(variables) == 0) ||
            yyjson_mut_obj_add_val(doc, root, "env", variables));
}

static bool
add_url(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct connect_wish *wish)
{
    struct buffer url = {.max = KIB(4)};
    bool          ok  = buffer_printf(&url, "http://localhost:%u/s/%.*s/mcp", wish->port, STR_ARG(wish->name)) &&
              yyjson_mut_obj_add_strncpy(doc, root, "url", buffer_str(&url).data, buffer_len(&url));

    buffer_clear(&url);
    return ok;
}

bool
connect_entry_make(const struct connect_client *client, const struct connect_wish *wish, yyjson_val *before,
                   yyjson_val *old, struct buffer *out)
{
    const char     *type = wish->is_command ? client->stdio_type : client->http_type;
    yyjson_mut_doc *doc  = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = doc == NULL ? NULL : yyjson_mut_obj(doc);
    size_t          len  = 0;

    bool ok = root != NULL && (type == NULL || yyjson_mut_obj_add_str(doc, root, "type", type));
    if (ok && wish->is_command)
        ok = add_command(doc, root, wish) && add_variables(doc, root, before, old);
    else if (ok)
        ok = add_url(doc, root, wish);
    ok         = ok && take_members(doc, root, before, true, wish->is_command);
    char *text = ok ? yyjson_mut_val_write(root, 0, &len) : NULL;
    ok         = text != NULL && buffer_append(out, str_of(text, len));
    free(text);
    yyjson_mut_doc_free(doc);
    return ok;
}
