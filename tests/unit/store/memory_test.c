#include <stdlib.h>

#include "each_failure.h"
#include "store/block.h"
#include "store/labels.h"
#include "store_fixture.h"

static bool
makes_labels(void *arg)
{
    struct labels *l = labels_for("weather", "s-1", "ada");

    (void)arg;
    if (l == NULL)
        return false;
    assert_str(labels_texts(l)->client, "ada");
    labels_unref(l);
    return true;
}

TEST(labels_are_whole_or_none)
{
    assert_each_failure(makes_labels, NULL);
}

static bool
packs_and_unpacks(void *arg)
{
    struct packer *p      = packer_new();
    struct buffer  packed = {.max = MIB(1)}, raw = {.max = MIB(1)};
    struct error   err = {0};
    char           text[5000];

    (void)arg;
    if (p == NULL)
        return false;
    memset(text, 'x', sizeof text);
    bool ok = block_pack(p, str_of(text, sizeof text), &packed, &err) &&
              block_unpack(p, buffer_str(&packed), sizeof text, &raw, &err);
    if (ok)
        assert_true(str_eq(buffer_str(&raw), str_of(text, sizeof text)));
    else
        assert_int_equal(err.code, ERROR_MEMORY);
    buffer_clear(&packed);
    buffer_clear(&raw);
    packer_free(p);
    return ok;
}

TEST(a_block_is_packed_and_unpacked_or_memory_is_named)
{
    assert_each_failure(packs_and_unpacks, NULL);
}

static bool
count_one(const struct exchange_view *x, void *arg)
{
    (void)x;
    ++*(unsigned *)arg;
    return true;
}

static bool
finds(void *arg)
{
    const struct fixture *f       = arg;
    const struct match    exact[] = {{.text = STR("ada")}};
    const struct str      words[] = {STR("rain")}, parts[] = {STR("arbou")};
    struct query   q = {.client = {exact, 1}, .words = words, .word_count = 1, .contains = parts, .contains_count = 1};
    struct error   err   = {0};
    struct reader *r     = reader_open(f->path, &err);
    unsigned       count = 0;

    bool ok = r != NULL && query_run(r, &q, count_one, &count, &err);
    reader_close(r);
    if (ok)
        assert_int_equal(count, 1);
    else
        assert_true(err.code == ERROR_MEMORY || err.code == ERROR_TOO_LARGE); /* the text of the query has a bound */
    return ok;
}

TEST(a_search_finds_all_or_names_memory)
{
    struct fixture f = {0};

    fixture_open(&f);
    capture_as(&f, f.labels, "a", "{\"q\":\"Oslo harbour\"}", "{\"result\":{\"content\":[{\"text\":\"heavy rain\"}]}}");
    capture_as(&f, f.labels, "b", "{\"q\":\"Bergen\"}", "{\"result\":{\"content\":[{\"text\":\"rain\"}]}}");
    traffic_flush(f.traffic);
    assert_each_failure(finds, &f);
    fixture_close(&f);
}
