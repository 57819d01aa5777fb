/* Snapshots as JSON, and back. */
#include "mcp/json.h"
#include "services/snapshots/words.h"

/* --- out --- */

/* Members of an object; that there was no memory for one is remembered. */
struct writing {
    yyjson_mut_doc *doc;
    yyjson_mut_val *object;
    bool            is_broken;
};

static void
put(struct writing *w, const char *key, yyjson_mut_val *value)
{
    w->is_broken |= !yyjson_mut_obj_add(w->object, yyjson_mut_str(w->doc, key), value);
}

static void
put_text(struct writing *w, const char *key, struct str text)
{
    if (text.len > 0)
        put(w, key, yyjson_mut_strncpy(w->doc, text.data, text.len));
}

/* To the microsecond: what comes back by an import is known again by it. */
static void
put_time(struct writing *w, const char *key, wall_time t)
{
    char iso[TIME_ISO_SIZE], exact[TIME_ISO_SIZE + 4];

    if (t == 0)
        return;
    time_format_iso(t, iso);
    snprintf(exact, sizeof exact, "%.*s%03dZ", (int)strlen(iso) - 1, iso, (int)(t % 1000));
    put(w, key, yyjson_mut_strcpy(w->doc, exact));
}

static void
put_tags(struct writing *w, const struct snapshot_text *text)
{
    yyjson_mut_val *tags = yyjson_mut_arr(w->doc);

    for (size_t i = 0; i < text->tag_count; i++)
        w->is_broken |= !yyjson_mut_arr_add_strncpy(w->doc, tags, text->tags[i].data, text->tags[i].len);
    put(w, "tags", tags);
}

static void
put_structure(struct writing *w, struct str json)
{
    yyjson_doc *doc = yyjson_read(json.data, json.len, YYJSON_READ_BIGNUM_AS_RAW);

    if (json.len > 0)
        put(w, "structured", yyjson_val_mut_copy(w->doc, yyjson_doc_get_root(doc)));
    yyjson_doc_free(doc);
}

static void
put_origin(struct writing *w, const struct snapshot_origin *origin)
{
    struct writing inner = {.doc = w->doc, .object = yyjson_mut_obj(w->doc)};

    put_text(&inner, "client", origin->client);
    put_text(&inner, "client_version", origin->client_version);
    put_text(&inner, "server", origin->server);
    put_text(&inner, "source", origin->source);
    put(w, "origin", inner.object);
    w->is_broken |= inner.is_broken;
}

yyjson_mut_val *
snapshot_json(yyjson_mut_doc *doc, const struct snapshot *s, bool whole)
{
    struct writing w = {.doc = doc, .object = yyjson_mut_obj(doc)};

    put(&w, "id", yyjson_mut_sint(doc, s->id));
    put(&w, "version", yyjson_mut_uint(doc, s->version));
    put_text(&w, "name", s->text.name);
    put_text(&w, "project", s->text.project);
    put(&w, "importance", yyjson_mut_int(doc, s->text.importance));
    put_tags(&w, &s->text);
    put(&w, "summary",
        yyjson_mut_strncpy(doc, s->text.summary.len > 0 ? s->text.summary.data : "", s->text.summary.len));
    if (whole) {
        put_text(&w, "context", s->text.context);
        put_structure(&w, s->text.structured);
        put_text(&w, "next_steps", s->text.next_steps);
    }
    put_time(&w, "created_at", s->created);
    put_time(&w, "changed_at", s->changed);
    put_time(&w, "deleted_at", s->deleted);
    put_origin(&w, &s->origin);
    return w.is_broken ? NULL : w.object;
}

/* --- in --- */

/* RFC 3339, or as the old server wrote times. */
static bool
read_time(yyjson_val *object, const char *key, wall_time *out, struct error *err)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    char        text[TIME_ISO_SIZE + 4];
    const char *given = yyjson_get_str(value);

    if (value == NULL || yyjson_is_null(value))
        return true;
    if (given == NULL || yyjson_get_len(value) >= sizeof text - 1)
        return error_set(err, ERROR_INVALID, "%s must be a time like 2026-11-21T14:02:11Z", key);
    snprintf(text, sizeof text, "%s%s", given, strlen(given) == 19 ? "Z" : "");
    if (strlen(text) > 10 && text[10] == ' ')
        text[10] = 'T';
    return (time_parse_iso(str_from(text), out) && *out > 0) ||
           error_set(err, ERROR_INVALID, "%s must be a time like 2026-11-21T14:02:11Z", key);
}

static bool
read_whole(yyjson_val *object, const char *key, int64_t most, int64_t *out, struct error *err)
{
    yyjson_val *value = yyjson_obj_get(object, key);

    if (value == NULL)
        return true;
    *out = yyjson_is_uint(value) && yyjson_get_uint(value) <= (uint64_t)most ? (int64_t)yyjson_get_uint(value) : 0;
    return *out > 0 || error_set(err, ERROR_INVALID, "%s must be a whole number from 1 to %lld", key, (long long)most);
}

static bool
read_word(yyjson_val *origin, const char *key, struct arena *a, struct str *out, struct error *err)
{
    yyjson_val *value = yyjson_obj_get(origin, key);

    if (!yyjson_is_str(value))
        return value == NULL || error_set(err, ERROR_INVALID, "origin.%s must be a text", key);
    return text_check(key, json_str(value), 4096, a, out, err);
}

static bool
read_origin(yyjson_val *object, struct arena *a, struct snapshot_origin *out, struct error *err)
{
    yyjson_val *origin = yyjson_obj_get(object, "origin");

    return read_word(origin, "client", a, &out->client, err) &&
           read_word(origin, "client_version", a, &out->client_version, err) &&
           read_word(origin, "server", a, &out->server, err) && read_word(origin, "source", a, &out->source, err);
}

bool
snapshot_from_json(yyjson_val *value, struct arena *a, struct snapshot *out, struct error *err)
{
    int64_t version = 1;

    *out = (struct snapshot){0};
    if (!yyjson_is_obj(value))
        return error_set(err, ERROR_INVALID, "a snapshot must be an object");
    if (!read_whole(value, "id", INT64_MAX, &out->id, err) ||
        !read_whole(value, "version", UINT32_MAX, &version, err) || !text_read(value, 0, a, &out->text, err) ||
        !read_origin(value, a, &out->origin, err) || !read_time(value, "created_at", &out->created, err) ||
        !read_time(value, "changed_at", &out->changed, err) || !read_time(value, "deleted_at", &out->deleted, err))
        return false;
    out->version = (uint32_t)version;
    if (out->created == 0)
        out->created = clock_wall();
    if (out->changed < out->created)
        out->changed = out->created;
    return true;
}

yyjson_val *
export_items(yyjson_val *root)
{
    yyjson_val *items = yyjson_obj_get(root, "snapshots");

    if (yyjson_is_arr(items))
        return items;
    return yyjson_is_arr(root) || yyjson_obj_get(root, "summary") != NULL ? root : NULL;
}
