/* Tasks of ours: a legacy client asked for one, and the modern server has answered at once. Each is over from its
 * beginning, and is there until its time is over: as long as the client wanted, at most bridge.wait. Of all that there
 * are, in number (bridge.parked) or in bytes, the oldest makes room. A client finds it by an id that nobody guesses. */
#include "gateway/bridge/bridge.h"

#include "base/random.h"
#include "mcp/json.h"

#define BYTES_MOST MIB(64)

struct kept_task {
    struct list    node; /* on bridge->kept_tasks */
    struct bridge *bridge;
    struct timer   life;
    wall_time      made;
    mono_time      ttl;
    uint64_t       caller;     /* caller_number */
    bool           has_failed; /* the tool says so */
    char           id[PARKED_ID_SIZE];
    size_t         len;
    char           result[]; /* as the server gave it, as JSON */
};

static void
kept_task_free(struct kept_task *t)
{
    struct bridge *b = t->bridge;

    loop_clear_timer(b->gateway->parts.loop, &t->life);
    map_remove(&b->kept_by_id, str_from(t->id));
    list_remove(&t->node);
    b->kept_bytes -= t->len;
    free(t);
}

static void
on_life_over(struct timer *life)
{
    kept_task_free(LIST_OF(struct kept_task, life, life));
}

void
kept_tasks_clear(struct bridge *b)
{
    while (!list_is_empty(&b->kept_tasks))
        kept_task_free(LIST_OF(struct kept_task, list_first(&b->kept_tasks), node));
    map_clear(&b->kept_by_id);
}

static void
make_room(struct bridge *b, size_t len)
{
    while (!list_is_empty(&b->kept_tasks) &&
           (b->kept_by_id.count >= b->gateway->parts.settings->bridge.parked || b->kept_bytes + len > BYTES_MOST))
        kept_task_free(LIST_OF(struct kept_task, list_first(&b->kept_tasks), node));
}

/* As long as the client wants, in milliseconds; without a wish as long as may be. */
static mono_time
life_of(const struct bridge *b, yyjson_val *wish)
{
    mono_time   most = b->gateway->parts.settings->bridge.wait;
    yyjson_val *ttl  = yyjson_obj_get(wish, "ttl");
    double      wait = yyjson_is_num(ttl) ? yyjson_get_num(ttl) * (double)MILLISECONDS(1) : -1;

    return wait < 0 || wait > (double)most ? most : (mono_time)wait;
}

/* NULL: no memory. */
static struct kept_task *
keep(struct bridge *b, const char *result, size_t len)
{
    unsigned char     bytes[(PARKED_ID_SIZE - 1) / 2];
    struct kept_task *t = malloc(sizeof *t + len + 1);

    if (t == NULL)
        return NULL;
    *t = (struct kept_task){.bridge = b, .made = clock_wall(), .len = len};
    memcpy(t->result, result, len + 1);
    timer_init(&t->life, on_life_over);
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(t->id + 2 * i, 3, "%02x", bytes[i]);
    struct kept_task **slot = map_get_or_add(&b->kept_by_id, str_from(t->id));
    if (slot == NULL || *slot != NULL) {
        free(t);
        return NULL;
    }
    *slot = t;
    list_append(&b->kept_tasks, &t->node);
    b->kept_bytes += len;
    return t;
}

static void
put_task(const struct kept_task *t, yyjson_mut_doc *doc, yyjson_mut_val *into)
{
    char made[TIME_ISO_SIZE];

    time_format_iso(t->made, made);
    yyjson_mut_obj_add_strcpy(doc, into, "taskId", t->id);
    yyjson_mut_obj_add_str(doc, into, "status", t->has_failed ? "failed" : "completed");
    yyjson_mut_obj_add_strcpy(doc, into, "createdAt", made);
    yyjson_mut_obj_add_strcpy(doc, into, "lastUpdatedAt", made);
    yyjson_mut_obj_add_sint(doc, into, "ttl", t->ttl / MILLISECONDS(1));
}

/* Under `member`, or flat when that is NULL. NULL: no memory. */
static yyjson_doc *
describe(const struct kept_task *t, const char *member)
{
    bool            is_broken = false;
    yyjson_alc      memory    = json_heap(&is_broken);
    yyjson_mut_doc *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *root      = yyjson_mut_obj(doc);

    put_task(t, doc, member == NULL ? root : yyjson_mut_obj_add_obj(doc, root, member));
    yyjson_doc *made = is_broken ? NULL : yyjson_mut_val_imut_copy(root, &memory);
    yyjson_mut_doc_free(doc);
    return made;
}

yyjson_doc *
kept_task_new(struct bridge *b, const struct caller *by, yyjson_val *wish, yyjson_val *result, struct error *err)
{
    size_t            len  = 0;
    char             *text = yyjson_val_write(result, 0, &len);
    struct kept_task *t    = NULL;

    error_set(err, ERROR_MEMORY, "no memory");
    if (len > BYTES_MOST)
        error_set(err, ERROR_TOO_LARGE, "the result is too large to be kept: call without a task");
    else if (text != NULL) {
        make_room(b, len);
        t = keep(b, text, len);
    }
    free(text);
    if (t == NULL)
        return NULL;
    t->caller         = caller_number(by);
    t->has_failed     = yyjson_is_true(yyjson_obj_get(result, "isError"));
    t->ttl            = life_of(b, wish);
    struct loop *loop = b->gateway->parts.loop;
    loop_set_timer(loop, &t->life, loop_now(loop) + t->ttl);
    return describe(t, "task");
}

const struct kept_task *
kept_task_find(struct bridge *b, struct str id, const struct caller *by)
{
    struct kept_task **slot = id.data == NULL ? NULL : map_get(&b->kept_by_id, id);

    return slot == NULL || (*slot)->caller != caller_number(by) ? NULL : *slot;
}

yyjson_doc *
kept_task_describe(const struct kept_task *t)
{
    return describe(t, NULL);
}

yyjson_doc *
kept_task_result(const struct kept_task *t)
{
    yyjson_doc *doc  = json_read(str_of(t->result, t->len));
    yyjson_doc *told = doc == NULL ? NULL : legacy_task_relate(yyjson_doc_get_root(doc), str_from(t->id));

    yyjson_doc_free(doc);
    return told;
}
