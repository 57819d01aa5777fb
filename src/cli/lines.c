#include "cli/lines.h"

struct side {
    struct str *lines;
    size_t      count;
};

struct comparison {
    struct side  before, after; /* what is not alike at both ends */
    uint32_t    *table;         /* [i * (after.count + 1) + j]: the most that is alike from these on; NULL: too large */
    struct line *out;
    size_t       count;
};

static bool
split(struct str text, struct arena *a, struct side *out)
{
    size_t     most = 1;
    struct str line;

    for (size_t i = 0; i < text.len; i++)
        most += text.data[i] == '\n';
    out->count = 0;
    if ((out->lines = arena_alloc(a, most * sizeof *out->lines)) == NULL)
        return false;
    while (out->count < most && str_cut(&text, '\n', &line))
        out->lines[out->count++] = line;
    return true;
}

static bool
is_alike(const struct comparison *c, size_t i, size_t j)
{
    return str_eq(c->before.lines[i], c->after.lines[j]);
}

static bool
fill_table(struct comparison *c, struct arena *a)
{
    size_t width = c->after.count + 1;

    if (c->before.count == 0 || c->after.count == 0 || c->before.count + 1 > LINES_TABLE_MOST / width)
        return true;
    if ((c->table = arena_zalloc(a, (c->before.count + 1) * width * sizeof *c->table)) == NULL)
        return false;
    for (size_t i = c->before.count; i-- > 0;) {
        for (size_t j = c->after.count; j-- > 0;) {
            uint32_t down = c->table[(i + 1) * width + j], right = c->table[i * width + j + 1];
            c->table[i * width + j] =
                is_alike(c, i, j) ? c->table[(i + 1) * width + j + 1] + 1 : (down >= right ? down : right);
        }
    }
    return true;
}

static void
put(struct comparison *c, char sign, struct str text)
{
    c->out[c->count++] = (struct line){sign, text};
}

static void
put_middle(struct comparison *c)
{
    size_t i = 0, j = 0, width = c->after.count + 1;

    while (c->table != NULL && i < c->before.count && j < c->after.count) {
        if (is_alike(c, i, j)) {
            put(c, ' ', c->before.lines[i++]);
            j++;
        } else if (c->table[(i + 1) * width + j] >= c->table[i * width + j + 1]) {
            put(c, '-', c->before.lines[i++]);
        } else {
            put(c, '+', c->after.lines[j++]);
        }
    }
    while (i < c->before.count)
        put(c, '-', c->before.lines[i++]);
    while (j < c->after.count)
        put(c, '+', c->after.lines[j++]);
}

bool
lines_compare(struct str before, struct str after, struct arena *a, struct line **out, size_t *count)
{
    struct comparison c     = {0};
    size_t            begin = 0, end = 0;

    *count = 0;
    if (!split(before, a, &c.before) || !split(after, a, &c.after))
        return false;
    c.out = arena_alloc(a, (c.before.count + c.after.count + 1) * sizeof *c.out);
    if (c.out == NULL)
        return false;
    while (begin < c.before.count && begin < c.after.count && is_alike(&c, begin, begin))
        put(&c, ' ', c.before.lines[begin++]);
    while (end < c.before.count - begin && end < c.after.count - begin &&
           is_alike(&c, c.before.count - end - 1, c.after.count - end - 1))
        end++;
    struct str *tail = c.before.lines + c.before.count - end;
    c.before         = (struct side){c.before.lines + begin, c.before.count - begin - end};
    c.after          = (struct side){c.after.lines + begin, c.after.count - begin - end};
    if (!fill_table(&c, a))
        return false;
    put_middle(&c);
    for (size_t i = 0; i < end; i++)
        put(&c, ' ', tail[i]);
    *out   = c.out;
    *count = c.count;
    return true;
}
