/* The desks: each a connection to the database on a strand. A handler hands its job in here; a worker does it, in a
 * turn with the others that wait, and what it changed is told when the commit holds. */
#include <stdio.h>

#include "services/snapshots/parts.h"

/* --- on a worker --- */

/* What is wrong inside is for the log, in its own words; the client learns that, and whether to try again. */
static bool
put_in_words(struct desk *d, struct error *err)
{
    if (err->code == ERROR_INTERNAL || err->code == ERROR_DENIED) {
        d->trouble = *err;
        error_set(err, ERROR_INTERNAL, "the snapshots could not be read or written; the log says why");
    }
    return false;
}

static bool
look_for_others(struct desk *d, struct error *err)
{
    int64_t stamp;

    if (!snapshot_db_stamp(d->db, &stamp, err))
        return false;
    d->has_others |= d->has_stamp && stamp != d->stamp;
    d->has_stamp = true;
    d->stamp     = stamp;
    return true;
}

bool
desk_look(struct desk *d, struct error *err)
{
    return look_for_others(d, err) || put_in_words(d, err);
}

static bool
begin_turn(void *owner, struct error *err)
{
    struct desk *d = owner;

    d->is_begun     = false;
    d->begin_failed = (struct error){0};
    if (d->db == NULL)
        d->db = snapshot_db_open(d->owner->parts.path, &d->owner->parts.limits, &d->opening, err);
    if (d->db == NULL && err->code == ERROR_INVALID) /* names files */
        err->code = ERROR_INTERNAL;
    return d->db != NULL || put_in_words(d, err);
}

static bool
end_turn(void *owner, struct error *err)
{
    struct desk *d = owner;

    if (!d->is_begun)
        return true;
    d->is_begun = false;
    if (snapshot_db_commit(d->db, err))
        return true;
    d->change_count = 0;
    return put_in_words(d, err);
}

bool
desk_begin(struct desk *d, struct error *err)
{
    if (d->is_begun)
        return true;
    if (d->begin_failed.code == ERROR_NONE && snapshot_db_begin(d->db, &d->begin_failed)) {
        d->is_begun = true;
        return look_for_others(d, err);
    }
    *err = d->begin_failed; /* waiting once for another process is enough for a turn */
    return false;
}

static void
keep_name(char out[WORDS_NAME_MOST + 1], struct str name)
{
    snprintf(out, WORDS_NAME_MOST + 1, "%.*s", STR_ARG(name));
}

void
desk_note_change(struct desk *d, int64_t id, struct str name, struct str old_name)
{
    if (d->change_count++ >= CHANGES_MOST)
        return;
    struct change *c = &d->changes[d->change_count - 1];
    c->id            = id;
    keep_name(c->name, name);
    keep_name(c->old_name, old_name);
}

static bool
do_job(struct desk *d, struct job *job, struct error *err)
{
    job->db = d->db;
    if ((!d->is_writer || desk_begin(d, err)) && job->work(job, err))
        return true;
    return put_in_words(d, err);
}

static bool
do_read(void *job, struct error *err)
{
    return do_job(&((struct job *)job)->owner->reading, job, err);
}

static bool
do_write(void *job, struct error *err)
{
    return do_job(&((struct job *)job)->owner->writing, job, err);
}

/* --- on the network thread --- */

static void
on_turned(void *owner)
{
    struct desk *d = owner;

    snapshots_turned(d->owner, d);
}

void
desk_init(struct desk *d, struct snapshots *owner, bool is_writer)
{
    *d = (struct desk){.owner     = owner,
                       .is_writer = is_writer,
                       .strand    = {.begin = begin_turn, .end = end_turn, .turned = on_turned, .owner = d}};
    strand_init(&d->strand, owner->parts.loop, SERVED_MOST);
}

void
desk_clear(struct desk *d)
{
    strand_clear(&d->strand);
    snapshot_db_close(d->db);
    d->db = NULL;
}

void *
desk_job(struct request *r, size_t size)
{
    struct job *job = request_job(r, size);

    if (job == NULL)
        return NULL;
    job->owner     = request_owner(r);
    job->arena     = request_job_arena(r);
    job->arguments = request_arguments(r);
    return job;
}

void
job_read(struct request *r, bool (*work)(struct job *job, struct error *err), request_handler done)
{
    struct job *job = request_data(r);

    job->work = work;
    if (job->owner->is_imported)
        request_work(r, &job->owner->reading.strand, do_read, done);
    else /* behind the import: who comes from the old server asks what is there first of all */
        request_work(r, &job->owner->writing.strand, do_write, done);
}

void
job_write(struct request *r, bool (*work)(struct job *job, struct error *err), request_handler done)
{
    struct job *job = request_data(r);

    job->work = work;
    request_work(r, &job->owner->writing.strand, do_write, done);
}
