/* JSON-RPC messages and batches of them: what is found lies in the message, and a message whose id and tokens were
 * written anew says the same otherwise. */
#include <assert.h>
#include <stdlib.h>

#include "mcp/rewrite.h"

#include "exchange/envelope.h"
#include "exchange/skim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
lies_in(struct str part, struct str whole)
{
    return part.data == NULL || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void
check_same(const struct envelope *a, const struct envelope *b, struct str number)
{
    assert(a->kind == b->kind && a->error_code == b->error_code && a->is_tool_error == b->is_tool_error);
    assert(str_eq(a->method, b->method) && str_eq(a->target, b->target) && str_eq(a->level, b->level));
    assert(str_eq(a->revision, b->revision) && str_eq(a->modern_revision, b->modern_revision));
    assert(str_eq(a->capabilities, b->capabilities) && str_eq(a->result, b->result));
    assert(str_eq(a->peer_name, b->peer_name) && str_eq(a->peer_version, b->peer_version));
    assert((a->id.data == NULL && b->id.data == NULL) || str_eq(b->id, number));
    assert((a->progress_token.data == NULL && b->progress_token.data == NULL) || str_eq(b->progress_token, number));
    assert((a->cancelled_id.data == NULL && b->cancelled_id.data == NULL) || str_eq(b->cancelled_id, number));
}

static bool
take(struct str message, void *arg)
{
    struct arena   *arena = arg;
    struct envelope e, again;
    struct buffer   text   = {.max = MIB(1)};
    struct str      number = STR("18446744073709551615");

    if (!envelope_parse(&e, message, arena, NULL))
        return true;
    assert(lies_in(e.id, message) && lies_in(e.progress_token, message) && lies_in(e.cancelled_id, message));
    assert(lies_in(e.result, message));
    struct rewrite edits[] = {{e.id, number}, {e.progress_token, number}, {e.cancelled_id, number}};
    assert(append_rewritten(&text, message, edits, 3));
    assert(envelope_parse(&again, buffer_str(&text), arena, NULL));
    check_same(&e, &again, number);
    struct rewrite back[] = {
        {again.id, e.id}, {again.progress_token, e.progress_token}, {again.cancelled_id, e.cancelled_id}};
    struct buffer first = {.max = MIB(1)};
    assert(append_rewritten(&first, buffer_str(&text), back, 3));
    assert(str_eq(buffer_str(&first), message));
    buffer_clear(&first);
    buffer_clear(&text);
    return true;
}

/* However a message is cut, the same is found in it. Each piece ends where its memory does. */
static void
skim_in_pieces(struct str message, const struct skim *whole, bool ok)
{
    struct skim s;
    uint32_t    seed = (uint32_t)message.len * 2654435761U;
    size_t      come = 0;

    skim_begin(&s);
    while (come < message.len) {
        seed     = seed * 1664525U + 1013904223U;
        size_t n = seed >> 29 == 0 ? seed >> 16 & 0xfff : seed >> 24 & 7;
        come += n < message.len - come ? n : message.len - come;
        char *so_far = malloc(come > 0 ? come : 1);
        memcpy(so_far, message.data, come);
        skim_feed(&s, str_of(so_far, come));
        free(so_far);
    }
    assert(skim_end(&s, message, NULL) == ok && s.count == whole->count && s.at == whole->at);
    assert(str_eq(buffer_str(&s.text), buffer_str(&whole->text)) && str_eq(s.result, whole->result));
    assert(memcmp(s.pieces, whole->pieces, s.count * sizeof s.pieces[0]) == 0);
    skim_clear(&s);
}

/* What is kept of a large message is JSON again, and stands where it says. */
static void
skim(struct str message, struct arena *arena)
{
    struct skim     s;
    struct envelope e;
    struct error    err = {0};
    size_t          count;

    skim_begin(&s);
    bool ok = skim_end(&s, message, NULL);
    if (message.len <= KIB(4)) /* each piece copies all before it */
        skim_in_pieces(message, &s, ok);
    if (ok) {
        for (size_t i = 0; i < s.count; i++)
            assert(memcmp(message.data + s.pieces[i].from, s.text.data + s.text.from + s.pieces[i].at,
                          s.pieces[i].len) == 0);
        if (!envelope_parse(&e, buffer_str(&s.text), arena, &err))
            assert(str_find(str_from(err.text), STR("not JSON:")) < 0 ||
                   str_find(str_from(err.text), STR("surrogate")) >= 0 || str_index(message, '\\') >= 0);
    }
    skim_clear(&s);
    skim_array(message, &count, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > KIB(64))
        return 0;
    char         *copy  = malloc(size > 0 ? size : 1); /* no byte behind it */
    struct str    text  = str_of(copy, size);
    struct arena *arena = arena_new(KIB(8), MIB(16));

    memcpy(copy, data, size);
    if (message_is_batch(text))
        batch_each(text, take, arena, NULL);
    else
        take(text, arena);
    skim(text, arena);
    arena_free(arena);
    free(copy);
    return 0;
}
