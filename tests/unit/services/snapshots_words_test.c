#include "services/snapshots/words.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "test.h"

static struct str
context_of(const char *json, struct buffer *out)
{
    yyjson_doc *doc = yyjson_read(json, strlen(json), YYJSON_READ_BIGNUM_AS_RAW);

    assert_non_null(doc);
    buffer_reset(out);
    assert_true(context_write(yyjson_doc_get_root(doc), out));
    yyjson_doc_free(doc);
    return buffer_str(out);
}

TEST(a_context_that_is_an_object_reads_as_the_old_server_wrote_it)
{
    struct buffer b = {.max = MIB(1)};

    assert_str(
        context_of("{\"files\":[\"a.c\",\"b.c\"],\"decisions\":[\"keep \\\"it\\\"\"],\"blockers\":[\"none yet\"]}", &b),
        "Files:\n- a.c\n- b.c\n\nDecisions:\n- keep \"it\"\n\nBlockers:\n- none yet");
    assert_str(context_of("{\"blockers\":[\"b\"],\"files\":[],\"decisions\":[],\"code_state\":{}}", &b),
               "Blockers:\n- b");
    assert_str(
        context_of("{\"code_state\":{\"branch\":\"main\",\"n\":1.0,\"list\":[],\"none\":{},\"deep\":[1,{\"a\":null}]}}",
                   &b),
        "Code State:\n{\n  \"branch\": \"main\",\n  \"n\": 1,\n  \"list\": [],\n  \"none\": {},\n  \"deep\": [\n    "
        "1,\n    "
        "{\n      \"a\": null\n    }\n  ]\n}");
    assert_str(
        context_of("{\"zeta\":\"last\\nline\",\"files\":[\"f\"],\"alpha\":{\"k\":[true]},\"nothing\":null,\"n\":2.5}",
                   &b),
        "Files:\n- f\n\nzeta:\nlast\nline\n\nalpha:\n{\n  \"k\": [\n    true\n  ]\n}\n\nnothing:\nnull\n\nn:\n2.5");
    assert_str(context_of("{\"x\":\"  \\n \\u00a0\\ufeff\"}", &b), "x:"); /* trimmed as ECMAScript does */
    assert_str(context_of("{}", &b), "");
    buffer_clear(&b);
}

TEST(numbers_in_a_context_are_written_as_ecmascript_does)
{
    struct buffer b = {.max = MIB(1)};

    assert_str(
        context_of("{\"v\":[1e21,1e-7,-0.0,100.0,1e20,0.1,-5,18446744073709551615,123456789012345678901234567890]}",
                   &b),
        "v:\n[\n  1e+21,\n  1e-7,\n  0,\n  100,\n  100000000000000000000,\n  0.1,\n  -5,\n  18446744073709551615,\n  "
        "123456789012345678901234567890\n]");
    buffer_clear(&b);
}

TEST(the_continuation_prompt_is_the_old_servers)
{
    struct buffer        b    = {.max = MIB(1)};
    struct snapshot_text text = {.summary = STR("S"), .context = STR("C")};

    assert_true(prompt_write(&text, &b));
    assert_str(buffer_str(&b), "Resuming: S\n\nContext:\nC");
    text.next_steps = STR("N");
    buffer_reset(&b);
    assert_true(prompt_write(&text, &b));
    assert_str(buffer_str(&b), "Resuming: S\n\nContext:\nC\n\nNext:\nN");
    buffer_clear(&b);
}

TEST(a_time_is_written_as_the_old_server_did)
{
    char text[OLD_TIME_SIZE];

    time_write_old(SECONDS(1763733731) + 482000, text);
    assert_string_equal(text, "2025-11-21 14:02:11");
}

/* --- what is refused --- */

static struct arena *arena;

static bool
reads(const char *json, struct snapshot_text *text, struct error *err)
{
    yyjson_doc *doc = yyjson_read(json, strlen(json), YYJSON_READ_BIGNUM_AS_RAW);

    assert_non_null(doc);
    *err    = (struct error){0};
    bool ok = text_read(yyjson_doc_get_root(doc), KIB(64), arena, text, err);
    yyjson_doc_free(doc);
    return ok;
}

TEST(bad_texts_are_refused_with_what_is_wrong)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"{}", "summary and context are required"},
        {"{\"summary\":\"s\"}", "summary and context are required"},
        {"{\"summary\":\"\",\"context\":\"c\"}", "summary and context are required"},
        {"{\"summary\":\" \\n\\t\",\"context\":\"c\"}", "summary is blank"},
        {"{\"summary\":\"\\u00a0\\u3000\",\"context\":\"c\"}", "summary is blank"},
        {"{\"summary\":\"s\",\"context\":\" \"}", "context is blank"},
        {"{\"summary\":\"s\",\"context\":{}}", "context is empty"},
        {"{\"summary\":\"s\",\"context\":{\"files\":[]}}", "context is empty"},
        {"{\"summary\":\"s\",\"context\":7}", "context must be a text"},
        {"{\"summary\":\"a\\u0000b\",\"context\":\"c\"}", "summary has the control character U+0000 at byte 1"},
        {"{\"summary\":\"s\",\"context\":\"\\u001b[31m\"}", "context has the control character U+001B at byte 0"},
        {"{\"summary\":\"s\",\"context\":\"\\u0085\"}", "context has the control character U+0085"},
        {"{\"summary\":\"s\",\"context\":{\"a\":{\"b\":[\"\\u0007\"]}}}", "context has the control character U+0007"},
        {"{\"summary\":\"s\",\"context\":{\"a\\u0007\":1}}", "context has the control character U+0007"},
        {"{\"summary\":\"a\\rb\",\"context\":\"c\"}", "summary has the control character U+000D"},
        {"{\"summary\":\"s\",\"context\":\"c\",\"name\":\"a\\nb\"}", "name must be one line"},
        {"{\"summary\":\"s\",\"context\":\"c\",\"project\":\" \"}", "project is blank"},
        {"{\"summary\":\"s\",\"context\":\"c\",\"tags\":[\"\"]}", "a tag must be one line"},
        {"{\"summary\":\"s\",\"context\":\"c\",\"tags\":\"x\"}", "tags must be a list"},
        {"{\"summary\":\"s\",\"context\":\"c\",\"importance\":6}", "importance must be"},
        {"{\"summary\":\"s\",\"context\":\"c\",\"importance\":2.5}", "importance must be"},
    };

    arena = arena_new(KIB(4), MIB(16));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snapshot_text text = {0};
        struct error         err;
        if (reads(cases[i].json, &text, &err))
            fail_msg("%s was taken", cases[i].json);
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("%s: %s", cases[i].json, err.text);
    }
    arena_free(arena);
}

TEST(texts_over_their_limits_are_refused_with_both_numbers)
{
    static char  json[200000];
    struct error err;

    arena = arena_new(KIB(4), MIB(16));
    for (size_t len = WORDS_NAME_MOST; len <= WORDS_NAME_MOST + 1; len++) {
        struct snapshot_text text = {0};
        snprintf(json, sizeof json, "{\"summary\":\"s\",\"context\":\"c\",\"name\":\"%0*d\"}", (int)len, 0);
        assert_int_equal(reads(json, &text, &err), len == WORDS_NAME_MOST);
    }
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    assert_string_equal(err.text, "name has 201 bytes; at most 200 are kept");
    struct snapshot_text text = {0};
    snprintf(json, sizeof json, "{\"summary\":\"s\",\"context\":{\"x\":\"%0*d\"}}", 70000, 0);
    assert_false(reads(json, &text, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    snprintf(json, sizeof json, "{\"summary\":\"s\",\"context\":{\"x\":%0150d%0150d}}", 0, 0);
    for (char *c = strchr(json, '0'), *end = c + 300; c < end; c++)
        *c = end - c > 150 ? '[' : ']';
    assert_false(reads(json, &text, &err));
    assert_non_null(strstr(err.text, "nested deeper"));
    arena_free(arena);
}

TEST(what_is_given_is_kept_and_what_is_empty_is_none)
{
    struct snapshot_text text = {0};
    struct error         err;

    arena = arena_new(KIB(4), MIB(16));
    assert_true(reads("{\"summary\":\"one\\r\\ntwo\",\"context\":\"c\",\"name\":\"\",\"next_steps\":\"\",\"tags\":["
                      "\"b\",\"a\",\"b\"]}",
                      &text, &err));
    assert_str(text.summary, "one\ntwo");
    assert_int_equal(text.name.len + text.next_steps.len, 0);
    assert_int_equal(text.tag_count, 2);
    assert_str(text.tags[0], "a");
    assert_int_equal(text.importance, 3);
    assert_str(text.prompt, "Resuming: one\ntwo\n\nContext:\nc");
    assert_true(
        reads("{\"context\":{\"files\":[\"f\"]},\"name\":\"n\",\"importance\":5}", &text, &err)); /* the rest stays */
    assert_str(text.context, "Files:\n- f");
    assert_str(text.structured, "{\"files\":[\"f\"]}");
    assert_str(text.prompt, "Resuming: one\ntwo\n\nContext:\nFiles:\n- f");
    assert_int_equal(text.tag_count, 2);
    assert_true(reads("{\"name\":\"\",\"tags\":[],\"context\":\"plain\"}", &text, &err));
    assert_int_equal(text.name.len + text.tag_count + text.structured.len, 0);
    assert_int_equal(text.importance, 5);
    arena_free(arena);
}

/* --- the compact form --- */

/* Contexts as models give them: the same facts are in both forms, in fewer tokens. */
static const struct {
    const char *json;
    const char *facts[12];
} examples[] = {
    {"{\"summary\":\"Moved the parser to a table\",\"context\":\"The old parser was a switch. It is a table "
     "now.\\n\\nTests "
     "pass but for the one on Windows.\",\"next_steps\":\"Look at the Windows test\"}",
     {"Moved the parser to a table", "The old parser was a switch. It is a table now.",
      "Tests pass but for the one on Windows.", "Look at the Windows test"}},
    {"{\"summary\":\"Login with a second "
     "factor\",\"context\":{\"files\":[\"src/login.ts\",\"src/totp.ts\",\"tests/login.test.ts\"],"
     "\"decisions\":[\"TOTP, no SMS\",\"secrets in the key ring\"],\"blockers\":[\"the design of the recovery page\"],"
     "\"code_state\":{\"branch\":\"second-factor\",\"tests\":{\"passed\":41,\"failed\":2},\"todo\":[\"recovery\","
     "\"rate limit\"]}},"
     "\"next_steps\":\"Write the recovery page\"}",
     {"Login with a second factor", "src/login.ts", "src/totp.ts", "tests/login.test.ts", "TOTP, no SMS",
      "secrets in the key ring", "the design of the recovery page", "second-factor", "passed: 41", "failed: 2",
      "rate limit", "Write the recovery page"}},
    {"{\"summary\":\"Benchmarks\",\"context\":{\"results\":[{\"name\":\"small\",\"ms\":1.25},{\"name\":\"large\","
     "\"ms\":88}],"
     "\"machine\":\"two cores, 4 GiB\",\"files\":[\"bench.c\"]}}",
     {"Benchmarks", "small", "1.25", "large", "88", "two cores, 4 GiB", "bench.c"}},
    {"{\"summary\":\"Schemas\",\"context\":{\"code_state\":{\"note\":\"a: b, "
     "{c}\",\"empty\":\"\",\"yes\":\"true\",\"no\":false,"
     "\"nothing\":null},\"blockers\":[\"one; two\",\"three, four\"],\"settings\":{}}}",
     {"Schemas", "\"a: b, {c}\"", "\"\"", "\"true\"", "false", "null", "one; two", "three, four", "settings"}},
    {"{\"summary\":\"\u00dcbersetzung\",\"context\":\"\u00c4nderungen am Text:\\n- \u65e5\u672c\u8a9e\\n- "
     "\u0440\u0443\u0441\u0441\u043a\u0438\u0439\\n\\n\\n\\nEnde.   \"}",
     {"\u00dcbersetzung", "\u65e5\u672c\u8a9e", "\u0440\u0443\u0441\u0441\u043a\u0438\u0439", "\u00c4nderungen am Text",
      "Ende."}},
};

TEST(the_compact_form_has_the_same_facts_in_fewer_tokens)
{
    struct buffer compact = {.max = MIB(1)};

    arena = arena_new(KIB(4), MIB(16));
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        struct snapshot s = {.id = 7};
        struct error    err;
        assert_true(reads(examples[i].json, &s.text, &err));
        buffer_reset(&compact);
        assert_true(compact_write(&s, 0, &compact));
        struct str text = buffer_str(&compact);
        for (size_t f = 0; f < 12 && examples[i].facts[f] != NULL; f++)
            if (str_find(text, str_from(examples[i].facts[f])) < 0)
                fail_msg("%s is not in %.*s", examples[i].facts[f], STR_ARG(text));
        if (words_tokens(text) >= words_tokens(s.text.prompt))
            fail_msg("%llu tokens are not fewer than %llu: %.*s", (unsigned long long)words_tokens(text),
                     (unsigned long long)words_tokens(s.text.prompt), STR_ARG(text));
    }
    buffer_clear(&compact);
    arena_free(arena);
}

TEST(the_compact_form_reads_like_this)
{
    struct buffer   compact = {.max = MIB(1)};
    struct snapshot s       = {.id = 7};
    struct error    err;

    arena = arena_new(KIB(4), MIB(16));
    assert_true(reads(examples[1].json, &s.text, &err));
    assert_true(compact_write(&s, 0, &compact));
    assert_str(buffer_str(&compact),
               "Login with a second factor\n"
               "Files: src/login.ts, src/totp.ts, tests/login.test.ts\n"
               "Decisions: TOTP, no SMS; secrets in the key ring\n"
               "Blockers: the design of the recovery page\n"
               "Code State: branch: second-factor, tests: {passed: 41, failed: 2}, todo: [recovery, rate limit]\n"
               "Next: Write the recovery page");
    buffer_clear(&compact);
    arena_free(arena);
}

TEST(what_does_not_fit_is_left_out_the_least_important_first_and_named)
{
    struct buffer   json = {.max = MIB(1)}, compact = {.max = MIB(1)};
    struct snapshot s = {.id = 7};
    struct error    err;

    arena = arena_new(KIB(4), MIB(16));
    buffer_append(
        &json,
        STR("{\"summary\":\"A summary\",\"next_steps\":\"The next step\",\"context\":{\"decisions\":[\"a decision\"],"
            "\"files\":["));
    for (int i = 0; i < 400; i++)
        buffer_printf(&json, "%s\"src/some/file-%d.c\"", i == 0 ? "" : ",", i);
    buffer_append(&json, STR("],\"notes\":\"what was said\"}}"));
    buffer_append_char(&json, '\0');
    assert_true(reads(buffer_str(&json).data, &s.text, &err));
    for (uint64_t most = 3000; most >= 100; most = most * 2 / 3) {
        buffer_reset(&compact);
        assert_true(compact_write(&s, most, &compact));
        struct str text = buffer_str(&compact);
        if (words_tokens(text) > most)
            fail_msg("%llu: %.*s", (unsigned long long)most, STR_ARG(text));
        assert_true(str_find(text, STR("A summary")) >= 0 && str_find(text, STR("The next step")) >= 0);
        assert_true(str_find(text, STR("a decision")) >= 0 && str_find(text, STR("what was said")) >= 0);
        assert_true(str_find(text, STR("file-399")) < 0 && str_find(text, STR("[Left out")) >= 0);
        assert_true(str_find(text, STR("load_snapshot with id 7]")) > 0);
        assert_true(most < 200 || str_find(text, STR("Files (")) > 0);
    }
    buffer_reset(&compact);
    assert_true(compact_write(&s, 1, &compact)); /* there is no room for anything: it still says what there is */
    assert_true(buffer_len(&compact) < 200);
    buffer_reset(&compact);
    assert_true(compact_write(&s, 100000, &compact));
    assert_true(str_find(buffer_str(&compact), STR("Left out")) < 0);
    buffer_clear(&compact);
    buffer_clear(&json);
    arena_free(arena);
}

TEST(a_long_text_is_cut_between_words_and_its_end_named)
{
    struct buffer   json = {.max = MIB(1)}, compact = {.max = MIB(1)};
    struct snapshot s = {.id = 7};
    struct error    err;

    arena = arena_new(KIB(4), MIB(16));
    buffer_append(&json, STR("{\"summary\":\"A summary\",\"context\":\""));
    for (int i = 0; i < 3000; i++)
        buffer_append(&json, STR("w\u00f6rter "));
    buffer_append(&json, STR("\"}"));
    buffer_append_char(&json, '\0');
    assert_true(reads(buffer_str(&json).data, &s.text, &err));
    assert_true(compact_write(&s, 300, &compact));
    struct str text = buffer_str(&compact);
    assert_true(words_tokens(text) <= 300 && words_tokens(text) > 150);
    assert_true(str_is_utf8(text));
    assert_true(str_find(text, STR("w\u00f6rter \u2026\n[Left out")) > 0);
    buffer_clear(&compact);
    buffer_clear(&json);
    arena_free(arena);
}

/* --- JSON, out and in --- */

TEST(a_snapshot_as_json_reads_back_as_it_was)
{
    struct snapshot s = {.id = 7, .version = 3, .created = SECONDS(1763733731), .changed = SECONDS(1763733800)}, again;
    struct error    err;

    arena = arena_new(KIB(4), MIB(16));
    assert_true(reads("{\"summary\":\"s\",\"context\":{\"files\":[\"f\"],\"n\":12345678901234567890123},\"name\":\"n\","
                      "\"project\":\"p\","
                      "\"next_steps\":\"x\",\"tags\":[\"a\",\"b\"],\"importance\":4}",
                      &s.text, &err));
    s.origin            = (struct snapshot_origin){STR("c"), STR("1"), STR("snapshots 0"), STR("there")};
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, snapshot_json(doc, &s, true));
    char       *text = yyjson_mut_write(doc, 0, NULL);
    yyjson_doc *in   = yyjson_read(text, strlen(text), YYJSON_READ_BIGNUM_AS_RAW);
    if (!snapshot_from_json(yyjson_doc_get_root(in), arena, &again, &err))
        fail_msg("%s: %s", err.text, text);
    assert_true(again.id == s.id && again.version == s.version && again.created == s.created &&
                again.changed == s.changed);
    assert_true(str_eq(again.text.context, s.text.context) && str_eq(again.text.structured, s.text.structured));
    assert_true(str_eq(again.text.prompt, s.text.prompt) && str_eq(again.text.name, s.text.name));
    assert_true(again.text.tag_count == 2 && again.text.importance == 4 &&
                str_eq(again.origin.source, s.origin.source));
    yyjson_doc_free(in);
    free(text);
    yyjson_mut_doc_free(doc);
    arena_free(arena);
}

TEST(a_row_of_the_old_server_is_read_too)
{
    static const char row[] = "{\"id\":3,\"name\":null,\"summary\":\"s\",\"context\":\"c\",\"next_steps\":null,"
                              "\"continuation_prompt\":\"\",\"created_at\":\"2025-11-21 14:02:11\"}";
    struct snapshot   s;
    struct error      err;
    yyjson_doc       *doc = yyjson_read(row, sizeof row - 1, 0);

    arena = arena_new(KIB(4), MIB(16));
    assert_true(snapshot_from_json(yyjson_doc_get_root(doc), arena, &s, &err));
    assert_true(s.id == 3 && s.created == SECONDS(1763733731) && s.text.name.len == 0);
    assert_str(s.text.prompt, "Resuming: s\n\nContext:\nc");
    yyjson_doc_free(doc);
    arena_free(arena);
}
