/* Blocks and the tail, as a broken or hostile database could hold them: no slice leaves its input, a word is the same
 * word wherever a seam lies, and what is packed unpacks. */
#include <assert.h>

#include "store/answer.h"
#include "store/block.h"
#include "store/finder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
sum_words(void *arg, uint64_t hash)
{
    *(uint64_t *)arg = *(uint64_t *)arg * 31 + hash;
}

/* The input is a run of entries. */
static void
read_run(struct str run)
{
    static const struct str wanted[] = {{"oslo", 4}};
    struct query            q        = {.words = wanted, .word_count = 1, .contains = wanted, .contains_count = 1};
    struct word_set         words    = {0};
    struct finder           finder;
    struct entry            e;
    struct piece            p;
    struct carry            carry = {0};

    words_of_run(run, &words);
    assert(finder_init(&finder, &q, NULL));
    while (entry_next(&run, &e)) {
        assert((finder_look(&finder, &e) & ~finder.all) == 0);
        while (piece_next(&e.pieces, &p))
            carry_over(&carry, &p);
    }
    assert(carry.len <= CARRY_TEXT);
    finder_clear(&finder);
    word_set_clear(&words);
}

/* The input is a message, cut at a place that its first byte chooses. */
static void
cut_message(struct str text, size_t at)
{
    struct answer    whole = {0}, parts = {0};
    struct word_scan scan_whole = {0}, scan_parts = {0};
    uint64_t         sum_whole = 0, sum_parts = 0;

    answer_scan(&whole, text);
    answer_scan(&parts, str_take(text, at));
    answer_scan(&parts, str_skip(text, at));
    assert(whole.code == parts.code && whole.characters == parts.characters && whole.has_error == parts.has_error &&
           whole.has_result == parts.has_result && whole.is_error == parts.is_error);
    words_scan(&scan_whole, text, sum_words, &sum_whole);
    words_end(&scan_whole, sum_words, &sum_whole);
    words_scan(&scan_parts, str_take(text, at), sum_words, &sum_parts);
    words_scan(&scan_parts, str_skip(text, at), sum_words, &sum_parts);
    words_end(&scan_parts, sum_words, &sum_parts);
    assert(sum_whole == sum_parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str     text   = str_of((const char *)data, size);
    struct packer *packer = packer_new();
    struct buffer  packed = {.max = MIB(1)}, run = {.max = MIB(1)};

    if (packer == NULL || size == 0 || size > BLOCK_MAX) {
        packer_free(packer);
        return 0;
    }
    read_run(text);
    cut_message(text, data[0] % (size + 1));
    block_unpack(packer, text, data[0] * size, &run, NULL);
    assert(block_pack(packer, text, &packed, NULL) && block_unpack(packer, buffer_str(&packed), size, &run, NULL));
    assert(str_eq(buffer_str(&run), text));
    buffer_clear(&packed);
    buffer_clear(&run);
    packer_free(packer);
    return 0;
}
