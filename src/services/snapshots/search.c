/* search_snapshots: what was kept, found by its words. */
#include "services/snapshots/parts.h"

struct searching {
    struct job             job;
    struct snapshot_filter filter;
    struct snapshot_hit   *hits;
    size_t                 count;
};

static bool
search(struct job *job, struct error *err)
{
    struct searching *w = (struct searching *)job;
    struct str        query;

    return text_check("query", argument_text(job->arguments, "query"), KIB(4), job->arena, &query, err) &&
           filter_read(job->arguments, SEARCH_USUAL, &w->filter, err) &&
           snapshot_search(job->db, query, &w->filter, job->arena, &w->hits, &w->count, err);
}

/* On one line, each find between two stars. */
static void
write_excerpt(struct str excerpt, struct buffer *out)
{
    for (size_t i = 0; i < excerpt.len; i++) {
        char c = excerpt.data[i];
        if (c == SNAPSHOT_HIT_BEGIN[0] || c == SNAPSHOT_HIT_END[0])
            buffer_append(out, STR("**"));
        else
            buffer_append_char(out, c == '\n' || c == '\t' ? ' ' : c);
    }
}

static void
say_hit(struct buffer *out, const struct snapshot_hit *hit)
{
    char saved[OLD_TIME_SIZE];

    time_write_old(hit->snapshot.created, saved);
    say_which(out, &hit->snapshot);
    buffer_append(out, STR(" - "));
    buffer_append(out, hit->snapshot.text.summary);
    buffer_printf(out, " [%s]\n  ", saved);
    write_excerpt(hit->excerpt, out);
}

static void
answer(struct request *r)
{
    struct searching *w      = request_data(r);
    yyjson_mut_doc   *doc    = request_doc(r);
    yyjson_mut_val   *result = yyjson_mut_obj(doc);
    yyjson_mut_val   *items  = yyjson_mut_obj_add_arr(doc, result, "snapshots");
    struct buffer     text = {.max = MIB(64)}, excerpt = {.max = MIB(1)};

    for (size_t i = 0; i < w->count; i++) {
        yyjson_mut_val *item = snapshot_json(doc, &w->hits[i].snapshot, false);
        if (i > 0)
            buffer_append_char(&text, '\n');
        say_hit(&text, &w->hits[i]);
        buffer_reset(&excerpt);
        write_excerpt(w->hits[i].excerpt, &excerpt);
        yyjson_mut_obj_add_strncpy(doc, item, "excerpt", buffer_len(&excerpt) > 0 ? buffer_str(&excerpt).data : "",
                                   buffer_len(&excerpt));
        yyjson_mut_arr_append(items, item);
    }
    request_add_text(r, w->count == 0 ? STR("No snapshots found.") : buffer_str(&text));
    request_set_structured(r, result);
    answer_finish(r);
    buffer_clear(&text);
    buffer_clear(&excerpt);
}

void
search_snapshots(struct request *r)
{
    if (JOB_NEW(r, struct searching) != NULL)
        job_read(r, search, answer);
}
