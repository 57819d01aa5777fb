#include "child/lines.h"

#include "base/lent.h"

/* What a line that was once long leaves behind is given back; more than this is not kept for the next. */
static const size_t KEPT = KIB(64);

static void
drop_held(struct lines *l)
{
    budget_give(l->budget, buffer_len(&l->held));
    if (l->held.cap > KEPT)
        buffer_clear(&l->held);
    else
        buffer_reset(&l->held);
}

static bool
hold(struct lines *l, struct str part)
{
    if (!budget_take(l->budget, part.len))
        return false;
    if (buffer_append_behind(&l->held, part, LENT_ROOM))
        return true;
    budget_give(l->budget, part.len);
    return false;
}

static struct str
without_return(struct str line)
{
    return str_ends(line, STR("\r")) ? str_take(line, line.len - 1) : line;
}

static bool
give(struct lines *l, struct str line, const struct lines_events *events, void *owner)
{
    line = without_return(line);
    if (line.len <= l->max)
        return events->on_line(owner, line);
    if (l->cut)
        return events->on_line(owner, str_take(line, l->max));
    if (events->on_part != NULL)
        events->on_part(owner, line);
    return events->on_oversize(owner, line.len);
}

/* The line is too long to be held: what there is of it goes, or is given now. */
static bool
start_skipping(struct lines *l, struct str more, const struct lines_events *events, void *owner)
{
    bool go_on = true;

    if (l->cut && buffer_len(&l->held) > 0)
        go_on = events->on_line(owner, str_take(buffer_str(&l->held), l->max));
    else if (events->on_part != NULL)
        events->on_part(owner, buffer_len(&l->held) > 0 ? buffer_str(&l->held) : more);
    l->skipped = buffer_len(&l->held) + more.len;
    drop_held(l);
    return go_on;
}

static bool
end_skipping(struct lines *l, const struct lines_events *events, void *owner)
{
    size_t bytes = l->skipped;

    l->skipped = 0;
    return l->cut || events->on_oversize(owner, bytes);
}

/* `part` belongs to a line whose end has not come. */
static bool
keep(struct lines *l, struct str part, const struct lines_events *events, void *owner)
{
    if (l->skipped > 0) {
        l->skipped += part.len;
        return true;
    }
    size_t most = l->max + 1; /* room for the "\r" of an end */
    size_t room = most - buffer_len(&l->held);
    if (part.len <= room && hold(l, part)) {
        if (events->on_part != NULL && buffer_len(&l->held) > LENT_MIN)
            events->on_part(owner, buffer_str(&l->held));
        return true;
    }
    if (l->cut)
        hold(l, str_take(part, room));
    return start_skipping(l, part, events, owner);
}

/* What is lent is no longer ours to pay for: who keeps it does. */
static bool
give_held(struct lines *l, const struct lines_events *events, void *owner)
{
    struct lent *lent = lent_begin(&l->held);

    if (lent != NULL)
        budget_give(l->budget, lent_str(lent).len);
    bool go_on = give(l, lent != NULL ? lent_str(lent) : buffer_str(&l->held), events, owner);
    lent_end(lent);
    if (lent == NULL && go_on)
        drop_held(l);
    return go_on;
}

/* `part` is the rest of a line that began in an earlier piece. */
static bool
complete(struct lines *l, struct str part, const struct lines_events *events, void *owner)
{
    if (!keep(l, part, events, owner))
        return false;
    if (l->skipped > 0)
        return end_skipping(l, events, owner);
    return give_held(l, events, owner);
}

bool
lines_feed(struct lines *l, struct str bytes, const struct lines_events *events, void *owner)
{
    l->held.max = l->max + 1;
    while (bytes.len > 0) {
        ptrdiff_t end = str_index(bytes, '\n');
        if (end < 0)
            return keep(l, bytes, events, owner);
        struct str part  = str_take(bytes, (size_t)end);
        bool       begun = l->skipped > 0 || buffer_len(&l->held) > 0;
        if (!(begun ? complete(l, part, events, owner) : give(l, part, events, owner)))
            return false;
        bytes = str_skip(bytes, (size_t)end + 1);
    }
    return true;
}

bool
lines_finish(struct lines *l, const struct lines_events *events, void *owner)
{
    if (l->skipped > 0)
        return end_skipping(l, events, owner);
    if (buffer_len(&l->held) == 0)
        return true;
    return complete(l, STR_NONE, events, owner);
}

void
lines_clear(struct lines *l)
{
    drop_held(l);
    buffer_clear(&l->held);
}

void
line_flatten(char *text, size_t len)
{
    static const char ends[] = {'\r', '\n'};

    for (size_t i = 0; i < sizeof ends; i++)
        for (char *at = text; (at = memchr(at, ends[i], (size_t)(text + len - at))) != NULL;)
            *at = ' ';
}
