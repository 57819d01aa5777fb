/* update_snapshot, delete_snapshot, restore_snapshot: what was kept, made other, put into the bin, and taken out. */
#include "services/snapshots/parts.h"

struct changing {
    struct job             job;
    struct snapshot_origin origin;
    int64_t                id;
    struct snapshot        s; /* as it is now */
};

/* Words for it when the store finds none. */
static bool
say_missing(const struct changing *w, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "Snapshot with ID %lld not found", (long long)w->id);
}

static bool
find(struct changing *w, bool from_bin, struct error *err)
{
    struct snapshot_which which = {.id = w->id, .from_bin = from_bin};

    if (w->id <= 0)
        return say_missing(w, err);
    if (snapshot_load(w->job.db, &which, w->job.arena, &w->s, err))
        return true;
    return err->code == ERROR_NOT_FOUND ? say_missing(w, err) : false;
}

static void
note(struct changing *w, struct str old_name)
{
    desk_note_change(&w->job.owner->writing, w->id, w->s.text.name, old_name);
}

/* --- a new version --- */

static bool
update(struct job *job, struct error *err)
{
    struct changing *w = (struct changing *)job;

    if (!find(w, false, err))
        return false;
    struct snapshot      before = w->s;
    struct snapshot_text text   = before.text;
    if (!text_read(job->arguments, job->owner->parts.limits.size, job->arena, &text, err) ||
        !snapshot_update(job->db, w->id, &text, &w->origin, clock_wall(), &w->s, err))
        return false;
    w->s.text    = text;
    w->s.origin  = w->origin;
    w->s.created = before.created;
    note(w, before.text.name);
    return true;
}

static void
answer_update(struct request *r)
{
    struct changing *w = request_data(r);

    request_write(r, "Updated snapshot ");
    write_which(r, &w->s);
    request_write(r, ", version %u", w->s.version);
    request_set_structured(r, snapshot_json(request_doc(r), &w->s, false));
    answer_finish(r);
}

/* --- into the bin, and back --- */

static bool
put_away(struct job *job, struct error *err)
{
    struct changing *w = (struct changing *)job;

    if (!find(w, false, err) || !snapshot_delete(job->db, w->id, clock_wall(), err))
        return false;
    note(w, STR_NONE);
    return true;
}

static void
answer_delete(struct request *r)
{
    struct changing *w      = request_data(r);
    yyjson_mut_doc  *doc    = request_doc(r);
    yyjson_mut_val  *result = yyjson_mut_obj(doc);

    request_say(r, "Deleted snapshot #%lld", (long long)w->id);
    request_say(r, "It lies in the bin for %d days: restore_snapshot takes it out.", SNAPSHOT_BIN_DAYS);
    yyjson_mut_obj_add_sint(doc, result, "id", w->id);
    yyjson_mut_obj_add_int(doc, result, "days_in_bin", SNAPSHOT_BIN_DAYS);
    request_set_structured(r, result);
    answer_finish(r);
}

static bool
take_out(struct job *job, struct error *err)
{
    struct changing *w = (struct changing *)job;

    if (!find(w, true, err))
        return false;
    if (!snapshot_restore(job->db, w->id, err))
        return err->code == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_NOT_FOUND, "Snapshot with ID %lld is not in the bin", (long long)w->id)
                   : false;
    w->s.deleted = 0;
    note(w, STR_NONE);
    return true;
}

static void
answer_restore(struct request *r)
{
    struct changing *w = request_data(r);

    request_write(r, "Restored snapshot ");
    write_which(r, &w->s);
    request_set_structured(r, snapshot_json(request_doc(r), &w->s, false));
    answer_finish(r);
}

static void
begin(struct request *r, bool (*work)(struct job *job, struct error *err), request_handler answer)
{
    struct changing *w = JOB_NEW(r, struct changing);

    if (w == NULL)
        return;
    w->id     = argument_number(w->job.arguments, "id");
    w->origin = origin_of(r);
    job_write(r, work, answer);
}

void
update_snapshot(struct request *r)
{
    begin(r, update, answer_update);
}

void
delete_snapshot(struct request *r)
{
    begin(r, put_away, answer_delete);
}

void
restore_snapshot(struct request *r)
{
    begin(r, take_out, answer_restore);
}
