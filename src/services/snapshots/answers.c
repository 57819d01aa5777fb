/* What answers have in common: which snapshot, whose words, and what the person is to be told besides. */
#include "base/log.h"
#include "services/snapshots/parts.h"

#define SERVER "snapshots " GATEHOUSE_VERSION

/* What a client says of itself, on one line. */
static struct str
printable(struct request *r, struct str text)
{
    struct buffer b   = {.max = KIB(4)};
    char         *out = NULL;

    if (buffer_append_printable(&b, text, true) && buffer_len(&b) > 0 &&
        (out = request_alloc(r, buffer_len(&b))) != NULL)
        memcpy(out, buffer_str(&b).data, buffer_len(&b));
    struct str kept = out == NULL ? STR_NONE : str_of(out, buffer_len(&b));
    buffer_clear(&b);
    return kept;
}

struct snapshot_origin
origin_of(struct request *r)
{
    struct request_client client = request_client(r);

    return (struct snapshot_origin){
        .client = printable(r, client.name), .client_version = printable(r, client.version), .server = STR(SERVER)};
}

void
answer_finish(struct request *r)
{
    struct snapshots *s = request_owner(r);

    if (s->notice[0] != '\0')
        request_add_text(r, str_from(s->notice));
    s->notice[0] = '\0';
    request_finish(r);
}

void
write_which(struct request *r, const struct snapshot *s)
{
    request_write(r, "#%lld", (long long)s->id);
    if (s->text.name.len > 0)
        request_write(r, " (%.*s)", STR_ARG(s->text.name));
}

void
write_line(struct request *r, const struct snapshot *s)
{
    char saved[OLD_TIME_SIZE];

    time_write_old(s->created, saved);
    write_which(r, s);
    request_write(r, " - ");
    request_write_text(r, s->text.summary);
    request_write(r, " [%s]", saved);
}

static void
put(yyjson_mut_doc *doc, yyjson_mut_val *into, const char *key, struct str text)
{
    if (text.len > 0)
        yyjson_mut_obj_add_strncpy(doc, into, key, text.data, text.len);
}

/* In the words of a person: it may be the only thing of it that a model sees. A block of its own. */
static void
say_origin(struct request *r, const struct snapshot *s)
{
    const struct snapshot_origin *o = &s->origin;
    char                          saved[OLD_TIME_SIZE];

    time_write_old(s->changed, saved);
    request_write(r, RECALLED ": snapshot ");
    write_which(r, s);
    if (s->version > 1)
        request_write(r, ", version %u,", s->version);
    request_write(r, " was saved %s UTC", saved);
    if (o->client.len > 0)
        request_write(r, " by %.*s", STR_ARG(o->client));
    if (o->client.len > 0 && o->client_version.len > 0)
        request_write(r, " %.*s", STR_ARG(o->client_version));
    if (o->server.len > 0)
        request_write(r, " through %.*s", STR_ARG(o->server));
    request_write(r, ".");
}

void
add_origin(struct request *r, const struct snapshot *s)
{
    yyjson_mut_doc *doc  = request_doc(r);
    yyjson_mut_val *meta = yyjson_mut_obj(doc);

    say_origin(r, s);
    yyjson_mut_obj_add_str(doc, meta, "note", RECALLED);
    put(doc, meta, "client", s->origin.client);
    put(doc, meta, "clientVersion", s->origin.client_version);
    put(doc, meta, "server", s->origin.server);
    request_add_meta(r, "gatehouse/origin", meta);
}

bool
uri_of_id(int64_t id, struct buffer *out)
{
    return buffer_printf(out, "snapshot://%lld", (long long)id);
}

/* RFC 3986 section 2.3: what is not unreserved is escaped. */
bool
uri_of_name(struct str name, struct buffer *out)
{
    bool ok = buffer_append(out, STR("snapshot://name/"));

    for (size_t i = 0; i < name.len && ok; i++) {
        unsigned char c        = (unsigned char)name.data[i];
        bool          is_plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                        (c != '\0' && str_index(STR("-._~"), (char)c) >= 0);
        ok = is_plain ? buffer_append_char(out, (char)c) : buffer_printf(out, "%%%02X", c);
    }
    return ok;
}

/* May be said back: a terminal shows it as it is. */
static bool
is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c < 0x20 || c == 0x7F || (c == 0xC2 && i + 1 < s.len && (unsigned char)s.data[i + 1] < 0xA0))
            return false;
    }
    return true;
}

bool
not_found(const struct snapshot_which *which, struct error *err)
{
    if (which->version > 0)
        return error_set(err, ERROR_NOT_FOUND, "Snapshot with ID %lld has no version %u", (long long)which->id,
                         which->version);
    if (which->id != 0)
        return error_set(err, ERROR_NOT_FOUND, "Snapshot with ID %lld not found", (long long)which->id);
    if (!is_plain(which->name) || !is_plain(which->project))
        return error_set(err, ERROR_NOT_FOUND, "No snapshots found: no name or project has control characters");
    if (which->name.len > 0)
        return error_set(err, ERROR_NOT_FOUND, "Snapshot with name \"%.*s\" not found", STR_ARG(which->name));
    if (which->project.len > 0)
        return error_set(err, ERROR_NOT_FOUND, "No snapshots found in the project \"%.*s\"", STR_ARG(which->project));
    return error_set(err, ERROR_NOT_FOUND, "No snapshots found");
}
