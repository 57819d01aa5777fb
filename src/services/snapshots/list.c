/* list_snapshots: what there is, the newest first. */
#include "services/snapshots/parts.h"

struct listing {
    struct job             job;
    struct snapshot_filter filter;
    struct snapshot_page   page;
};

static bool
list(struct job *job, struct error *err)
{
    struct listing *w = (struct listing *)job;

    if (!filter_read(job->arguments, LIST_USUAL, &w->filter, err))
        return false;
    w->filter.from_bin = yyjson_get_bool(yyjson_obj_get(job->arguments, "deleted"));
    return snapshot_list(job->db, &w->filter, job->arena, &w->page, err);
}

static void
answer(struct request *r)
{
    struct listing *w      = request_data(r);
    yyjson_mut_doc *doc    = request_doc(r);
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    yyjson_mut_val *items  = yyjson_mut_obj_add_arr(doc, result, "snapshots");
    char            cursor[CURSOR_SIZE];

    for (size_t i = 0; i < w->page.count; i++) {
        request_write(r, "%s", i == 0 ? "" : "\n");
        write_line(r, &w->page.items[i]);
        yyjson_mut_arr_append(items, snapshot_json(doc, &w->page.items[i], false));
    }
    if (w->page.count == 0)
        request_write(r, "No snapshots found.");
    yyjson_mut_obj_add_bool(doc, result, "more", w->page.more);
    if (w->page.more && w->page.count > 0) {
        cursor_write(&w->page.items[w->page.count - 1], cursor);
        yyjson_mut_obj_add_strcpy(doc, result, "next_cursor", cursor);
        request_say(r, "There are more: go on with cursor \"%s\".", cursor);
    }
    request_set_structured(r, result);
    answer_finish(r);
}

void
list_snapshots(struct request *r)
{
    if (JOB_NEW(r, struct listing) != NULL)
        job_read(r, list, answer);
}
