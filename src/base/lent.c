#include "base/lent.h"

#include <stdatomic.h>

struct lent {
    struct lent *outer; /* lent around this one */
    atomic_uint  refs;
    char        *data;
    size_t       from, end, cap; /* as in the buffer */
};

/* Of the network thread: what is being told, the innermost. */
static struct lent *innermost;

struct lent *
lent_begin(struct buffer *b)
{
    struct lent *l = buffer_len(b) < LENT_MIN ? NULL : malloc(sizeof *l);

    if (l == NULL)
        return NULL;
    *l        = (struct lent){.outer = innermost, .data = b->data, .from = b->from, .end = b->end, .cap = b->cap};
    *b        = (struct buffer){.max = b->max};
    innermost = l;
    atomic_init(&l->refs, 1);
    return l;
}

struct str
lent_str(const struct lent *l)
{
    return str_of(l->data + l->from, l->end - l->from);
}

void
lent_end(struct lent *l)
{
    if (l == NULL)
        return;
    innermost = l->outer;
    lent_unref(l);
}

static struct lent *
find(struct str part)
{
    for (struct lent *l = innermost; l != NULL; l = l->outer)
        if (part.data >= l->data && part.data + part.len <= l->data + l->cap)
            return l;
    return NULL;
}

struct lent *
lent_keep(struct str part)
{
    return lent_ref(part.len < LENT_MIN ? NULL : find(part));
}

struct lent *
lent_ref(struct lent *l)
{
    if (l != NULL)
        atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void
lent_unref(struct lent *l)
{
    if (l == NULL || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) > 1)
        return;
    free(l->data);
    free(l);
}

bool
lent_replace(struct str *message, struct str place, struct str with)
{
    struct lent *l = find(*message);

    if (l == NULL || atomic_load_explicit(&l->refs, memory_order_relaxed) > 1)
        return false;
    size_t from = (size_t)(message->data - l->data), to = from + message->len;
    size_t at = (size_t)(place.data - l->data), behind = at + place.len;
    size_t more     = with.len > place.len ? with.len - place.len : 0;
    bool   in_front = from >= more, at_end = l->cap - to >= more;
    bool   may_front = in_front && (at - from <= to - behind || !at_end);

    if (!in_front && !at_end)
        return false;
    if (may_front) {
        size_t start = from + place.len - with.len;
        memmove(l->data + start, l->data + from, at - from);
        at += place.len - with.len;
        from = start;
    } else {
        memmove(l->data + at + with.len, l->data + behind, to - behind);
        to += with.len - place.len;
    }
    memcpy(l->data + at, with.data, with.len);
    *message = str_of(l->data + from, to - from);
    return true;
}
