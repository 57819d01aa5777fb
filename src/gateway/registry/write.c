/* Changes to mcp.json: read, change one entry's bytes, check the whole, replace the file; all under its lock.
 *
 * The lock keeps our processes apart. A person's editor takes no lock: the bytes are compared once more right before
 * the rename, and when they are others, all begins again. Some editors empty the file and write it in pieces, or move
 * it away first: what is empty, gone or no JSON since less than a second is being written, and waited for. One that had
 * emptied the file right before our rename goes on writing to what no name leads to any more: so the replaced file is
 * kept open and looked at once more, and what was written there is taken as the text to change. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "gateway/jsonc.h"
#include "gateway/registry/entry.h"

enum { FILE_MAX = 4 * 1024 * 1024, TRIES = 20, LOCK_WAIT_MS = 5000, NAP_MS = 20, ENTRY_DEPTH_MAX = 15 };

#define SETTLED  SECONDS(1) /* nobody writes for so long in one save */
#define PATIENCE SECONDS(3)

enum change_kind { CHANGE_ADD, CHANGE_REPLACE, CHANGE_MEMBERS, CHANGE_REMOVE };

struct change {
    const char      *path;
    enum change_kind kind;
    struct str       name;
    struct str       json;
    enum server_kind before;   /* of the entry, SERVER_WRONG when there was none */
    bool             is_first; /* nobody ever changed this file: it may be missing */
    mono_time        began;
    struct buffer    old;      /* what is changed */
    struct buffer    expected; /* what the file must still hold; equals `old` but after an editor came between */
    struct buffer    base;     /* `old` with an entry for what is built in and had none */
    struct buffer    fresh;
    int              replaced; /* the file as it was compared, -1: none */
};

static bool
no_memory(struct error *err)
{
    return error_set(err, ERROR_MEMORY, "no memory to change the registry, or it would be larger than %d bytes",
                     FILE_MAX);
}

/* Where the entry is: the object that holds it, or the one to add it to. JSONC_NONE: there is none. */
struct place {
    size_t              root;
    size_t              object;
    struct jsonc_member entry;
    bool                found;
};

static struct place
find_place(struct str text, struct str name)
{
    static const char *const keys[] = {"mcpServers", "servers"};
    struct place             place  = {.root = jsonc_skip_blank(text, 0), .object = JSONC_NONE};
    struct jsonc_cursor      c;
    struct jsonc_member      m;

    for (size_t i = 0; i < 2 && !place.found; i++) {
        jsonc_open(&c, text, place.root);
        while (!place.found && jsonc_next(&c, &m)) {
            if (!jsonc_key_is(text, &m, str_from(keys[i])))
                continue;
            place.found = jsonc_find(text, m.value_from, name, &place.entry);
            if (place.found || place.object == JSONC_NONE)
                place.object = m.value_from;
        }
    }
    return place;
}

/* The whole of a file that had nothing, or no object for servers yet. */
static bool
put_first(struct str name, struct str json, struct str text, size_t root, struct buffer *out)
{
    struct buffer servers = {.max = FILE_MAX};
    bool          ok      = buffer_append_char(&servers, '{') && buffer_append_json(&servers, name) &&
              buffer_append_char(&servers, ':') && buffer_append(&servers, json) && buffer_append_char(&servers, '}');

    if (ok && root < text.len)
        ok = jsonc_set(text, root, STR("mcpServers"), buffer_str(&servers), out);
    else if (ok) /* nothing, or comments alone: they stay on top */
        ok = buffer_append(out, text) &&
             (text.len == 0 || str_ends(text, STR("\n")) || buffer_append_char(out, '\n')) &&
             jsonc_set(STR("{}\n"), 0, STR("mcpServers"), buffer_str(&servers), out);
    buffer_clear(&servers);
    return ok;
}

/* The text with that entry: a new one, or in the place of the one that is there. */
static bool
put_entry(const struct place *place, struct str name, struct str json, struct str text, struct buffer *out)
{
    return place->object == JSONC_NONE ? put_first(name, json, text, place->root, out)
                                       : jsonc_set(text, place->object, name, json, out);
}

/* `enabled` is written as `disabled` where the entry says it so. */
static bool
set_member(struct str text, size_t object, struct str key, yyjson_val *value, struct str json, struct buffer *out)
{
    struct jsonc_member m;

    if (str_eq(key, STR("enabled")) && yyjson_is_bool(value) && jsonc_find(text, object, STR("disabled"), &m) &&
        !jsonc_find(text, object, key, &m))
        return jsonc_set(text, object, STR("disabled"), yyjson_get_bool(value) ? STR("false") : STR("true"), out);
    if (!yyjson_is_null(value))
        return jsonc_set(text, object, key, json, out);
    return jsonc_find(text, object, key, &m) ? jsonc_remove(text, object, key, out) : buffer_append(out, text);
}

/* Member after member; the entry's place stays, for only bytes behind its brace change. */
static bool
change_members(struct change *c, struct str from, size_t object)
{
    struct buffer text = {.max = FILE_MAX};
    yyjson_doc   *doc  = yyjson_read(c->json.data, c->json.len, JSONC_FLAGS | YYJSON_READ_NUMBER_AS_RAW);
    size_t        i, max;
    yyjson_val   *key, *value;
    bool          ok = doc != NULL && buffer_append(&text, from);

    yyjson_obj_foreach(yyjson_doc_get_root(doc), i, max, key, value)
    {
        size_t len  = 0;
        char  *json = ok ? yyjson_val_write(value, 0, &len) : NULL;
        buffer_reset(&c->fresh);
        ok = json != NULL && set_member(buffer_str(&text), object, json_str(key), value, str_of(json, len), &c->fresh);
        free(json);
        buffer_reset(&text);
        ok = ok && buffer_append(&text, buffer_str(&c->fresh));
    }
    buffer_reset(&c->fresh);
    ok = ok && buffer_append(&c->fresh, buffer_str(&text));
    yyjson_doc_free(doc);
    buffer_clear(&text);
    return ok;
}

/* Brackets in strings are none; those in comments are taken for some, and no entry has so many. */
static bool
is_too_deep(struct str json)
{
    size_t depth = 0;
    bool   text  = false;

    for (size_t i = 0; i < json.len; i++) {
        char c = json.data[i];
        if (text && c == '\\')
            i++;
        else if (c == '"')
            text = !text;
        else if (!text && (c == '{' || c == '['))
            depth++;
        else if (!text && depth > 0 && (c == '}' || c == ']'))
            depth--;
        if (depth > ENTRY_DEPTH_MAX)
            return true;
    }
    return false;
}

/* What an entry under the name of what is built in says of it. */
struct said {
    bool is_built_in; /* it means that, and not a server of a person's */
    bool is_off;
    bool is_bare; /* no more than that */
};

static struct said
read_said(struct str name, struct str json)
{
    yyjson_doc *doc  = json.len == 0 ? NULL : yyjson_read(json.data, json.len, JSONC_FLAGS | YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct said said = {.is_built_in =
                            built_in_find(name) != NULL && yyjson_is_obj(root) && entry_means_built_in(root)};

    said.is_off = said.is_built_in && (yyjson_is_false(yyjson_obj_get(root, "enabled")) ||
                                       yyjson_is_true(yyjson_obj_get(root, "disabled")));
    said.is_bare =
        said.is_built_in && yyjson_obj_size(root) == (yyjson_obj_get(root, "type") == NULL ? (size_t)0 : (size_t)1);
    yyjson_doc_free(doc);
    return said;
}

static struct str
entry_of(struct str text, const struct place *place)
{
    return place->found ? str_of(text.data + place->entry.value_from, place->entry.value_to - place->entry.value_from)
                        : STR_NONE;
}

/* What is built in and switched off is not there, and the entry that says so in nobody's way. */
static bool
make_added(struct change *c, struct str text, const struct place *place, struct error *err)
{
    struct said old = read_said(c->name, entry_of(text, place)), fresh = read_said(c->name, c->json);

    if (place->found ? !old.is_off : fresh.is_built_in)
        return error_set(err, ERROR_EXISTS, "\"%.*s\" is there already", STR_ARG(c->name));
    return (old.is_off && fresh.is_bare ? jsonc_remove(text, place->object, c->name, &c->fresh)
                                        : put_entry(place, c->name, c->json, text, &c->fresh)) ||
           no_memory(err);
}

static bool
make_removed(struct change *c, struct str text, const struct place *place, struct error *err)
{
    struct said old = read_said(c->name, entry_of(text, place));

    if (old.is_off)
        return error_set(err, ERROR_NOT_FOUND, "\"%.*s\" is built in, and removed already", STR_ARG(c->name));
    bool ok = place->found && !old.is_built_in
                  ? jsonc_remove(text, place->object, c->name, &c->fresh)
                  : put_entry(place, c->name, STR("{\"type\":\"built-in\",\"enabled\":false}"), text, &c->fresh);
    return ok || no_memory(err);
}

static bool
make_changed(struct change *c, struct str text, struct place place, struct error *err)
{
    if (!place.found) {
        buffer_reset(&c->base);
        if (!put_entry(&place, c->name, STR("{\"type\":\"built-in\"}"), text, &c->base))
            return no_memory(err);
        text  = buffer_str(&c->base);
        place = find_place(text, c->name);
    }
    assert(place.found && text.data != NULL);
    if (text.data[place.entry.value_from] != '{')
        return error_set(err, ERROR_INVALID, "\"%.*s\" is no object: replace or remove it",
                         STR_ARG(str_take(c->name, 80)));
    return change_members(c, text, place.entry.value_from) || no_memory(err);
}

static bool
make_fresh(struct change *c, struct error *err)
{
    struct str   text  = buffer_str(&c->old);
    struct place place = find_place(text, c->name);

    assert(!place.found || text.data != NULL);
    buffer_reset(&c->fresh);
    if (is_too_deep(c->json))
        return error_set(err, ERROR_INVALID, "an entry is nested at most %d levels", ENTRY_DEPTH_MAX);
    if (c->kind == CHANGE_ADD)
        return make_added(c, text, &place, err);
    if (!place.found && built_in_find(c->name) == NULL)
        return error_set(err, ERROR_NOT_FOUND, "there is no server \"%.*s\"", STR_ARG(str_take(c->name, 80)));
    if (c->kind == CHANGE_REMOVE)
        return make_removed(c, text, &place, err);
    if (c->kind == CHANGE_MEMBERS)
        return make_changed(c, text, place, err);
    return put_entry(&place, c->name, c->json, text, &c->fresh) || no_memory(err);
}

/* What we are about to write must be read as it was meant. Variables are not looked at: they may be set elsewhere. */
static bool
check(struct change *c, struct str text, bool after, struct error *err)
{
    struct registry_source     from  = {.path = c->path, .is_strict = true, .has_built_in = true};
    struct registry           *r     = registry_parse(&from, text, NULL);
    const struct server_entry *entry = r == NULL ? NULL : registry_find(r, c->name);
    bool                       ok    = r != NULL;

    if (!ok) {
        no_memory(err);
    } else if (r->file_error.code != ERROR_NONE) {
        ok = error_set(err, r->file_error.code, "%s", r->file_error.text);
    } else if (after && c->kind != CHANGE_REMOVE && (entry == NULL || entry->kind == SERVER_WRONG)) {
        const char *words = entry == NULL ? NULL : strchr(entry->error, ' '); /* behind file and line */
        ok                = error_set(err, ERROR_INVALID, "%s", words == NULL ? "this is no server" : words + 1);
    } else if (after && c->kind == CHANGE_MEMBERS && c->before != SERVER_WRONG && entry->kind != c->before) {
        ok = error_set(err, ERROR_INVALID, "a server's type can't change: remove it and add it again");
    }
    if (!after)
        c->before = entry == NULL ? SERVER_WRONG : entry->kind;
    registry_unref(r);
    return ok;
}

static bool
read_old(struct change *c, struct buffer *into, struct error *err)
{
    struct error failed = {0};

    buffer_reset(into);
    if (file_read(c->path, into, &failed) || failed.code == ERROR_NOT_FOUND)
        return true;
    if (err != NULL)
        *err = failed;
    return false;
}

static bool
copy(struct buffer *to, const struct buffer *from)
{
    buffer_reset(to);
    return buffer_append(to, buffer_str(from));
}

static void
let_go(struct change *c)
{
    if (c->replaced >= 0)
        close(c->replaced);
    c->replaced = -1;
}

/* Reads a file by its descriptor from its start, also one that has no name any more. */
static bool
read_open(int fd, struct buffer *into)
{
    char path[40];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    buffer_reset(into);
    return file_read(path, into, NULL);
}

static bool
is_unchanged(void *arg)
{
    struct change *c   = arg;
    struct buffer  now = {.max = FILE_MAX};

    let_go(c);
    c->replaced = open(c->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool ok     = (c->replaced < 0 ? errno == ENOENT : read_open(c->replaced, &now)) &&
              str_compare(buffer_str(&now), buffer_str(&c->expected)) == 0;
    buffer_clear(&now);
    return ok;
}

static bool
is_json(struct str text)
{
    struct str  rest = str_starts(text, STR("\xEF\xBB\xBF")) ? str_skip(text, 3) : text; /* a byte order mark */
    yyjson_doc *doc  = yyjson_read(rest.len == 0 ? "" : rest.data, rest.len, JSONC_FLAGS);

    yyjson_doc_free(doc);
    return doc != NULL;
}

static void
nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
}

/* Whether an editor wrote into the file that we have just replaced. Then `old` is what it wrote, once it is whole; one
 * that breaks off has saved nothing. */
static bool
was_written(struct change *c)
{
    struct buffer now   = {.max = FILE_MAX};
    bool          found = false;

    for (mono_time since = clock_mono(); c->replaced >= 0 && clock_mono() - since < SETTLED && !found; nap()) {
        if (!read_open(c->replaced, &now) || str_compare(buffer_str(&now), buffer_str(&c->expected)) == 0)
            break;
        found = is_json(buffer_str(&now)) && copy(&c->old, &now);
    }
    buffer_clear(&now);
    return found;
}

static bool
put_fresh(struct change *c, struct error *err)
{
    struct stat info;
    mode_t      mode = stat(c->path, &info) == 0 ? info.st_mode & 0777 : 0600;

    for (int i = 0; i < TRIES; i++) {
        if (!file_replace_if(c->path, buffer_str(&c->fresh), mode, is_unchanged, c, err))
            return false;
        if (!was_written(c))
            return true;
        if (!copy(&c->expected, &c->fresh))
            return no_memory(err);
        if (!make_fresh(c, err) || !check(c, buffer_str(&c->fresh), true, err)) {
            file_replace(c->path, buffer_str(&c->old), mode, NULL); /* the person's save stands */
            return false;
        }
    }
    return error_set(err, ERROR_BUSY, "%s changes all the time", c->path);
}

/* Empty, gone, or no JSON, and touched so lately that its writer may not be done. */
static bool
is_being_written(const struct change *c)
{
    struct stat     info;
    struct timespec real;
    struct str      text = str_trim(buffer_str(&c->old));

    if (clock_mono() - c->began > PATIENCE || (text.len > 0 && is_json(text)))
        return false;
    if (stat(c->path, &info) != 0)
        return !c->is_first && clock_mono() - c->began < SETTLED;
    clock_gettime(CLOCK_REALTIME, &real); /* file times are the kernel's wall clock, which may step: hence PATIENCE */
    return (real.tv_sec - info.st_mtim.tv_sec) * SECONDS(1) + (real.tv_nsec - info.st_mtim.tv_nsec) / 1000 < SETTLED;
}

static bool
try_once(struct change *c, struct error *err)
{
    for (;;) {
        if (!read_old(c, &c->old, err))
            return false;
        if (!is_being_written(c))
            break;
        nap();
    }
    if (!copy(&c->expected, &c->old))
        return no_memory(err);
    return check(c, buffer_str(&c->old), false, err) && make_fresh(c, err) &&
           check(c, buffer_str(&c->fresh), true, err) && put_fresh(c, err);
}

static bool
make(struct change c, struct error *err)
{
    char         path[4096];
    struct error failed = {0};
    bool         ok     = false;

    if ((size_t)snprintf(path, sizeof path, "%s.lock", c.path) >= sizeof path)
        return error_set(err, ERROR_INVALID, "the path of the registry is too long");
    c.is_first = access(path, F_OK) != 0;
    int lock   = file_lock(path, LOCK_WAIT_MS, &failed);
    c.began    = clock_mono();
    c.replaced = -1;
    c.old.max = c.expected.max = c.base.max = c.fresh.max = FILE_MAX;
    for (int i = 0; lock >= 0 && !ok && i < TRIES; i++) {
        failed = (struct error){0};
        ok     = try_once(&c, &failed);
        if (!ok && failed.code != ERROR_BUSY)
            break;
    }
    let_go(&c);
    buffer_clear(&c.old);
    buffer_clear(&c.expected);
    buffer_clear(&c.base);
    buffer_clear(&c.fresh);
    if (lock >= 0)
        close(lock);
    if (!ok && err != NULL)
        *err = failed;
    return ok;
}

/* `empty` is what to say of an object without members; NULL: they may be missing. */
static bool
is_object(struct str json, const char *empty, struct error *err)
{
    yyjson_doc *doc     = yyjson_read(json.len == 0 ? "" : json.data, json.len, JSONC_FLAGS);
    bool        ok      = yyjson_is_obj(yyjson_doc_get_root(doc));
    bool        nothing = ok && empty != NULL && yyjson_obj_size(yyjson_doc_get_root(doc)) == 0;

    yyjson_doc_free(doc);
    if (nothing)
        return error_set(err, ERROR_INVALID, "%s", empty);
    return ok ||
           error_set(err, ERROR_INVALID, "a server must be an object, like {\"url\": \"http://localhost:9000/mcp\"}");
}

bool
registry_add(const char *path, struct str name, struct str entry, struct error *err)
{
    return registry_check_name(name, err) && is_object(entry, NULL, err) &&
           make((struct change){.path = path, .kind = CHANGE_ADD, .name = name, .json = entry}, err);
}

bool
registry_replace(const char *path, struct str name, struct str entry, struct error *err)
{
    return is_object(entry, NULL, err) &&
           make((struct change){.path = path, .kind = CHANGE_REPLACE, .name = name, .json = entry}, err);
}

bool
registry_change(const char *path, struct str name, struct str members, struct error *err)
{
    return is_object(members, "there is nothing to change", err) &&
           make((struct change){.path = path, .kind = CHANGE_MEMBERS, .name = name, .json = members}, err);
}

bool
registry_remove(const char *path, struct str name, struct error *err)
{
    return make((struct change){.path = path, .kind = CHANGE_REMOVE, .name = name}, err);
}
