#include "store/pool.h"

#include <sys/mman.h>

/* A large chunk is whole pages, a page more than a piece. */
enum { RECORD_MEMORY = 2048, MIDDLE_MEMORY = 16 * 1024, LARGE_MEMORY = PIECE_MAX + 4096 };
/* What stays when all is quiet: about 5 MiB at most. */
enum { RECORDS_KEPT = 1536, MIDDLE_KEPT = 64, LARGE_KEPT = 16 };

static const struct {
    size_t memory;
    size_t kept;
} sizes[CHUNK_SIZES] = {
    [CHUNK_MIDDLE] = {MIDDLE_MEMORY, MIDDLE_KEPT},
    [CHUNK_LARGE]  = {LARGE_MEMORY, LARGE_KEPT},
};

/* Large ones are mapped, each by itself: freed among what stays, they would leave holes in the heap, resident though
 * nobody holds them, beside what others may take of the budget then. */
static struct chunk *
chunk_new(enum chunk_size size)
{
    if (size != CHUNK_LARGE)
        return malloc(sizes[size].memory);
    void *mapped = mmap(NULL, LARGE_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static void
chunk_free(struct chunk *c, enum chunk_size size)
{
    if (size == CHUNK_LARGE)
        munmap(c, LARGE_MEMORY);
    else
        free(c);
}

static void
take_back(struct pool *p)
{
    struct record *r = atomic_load_explicit(&p->returned, memory_order_relaxed);

    if (r != NULL) /* it is looked at each turn, and mostly empty */
        r = atomic_exchange_explicit(&p->returned, NULL, memory_order_acquire);
    while (r != NULL) {
        struct record *next = r->next;
        pool_give(p, r);
        r = next;
    }
}

void
pool_settle(void *pool)
{
    struct pool *p = pool;

    take_back(p);
    size_t beyond = p->held > p->share ? p->held - p->share : 0;
    if (p->taken <= beyond)
        return;
    budget_give(p->budget, p->taken - beyond);
    p->taken = beyond;
}

/* Makes sure that all records, and `more`, are paid for. */
static bool
pay(struct pool *p, size_t more)
{
    if (p->budget == NULL || p->held + more <= p->share + p->taken)
        return true;
    pool_settle(p);
    size_t most = p->share + p->taken;
    if (p->held + more <= most)
        return true;
    size_t due = p->held + more - most;
    if (p->taken + due > p->budget->max / 4 || !budget_take(p->budget, due))
        return false;
    p->taken += due;
    return true;
}

struct record *
pool_take(struct pool *p)
{
    if (p->records == NULL)
        take_back(p);
    struct record *r = p->records;
    if (r != NULL) {
        p->records = r->next;
        p->record_count--;
    } else {
        r = malloc(RECORD_MEMORY);
        if (r == NULL)
            return NULL;
    }
    p->held += RECORD_MEMORY;
    struct chunk *inside = (struct chunk *)(void *)(r + 1);
    *r                   = (struct record){.pool = p, .first = inside, .last = inside, .held = RECORD_MEMORY};
    *inside              = (struct chunk){.size = CHUNK_INSIDE, .data = (char *)(inside + 1)};
    inside->cap          = (uint32_t)(RECORD_MEMORY - sizeof *r - sizeof *inside);
    return r;
}

bool
pool_take_chunk(struct pool *p, struct record *r, size_t room, bool must)
{
    enum chunk_size size =
        room + sizeof(struct chunk) <= MIDDLE_MEMORY && r->held < MIDDLE_MEMORY ? CHUNK_MIDDLE : CHUNK_LARGE;

    if (!pay(p, sizes[size].memory) && !must)
        return false;
    if (p->chunks[size] == NULL)
        take_back(p);
    struct chunk *c = p->chunks[size];
    if (c != NULL) {
        p->chunks[size] = c->next;
        p->chunk_counts[size]--;
    } else {
        c = chunk_new(size);
        if (c == NULL)
            return false;
    }
    *c            = (struct chunk){.size = size, .data = (char *)(c + 1)};
    c->cap        = (uint32_t)(sizes[size].memory - sizeof *c);
    r->last->next = c;
    r->last       = c;
    r->held += sizes[size].memory;
    p->held += sizes[size].memory;
    return true;
}

bool
pool_pay_lent(struct pool *p, struct record *r, const struct lent *lent)
{
    size_t len = lent_str(lent).len;

    if (!pay(p, len))
        return false;
    r->held += len;
    p->held += len;
    return true;
}

bool
pool_take_lent(struct pool *p, struct record *r, struct lent *lent, struct str text)
{
    size_t        memory = sizeof(struct chunk) + PIECE_HEAD_MAX;
    struct chunk *c      = malloc(memory);

    if (c == NULL)
        return false;
    *c            = (struct chunk){.size = CHUNK_LENT, .data = (char *)(c + 1), .lent = lent_ref(lent), .text = text};
    c->cap        = PIECE_HEAD_MAX;
    r->last->next = c;
    r->last       = c;
    r->held += memory;
    p->held += memory;
    return true;
}

void
pool_give(struct pool *p, struct record *r)
{
    p->held -= r->held;
    for (struct chunk *c = r->first->next, *next; c != NULL; c = next) {
        next = c->next;
        lent_unref(c->lent);
        if (p->chunk_counts[c->size] >= sizes[c->size].kept) {
            chunk_free(c, c->size);
            continue;
        }
        c->next            = p->chunks[c->size];
        p->chunks[c->size] = c;
        p->chunk_counts[c->size]++;
    }
    if (p->record_count >= RECORDS_KEPT) {
        free(r);
        return;
    }
    r->next    = p->records;
    p->records = r;
    p->record_count++;
    r->first->next = NULL;
}

/* Memory that large goes back to the kernel, which takes its time: not the network thread's. */
static void
let_go_of_lent(struct record *r)
{
    for (struct chunk *c = r->first->next; c != NULL; c = c->next) {
        lent_unref(c->lent);
        c->lent = NULL;
    }
}

void
pool_return(struct pool *p, struct record *first)
{
    struct record *last = first;

    if (first == NULL)
        return;
    for (;; last = last->next) {
        let_go_of_lent(last);
        if (last->next == NULL)
            break;
    }
    last->next = atomic_load_explicit(&p->returned, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&p->returned, &last->next, first, memory_order_release,
                                                  memory_order_relaxed))
        ;
}

void
pool_clear(struct pool *p)
{
    pool_settle(p);
    for (struct record *r = p->records, *next; r != NULL; r = next) {
        next = r->next;
        free(r);
    }
    for (int size = 0; size < CHUNK_SIZES; size++) {
        for (struct chunk *c = p->chunks[size], *next; c != NULL; c = next) {
            next = c->next;
            chunk_free(c, (enum chunk_size)size);
        }
    }
    *p = (struct pool){0};
}
