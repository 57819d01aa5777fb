/* src/cli/call/line.h: what was typed behind `gatehouse call`: where, what, with what.
 *
 *   call time                                  where alone: look around
 *   call time get_time zone=Europe/Paris       a word that is no method is a tool's name
 *   call URL resources/read uri=file:///x      a method has a `/`, or is `ping`
 *   call tools/call get_time -- command args   behind `--` a command: no word for where
 *
 * key=text is typed later, by the schema; key=@FILE is what is in the file, @- what is piped in; key:=JSON and
 * key:=@FILE are sent as they are. */
#ifndef GATEHOUSE_CLI_CALL_LINE_H
#define GATEHOUSE_CLI_CALL_LINE_H

#include "base/arena.h"
#include "cli/args.h"

enum call_where { CALL_NAME, CALL_URL, CALL_COMMAND };

struct call_pair {
    struct str key;
    struct str text;   /* of a file what is in it */
    bool       is_raw; /* `:=`: JSON */
};

struct call_line {
    enum call_where   where;
    struct str        target;  /* name or URL */
    struct str        method;  /* empty: look around */
    struct str        subject; /* the word behind the method; data is NULL: none */
    bool              is_tool; /* the word alone was typed: the server must list such a tool */
    struct call_pair *pairs;   /* in the arena, as the texts of files */
    size_t            count;
};

enum { CALL_WORDS_MAX = 256 };
#define CALL_FILE_MAX MIB(32)

/* `in` is what `@-` reads, NULL for nobody who asks. False: what was typed wrong, or a file that cannot be read. */
bool call_line_read(struct call_line *line, const struct args *args, FILE *in, struct arena *arena, struct error *err);

/* What the method is about may be typed as its key too, `name=greet`: it is the subject then. False: it is missing. */
bool call_line_check(struct call_line *line, struct error *err);

/* What the word behind a method stands for: "name" of tools/call, "uri" of resources/read. NULL: it takes none. */
const char *call_subject_key(struct str method);
/* Of the methods that clients call, for "did you mean" and for the shell. Ends with NULL. */
extern const char *const call_methods[];
/* The most alike; NULL: none is near. */
const char *call_nearest_method(struct str typed);

#endif
