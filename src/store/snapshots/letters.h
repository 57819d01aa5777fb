/* src/store/snapshots/letters.h: single characters of Unicode: which stand alone, and which are the same. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_LETTERS_H
#define GATEHOUSE_STORE_SNAPSHOTS_LETTERS_H

#include "base/str.h"

/* The first character of a text that is not empty, and its width in bytes; a broken byte is U+FFFD and one wide. */
size_t letter_read(struct str text, uint32_t *c);
/* A character that is a word of its own. */
bool letter_stands_alone(uint32_t c);
/* A word that unicode61 has folded, with the rest folded too; what does not fit is cut between characters. */
size_t letters_fold(struct str word, char *out, size_t size);

#endif
