#include <stdlib.h>

#include "each_failure.h"
#include "http/sse.h"
#include "http/url.h"

static bool
count_event(void *owner, const struct sse_event *event)
{
    assert_str(event->data, "a\nb");
    ++*(unsigned *)owner;
    return true;
}

static bool
reads_events(void *arg)
{
    struct sse_parser p;
    struct error      err   = {0};
    unsigned          count = 0;

    (void)arg;
    sse_init(&p, KIB(4));
    bool ok = sse_feed(&p, STR("id: 1\ndata: a\nda"), count_event, &count, &err) &&
              sse_feed(&p, STR("ta: b\n\nid: 2\ndata: a\ndata: b\n\ndata"), count_event, &count, &err);
    if (ok)
        assert_int_equal(count, 2);
    else
        assert_int_equal(err.code, ERROR_MEMORY);
    sse_clear(&p);
    return ok;
}

TEST(events_come_whole_or_the_stream_ends_for_memory)
{
    assert_each_failure(reads_events, NULL);
}

static bool
writes_an_event(void *arg)
{
    struct buffer    b     = {.max = KIB(8)};
    struct sse_event event = {.type = STR("message"), .id = STR("7"), .has_id = true, .data = STR("a\nb")};
    char             text[1500];

    (void)arg;
    memset(text, 'x', sizeof text);
    event.retry = str_of("10", 2);
    event.type  = str_of(text, sizeof text);
    bool ok     = sse_format(&b, &event);
    assert_true(ok || buffer_len(&b) == 0);
    buffer_clear(&b);
    return ok;
}

TEST(an_event_is_written_whole_or_not_at_all)
{
    assert_each_failure(writes_an_event, NULL);
}
