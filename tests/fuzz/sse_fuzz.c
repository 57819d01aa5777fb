/* Event streams. The first two bytes choose the limit and where to cut; an event stream means the same however it is
 * cut, and what was understood reads the same when written anew. */
#include <assert.h>

#include "http/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
note(void *owner, const struct sse_event *event)
{
    struct buffer *seen = owner;

    buffer_append(seen, event->type);
    buffer_append_char(seen, '|');
    buffer_append(seen, event->has_id ? event->id : STR("-"));
    buffer_append_char(seen, '|');
    buffer_append(seen, event->data.data != NULL ? event->data : STR("-"));
    buffer_append_char(seen, '|');
    buffer_append(seen, event->retry);
    assert(buffer_append_char(seen, '\n'));
    return true;
}

static bool
write_anew(void *owner, const struct sse_event *event)
{
    note(owner, event);
    struct buffer     text = {.max = MIB(1)}, again = {.max = MIB(1)}, once = {.max = MIB(1)};
    struct sse_parser p;

    assert(sse_format(&text, event));
    sse_init(&p, MIB(1));
    note(&once, event);
    assert(sse_feed(&p, buffer_str(&text), note, &again, NULL));
    bool says_nothing = event->type.len == 0 && !event->has_id && event->retry.len == 0 && event->data.data == NULL;
    assert(says_nothing || str_eq(buffer_str(&once), buffer_str(&again)));
    sse_clear(&p);
    buffer_clear(&text);
    buffer_clear(&again);
    buffer_clear(&once);
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > KIB(64))
        return 0;
    size_t            max = (size_t)data[0] * 16, step = (size_t)data[1] + 1;
    struct str        stream = str_of((const char *)data + 2, size - 2);
    struct buffer     whole = {.max = MIB(4)}, cut = {.max = MIB(4)};
    struct sse_parser p;

    sse_init(&p, max);
    bool ok = sse_feed(&p, stream, write_anew, &whole, NULL);
    sse_clear(&p);
    bool cut_ok = true;
    for (size_t at = 0; cut_ok && at < stream.len; at += step) {
        struct str piece = str_take(str_skip(stream, at), step);
        char      *copy  = malloc(piece.len); /* so that a slice which outlives its piece is seen */
        memcpy(copy, piece.data, piece.len);
        cut_ok = sse_feed(&p, str_of(copy, piece.len), note, &cut, NULL);
        free(copy);
    }
    /* A CRLF that ends an event may be counted as one byte when it is cut in two: at the very limit cut is more
     * lenient. */
    assert(cut_ok || !ok);
    assert(ok ? str_eq(buffer_str(&cut), buffer_str(&whole)) : str_starts(buffer_str(&cut), buffer_str(&whole)));
    assert(p.partial.cap <= max || p.partial.cap == 0);
    sse_clear(&p);
    buffer_clear(&whole);
    buffer_clear(&cut);
    return 0;
}
