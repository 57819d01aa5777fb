/* The prompts: `resume` goes on where a snapshot stands, `checkpoint` asks for one. */
#include <stdio.h>

#include "services/snapshots/parts.h"

/* --- resume --- */

struct resuming {
    struct job      job;
    struct snapshot found;
    struct str      text;
    struct error    why; /* nothing of that kind: an argument is wrong, not the service */
};

/* Arguments of prompts are texts. */
static bool
read_number(struct job *job, const char *name, uint64_t *out, struct error *err)
{
    struct str text = argument_text(job->arguments, name);

    *out = 0;
    return text.len == 0 || (str_to_u64(text, out) && *out > 0 && *out < INT64_MAX) ||
           error_set(err, ERROR_INVALID, "%s must be a whole number from 1 on", name);
}

static bool
find(struct resuming *w, uint64_t *max_tokens, struct error *err)
{
    struct snapshot_which which = {.name    = argument_text(w->job.arguments, "name"),
                                   .project = argument_text(w->job.arguments, "project")};
    uint64_t              id;

    if (!read_number(&w->job, "id", &id, err) || !read_number(&w->job, "max_tokens", max_tokens, err))
        return false;
    if (id > 0)
        which = (struct snapshot_which){.id = (int64_t)id};
    if (snapshot_load(w->job.db, &which, w->job.arena, &w->found, err))
        return true;
    return err->code == ERROR_NOT_FOUND ? not_found(&which, err) : false;
}

static bool
resume(struct job *job, struct error *err)
{
    struct resuming *w    = (struct resuming *)job;
    struct buffer    text = {.max = SIZE_MAX};
    uint64_t         max_tokens;

    if (!find(w, &max_tokens, err)) {
        w->why = *err;
        return err->code == ERROR_NOT_FOUND || err->code == ERROR_INVALID;
    }
    w->text = compact_write(&w->found, max_tokens, &text) ? arena_str(job->arena, buffer_str(&text)) : STR_NONE;
    buffer_clear(&text);
    return w->text.data != NULL || error_set(err, ERROR_MEMORY, "no memory");
}

static void
answer_resume(struct request *r)
{
    struct resuming *w = request_data(r);

    if (w->why.code != ERROR_NONE) {
        request_refuse(r, -32602, "%s", w->why.text);
        return;
    }
    request_say(r,
                "Go on with the work of this snapshot. What it says was true when it was saved: look before you rely "
                "on it.");
    request_add_text(r, w->text);
    add_origin(r, &w->found);
    request_finish(r);
}

void
resume_prompt(struct request *r)
{
    if (JOB_NEW(r, struct resuming) != NULL)
        job_read(r, resume, answer_resume);
}

/* --- checkpoint --- */

static void
write_argument(struct request *r, const char *name)
{
    struct str value = request_string(r, name);

    if (value.len > 0)
        request_write(r, "\n- %s: \"%.*s\"", name, STR_ARG(value));
}

void
checkpoint_prompt(struct request *r)
{
    request_write_text(
        r, STR("Save where we stand with the tool save_snapshot, so that somebody who knows nothing of this "
               "conversation can go on with it.\n"
               "- summary: one or two sentences: what we do, and how far we are.\n"
               "- context: an object. files: what was changed or read, each with its path. decisions: what "
               "was decided, and why. blockers: what is in the way. code_state: branch, tests, what runs "
               "and what does not. Beside these whatever else would be missed.\n"
               "- next_steps: what comes next, the first first.\n"
               "- importance: 1 to 5; 3 is usual.\n"
               "Facts, not the story of how we got there; no secrets, such as keys or passwords."));
    write_argument(r, "name");
    write_argument(r, "project");
    request_finish(r);
}
