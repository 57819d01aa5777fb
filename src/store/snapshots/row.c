#include "store/snapshots/row.h"

bool
row_tags(const struct snapshot_text *text, struct buffer *tags, struct error *err)
{
    if (text->tag_count > SNAPSHOT_TAGS_MOST)
        return error_set(err, ERROR_TOO_LARGE, "%zu tags are too many: the most is %d", text->tag_count,
                         (int)SNAPSHOT_TAGS_MOST);
    for (size_t i = 0; i < text->tag_count; i++) {
        if (text->tags[i].len == 0 || str_index(text->tags[i], '\n') >= 0)
            return error_set(err, ERROR_INVALID, "a tag is empty or holds a line break");
        if ((i > 0 && !buffer_append_char(tags, '\n')) || !buffer_append(tags, text->tags[i]))
            return error_set(err, ERROR_MEMORY, "no memory for the tags");
    }
    return true;
}

uint64_t
row_bytes(const struct snapshot_text *text)
{
    uint64_t sum = text->name.len + text->project.len + text->summary.len + text->next_steps.len;

    for (size_t i = 0; i < text->tag_count; i++)
        sum += text->tags[i].len;
    return sum + (text->context.len > text->structured.len ? text->context.len : text->structured.len);
}

void
row_bind(sqlite3_stmt *s, const struct snapshot *snapshot, struct str tags)
{
    const struct snapshot_text *t = &snapshot->text;
    const struct {
        enum row_column column;
        struct str      text;
    } texts[] = {
        {COLUMN_NAME, t->name},
        {COLUMN_PROJECT, t->project},
        {COLUMN_TAGS, tags},
        {COLUMN_CLIENT, snapshot->origin.client},
        {COLUMN_CLIENT_VERSION, snapshot->origin.client_version},
        {COLUMN_SERVER, snapshot->origin.server},
        {COLUMN_SOURCE, snapshot->origin.source},
        {COLUMN_SUMMARY, t->summary},
        {COLUMN_NEXT_STEPS, t->next_steps},
        {COLUMN_CONTEXT, t->context},
        {COLUMN_STRUCTURED, t->structured},
        {COLUMN_PROMPT, t->prompt},
    };

    if (snapshot->id != 0)
        sqlite3_bind_int64(s, COLUMN_ID + 1, snapshot->id);
    sqlite3_bind_int64(s, COLUMN_VERSION + 1, snapshot->version);
    sqlite3_bind_int64(s, COLUMN_CREATED + 1, snapshot->created);
    sqlite3_bind_int64(s, COLUMN_CHANGED + 1, snapshot->changed);
    if (snapshot->deleted != 0)
        sqlite3_bind_int64(s, COLUMN_DELETED + 1, snapshot->deleted);
    sqlite3_bind_int(s, COLUMN_IMPORTANCE + 1, t->importance);
    sqlite3_bind_int64(s, COLUMN_BYTES + 1, (int64_t)row_bytes(t));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        db_bind_str(s, (int)texts[i].column + 1, texts[i].text);
}

static bool
read_text(sqlite3_stmt *s, int column, struct arena *a, struct str *out, struct error *err)
{
    struct str text = db_str(s, column);

    *out = text.len == 0 ? STR_NONE : arena_str(a, text);
    return text.len == out->len || error_set(err, ERROR_MEMORY, "no memory for a snapshot");
}

static bool
read_tags(struct str lines, struct arena *a, struct snapshot_text *out, struct error *err)
{
    struct str *tags;
    struct str  tag;

    out->tag_count = 0;
    out->tags      = NULL;
    if (lines.len == 0)
        return true;
    if ((tags = arena_alloc(a, SNAPSHOT_TAGS_MOST * sizeof *tags)) == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for a snapshot");
    while (out->tag_count < SNAPSHOT_TAGS_MOST && str_cut(&lines, '\n', &tag))
        tags[out->tag_count++] = tag;
    out->tags = tags;
    return true;
}

bool
row_read(sqlite3_stmt *s, struct arena *a, struct snapshot *out, struct error *err)
{
    struct str tags;

    *out = (struct snapshot){
        .id      = sqlite3_column_int64(s, COLUMN_ID),
        .version = (uint32_t)sqlite3_column_int64(s, COLUMN_VERSION),
        .created = sqlite3_column_int64(s, COLUMN_CREATED),
        .changed = sqlite3_column_int64(s, COLUMN_CHANGED),
        .deleted = sqlite3_column_int64(s, COLUMN_DELETED),
    };
    out->text.importance = sqlite3_column_int(s, COLUMN_IMPORTANCE);
    return read_text(s, COLUMN_NAME, a, &out->text.name, err) &&
           read_text(s, COLUMN_PROJECT, a, &out->text.project, err) && read_text(s, COLUMN_TAGS, a, &tags, err) &&
           read_tags(tags, a, &out->text, err) && read_text(s, COLUMN_CLIENT, a, &out->origin.client, err) &&
           read_text(s, COLUMN_CLIENT_VERSION, a, &out->origin.client_version, err) &&
           read_text(s, COLUMN_SERVER, a, &out->origin.server, err) &&
           read_text(s, COLUMN_SOURCE, a, &out->origin.source, err) &&
           read_text(s, COLUMN_SUMMARY, a, &out->text.summary, err) &&
           read_text(s, COLUMN_NEXT_STEPS, a, &out->text.next_steps, err);
}

bool
row_read_long(struct snapshot_db *db, struct arena *a, struct snapshot *out, bool is_old, struct error *err)
{
    sqlite3_stmt *s = handle_statement(db, is_old ? LOAD_LONG_VERSION : LOAD_LONG, err);

    if (s == NULL)
        return false;
    sqlite3_bind_int64(s, 1, out->id);
    if (is_old)
        sqlite3_bind_int64(s, 2, out->version);
    int got = handle_row(db, s, err);
    if (got == 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no snapshot %lld any more", (long long)out->id);
    bool ok = got > 0 && read_text(s, 0, a, &out->text.context, err) &&
              read_text(s, 1, a, &out->text.structured, err) && read_text(s, 2, a, &out->text.prompt, err);
    sqlite3_reset(s);
    return ok;
}
