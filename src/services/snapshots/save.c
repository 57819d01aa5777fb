/* save_snapshot: where a conversation stands, kept. */
#include "services/snapshots/parts.h"

struct saving {
    struct job             job;
    struct snapshot_origin origin;
    struct snapshot        saved;
};

static bool
save(struct job *job, struct error *err)
{
    struct saving       *w    = (struct saving *)job;
    struct snapshot_text text = {0};

    if (!text_read(job->arguments, job->owner->parts.limits.size, job->arena, &text, err) ||
        !snapshot_save(job->db, &text, &w->origin, clock_wall(), &w->saved, err))
        return false;
    w->saved.text   = text;
    w->saved.origin = w->origin;
    desk_note_change(&job->owner->writing, w->saved.id, text.name, STR_NONE);
    return true;
}

static void
answer(struct request *r)
{
    struct saving *w = request_data(r);

    request_write(r, "Saved snapshot ");
    write_which(r, &w->saved);
    request_set_structured(r, snapshot_json(request_doc(r), &w->saved, false));
    answer_finish(r);
}

void
save_snapshot(struct request *r)
{
    struct saving *w = JOB_NEW(r, struct saving);

    if (w == NULL)
        return;
    w->origin = origin_of(r);
    job_write(r, save, answer);
}
