#include "mcp/reply.h"

/* What every reader holds exactly: 2^53 has 16 digits. */
enum { EXACT_DIGITS = 15 };

/* Escapes, fractions and numbers that a reader rounds have several spellings: a server may have chosen another than the
 * client. */
static bool
has_one_spelling(struct str id)
{
    bool is_text = id.len > 0 && id.data[0] == '"';

    if (!is_text && id.len > EXACT_DIGITS)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        if (c == '\\' || (unsigned char)c >= 0x80 || (!is_text && (c == '.' || c == 'e' || c == 'E')))
            return false;
    }
    return true;
}

static bool
is_other(struct str id, struct str asked)
{
    return !str_eq(id, asked) && has_one_spelling(id) && has_one_spelling(asked);
}

const char *
reply_check(struct envelope *e, struct str body, struct str asked, struct arena *scratch, struct error *err)
{
    *e = (struct envelope){0};
    if (str_trim(body).len == 0)
        return "an empty body";
    if (message_is_batch(body)) /* an old server's way to answer one */
        return NULL;
    arena_reset(scratch);
    if (!envelope_parse(e, body, scratch, err)) {
        *e = (struct envelope){0};
        return err->code == ERROR_MEMORY ? NULL : err->text;
    }
    if (e->kind != MESSAGE_RESULT && e->kind != MESSAGE_ERROR)
        return "a message that is no answer";
    if (e->id.data != NULL && is_other(e->id, asked))
        return "an answer with another id";
    return NULL;
}
