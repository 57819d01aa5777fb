#include "mcp/client/late_mail.h"

enum { KEPT_MOST = 16 << 20 }; /* bytes of a turn, beside the first message */

struct kept {
    struct list node;
    size_t      len;
    char        bytes[];
};

struct queued_mail {
    struct mail mail;
    struct list kept; /* of struct kept, by node; made with the first */
    size_t      kept_bytes;
};

static struct queued_mail *
queued_mail_of(struct mail *m)
{
    return LIST_OF(struct queued_mail, m, mail);
}

static bool
take_message(struct front *front, struct exchange *x, struct str message, bool last)
{
    struct mail        *m = mail_of(front);
    struct queued_mail *q = queued_mail_of(m);
    struct carrier     *c = m->carrier;
    bool fits = q->kept_bytes == 0 || (last && message.len <= KEPT_MOST) || message.len <= KEPT_MOST - q->kept_bytes;
    struct kept *kept = fits ? malloc(sizeof *kept + message.len) : NULL;

    if (kept == NULL)
        return false;
    kept->len = message.len;
    memcpy(kept->bytes, message.data, message.len);
    if (q->kept.next == NULL)
        list_init(&q->kept);
    list_append(&q->kept, &kept->node);
    q->kept_bytes += message.len;
    exchange_begin_answer(x);
    if (c != NULL && c->hooks.on_heard != NULL)
        c->hooks.on_heard(c->hooks.owner, x, 0);
    mail_wait(m);
    return true;
}

static struct kept *
first_kept(const struct queued_mail *q)
{
    return q->kept.next == NULL || list_is_empty(&q->kept) ? NULL : LIST_OF(struct kept, q->kept.next, node);
}

static void
settle(struct mail *m)
{
    struct queued_mail *q = queued_mail_of(m);

    for (struct kept *kept; mail_is_wanted(m) && (kept = first_kept(q)) != NULL;) {
        list_remove(&kept->node);
        q->kept_bytes -= kept->len;
        mail_tell_messages(m, str_of(kept->bytes, kept->len));
        free(kept);
    }
}

static void
clear(struct mail *m)
{
    for (struct kept *kept; (kept = first_kept(queued_mail_of(m))) != NULL;) {
        list_remove(&kept->node);
        free(kept);
    }
}

const struct mail_type late_mail = {.front   = {.message = take_message, .end = mail_end},
                                    .size    = sizeof(struct queued_mail),
                                    .is_late = true,
                                    .settle  = settle,
                                    .clear   = clear};
