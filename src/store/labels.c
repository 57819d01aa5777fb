#include "store/labels.h"

#include "store/labels_cache.h"

/* Cut to LABEL_TEXT_MAX, not inside a UTF-8 character. */
static struct str
cut(struct str s)
{
    size_t len = s.len;

    if (len <= LABEL_TEXT_MAX)
        return s;
    for (len = LABEL_TEXT_MAX; len > 0 && ((uint8_t)s.data[len] & 0xc0) == 0x80; len--)
        ;
    return str_take(s, len);
}

struct labels *
labels_new(const struct label_texts *texts)
{
    struct str  given[LABEL_TEXTS];
    struct str *kept;
    size_t      total = 0;

    memcpy(given, texts, sizeof given);
    if (texts->principal.len == 0)
        given[offsetof(struct label_texts, principal) / sizeof(struct str)] = STR("local");
    for (size_t i = 0; i < LABEL_TEXTS; i++) {
        given[i] = cut(given[i]);
        total += given[i].len;
    }
    struct labels *l = calloc(1, sizeof *l + total);
    if (l == NULL)
        return NULL;
    atomic_init(&l->references, 1);
    kept     = (struct str *)(void *)&l->texts;
    char *at = l->bytes;
    for (size_t i = 0; i < LABEL_TEXTS; i++) {
        if (given[i].len > 0)
            memcpy(at, given[i].data, given[i].len);
        kept[i] = str_of(at, given[i].len);
        at += given[i].len;
    }
    return l;
}

struct labels *
labels_ref(struct labels *l)
{
    atomic_fetch_add_explicit(&l->references, 1, memory_order_relaxed);
    return l;
}

void
labels_unref(struct labels *l)
{
    if (l != NULL && atomic_fetch_sub_explicit(&l->references, 1, memory_order_acq_rel) == 1)
        free(l);
}

const struct label_texts *
labels_texts(const struct labels *l)
{
    return &l->texts;
}
