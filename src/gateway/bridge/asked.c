/* What a server has asked and no client has answered: of a call, or of a task. */
#include "gateway/bridge/bridge.h"

enum { CODE_INTERNAL = -32603 };

bool
asked_take(struct asked_list *l, struct question_in *q)
{
    const char   *key = question_key(q);
    struct asked *a   = l->count >= QUESTIONS_MAX ? NULL : calloc(1, sizeof *a + strlen(key) + 1);

    if (a == NULL) {
        question_refuse(q, CODE_INTERNAL, "too much is asked at once");
        return false;
    }
    memcpy(a->key, key, strlen(key) + 1);
    question_watch(q, &a->q);
    a->q = q;
    list_append(&l->items, &a->node);
    l->count++;
    return true;
}

struct question_in *
asked_pop(struct asked_list *l, struct asked *a)
{
    struct question_in *q = a->q;

    list_remove(&a->node);
    l->count--;
    if (q != NULL)
        question_watch(q, NULL);
    free(a);
    return q;
}

void
asked_clear(struct asked_list *l)
{
    while (!list_is_empty(&l->items))
        asked_pop(l, LIST_OF(struct asked, list_first(&l->items), node));
}
