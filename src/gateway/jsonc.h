/* src/gateway/jsonc.h: where things stand in a JSON file with comments, and changes that leave the rest of it alone.
 *
 * yyjson judges whether a text is well-formed and reads values; it does not tell positions. This finds them, in texts
 * that yyjson accepted (JSONC_FLAGS), and changes one member of one object: comments, order, indentation, line ends and
 * trailing commas of everything else stay byte for byte. Never recursive. */
#ifndef GATEHOUSE_GATEWAY_JSONC_H
#define GATEHOUSE_GATEWAY_JSONC_H

#include <yyjson.h>

#include "base/arena.h"

#define JSONC_FLAGS (YYJSON_READ_ALLOW_COMMENTS | YYJSON_READ_ALLOW_TRAILING_COMMAS)
#define JSONC_NONE  SIZE_MAX

/* Offsets into the text. */
struct jsonc_member {
    size_t key_from; /* of the opening quote */
    size_t key_to;   /* behind the closing one */
    size_t value_from;
    size_t value_to;
    size_t comma; /* the one behind the value, or JSONC_NONE */
};

struct jsonc_cursor {
    struct str text;
    size_t     at;     /* at the end: of the closing brace */
    bool       broken; /* the text is not what was promised */
};

/* Behind white space and comments; at the start of a text also behind the byte order mark of some editors. */
size_t jsonc_skip_blank(struct str text, size_t at);
/* The members of the object whose brace is at `object`; false at the end. */
void jsonc_open(struct jsonc_cursor *c, struct str text, size_t object);
bool jsonc_next(struct jsonc_cursor *c, struct jsonc_member *m);
/* The first member of that key. */
bool jsonc_find(struct str text, size_t object, struct str key, struct jsonc_member *m);
/* The key, unescaped; data is NULL without memory. */
struct str jsonc_key(struct str text, const struct jsonc_member *m, struct arena *arena);
bool       jsonc_key_is(struct str text, const struct jsonc_member *m, struct str key);

/* `text` with the member `key` of the object set to `value` (well-formed JSON), laid out as the file is; a new member
 * becomes the last. False: no memory, or out is full. */
bool jsonc_set(struct str text, size_t object, struct str key, struct str value, struct buffer *out);
/* `text` without the member. */
bool jsonc_remove(struct str text, size_t object, struct str key, struct buffer *out);

#endif
