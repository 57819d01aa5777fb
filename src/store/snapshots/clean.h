/* src/store/snapshots/clean.h: texts of files that may hold anything, another program's or a damaged one's, as the
 * store takes them: UTF-8 without control characters but tab and newline. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_CLEAN_H
#define GATEHOUSE_STORE_SNAPSHOTS_CLEAN_H

#include "base/arena.h"

bool text_is_clean(struct str s);
/* CR LF and CR become LF; every other control character, and each byte that is not UTF-8, U+FFFD. What is clean is
 * copied. {NULL, 0} when there is no memory and `s` was not empty. */
struct str text_clean(struct str s, struct arena *a);

#endif
