#include "cli/grid.h"

#include "base/format.h"
#include "base/log.h"

enum { GAP = 2 };

static const char *const codes[STYLES] = {
    [STYLE_PLAIN] = "", [STYLE_RED] = "31", [STYLE_YELLOW] = "33",
    [STYLE_DIM] = "2",  [STYLE_BOLD] = "1", [STYLE_GREEN] = "32",
};

bool
style_append(struct buffer *out, bool colour, enum style style, struct str text)
{
    if (!colour || style == STYLE_PLAIN || text.len == 0)
        return buffer_append(out, text);
    return buffer_printf(out, "\033[%sm", codes[style]) && buffer_append(out, text) &&
           buffer_append(out, STR("\033[0m"));
}

void
grid_init(struct grid *g, const struct grid_column *columns, size_t count, unsigned fit, bool colour)
{
    *g = (struct grid){.columns      = columns,
                       .column_count = count,
                       .fit          = fit,
                       .colour       = colour,
                       .text         = {.max = MIB(256)},
                       .cells        = {.max = MIB(256)}};
}

void
grid_clear(struct grid *g)
{
    buffer_clear(&g->text);
    buffer_clear(&g->cells);
}

void
grid_add(struct grid *g, enum style style, struct str text)
{
    struct grid_cell cell = {.from = buffer_len(&g->text), .style = style};

    if (!buffer_append_printable(&g->text, text, true))
        g->failed = true;
    cell.len = buffer_len(&g->text) - cell.from;
    if (!buffer_append(&g->cells, str_of((const char *)&cell, sizeof cell)))
        g->failed = true;
}

static size_t
row_count(const struct grid *g)
{
    return buffer_len(&g->cells) / sizeof(struct grid_cell) / g->column_count;
}

static const struct grid_cell *
cell_at(const struct grid *g, size_t row, size_t column)
{
    const void *cells = g->cells.data + g->cells.from;

    return (const struct grid_cell *)cells + row * g->column_count + column;
}

static struct str
cell_text(const struct grid *g, const struct grid_cell *cell)
{
    return str_take(str_skip(buffer_str(&g->text), cell->from), cell->len);
}

static void
measure(struct grid *g)
{
    for (size_t c = 0; c < g->column_count; c++) {
        size_t title = text_width(str_from(g->columns[c].title));
        if (g->widths[c] < title)
            g->widths[c] = title;
        for (size_t r = 0; r < row_count(g); r++) {
            size_t width = text_width(cell_text(g, cell_at(g, r, c)));
            if (width > g->widths[c])
                g->widths[c] = width;
        }
    }
}

static size_t
sum_of(const size_t *widths, size_t count)
{
    size_t sum = 0;

    for (size_t c = 0; c < count; c++)
        sum += widths[c] == 0 ? 0 : widths[c] + (sum == 0 ? 0 : GAP);
    return sum;
}

/* What may be shortened gives, the widest first, down to its least. */
static void
shrink(const struct grid *g, size_t *widths)
{
    while (sum_of(widths, g->column_count) > g->fit) {
        size_t widest = g->column_count;
        for (size_t c = 0; c < g->column_count; c++)
            if (g->columns[c].shorten != SHORTEN_NEVER && widths[c] > g->columns[c].least &&
                (widest == g->column_count || widths[c] > widths[widest]))
                widest = c;
        if (widest == g->column_count)
            return;
        widths[widest]--;
    }
}

/* A width of 0 is a column that is not shown. */
static void
fit(const struct grid *g, size_t *widths)
{
    bool dropped[GRID_COLUMNS_MAX] = {false};

    for (;;) {
        for (size_t c = 0; c < g->column_count; c++)
            widths[c] = dropped[c] ? 0 : g->widths[c];
        if (g->fit == 0)
            return;
        shrink(g, widths);
        if (sum_of(widths, g->column_count) <= g->fit)
            return;
        size_t worst = g->column_count;
        for (size_t c = 0; c < g->column_count; c++)
            if (!dropped[c] && g->columns[c].drop > 0 &&
                (worst == g->column_count || g->columns[c].drop > g->columns[worst].drop))
                worst = c;
        if (worst == g->column_count)
            return;
        dropped[worst] = true;
    }
}

static bool
pad(struct buffer *out, size_t count)
{
    return count == 0 || buffer_printf(out, "%*s", (int)count, "");
}

static bool
print_row(const struct grid *g, const size_t *widths, struct buffer *out, size_t row, bool head)
{
    struct buffer cut   = {.max = MIB(1)};
    size_t        owing = 0; /* spaces before the next cell: none are left at the end of a line */
    bool          ok = true, is_first = true;

    for (size_t c = 0; ok && c < g->column_count; c++) {
        if (widths[c] == 0)
            continue;
        struct str text  = head ? str_from(g->columns[c].title) : cell_text(g, cell_at(g, row, c));
        enum style style = head ? STYLE_DIM : cell_at(g, row, c)->style;
        buffer_reset(&cut);
        ok           = g->columns[c].shorten == SHORTEN_MIDDLE ? text_shorten(&cut, text, widths[c])
                       : g->fit == 0                           ? buffer_append(&cut, text)
                                                               : text_cut(&cut, text, widths[c]);
        size_t width = text_width(buffer_str(&cut));
        size_t space = width < widths[c] ? widths[c] - width : 0;
        owing += is_first ? 0 : GAP;
        is_first = false;
        if (g->columns[c].right)
            owing += space;
        if (width > 0) {
            ok    = ok && pad(out, owing) && style_append(out, g->colour, style, buffer_str(&cut));
            owing = 0;
        }
        if (!g->columns[c].right)
            owing += space;
    }
    buffer_clear(&cut);
    return ok && buffer_append_char(out, '\n');
}

bool
grid_print(struct grid *g, struct buffer *out)
{
    size_t widths[GRID_COLUMNS_MAX];
    bool   ok = !g->failed;

    if (ok) {
        measure(g);
        fit(g, widths);
        ok = g->has_head || print_row(g, widths, out, 0, true);
    }
    g->has_head = true;
    for (size_t r = 0; ok && r < row_count(g); r++)
        ok = print_row(g, widths, out, r, false);
    buffer_reset(&g->text);
    buffer_reset(&g->cells);
    return ok;
}
