/* tests/fuzz/text_fuzz.c: what anybody may send as text: numbers, dates, UTF-8; its way to JSON and to a terminal. */
#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is printable holds no byte that a terminal obeys, and is UTF-8 whatever came in. */
static void
print(struct str text)
{
    struct buffer out = {.max = MIB(8)};

    if (buffer_append_printable(&out, text, true)) {
        struct str shown = buffer_str(&out);
        assert(str_is_utf8(shown));
        for (size_t i = 0; i < shown.len; i++)
            assert((unsigned char)shown.data[i] >= 0x20 && shown.data[i] != 0x7f);
    }
    buffer_clear(&out);
}

static void
quote(struct str text)
{
    struct buffer out = {.max = MIB(8)};

    if (buffer_append_json(&out, text)) {
        struct str quoted = buffer_str(&out);
        assert(str_is_utf8(quoted));
        assert(quoted.len >= 2 && quoted.data[0] == '"' && quoted.data[quoted.len - 1] == '"');
    }
    buffer_clear(&out);
}

/* A date that was understood is written in a form that is understood as the same date. */
static void
read_date(struct str text)
{
    wall_time when;
    wall_time again;
    char      iso[TIME_ISO_SIZE];

    if (!time_parse_iso(text, &when))
        return;
    time_format_iso(when, iso);
    if (time_parse_iso(str_from(iso), &again))
        assert(when / 1000 == again / 1000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    uint64_t   natural;
    int64_t    whole;

    if (str_to_u64(text, &natural) && natural <= INT64_MAX)
        assert(str_to_i64(text, &whole) && (uint64_t)whole == natural);
    read_date(text);
    print(text);
    quote(text);
    return 0;
}
