#include "http/framing.h"

#include "test.h"

#define POST     "POST /mcp HTTP/1.1\r\nHost: a\r\n"
#define JSON     "{\"jsonrpc\":\"2.0\",\"id\":1}"
#define LENGTH   "Content-Length: 24\r\n"
#define CODED    "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED  "18\r\n" JSON "\r\n0\r\n\r\n"
#define SMUGGLED "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

/* The 37 cases of research-libraries.md table 1b, and those that came later. `fill` stands `times` between the two. */
struct wire_case {
    const char *name;
    struct str  before;
    const char *fill;
    size_t      times;
    const char *after;
    const char *outcome; /* "200" for each whole request; what it was refused with; "-" while more is awaited */
};

#define RAW(text)                                                                                                      \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

/* clang-format off */
static const struct wire_case cases[] = {
    {"two framings",                  RAW(POST "Content-Length: 6\r\n" CODED "0\r\n\r\n" SMUGGLED), "", 0, "", "400"},
    {"two different lengths",         RAW(POST "Content-Length: 2\r\n" LENGTH "\r\n" JSON), "", 0, "", "400"},
    {"two equal lengths",             RAW(POST LENGTH LENGTH "\r\n" JSON), "", 0, "", "400"},
    {"a length with a plus",          RAW(POST "Content-Length: +24\r\n\r\n" JSON), "", 0, "", "400"},
    {"a negative length",             RAW(POST "Content-Length: -1\r\n\r\n" JSON), "", 0, "", "400"},
    {"a length with a tail",          RAW(POST "Content-Length: 24 x\r\n\r\n" JSON), "", 0, "", "400"},
    {"a list of lengths",             RAW(POST "Content-Length: 24, 24\r\n\r\n" JSON), "", 0, "", "400"},
    {"an empty length",               RAW(POST "Content-Length:\r\n\r\n" JSON), "", 0, "", "400"},
    {"a length beyond 64 bits",       RAW(POST "Content-Length: 99999999999999999999999\r\n\r\n" JSON), "", 0, "", "400"},
    {"a space before the colon",      RAW(POST "Content-Length : 24\r\n\r\n" JSON), "", 0, "", "400"},
    {"xchunked",                      RAW(POST "Transfer-Encoding: xchunked\r\n\r\n" CHUNKED), "", 0, "", "400"},
    {"chunked, identity",             RAW(POST "Transfer-Encoding: chunked, identity\r\n\r\n" CHUNKED), "", 0, "", "400"},
    {"gzip, chunked",                 RAW(POST "Transfer-Encoding: gzip, chunked\r\n\r\n" CHUNKED), "", 0, "", "400"},
    {"chunked after a control",       RAW(POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n" CHUNKED), "", 0, "", "400"},
    {"two codings and a length",      RAW(POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n" LENGTH "\r\n" CHUNKED), "", 0, "", "400"},
    {"chunked twice",                 RAW(POST "Transfer-Encoding: chunked\r\n" CODED CHUNKED), "", 0, "", "400"},
    {"an empty coding and a length",  RAW(POST "Transfer-Encoding:\r\n" LENGTH "\r\n" JSON SMUGGLED), "", 0, "", "400"},
    {"an empty coding, chunked body", RAW(POST "Transfer-Encoding: \r\n\r\n" CHUNKED), "", 0, "", "400"},
    {"chunked in HTTP/1.0",           RAW("POST /mcp HTTP/1.0\r\nHost: a\r\n" CODED CHUNKED), "", 0, "", "400"},
    {"bare LF",                       RAW("POST /mcp HTTP/1.1\nHost: a\n" "Content-Length: 24\n\n" JSON), "", 0, "", "400"},
    {"bare LF in the fields",         RAW("POST /mcp HTTP/1.1\r\nHost: a\n" LENGTH "\r\n" JSON), "", 0, "", "400"},
    {"bare LF at the end",            RAW(POST LENGTH "\n" JSON), "", 0, "", "400"},
    {"bare CR in a value",            RAW(POST LENGTH "X-A: a\rX-B: b\r\n\r\n" JSON), "", 0, "", "400"},
    {"a folded field",                RAW(POST LENGTH "X-A: a\r\n b\r\n\r\n" JSON), "", 0, "", "400"},
    {"NUL in a value",                RAW(POST LENGTH "X-A: a\0b\r\n\r\n" JSON), "", 0, "", "400"},
    {"NUL in a name",                 RAW(POST LENGTH "X\0A: a\r\n\r\n" JSON), "", 0, "", "400"},
    {"a name that is no token",       RAW(POST LENGTH "X(Y: 1\r\n\r\n" JSON), "", 0, "", "400"},
    {"no name",                       RAW(POST LENGTH ": 1\r\n\r\n" JSON), "", 0, "", "400"},
    {"a line without colon",          RAW(POST LENGTH "garbage\r\n\r\n" JSON), "", 0, "", "400"},
    {"a space before the first name", RAW("POST /mcp HTTP/1.1\r\n Host: a\r\n" LENGTH "\r\n" JSON), "", 0, "", "400"},
    {"chunk size 0x18",               RAW(POST CODED "0x18\r\n" JSON "\r\n0\r\n\r\n"), "", 0, "", "400"},
    {"no chunk size",                 RAW(POST CODED "\r\n" JSON "\r\n0\r\n\r\n"), "", 0, "", "400"},
    {"a chunk size, bare LF",         RAW(POST CODED "18\n" JSON "\r\n0\r\n\r\n"), "", 0, "", "400"},
    {"a chunk without its end",       RAW(POST CODED "18\r\n" JSON "XX0\r\n\r\n"), "", 0, "", "400"},
    {"a chunk size beyond 64 bits",   RAW(POST CODED "fffffffffffffffff\r\n" JSON "\r\n0\r\n\r\n"), "", 0, "", "400"},
    {"a long chunk extension",        RAW(POST CODED "18;x="), "y", 262144, "\r\n" JSON "\r\n0\r\n\r\n", "431"},
    {"a long chunk size",             RAW(POST CODED), "0", 262144, "18\r\n" JSON "\r\n0\r\n\r\n", "431"},
    {"chunked",                       RAW(POST CODED CHUNKED), "", 0, "", "200"},
    {"chunked in capitals",           RAW(POST "Transfer-Encoding: Chunked\r\n\r\n" CHUNKED), "", 0, "", "200"},
    {"a chunk extension, a trailer",  RAW(POST CODED "18;a=b\r\n" JSON "\r\n0\r\nX-T: 1\r\n\r\n"), "", 0, "", "200"},
    {"a length in a trailer",         RAW(POST CODED "18\r\n" JSON "\r\n0\r\nContent-Length: 5\r\n\r\n" SMUGGLED), "", 0, "", "400"},
    {"a long trailer",                RAW(POST CODED "18\r\n" JSON "\r\n0\r\nX-T: "), "y", 262144, "\r\n\r\n", "431"},
    {"a long field",                  RAW(POST LENGTH "X-A: "), "a", 65536, "\r\n\r\n" JSON, "431"},
    {"5000 fields",                   RAW(POST LENGTH), "X-A: a\r\n", 5000, "\r\n" JSON, "431"},
    {"100 fields",                    RAW(POST LENGTH), "X-A: a\r\n", 100, "\r\n" JSON, "200"},
    {"a long target",                 RAW("POST /"), "a", 65536, " HTTP/1.1\r\nHost: a\r\n" LENGTH "\r\n" JSON, "414"},
    {"no Host",                       RAW("POST /mcp HTTP/1.1\r\n" LENGTH "\r\n" JSON), "", 0, "", "400"},
    {"two Hosts",                     RAW(POST "Host: b\r\n" LENGTH "\r\n" JSON), "", 0, "", "400"},
    {"the same Host twice",           RAW(POST "Host: a\r\n" LENGTH "\r\n" JSON), "", 0, "", "400"},
    {"no Host in HTTP/1.0",           RAW("POST /mcp HTTP/1.0\r\n" LENGTH "\r\n" JSON), "", 0, "", "200"},
    {"HTTP/9.9",                      RAW("POST /mcp HTTP/9.9\r\nHost: a\r\n" LENGTH "\r\n" JSON), "", 0, "", "505"},
    {"HTTP/2.0",                      RAW("POST /mcp HTTP/2.0\r\nHost: a\r\n" LENGTH "\r\n" JSON), "", 0, "", "505"},
    {"HTTP/0.9",                      RAW("GET /mcp HTTP/0.9\r\nHost: a\r\n\r\n"), "", 0, "", "505"},
    {"a method in lower case",        RAW("post /mcp HTTP/1.1\r\nHost: a\r\n" LENGTH "\r\n" JSON), "", 0, "", "501"},
    {"CONNECT",                       RAW("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "501"},
    {"a TLS hello",                   RAW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 x"), "", 0, "", "400"},
    {"a large body, declared",        RAW(POST "Content-Length: 3000000\r\n\r\n"), "x", 3000000, "", "413"},
    {"a large body, chunked",         RAW(POST CODED), "4\r\nxxxx\r\n", 400000, "0\r\n\r\n", "413"},
    {"an upgrade that is not taken",  RAW(POST LENGTH "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" JSON SMUGGLED), "", 0, "", "200,200"},
    {"an upgrade without a body",     RAW("GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" SMUGGLED), "", 0, "", "200,200"},
    {"two pipelined",                 RAW(POST LENGTH "\r\n" JSON POST LENGTH "\r\n" JSON), "", 0, "", "200,200"},
    {"GET with a body",               RAW("GET /x HTTP/1.1\r\nHost: a\r\n" LENGTH "\r\n" JSON SMUGGLED), "", 0, "", "200,200"},
    {"empty lines before",            RAW("\r\n\r\n" SMUGGLED), "", 0, "", "200"},
    {"a body not all there",          RAW(POST LENGTH "\r\n{"), "", 0, "", "-"},
    {"an empty field",                RAW(POST LENGTH "X-A:\r\nX-B: \t \r\nX-C: c\r\n\r\n" JSON), "", 0, "", "200"},
    {"another expectation",           RAW(POST LENGTH "Expect: the-unexpected\r\n\r\n" JSON), "", 0, "", "417"},
    {"a fragment in the target",      RAW("GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"bytes beyond ASCII in it",      RAW("GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"a control in it",               RAW("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"* without OPTIONS",             RAW("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"OPTIONS *",                     RAW("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "200"},
    {"an absolute target",            RAW("GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "200"},
    {"an absolute target by TLS",     RAW("GET https://a/x HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"an absolute target of a file",  RAW("GET file://a/x HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"two spaces",                    RAW("GET  /x HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"two spaces before the version", RAW("GET /x  HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"a version of RTSP",             RAW("GET /x RTSP/1.0\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"a method and version of ICE",   RAW("SOURCE /x ICE/1.0\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
    {"a chunk of 2^64 - 1 bytes",     RAW(POST CODED "ffffffffffffffff\r\n"), "", 0, "", "413"},
    {"an absolute target of another", RAW("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n"), "", 0, "", "400"},
};
/* clang-format on */

static struct budget      budget = {.max = MIB(8)};
static struct net         net = {.budget = &budget, .heads = {.size = NET_HEAD_BLOCK}, .outs = {.size = NET_OUT_BLOCK}};
static struct http_limits limits;

static struct str
raw_of(const struct wire_case *c)
{
    struct buffer raw = {.max = MIB(64)};

    assert_true(buffer_append(&raw, c->before));
    for (size_t i = 0; i < c->times; i++)
        buffer_append(&raw, str_from(c->fill));
    buffer_append(&raw, str_from(c->after));
    return buffer_str(&raw);
}

struct reading {
    struct framing      framing;
    struct http_request request;
    char                outcome[64];
    char                body[64]; /* of the last request */
    bool                refused;
};

static void
note(struct reading *r, int status)
{
    size_t used = strlen(r->outcome);

    snprintf(r->outcome + used, sizeof r->outcome - used, "%s%d", used > 0 ? "," : "", status);
}

/* A copy of its own, so that reading past the piece is seen. */
static void
feed(struct reading *r, struct str piece)
{
    char      *copy  = malloc(piece.len > 0 ? piece.len : 1);
    struct str bytes = {copy, piece.len};
    bool       more  = true;

    if (piece.len > 0)
        memcpy(copy, piece.data, piece.len);
    while (more && !r->refused) {
        switch (framing_feed(&r->framing, &bytes)) {
        case FRAMING_MORE:
            assert_int_equal(bytes.len, 0);
            more = false;
            break;
        case FRAMING_HEAD:
            break;
        case FRAMING_WHOLE:
            note(r, 200);
            snprintf(r->body, sizeof r->body, "%.*s", STR_ARG(r->request.body));
            framing_reset(&r->framing);
            more = bytes.len > 0;
            break;
        case FRAMING_REFUSED:
            assert_non_null(r->framing.why);
            note(r, r->framing.status);
            r->refused = true;
            break;
        }
    }
    free(copy);
}

static void
start(struct reading *r)
{
    memset(r, 0, sizeof *r);
    framing_init(&r->framing, &net, &limits, &r->request);
}

static void
end(struct reading *r, const struct wire_case *c, size_t at)
{
    const char *got = r->outcome[0] != '\0' ? r->outcome : "-";

    if (strcmp(got, c->outcome) != 0)
        fail_msg("%s, cut at %zu: %s, wanted %s", c->name, at, got, c->outcome);
    framing_reset(&r->framing);
    assert_int_equal(budget.taken, 0);
}

static void
set_limits(void)
{
    limits            = http_limits_default;
    limits.body_bytes = MIB(1);
}

TEST(what_two_readers_could_take_differently_is_refused)
{
    set_limits();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str     raw = raw_of(&cases[i]);
        struct reading r;
        start(&r);
        for (struct str rest = raw; rest.len > 0; rest = str_skip(rest, NET_INPUT))
            feed(&r, str_take(rest, NET_INPUT));
        end(&r, &cases[i], raw.len);
        free((void *)(uintptr_t)raw.data);
    }
}

TEST(it_does_not_matter_where_the_bytes_are_cut)
{
    set_limits();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str     raw = raw_of(&cases[i]);
        struct reading r;
        for (size_t at = 0; raw.len < 2000 && at <= raw.len; at++) {
            start(&r);
            feed(&r, str_take(raw, at));
            feed(&r, str_skip(raw, at));
            end(&r, &cases[i], at);
        }
        start(&r);
        for (size_t at = 0; raw.len < 100000 && at < raw.len; at++)
            feed(&r, str_take(str_skip(raw, at), 1));
        if (raw.len < 100000)
            end(&r, &cases[i], 1);
        framing_reset(&r.framing);
        free((void *)(uintptr_t)raw.data);
    }
}

/* Feeds one request that is refused by nobody, a byte at a time, up to its end; the fields stay for the test. */
static void
read_one(struct reading *r, struct str raw)
{
    set_limits();
    start(r);
    for (size_t at = 0; at < raw.len; at++) {
        struct str        byte = str_take(str_skip(raw, at), 1);
        enum framing_step step = framing_feed(&r->framing, &byte);
        assert_int_not_equal(step, FRAMING_REFUSED);
    }
    struct str none = STR_NONE;
    if (!r->framing.is_whole)
        framing_feed(&r->framing, &none);
    assert_true(r->framing.is_whole);
}

static enum framing_step
feed_bytes(struct reading *r, struct str raw)
{
    enum framing_step step = FRAMING_MORE;

    for (size_t at = 0; at < raw.len && step != FRAMING_REFUSED; at++) {
        struct str byte = str_take(str_skip(raw, at), 1);
        step            = framing_feed(&r->framing, &byte);
    }
    return step;
}

TEST(a_bound_that_changes_counts_for_what_begins_then)
{
    static const struct str head = RAW(POST LENGTH "\r\n"), coded = RAW(POST CODED "18\r\n{");
    struct reading          r;
    char                    field[3000];

    memset(field, 'a', sizeof field);
    set_limits();
    limits.header_bytes = KIB(1);
    start(&r);
    assert_int_not_equal(feed_bytes(&r, head), FRAMING_REFUSED);
    assert_int_not_equal(feed_bytes(&r, STR("{\"jsonrpc\"")), FRAMING_REFUSED);
    limits.body_bytes = 4;
    assert_int_not_equal(feed_bytes(&r, STR(":\"2.0\",\"id\":1}")), FRAMING_REFUSED);
    assert_true(r.framing.is_whole);

    framing_reset(&r.framing); /* as the connection waits for its next request */
    assert_int_equal(feed_bytes(&r, head), FRAMING_REFUSED);
    assert_int_equal(r.framing.status, 413);

    limits.body_bytes = 100;
    framing_reset(&r.framing);
    assert_int_not_equal(feed_bytes(&r, coded), FRAMING_REFUSED);
    limits.body_bytes = 0;
    assert_int_not_equal(feed_bytes(&r, str_skip(STR(JSON "\r\n0\r\n\r\n"), 1)), FRAMING_REFUSED);

    limits.body_bytes = 100;
    framing_reset(&r.framing);
    limits.header_bytes = KIB(8);
    assert_int_not_equal(feed_bytes(&r, STR(POST "X-A: ")), FRAMING_REFUSED);
    assert_int_not_equal(feed_bytes(&r, str_of(field, sizeof field)), FRAMING_REFUSED);
    assert_int_not_equal(feed_bytes(&r, STR("\r\n" LENGTH "\r\n" JSON)), FRAMING_REFUSED);
    framing_forget(&r.framing);
}

TEST(the_fields_are_slices_of_the_head)
{
    struct reading r;

    read_one(&r,
             STR("DELETE /s/weather/mcp?a=b?c HTTP/1.1\r\nhOST: localhost:1\r\nMcp-Session-Id:  1 2 \t\r\nX:\r\n\r\n"));
    assert_int_equal(r.request.method, HTTP_METHOD_DELETE);
    assert_str(r.request.method_name, "DELETE");
    assert_str(r.request.target, "/s/weather/mcp?a=b?c");
    assert_str(r.request.path, "/s/weather/mcp");
    assert_str(r.request.query, "a=b?c");
    assert_int_equal(r.request.headers.count, 3);
    assert_str(http_header(&r.request.headers, STR("host")), "localhost:1");
    assert_str(http_header(&r.request.headers, STR("mcp-session-id")), "1 2");
    assert_str(http_header(&r.request.headers, STR("x")), "");
    assert_null(http_header(&r.request.headers, STR("y")).data);
    assert_true(r.framing.keep_alive);
    framing_reset(&r.framing);
}

TEST(a_head_that_outgrows_its_block_keeps_its_slices)
{
    struct buffer  raw = {.max = MIB(1)};
    struct reading r;

    buffer_append(&raw, STR("PURGE /first HTTP/1.1\r\nHost: a\r\nX-Empty:\r\n"));
    for (int i = 0; i < 150; i++)
        buffer_printf(&raw, "X-Field-%d: %0*d\r\n", i, 200, i);
    buffer_append(&raw, STR("Content-Length: 3\r\n\r\nabc"));
    read_one(&r, buffer_str(&raw));
    assert_int_equal(r.request.method, HTTP_METHOD_OTHER);
    assert_str(r.request.method_name, "PURGE");
    assert_str(r.request.path, "/first");
    assert_null(r.request.query.data);
    assert_int_equal(r.request.headers.count, 153);
    assert_str(http_header(&r.request.headers, STR("x-empty")), "");
    assert_int_equal(http_header(&r.request.headers, STR("x-field-149")).len, 200);
    assert_str(r.request.body, "abc");
    framing_reset(&r.framing);
    buffer_clear(&raw);
}

TEST(bodies_come_out_joined)
{
    struct reading r;

    set_limits();
    start(&r);
    feed(&r, STR(POST CODED "3\r\nabc\r\n"));
    feed(&r, STR("4;x\r\ndefg\r\n0\r\nT: x\r\n\r\n"));
    assert_string_equal(r.body, "abcdefg");
    feed(&r, STR(POST LENGTH "\r\n" JSON));
    assert_string_equal(r.body, JSON);
    feed(&r, STR(POST "\r\n"));
    assert_string_equal(r.body, "");
    assert_string_equal(r.outcome, "200,200,200");
    framing_reset(&r.framing);
}

TEST(a_body_over_64_kib_reserves_its_length_before_more_is_read)
{
    struct reading r;

    set_limits();
    start(&r);
    budget.max = 500000;
    feed(&r, STR(POST "Content-Length: 400000\r\n\r\n"));
    assert_int_equal(budget.taken, 400000);
    struct reading other;
    start(&other);
    feed(&other, STR(POST "Content-Length: 400000\r\n\r\n"));
    assert_string_equal(other.outcome, "503");
    framing_reset(&other.framing);
    framing_reset(&r.framing);
    assert_int_equal(budget.taken, 0);
    budget.max = MIB(8);
}

TEST(a_chunked_body_reserves_in_steps)
{
    static char    chunk[4 + 2 + 0x8000 + 2 + 1];
    struct reading r;
    int            fed = 0;

    set_limits();
    start(&r);
    budget.max = 4 * 65536;
    memcpy(chunk, "8000\r\n", 6);
    memset(chunk + 6, 'x', 0x8000);
    memcpy(chunk + 6 + 0x8000, "\r\n", 2);
    feed(&r, STR(POST CODED));
    for (; !r.refused; fed++) {
        feed(&r, str_of(chunk, sizeof chunk - 1));
        assert_int_equal(budget.taken % 65536, 0);
        if (fed == 1)
            assert_int_equal(budget.taken, 0);
        if (fed == 2)
            assert_int_equal(budget.taken, 2 * 65536);
    }
    assert_string_equal(r.outcome, "503");
    assert_int_equal(fed, 9); /* the ninth half of a step did not fit into four */
    framing_reset(&r.framing);
    budget.max = MIB(8);
}
