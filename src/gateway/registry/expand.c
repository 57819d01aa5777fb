/* `${VAR}`, `~/` and envFile: what an entry takes from outside its file; and what of our environment a child gets. */
#include <limits.h>
#include <sys/stat.h>

#include "base/environment.h"
#include "base/file.h"
#include "gateway/registry/entry.h"

enum { EXPANDED_MAX = 64 * 1024, ENV_FILE_MAX = 64 * 1024, VARIABLES_MAX = 512 };

static bool
is_variable_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return s.len > 0;
}

/* `more` bytes found no room behind `text`: there is a bound, or no memory, which is no fault of the entry. */
static bool
not_appended(struct entry_reader *r, const char *key, const struct buffer *text, size_t more)
{
    if (more > EXPANDED_MAX - buffer_len(text))
        return entry_wrong(r, key, "this is longer than %d bytes with its variables", EXPANDED_MAX);
    r->no_memory = true;
    return false;
}

/* What only an editor can fill in works nowhere here, whatever the environment. */
static bool
is_ours(struct entry_reader *r, const char *key, struct str inside)
{
    if (str_starts(inside, STR("input:")))
        return entry_wrong(r, key,
                           "${%.*s} would ask you, and nobody is there to answer: write ${env:NAME} and set NAME where "
                           "Gatehouse starts, or use envFile",
                           STR_ARG(str_take(inside, 60)));
    if (str_starts(inside, STR("workspaceFolder")) || str_starts(inside, STR("config:")) ||
        str_starts(inside, STR("command:")))
        return entry_wrong(r, key, "${%.*s} is the editor's and means nothing here: write the value itself",
                           STR_ARG(str_take(inside, 60)));
    return true;
}

static bool
keep(struct entry_reader *r, struct str s, struct str *out)
{
    const char *copy = arena_cstr(r->arena, s);

    r->no_memory |= copy == NULL;
    *out = copy == NULL ? STR_NONE : str_of(copy, s.len);
    return copy != NULL;
}

/* The next `${inside}` of `s`, and where it begins. False: there is none. */
static bool
next_form(struct str s, size_t *at, struct str *inside)
{
    ptrdiff_t from = str_find(s, STR("${"));
    ptrdiff_t to   = from < 0 ? -1 : str_index(str_skip(s, (size_t)from), '}');

    if (to < 0)
        return false;
    *at     = (size_t)from;
    *inside = str_of(s.data + from + 2, (size_t)to - 2);
    return true;
}

/* Without an environment nothing is known of variables, which may be set elsewhere; of the rest all is. */
static bool
keep_as_written(struct entry_reader *r, const char *key, struct str raw, struct str *out)
{
    struct str rest = raw, inside;

    for (size_t at = 0; r->from->is_strict && next_form(rest, &at, &inside); rest = str_skip(rest, at + inside.len + 3))
        if (!is_ours(r, key, inside))
            return false;
    return keep(r, raw, out);
}

/* One `${inside}`. What is no form of ours stays as it is: it may be meant for the server. */
static bool
expand_one(struct entry_reader *r, const char *key, struct str inside, struct buffer *out, bool *used)
{
    struct str name     = str_starts(inside, STR("env:")) ? str_skip(inside, 4) : inside;
    ptrdiff_t  at       = str_find(name, STR(":-"));
    struct str fallback = at < 0 ? STR_NONE : str_skip(name, (size_t)at + 2);
    struct str whole;

    if (!is_ours(r, key, inside))
        return false;
    name = at < 0 ? name : str_take(name, (size_t)at);
    if (str_eq(inside, STR("userHome")))
        name = STR("HOME");
    if (!is_variable_name(name))
        return (buffer_append(out, STR("${")) && buffer_append(out, inside) && buffer_append_char(out, '}')) ||
               not_appended(r, key, out, inside.len + 3);
    *used             = true;
    const char *value = environment_get(r->from->environment, name);
    if (at >= 0 && (value == NULL || value[0] == '\0'))
        whole = fallback;
    else if (value != NULL)
        whole = str_from(value);
    else
        return entry_wrong(r, key,
                           "the variable %.*s is not set: set it where Gatehouse starts, or write ${%.*s:-default}",
                           STR_ARG(str_take(name, 60)), STR_ARG(str_take(name, 60)));
    return buffer_append(out, whole) || not_appended(r, key, out, whole.len);
}

bool
entry_expand(struct entry_reader *r, const char *key, struct str raw, struct str *out, bool *secret)
{
    struct buffer text = {.max = EXPANDED_MAX};
    bool          used = false, ok = true;
    struct str    inside;
    size_t        at = 0;

    if (memchr(raw.len == 0 ? "" : raw.data, '\0', raw.len) != NULL)
        return entry_wrong(r, key, "this may not hold a NUL character: remove \\u0000");
    if (r->from->environment == NULL)
        return keep_as_written(r, key, raw, out);
    for (; ok && next_form(raw, &at, &inside); raw = str_skip(raw, at + inside.len + 3)) {
        if (!buffer_append(&text, str_take(raw, at)))
            ok = not_appended(r, key, &text, at);
        else
            ok = expand_one(r, key, inside, &text, &used);
    }
    if (ok && buffer_len(&text) == 0)
        ok = keep(r, raw, out);
    else if (ok)
        ok = buffer_append(&text, raw) ? keep(r, buffer_str(&text), out) : not_appended(r, key, &text, raw.len);
    buffer_clear(&text);
    r->substituted |= used;
    if (secret != NULL)
        *secret |= used;
    return ok;
}

bool
entry_expand_path(struct entry_reader *r, const char *key, struct str raw, const char **out)
{
    struct str  path  = STR_NONE, whole;
    const char *home  = environment_get(r->from->environment, STR("HOME"));
    const char *slash = strrchr(r->from->path, '/');

    if (!entry_expand(r, key, raw, &path, NULL))
        return false;
    if (path.len == 0 || path.len >= PATH_MAX)
        return entry_wrong(r, key, "%s is %s: write a path", key, path.len == 0 ? "empty" : "too long");
    whole = path;
    if (r->from->environment == NULL)
        ;
    else if (home != NULL && (str_eq(path, STR("~")) || str_starts(path, STR("~/"))))
        whole = arena_printf(r->arena, "%s%.*s", home, STR_ARG(str_skip(path, 1)));
    else if (path.data[0] != '/' && slash != NULL)
        whole = arena_printf(r->arena, "%.*s/%.*s", (int)(slash - r->from->path), r->from->path, STR_ARG(path));
    if (whole.data == NULL || !keep(r, whole, &whole)) {
        r->no_memory = true;
        return false;
    }
    *out = whole.data;
    return true;
}

bool
entry_add_variable(struct entry_reader *r, struct str name, struct str value, bool secret)
{
    struct server_entry *e = r->entry;

    if (e->env_count == VARIABLES_MAX)
        return entry_wrong(r, "env", "there are more than %d variables", VARIABLES_MAX);
    if ((e->env_count & (e->env_count - 1)) == 0) { /* full at 0, 1, 2, 4, … */
        struct server_pair *room = arena_alloc(r->arena, (e->env_count * 2 + 1) * sizeof *room);
        if (room == NULL) {
            r->no_memory = true;
            return false;
        }
        if (e->env_count > 0)
            memcpy(room, e->env, e->env_count * sizeof *room);
        e->env = room;
    }
    e->env[e->env_count++] = (struct server_pair){name, value, secret};
    return true;
}

/* Between quotes: '…' as it is, "…" with \n, \", \\ and \$. */
static struct str
unquote(struct str value, char *out)
{
    char   quote = value.data[0];
    size_t len   = 0;

    value = str_of(value.data + 1, value.len - 2);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (quote == '"' && c == '\\' && i + 1 < value.len) {
            c = value.data[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
        }
        out[len++] = c;
    }
    return str_of(out, len);
}

/* NAME=value; with `export`, quotes, or a comment behind white space. False: the line is none of that. */
static bool
env_line(struct str line, struct str *name, struct str *value, char *space)
{
    ptrdiff_t equals = str_index(line, '=');

    if (equals < 0)
        return false;
    *name  = str_trim(str_take(line, (size_t)equals));
    *value = str_trim(str_skip(line, (size_t)equals + 1));
    if (str_starts(*name, STR("export ")))
        *name = str_trim(str_skip(*name, 7));
    if (!is_variable_name(*name))
        return false;
    bool quoted = value->len >= 2 && (value->data[0] == '"' || value->data[0] == '\'') &&
                  value->data[value->len - 1] == value->data[0];
    ptrdiff_t comment = str_find(*value, STR(" #"));
    if (quoted)
        *value = unquote(*value, space);
    else if (comment >= 0)
        *value = str_trim(str_take(*value, (size_t)comment));
    return true;
}

bool
entry_read_env_file(struct entry_reader *r, const char *path)
{
    struct buffer text = {.max = ENV_FILE_MAX};
    struct error  err  = {0};
    struct str    rest, line, name, value;
    unsigned      number = 0;
    bool          ok     = true;
    struct stat   info;

    r->read_file = path;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) /* a pipe would hold the worker for ever */
        return entry_wrong(r, "envFile", "envFile: %s is no plain file: write the path of one, or remove this line",
                           path);
    if (!file_read(path, &text, &err)) {
        buffer_clear(&text);
        return entry_wrong(r, "envFile", "envFile: %s: create the file, or remove this line", err.text);
    }
    char *space = arena_alloc(r->arena, buffer_len(&text) + 1);
    ok          = space != NULL;
    for (rest = buffer_str(&text); ok && str_cut(&rest, '\n', &line);) {
        line = str_trim(line);
        number++;
        if (line.len == 0 || line.data[0] == '#')
            continue;
        if (memchr(line.data, '\0', line.len) != NULL || !env_line(line, &name, &value, space))
            ok = entry_wrong(r, "envFile", "line %u of the envFile %s is no NAME=value: mend it there", number, path);
        else
            ok = keep(r, name, &name) && keep(r, value, &value) && entry_add_variable(r, name, value, true);
    }
    buffer_clear(&text);
    return ok;
}

bool
registry_name_is_secret(struct str name)
{
    static const char *const parts[] = {"key", "token", "secret", "password", "passwd", "credential", "auth", "cookie"};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (str_find_nocase(name, str_from(parts[i])) >= 0)
            return true;
    return false;
}

/* What a child needs to find programs, files and the network, and nothing that may be a credential. */
static bool
is_let_through(struct str name)
{
    static const char *const names[] = {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TMPDIR",
        "TMP",
        "TEMP",
        "SHELL",
        "TERM",
        "COLORTERM",
        "NODE_ENV",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    };

    if (str_starts(name, STR("XDG_")))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(name, str_from(names[i])))
            return true;
    return false;
}

static bool
is_own(const struct server_entry *entry, struct str name, size_t from)
{
    for (size_t i = from; i < entry->env_count; i++)
        if (str_eq(entry->env[i].name, name))
            return true;
    return false;
}

char *const *
server_entry_environment(const struct server_entry *entry, char *const *ours, struct arena *arena)
{
    size_t count = 0, room = entry->env_count + 1;

    for (char *const *v = ours; v != NULL && *v != NULL; v++)
        room++;
    char **all = arena_alloc(arena, room * sizeof *all);
    if (all == NULL)
        return NULL;
    for (char *const *v = ours; v != NULL && *v != NULL; v++) {
        struct str whole = str_from(*v);
        ptrdiff_t  at    = str_index(whole, '=');
        struct str name  = at < 0 ? whole : str_take(whole, (size_t)at);
        if (at < 0 || !is_let_through(name) || is_own(entry, name, 0))
            continue;
        if ((all[count++] = arena_cstr(arena, whole)) == NULL)
            return NULL;
    }
    for (size_t i = 0; i < entry->env_count; i++) {
        const struct server_pair *own = &entry->env[i];
        if (is_own(entry, own->name, i + 1)) /* the later wins */
            continue;
        struct str text = arena_printf(arena, "%.*s=%.*s", STR_ARG(own->name), STR_ARG(own->value));
        if (text.data == NULL || (all[count++] = arena_cstr(arena, text)) == NULL)
            return NULL;
    }
    all[count] = NULL;
    return all;
}
