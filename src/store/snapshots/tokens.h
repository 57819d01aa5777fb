/* src/store/snapshots/tokens.h: how texts become the words that are searched.
 *
 * SQLite's unicode61 parts words and folds case and Latin accents; this tokenizer wraps it:
 *
 *   - a character of a script without spaces (Han, kana, Hangul, Thai, Lao, Khmer, Burmese ...) and an emoji is a word
 *     of its own, so that any part of a sentence is found as a phrase;
 *   - what unicode61 leaves: Greek and Cyrillic accents, vowel points of Arabic and Hebrew, final sigma, sharp s, the
 *     dotless i (whose capital is I), full-width letters;
 *   - of a word, the first TOKEN_MOST bytes count: a key in base64 is not worth more.
 *
 * It is part of the file's format: another program's sqlite3 reads all of the database but the table `words`. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_TOKENS_H
#define GATEHOUSE_STORE_SNAPSHOTS_TOKENS_H

#include "base/error.h"
#include "base/str.h"
#include "store/db.h"

enum { TOKEN_MOST = 128 };

/* Makes `gatehouse` known to FTS5 of that handle. NULL: SQLite was built without FTS5. */
fts5_api *tokens_register(sqlite3 *db, struct error *err);

/* The same by itself. */
struct tokens;
struct tokens *tokens_new(fts5_api *api, struct error *err);
void           tokens_free(struct tokens *t);
/* As xTokenize of FTS5 has it: offsets in `text`, an answer but SQLITE_OK ends it and comes back. */
typedef int token_found(void *arg, int flags, const char *token, int len, int from, int to);
int         tokens_of(struct tokens *t, struct str text, void *arg, token_found *found);
/* False: no memory. */
bool tokens_count(struct tokens *t, struct str text, size_t *count);

#endif
