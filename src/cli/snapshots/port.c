#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/format.h"
#include "cli/snapshots/snapshots.h"
#include "services/snapshots/words.h"
#include "store/snapshots/care.h"

/* Out as JSON, and in from there or from the old server. */

enum { PAGE = 16, TURN = 256 };

#define IMPORT_MAX (MIB(1) * 4096)

/* ---- export ---- */

static bool
put_out(struct memory *m, FILE *to, struct error *err)
{
    struct str text = buffer_str(&m->out);
    bool       ok   = text.len == 0 || fwrite(text.data, 1, text.len, to) == text.len;

    buffer_reset(&m->out);
    return ok || error_set_errno(err, errno, "writing the export");
}

static bool
put_page(struct memory *m, const struct snapshot_page *page, uint64_t before, FILE *to, struct error *err)
{
    for (size_t i = 0; i < page->count; i++) {
        bool ok = buffer_append(&m->out, before + i == 0 ? STR("\n") : STR(",\n")) &&
                  memory_json(m, &page->items[i], true, NULL);
        if (!ok)
            return error_set(err, ERROR_MEMORY, NO_MEMORY_TEXT);
        if (!put_out(m, to, err))
            return false;
    }
    return true;
}

static bool
write_all(struct memory *m, struct snapshot_filter *f, FILE *to, uint64_t *count, struct error *err)
{
    struct snapshot_page page = {.more = m->db != NULL};
    bool                 ok   = buffer_append(&m->out, STR("{\"format\":\"" EXPORT_FORMAT "\",\"snapshots\":[")) ||
              error_set(err, ERROR_MEMORY, NO_MEMORY_TEXT);

    while (ok && page.more) {
        arena_reset(m->arena);
        ok = snapshot_list(m->db, f, m->arena, &page, err) && put_page(m, &page, *count, to, err);
        if (!ok || page.count == 0)
            break;
        *count += page.count;
        f->before    = page.items[page.count - 1].created;
        f->before_id = page.items[page.count - 1].id;
    }
    ok = ok && (buffer_append(&m->out, STR("\n]}\n")) || error_set(err, ERROR_MEMORY, NO_MEMORY_TEXT)) &&
         put_out(m, to, err);
    return ok && (fflush(to) == 0 || error_set_errno(err, errno, "writing the export"));
}

/* Into a new file, for its owner alone: whole, or not there. */
static int
write_file(struct memory *m, struct snapshot_filter *f, const char *path)
{
    struct error err   = {0};
    uint64_t     count = 0;
    int          fd    = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE        *to    = fd < 0 ? NULL : fdopen(fd, "w");

    if (to == NULL) {
        if (fd >= 0)
            close(fd);
        error_set_errno(&err, errno, "making %s", path);
        return cli_fail(m->cli, &err);
    }
    bool ok = write_all(m, f, to, &count, &err) && (fsync(fd) == 0 || error_set_errno(&err, errno, "writing %s", path));
    if (fclose(to) != 0 && ok)
        ok = error_set_errno(&err, errno, "writing %s", path);
    if (!ok) {
        unlink(path);
        return cli_fail(m->cli, &err);
    }
    return memory_put(m, buffer_append(&m->out, STR("Wrote ")) && memory_count(&m->out, count) &&
                             buffer_append(&m->out, STR(" to ")) && cli_short_path(m->cli, str_from(path), &m->out) &&
                             buffer_append_char(&m->out, '\n'));
}

static int export(struct memory *m)
{
    struct snapshot_filter f;
    struct error           err   = {0};
    uint64_t               count = 0;

    if (!memory_read_filter(m, &f, &err)) {
        cli_fail(m->cli, &err);
        return EXIT_TYPED_WRONG;
    }
    f.whole = true;
    f.limit = PAGE;
    if (m->db != NULL) { /* an export of nothing, by a slip of the fingers, would look like one */
        int code = memory_no_word(m, SNAPSHOT_PROJECTS, "project", f.project);
        code     = code >= 0 ? code : memory_no_word(m, SNAPSHOT_TAGS, "tag", f.tag);
        if (code >= 0)
            return code;
    }
    if (m->cli->args.word_count > 0)
        return write_file(m, &f, m->cli->args.words[0]);
    if (write_all(m, &f, m->cli->out, &count, &err))
        return EXIT_DONE;
    return err.code == ERROR_CLOSED ? EXIT_DONE : cli_fail(m->cli, &err); /* the reader of our pipe left */
}

int
snapshots_export(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, export);
}

/* ---- import ---- */

struct taking {
    struct memory         *m;
    mono_time              began;
    bool                   is_told; /* how far it is: what takes long shows that it lives */
    struct snapshot_import sum;     /* of all files */
    struct snapshot_import now;     /* of the one at hand */
};

static void
refuse(struct taking *t, size_t number, const struct error *why)
{
    if (t->now.refused++ == 0)
        snprintf(t->now.why, sizeof t->now.why, "number %zu: %s", number, why->text);
}

/* One of an export. False: nothing more can be taken. */
static bool
take(struct taking *t, yyjson_val *item, size_t number, struct error *err)
{
    struct memory  *m  = t->m;
    struct snapshot s  = {0};
    int64_t         id = 0;

    arena_reset(m->arena);
    bool ok = snapshot_from_json(item, m->arena, &s, err) && snapshot_put(m->db, &s, &id, err);
    if (!ok && (err->code == ERROR_INVALID || err->code == ERROR_TOO_LARGE)) {
        refuse(t, number, err);
        *err = (struct error){0};
        return true;
    }
    t->now.taken += ok && id != 0;
    t->now.had += ok && id == 0;
    return ok;
}

static void
tell_progress(struct taking *t, uint64_t done, uint64_t of)
{
    struct buffer text = {.max = 128};

    if (!t->m->cli->is_terminal || (!t->is_told && clock_mono() - t->began < MILLISECONDS(500)))
        return;
    t->is_told = true;
    buffer_append_char(&text, '\r');
    format_count(&text, done);
    buffer_append(&text, STR(" of "));
    format_count(&text, of);
    fprintf(t->m->cli->err, "%.*s%s", STR_ARG(buffer_str(&text)), done == of ? "\n" : " ...");
    fflush(t->m->cli->err);
    buffer_clear(&text);
}

/* In turns: each is on the disk before the next begins, and others may write between them. `items` may be one. */
static bool
take_items(struct taking *t, yyjson_val *items, struct error *err)
{
    struct memory         *m      = t->m;
    bool                   is_one = yyjson_is_obj(items);
    size_t                 count  = is_one ? 1 : yyjson_arr_size(items);
    yyjson_arr_iter        each   = yyjson_arr_iter_with(items);
    struct snapshot_import held   = t->now; /* what is on the disk */

    for (size_t i = 0; i < count; i++) {
        yyjson_val *item    = is_one ? items : yyjson_arr_iter_next(&each);
        bool        is_last = i % TURN == TURN - 1 || i + 1 == count;
        if (i % TURN == 0 && !snapshot_db_begin(m->db, err))
            return false;
        bool ok = take(t, item, i + 1, err);
        if (!ok)
            snapshot_db_rollback(m->db);
        if (!ok || (is_last && !snapshot_db_commit(m->db, err))) {
            t->now = held;
            return false;
        }
        if (is_last) {
            held = t->now;
            tell_progress(t, i + 1, count);
        }
    }
    return true;
}

static bool
take_json(struct taking *t, struct buffer *text, struct error *err)
{
    yyjson_read_err why = {0};

    if (!buffer_reserve(text, YYJSON_PADDING_SIZE))
        return error_set(err, ERROR_MEMORY, "no memory");
    memset(buffer_space(text), 0, YYJSON_PADDING_SIZE);
    yyjson_doc *doc   = yyjson_read_opts(text->data + text->from, buffer_len(text),
                                         YYJSON_READ_INSITU | YYJSON_READ_BIGNUM_AS_RAW, NULL, &why);
    yyjson_val *items = doc == NULL ? NULL : export_items(yyjson_doc_get_root(doc));
    bool        ok;

    if (doc == NULL)
        ok = error_set(err, ERROR_INVALID, "it is neither JSON (%s at byte %zu) nor a database", why.msg, why.pos);
    else if (items == NULL)
        ok = error_set(err, ERROR_INVALID, "there are no snapshots in it");
    else
        ok = take_items(t, items, err);
    yyjson_doc_free(doc);
    return ok;
}

static bool
is_database(const char *path)
{
    char head[16] = "";
    int  fd       = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool is       = fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head;

    if (fd >= 0)
        close(fd);
    return is && memcmp(head, "SQLite format 3", sizeof head) == 0;
}

static bool
read_input(FILE *in, struct buffer *text, struct error *err)
{
    while (buffer_reserve(text, 1)) {
        size_t got = fread(buffer_space(text), 1, buffer_room(text), in);
        buffer_added(text, got);
        if (got == 0)
            return ferror(in) == 0 || error_set(err, ERROR_INTERNAL, "what was piped in could not be read");
    }
    return error_set(err, ERROR_TOO_LARGE, "what was piped in is too large");
}

static bool
take_file(struct taking *t, const char *path, struct error *err)
{
    struct memory *m    = t->m;
    struct buffer  text = {.max = IMPORT_MAX};

    if (strcmp(path, "-") != 0 && is_database(path))
        return snapshot_import_old(m->db, path, &t->now, err);
    bool ok = strcmp(path, "-") == 0 ? read_input(m->cli->in, &text, err) : file_read(path, &text, err);
    ok      = ok && take_json(t, &text, err);
    buffer_clear(&text);
    return ok;
}

static bool
put_sum(struct memory *m, const struct snapshot_import *sum)
{
    if (m->is_json)
        return buffer_printf(&m->out, "{\"imported\":%llu,\"present\":%llu,\"refused\":%llu}\n",
                             (unsigned long long)sum->taken, (unsigned long long)sum->had,
                             (unsigned long long)sum->refused);
    bool ok = buffer_append(&m->out, STR("Took in ")) && memory_count(&m->out, sum->taken);
    if (sum->had > 0)
        ok = ok && buffer_append(&m->out, STR("; ")) && format_count(&m->out, sum->had) &&
             buffer_append(&m->out, sum->had == 1 ? STR(" was there already") : STR(" were there already"));
    if (sum->refused > 0)
        ok = ok && buffer_append(&m->out, STR("; ")) && format_count(&m->out, sum->refused) &&
             buffer_append(&m->out, STR(" refused"));
    return ok && buffer_append_char(&m->out, '\n');
}

static int
import(struct memory *m)
{
    const struct args *a    = &m->cli->args;
    struct taking      t    = {.m = m, .began = clock_mono()};
    int                code = EXIT_DONE;

    for (size_t i = 0; i < a->word_count; i++) {
        struct error err = {0};
        t.now            = (struct snapshot_import){0};
        if (!take_file(&t, a->words[i], &err)) {
            error_wrap(&err, "importing %s", a->words[i]);
            code = cli_fail(m->cli, &err);
        }
        if (t.now.refused > 0)
            code = cli_refuse(m->cli, EXIT_FAILED, "importing %s: %llu refused; %s", a->words[i],
                              (unsigned long long)t.now.refused, t.now.why);
        t.sum.taken += t.now.taken;
        t.sum.had += t.now.had;
        t.sum.refused += t.now.refused;
    }
    int put = memory_put(m, put_sum(m, &t.sum));
    return code != EXIT_DONE ? code : put;
}

int
snapshots_import(struct cli *cli)
{
    return memory_run(cli, MEMORY_MAKE, import);
}
