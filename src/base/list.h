/* src/base/list.h: a doubly linked list through nodes inside the things it links. It owns nothing.
 *
 *   struct list backs;            of struct back, by node; newest first
 *   LIST_EACH(struct back, b, &backs, node) ...         the body may remove `b`, nothing else
 *
 * A node that is in no list points to itself (list_init, list_remove), so removing twice is harmless. */
#ifndef GATEHOUSE_BASE_LIST_H
#define GATEHOUSE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_OF(type, node_, member) ((type *)(void *)((char *)(node_)-offsetof(type, member)))
#define LIST_EACH(type, item, head, member)                                                                            \
    for (type *item = LIST_OF(type, (head)->next, member), *item##_next = LIST_OF(type, item->member.next, member);    \
         &item->member != (head); item = item##_next, item##_next = LIST_OF(type, item->member.next, member))

static inline void
list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool
list_is_empty(const struct list *l)
{
    return l->next == l;
}

static inline void
list_insert_between(struct list *node, struct list *before, struct list *after)
{
    node->prev   = before;
    node->next   = after;
    before->next = node;
    after->prev  = node;
}

static inline void
list_append(struct list *l, struct list *node)
{
    list_insert_between(node, l->prev, l);
}

static inline void
list_prepend(struct list *l, struct list *node)
{
    list_insert_between(node, l, l->next);
}

static inline void
list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* The first node, or NULL. */
static inline struct list *
list_first(const struct list *l)
{
    return list_is_empty(l) ? NULL : l->next;
}

/* Moves all of `from` behind what `to` holds. */
static inline void
list_splice(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next   = from->next;
    from->prev->next = to;
    to->prev         = from->prev;
    list_init(from);
}

#endif
