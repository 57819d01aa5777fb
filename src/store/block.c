#include "store/block.h"

#include <zstd.h>

static size_t
put_varint(char *out, uint64_t value)
{
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        out[len++] = (char)(value | 0x80);
    out[len++] = (char)value;
    return len;
}

static bool
take_varint(struct str *s, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && s->len > 0; shift += 7) {
        uint8_t c = (uint8_t)s->data[0];
        *s        = str_skip(*s, 1);
        *value |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return true;
    }
    return false;
}

static bool
take_bytes(struct str *s, size_t len, struct str *out)
{
    if (s->len < len)
        return false;
    *out = str_take(*s, len);
    *s   = str_skip(*s, len);
    return true;
}

static bool
take_number(struct str *s, size_t len, uint64_t *value)
{
    struct str bytes;

    if (!take_bytes(s, len, &bytes))
        return false;
    *value = 0;
    for (size_t i = 0; i < len; i++)
        *value = *value << 8 | (uint8_t)bytes.data[i];
    return true;
}

static size_t
put_number(char *out, size_t len, uint64_t value)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(value >> 8 * (len - 1 - i));
    return len;
}

size_t
piece_head(char out[PIECE_HEAD_MAX], uint8_t flags, int64_t after_us, size_t text_len)
{
    uint64_t zigzag = (uint64_t)after_us << 1 ^ (uint64_t)(after_us >> 63);
    size_t   len    = 0;

    out[len++] = (char)flags;
    len += put_varint(out + len, zigzag);
    len += put_varint(out + len, text_len);
    return len;
}

size_t
entry_head(char out[ENTRY_HEAD_MAX], uint64_t id, uint8_t flags, const struct carry *carry, size_t pieces_len)
{
    char   head[ENTRY_HEAD_MAX];
    size_t len = 0;

    head[len++] = (char)(flags | (carry != NULL ? ENTRY_CARRY : 0));
    len += put_number(head + len, 8, id);
    if (carry != NULL) {
        len += put_number(head + len, 8, carry->words.hash);
        len += put_number(head + len, 1, carry->words.escape);
        len += put_number(head + len, 2, carry->words.unit);
        len += put_number(head + len, 2, carry->words.high);
        len += put_varint(head + len, carry->len);
        memcpy(head + len, carry->text, carry->len);
        len += carry->len;
    }
    size_t before = put_varint(out, len + pieces_len);
    memcpy(out + before, head, len);
    return before + len;
}

static bool
take_carry(struct str *s, struct carry *c)
{
    uint64_t   hash, escape, unit, high, len;
    struct str text;

    if (!take_number(s, 8, &hash) || !take_number(s, 1, &escape) || !take_number(s, 2, &unit) ||
        !take_number(s, 2, &high) || !take_varint(s, &len) || len > CARRY_TEXT || !take_bytes(s, len, &text))
        return false;
    c->words = (struct word_scan){hash, (uint8_t)escape, (uint16_t)unit, (uint16_t)high};
    c->len   = (uint8_t)len;
    if (len > 0)
        memcpy(c->text, text.data, len);
    return true;
}

bool
entry_next(struct str *run, struct entry *out)
{
    struct str rest = *run, body;
    uint64_t   len, flags;

    if (!take_varint(&rest, &len) || len > rest.len || !take_bytes(&rest, (size_t)len, &body) ||
        !take_number(&body, 1, &flags) || !take_number(&body, 8, &out->id))
        return false;
    out->flags = (uint8_t)flags;
    if ((flags & ENTRY_CARRY) != 0 && !take_carry(&body, &out->carry))
        return false;
    out->pieces = body;
    *run        = rest;
    return true;
}

static bool
take_piece_head(struct str *rest, struct piece *out, uint64_t *len)
{
    uint64_t flags, zigzag;

    if (!take_number(rest, 1, &flags) || !take_varint(rest, &zigzag) || !take_varint(rest, len))
        return false;
    out->flags    = (uint8_t)flags;
    out->after_us = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
    return true;
}

bool
piece_next(struct str *pieces, struct piece *out)
{
    struct str rest = *pieces;
    uint64_t   len;

    if (!take_piece_head(&rest, out, &len) || len > rest.len || !take_bytes(&rest, (size_t)len, &out->text))
        return false;
    *pieces = rest;
    return true;
}

bool
piece_with_text(struct str *head, struct str text, struct piece *out)
{
    uint64_t len;

    out->text = text;
    return take_piece_head(head, out, &len) && len == text.len;
}

static void
ignore_word(void *arg, uint64_t hash)
{
    (void)arg;
    (void)hash;
}

void
carry_over(struct carry *c, const struct piece *p)
{
    if ((p->flags & PIECE_CONTINUED) == 0)
        *c = (struct carry){0};
    words_scan(&c->words, p->text, ignore_word, NULL);
    if (p->text.len >= CARRY_TEXT) {
        memcpy(c->text, p->text.data + p->text.len - CARRY_TEXT, CARRY_TEXT);
        c->len = CARRY_TEXT;
        return;
    }
    size_t keep = c->len + p->text.len > CARRY_TEXT ? CARRY_TEXT - p->text.len : c->len;
    memmove(c->text, c->text + c->len - keep, keep);
    if (p->text.len > 0)
        memcpy(c->text + keep, p->text.data, p->text.len);
    c->len = (uint8_t)(keep + p->text.len);
}

void
words_of_run(struct str run, struct word_set *words)
{
    struct entry e;

    while (entry_next(&run, &e)) {
        struct word_scan scan = (e.flags & ENTRY_CARRY) != 0 ? e.carry.words : (struct word_scan){0};
        struct piece     p;

        while (piece_next(&e.pieces, &p)) {
            word_set_scan(words, &scan, p.text);
            if ((p.flags & PIECE_CONTINUES) == 0)
                word_set_end(words, &scan);
        }
    }
}

struct packer {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
};

struct packer *
packer_new(void)
{
    return calloc(1, sizeof(struct packer));
}

void
packer_free(struct packer *p)
{
    if (p == NULL)
        return;
    ZSTD_freeCCtx(p->pack);
    ZSTD_freeDCtx(p->unpack);
    free(p);
}

bool
block_pack(struct packer *p, struct str run, struct buffer *out, struct error *err)
{
    size_t bound = ZSTD_compressBound(run.len);

    if (p->pack == NULL)
        p->pack = ZSTD_createCCtx();
    if (p->pack == NULL || !buffer_reserve(out, bound))
        return error_set(err, ERROR_MEMORY, "packing a block: no memory");
    size_t len = ZSTD_compressCCtx(p->pack, buffer_space(out), buffer_room(out), run.data, run.len, 1);
    if (ZSTD_isError(len))
        return error_set(err, ERROR_INTERNAL, "packing a block: %s", ZSTD_getErrorName(len));
    buffer_added(out, len);
    return true;
}

bool
block_unpack(struct packer *p, struct str packed, size_t raw, struct buffer *out, struct error *err)
{
    buffer_reset(out);
    if (raw > BLOCK_RAW_LIMIT)
        return error_set(err, ERROR_INVALID, "a block of messages claims %zu bytes", raw);
    if (p->unpack == NULL)
        p->unpack = ZSTD_createDCtx();
    if (p->unpack == NULL || !buffer_reserve(out, raw + 1))
        return error_set(err, ERROR_MEMORY, "unpacking a block: no memory");
    size_t len = ZSTD_decompressDCtx(p->unpack, buffer_space(out), raw, packed.data, packed.len);
    if (ZSTD_isError(len) || len != raw)
        return error_set(err, ERROR_INVALID, "a block of messages is broken");
    buffer_added(out, len);
    return true;
}
