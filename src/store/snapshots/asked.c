/* A query is read as items between spaces: words, and phrases between quotes. A minus before and a star behind one, and
 * OR between two, mean what the contract says; in any other place they are text, and text of which no token is left is
 * left out. Each item goes out as an FTS5 string, in which nothing but a quote is special, and items hold none. */
#include "base/buffer.h"
#include "store/snapshots/search.h"

struct item {
    struct str text;
    bool       is_not, is_prefix;
    bool       is_quoted;
    bool       is_or; /* with the item before */
};

struct asked {
    struct item items[ASKED_WORDS];
    size_t      count;
};

static bool
is_space(struct str rest, size_t *width)
{
    unsigned char c = (unsigned char)rest.data[0];

    *width = c <= ' ' || c == 0x7f                   ? 1
             : str_starts(rest, STR("\xc2\xa0"))     ? 2 /* no-break space */
             : str_starts(rest, STR("\xe3\x80\x80")) ? 3 /* ideographic space */
                                                     : 0;
    return *width > 0;
}

/* The next item off the front. False: none is left. */
static bool
next_item(struct str *rest, struct item *out)
{
    size_t width, len = 0;

    while (rest->len > 0 && is_space(*rest, &width))
        *rest = str_skip(*rest, width);
    *out = (struct item){0};
    if (rest->len == 0)
        return false;
    if (rest->len > 1 && rest->data[0] == '-') {
        out->is_not = true;
        *rest       = str_skip(*rest, 1);
    }
    if (rest->data[0] == '"') {
        ptrdiff_t end  = str_index(str_skip(*rest, 1), '"');
        out->text      = end < 0 ? str_skip(*rest, 1) : str_take(str_skip(*rest, 1), (size_t)end);
        *rest          = str_skip(*rest, out->text.len + 2);
        out->is_quoted = true;
    } else {
        while (len < rest->len && rest->data[len] != '"' && rest->data[len] != '*' &&
               !is_space(str_skip(*rest, len), &width))
            len++;
        out->text = str_take(*rest, len);
        *rest     = str_skip(*rest, len);
    }
    for (; rest->len > 0 && rest->data[0] == '*'; *rest = str_skip(*rest, 1))
        out->is_prefix = true;
    return true;
}

static bool
add_item(struct asked *asked, const struct item *item, struct error *err)
{
    if (asked->count == ASKED_WORDS)
        return error_set(err, ERROR_INVALID, "a query may have %d words", (int)ASKED_WORDS);
    asked->items[asked->count++] = *item;
    return true;
}

static bool
is_or(const struct item *item)
{
    return str_eq(item->text, STR("OR")) && !item->is_not && !item->is_prefix && !item->is_quoted;
}

/* OR joins what stands beside it when both are wanted; in any other place it is a word. */
static bool
read_items(struct tokens *t, struct str query, struct asked *asked, struct error *err)
{
    struct item item, pending = {0}; /* an OR with something before it */
    bool        ok = true;
    size_t      count;

    while (ok && next_item(&query, &item)) {
        if (!tokens_count(t, item.text, &count))
            return error_set(err, ERROR_MEMORY, "no memory for the query");
        if (count == 0)
            continue;
        if (pending.text.len == 0 && is_or(&item) && asked->count > 0 && !asked->items[asked->count - 1].is_not) {
            pending = item;
            continue;
        }
        item.is_or = pending.text.len > 0 && !item.is_not;
        ok = (pending.text.len == 0 || item.is_or || add_item(asked, &pending, err)) && add_item(asked, &item, err);
        pending = (struct item){0};
    }
    return ok && (pending.text.len == 0 || add_item(asked, &pending, err));
}

/* Something must be wanted: where all must not occur, the minuses are text. */
static void
want_something(struct asked *asked)
{
    for (size_t i = 0; i < asked->count; i++)
        if (!asked->items[i].is_not)
            return;
    for (size_t i = 0; i < asked->count; i++)
        asked->items[i].is_not = false;
}

static bool
write_string(struct buffer *out, struct str text)
{
    bool ok = buffer_append_char(out, '"');

    for (size_t i = 0; ok && i < text.len; i++) {
        char c = (unsigned char)text.data[i] < ' ' ? ' ' : text.data[i];
        ok     = buffer_append_char(out, c) && (c != '"' || buffer_append_char(out, c));
    }
    return ok && buffer_append_char(out, '"');
}

static bool
write_item(struct buffer *out, const struct item *item)
{
    return write_string(out, item->text) && (!item->is_prefix || buffer_append(out, STR(" *")));
}

/* `column : "text" AND `; nothing for a text that says little, or as much as a book. */
static bool
write_narrowing(struct tokens *t, struct buffer *out, const char *column, struct str text, unsigned *narrowing)
{
    size_t count;

    if (!tokens_count(t, text, &count))
        return false;
    if (count == 0 || count > ASKED_WORDS)
        return true;
    ++*narrowing;
    return buffer_printf(out, "%s : ", column) && write_string(out, text) && buffer_append(out, STR(" AND "));
}

/* ("a" OR "b") AND ("c") */
static bool
write_wanted(const struct asked *asked, struct buffer *out)
{
    bool ok = true, is_first = true;

    for (size_t i = 0; ok && i < asked->count; i++) {
        const struct item *item = &asked->items[i];
        if (item->is_not)
            continue;
        ok = buffer_append(out, is_first      ? STR("(")
                                : item->is_or ? STR(" OR ")
                                              : STR(") AND (")) &&
             write_item(out, item);
        is_first = false;
    }
    return ok && buffer_append_char(out, ')');
}

static bool
write_unwanted(const struct asked *asked, struct buffer *out)
{
    bool ok = true, is_first = true;

    for (size_t i = 0; ok && i < asked->count; i++) {
        if (!asked->items[i].is_not)
            continue;
        ok       = buffer_append(out, is_first ? STR(" NOT (") : STR(" OR ")) && write_item(out, &asked->items[i]);
        is_first = false;
    }
    return ok && (is_first || buffer_append_char(out, ')'));
}

bool
asked_read(struct tokens *t, struct str query, const struct snapshot_filter *filter, struct buffer *out,
           unsigned *narrowing, struct error *err)
{
    struct asked asked = {.count = 0};

    *narrowing = 0;
    if (query.len > ASKED_BYTES)
        return error_set(err, ERROR_INVALID, "a query may have %d bytes", (int)ASKED_BYTES);
    if (!read_items(t, query, &asked, err))
        return false;
    if (asked.count == 0)
        return error_set(err, ERROR_INVALID, "the query holds no word that could be searched for");
    want_something(&asked);
    return (buffer_append_char(out, '(') && write_narrowing(t, out, "name", filter->name, narrowing) &&
            write_narrowing(t, out, "project", filter->project, narrowing) &&
            write_narrowing(t, out, "tags", filter->tag, narrowing) && write_wanted(&asked, out) &&
            buffer_append_char(out, ')') && write_unwanted(&asked, out)) ||
           error_set(err, ERROR_MEMORY, "no memory for the query");
}
