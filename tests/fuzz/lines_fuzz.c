/* tests/fuzz/lines_fuzz.c: what a child writes, in pieces cut anywhere: the same lines as in one piece, none over the
 * limit, and nothing taken from the budget is kept. The first three bytes choose limit, size of pieces, and cutting. */
#include <assert.h>

#include "child/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    struct buffer text; /* each line with its length before it, which no line can fake */
    size_t        max;
};

static bool
hear(void *owner, struct str line)
{
    struct heard *h = owner;

    assert(line.len <= h->max);
    assert(str_index(line, '\n') < 0);
    return buffer_printf(&h->text, "%zu:", line.len) && buffer_append(&h->text, line);
}

static bool
hear_oversize(void *owner, size_t bytes)
{
    struct heard *h = owner;

    assert(bytes > h->max);
    return buffer_append_char(&h->text, '!');
}

static struct buffer
feed(struct str text, size_t piece, size_t max, bool cut)
{
    static const struct lines_events events = {.on_line = hear, .on_oversize = hear_oversize};
    struct budget                    budget = {.max = MIB(64)};
    struct lines                     lines  = {.max = max, .cut = cut, .budget = &budget};
    struct heard                     heard  = {.text = {.max = MIB(64)}, .max = max};

    for (; text.len > 0; text = str_skip(text, piece))
        lines_feed(&lines, str_take(text, piece), &events, &heard);
    lines_finish(&lines, &events, &heard);
    assert(budget.taken == 0);
    lines_clear(&lines);
    return heard.text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    size_t        max    = data[0];
    size_t        piece  = (size_t)data[1] + 1;
    bool          cut    = (data[2] & 1) != 0;
    struct str    text   = str_of((const char *)data + 3, size - 3);
    struct buffer whole  = feed(text, size, max, cut);
    struct buffer pieces = feed(text, piece, max, cut);

    assert(str_eq(buffer_str(&whole), buffer_str(&pieces)));
    buffer_clear(&whole);
    buffer_clear(&pieces);
    return 0;
}
