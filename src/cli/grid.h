/* src/cli/grid.h: a table of text that fits the terminal.
 *
 * Too wide for it, columns go from the least needed on, then what may be shortened is. Nothing wraps. In a pipe all is
 * there, whole. */
#ifndef GATEHOUSE_CLI_GRID_H
#define GATEHOUSE_CLI_GRID_H

#include "base/buffer.h"

enum style { STYLE_PLAIN, STYLE_RED, STYLE_YELLOW, STYLE_DIM, STYLE_BOLD, STYLE_GREEN, STYLES };

/* The text, within the colour's escapes when there is colour. */
bool style_append(struct buffer *out, bool colour, enum style style, struct str text);

enum shorten { SHORTEN_NEVER, SHORTEN_MIDDLE, SHORTEN_END };

struct grid_column {
    const char  *title;
    bool         right;
    unsigned     drop; /* the highest goes first; 0: stays */
    enum shorten shorten;
    unsigned     least; /* columns that are left of it when shortened */
};

enum { GRID_COLUMNS_MAX = 16 };

struct grid_cell {
    size_t     from, len;
    enum style style;
};

struct grid {
    const struct grid_column *columns;
    size_t                    column_count;
    unsigned                  fit; /* columns of the terminal; 0: no bound */
    bool                      colour;
    struct buffer             text;                     /* of all cells */
    struct buffer             cells;                    /* of struct grid_cell, row by row */
    size_t                    widths[GRID_COLUMNS_MAX]; /* the least; what was printed before */
    bool                      has_head;                 /* printed already */
    bool                      failed;                   /* no memory */
};

void grid_init(struct grid *g, const struct grid_column *columns, size_t count, unsigned fit, bool colour);
void grid_clear(struct grid *g);
/* The next cell of the row, or the first of the next row. Escaped here: any bytes may come. */
void grid_add(struct grid *g, enum style style, struct str text);
/* The titles, the first time, and all rows, which it forgets. False: no memory. */
bool grid_print(struct grid *g, struct buffer *out);

#endif
