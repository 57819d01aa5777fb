/* src/base/map.h: from a key of bytes to a fixed-size value.
 *
 * The hash is keyed per process (SipHash-1-3), so keys may come from outside. Keys are copied. Pointers to values stay
 * good until the next insertion. */
#ifndef GATEHOUSE_BASE_MAP_H
#define GATEHOUSE_BASE_MAP_H

#include "base/str.h"

struct map_entry;

struct map {
    struct map_entry **slots; /* NULL until first used */
    size_t             cap;
    size_t             count;
    size_t             max; /* most entries */
    size_t             value_size;
};

#define MAP_OF(type, max_entries) ((struct map){.value_size = sizeof(type), .max = (max_entries)})

/* The value, or NULL. */
void *map_get(const struct map *m, struct str key);
/* The value, zeroed when the key is new. NULL: `max` entries are there, or no memory. */
void *map_get_or_add(struct map *m, struct str key);
/* False when it was not there. */
bool map_remove(struct map *m, struct str key);
/* Calls `each` for all entries in no order; `each` may not change the map. Stops when it returns false. */
void map_each(const struct map *m, bool (*each)(struct str key, void *value, void *arg), void *arg);
/* Frees everything; it may be used again. */
void map_clear(struct map *m);

/* A 64-bit number as a key. */
#define MAP_KEY_U64(variable) str_of((const char *)&(variable), sizeof(uint64_t))

uint64_t hash_bytes(struct str s);

#endif
