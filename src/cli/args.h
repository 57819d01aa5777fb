/* src/cli/args.h: the words of a command line, taken apart by the table.
 *
 * `--name value`, `--name=value`; options and words in any order; what stands behind `--` is left as it is. */
#ifndef GATEHOUSE_CLI_ARGS_H
#define GATEHOUSE_CLI_ARGS_H

#include "base/error.h"
#include "cli/command.h"

struct given {
    struct str name; /* without the dashes */
    struct str value;
    bool       is_setting;
};

struct args {
    struct given *given;
    size_t        given_count;
    const char  **words; /* without the command's name */
    size_t        word_count;
    char *const  *rest; /* behind `--` */
    size_t        rest_count;
    bool          has_rest;
};

/* `words` are what follows the command's name. Borrows them. False: what was typed wrong, with what was meant. */
bool args_parse(struct args *a, const struct command *command, size_t count, char *const *words, struct error *err);
void args_clear(struct args *a);

bool args_has(const struct args *a, const char *name);
/* The last one given; data NULL when there is none. */
struct str args_value(const struct args *a, const char *name);
/* The i-th value of an option that repeats; false behind the last. */
bool   args_each(const struct args *a, const char *name, size_t i, struct str *value);
size_t args_count(const struct args *a, const char *name);

#endif
