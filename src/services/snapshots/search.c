/* search_snapshots: what was kept, found by its words. */
#include "services/snapshots/parts.h"

struct searching {
    struct job             job;
    struct snapshot_filter filter;
    struct snapshot_hit   *hits;
    size_t                 count;
};

/* On one line, each find between two stars. */
static bool
mark(struct str *excerpt, struct arena *a)
{
    struct buffer b  = {.max = MIB(1)};
    bool          ok = true;

    for (size_t i = 0; i < excerpt->len && ok; i++) {
        char c = excerpt->data[i];
        ok     = c == SNAPSHOT_HIT_BEGIN[0] || c == SNAPSHOT_HIT_END[0]
                     ? buffer_append(&b, STR("**"))
                     : buffer_append_char(&b, c == '\n' || c == '\t' ? ' ' : c);
    }
    *excerpt = arena_str(a, buffer_str(&b));
    ok       = ok && (excerpt->data != NULL || buffer_len(&b) == 0);
    buffer_clear(&b);
    return ok;
}

static bool
search(struct job *job, struct error *err)
{
    struct searching *w = (struct searching *)job;
    struct str        query;

    if (!text_check("query", argument_text(job->arguments, "query"), KIB(4), job->arena, &query, err) ||
        !filter_read(job->arguments, SEARCH_USUAL, &w->filter, err) ||
        !snapshot_search(job->db, query, &w->filter, job->arena, &w->hits, &w->count, err))
        return false;
    for (size_t i = 0; i < w->count; i++)
        if (!mark(&w->hits[i].excerpt, job->arena))
            return error_set(err, ERROR_MEMORY, "no memory");
    return true;
}

static void
answer(struct request *r)
{
    struct searching *w      = request_data(r);
    yyjson_mut_doc   *doc    = request_doc(r);
    yyjson_mut_val   *result = yyjson_mut_obj(doc);
    yyjson_mut_val   *items  = yyjson_mut_obj_add_arr(doc, result, "snapshots");

    for (size_t i = 0; i < w->count; i++) {
        struct str      excerpt = w->hits[i].excerpt;
        yyjson_mut_val *item    = snapshot_json(doc, &w->hits[i].snapshot, false);
        request_write(r, "%s", i == 0 ? "" : "\n");
        write_line(r, &w->hits[i].snapshot);
        request_write(r, "\n  %.*s", STR_ARG(excerpt));
        yyjson_mut_obj_add_strn(doc, item, "excerpt", excerpt.len > 0 ? excerpt.data : "", excerpt.len);
        yyjson_mut_arr_append(items, item);
    }
    if (w->count == 0)
        request_write(r, "No snapshots found.");
    request_set_structured(r, result);
    answer_finish(r);
}

void
search_snapshots(struct request *r)
{
    if (JOB_NEW(r, struct searching) != NULL)
        job_read(r, search, answer);
}
