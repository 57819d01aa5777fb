#include <assert.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/connect/connect.h"
#include "gateway/jsonc.h"

#define READ_FLAGS (JSONC_FLAGS | YYJSON_READ_NUMBER_AS_RAW)

static bool
no_memory(struct error *err)
{
    return error_set(err, ERROR_MEMORY, NO_MEMORY_TEXT);
}

static unsigned
line_of(struct str text, size_t at)
{
    unsigned   line = 1;
    struct str rest = str_take(text, at);

    for (ptrdiff_t end = str_index(rest, '\n'); end >= 0; end = str_index(rest, '\n'), line++)
        rest = str_skip(rest, (size_t)end + 1);
    return line;
}

static yyjson_doc *
parse(struct str text, yyjson_read_err *why)
{
    size_t bom = str_starts(text, STR("\xEF\xBB\xBF")) ? 3 : 0; /* the byte order mark of some editors */

    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.data + bom, text.len - bom, READ_FLAGS, NULL, why);
    why->pos += bom;
    return doc;
}

/* The first value of the key in the object at `object`, in bytes. False: it is there twice, and which of them counts
 * each reader decides for itself. */
static bool
find_once(const struct connect_file *f, struct str text, size_t object, struct str key, size_t *value,
          struct error *err)
{
    struct jsonc_cursor c;
    struct jsonc_member m;

    *value = JSONC_NONE;
    jsonc_open(&c, text, object);
    while (jsonc_next(&c, &m)) {
        if (!jsonc_key_is(text, &m, key))
            continue;
        if (*value != JSONC_NONE)
            return error_set(err, ERROR_INVALID, "%s:%u: \"%.*s\" stands there a second time: take one of them out",
                             f->path, line_of(text, m.key_from), STR_ARG(key));
        *value = m.value_from;
    }
    return true;
}

/* The object of the servers, JSONC_NONE where there is none yet. */
static bool
find_servers(const struct connect_file *f, struct str text, size_t *object, struct error *err)
{
    if (!find_once(f, text, jsonc_skip_blank(text, 0), str_from(f->client->key), object, err))
        return false;
    assert(text.data != NULL); /* from understand() on it holds an object */
    return *object == JSONC_NONE || text.data[*object] == '{' ||
           error_set(err, ERROR_INVALID, "%s:%u: \"%s\" is no object, and is left as it is", f->path,
                     line_of(text, *object), f->client->key);
}

static bool
understand(struct connect_file *f, struct error *err)
{
    struct str      text = buffer_str(&f->was);
    yyjson_read_err why  = {0};
    size_t          object;

    if (jsonc_skip_blank(text, 0) >= text.len) /* nothing, or comments alone: they stay on top */
        return (buffer_append(&f->text, text) &&
                (text.len == 0 || str_ends(text, STR("\n")) || buffer_append_char(&f->text, '\n')) &&
                buffer_append(&f->text, STR("{}\n"))) ||
               no_memory(err);
    f->doc = parse(text, &why);
    if (f->doc == NULL && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return no_memory(err);
    if (f->doc == NULL)
        return error_set(err, ERROR_INVALID, "%s:%u is no JSON (%s), and is left as it is: mend it, then try again",
                         f->path, line_of(text, why.pos), why.msg);
    if (!yyjson_is_obj(yyjson_doc_get_root(f->doc)))
        return error_set(err, ERROR_INVALID, "%s holds no object, and is left as it is", f->path);
    if (!find_servers(f, text, &object, err))
        return false;
    f->servers = yyjson_obj_get(yyjson_doc_get_root(f->doc), f->client->key);
    return buffer_append(&f->text, text) || no_memory(err);
}

bool
connect_file_read(struct connect_file *f, struct error *err)
{
    struct stat  info;
    struct error failed = {0};

    f->was.max = f->text.max = CONNECT_FILE_MAX;
    f->exists                = stat(f->path, &info) == 0;
    f->mode                  = f->exists ? info.st_mode & 0777 : f->client->mode;
    if (f->exists && !S_ISREG(info.st_mode))
        return error_set(err, ERROR_INVALID, "%s is no file", f->path);
    if (!file_read(f->path, &f->was, &failed) && failed.code != ERROR_NOT_FOUND) {
        *err = failed;
        return false;
    }
    return understand(f, err);
}

void
connect_file_clear(struct connect_file *f)
{
    yyjson_doc_free(f->doc);
    buffer_clear(&f->was);
    buffer_clear(&f->text);
    f->doc     = NULL;
    f->servers = NULL;
}

yyjson_val *
connect_file_entry(const struct connect_file *f, struct str name)
{
    return yyjson_obj_getn(f->servers, name.data, name.len);
}

/* Takes `fresh` for the text, once it is seen to be JSON that has the entry, or has it no more. */
static bool
accept(struct connect_file *f, struct buffer *fresh, struct str name, bool is_there, struct error *err)
{
    yyjson_read_err why     = {0};
    yyjson_doc     *doc     = parse(buffer_str(fresh), &why);
    yyjson_val     *servers = yyjson_obj_get(yyjson_doc_get_root(doc), f->client->key);
    bool            ok      = doc != NULL && (yyjson_obj_getn(servers, name.data, name.len) != NULL) == is_there;
    struct buffer   before  = f->text;

    yyjson_doc_free(doc);
    if (!ok)
        return error_set(err, ERROR_INTERNAL, "%s could not be changed in place, and is left as it is", f->path);
    f->text = *fresh;
    *fresh  = before;
    return true;
}

/* The object of the servers with that entry as its first. */
static bool
set_first(struct connect_file *f, struct str name, struct str entry, struct buffer *fresh)
{
    struct str    text    = buffer_str(&f->text);
    struct buffer servers = {.max = CONNECT_FILE_MAX};
    bool          ok      = buffer_append_char(&servers, '{') && buffer_append_json(&servers, name) &&
              buffer_append_char(&servers, ':') && buffer_append(&servers, entry) &&
              buffer_append_char(&servers, '}') &&
              jsonc_set(text, jsonc_skip_blank(text, 0), str_from(f->client->key), buffer_str(&servers), fresh);

    buffer_clear(&servers);
    return ok;
}

bool
connect_file_set(struct connect_file *f, struct str name, struct str entry, struct error *err)
{
    struct str    text  = buffer_str(&f->text);
    struct buffer fresh = {.max = CONNECT_FILE_MAX};
    size_t        servers, value;

    bool ok = find_servers(f, text, &servers, err) &&
              (servers == JSONC_NONE || find_once(f, text, servers, name, &value, err));
    if (ok &&
        !(servers == JSONC_NONE ? set_first(f, name, entry, &fresh) : jsonc_set(text, servers, name, entry, &fresh)))
        ok = no_memory(err);
    ok = ok && accept(f, &fresh, name, true, err);
    buffer_clear(&fresh);
    return ok;
}

bool
connect_file_remove(struct connect_file *f, struct str name, struct error *err)
{
    struct str    text  = buffer_str(&f->text);
    struct buffer fresh = {.max = CONNECT_FILE_MAX};
    size_t        servers, value;

    bool ok = find_servers(f, text, &servers, err) && find_once(f, text, servers, name, &value, err);
    if (ok && !jsonc_remove(text, servers, name, &fresh))
        ok = no_memory(err);
    ok = ok && accept(f, &fresh, name, false, err);
    buffer_clear(&fresh);
    return ok;
}

/* Whether the file of that name holds these bytes; `is_free`: there is none. */
static bool
holds(const char *path, struct str text, bool *is_free)
{
    struct buffer now = {.max = CONNECT_FILE_MAX};
    struct error  err = {0};
    bool          ok  = file_read(path, &now, &err) && str_eq(buffer_str(&now), text);

    *is_free = err.code == ERROR_NOT_FOUND;
    buffer_clear(&now);
    return ok;
}

/* FILE.backup, then FILE.backup.2 and on: what was kept once stays, but for the last of them. */
static bool
keep_copy(const struct connect_file *f, char copy[], size_t size, struct error *err)
{
    bool is_free = false;

    for (int i = 1; i <= CONNECT_COPIES && !is_free; i++) {
        int len =
            i == 1 ? snprintf(copy, size, "%s.backup", f->path) : snprintf(copy, size, "%s.backup.%d", f->path, i);
        if (len < 0 || (size_t)len >= size)
            return error_set(err, ERROR_INVALID, "the path %.100s… is too long", f->path);
        if (holds(copy, buffer_str(&f->was), &is_free))
            return true;
    }
    if (!file_replace(copy, buffer_str(&f->was), f->mode, err)) {
        error_wrap(err, "keeping %s as it is", f->path);
        return false;
    }
    return true;
}

static bool
is_unchanged(void *arg)
{
    const struct connect_file *f       = arg;
    bool                       is_free = false;

    return holds(f->path, buffer_str(&f->was), &is_free) || (is_free && !f->exists);
}

bool
connect_file_save(struct connect_file *f, char copy[], size_t size, struct error *err)
{
    copy[0] = '\0';
    return (buffer_len(&f->was) == 0 || keep_copy(f, copy, size, err)) &&
           file_replace_if(f->path, buffer_str(&f->text), f->mode, is_unchanged, f, err);
}
