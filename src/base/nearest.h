/* src/base/nearest.h: which word was meant, to say "did you mean". */
#ifndef GATEHOUSE_BASE_NEAREST_H
#define GATEHOUSE_BASE_NEAREST_H

#include "base/str.h"

enum { NEAREST_NONE = 1000 };

/* How many letters must be added, dropped, exchanged or swapped with their neighbour, capitals aside. NEAREST_NONE when
 * nobody would call the two alike: over a third of the longer word, or longer than 80 letters. */
unsigned nearest_distance(struct str typed, struct str known);

#endif
