/* Snapshots as resources: the newest, one by its id or its name, and the list of them; and what may stand in a URI. */
#include <stdlib.h>

#include "services/snapshots/parts.h"

enum { LISTED = 100, DESCRIBED = 200 };

/* --- one of them --- */

struct reading {
    struct job            job;
    struct snapshot_which which;
    struct snapshot       found; /* id 0: there is none */
    struct str            uri;
};

static bool
find_one(struct job *job, struct error *err)
{
    struct reading *w = (struct reading *)job;

    if (snapshot_load(job->db, &w->which, job->arena, &w->found, err))
        return prompt_complete(&w->found.text, job->arena) || error_set(err, ERROR_MEMORY, "no memory");
    w->found.id = 0;
    return err->code == ERROR_NOT_FOUND;
}

/* The old server's text, and what it is as JSON: whose words these are stands there. */
static void
answer_read(struct request *r)
{
    struct reading *w = request_data(r);
    size_t          len;

    if (w->found.id == 0) {
        request_finish(r); /* without contents there is no such resource */
        return;
    }
    yyjson_mut_val *about = snapshot_json(request_doc(r), &w->found, false);
    yyjson_mut_obj_add_str(request_doc(r), about, "note", RECALLED);
    char *text = yyjson_mut_val_write(about, 0, &len);
    request_add_resource_text(r, request_uri(r), "text/plain", w->found.text.prompt);
    if (text == NULL)
        request_fail(r, "no memory");
    request_add_resource_text(r, request_uri(r), "application/json", str_of(text, text == NULL ? 0 : len));
    request_finish(r);
    free(text);
}

static void
begin_read(struct request *r, struct snapshot_which which)
{
    struct reading *w = JOB_NEW(r, struct reading);

    if (w == NULL)
        return;
    w->which = which;
    job_read(r, find_one, answer_read);
}

void
read_latest(struct request *r)
{
    begin_read(r, (struct snapshot_which){0});
}

void
read_by_id(struct request *r)
{
    struct snapshot_which which = {0};

    if (str_to_i64(request_variable(r, "id"), &which.id) && which.id > 0)
        begin_read(r, which);
    else
        request_finish(r);
}

void
read_by_name(struct request *r)
{
    begin_read(r, (struct snapshot_which){.name = request_variable(r, "name")});
}

/* --- the list of them --- */

struct listing {
    struct job           job;
    struct str           cursor;
    struct snapshot_page page;
    struct resource     *links;
    char                 next[CURSOR_SIZE]; /* "": none */
};

static const char *
print(struct arena *a, struct str text)
{
    return arena_cstr(a, text);
}

/* Cut at a character. */
static struct str
first_words(struct str text)
{
    size_t len = text.len < DESCRIBED ? text.len : DESCRIBED;

    while (len > 0 && len < text.len && ((unsigned char)text.data[len] & 0xC0) == 0x80)
        len--;
    return str_take(text, len);
}

static bool
make_link(struct arena *a, const struct snapshot *s, struct resource *out)
{
    bool is_named = s->text.name.len > 0;

    *out = (struct resource){
        .uri         = print(a, arena_printf(a, "snapshot://%lld", (long long)s->id)),
        .name        = print(a, is_named ? s->text.name : arena_printf(a, "snapshot-%lld", (long long)s->id)),
        .title       = print(a, arena_printf(a, "#%lld %.*s", (long long)s->id, STR_ARG(s->text.name))),
        .description = print(a, first_words(s->text.summary)),
        .mime_type   = "text/plain",
    };
    return out->uri != NULL && out->name != NULL && out->title != NULL && out->description != NULL;
}

static bool
list(struct job *job, struct error *err)
{
    struct listing        *w      = (struct listing *)job;
    struct snapshot_filter filter = {.limit = LISTED};

    if (!cursor_read(w->cursor, &filter, err) || !snapshot_list(job->db, &filter, job->arena, &w->page, err))
        return false;
    w->links = arena_zalloc(job->arena, (w->page.count + 1) * sizeof *w->links);
    for (size_t i = 0; w->links != NULL && i < w->page.count; i++)
        if (!make_link(job->arena, &w->page.items[i], &w->links[i]))
            w->links = NULL;
    if (w->page.more && w->page.count > 0)
        cursor_write(&w->page.items[w->page.count - 1], w->next);
    return w->links != NULL || error_set(err, ERROR_MEMORY, "no memory");
}

static void
answer_list(struct request *r)
{
    struct listing *w = request_data(r);

    for (size_t i = 0; i < w->page.count; i++)
        request_add_link(r, &w->links[i]);
    if (w->next[0] != '\0')
        request_set_next(r, str_from(w->next));
    request_finish(r);
}

void
list_as_resources(struct request *r)
{
    struct listing *w = JOB_NEW(r, struct listing);

    if (w == NULL)
        return;
    w->cursor = request_value(r);
    job_read(r, list, answer_list);
}

/* --- what may stand in a URI, or as an argument of a prompt --- */

struct completing {
    struct job         job;
    struct str         begin;
    enum snapshot_word kind;
    struct str        *words;
    size_t             count;
};

static bool
find_words(struct job *job, struct error *err)
{
    struct completing *w = (struct completing *)job;

    return snapshot_words(job->db, w->kind, w->begin, LISTED, job->arena, &w->words, &w->count, err);
}

/* Those of the newest. */
static bool
find_ids(struct job *job, struct error *err)
{
    struct completing     *w      = (struct completing *)job;
    struct snapshot_filter filter = {.limit = 1000};
    struct snapshot_page   page   = {0};

    if (!snapshot_list(job->db, &filter, job->arena, &page, err))
        return false;
    w->words = arena_alloc(job->arena, (page.count + 1) * sizeof *w->words);
    for (size_t i = 0; w->words != NULL && i < page.count && w->count < LISTED; i++) {
        struct str id = arena_printf(job->arena, "%lld", (long long)page.items[i].id);
        if (str_starts(id, w->begin))
            w->words[w->count++] = id;
    }
    return w->words != NULL || error_set(err, ERROR_MEMORY, "no memory");
}

static void
answer_words(struct request *r)
{
    struct completing *w = request_data(r);

    for (size_t i = 0; i < w->count; i++)
        request_add_value(r, w->words[i]);
    request_finish(r);
}

static void
complete(struct request *r, bool (*work)(struct job *job, struct error *err), enum snapshot_word kind)
{
    struct completing *w = JOB_NEW(r, struct completing);

    if (w == NULL)
        return;
    w->begin = request_value(r);
    w->kind  = kind;
    job_read(r, work, answer_words);
}

void
complete_id(struct request *r)
{
    complete(r, find_ids, SNAPSHOT_NAMES);
}

void
complete_name(struct request *r)
{
    complete(r, find_words, SNAPSHOT_NAMES);
}

void
complete_project(struct request *r)
{
    complete(r, find_words, SNAPSHOT_PROJECTS);
}
