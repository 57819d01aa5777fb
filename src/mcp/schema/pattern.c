#include "mcp/schema/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    PATTERN_LIMIT  = 20000, /* backtracks from one place */
    CHEAP_LIMIT    = 300,   /* those that cost nothing extra: what ordinary patterns need */
    COST_OF_CHEAP  = 20,    /* steps of a call */
    COST_OF_LIMIT  = 2000,  /* steps of a place that needs more */
    BYTES_PER_STEP = 1024,  /* that a repeated class runs over */
    HEAP_KIB       = 4096,
};

struct pattern {
    pcre2_code *code;
    bool        anchored; /* only the first place matters */
};

struct pattern_runner {
    pcre2_general_context *memory;
    pcre2_match_context   *limits;
    pcre2_match_data      *data;
};

static void *
take(size_t len, void *arena)
{
    return arena_alloc(arena, len);
}

static void
leave(void *at, void *arena)
{
    (void)at;
    (void)arena;
}

static void *
take_of_heap(size_t len, void *none)
{
    (void)none;
    return malloc(len);
}

static void
give_back(void *at, void *none)
{
    (void)none;
    free(at);
}

static bool
compile(struct pattern *p, struct str text, pcre2_general_context *memory, struct error *err)
{
    /* \u and \x are translated: PCRE2_ALT_BSUX would take \x{...} away. */
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF |
                       PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP | PCRE2_USE_OFFSET_LIMIT;
    uint32_t               found = 0;
    int                    code;
    size_t                 offset;
    pcre2_compile_context *context = pcre2_compile_context_create(memory);

    if (context == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for a pattern");
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    p->code = pcre2_compile((PCRE2_SPTR)(text.len == 0 ? "" : text.data), text.len, options, &code, &offset, context);
    if (p->code == NULL) {
        char why[120] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        return error_set(err, code == PCRE2_ERROR_HEAP_FAILED ? ERROR_MEMORY : ERROR_INVALID, "%s", why);
    }
    pcre2_pattern_info(p->code, PCRE2_INFO_ALLOPTIONS, &found);
    p->anchored = (found & PCRE2_ANCHORED) != 0;
    return true;
}

struct pattern *
pattern_compile(struct arena *a, struct str text, struct error *err)
{
    struct pattern        *p          = ARENA_NEW(a, struct pattern);
    pcre2_general_context *memory     = pcre2_general_context_create(take, leave, a);
    struct buffer          translated = {.max = (size_t)PATTERN_LEN_MAX * 64};
    bool                   ok         = false;

    if (p == NULL || memory == NULL)
        error_set(err, ERROR_MEMORY, "no memory for a pattern");
    else if (text.len > PATTERN_LEN_MAX)
        error_set(err, ERROR_INVALID, "is longer than %d bytes", PATTERN_LEN_MAX);
    else
        ok = pattern_translate(text, &translated, err) && compile(p, buffer_str(&translated), memory, err);
    buffer_clear(&translated);
    return ok ? p : NULL;
}

struct pattern_runner *
pattern_runner_new(void)
{
    struct pattern_runner *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->memory = pcre2_general_context_create(take_of_heap, give_back, NULL);
    r->limits = r->memory == NULL ? NULL : pcre2_match_context_create(r->memory);
    r->data   = r->limits == NULL ? NULL : pcre2_match_data_create(1, r->memory);
    if (r->data == NULL) {
        pattern_runner_free(r);
        return NULL;
    }
    pcre2_set_heap_limit(r->limits, HEAP_KIB);
    return r;
}

void
pattern_runner_free(struct pattern_runner *r)
{
    if (r == NULL)
        return;
    pcre2_match_data_free(r->data);
    pcre2_match_context_free(r->limits);
    pcre2_general_context_free(r->memory);
    free(r);
}

static bool
charge(uint64_t *steps, uint64_t count)
{
    *steps = *steps > count ? *steps - count : 0;
    return *steps > 0;
}

/* Tries the places from `from` to `to`. */
static int
try_places(const struct pattern *p, struct str text, size_t from, size_t to, uint32_t limit, struct pattern_runner *r)
{
    PCRE2_SPTR at = (PCRE2_SPTR)(text.data == NULL ? "" : text.data);

    pcre2_set_match_limit(r->limits, limit);
    pcre2_set_offset_limit(r->limits, to);
    return pcre2_match(p->code, at, text.len, from, PCRE2_NO_UTF_CHECK, r->data, r->limits);
}

static enum pattern_answer
answer_of(int code)
{
    if (code >= 0)
        return PATTERN_MATCHES;
    if (code == PCRE2_ERROR_NOMATCH)
        return PATTERN_FAILS;
    return code == PCRE2_ERROR_NOMEMORY ? PATTERN_NO_MEMORY : PATTERN_GIVEN_UP;
}

enum pattern_answer
pattern_matches(const struct pattern *p, struct str text, struct pattern_runner *r, uint64_t *steps)
{
    size_t places = 1; /* at a time: most patterns match, or are anchored, at the first */

    for (size_t from = 0; from <= text.len; places *= 2) {
        size_t to = text.len - from < places ? text.len : from + places - 1;
        while (to + 1 < text.len && ((unsigned char)text.data[to + 1] & 0xC0) == 0x80)
            to++; /* the next is to start with a whole character */
        size_t tried = p->anchored ? 1 : to - from + 1;
        if (!charge(steps, COST_OF_CHEAP + tried * ((text.len - from) / BYTES_PER_STEP)))
            return PATTERN_GIVEN_UP;
        int code = try_places(p, text, from, to, CHEAP_LIMIT, r);
        if (code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_HEAPLIMIT) {
            if (!charge(steps, tried * COST_OF_LIMIT))
                return PATTERN_GIVEN_UP;
            code = try_places(p, text, from, to, PATTERN_LIMIT, r);
        }
        if (code != PCRE2_ERROR_NOMATCH || p->anchored)
            return answer_of(code);
        from = to + 1;
    }
    return PATTERN_FAILS;
}
