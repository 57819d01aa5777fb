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

static char *
put_piece(struct record *r, const char *head, size_t head_len, struct str text)
{
    char *at = r->last->data + r->last->len;

    memcpy(at, head, head_len);
    if (text.len > 0)
        memcpy(at + head_len, text.data, text.len);
    r->last->len += (uint32_t)(head_len + text.len);
    return at;
}

/* In a chunk of its own; `text` lies in `lent`. NULL: no memory. */
static char *
put_piece_apart(struct record *r, const char *head, size_t head_len, struct lent *lent, struct str text)
{
    if (!pool_take_lent(r->pool, r, lent, text))
        return NULL;
    char *at     = put_piece(r, head, head_len, STR_NONE);
    r->last->cap = r->last->len; /* nothing goes behind it */
    return at;
}

/* `lent`: what the text lies in; NULL: it is copied. Chunks that pieces are copied to keep room for the head of a hole.
 */
static bool
add_piece(struct record *r, uint8_t flags, int64_t after_us, struct str text, struct lent *lent)
{
    char   head[PIECE_HEAD_MAX];
    size_t head_len = piece_head(head, flags, after_us, text.len);
    size_t room     = head_len + text.len + PIECE_HEAD_MAX;

    if (lent != NULL) {
        if (put_piece_apart(r, head, head_len, lent, text) == NULL)
            return false;
    } else {
        if (r->last->cap - r->last->len < room && !pool_take_chunk(r->pool, r, room, false))
            return false;
        put_piece(r, head, head_len, text);
    }
    r->hole = NULL;
    return true;
}

/* In place of what cannot be kept stands a piece without text that says so; one for all that is missing in a row. */
static bool
add_hole(struct record *r, uint8_t flags, int64_t after_us)
{
    char   head[PIECE_HEAD_MAX];
    size_t head_len = piece_head(head, flags | PIECE_HOLE, after_us, 0);

    if (r->hole != NULL && ((uint8_t)*r->hole & PIECE_FROM_SERVER) == (flags & PIECE_FROM_SERVER)) {
        *r->hole = (char)(((uint8_t)*r->hole & ~PIECE_CONTINUES) | (flags & PIECE_CONTINUES));
        return true;
    }
    r->hole = r->last->cap - r->last->len >= head_len ? put_piece(r, head, head_len, STR_NONE)
                                                      : put_piece_apart(r, head, head_len, NULL, STR_NONE);
    r->torn |= r->hole == NULL;
    return r->hole != NULL;
}

/* What is lent is kept as it lies when the message is most of it, and there is room for all. Else the message is
 * copied, of a large one its begin: `*most` bytes. */
static struct lent *
keep_lent(struct record *r, struct str bytes, size_t *most)
{
    struct lent *lent = lent_keep(bytes);

    *most = SIZE_MAX;
    if (lent == NULL || (bytes.len >= lent_str(lent).len / 2 && pool_pay_lent(r->pool, r, lent)))
        return lent;
    if (bytes.len >= lent_str(lent).len / 2)
        *most = LENT_MIN;
    lent_unref(lent);
    return NULL;
}

bool
record_add(struct record *r, enum message_from from, wall_time at, struct str bytes, bool continues)
{
    int64_t      after = at - traffic_id_time(r->id);
    size_t       most, kept = 0;
    struct lent *lent = keep_lent(r, bytes, &most);
    bool         ok   = true;

    do {
        struct str text  = str_take(bytes, PIECE_MAX);
        uint8_t    flags = from == FROM_SERVER ? PIECE_FROM_SERVER : 0;

        bytes = str_skip(bytes, text.len);
        flags |= r->continues ? PIECE_CONTINUED : 0;
        flags |= continues || bytes.len > 0 ? PIECE_CONTINUES : 0;
        /* What is kept of a message is its begin. */
        bool is_behind_hole = r->hole != NULL && (flags & PIECE_CONTINUED) != 0;
        bool is_kept        = !is_behind_hole && kept < most && add_piece(r, flags, after, text, lent);
        ok                  = is_kept || add_hole(r, flags, after);
        if (!ok)
            break;
        r->continues = (flags & PIECE_CONTINUES) != 0;
        *(from == FROM_SERVER ? &r->bytes_out : &r->bytes_in) += text.len;
        kept += is_kept ? text.len : 0;
        r->missing += is_kept ? 0 : text.len;
    } while (bytes.len > 0);
    lent_unref(lent);
    return ok;
}

void
record_tear(struct record *r)
{
    if (r != NULL)
        r->torn = true;
}

size_t
record_size(const struct record *r)
{
    return (size_t)(r->bytes_in + r->bytes_out - r->missing);
}

void
record_free(struct traffic *t, struct record *r)
{
    if (r == NULL)
        return;
    labels_unref(r->labels);
    pool_give(traffic_pool(t), r);
}
