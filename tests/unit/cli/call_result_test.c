#include "cli/call/result.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cli_fixture.h"

static char *
show(const struct result_style *style, const char *json)
{
    struct buffer out = {.max = MIB(1)};
    yyjson_doc   *doc = yyjson_read(json, strlen(json), 0);
    struct error  err = {0};

    assert_non_null(doc);
    bool ok = result_print(style, yyjson_doc_get_root(doc), &out, &err);
    if (!ok)
        buffer_printf(&out, "failed: %s", err.text);
    yyjson_doc_free(doc);
    char *text = strndup(buffer_len(&out) == 0 ? "" : buffer_str(&out).data, buffer_len(&out));
    buffer_clear(&out);
    return text;
}

static void
check_shows(const struct result_style *style, const char *json, const char *wanted)
{
    char *text = show(style, json);

    assert_string_equal(text, wanted);
    free(text);
}

static const struct result_style piped = {0}, terminal = {.is_terminal = true, .colour = true};

TEST(texts_are_texts)
{
    static const char two[] =
        "{\"content\":[{\"type\":\"text\",\"text\":\"a\\u001b[2Jb\"},{\"type\":\"text\",\"text\":\"c\\n\"}]}";

    check_shows(&piped, two, "a\033[2Jb\nc\n");
    check_shows(&terminal, two, "a\\x1b[2Jb\nc\n");
    check_shows(&piped, "{\"contents\":[{\"uri\":\"a:b\",\"text\":\"x\"}]}", "x\n");
    check_shows(
        &piped,
        "{\"contents\":[{\"uri\":\"a:b\",\"mimeType\":\"text/x\",\"text\":\"x\"},{\"uri\":\"a:c\",\"text\":\"y\"}]}",
        "a:b  text/x\nx\na:c\ny\n");
    check_shows(&piped, "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"hi\"}}]}",
                "user:\nhi\n");
    check_shows(&piped, "{\"completion\":{\"values\":[\"a\",\"b\"]}}", "a\nb\n");
}

TEST(a_failure_of_the_tool_is_red_and_marked)
{
    static const char failed[] = "{\"content\":[{\"type\":\"text\",\"text\":\"no such zone\"}],\"isError\":true}";
    yyjson_doc       *doc      = yyjson_read(failed, strlen(failed), 0);

    check_shows(&terminal, failed, "\033[31m✗ \033[0m\033[31mno such zone\033[0m\n");
    check_shows(&piped, failed, "no such zone\n");
    assert_true(result_is_error(yyjson_doc_get_root(doc)));
    yyjson_doc_free(doc);
}

TEST(structured_content_is_shown_once)
{
    check_shows(&piped,
                "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"a\\\": 1}\"}],\"structuredContent\":{\"a\":1}}",
                "{\n  \"a\": 1\n}\n");
    check_shows(&piped, "{\"content\":[{\"type\":\"text\",\"text\":\"one\"}],\"structuredContent\":[1]}",
                "one\n[\n  1\n]\n");
}

TEST(what_is_binary_is_a_line)
{
    check_shows(&piped, "{\"content\":[{\"type\":\"image\",\"mimeType\":\"image/png\",\"data\":\"AAEC\"}]}",
                "image  image/png  3 B\n");
    check_shows(&piped, "{\"content\":[{\"type\":\"audio\",\"data\":\"!\"}]}",
                "audio  broken: its data is no base64\n");
    check_shows(&piped, "{\"contents\":[{\"uri\":\"a:b\",\"blob\":\"AAEC\"}]}", "a:b  3 B\n");
    check_shows(
        &piped,
        "{\"content\":[{\"type\":\"resource_link\",\"uri\":\"a:b\",\"name\":\"n\",\"size\":1200},{\"type\":\"new\"}]}",
        "→ a:b  n  1.2 kB\n{\n  \"type\": \"new\"\n}\n");
}

TEST(what_is_binary_goes_into_files)
{
    char                dir[] = "/tmp/gatehouse-call-XXXXXX", first[64], second[64], wanted[256];
    struct buffer       bytes = {.max = 100};
    struct result_style style = {.file = first};

    assert_non_null(mkdtemp(dir));
    snprintf(first, sizeof first, "%s/x.png", dir);
    snprintf(second, sizeof second, "%s/x-2.png", dir);
    snprintf(wanted, sizeof wanted, "image  3 B  in %s\nimage  1 B  in %s\n", first, second);
    check_shows(&style, "{\"content\":[{\"type\":\"image\",\"data\":\"AAEC\"},{\"type\":\"image\",\"data\":\"QQ==\"}]}",
                wanted);
    assert_true(file_read(first, &bytes, NULL));
    assert_int_equal(buffer_len(&bytes), 3);
    buffer_reset(&bytes);
    assert_true(file_read(second, &bytes, NULL));
    assert_str(buffer_str(&bytes), "A");
    buffer_reset(&bytes);
    snprintf(wanted, sizeof wanted, "text  3 B  in %s\n", first);
    check_shows(&style, "{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}", wanted);
    assert_true(file_read(first, &bytes, NULL));
    assert_str(buffer_str(&bytes), "hi\n");
    buffer_clear(&bytes);
    unlink(first);
    unlink(second);
    rmdir(dir);
    char *text = show(&style, "{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}");
    assert_said(text, "failed: ");
    assert_said(text, "No such file");
    free(text);
}

TEST(what_is_of_no_kind_is_json)
{
    check_shows(&piped, "{}", "{}\n");
    check_shows(&piped, "{\"tools\":[]}", "{\n  \"tools\": []\n}\n");
    check_shows(&piped, "{\"resultType\":\"task\",\"taskId\":\"t1\",\"status\":\"working\"}", "task t1  working\n");
}
