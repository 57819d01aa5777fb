#include "base/nearest.h"

enum { WORD_MAX = 80 };

static unsigned
least_of(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

static bool
same(struct str a, size_t i, struct str b, size_t j)
{
    return str_eq_nocase(str_of(a.data + i, 1), str_of(b.data + j, 1));
}

/* Optimal string alignment, three rows of the table at a time. */
unsigned
nearest_distance(struct str typed, struct str known)
{
    unsigned rows[3][WORD_MAX + 1];

    if (typed.len == 0 || known.len == 0 || typed.len > WORD_MAX || known.len > WORD_MAX)
        return NEAREST_NONE;
    for (size_t j = 0; j <= known.len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= typed.len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *higher = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= known.len; j++) {
            row[j] = least_of(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same(typed, i - 1, known, j - 1));
            if (i > 1 && j > 1 && same(typed, i - 1, known, j - 2) && same(typed, i - 2, known, j - 1))
                row[j] = least_of(row[j], higher[j - 2] + 1, row[j]);
        }
    }
    unsigned distance = rows[typed.len % 3][known.len];
    size_t   longer   = typed.len > known.len ? typed.len : known.len;
    return distance <= (longer + 2) / 3 && distance < longer ? distance : NEAREST_NONE;
}
