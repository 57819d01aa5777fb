/* src/services/snapshots/words.h: what a snapshot reads like: the texts that the server of WhenMoon-afk made, byte for
 * byte, the compact form, and JSON for machines. No protocol, no database: the command line uses them as well. */
#ifndef GATEHOUSE_SERVICES_SNAPSHOTS_WORDS_H
#define GATEHOUSE_SERVICES_SNAPSHOTS_WORDS_H

#include <yyjson.h>

#include "base/buffer.h"
#include "store/snapshots/snapshots.h"

/* Most bytes of each; of the context, what is left of a snapshot's limit. */
enum {
    WORDS_NAME_MOST    = 200, /* of a project's, too */
    WORDS_TAG_MOST     = 64,
    WORDS_SUMMARY_MOST = 16 << 10,
    WORDS_NEXT_MOST    = 64 << 10,
};

/* A context given as an object, as text: `Files:`, `Decisions:`, `Blockers:` (lists with dashes), `Code State:` (JSON,
 * indented by 2), then each other key; a blank line between; trimmed. Also fills text->structured. False: no memory. */
bool context_write(yyjson_val *context, struct buffer *out);
/* `Resuming: ...`, `Context:`, `Next:`. */
bool prompt_write(const struct snapshot_text *text, struct buffer *out);
/* The prompt of one that was kept: rows of the old server's first version have none. False: no memory. */
bool prompt_complete(struct snapshot_text *text, struct arena *a);
/* The same facts in fewer tokens; what of them does not fit `max_tokens` (0: all fits) is left out, the least important
 * first, and named in a last line. */
bool compact_write(const struct snapshot *snapshot, uint64_t max_tokens, struct buffer *out);
/* Tokens as they are estimated everywhere in Gatehouse. */
uint64_t words_tokens(struct str text);

/* Whether a text may be stored: UTF-8, no control characters but tab and newline (CRLF becomes LF), within `most`
 * bytes. `what` names it in `err`. `out` is the text as it is stored, in the arena. */
bool text_check(const char *what, struct str text, size_t most, struct arena *a, struct str *out, struct error *err);

/* The members of `object` that a snapshot has (summary, context, name, next_steps, tags, project, importance), checked,
 * into `text`; those that are not there are left as they are, an empty one takes the text away. Then its prompt is
 * made. `most` is the limit of one snapshot; 0: none. False: `err` says which is wrong; `text` may hold some of it. */
bool text_read(yyjson_val *object, uint64_t most, struct arena *a, struct snapshot_text *text, struct error *err);

/* One snapshot as JSON: what `gatehouse snapshots show --json`, structured content and an export hold. `whole`: with
 * context, structured and next steps. NULL: no memory. */
yyjson_mut_val *snapshot_json(yyjson_mut_doc *doc, const struct snapshot *s, bool whole);
/* Of an export, or of the old server's rows as JSON. What is wrong with it `err` says. */
bool snapshot_from_json(yyjson_val *value, struct arena *a, struct snapshot *out, struct error *err);
/* An export: {"format": EXPORT_FORMAT, "snapshots": [...]}. What an import takes is that, or a list, or one. */
#define EXPORT_FORMAT "gatehouse-snapshots/1"
/* The list of them; NULL: it is none of these. */
yyjson_val *export_items(yyjson_val *root);
/* "2026-11-21 14:02:11", UTC, as the old server wrote times. */
enum { OLD_TIME_SIZE = 32 };
void time_write_old(wall_time t, char out[OLD_TIME_SIZE]);

#endif
