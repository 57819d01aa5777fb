#include "gateway/registry/registry.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/nearest.h"
#include "gateway/registry/entry.h"

enum { ENTRIES_MAX = 10000, BUILT_IN_MAX = 16, FILE_MAX = 4 * 1024 * 1024 };

/* One reading of a file. */
struct parsing {
    struct registry              *registry;
    const struct registry_source *from;
    struct str                    text;    /* in the arena */
    size_t                        counted; /* lines are counted up to here: */
    unsigned                      line;
    struct map                    lower; /* name in small letters -> index of the first entry */
    struct map                    urls;  /* URL, normalized -> index of the first entry */
};

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

bool
registry_check_name(struct str name, struct error *err)
{
    char        would[REGISTRY_NAME_MAX + 1];
    size_t      len  = 0;
    const char *what = NULL;

    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool fit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!fit && what == NULL)
            what = c == ' '               ? "a space"
                   : c < ' ' || c == 0x7f ? "a control character"
                   : c >= 0x80            ? "letters beyond a-z"
                                          : "";
        if (!fit && (len == 0 || would[len - 1] == '-'))
            continue;
        if (len < REGISTRY_NAME_MAX)
            would[len++] = fit ? (char)c : '-';
    }
    while (len > 0 && would[len - 1] == '-')
        len--;
    would[len]        = '\0';
    const char *offer = len == 0 ? "server" : would;
    if (name.len == 0)
        return error_set(err, ERROR_INVALID, "a name may not be empty: call it \"server\"");
    if (what != NULL && what[0] != '\0')
        return error_set(err, ERROR_INVALID, "a name may not hold %s: rename it to \"%s\"", what, offer);
    if (what != NULL)
        return error_set(err, ERROR_INVALID, "a name may hold only letters, digits, - and _: rename it to \"%s\"",
                         offer);
    if (name.len > REGISTRY_NAME_MAX)
        return error_set(err, ERROR_INVALID, "a name may have at most %d letters: shorten it, for instance to \"%s\"",
                         REGISTRY_NAME_MAX, offer);
    return true;
}

struct registry *
registry_ref(struct registry *r)
{
    if (r != NULL)
        __atomic_add_fetch(&r->references, 1, __ATOMIC_RELAXED);
    return r;
}

void
registry_unref(struct registry *r)
{
    if (r == NULL || __atomic_sub_fetch(&r->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    registry_unref(r->kept);
    map_clear(&r->by_name);
    arena_free(r->arena);
    free(r);
}

static struct registry *
registry_new(void)
{
    struct registry *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    *r = (struct registry){
        .references = 1, .by_name = MAP_OF(uint32_t, ENTRIES_MAX + BUILT_IN_MAX), .arena = arena_new(KIB(8), MIB(64))};
    if (r->arena != NULL)
        return r;
    free(r);
    return NULL;
}

static const struct registry *
holder(const struct registry *r)
{
    return r->kept != NULL ? r->kept : r;
}

const struct server_entry *
registry_find(const struct registry *r, struct str name)
{
    uint32_t *index = map_get(&holder(r)->by_name, name);

    return index == NULL ? NULL : &r->entries[*index];
}

size_t
registry_own(const struct registry *r)
{
    size_t count = 0;

    for (size_t i = 0; i < r->count; i++)
        count += r->entries[i].kind != SERVER_SERVICE;
    return count;
}

const struct server_entry *
registry_nearest(const struct registry *r, struct str name)
{
    const struct server_entry *nearest = NULL;
    unsigned                   best    = NEAREST_NONE;

    for (size_t i = 0; i < r->count; i++) {
        unsigned distance = nearest_distance(name, r->entries[i].name);
        if (distance < best) {
            best    = distance;
            nearest = &r->entries[i];
        }
    }
    return nearest;
}

static struct str
without_slash(struct str target)
{
    return str_ends(target, STR("/")) ? str_take(target, target.len - 1) : target;
}

const struct server_entry *
registry_find_url(const struct registry *r, struct str text)
{
    struct http_url url;

    if (!http_url_parse(text, &url, NULL))
        return NULL;
    for (size_t i = 0; i < r->count; i++) {
        const struct http_url *other = &r->entries[i].address;
        if (r->entries[i].kind == SERVER_HTTP && other->tls == url.tls && other->port == url.port &&
            str_eq_nocase(other->host, url.host) && str_eq(without_slash(other->target), without_slash(url.target)))
            return &r->entries[i];
    }
    return NULL;
}

/* The same in one text, as a key: host in small letters, the port always, no slash at the end. */
static bool
print_address(const struct http_url *url, struct buffer *out)
{
    if (!buffer_printf(out, "%d %u ", url->tls, url->port))
        return false;
    for (size_t i = 0; i < url->host.len; i++) {
        char c = url->host.data[i];
        if (!buffer_append_char(out, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c))
            return false;
    }
    return buffer_append_char(out, ' ') && buffer_append(out, without_slash(url->target));
}

/* Only ever forward in the file, so that all entries together cost one pass. */
static unsigned
line_at(struct parsing *p, size_t at)
{
    for (; p->counted < at; p->counted++)
        p->line += p->text.data[p->counted] == '\n';
    return p->line;
}

/* The first entry under `key`, which is `index` itself when there was none. */
static uint32_t
first_of(struct map *m, struct str key, uint32_t index)
{
    size_t    before = m->count;
    uint32_t *first  = map_get_or_add(m, key);

    if (first == NULL) /* no memory: a note less */
        return index;
    if (m->count > before)
        *first = index;
    return *first;
}

/* Notes a twin by case, and a twin by URL. */
static void
note_twins(struct parsing *p, struct server_entry *e, uint32_t index)
{
    char          small[REGISTRY_NAME_MAX + 1];
    struct buffer url = {.max = KIB(16)};

    for (size_t i = 0; i <= e->name.len; i++)
        small[i] = e->name.data[i] >= 'A' && e->name.data[i] <= 'Z' ? (char)(e->name.data[i] | 0x20) : e->name.data[i];
    const struct server_entry *twin = &p->registry->entries[first_of(&p->lower, str_of(small, e->name.len), index)];
    if (twin != e)
        snprintf(e->note, sizeof e->note, "only the case tells it from \"%.64s\" in line %u", twin->name.data,
                 twin->line);
    if (e->kind == SERVER_HTTP && e->address.host.len > 0 && print_address(&e->address, &url)) {
        twin = &p->registry->entries[first_of(&p->urls, buffer_str(&url), index)];
        if (twin != e)
            snprintf(e->note, sizeof e->note, "\"%.64s\" in line %u has the same URL", twin->name.data, twin->line);
    }
    if (p->from->has_built_in && e->kind != SERVER_SERVICE && built_in_find(e->name) != NULL)
        snprintf(e->note, sizeof e->note, "it stands in the place of the one that is built in");
    buffer_clear(&url);
}

/* Says on the entry what only the others show: its name is taken, or nearly, or its URL is. */
static bool
compare_with_others(struct parsing *p, struct entry_reader *reader, uint32_t index)
{
    struct registry     *r      = p->registry;
    struct server_entry *e      = &r->entries[index];
    size_t               before = r->by_name.count;
    uint32_t            *first  = map_get_or_add(&r->by_name, e->name);

    if (first == NULL)
        return false;
    if (r->by_name.count > before)
        *first = index;
    else
        entry_wrong(reader, NULL, "\"%.*s\" is there already, in line %u: rename or remove one of the two",
                    STR_ARG(str_take(e->name, 80)), r->entries[*first].line);
    if (e->kind != SERVER_WRONG)
        note_twins(p, e, index);
    return true;
}

/* The entry again with its `${...}` as written, when that may differ. */
static bool
read_as_written(struct entry_reader *reader)
{
    struct server_entry   *e       = reader->entry;
    struct server_entry   *written = ARENA_NEW(reader->arena, struct server_entry);
    struct registry_source from    = {.path = reader->from->path};
    struct entry_reader    again   = *reader;

    if (written == NULL)
        return false;
    *written    = (struct server_entry){.name = e->name, .line = e->line};
    again.from  = &from;
    again.entry = written;
    entry_read(&again);
    written->written = written;
    e->written       = written;
    return !again.no_memory;
}

static bool
remember_file(struct registry *r, const char *path)
{
    if (r->files == NULL)
        r->files = arena_zalloc(r->arena, r->count * sizeof *r->files);
    if (r->files == NULL)
        return false;
    r->files[r->file_count++] = path;
    return true;
}

static bool
add_entry(struct parsing *p, const struct jsonc_member *m, uint32_t index)
{
    struct registry     *r      = p->registry;
    struct server_entry *e      = &r->entries[index];
    struct entry_reader  reader = {.from = p->from, .arena = r->arena, .text = p->text, .member = *m, .entry = e};

    *e = (struct server_entry){.name = jsonc_key(p->text, m, r->arena), .line = line_at(p, m->key_from)};
    if (e->name.data == NULL)
        return false;
    entry_read(&reader);
    e->written = e;
    if (reader.no_memory || !compare_with_others(p, &reader, index))
        return false;
    if (p->from->environment != NULL && (reader.substituted || e->kind == SERVER_WRONG) && !read_as_written(&reader))
        return false;
    return reader.read_file == NULL || remember_file(r, reader.read_file);
}

static bool
say(struct parsing *p, size_t at, const char *what)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at && i < p->text.len; i++) {
        column = p->text.data[i] == '\n' ? 1 : column + 1;
        line += p->text.data[i] == '\n';
    }
    return error_set(&p->registry->file_error, ERROR_INVALID, "%s:%zu:%zu %s", base_name(p->from->path), line, column,
                     what);
}

static bool
is_servers_key(struct str text, const struct jsonc_member *m)
{
    return jsonc_key_is(text, m, STR("mcpServers")) || jsonc_key_is(text, m, STR("servers"));
}

/* What stands in the file besides the two objects is others'; but servers in the wrong place must not look like none.
 */
static bool
check_other_member(struct parsing *p, const struct jsonc_member *m)
{
    struct str          key = jsonc_key(p->text, m, p->registry->arena);
    struct jsonc_member inner;

    if (p->text.data[m->value_from] != '{')
        return true;
    unsigned distance = nearest_distance(key, STR("mcpServers"));
    if (distance <= 2 || nearest_distance(key, STR("servers")) <= 1)
        return say(p, m->key_from,
                   distance <= 2 ? "did you mean \"mcpServers\"? Rename it" : "did you mean \"servers\"? Rename it");
    if (jsonc_find(p->text, m->value_from, STR("command"), &inner) ||
        jsonc_find(p->text, m->value_from, STR("url"), &inner))
        return say(p, m->key_from, "a server stands directly in the file: put it into {\"mcpServers\": { … }}");
    return true;
}

/* Counts the entries of both objects, and checks the frame around them. */
static bool
count_entries(struct parsing *p, size_t root, size_t *count)
{
    struct jsonc_cursor outer, inner;
    struct jsonc_member object, m;

    jsonc_open(&outer, p->text, root);
    while (jsonc_next(&outer, &object)) {
        if (!is_servers_key(p->text, &object)) {
            if (!check_other_member(p, &object))
                return false;
            continue;
        }
        if (p->text.data[object.value_from] != '{')
            return say(p, object.value_from,
                       "this must be an object of servers by name: {\"files\": {\"command\": \"…\"}}");
        jsonc_open(&inner, p->text, object.value_from);
        while (jsonc_next(&inner, &m))
            if (++*count > ENTRIES_MAX)
                return say(p, m.key_from, "more than 10000 servers: remove some");
    }
    return true;
}

static bool
add_entries(struct parsing *p, size_t root)
{
    struct jsonc_cursor outer, inner;
    struct jsonc_member object, m;
    uint32_t            index = 0;

    jsonc_open(&outer, p->text, root);
    while (jsonc_next(&outer, &object)) {
        if (!is_servers_key(p->text, &object))
            continue;
        jsonc_open(&inner, p->text, object.value_from);
        while (jsonc_next(&inner, &m))
            if (!add_entry(p, &m, index++))
                return false;
    }
    return true;
}

static bool
check_json(struct parsing *p)
{
    yyjson_read_err err = {0};
    char            what[200];
    size_t          mark = str_starts(p->text, STR("\xEF\xBB\xBF")) ? 3 : 0; /* some editors' byte order mark */
    struct str      rest = str_skip(p->text, mark);
    char           *text = arena_cstr(p->registry->arena, rest); /* yyjson asks for char *, and changes nothing */
    yyjson_doc     *doc  = text == NULL ? NULL : yyjson_read_opts(text, rest.len, JSONC_FLAGS, NULL, &err);

    yyjson_doc_free(doc);
    if (doc != NULL)
        return true;
    snprintf(what, sizeof what, "this is no JSON: %.100s; mend it there, the servers known before stay until then",
             err.msg == NULL ? "no memory" : err.msg);
    return say(p, err.pos + mark, what);
}

static size_t
count_built_in(void)
{
    size_t count = 0;

    while (built_ins[count].name != NULL)
        count++;
    return count;
}

/* False: no memory, or file_error is set. */
static bool
parse_text(struct parsing *p)
{
    struct registry *r     = p->registry;
    size_t           count = 0;
    size_t           root  = jsonc_skip_blank(p->text, 0);

    if (root >= p->text.len) /* nothing, or comments */
        return true;
    if (!check_json(p))
        return false;
    if (p->text.data[root] != '{')
        return say(p, root, "the file must be an object: {\"mcpServers\": { … }}");
    if (!count_entries(p, root, &count))
        return false;
    r->entries = arena_alloc(r->arena, (count + count_built_in()) * sizeof *r->entries);
    if (r->entries == NULL)
        return false;
    r->count = r->written = count;
    return add_entries(p, root);
}

/* Those that the file does not name. */
static bool
add_built_in(struct registry *r)
{
    if (r->entries == NULL)
        r->entries = arena_alloc(r->arena, count_built_in() * sizeof *r->entries);
    for (const struct built_in *b = built_ins; b->name != NULL && r->entries != NULL; b++) {
        size_t    before = r->by_name.count;
        uint32_t *index  = map_get_or_add(&r->by_name, str_from(b->name));
        if (index == NULL)
            return false;
        if (r->by_name.count == before)
            continue;
        *index = (uint32_t)r->count;
        entry_imply(&r->entries[r->count++], b);
    }
    return r->entries != NULL;
}

/* The entries of `previous` go on under the new error. */
static void
keep_previous(struct registry *r, struct registry *previous, bool has_built_in)
{
    map_clear(&r->by_name);
    r->entries = NULL;
    r->files   = NULL;
    r->count = r->written = r->file_count = 0;
    if (previous == NULL && has_built_in)
        add_built_in(r);
    if (previous == NULL)
        return;
    r->kept       = registry_ref(previous->kept != NULL ? previous->kept : previous);
    r->entries    = r->kept->entries;
    r->count      = r->kept->count;
    r->written    = r->kept->written;
    r->files      = r->kept->files;
    r->file_count = r->kept->file_count;
}

/* Editors empty a file, or move it away, before they write it anew: that ends nobody's session. */
static bool
is_suddenly_empty(struct parsing *p, const struct registry *previous)
{
    if (previous == NULL || previous->written == 0 || str_trim(p->text).len > 0)
        return false;
    error_set(&p->registry->file_error, ERROR_INVALID, "%s is empty or gone: write {} to it to remove all servers",
              base_name(p->from->path));
    return true;
}

struct registry *
registry_parse(const struct registry_source *from, struct str text, struct registry *previous)
{
    struct registry *r = registry_new();
    struct parsing   p = {.registry = r,
                          .from     = from,
                          .line     = 1,
                          .lower    = MAP_OF(uint32_t, ENTRIES_MAX),
                          .urls     = MAP_OF(uint32_t, ENTRIES_MAX)};

    if (r == NULL)
        return NULL;
    p.text  = str_of(arena_cstr(r->arena, text), text.len);
    bool ok = p.text.data != NULL && !is_suddenly_empty(&p, previous) && parse_text(&p) &&
              (!from->has_built_in || add_built_in(r));
    map_clear(&p.lower);
    map_clear(&p.urls);
    if (!ok && r->file_error.code == ERROR_NONE)
        error_set(&r->file_error, ERROR_MEMORY, "no memory to read %s", base_name(from->path));
    if (!ok)
        keep_previous(r, previous, from->has_built_in);
    return r;
}

struct registry *
registry_load(const struct registry_source *from, struct registry *previous)
{
    struct buffer text = {.max = FILE_MAX};
    struct error  err  = {0};
    bool          read = file_read(from->path, &text, &err) || err.code == ERROR_NOT_FOUND;

    struct registry *r = registry_parse(from, read ? buffer_str(&text) : STR_NONE, previous);
    buffer_clear(&text);
    if (r != NULL && !read) {
        r->file_error = err;
        if (r->kept == NULL) /* an empty text has kept it already */
            keep_previous(r, previous, from->has_built_in);
    }
    return r;
}
