#include "cli/call/form.h"

#include <stdlib.h>

#include "cli_fixture.h"

/* A person at a form: what was shown since the last line. */
struct person {
    struct form  *form;
    struct buffer shown;
};

static void
sit_down(struct person *p, const char *schema)
{
    yyjson_doc  *doc = yyjson_read(schema, strlen(schema), 0);
    struct error err = {0};

    assert_non_null(doc);
    *p = (struct person){.form = form_new(yyjson_doc_get_root(doc), false, &err), .shown = {.max = MIB(1)}};
    yyjson_doc_free(doc);
    if (p->form == NULL)
        fail_msg("%s", err.text);
    form_ask(p->form, &p->shown);
    buffer_append_char(&p->shown, '\0');
}

static enum form_step
answer(struct person *p, const char *line)
{
    buffer_reset(&p->shown);
    enum form_step step = form_take(p->form, str_from(line), &p->shown);
    if (step == FORM_MORE)
        form_ask(p->form, &p->shown);
    buffer_append_char(&p->shown, '\0');
    return step;
}

#define assert_shown(p, part) assert_said((p)->shown.data + (p)->shown.from, part)

static void
check_content(struct person *p, const char *wanted)
{
    yyjson_mut_doc *doc  = yyjson_mut_doc_new(NULL);
    char           *json = yyjson_mut_val_write(form_content(p->form, doc), 0, NULL);

    assert_string_equal(json, wanted);
    free(json);
    yyjson_mut_doc_free(doc);
}

static void
stand_up(struct person *p)
{
    form_free(p->form);
    buffer_clear(&p->shown);
}

TEST(a_form_is_asked_field_by_field_and_shown_before_it_goes)
{
    struct person p;

    sit_down(&p, "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"title\":\"Your "
                 "name\",\"description\":\"As "
                 "in the "
                 "passport\"},\"age\":{\"type\":\"integer\",\"minimum\":18},\"ok\":{\"type\":\"boolean\"}},"
                 "\"required\":[\"name\"]}");
    assert_shown(&p, "Your name  a string; needed");
    assert_shown(&p, "As in the passport");
    assert_int_equal(answer(&p, ""), FORM_MORE);
    assert_shown(&p, "it is needed");
    assert_int_equal(answer(&p, " Ada "), FORM_MORE);
    assert_shown(&p, "age  an integer, at least 18; may be left empty");
    assert_int_equal(answer(&p, "ten"), FORM_MORE);
    assert_shown(&p, "this is an integer, not \"ten\"");
    assert_int_equal(answer(&p, "10"), FORM_MORE);
    assert_shown(&p, "it must be at least 18");
    assert_int_equal(answer(&p, ""), FORM_MORE);
    assert_shown(&p, "ok  true or false");
    assert_int_equal(answer(&p, "perhaps"), FORM_MORE);
    assert_shown(&p, "yes or no");
    assert_int_equal(answer(&p, "Y"), FORM_MORE);
    assert_shown(&p, "name: \"Ada\"");
    assert_shown(&p, "age: left out");
    assert_shown(&p, "Send it?");
    assert_int_equal(answer(&p, ""), FORM_SEND);
    check_content(&p, "{\"name\":\"Ada\",\"ok\":true}");
    stand_up(&p);
}

TEST(choices_have_numbers)
{
    struct person p;

    sit_down(&p, "{\"properties\":{\"c\":{\"type\":\"string\",\"enum\":[\"r\",\"b\"],\"enumNames\":[\"Red\",\"Blue\"]},"
                 "\"d\":{\"oneOf\":[{\"const\":\"x\",\"title\":\"The X\"},{\"const\":\"y\"}],\"default\":\"y\"},"
                 "\"m\":{\"type\":\"array\",\"items\":{\"enum\":[\"p\",\"q\",\"r\"]},\"minItems\":1}},\"required\":["
                 "\"c\",\"m\"]}");
    assert_shown(&p, "1  r  Red\n");
    assert_int_equal(answer(&p, "3"), FORM_MORE);
    assert_shown(&p, "a number from 1 to 2, not \"3\"");
    answer(&p, "2");
    assert_shown(&p, "1  x  The X\n");
    assert_shown(&p, "2  y  (default)\n");
    answer(&p, "");
    assert_shown(&p, "any of these, numbers with commas between, how many at least 1");
    answer(&p, "1, r");
    assert_shown(&p, "m: [\"p\",\"r\"]");
    assert_int_equal(answer(&p, "y"), FORM_SEND);
    check_content(&p, "{\"c\":\"b\",\"d\":\"y\",\"m\":[\"p\",\"r\"]}");
    stand_up(&p);
}

TEST(a_form_is_declined_put_off_or_begun_again)
{
    static const char one[] = "{\"properties\":{\"n\":{\"type\":\"string\",\"default\":\"x\"}}}";
    struct person     p;

    sit_down(&p, one);
    assert_shown(&p, "[x] > ");
    assert_int_equal(answer(&p, "/decline"), FORM_DECLINE);
    stand_up(&p);
    sit_down(&p, one);
    assert_int_equal(answer(&p, "/cancel"), FORM_CANCEL);
    stand_up(&p);
    sit_down(&p, one);
    answer(&p, "first");
    assert_int_equal(answer(&p, "again"), FORM_MORE);
    assert_shown(&p, "n  a string");
    answer(&p, "second");
    assert_int_equal(answer(&p, "what"), FORM_MORE);
    assert_int_equal(answer(&p, "no"), FORM_DECLINE);
    stand_up(&p);
    sit_down(&p, "{\"type\":\"object\",\"properties\":{}}"); /* a question without fields */
    assert_shown(&p, "Agree?");
    assert_int_equal(answer(&p, "y"), FORM_SEND);
    check_content(&p, "{}");
    stand_up(&p);
}

TEST(formats_are_looked_at)
{
    static const char *const wrong[] = {"ada", "example", "21.11.2026", "2026-11-21"};
    static const char *const right[] = {"ada@example.com", "https://example.com", "2026-11-21", "2026-11-21T14:02:11Z"};
    struct person            p;

    sit_down(&p,
             "{\"properties\":{\"a\":{\"type\":\"string\",\"format\":\"email\"},\"b\":{\"type\":\"string\",\"format\":"
             "\"uri\"},"
             "\"c\":{\"type\":\"string\",\"format\":\"date\"},\"d\":{\"type\":\"string\",\"format\":\"date-time\"}}}");
    for (size_t i = 0; i < 4; i++) {
        answer(&p, wrong[i]);
        assert_shown(&p, "it is to be written as");
        answer(&p, right[i]);
    }
    assert_int_equal(answer(&p, ""), FORM_SEND);
    stand_up(&p);
}

TEST(a_form_of_a_hostile_server_is_harmless)
{
    struct person p;
    struct buffer many = {.max = MIB(1)};
    struct error  err  = {0};

    sit_down(&p,
             "{\"properties\":{\"a\\u001b[31m\":{\"type\":\"string\",\"description\":\"x\\n\\u001b]0;y\\u0007\"}}}");
    assert_null(strchr(p.shown.data, '\033'));
    stand_up(&p);
    sit_down(&p, "{\"properties\":{\"a\":5,\"b\":{\"type\":\"object\"},\"c\":{\"enum\":[]}}}");
    answer(&p, "1");
    assert_int_equal(answer(&p, "{\"k\":[1]}"), FORM_MORE);
    answer(&p, "");
    answer(&p, "");
    check_content(&p, "{\"a\":1,\"b\":{\"k\":[1]}}");
    stand_up(&p);
    buffer_append(&many, STR("{\"properties\":{\"f\":{}"));
    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        buffer_printf(&many, ",\"f%d\":{}", i);
    buffer_append(&many, STR("}}"));
    yyjson_doc *doc = yyjson_read(buffer_str(&many).data, buffer_len(&many), 0);
    assert_null(form_new(yyjson_doc_get_root(doc), false, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    yyjson_doc_free(doc);
    buffer_clear(&many);
}
