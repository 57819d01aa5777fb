/* gatehouse.yaml: a map of keys, nested (http: {idle: 10s}) or dotted (http.idle: 10s), and nothing else of YAML.
 *
 * libyaml's events only, with rules of our own: no anchors, aliases, tags, directives or further documents, three
 * levels, no key twice, a bound on events. Such a file is read in time linear to its length. */
#include <yaml.h>

#include "base/map.h"
#include "base/settings.h"

enum { DEPTH_MAX = 3, EVENTS_MAX = 2000, KEYS_MAX = 512, KEY_MAX = 64, LIST_MAX = 4096 };

struct reader {
    struct settings *settings;
    const char      *file;
    struct error    *err;
    yaml_parser_t    parser;
    yaml_event_t     event; /* the newest */
    bool             held;  /* `event` must be deleted before the next */
    unsigned         events;
    struct map       seen; /* dotted key -> unsigned line */
};

static unsigned
line_of(const struct reader *r)
{
    return (unsigned)r->event.start_mark.line + 1;
}

static bool
say(struct reader *r, const char *what)
{
    return error_set(r->err, ERROR_INVALID, "%s:%u %s", r->file, line_of(r), what);
}

static void
drop(struct reader *r)
{
    if (r->held)
        yaml_event_delete(&r->event);
    r->held = false;
}

static bool
is_decorated(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor != NULL || e->data.mapping_start.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor != NULL || e->data.sequence_start.tag != NULL;
    case YAML_DOCUMENT_START_EVENT:
        return e->data.document_start.version_directive != NULL ||
               e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end;
    default:
        return e->type == YAML_ALIAS_EVENT;
    }
}

/* Fetches the next event, refusing what we don't allow anywhere. */
static bool
next(struct reader *r)
{
    drop(r);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return error_set(r->err, ERROR_INVALID, "%s:%zu %s", r->file, r->parser.problem_mark.line + 1,
                         r->parser.problem != NULL ? r->parser.problem : "this is no YAML");
    r->held = true;
    if (++r->events > EVENTS_MAX)
        return say(r, "there is more here than settings");
    if (is_decorated(&r->event))
        return say(r, "anchors, aliases, tags and directives are not used here: write the value itself");
    return true;
}

static struct str
scalar(const struct reader *r)
{
    return str_of((const char *)r->event.data.scalar.value, r->event.data.scalar.length);
}

/* Names where a value stands: "gatehouse.yaml:3 http.idle". */
static bool
assign(struct reader *r, const char *key, struct str value, unsigned line)
{
    char                  where[160];
    const struct setting *setting = settings_find(str_from(key), r->err);

    snprintf(where, sizeof where, "%s:%u", r->file, line);
    if (setting == NULL) {
        error_wrap(r->err, "%s", where);
        return false;
    }
    if (setting->not_in_file)
        return error_set(r->err, ERROR_INVALID, "%s %s decides where this file is: set it by --%s or the environment",
                         where, key, key);
    snprintf(where, sizeof where, "%s:%u %s", r->file, line, key);
    return settings_set(r->settings, str_from(key), value, where, r->err);
}

/* A list of plain values becomes words separated by commas. */
static bool
read_list(struct reader *r, const char *key)
{
    struct buffer         text    = {.max = LIST_MAX};
    unsigned              line    = line_of(r);
    const struct setting *setting = settings_find(str_from(key), NULL);
    bool                  ok      = setting == NULL || setting->kind == SETTING_LIST;

    if (!ok)
        return error_set(r->err, ERROR_INVALID, "%s:%u %s takes one value, no list", r->file, line, key);
    while ((ok = next(r)) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        if (r->event.type != YAML_SCALAR_EVENT)
            ok = say(r, "a list may hold only plain values");
        else if (str_index(scalar(r), ',') >= 0)
            ok = say(r, "a value of a list may not hold a comma");
        else if ((buffer_len(&text) > 0 && !buffer_append_char(&text, ',')) || !buffer_append(&text, scalar(r)))
            ok = say(r, "this list is too long, or there is no memory");
        if (!ok)
            break;
    }
    ok = ok && assign(r, key, buffer_str(&text), line);
    buffer_clear(&text);
    return ok;
}

/* The key of the current event behind `prefix`, into `key`. */
static bool
read_key(struct reader *r, const char *prefix, char key[KEY_MAX])
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return say(r, "a key must be a plain word");
    struct str name = scalar(r);
    if (name.len == 0 || strlen(prefix) + name.len + 2 > KEY_MAX || memchr(name.data, '\0', name.len) != NULL)
        return say(r, "there is no setting of this name; all of them: gatehouse help settings");
    snprintf(key, KEY_MAX, "%s%s%.*s", prefix, prefix[0] == '\0' ? "" : ".", STR_ARG(name));

    size_t    count = r->seen.count;
    unsigned *line  = map_get_or_add(&r->seen, str_from(key));
    if (line == NULL)
        return say(r, "there are more keys here than settings, or no memory");
    if (r->seen.count == count)
        return error_set(r->err, ERROR_INVALID, "%s:%u \"%s\" stands here a second time (first in line %u): remove one",
                         r->file, line_of(r), key, *line);
    *line = line_of(r);
    return true;
}

static bool
read_map(struct reader *r, const char *prefix, unsigned depth)
{
    char key[KEY_MAX] = "";

    if (depth > DEPTH_MAX)
        return say(r, "settings are nested at most three deep");
    for (;;) {
        if (!next(r))
            return false;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return true;
        if (!read_key(r, prefix, key) || !next(r))
            return false;
        bool ok = false;
        if (r->event.type == YAML_SCALAR_EVENT)
            ok = assign(r, key, scalar(r), line_of(r));
        else if (r->event.type == YAML_SEQUENCE_START_EVENT)
            ok = read_list(r, key);
        else
            ok = read_map(r, key, depth + 1);
        if (!ok)
            return false;
    }
}

static bool
read_stream(struct reader *r)
{
    if (!next(r)) /* stream start */
        return false;
    if (!next(r)) /* a document, or the end of an empty file */
        return false;
    if (r->event.type == YAML_STREAM_END_EVENT)
        return true;
    if (!next(r))
        return false;
    if (r->event.type == YAML_SCALAR_EVENT && scalar(r).len == 0) /* "---" and nothing behind it */
        ;
    else if (r->event.type != YAML_MAPPING_START_EVENT)
        return say(r, "settings are written as `key: value`, one a line");
    else if (!read_map(r, "", 1))
        return false;
    if (!next(r)) /* document end */
        return false;
    if (!next(r)) /* stream end */
        return false;
    return r->event.type == YAML_STREAM_END_EVENT || say(r, "a second document begins here: keep one");
}

bool
settings_read_yaml(struct settings *s, struct str text, const char *file, struct error *err)
{
    struct reader r = {.settings = s, .file = file, .err = err, .seen = MAP_OF(unsigned, KEYS_MAX)};

    if (!yaml_parser_initialize(&r.parser))
        return error_set(err, ERROR_MEMORY, "no memory to read %s", file);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.data, text.len);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    bool ok = read_stream(&r);
    drop(&r);
    yaml_parser_delete(&r.parser);
    map_clear(&r.seen);
    return ok;
}
