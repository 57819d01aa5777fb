#include "snapshots_life.h"

#include "power.h"
#include "test.h"

const struct snapshot_limits life_limits = {.size = 1 << 20, .quota = (uint64_t)1 << 30};

void
life_text(uint64_t seed, struct arena *a, struct snapshot_text *out)
{
    static const char *const words[] = {"the",  "parser", "fails",  "on",    "größe",
                                        "next", "try",    "数据库", "build", "and"};
    uint64_t                 random  = seed;
    size_t                   most    = next_random(&random) % 8 == 0 ? 20000 : 900;
    size_t                   len     = 100 + next_random(&random) % most;
    struct buffer            context = {.max = MIB(1)};

    while (buffer_len(&context) < len) {
        bool ok = buffer_printf(&context, "%s ", words[next_random(&random) % (sizeof words / sizeof words[0])]);
        assert_true(ok);
    }
    *out         = (struct snapshot_text){.importance = 3};
    out->summary = arena_printf(a, "summary of %016llx", (unsigned long long)seed);
    out->context = arena_str(a, buffer_str(&context));
    out->name    = seed % 3 == 0 ? arena_printf(a, "name-%d", (int)(seed % 7)) : STR_NONE;
    assert_true(out->summary.len > 0 && out->context.len > 0);
    buffer_clear(&context);
}

bool
life_is_text(uint64_t seed, struct arena *a, const struct snapshot_text *text)
{
    struct snapshot_text wanted;

    life_text(seed, a, &wanted);
    return str_eq(text->summary, wanted.summary) && str_eq(text->context, wanted.context) &&
           str_eq(text->name, wanted.name);
}

static uint64_t
mix(uint64_t hash, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 1099511628211u;
    return (hash ^ text.len) * 1099511628211u;
}

static uint64_t
digest_one(struct snapshot_db *db, const struct snapshot *newest, struct arena *a, const char *where)
{
    uint64_t     hash = 14695981039346656037u ^ (uint64_t)newest->id ^ (newest->deleted != 0 ? 1u << 31 : 0);
    struct error err  = {0};

    for (uint32_t version = 1; version <= newest->version; version++) {
        struct snapshot_which which = {.id = newest->id, .version = version, .from_bin = true};
        struct snapshot       s;
        if (!snapshot_load(db, &which, a, &s, &err))
            fail_msg("%s: version %u of %d: %s", where, version, (int)newest->id, err.text);
        hash = mix(mix(mix(hash, s.text.summary), s.text.context), s.text.name) ^ (uint64_t)s.changed ^ version;
    }
    return hash;
}

static uint64_t
digest_list(struct snapshot_db *db, bool bin, const char *where)
{
    struct snapshot_filter filter = {.from_bin = bin, .limit = 100};
    struct snapshot_page   page   = {.more = true};
    struct arena          *a      = arena_new(MIB(1), MIB(256));
    struct error           err    = {0};
    uint64_t               sum    = 0;

    assert_non_null(a);
    while (page.more) {
        if (!snapshot_list(db, &filter, a, &page, &err))
            fail_msg("%s: %s", where, err.text);
        for (size_t i = 0; i < page.count; i++)
            sum += digest_one(db, &page.items[i], a, where);
        if (page.count > 0) {
            filter.before    = page.items[page.count - 1].created;
            filter.before_id = page.items[page.count - 1].id;
        }
    }
    arena_free(a);
    return sum;
}

uint64_t
life_digest(struct snapshot_db *db, const char *where)
{
    return digest_list(db, false, where) + 31 * digest_list(db, true, where);
}
