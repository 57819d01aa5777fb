#include "services/snapshots/snapshots.h"

#include <stdio.h>
#include <stdlib.h>

#include "services/snapshots/parts.h"
#include "store/snapshots/care.h"

enum { SESSIONS_MOST = 1000, EMPTIED_MOST = 500, PRUNED_MOST = 200 };

#define LOOK_EVERY  SECONDS(1) /* while somebody would hear of it, */
#define LOOK_IDLE   SECONDS(5) /* and whether somebody would */
#define CARE_FIRST  SECONDS(5) /* behind the opening */
#define CARE_EVERY  MINUTES(60)
#define PRUNE_EVERY (24 * MINUTES(60))

static void
tell(struct snapshots *s, const char *line)
{
    if (s->parts.tell != NULL && line[0] != '\0')
        s->parts.tell(s->parts.owner, line);
}

static void
tell_failure(struct snapshots *s, const char *what, const struct error *err)
{
    char line[600];

    snprintf(line, sizeof line, "%s: %s", what, err->text);
    tell(s, line);
}

/* --- what has changed --- */

static void
tell_name(struct snapshots *s, const char *name)
{
    struct buffer uri = {.max = KIB(4)};

    if (name[0] != '\0' && uri_of_name(str_from(name), &uri))
        service_resource_updated(s->service, buffer_str(&uri));
    buffer_clear(&uri);
}

static void
tell_change(struct snapshots *s, const struct change *c)
{
    struct buffer uri = {.max = KIB(4)};

    if (uri_of_id(c->id, &uri))
        service_resource_updated(s->service, buffer_str(&uri));
    buffer_clear(&uri);
    tell_name(s, c->name);
    if (strcmp(c->name, c->old_name) != 0)
        tell_name(s, c->old_name);
}

/* Of others it is not known what they have changed. */
static void
tell_changes(struct snapshots *s, struct desk *d)
{
    bool is_any = d->has_others || d->change_count > CHANGES_MOST;

    if (!is_any && d->change_count == 0)
        return;
    service_resources_changed(s->service);
    if (is_any) {
        service_resources_updated(s->service);
    } else {
        service_resource_updated(s->service, STR(URI_LATEST));
        for (size_t i = 0; i < d->change_count; i++)
            tell_change(s, &d->changes[i]);
    }
    d->has_others   = false;
    d->change_count = 0;
}

/* What was set aside the person must hear of, who may never read a log. */
static void
tell_opening(struct snapshots *s, struct desk *d)
{
    tell(s, d->opening.damaged);
    tell(s, d->opening.migrated);
    if (d->opening.damaged[0] != '\0')
        snprintf(s->notice, sizeof s->notice, "To be told to the person: %s", d->opening.damaged);
    d->opening = (struct snapshot_opening){0};
}

void
snapshots_turned(struct snapshots *s, struct desk *d)
{
    tell_opening(s, d);
    if (d->trouble.code != ERROR_NONE)
        tell_failure(s, "snapshots", &d->trouble);
    d->trouble = (struct error){0};
    tell_changes(s, d);
}

/* --- what other processes do --- */

static bool
look(struct strand_work *w, struct error *err)
{
    return desk_look(&LIST_OF(struct snapshots, w, looking)->writing, err);
}

static void
end_look(struct strand_work *w, const struct error *err)
{
    (void)err;
    LIST_OF(struct snapshots, w, looking)->is_looking = false;
}

static void
on_look(struct timer *timer)
{
    struct snapshots *s        = LIST_OF(struct snapshots, timer, look);
    bool              is_heard = service_is_heard(s->service);

    if (is_heard && !s->is_looking)
        s->is_looking = strand_start(&s->writing.strand, &s->looking);
    loop_set_timer(s->parts.loop, timer, loop_now(s->parts.loop) + (is_heard ? LOOK_EVERY : LOOK_IDLE));
}

/* --- what the server before us left --- */

static bool
import_from(struct snapshots *s, const char *from, struct error *err)
{
    struct snapshot_import found = {0};

    if (!snapshot_import_old(s->writing.db, from, &found, err))
        return false;
    if (found.taken > 0 || found.refused > 0)
        snprintf(s->imported, sizeof s->imported, "%llu snapshots imported from %s%s%s",
                 (unsigned long long)found.taken, from, found.refused > 0 ? "; some were refused: " : "", found.why);
    s->writing.has_others |= found.taken > 0;
    return true;
}

/* The first work of the writer. One place that cannot be read keeps nothing from the others. */
static bool
import_old(struct strand_work *w, struct error *err)
{
    struct snapshots *s      = LIST_OF(struct snapshots, w, importing);
    struct arena     *arena  = arena_new(KIB(4), MIB(1));
    const char      **places = NULL;
    size_t            count  = 0;
    bool              ok     = arena != NULL && snapshot_old_places(s->parts.environment, arena, &places, &count);

    for (size_t i = 0; ok && i < count; i++) {
        struct error why = {0};
        if (!import_from(s, places[i], &why))
            snprintf(s->imported, sizeof s->imported, "snapshots of %s: %s", places[i], why.text);
    }
    arena_free(arena);
    return ok || error_set(err, ERROR_MEMORY, "no memory");
}

static void
end_import(struct strand_work *w, const struct error *err)
{
    struct snapshots *s = LIST_OF(struct snapshots, w, importing);

    s->is_imported = true; /* or cannot be */
    tell(s, s->imported);
    if (err->code != ERROR_NONE)
        tell_failure(s, "opening the snapshots", err);
}

/* --- what is due by the day --- */

static bool
empty_bin(struct strand_work *w, struct error *err)
{
    struct snapshots *s = LIST_OF(struct snapshots, w, emptying);

    return desk_begin(&s->writing, err) &&
           snapshot_empty_bin(s->writing.db, clock_wall(), EMPTIED_MOST, &s->emptied, err);
}

static void
end_empty(struct strand_work *w, const struct error *err)
{
    struct snapshots *s = LIST_OF(struct snapshots, w, emptying);

    s->is_emptying = false;
    if (err->code != ERROR_NONE)
        tell_failure(s, "emptying the bin of the snapshots", err);
    else if (s->emptied == EMPTIED_MOST) /* a bit at a time: who saves meanwhile does not wait for all of it */
        s->is_emptying = strand_start(&s->writing.strand, w);
}

/* A slice of it: who saves meanwhile does not wait for all. */
static bool
prune(struct strand_work *w, struct error *err)
{
    struct snapshots    *s     = LIST_OF(struct snapshots, w, pruning);
    struct arena        *arena = arena_new(KIB(64), MIB(64));
    struct snapshot_page page  = {0};

    if (arena == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    bool ok = desk_begin(&s->writing, err) &&
              snapshot_prune(s->writing.db, &s->sweep, clock_wall(), PRUNED_MOST, arena, &page, err);
    for (size_t i = 0; i < page.count; i++)
        desk_note_change(&s->writing, page.items[i].id, page.items[i].text.name, STR_NONE);
    s->pruned_now = page.count;
    s->is_more    = page.more;
    arena_free(arena);
    return ok;
}

static void
tell_pruned(struct snapshots *s)
{
    char line[200];

    snprintf(line, sizeof line, "by snapshots.%s %llu went into the bin; %s can be had back for %d days",
             s->parts.retention != 0 ? "retention" : "keep", (unsigned long long)s->pruned,
             s->pruned == 1 ? "it" : "they", SNAPSHOT_BIN_DAYS);
    if (s->pruned > 0)
        tell(s, line);
    s->pruned = 0;
}

static void
end_prune(struct strand_work *w, const struct error *err)
{
    struct snapshots *s = LIST_OF(struct snapshots, w, pruning);

    if (err->code == ERROR_NONE)
        s->pruned += s->pruned_now;
    s->is_pruning = err->code == ERROR_NONE && s->is_more && strand_start(&s->writing.strand, w);
    if (s->is_pruning)
        return;
    if (err->code != ERROR_NONE)
        tell_failure(s, "putting old snapshots into the bin", err);
    tell_pruned(s);
}

/* By what the person has set: nothing, as a rule. */
static void
start_prune(struct snapshots *s, mono_time now)
{
    const struct snapshots_parts *p = &s->parts;

    if (s->is_pruning || now < s->prune_next || (p->retention == 0 && p->keep == 0))
        return;
    s->prune_next = now + PRUNE_EVERY;
    s->sweep = (struct snapshot_sweep){.before = p->retention == 0 ? 0 : clock_wall() - p->retention, .keep = p->keep};
    s->is_pruning = strand_start(&s->writing.strand, &s->pruning);
}

static bool
copy(struct strand_work *w, struct error *err)
{
    struct snapshots *s = LIST_OF(struct snapshots, w, copying);

    return snapshot_backup_daily(s->parts.path, clock_wall(), false, NULL, err);
}

static void
end_copy(struct strand_work *w, const struct error *err)
{
    struct snapshots *s = LIST_OF(struct snapshots, w, copying);

    s->is_copying = false;
    if (err->code != ERROR_NONE)
        tell_failure(s, "the daily copy of the snapshots", err);
}

static void
on_care(struct timer *timer)
{
    struct snapshots *s = LIST_OF(struct snapshots, timer, care);

    if (!s->is_emptying)
        s->is_emptying = strand_start(&s->writing.strand, &s->emptying);
    if (!s->is_copying)
        s->is_copying = strand_start(&s->caring, &s->copying);
    start_prune(s, loop_now(s->parts.loop));
    loop_set_timer(s->parts.loop, timer, loop_now(s->parts.loop) + CARE_EVERY);
}

/* --- its life --- */

static void
begin_work(struct snapshots *s)
{
    desk_init(&s->writing, s, true);
    desk_init(&s->reading, s, false);
    strand_init(&s->caring, s->parts.loop, 1);
    s->looking.work   = look;
    s->looking.done   = end_look;
    s->importing.work = import_old;
    s->importing.done = end_import;
    s->emptying.work  = empty_bin;
    s->emptying.done  = end_empty;
    s->pruning.work   = prune;
    s->pruning.done   = end_prune;
    s->copying.work   = copy;
    s->copying.done   = end_copy;
    strand_start(&s->writing.strand, &s->importing); /* it opens the database */
    timer_init(&s->look, on_look);
    timer_init(&s->care, on_care);
    loop_set_timer(s->parts.loop, &s->look, loop_now(s->parts.loop) + LOOK_EVERY);
    loop_set_timer(s->parts.loop, &s->care, loop_now(s->parts.loop) + CARE_FIRST);
}

struct snapshots *
snapshots_new(const struct snapshots_parts *parts, struct error *err)
{
    struct snapshots *s = calloc(1, sizeof *s);

    if (s == NULL) {
        error_set(err, ERROR_MEMORY, "no memory");
        return NULL;
    }
    s->parts   = *parts;
    s->service = service_new(&snapshots_table,
                             &(struct service_parts){.loop         = parts->loop,
                                                     .key          = parts->session_key,
                                                     .owner        = s,
                                                     .principal    = "local",
                                                     .sessions_max = SESSIONS_MOST,
                                                     .session_idle = parts->session_idle,
                                                     .is_legacy    = true,
                                                     .is_modern    = true},
                             err);
    if (s->service == NULL) {
        free(s);
        return NULL;
    }
    begin_work(s);
    return s;
}

void
snapshots_free(struct snapshots *s)
{
    if (s == NULL)
        return;
    loop_clear_timer(s->parts.loop, &s->look);
    loop_clear_timer(s->parts.loop, &s->care);
    desk_clear(&s->writing); /* who waits gets an answer */
    desk_clear(&s->reading);
    strand_clear(&s->caring);
    service_free(s->service);
    free(s);
}

struct service *
snapshots_service(struct snapshots *s)
{
    return s->service;
}
