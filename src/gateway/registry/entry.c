#include "gateway/registry/entry.h"

#include <stdarg.h>

#include "base/environment.h"
#include "base/json.h"
#include "base/nearest.h"

enum { MEMBERS_MAX = 200, LIST_MAX = 1000, TIMEOUT_MAX_MS = 86400000 };

static size_t
count_lines(struct str text, size_t from, size_t to)
{
    size_t lines = 0;

    for (size_t i = from; i < to && i < text.len; i++)
        lines += text.data[i] == '\n';
    return lines;
}

static size_t
line_of(const struct entry_reader *r, const char *key)
{
    struct jsonc_member m;

    if (key == NULL || r->text.data[r->member.value_from] != '{' ||
        !jsonc_find(r->text, r->member.value_from, str_from(key), &m))
        return r->entry->line;
    return r->entry->line + count_lines(r->text, r->member.key_from, m.key_from);
}

bool
entry_wrong(struct entry_reader *r, const char *key, const char *format, ...)
{
    struct server_entry *e     = r->entry;
    const char          *slash = strrchr(r->from->path, '/');
    va_list              args;

    if (e->error[0] != '\0')
        return false;
    e->kind = SERVER_WRONG;
    int used =
        snprintf(e->error, sizeof e->error, "%.100s:%zu ", slash == NULL ? r->from->path : slash + 1, line_of(r, key));
    va_start(args, format);
    vsnprintf(e->error + used, sizeof e->error - (size_t)used, format, args);
    va_end(args);
    return false;
}

static bool
out_of_memory(struct entry_reader *r)
{
    r->no_memory = true;
    return false;
}

/* Of a header or variable: the value may also be written as a plain number or truth. */
static bool
read_plain(struct entry_reader *r, const char *key, struct str name, yyjson_val *value, struct server_pair *out)
{
    struct str raw;

    if (yyjson_is_str(value))
        raw = json_str(value);
    else if (yyjson_is_raw(value))
        raw = json_raw(value);
    else if (yyjson_is_bool(value))
        raw = yyjson_get_bool(value) ? STR("true") : STR("false");
    else
        return entry_wrong(r, key, "\"%.*s\" in \"%s\" must be a text: write it in quotes", STR_ARG(str_take(name, 60)),
                           key);
    char *copy = arena_cstr(r->arena, name);
    if (copy == NULL)
        return out_of_memory(r);
    *out        = (struct server_pair){.name = str_of(copy, name.len)};
    out->secret = registry_name_is_secret(name);
    return entry_expand(r, key, raw, &out->value, &out->secret);
}

static bool
read_url(struct entry_reader *r, const char *key, yyjson_val *value)
{
    struct server_entry *e   = r->entry;
    struct error         err = {0};

    if (!yyjson_is_str(value))
        return entry_wrong(r, key, "\"url\" must be a text in quotes, like \"http://localhost:9000/mcp\"");
    if (!entry_expand(r, key, json_str(value), &e->url, NULL))
        return false;
    if (r->from->environment == NULL && str_find(e->url, STR("${")) >= 0)
        return true;
    return http_url_parse(e->url, &e->address, &err) || entry_wrong(r, key, "url: %s", err.text);
}

static bool
is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
            return false;
    }
    return s.len > 0;
}

static bool
is_framing(struct str name)
{
    static const char *const names[] = {
        "host",    "content-length", "transfer-encoding", "connection",      "keep-alive", "upgrade", "te",
        "trailer", "expect",         "content-type",      "proxy-connection"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq_nocase(name, str_from(names[i])))
            return true;
    return false;
}

static bool
check_header(struct entry_reader *r, const char *key, const struct server_pair *h)
{
    if (!is_token(h->name))
        return entry_wrong(r, key, "\"%.*s\" is no name of a header: letters, digits and - only",
                           STR_ARG(str_take(h->name, 60)));
    if (is_framing(h->name))
        return entry_wrong(r, key, "Gatehouse sets the header %.*s itself: remove it here", STR_ARG(h->name));
    for (size_t i = 0; i < h->value.len; i++)
        if (((unsigned char)h->value.data[i] < ' ' && h->value.data[i] != '\t') || h->value.data[i] == '\x7f')
            return entry_wrong(r, key, "the value of the header %.*s holds a line end or control character: remove it",
                               STR_ARG(h->name));
    return true;
}

static bool
read_headers(struct entry_reader *r, const char *key, yyjson_val *value)
{
    struct server_entry *e = r->entry;
    size_t               i, max;
    yyjson_val          *name, *text;

    if (!yyjson_is_obj(value) || yyjson_obj_size(value) > LIST_MAX)
        return entry_wrong(r, key, "\"headers\" must be an object, like {\"Authorization\": \"Bearer ${TOKEN}\"}");
    e->headers = arena_alloc(r->arena, yyjson_obj_size(value) * sizeof *e->headers + 1);
    if (e->headers == NULL)
        return out_of_memory(r);
    yyjson_obj_foreach(value, i, max, name, text)
    {
        struct server_pair *h = &e->headers[e->header_count];
        if (!read_plain(r, key, json_str(name), text, h) || !check_header(r, key, h))
            return false;
        e->header_count++;
    }
    return true;
}

/* A program may be written with `~/`. */
static bool
read_program(struct entry_reader *r, yyjson_val *value, struct str *program)
{
    const char *home = environment_get(r->from->environment, STR("HOME"));

    if (!yyjson_is_str(value))
        return entry_wrong(r, "command",
                           "\"command\" must be a text in quotes: the program; its arguments go into \"args\"");
    if (!entry_expand(r, "command", json_str(value), program, NULL))
        return false;
    if (program->len == 0)
        return entry_wrong(r, "command", "\"command\" is empty: write the program to start");
    if (home != NULL && str_starts(*program, STR("~/")))
        *program = arena_printf(r->arena, "%s%.*s", home, STR_ARG(str_skip(*program, 1)));
    return program->data != NULL || out_of_memory(r);
}

/* `command` and `args` become argv. */
static bool
read_command(struct entry_reader *r, yyjson_val *object)
{
    struct server_entry *e    = r->entry;
    yyjson_val          *args = yyjson_obj_get(object, "args"), *item;
    size_t               i, max;
    struct str           text = STR_NONE;

    if (args != NULL && !yyjson_is_null(args) && (!yyjson_is_arr(args) || yyjson_arr_size(args) > LIST_MAX))
        return entry_wrong(r, "args", "\"args\" must be a list of texts, like [\"-y\", \"a-package\"]");
    char **argv = arena_zalloc(r->arena, (yyjson_arr_size(args) + 2) * sizeof *argv);
    if (argv == NULL)
        return out_of_memory(r);
    if (!read_program(r, yyjson_obj_get(object, "command"), &text))
        return false;
    argv[e->arg_count++] = arena_cstr(r->arena, text);
    yyjson_arr_foreach(args, i, max, item)
    {
        if (!yyjson_is_str(item))
            return entry_wrong(r, "args", "each of \"args\" must be a text: write it in quotes");
        if (!entry_expand(r, "args", json_str(item), &text, NULL))
            return false;
        argv[e->arg_count++] = arena_cstr(r->arena, text);
    }
    for (i = 0; i < e->arg_count; i++)
        if (argv[i] == NULL)
            return out_of_memory(r);
    e->argv = argv;
    return true;
}

static bool
read_env(struct entry_reader *r, const char *key, yyjson_val *value)
{
    size_t             i, max;
    yyjson_val        *name, *text;
    struct server_pair pair = {0};

    if (!yyjson_is_obj(value))
        return entry_wrong(r, key, "\"env\" must be an object, like {\"NAME\": \"value\"}");
    yyjson_obj_foreach(value, i, max, name, text)
    {
        struct str n = json_str(name);
        if (n.len == 0 || str_index(n, '=') >= 0 || memchr(n.data, '\0', n.len) != NULL)
            return entry_wrong(r, key, "\"%.*s\" is no name of a variable: letters, digits and _ only",
                               STR_ARG(str_take(n, 60)));
        if (!read_plain(r, key, n, text, &pair) || !entry_add_variable(r, pair.name, pair.value, pair.secret))
            return false;
    }
    return true;
}

static bool
read_env_file(struct entry_reader *r, const char *key, yyjson_val *value)
{
    if (!yyjson_is_str(value))
        return entry_wrong(r, key, "\"envFile\" must be a path in quotes");
    if (!entry_expand_path(r, key, json_str(value), &r->entry->env_file))
        return false;
    if (r->from->environment == NULL)
        return true;
    r->substituted = true;
    return entry_read_env_file(r, r->entry->env_file);
}

static bool
read_cwd(struct entry_reader *r, const char *key, yyjson_val *value)
{
    return yyjson_is_str(value) ? entry_expand_path(r, key, json_str(value), &r->entry->cwd)
                                : entry_wrong(r, key, "\"cwd\" must be a path in quotes");
}

static bool
read_timeout(struct entry_reader *r, const char *key, yyjson_val *value)
{
    uint64_t ms = 0;

    if (!yyjson_is_raw(value) || !str_to_u64(json_raw(value), &ms) || ms == 0 || ms > TIMEOUT_MAX_MS)
        return entry_wrong(r, key, "\"timeout\" must be milliseconds, a whole number from 1 to %d without quotes",
                           TIMEOUT_MAX_MS);
    r->entry->timeout = MILLISECONDS(ms);
    if (ms < 500)
        snprintf(r->entry->note, sizeof r->entry->note, "timeout is in milliseconds: %u is %u ms", (unsigned)ms,
                 (unsigned)ms);
    return true;
}

static bool
read_session_mode(struct entry_reader *r, const char *key, yyjson_val *value)
{
    r->entry->isolated = str_eq(json_str(value), STR("isolated"));
    return r->entry->isolated || str_eq(json_str(value), STR("shared")) ||
           entry_wrong(r, key, "\"sessionMode\" must be \"shared\" or \"isolated\"");
}

static bool
read_enabled(struct entry_reader *r, const char *key, yyjson_val *value)
{
    if (!yyjson_is_bool(value))
        return entry_wrong(r, key, "\"%s\" must be true or false, without quotes", key);
    r->entry->enabled = r->entry->enabled && yyjson_get_bool(value) == (strcmp(key, "enabled") == 0);
    return true;
}

/* Read in this order: what envFile says comes before env. */
enum { FOR_ANY = 1, FOR_HTTP = 2, FOR_STDIO = 4 };

static const struct field {
    const char *key;
    unsigned    for_kind; /* 0: read elsewhere */
    bool (*read)(struct entry_reader *r, const char *key, yyjson_val *value);
} fields[] = {
    {"type", 0, NULL},
    {"url", FOR_HTTP, read_url},
    {"headers", FOR_HTTP, read_headers},
    {"command", 0, NULL},
    {"args", 0, NULL},
    {"envFile", FOR_STDIO, read_env_file},
    {"env", FOR_STDIO, read_env},
    {"cwd", FOR_STDIO, read_cwd},
    {"sessionMode", FOR_STDIO, read_session_mode},
    {"timeout", FOR_ANY, read_timeout},
    {"enabled", FOR_ANY, read_enabled},
    {"disabled", FOR_ANY, read_enabled},
    {0},
};

bool
entry_means_built_in(yyjson_val *object)
{
    yyjson_val *type = yyjson_obj_get(object, "type");

    return type == NULL ? yyjson_obj_get(object, "url") == NULL && yyjson_obj_get(object, "command") == NULL
                        : str_eq(json_str(type), STR("built-in"));
}

static bool
read_built_in(struct entry_reader *r, const struct built_in *is, bool has_target)
{
    if (has_target)
        return entry_wrong(r, "type", "what is built in has neither \"url\" nor \"command\": remove them, or the type");
    if (is == NULL)
        return entry_wrong(r, "type",
                           "nothing of this name is built in: rename the entry, for instance to \"%s\", or write "
                           "\"url\" or \"command\"",
                           built_ins[0].name);
    r->entry->kind  = SERVER_SERVICE;
    r->entry->about = is->text;
    return true;
}

/* By `type`, else by what is there, else by the name. */
static bool
read_kind(struct entry_reader *r, yyjson_val *object)
{
    yyjson_val *type_value = yyjson_obj_get(object, "type");
    struct str  type       = json_str(type_value);
    bool        url        = yyjson_obj_get(object, "url") != NULL;
    bool        command    = yyjson_obj_get(object, "command") != NULL;

    const struct built_in *is = built_in_find(r->entry->name);
    if (entry_means_built_in(object) && (type_value != NULL || is != NULL))
        return read_built_in(r, is, url || command);
    if (type_value == NULL && url && command)
        return entry_wrong(r, NULL,
                           "there are both \"url\" and \"command\": keep the one that is meant, or say it by \"type\"");
    if (type_value == NULL && !url && !command)
        return entry_wrong(
            r, NULL,
            "neither \"url\" nor \"command\" is there: add \"url\": \"http://…/mcp\", or \"command\" and \"args\"");
    bool sse  = str_eq(type, STR("sse"));
    bool http = sse || str_eq(type, STR("http")) || str_eq(type, STR("streamable-http")) ||
                str_eq(type, STR("streamableHttp")) || str_eq(type, STR("streamable_http"));
    if (type_value != NULL && !http && !str_eq(type, STR("stdio")))
        return entry_wrong(r, "type", "this \"type\" is unknown: write \"http\", \"sse\" or \"stdio\"");
    http = http || (type_value == NULL && url);
    if (http && !url)
        return entry_wrong(r, NULL, "a server of type http needs \"url\": add \"url\": \"http://…/mcp\"");
    if (!http && !command)
        return entry_wrong(r, NULL, "a server of type stdio needs \"command\": add the program to start");
    r->entry->kind   = http ? SERVER_HTTP : SERVER_STDIO;
    r->entry->is_sse = sse;
    return true;
}

/* JSON lets a key stand twice and programs differ in which one counts: nobody should have to guess. */
static bool
check_keys_once(struct entry_reader *r)
{
    struct jsonc_cursor c;
    struct jsonc_member m;
    struct str          keys[MEMBERS_MAX];
    size_t              count = 0;

    jsonc_open(&c, r->text, r->member.value_from);
    while (jsonc_next(&c, &m)) {
        if (count == MEMBERS_MAX)
            return entry_wrong(r, NULL, "there are more than %d members in this entry", MEMBERS_MAX);
        keys[count] = jsonc_key(r->text, &m, r->arena);
        if (keys[count].data == NULL)
            return out_of_memory(r);
        for (size_t i = 0; i < count; i++)
            if (str_eq(keys[i], keys[count]))
                return entry_wrong(r, NULL, "\"%.*s\" stands twice in this entry, again in line %zu: remove one",
                                   STR_ARG(str_take(keys[count], 60)),
                                   r->entry->line + count_lines(r->text, r->member.key_from, m.key_from));
        count++;
    }
    return true;
}

/* Keys of other programs are theirs; one that is nearly ours was probably mistyped. */
static void
note_mistyped(struct entry_reader *r, yyjson_val *object)
{
    size_t      i, max;
    yyjson_val *name, *value;

    yyjson_obj_foreach(object, i, max, name, value)
    {
        const struct field *near = NULL;
        for (const struct field *f = fields; f->key != NULL; f++) {
            unsigned distance = nearest_distance(json_str(name), str_from(f->key));
            if (distance == 0 && str_eq(json_str(name), str_from(f->key))) {
                near = NULL;
                break;
            }
            if (distance <= 2)
                near = f;
        }
        if (near != NULL)
            snprintf(r->entry->note, sizeof r->entry->note, "\"%.*s\" is not read; did you mean \"%s\"?",
                     STR_ARG(str_take(json_str(name), 60)), near->key);
    }
}

/* Each part is hashed alone, so that moving a byte from one to the next is a change. */
static void
hash_part(uint64_t *sum, struct str part)
{
    uint64_t both[2] = {*sum, hash_bytes(part)};

    *sum = hash_bytes(str_of((const char *)both, sizeof both));
}

static void
hash_pairs(uint64_t *sum, const struct server_pair *pairs, size_t count)
{
    hash_part(sum, str_of((const char *)&count, sizeof count));
    for (size_t i = 0; i < count; i++) {
        hash_part(sum, pairs[i].name);
        hash_part(sum, pairs[i].value);
    }
}

static uint64_t
fingerprint(const struct server_entry *e)
{
    int64_t  numbers[6] = {e->kind, e->enabled, e->isolated, e->timeout, (int64_t)e->arg_count, e->is_sse};
    uint64_t sum        = hash_bytes(str_of((const char *)numbers, sizeof numbers));

    hash_part(&sum, e->name);
    hash_part(&sum, e->url);
    hash_part(&sum, str_from(e->cwd));
    hash_part(&sum, str_from(e->error));
    hash_pairs(&sum, e->headers, e->header_count);
    hash_pairs(&sum, e->env, e->env_count);
    for (size_t i = 0; e->argv != NULL && i < e->arg_count; i++)
        hash_part(&sum, str_from(e->argv[i]));
    return sum;
}

static bool
read_object(struct entry_reader *r, yyjson_val *object)
{
    if (!check_keys_once(r))
        return false;
    note_mistyped(r, object);
    if (!read_kind(r, object) || (r->entry->kind == SERVER_STDIO && !read_command(r, object)))
        return false;
    unsigned kind = FOR_ANY | (r->entry->kind == SERVER_HTTP    ? FOR_HTTP
                               : r->entry->kind == SERVER_STDIO ? FOR_STDIO
                                                                : 0);
    for (const struct field *f = fields; f->key != NULL; f++) {
        yyjson_val *value = yyjson_obj_get(object, f->key);
        if (value != NULL && !yyjson_is_null(value) && (f->for_kind & kind) != 0 && !f->read(r, f->key, value))
            return false;
    }
    return true;
}

void
entry_imply(struct server_entry *e, const struct built_in *is)
{
    *e             = (struct server_entry){.name    = str_from(is->name),
                                           .kind    = SERVER_SERVICE,
                                           .enabled = true,
                                           .about   = is->text,
                                           .timeout = REGISTRY_TIMEOUT_DEFAULT,
                                           .written = e};
    e->fingerprint = fingerprint(e);
}

void
entry_read(struct entry_reader *r)
{
    struct server_entry *e   = r->entry;
    struct error         err = {0};

    e->enabled = true;
    e->timeout = REGISTRY_TIMEOUT_DEFAULT;
    e->source  = str_of(r->text.data + r->member.value_from, r->member.value_to - r->member.value_from);
    if (!registry_check_name(e->name, &err))
        entry_wrong(r, NULL, "%s", err.text);
    yyjson_doc *doc = yyjson_read(e->source.data, e->source.len, JSONC_FLAGS | YYJSON_READ_NUMBER_AS_RAW);
    if (doc == NULL)
        out_of_memory(r);
    else if (!yyjson_is_obj(yyjson_doc_get_root(doc)))
        entry_wrong(r, NULL, "a server must be an object, like {\"url\": \"http://localhost:9000/mcp\"}");
    else if (e->error[0] == '\0')
        read_object(r, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    if (e->error[0] != '\0')
        e->kind = SERVER_WRONG;
    e->fingerprint = fingerprint(e);
}
