/* Answers of a server. The first byte says where to cut and whether HEAD was asked: an answer means the same however it
 * is cut, and nothing is told after it is whole or broken. */
#include <assert.h>

#include "http/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    struct buffer head, body;
    unsigned      heads;
};

static void
on_head(void *owner, int status, const struct http_headers *headers)
{
    struct told *t = owner;

    assert(t->heads++ == 0);
    assert(status >= 200 && status <= 599);
    buffer_printf(&t->head, "%d\n", status);
    for (size_t i = 0; i < headers->count; i++) {
        assert(headers->items[i].name.len > 0);
        buffer_append(&t->head, headers->items[i].name);
        buffer_append_char(&t->head, ':');
        buffer_append(&t->head, headers->items[i].value);
        buffer_append_char(&t->head, '\n');
    }
}

static void
on_data(void *owner, struct str bytes)
{
    struct told *t = owner;

    assert(t->heads == 1 && bytes.len > 0);
    assert(buffer_append(&t->body, bytes));
}

static const struct response_events events = {on_head, on_data};
static struct blocks                heads  = {.size = NET_HEAD_BLOCK}; /* none kept */

struct outcome {
    struct told told;
    bool        ok, whole, keeps_alive;
    size_t      rest;
};

static struct outcome
read_answer(struct str bytes, size_t step, bool to_head)
{
    struct outcome  o = {.told = {.head.max = MIB(4), .body.max = MIB(4)}, .ok = true};
    struct response r;
    struct str      rest = STR_NONE;

    response_init(&r, &heads, 1024, 8, &events, &o.told);
    response_begin(&r, to_head);
    size_t at = 0;
    while (at < bytes.len && o.ok && r.state != RESPONSE_WHOLE) {
        struct str piece = str_take(str_skip(bytes, at), step);
        char      *copy  = malloc(piece.len);
        memcpy(copy, piece.data, piece.len);
        o.ok = response_feed(&r, str_of(copy, piece.len), &rest, NULL);
        at += piece.len;
        free(copy);
    }
    o.rest = bytes.len - at + rest.len;
    if (o.ok && r.state != RESPONSE_WHOLE)
        response_finish(&r, NULL);
    o.whole       = r.state == RESPONSE_WHOLE;
    o.keeps_alive = o.whole && r.keeps_alive;
    response_clear(&r);
    return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > KIB(64))
        return 0;
    struct str     bytes = str_of((const char *)data + 1, size - 1);
    bool           head  = (data[0] & 1) != 0;
    struct outcome once  = read_answer(bytes, bytes.len + 1, head);
    struct outcome cut   = read_answer(bytes, (size_t)(data[0] >> 1) + 1, head);

    if (once.whole && cut.whole) {
        assert(str_eq(buffer_str(&once.told.head), buffer_str(&cut.told.head)));
        assert(str_eq(buffer_str(&once.told.body), buffer_str(&cut.told.body)));
        assert(once.rest == cut.rest && once.keeps_alive == cut.keeps_alive);
    }
    /* What stands behind a limit may be seen sooner or later; else both ways agree. */
    if (size < 1024)
        assert(once.whole == cut.whole);
    struct outcome *all[] = {&once, &cut};
    for (int i = 0; i < 2; i++) {
        buffer_clear(&all[i]->told.head);
        buffer_clear(&all[i]->told.body);
    }
    return 0;
}
