/* load_snapshot: what was kept, handed back. */
#include "services/snapshots/parts.h"

struct loading {
    struct job      job;
    struct snapshot found;
    struct str      text;
};

/* With an id it is that one, whatever else is asked for; an empty name is none. */
static bool
read_which(yyjson_val *arguments, struct snapshot_which *out, struct error *err)
{
    *out = (struct snapshot_which){.id      = argument_number(arguments, "id"),
                                   .version = (uint32_t)argument_number(arguments, "version")};
    if (yyjson_obj_get(arguments, "id") == NULL) {
        out->name    = argument_text(arguments, "name");
        out->project = argument_text(arguments, "project");
        return out->version == 0 || error_set(err, ERROR_INVALID, "version needs the id of a snapshot");
    }
    return out->id > 0 || error_set(err, ERROR_NOT_FOUND, "Snapshot with ID %lld not found", (long long)out->id);
}

static bool
load(struct job *job, struct error *err)
{
    struct loading       *w          = (struct loading *)job;
    uint64_t              max_tokens = (uint64_t)argument_number(job->arguments, "max_tokens");
    struct buffer         text       = {.max = SIZE_MAX};
    struct snapshot_which which;

    if (!read_which(job->arguments, &which, err))
        return false;
    if (!snapshot_load(job->db, &which, job->arena, &w->found, err))
        return err->code == ERROR_NOT_FOUND ? not_found(&which, err) : false;
    if (max_tokens > 0)
        w->text = compact_write(&w->found, max_tokens, &text) ? arena_str(job->arena, buffer_str(&text)) : STR_NONE;
    else if (prompt_complete(&w->found.text, job->arena))
        w->text = w->found.text.prompt; /* the old server's text */
    buffer_clear(&text);
    return w->text.data != NULL || error_set(err, ERROR_MEMORY, "no memory");
}

static void
answer(struct request *r)
{
    struct loading *w        = request_data(r);
    bool            is_whole = argument_number(w->job.arguments, "max_tokens") == 0;
    yyjson_mut_val *result   = snapshot_json(request_doc(r), &w->found, is_whole);

    if (!is_whole)
        yyjson_mut_obj_add_strn(request_doc(r), result, "text", w->text.data, w->text.len);
    yyjson_mut_obj_add_str(request_doc(r), result, "note", RECALLED);
    request_add_text(r, w->text);
    add_origin(r, &w->found);
    request_set_structured(r, result);
    answer_finish(r);
}

void
load_snapshot(struct request *r)
{
    if (JOB_NEW(r, struct loading) != NULL)
        job_read(r, load, answer);
}
