/* src/store/block.h: how messages lie in blocks and in the tail.
 *
 * A run of entries, one behind the other. An entry is what one record brought of one exchange, or a part of it:
 *
 *   varint  length of what follows
 *   byte    flags: ENTRY_PART the exchange has other entries too, ENTRY_CARRY the first message began in another entry
 *   8 bytes id of the exchange, big-endian
 *   carry   when ENTRY_CARRY: state of the word scan (8 bytes hash, byte escape, 2 + 2 bytes \u), varint length and the
 *           last bytes of the text before, at most CARRY_TEXT: an entry can be searched without the one before it
 *   pieces  to the end: byte flags (PIECE_*), varint zigzag of the time less that of the id, varint length, bytes
 *
 * A block is such a run, at most BLOCK_MAX but for a single larger entry, compressed with zstd. Everything read here
 * may be broken by others: a reader gets `false`, never a slice outside of its input. */
#ifndef GATEHOUSE_STORE_BLOCK_H
#define GATEHOUSE_STORE_BLOCK_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/words.h"

enum { BLOCK_MAX = 256 * 1024, PIECE_MAX = 64 * 1024, CARRY_TEXT = 255 };
/* An entry is closed when the next piece would take it over BLOCK_MAX, so this is the most a block can be. */
enum { BLOCK_RAW_LIMIT = BLOCK_MAX + PIECE_MAX + 1024 };

enum { ENTRY_PART = 1, ENTRY_CARRY = 2 };
/* PIECE_HOLE: what follows its text was not kept, to the end of the message and perhaps of more of the same side. */
enum { PIECE_FROM_SERVER = 1, PIECE_CONTINUES = 2, PIECE_CONTINUED = 4, PIECE_HOLE = 8 };
enum { PIECE_HEAD_MAX = 1 + 10 + 5, ENTRY_HEAD_MAX = 5 + 1 + 8 + 13 + 2 + CARRY_TEXT };

struct carry { /* what an entry must know of the piece before it */
    struct word_scan words;
    uint8_t          len;
    char             text[CARRY_TEXT];
};

struct piece {
    uint8_t    flags;
    int64_t    after_us; /* since the time in the id; below 0 when the clock of the caller says so */
    struct str text;
};

struct entry {
    uint64_t     id;
    uint8_t      flags;
    struct carry carry;  /* when ENTRY_CARRY */
    struct str   pieces; /* for piece_next */
};

/* Writes the head of a piece; returns its length. */
size_t piece_head(char out[PIECE_HEAD_MAX], uint8_t flags, int64_t after_us, size_t text_len);
/* The head of an entry whose pieces take `pieces_len`; `carry` NULL: none. */
size_t entry_head(char out[ENTRY_HEAD_MAX], uint64_t id, uint8_t flags, const struct carry *carry, size_t pieces_len);

/* Takes the next off the front of `*run`. False: none is left, or the rest is broken, which `run->len` > 0 tells. */
bool entry_next(struct str *run, struct entry *out);
/* Of one whose text lies elsewhere. */
bool piece_with_text(struct str *head, struct str text, struct piece *out);
bool piece_next(struct str *pieces, struct piece *out);

/* Carries the state on over one more piece: for the entry that continues it. */
void carry_over(struct carry *c, const struct piece *p);

/* The words of a run, for its filter. */
void words_of_run(struct str run, struct word_set *words);

struct packer; /* zstd's contexts, kept between blocks; one thread at a time */
struct packer *packer_new(void);
void           packer_free(struct packer *p);
bool           block_pack(struct packer *p, struct str run, struct buffer *out, struct error *err);
/* `raw` is what the database says; a block that holds another amount is broken. `out` is emptied first. */
bool block_unpack(struct packer *p, struct str packed, size_t raw, struct buffer *out, struct error *err);

#endif
