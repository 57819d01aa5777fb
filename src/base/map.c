#include "base/map.h"

#include <pthread.h>

#include "base/random.h"

struct map_entry {
    struct map_entry *next; /* in the same slot */
    uint64_t          hash;
    size_t            key_len;
    char              bytes[]; /* the value, then the key */
};

static uint64_t key0, key1;

static void
make_keys(void)
{
    random_bytes(&key0, sizeof key0);
    random_bytes(&key1, sizeof key1);
}

static inline uint64_t
rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

#define SIP_ROUND(v0, v1, v2, v3)                                                                                      \
    do {                                                                                                               \
        v0 += v1, v1 = rotate(v1, 13) ^ v0, v0 = rotate(v0, 32);                                                       \
        v2 += v3, v3 = rotate(v3, 16) ^ v2;                                                                            \
        v0 += v3, v3 = rotate(v3, 21) ^ v0;                                                                            \
        v2 += v1, v1 = rotate(v1, 17) ^ v2, v2 = rotate(v2, 32);                                                       \
    } while (0)

/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"). */
uint64_t
hash_bytes(struct str s)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_keys);

    uint64_t    v0 = key0 ^ 0x736f6d6570736575U, v1 = key1 ^ 0x646f72616e646f6dU;
    uint64_t    v2 = key0 ^ 0x6c7967656e657261U, v3 = key1 ^ 0x7465646279746573U;
    const char *p    = s.data;
    size_t      left = s.len;
    uint64_t    word;

    for (; left >= 8; p += 8, left -= 8) {
        memcpy(&word, p, 8);
        v3 ^= word;
        SIP_ROUND(v0, v1, v2, v3);
        v0 ^= word;
    }
    word = 0;
    if (left > 0)
        memcpy(&word, p, left);
    word |= (uint64_t)s.len << 56;
    v3 ^= word;
    SIP_ROUND(v0, v1, v2, v3);
    v0 ^= word;
    v2 ^= 0xFF;
    SIP_ROUND(v0, v1, v2, v3);
    SIP_ROUND(v0, v1, v2, v3);
    SIP_ROUND(v0, v1, v2, v3);
    return v0 ^ v1 ^ v2 ^ v3;
}

static struct str
entry_key(const struct map *m, const struct map_entry *e)
{
    return str_of(e->bytes + m->value_size, e->key_len);
}

static struct map_entry **
find(const struct map *m, struct str key, uint64_t hash)
{
    struct map_entry **at = &m->slots[hash & (m->cap - 1)];

    while (*at != NULL && ((*at)->hash != hash || !str_eq(entry_key(m, *at), key)))
        at = &(*at)->next;
    return at;
}

void *
map_get(const struct map *m, struct str key)
{
    if (m->count == 0)
        return NULL;
    struct map_entry *e = *find(m, key, hash_bytes(key));
    return e == NULL ? NULL : e->bytes;
}

static bool
grow(struct map *m)
{
    size_t             cap   = m->cap == 0 ? 16 : m->cap * 2;
    struct map_entry **slots = calloc(cap, sizeof *slots);

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < m->cap; i++) {
        for (struct map_entry *e = m->slots[i], *next; e != NULL; e = next) {
            next                       = e->next;
            e->next                    = slots[e->hash & (cap - 1)];
            slots[e->hash & (cap - 1)] = e;
        }
    }
    free(m->slots);
    m->slots = slots;
    m->cap   = cap;
    return true;
}

void *
map_get_or_add(struct map *m, struct str key)
{
    uint64_t hash = hash_bytes(key);

    if (m->cap > 0) {
        struct map_entry *e = *find(m, key, hash);
        if (e != NULL)
            return e->bytes;
    }
    if (m->count >= m->max || (m->count >= m->cap && !grow(m)))
        return NULL;
    struct map_entry *e = calloc(1, sizeof *e + m->value_size + key.len);
    if (e == NULL)
        return NULL;
    e->hash    = hash;
    e->key_len = key.len;
    if (key.len > 0)
        memcpy(e->bytes + m->value_size, key.data, key.len);
    e->next                       = m->slots[hash & (m->cap - 1)];
    m->slots[hash & (m->cap - 1)] = e;
    m->count++;
    return e->bytes;
}

bool
map_remove(struct map *m, struct str key)
{
    if (m->count == 0)
        return false;
    struct map_entry **at = find(m, key, hash_bytes(key));
    struct map_entry  *e  = *at;
    if (e == NULL)
        return false;
    *at = e->next;
    m->count--;
    free(e);
    return true;
}

void
map_each(const struct map *m, bool (*each)(struct str key, void *value, void *arg), void *arg)
{
    for (size_t i = 0; i < m->cap; i++)
        for (struct map_entry *e = m->slots[i]; e != NULL; e = e->next)
            if (!each(entry_key(m, e), e->bytes, arg))
                return;
}

void
map_clear(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++) {
        for (struct map_entry *e = m->slots[i], *next; e != NULL; e = next) {
            next = e->next;
            free(e);
        }
    }
    free(m->slots);
    *m = (struct map){.max = m->max, .value_size = m->value_size};
}
