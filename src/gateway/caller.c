#include "gateway/caller.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/live.h"
#include "base/random.h"
#include "mcp/header_rules.h"

/* One piece of memory: itself, its fields, and the bytes that they lie in: "name\0value\0" each, which is what is
 * hashed, for neither holds a zero. */
struct caller {
    struct callers    *all;
    unsigned           refs;
    uint64_t           number;
    unsigned char      digest[CALLER_KEY];
    size_t             size; /* of all of it */
    size_t             count;
    struct http_header fields[];
};

void
callers_init(struct callers *all)
{
    *all = (struct callers){.by_digest = MAP_OF(struct caller *, SIZE_MAX)};
    random_bytes(all->key, sizeof all->key);
}

void
callers_clear(struct callers *all)
{
    map_clear(&all->by_digest);
    OPENSSL_cleanse(all->key, sizeof all->key);
}

static bool
counts(const struct http_headers *headers, const struct http_header *field, struct str withheld)
{
    bool is_ours =
        withheld.len > 0 && str_eq_nocase(field->name, STR("authorization")) && str_find(field->value, withheld) >= 0;

    return !is_ours && header_may_leave(headers, field->name) && header_is_of_caller(field->name);
}

static char *
append(char *to, struct str bytes)
{
    if (bytes.len > 0)
        memcpy(to, bytes.data, bytes.len);
    to[bytes.len] = '\0';
    return to + bytes.len + 1;
}

static void
wipe(struct caller *c)
{
    OPENSSL_cleanse(c, c->size);
    free(c);
}

static struct str
digest_of(const struct caller *c)
{
    return str_of((const char *)c->digest, sizeof c->digest);
}

/* With `count` fields of `bytes`, nobody's yet. NULL: no memory. */
static struct caller *
copy_fields(struct callers *all, const struct http_headers *headers, struct str withheld, size_t count, size_t bytes)
{
    size_t         head = sizeof(struct caller) + count * sizeof(struct http_header), made;
    struct caller *c    = malloc(head + bytes);

    if (c == NULL)
        return NULL;
    char *first = (char *)c + head, *at = first;
    *c = (struct caller){.all = all, .size = head + bytes};
    for (size_t i = 0; i < headers->count; i++) {
        const struct http_header *field = &headers->items[i];
        if (!counts(headers, field, withheld))
            continue;
        char *value           = append(at, field->name);
        c->fields[c->count++] = (struct http_header){str_of(at, field->name.len), str_of(value, field->value.len)};
        at                    = append(value, field->value);
    }
    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, all->key, sizeof all->key, (const unsigned char *)first, bytes,
                  c->digest, sizeof c->digest, &made) != NULL)
        return c;
    wipe(c);
    return NULL;
}

/* The one that there is already, or `c`. NULL: no memory. */
static struct caller *
enlist(struct caller *c)
{
    struct caller **slot = map_get_or_add(&c->all->by_digest, digest_of(c));

    if (slot == NULL || *slot != NULL) {
        struct caller *known = slot == NULL ? NULL : caller_ref(*slot);
        wipe(c);
        return known;
    }
    *slot     = c;
    c->refs   = 1;
    c->number = ++c->all->last;
    live_begin(LIVE_CALLERS);
    return c;
}

bool
caller_find(struct callers *all, const struct http_headers *headers, struct str withheld, struct caller **found,
            struct error *err)
{
    size_t count = 0, bytes = 0;

    *found = NULL;
    for (size_t i = 0; i < headers->count; i++) {
        if (!counts(headers, &headers->items[i], withheld))
            continue;
        count++;
        bytes += headers->items[i].name.len + headers->items[i].value.len + 2;
    }
    if (count > CALLER_FIELDS_MAX || bytes > CALLER_BYTES_MAX)
        return error_set(err, ERROR_TOO_LARGE, "too many header fields, or too large ones, to go over the bridge");
    if (count == 0)
        return true;
    struct caller *c = copy_fields(all, headers, withheld, count, bytes);
    *found           = c == NULL ? NULL : enlist(c);
    return *found != NULL || error_set(err, ERROR_MEMORY, "no memory");
}

struct caller *
caller_ref(struct caller *c)
{
    if (c != NULL)
        c->refs++;
    return c;
}

void
caller_unref(struct caller *c)
{
    if (c == NULL || --c->refs > 0)
        return;
    map_remove(&c->all->by_digest, digest_of(c));
    live_end(LIVE_CALLERS);
    wipe(c);
}

uint64_t
caller_number(const struct caller *c)
{
    return c == NULL ? 0 : c->number;
}

struct http_headers
caller_fields(const struct caller *c)
{
    struct http_headers fields = {0};

    if (c != NULL)
        fields = (struct http_headers){(struct http_header *)(uintptr_t)c->fields, c->count};
    return fields;
}
