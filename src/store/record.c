#include "store/pool.h"

#include "store/traffic.h"

/* The numbers lie in databases: they never change. */
static const char *const kinds[KINDS] = {
    [KIND_REQUEST] = "request", [KIND_NOTIFICATION] = "notification", [KIND_REPLY] = "reply", [KIND_STREAM] = "stream",
    [KIND_DELETE] = "delete",
};

static const char *const outcomes[OUTCOMES] = {
    [OUTCOME_OK]          = "ok",
    [OUTCOME_ERROR]       = "error",
    [OUTCOME_CANCELLED]   = "cancelled",
    [OUTCOME_TIMED_OUT]   = "timed_out",
    [OUTCOME_UNREACHABLE] = "unreachable",
    [OUTCOME_CUT]         = "cut",
    [OUTCOME_REFUSED]     = "refused",
};

const char *
kind_name(enum exchange_kind kind)
{
    return (unsigned)kind < KINDS ? kinds[kind] : NULL;
}

const char *
outcome_name(enum outcome outcome)
{
    return (unsigned)outcome < OUTCOMES ? outcomes[outcome] : NULL;
}

struct record *
record_new(struct traffic *t, uint64_t id, struct labels *l)
{
    struct record *r = pool_take(traffic_pool(t));

    if (r == NULL)
        return NULL;
    r->id     = id;
    r->labels = labels_ref(l);
    return r;
}

void
record_set_labels(struct record *r, struct labels *l)
{
    labels_ref(l);
    labels_unref(r->labels);
    r->labels = l;
}

/* `lent`: what the text lies in; NULL: it is copied. */
static bool
add_piece(struct record *r, uint8_t flags, int64_t after_us, struct str text, struct lent *lent)
{
    char   head[PIECE_HEAD_MAX];
    size_t head_len = piece_head(head, flags, after_us, text.len);

    if (lent != NULL && pool_take_lent(r, lent, text)) {
        memcpy(r->last->data, head, head_len);
        r->last->len = r->last->cap = (uint32_t)head_len; /* nothing goes behind it */
        return true;
    }
    if (r->last->cap - r->last->len < head_len + text.len && !pool_take_chunk(r->pool, r, head_len + text.len)) {
        r->torn = true;
        return false;
    }
    char *at = r->last->data + r->last->len;
    memcpy(at, head, head_len);
    if (text.len > 0)
        memcpy(at + head_len, text.data, text.len);
    r->last->len += (uint32_t)(head_len + text.len);
    return true;
}

bool
record_add(struct record *r, enum message_from from, wall_time at, struct str bytes, bool continues)
{
    int64_t      after = at - traffic_id_time(r->id);
    struct lent *lent  = lent_keep(bytes);
    bool         ok    = true;

    do {
        struct str text  = str_take(bytes, PIECE_MAX);
        uint8_t    flags = from == FROM_SERVER ? PIECE_FROM_SERVER : 0;

        bytes = str_skip(bytes, text.len);
        flags |= r->continues ? PIECE_CONTINUED : 0;
        flags |= continues || bytes.len > 0 ? PIECE_CONTINUES : 0;
        ok = add_piece(r, flags, after, text, lent);
        if (!ok)
            break;
        r->continues = (flags & PIECE_CONTINUES) != 0;
        *(from == FROM_SERVER ? &r->bytes_out : &r->bytes_in) += text.len;
    } while (bytes.len > 0);
    lent_unref(lent);
    return ok;
}

size_t
record_size(const struct record *r)
{
    return (size_t)(r->bytes_in + r->bytes_out);
}

void
record_free(struct traffic *t, struct record *r)
{
    if (r == NULL)
        return;
    labels_unref(r->labels);
    pool_give(traffic_pool(t), r);
}
