#include "mcp/rewrite.h"

#include "base/lent.h"

/* The edit that stands first at or behind `from`. */
static const struct rewrite *
next_edit(const struct rewrite *edits, size_t count, const char *from)
{
    const struct rewrite *next = NULL;

    for (size_t i = 0; i < count; i++)
        if (edits[i].place.data != NULL && edits[i].place.data >= from &&
            (next == NULL || edits[i].place.data < next->place.data))
            next = &edits[i];
    return next;
}

bool
append_rewritten(struct buffer *b, struct str message, const struct rewrite *edits, size_t count)
{
    const char *at  = message.data;
    const char *end = message.data + message.len;

    for (const struct rewrite *e; (e = next_edit(edits, count, at)) != NULL; at = e->place.data + e->place.len)
        if (!buffer_append(b, str_of(at, (size_t)(e->place.data - at))) || !buffer_append(b, e->with))
            return false;
    return buffer_append(b, str_of(at, (size_t)(end - at)));
}

bool
rewrite_one(struct str *message, struct rewrite edit, bool over, struct buffer *copy)
{
    if (over && edit.place.data != NULL && lent_replace(message, edit.place, edit.with))
        return true;
    if (!append_rewritten(copy, *message, &edit, 1))
        return false;
    *message = buffer_str(copy);
    return true;
}
