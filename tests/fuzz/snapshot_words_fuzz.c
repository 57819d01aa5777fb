/* A snapshot as somebody sends it: what is taken is text that may be stored, comes back from its JSON as it was, and
 * its compact form keeps to its tokens. */
#include <assert.h>
#include <stdlib.h>

#include "services/snapshots/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(struct str text)
{
    assert(str_is_utf8(text));
    for (size_t i = 0; i < text.len; i++)
        assert((unsigned char)text.data[i] >= 0x20 || text.data[i] == '\n' || text.data[i] == '\t');
}

static void
check_compact(const struct snapshot *s, uint64_t most)
{
    struct buffer b = {.max = SIZE_MAX};

    assert(compact_write(s, most, &b));
    assert(str_is_utf8(buffer_str(&b)));
    assert(most < 200 || words_tokens(buffer_str(&b)) <= most);
    buffer_clear(&b);
}

static void
check_again(const struct snapshot *s, struct arena *a)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct snapshot again;
    struct error    err = {0};
    size_t          len;

    yyjson_mut_doc_set_root(doc, snapshot_json(doc, s, true));
    char       *text = yyjson_mut_write(doc, 0, &len);
    yyjson_doc *in   = yyjson_read(text, len, YYJSON_READ_BIGNUM_AS_RAW);
    assert(snapshot_from_json(yyjson_doc_get_root(in), a, &again, &err));
    assert(str_eq(again.text.context, s->text.context) && str_eq(again.text.prompt, s->text.prompt));
    assert(again.created == s->created && again.changed == s->changed && again.text.tag_count == s->text.tag_count);
    yyjson_doc_free(in);
    free(text);
    yyjson_mut_doc_free(doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena   *a   = arena_new(KIB(4), MIB(256));
    yyjson_doc     *doc = yyjson_read((const char *)data, size, YYJSON_READ_BIGNUM_AS_RAW);
    struct snapshot s   = {0};
    struct error    err = {0};

    if (doc == NULL && text_check("context", str_of((const char *)data, size), KIB(64), a, &s.text.context, &err)) {
        s.text.summary = STR("It");
        check_compact(&s, 0);
        check_compact(&s, 200);
    } else if (doc != NULL && snapshot_from_json(yyjson_doc_get_root(doc), a, &s, &err)) {
        check_text(s.text.summary);
        check_text(s.text.context);
        check_text(s.text.name);
        check_compact(&s, 0);
        check_compact(&s, 300);
        s.id = s.id == 0 ? 1 : s.id; /* one that is kept has one */
        check_again(&s, a);
    }
    yyjson_doc_free(doc);
    arena_free(a);
    return 0;
}
