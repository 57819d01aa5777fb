#include "http/sse.h"

#include "base/lent.h"

/* A big event's memory goes back when it has been told; a stream of small ones keeps its own. */
enum { KEPT_CAPACITY = 64 * 1024, BOM_LENGTH = 3 };

static const char bom[] = "\xEF\xBB\xBF";

/* The lines of one piece. The next LF is remembered, so that a text with no LF but many CRs is still read only once. */
struct lines {
    struct str text;
    size_t     at; /* first byte of the next line */
    size_t     lf; /* the first LF from `at` on; text.len when there is none */
};

static void
find_lf(struct lines *l)
{
    size_t      left = l->text.len - l->at;
    const char *lf   = left == 0 ? NULL : memchr(l->text.data + l->at, '\n', left);

    l->lf = lf == NULL ? l->text.len : (size_t)(lf - l->text.data);
}

static struct lines
lines_of(struct str text, size_t at)
{
    struct lines l = {.text = text, .at = at};

    find_lf(&l);
    return l;
}

/* Takes the next line off. False: its end is not in this text; `line` is what is there of it, and `at` stays. */
static bool
cut_line(struct lines *l, struct str *line)
{
    if (l->lf < l->at)
        find_lf(l);
    *line          = str_skip(l->text, l->at);
    size_t      to = l->lf - l->at; /* the line ends at this LF, or at a CR before it */
    const char *cr = to == 0 ? NULL : memchr(line->data, '\r', to);
    if (cr == NULL && l->lf == l->text.len)
        return false;
    line->len = cr == NULL ? to : (size_t)(cr - line->data);
    l->at += line->len + 1;
    if (cr != NULL && l->at == l->lf && l->lf < l->text.len)
        l->at++;
    return true;
}

void
sse_init(struct sse_parser *p, size_t max)
{
    *p = (struct sse_parser){.partial.max = max, .joined.max = max};
}

/* Empties it, and gives back what it took; a large one's memory too. */
static void
forget(struct sse_parser *p, struct buffer *b)
{
    budget_give(p->budget, buffer_len(b));
    if (b->cap > KEPT_CAPACITY)
        buffer_clear(b);
    else
        buffer_reset(b);
}

static bool
append(struct sse_parser *p, struct buffer *b, struct str bytes)
{
    if (!budget_take(p->budget, bytes.len))
        return false;
    if (buffer_append(b, bytes))
        return true;
    budget_give(p->budget, bytes.len);
    return false;
}

void
sse_clear(struct sse_parser *p)
{
    forget(p, &p->partial);
    forget(p, &p->joined);
    buffer_clear(&p->partial);
    buffer_clear(&p->joined);
    p->line = p->line_count = 0;
    p->is_comment = p->after_cr = false;
    p->bom                      = 0;
}

bool
sse_is_between_events(const struct sse_parser *p)
{
    return buffer_len(&p->partial) == 0 && !p->is_comment;
}

struct str
sse_data_so_far(const struct sse_parser *p)
{
    struct str raw = buffer_str(&p->partial);

    for (size_t i = 0; i < p->line_count; i++)
        if (i == SSE_LINES || str_starts(str_skip(raw, p->lines[i].from), STR("data")))
            return STR_NONE;
    struct str line = p->line == 0 ? STR_NONE : str_skip(raw, p->line_from);
    if (line.len <= 6 || !str_starts(line, STR("data:")))
        return STR_NONE;
    return str_skip(line, line.data[5] == ' ' ? 6 : 5);
}

static bool
is_digits(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return s.len > 0;
}

static bool
add_data(struct sse_parser *p, struct sse_event *event, struct str value)
{
    if (event->data.data == NULL) {
        event->data = value;
        return true;
    }
    if (buffer_len(&p->joined) == 0 && !append(p, &p->joined, event->data))
        return false;
    if (!append(p, &p->joined, STR("\n")) || !append(p, &p->joined, value))
        return false;
    event->data      = buffer_str(&p->joined);
    event->is_joined = true;
    return true;
}

/* One line of an event: "field", "field:value" or "field: value". */
static bool
read_field(struct sse_parser *p, struct sse_event *event, struct str line)
{
    ptrdiff_t  colon = str_index(line, ':');
    struct str name  = colon < 0 ? line : str_take(line, (size_t)colon);
    size_t     from  = colon < 0 ? line.len : (size_t)colon + 1;

    if (from < line.len && line.data[from] == ' ')
        from++;
    struct str value = str_of(line.data + from, line.len - from); /* also when empty: its pointer says it was there */
    if (str_eq(name, STR("data")))
        return add_data(p, event, value);
    if (str_eq(name, STR("event"))) {
        event->type = value;
    } else if (str_eq(name, STR("id")) && str_index(value, '\0') < 0) {
        event->id     = value;
        event->has_id = true;
    } else if (str_eq(name, STR("retry")) && is_digits(value)) {
        event->retry = value;
    }
    return true;
}

/* The lines whose ends are known, then the rest. */
static bool
read_fields(struct sse_parser *p, struct sse_event *event)
{
    size_t           known = p->line_count < SSE_LINES ? p->line_count : SSE_LINES;
    struct sse_line *lines = p->lines;

    for (size_t i = 0; i < known; i++)
        if (!read_field(p, event, str_take(str_skip(event->raw, lines[i].from), lines[i].to - lines[i].from)))
            return false;
    if (known == p->line_count)
        return true;
    struct lines rest = lines_of(event->raw, lines[known - 1].to);
    struct str   line;
    while (cut_line(&rest, &line))
        if (!read_field(p, event, line))
            return false;
    return true;
}

/* Shows the event whose bytes are `raw`; `*stopped` when its owner wants no more. */
static bool
tell(struct sse_parser *p, struct str raw, bool (*on_event)(void *owner, const struct sse_event *event), void *owner,
     bool *stopped, struct error *err)
{
    struct sse_event event = {.raw = raw};

    if (raw.len > p->partial.max)
        return error_set(err, ERROR_TOO_LARGE, "an event of the stream is larger than %zu bytes", p->partial.max);
    if (!read_fields(p, &event))
        return error_set(err, ERROR_MEMORY, "no memory for an event of %zu bytes", raw.len);
    if (!on_event(owner, &event)) {
        *stopped = true;
        return true;
    }
    forget(p, &p->joined);
    return true;
}

static bool
gather(struct sse_parser *p, struct str bytes, struct error *err)
{
    if (bytes.len > p->partial.max - buffer_len(&p->partial))
        return error_set(err, ERROR_TOO_LARGE, "an event of the stream is larger than %zu bytes", p->partial.max);
    if (!append(p, &p->partial, bytes))
        return error_set(err, ERROR_MEMORY, "no memory for an event of %zu bytes", buffer_len(&p->partial) + bytes.len);
    return true;
}

/* The same with the event's last bytes, of which the first came in earlier pieces. A large one is lent meanwhile. */
static bool
tell_gathered(struct sse_parser *p, struct str rest, bool (*on_event)(void *owner, const struct sse_event *event),
              void *owner, bool *stopped, struct error *err)
{
    struct budget *budget = p->budget;

    if (!gather(p, rest, err))
        return false;
    size_t       len  = buffer_len(&p->partial);
    struct lent *lent = lent_begin(&p->partial);
    bool         ok   = tell(p, lent != NULL ? lent_str(lent) : buffer_str(&p->partial), on_event, owner, stopped, err);
    lent_end(lent);
    if (lent != NULL)
        budget_give(budget, len);
    else if (ok && !*stopped)
        forget(p, &p->partial);
    return ok;
}

/* Drops a byte order mark at the start of the stream. What looked like one and was not belongs to the first line. */
static bool
skip_bom(struct sse_parser *p, struct str *bytes, struct error *err)
{
    while (p->bom < BOM_LENGTH && bytes->len > 0) {
        if (bytes->data[0] != bom[p->bom]) {
            p->line      = p->bom;
            p->line_from = 0;
            p->bom       = BOM_LENGTH;
            return gather(p, str_of(bom, p->line), err);
        }
        p->bom++;
        *bytes = str_skip(*bytes, 1);
    }
    return true;
}

static void
note_line(struct sse_parser *p)
{
    if (p->line_count < SSE_LINES)
        p->lines[p->line_count] = (struct sse_line){p->line_from, p->line_from + p->line};
    p->line_count++;
}

bool
sse_feed(struct sse_parser *p, struct str bytes, bool (*on_event)(void *owner, const struct sse_event *event),
         void *owner, struct error *err)
{
    struct str line;
    bool       whole, stopped = false;

    if (!skip_bom(p, &bytes, err))
        return false;
    if (bytes.len == 0)
        return true;

    size_t       start = 0; /* of what belongs to the event that is arriving */
    struct lines lines = lines_of(bytes, 0);
    if (p->after_cr && bytes.data[0] == '\n') {
        lines.at = 1;
        start    = buffer_len(&p->partial) == 0 ? 1 : 0;
    }
    p->after_cr = false;

    do {
        size_t at     = lines.at;
        bool   is_new = start == at && buffer_len(&p->partial) == 0; /* nothing of an event is there yet */
        whole         = cut_line(&lines, &line);
        if (is_new && p->line == 0) {
            p->line_count = 0;
            p->is_comment = line.len > 0 && line.data[0] == ':';
        }
        if (p->line == 0)
            p->line_from = buffer_len(&p->partial) + at - start;
        p->line += line.len;
        if (!whole)
            break;
        if (p->line == 0 && !is_new) {
            struct str raw     = str_of(bytes.data + start, lines.at - start);
            bool       is_told = buffer_len(&p->partial) > 0 ? tell_gathered(p, raw, on_event, owner, &stopped, err)
                                                             : tell(p, raw, on_event, owner, &stopped, err);
            if (!is_told || stopped)
                return stopped;
        }
        if (p->line == 0 || p->is_comment)
            start = lines.at;
        else
            note_line(p);
        p->line       = 0;
        p->is_comment = false;
    } while (lines.at < bytes.len);

    p->after_cr = whole && bytes.data[bytes.len - 1] == '\r';
    return p->is_comment || gather(p, str_skip(bytes, start), err);
}

static bool
has_line_end(struct str s)
{
    return str_index(s, '\n') >= 0 || str_index(s, '\r') >= 0;
}

static bool
format_field(struct buffer *b, struct str name, struct str value)
{
    return buffer_append(b, name) && buffer_append(b, STR(": ")) && buffer_append(b, value) &&
           buffer_append(b, STR("\n"));
}

static bool
format_data(struct buffer *b, struct str data)
{
    struct lines lines = lines_of(data, 0);
    struct str   line;

    while (cut_line(&lines, &line))
        if (!format_field(b, STR("data"), line))
            return false;
    return format_field(b, STR("data"), line);
}

bool
sse_format(struct buffer *b, const struct sse_event *event)
{
    size_t before = buffer_len(b);

    if (has_line_end(event->type) || has_line_end(event->id) || has_line_end(event->retry) ||
        str_index(event->id, '\0') >= 0)
        return false;
    if ((event->type.len == 0 || format_field(b, STR("event"), event->type)) &&
        (!event->has_id || format_field(b, STR("id"), event->id)) &&
        (event->retry.len == 0 || format_field(b, STR("retry"), event->retry)) &&
        (event->data.data == NULL || format_data(b, event->data)) && buffer_append(b, STR("\n")))
        return true;
    b->end = b->from + before;
    return false;
}
