/* export_snapshots and import_snapshots: as JSON, to keep elsewhere or to take along. */
#include <stdio.h>
#include <stdlib.h>

#include "services/snapshots/parts.h"

/* --- out --- */

struct exporting {
    struct job             job;
    struct snapshot_filter filter;
    struct str             text; /* the JSON */
    size_t                 count;
    char                   cursor[CURSOR_SIZE]; /* "": this is the end */
    /* while it is made */
    yyjson_mut_doc *doc;
    yyjson_mut_val *items;
    size_t          bytes;
};

static size_t
bytes_of(const struct snapshot_text *t)
{
    return t->context.len + t->structured.len + t->next_steps.len + t->summary.len + 500;
}

/* False with no error: it has no room any more. */
static bool
add_whole(struct exporting *w, int64_t id, struct error *err)
{
    struct snapshot_which which = {.id = id};
    struct snapshot       s;

    if (!snapshot_load(w->job.db, &which, w->job.arena, &s, err))
        return err->code == ERROR_NOT_FOUND ? not_found(&which, err) : false;
    if (w->count > 0 && w->bytes + bytes_of(&s.text) > EXPORT_MOST)
        return false;
    if (!yyjson_mut_arr_append(w->items, snapshot_json(w->doc, &s, true)))
        return error_set(err, ERROR_MEMORY, "no memory");
    w->bytes += bytes_of(&s.text);
    w->count++;
    return true;
}

static bool
add_chosen(struct exporting *w, yyjson_val *ids, struct error *err)
{
    yyjson_val *id;
    size_t      index, max;

    yyjson_arr_foreach(ids, index, max, id)
    {
        int64_t chosen = number_of(id);
        if (chosen <= 0) /* none would be the latest */
            return error_set(err, ERROR_INVALID, "ids must be those of snapshots, from 1 on");
        if (add_whole(w, chosen, err))
            continue;
        return err->code != ERROR_NONE
                   ? false
                   : error_set(err, ERROR_TOO_LARGE, "together they are larger than %d KiB: ask for fewer",
                               EXPORT_MOST >> 10);
    }
    return true;
}

static bool
add_filtered(struct exporting *w, struct error *err)
{
    struct snapshot_page page = {0};

    if (!filter_read(w->job.arguments, 1000, &w->filter, err) ||
        !snapshot_list(w->job.db, &w->filter, w->job.arena, &page, err))
        return false;
    for (size_t i = 0; i < page.count; i++) {
        if (add_whole(w, page.items[i].id, err))
            continue;
        if (err->code == ERROR_NOT_FOUND) { /* deleted since it was listed */
            *err = (struct error){0};
            continue;
        }
        if (err->code != ERROR_NONE)
            return false;
        cursor_write(&page.items[i - 1], w->cursor); /* the first has always room */
        return true;
    }
    if (page.more && page.count > 0)
        cursor_write(&page.items[page.count - 1], w->cursor);
    return true;
}

static bool
write_export(struct exporting *w, struct error *err)
{
    size_t len;
    char  *text = yyjson_mut_write(w->doc, YYJSON_WRITE_PRETTY_TWO_SPACES, &len);

    w->text = text == NULL ? STR_NONE : arena_str(w->job.arena, str_of(text, len));
    free(text);
    return w->text.data != NULL || error_set(err, ERROR_MEMORY, "no memory");
}

static bool
write_out(struct job *job, struct error *err)
{
    struct exporting *w    = (struct exporting *)job;
    yyjson_val       *ids  = yyjson_obj_get(job->arguments, "ids");
    yyjson_mut_val   *root = NULL;
    char              now[TIME_ISO_SIZE];

    time_format_iso(clock_wall(), now);
    w->doc = yyjson_mut_doc_new(NULL);
    root   = yyjson_mut_obj(w->doc);
    yyjson_mut_doc_set_root(w->doc, root);
    yyjson_mut_obj_add_str(w->doc, root, "format", EXPORT_FORMAT);
    yyjson_mut_obj_add_strcpy(w->doc, root, "exported_at", now);
    w->items = yyjson_mut_obj_add_arr(w->doc, root, "snapshots");
    bool ok  = w->items == NULL ? error_set(err, ERROR_MEMORY, "no memory")
               : ids != NULL    ? add_chosen(w, ids, err)
                                : add_filtered(w, err);
    ok       = ok && write_export(w, err);
    yyjson_mut_doc_free(w->doc);
    return ok;
}

static void
answer_export(struct request *r)
{
    struct exporting *w      = request_data(r);
    yyjson_mut_doc   *doc    = request_doc(r);
    yyjson_mut_val   *result = yyjson_mut_obj(doc);

    if (w->cursor[0] != '\0')
        request_say(r, "Exported %zu snapshots; there are more: go on with cursor \"%s\".", w->count, w->cursor);
    else
        request_say(r, "Exported %zu snapshot%s.", w->count, w->count == 1 ? "" : "s");
    request_add_resource_text(r, STR("snapshot://export"), "application/json", w->text);
    yyjson_mut_obj_add_uint(doc, result, "count", w->count);
    yyjson_mut_obj_add_bool(doc, result, "more", w->cursor[0] != '\0');
    if (w->cursor[0] != '\0')
        yyjson_mut_obj_add_strcpy(doc, result, "next_cursor", w->cursor);
    yyjson_mut_obj_add_strn(doc, result, "data", w->text.data, w->text.len);
    request_set_structured(r, result);
    answer_finish(r);
}

void
export_snapshots(struct request *r)
{
    if (JOB_NEW(r, struct exporting) != NULL)
        job_read(r, write_out, answer_export);
}

/* --- in --- */

struct importing {
    struct job             job;
    struct snapshot_origin origin;              /* of what says nothing of its own */
    size_t                 taken, had, refused; /* `why` is of the first */
    char                   why[300];
};

static void
refuse(struct importing *w, size_t index, const struct error *why)
{
    if (w->refused++ == 0)
        snprintf(w->why, sizeof w->why, "number %zu: %s", index + 1, why->text);
}

/* False: it is no use to go on. */
static bool
take(struct importing *w, size_t index, yyjson_val *item, struct error *err)
{
    struct snapshot s;
    struct error    why = {0};
    int64_t         id;

    if (!snapshot_from_json(item, w->job.arena, &s, &why)) {
        refuse(w, index, &why);
        return true;
    }
    if (s.origin.server.len == 0 && s.origin.client.len == 0)
        s.origin = w->origin;
    if (!snapshot_put(w->job.db, &s, &id, &why)) {
        if (why.code != ERROR_TOO_LARGE && why.code != ERROR_INVALID) {
            *err = why;
            return false;
        }
        refuse(w, index, &why);
        return true;
    }
    w->had += id == 0;
    w->taken += id != 0;
    if (id != 0)
        desk_note_change(&w->job.owner->writing, id, s.text.name, STR_NONE);
    return true;
}

static bool
take_all(struct importing *w, yyjson_val *root, struct error *err)
{
    yyjson_val *items = export_items(root), *item;
    size_t      index, max;

    if (items == NULL)
        return error_set(err, ERROR_INVALID, "data must be what export_snapshots gave: JSON with a list of snapshots");
    if (yyjson_is_obj(items))
        return take(w, 0, items, err);
    yyjson_arr_foreach(items, index, max, item)
    {
        if (!take(w, index, item, err))
            return false;
    }
    return true;
}

static bool
take_in(struct job *job, struct error *err)
{
    struct importing *w    = (struct importing *)job;
    struct str        data = argument_text(job->arguments, "data");
    yyjson_read_err   why  = {0};
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)data.data, data.len, YYJSON_READ_BIGNUM_AS_RAW, NULL, &why);

    if (doc == NULL)
        return error_set(err, ERROR_INVALID, "data is not JSON: %s at byte %zu", why.msg, why.pos);
    bool ok = take_all(w, yyjson_doc_get_root(doc), err);
    yyjson_doc_free(doc);
    if (ok && w->refused > 0 && w->taken + w->had == 0)
        return error_set(err, ERROR_INVALID, "nothing was imported: %s", w->why);
    return ok;
}

static void
answer_import(struct request *r)
{
    struct importing *w      = request_data(r);
    yyjson_mut_doc   *doc    = request_doc(r);
    yyjson_mut_val   *result = yyjson_mut_obj(doc);

    request_write(r, "Imported %zu snapshot%s", w->taken, w->taken == 1 ? "" : "s");
    if (w->had > 0)
        request_write(r, "; %zu %s there already", w->had, w->had == 1 ? "was" : "were");
    if (w->refused > 0)
        request_write(r, "; %zu refused, %s", w->refused, w->why);
    yyjson_mut_obj_add_uint(doc, result, "imported", w->taken);
    yyjson_mut_obj_add_uint(doc, result, "present", w->had);
    yyjson_mut_obj_add_uint(doc, result, "refused", w->refused);
    if (w->refused > 0)
        yyjson_mut_obj_add_strcpy(doc, result, "reason", w->why);
    request_set_structured(r, result);
    answer_finish(r);
}

void
import_snapshots(struct request *r)
{
    struct importing *w = JOB_NEW(r, struct importing);

    if (w == NULL)
        return;
    w->origin = origin_of(r);
    job_write(r, take_in, answer_import);
}
