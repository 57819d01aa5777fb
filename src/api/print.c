#include "api/print.h"

static void
add(struct print *p, struct str text)
{
    p->failed = p->failed || !buffer_append(p->to, text);
}

/* What stands before every value. */
static void
begin(struct print *p, const char *key)
{
    if (p->wants_comma)
        add(p, STR(","));
    p->wants_comma = true;
    if (key == NULL)
        return;
    p->failed = p->failed || !buffer_append_json(p->to, str_from(key));
    add(p, STR(":"));
}

void
print_open(struct print *p, const char *key, char bracket)
{
    begin(p, key);
    add(p, str_of(&bracket, 1));
    p->wants_comma = false;
}

void
print_close(struct print *p, char bracket)
{
    add(p, str_of(&bracket, 1));
    p->wants_comma = true;
}

void
print_text(struct print *p, const char *key, struct str value)
{
    begin(p, key);
    p->failed = p->failed || !buffer_append_json(p->to, value);
}

void
print_text_or_null(struct print *p, const char *key, struct str value)
{
    if (value.len == 0)
        print_null(p, key);
    else
        print_text(p, key, value);
}

void
print_number(struct print *p, const char *key, int64_t value)
{
    begin(p, key);
    p->failed = p->failed || !buffer_printf(p->to, "%lld", (long long)value);
}

void
print_bool(struct print *p, const char *key, bool value)
{
    begin(p, key);
    add(p, value ? STR("true") : STR("false"));
}

void
print_null(struct print *p, const char *key)
{
    begin(p, key);
    add(p, STR("null"));
}

void
print_id(struct print *p, const char *key, uint64_t id)
{
    begin(p, key);
    p->failed = p->failed || !buffer_printf(p->to, "\"%llu\"", (unsigned long long)id);
}

void
print_milliseconds(struct print *p, const char *key, int64_t microseconds)
{
    begin(p, key);
    p->failed = p->failed || !buffer_printf(p->to, "%lld.%03d", (long long)(microseconds / MILLISECONDS(1)),
                                            (int)(microseconds % MILLISECONDS(1)));
}

void
print_time(struct print *p, const char *key, wall_time t)
{
    char text[TIME_ISO_SIZE];

    if (t <= 0) {
        print_null(p, key);
        return;
    }
    time_format_iso(t, text);
    begin(p, key);
    p->failed = p->failed || !buffer_printf(p->to, "\"%.*s%03dZ\"", (int)strlen(text) - 1, text, (int)(t % 1000));
}

void
print_json(struct print *p, const char *key, struct str json)
{
    begin(p, key);
    add(p, json);
}
