#include "test.h"

#include "store/block.h"

static void
add_entry(struct buffer *run, uint64_t id, uint8_t flags, const struct carry *carry, const char *text,
          uint8_t piece_flags)
{
    char       head[ENTRY_HEAD_MAX], piece[PIECE_HEAD_MAX];
    struct str bytes     = str_from(text);
    size_t     piece_len = piece_head(piece, piece_flags, -5, bytes.len);

    buffer_append(run, str_of(head, entry_head(head, id, flags, carry, piece_len + bytes.len)));
    buffer_append(run, str_of(piece, piece_len));
    buffer_append(run, bytes);
}

TEST(entries_and_pieces_come_back_as_they_went_in)
{
    struct buffer run   = {.max = MIB(1)};
    struct carry  carry = {.words = {77, 3, 0x1234, 0xd83d}, .len = 3, .text = "abc"};
    struct entry  e;
    struct piece  p;

    add_entry(&run, 0x7fffffffffffffffULL, ENTRY_PART, &carry, "tail", PIECE_FROM_SERVER | PIECE_CONTINUED);
    add_entry(&run, 1, 0, NULL, "", 0);
    struct str rest = buffer_str(&run);
    assert_true(entry_next(&rest, &e));
    assert_true(e.id == 0x7fffffffffffffffULL && e.flags == (ENTRY_PART | ENTRY_CARRY));
    assert_true(e.carry.words.hash == 77 && e.carry.words.escape == 3 && e.carry.words.unit == 0x1234 &&
                e.carry.words.high == 0xd83d);
    assert_str(str_of(e.carry.text, e.carry.len), "abc");
    assert_true(piece_next(&e.pieces, &p));
    assert_str(p.text, "tail");
    assert_int_equal(p.after_us, -5);
    assert_int_equal(p.flags, PIECE_FROM_SERVER | PIECE_CONTINUED);
    assert_false(piece_next(&e.pieces, &p));
    assert_true(entry_next(&rest, &e));
    assert_int_equal(e.id, 1);
    assert_false(entry_next(&rest, &e));
    assert_int_equal(rest.len, 0);
    buffer_clear(&run);
}

TEST(a_cut_run_gives_no_slice_outside_of_it)
{
    struct buffer run = {.max = MIB(1)};
    add_entry(&run, 5, 0, &(struct carry){.len = 4, .text = "wxyz"}, "hello world", 0);
    struct str whole = buffer_str(&run);

    for (size_t len = 0; len < whole.len; len++) {
        char        *exact = malloc(len + 1); /* so that ASan sees a step too far */
        struct str   rest  = str_of(exact, len);
        struct entry e;
        memcpy(exact, whole.data, len);
        assert_false(entry_next(&rest, &e));
        free(exact);
    }
    buffer_clear(&run);
}

TEST(a_block_unpacks_to_what_was_packed_and_broken_ones_fail)
{
    struct packer *p      = packer_new();
    struct buffer  packed = {.max = MIB(1)}, run = {.max = MIB(1)};
    struct error   err  = {0};
    struct str     text = STR("the same the same the same the same the same the same");

    assert_true(block_pack(p, text, &packed, &err));
    assert_true(buffer_len(&packed) < text.len);
    assert_true(block_unpack(p, buffer_str(&packed), text.len, &run, &err));
    assert_true(str_eq(buffer_str(&run), text));
    assert_false(block_unpack(p, buffer_str(&packed), text.len - 1, &run, &err));
    assert_false(block_unpack(p, buffer_str(&packed), text.len + 1, &run, &err));
    assert_false(block_unpack(p, buffer_str(&packed), SIZE_MAX, &run, &err));
    assert_false(block_unpack(p, STR("garbage"), 10, &run, &err));
    buffer_clear(&packed);
    buffer_clear(&run);
    packer_free(p);
}

TEST(a_carry_keeps_the_end_of_the_text_and_the_word)
{
    struct carry c         = {0};
    char         big[1000] = {0};

    carry_over(&c, &(struct piece){.flags = PIECE_CONTINUES, .text = STR("first thun")});
    assert_str(str_of(c.text, c.len), "first thun");
    uint64_t part = c.words.hash;
    assert_true(part != 0);
    carry_over(&c, &(struct piece){.flags = PIECE_CONTINUES | PIECE_CONTINUED, .text = STR("der")});
    assert_str(str_of(c.text, c.len), "first thunder");
    assert_true(c.words.hash != part);
    memset(big, 'x', sizeof big);
    carry_over(&c, &(struct piece){.flags = PIECE_CONTINUED, .text = str_of(big, sizeof big)});
    assert_int_equal(c.len, CARRY_TEXT);
    carry_over(&c, &(struct piece){.flags = PIECE_CONTINUED, .text = STR("yz")});
    assert_int_equal(c.len, CARRY_TEXT);
    assert_memory_equal(c.text + CARRY_TEXT - 3, "xyz", 3);
}
