#include "cli/args.h"

#include "base/nearest.h"
#include "base/settings.h"

static const struct option *
find_in(const struct option *options, struct str name)
{
    for (; options != NULL && options->name != NULL; options++)
        if (str_eq(name, str_from(options->name)))
            return options;
    return NULL;
}

static void
look_nearer(const char *known, struct str name, const char **nearest, unsigned *best)
{
    unsigned distance = nearest_distance(name, str_from(known));

    if (distance < *best) {
        *best    = distance;
        *nearest = known;
    }
}

static bool
unknown(const struct command *command, struct str name, struct error *err)
{
    const char *nearest = NULL;
    unsigned    best    = NEAREST_NONE;

    for (const struct option *o = command->options; o != NULL && o->name != NULL; o++)
        look_nearer(o->name, name, &nearest, &best);
    for (const struct option *o = global_options; o->name != NULL; o++)
        look_nearer(o->name, name, &nearest, &best);
    for (const struct setting *s = settings_table; command->takes_settings && s->name != NULL; s++)
        look_nearer(s->name, name, &nearest, &best);
    if (nearest != NULL)
        return error_set(err, ERROR_INVALID, "%s has no option --%.*s; did you mean --%s?", command->name,
                         STR_ARG(str_take(name, 80)), nearest);
    if (command->takes_rest)
        return error_set(err, ERROR_INVALID, "%s has no option --%.*s; put -- before the server's command",
                         command->name, STR_ARG(str_take(name, 80)));
    return error_set(err, ERROR_INVALID, "%s has no option --%.*s", command->name, STR_ARG(str_take(name, 80)));
}

static bool
is_choice(const struct option *option, struct str value, struct error *err)
{
    char   list[200] = "";
    size_t len       = 0;

    if (option->choices == NULL)
        return true;
    for (const char *const *c = option->choices; *c != NULL; c++) {
        if (str_eq(value, str_from(*c)))
            return true;
        int more = snprintf(list + len, sizeof list - len, "%s%s", len == 0 ? "" : c[1] == NULL ? " or " : ", ", *c);
        len += more > 0 && (size_t)more < sizeof list - len ? (size_t)more : 0;
    }
    return error_set(err, ERROR_INVALID, "--%s is %s, not \"%.*s\"", option->name, list, STR_ARG(str_take(value, 80)));
}

static bool
add_given(struct args *a, const struct option *option, const struct given *g, struct error *err)
{
    if (option != NULL && !option->repeats && option->value != NULL && args_has(a, option->name))
        return error_set(err, ERROR_INVALID, "--%s is there twice", option->name);
    if (option != NULL && option->value != NULL && !is_choice(option, g->value, err))
        return false;
    a->given[a->given_count++] = *g;
    return true;
}

/* words[*i] starts with dashes; takes the value behind it too. */
static bool
take_option(struct args *a, const struct command *command, size_t count, char *const *words, size_t *i,
            struct error *err)
{
    struct str   whole = str_skip(str_from(words[*i]), 2);
    ptrdiff_t    equal = str_index(whole, '=');
    struct given g     = {.name = equal < 0 ? whole : str_take(whole, (size_t)equal)};

    const struct option *option = find_in(command->options, g.name);
    if (option == NULL)
        option = find_in(global_options, g.name);
    if (option == NULL && command->takes_settings)
        g.is_setting = settings_find(g.name, NULL) != NULL;
    if (option == NULL && !g.is_setting)
        return unknown(command, g.name, err);
    if (option != NULL && option->value == NULL) {
        if (equal >= 0)
            return error_set(err, ERROR_INVALID, "--%s takes no value", option->name);
        return add_given(a, option, &g, err);
    }
    if (equal >= 0)
        g.value = str_skip(whole, (size_t)equal + 1);
    else if (*i + 1 < count)
        g.value = str_from(words[++*i]);
    else
        return error_set(err, ERROR_INVALID, "--%.*s needs %s", STR_ARG(g.name),
                         option == NULL ? "a value" : option->value);
    return add_given(a, option, &g, err);
}

static bool
check_words(const struct args *a, const struct command *command, struct error *err)
{
    if (a->word_count > command->most_words && command->most_words == 0)
        return error_set(err, ERROR_INVALID, "%s takes no \"%s\"", command->name, a->words[0]);
    if (a->word_count > command->most_words)
        return error_set(err, ERROR_INVALID, "\"%s\" is one word too many for %s%s", a->words[command->most_words],
                         command->name, command->takes_rest ? "; put -- before the server's command" : "");
    if (a->word_count < command->least_words)
        return error_set(err, ERROR_INVALID, "%s needs more: gatehouse %s", command->name, command->usage[0]);
    if (a->has_rest && !command->takes_rest)
        return error_set(err, ERROR_INVALID, "%s takes nothing behind --", command->name);
    return true;
}

bool
args_parse(struct args *a, const struct command *command, size_t count, char *const *words, struct error *err)
{
    *a       = (struct args){0};
    a->given = calloc(count + 1, sizeof *a->given);
    a->words = calloc(count + 1, sizeof *a->words);
    bool ok  = a->given != NULL && a->words != NULL;

    if (!ok)
        error_set(err, ERROR_MEMORY, "no memory");
    for (size_t i = 0; ok && i < count; i++) {
        struct str word = str_from(words[i]);
        if (str_eq(word, STR("--"))) {
            a->has_rest   = true;
            a->rest       = words + i + 1;
            a->rest_count = count - i - 1;
            break;
        }
        if (str_eq(word, STR("-h")))
            a->given[a->given_count++] = (struct given){.name = STR("help")};
        else if (str_starts(word, STR("--")))
            ok = take_option(a, command, count, words, &i, err);
        else if (word.len > 1 && word.data[0] == '-')
            ok = error_set(err, ERROR_INVALID, "options of %s are long, like --help: there is no %.*s%s", command->name,
                           STR_ARG(str_take(word, 80)),
                           command->takes_rest ? "; put -- before the server's command" : "");
        else
            a->words[a->word_count++] = words[i];
    }
    ok = ok && (args_has(a, "help") || check_words(a, command, err));
    if (!ok)
        args_clear(a);
    return ok;
}

void
args_clear(struct args *a)
{
    free(a->given);
    free(a->words);
    *a = (struct args){0};
}

bool
args_has(const struct args *a, const char *name)
{
    return args_count(a, name) > 0;
}

struct str
args_value(const struct args *a, const char *name)
{
    for (size_t i = a->given_count; i > 0; i--)
        if (str_eq(a->given[i - 1].name, str_from(name)))
            return a->given[i - 1].value;
    return STR_NONE;
}

bool
args_each(const struct args *a, const char *name, size_t i, struct str *value)
{
    for (size_t k = 0; k < a->given_count; k++)
        if (str_eq(a->given[k].name, str_from(name)) && i-- == 0) {
            *value = a->given[k].value;
            return true;
        }
    return false;
}

size_t
args_count(const struct args *a, const char *name)
{
    size_t count = 0;

    for (size_t k = 0; k < a->given_count; k++)
        count += str_eq(a->given[k].name, str_from(name));
    return count;
}
