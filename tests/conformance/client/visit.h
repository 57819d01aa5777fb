/* tests/conformance/client/visit.h: what build/conformance-client does at a server: it lists all that is there, calls
 * the tools that the scenario names, or else each, reads each resource, gets each prompt, and answers what it is asked.
 * One thing after the other; what is asked is put off until what was asked before is answered. */
#ifndef GATEHOUSE_TESTS_CONFORMANCE_CLIENT_VISIT_H
#define GATEHOUSE_TESTS_CONFORMANCE_CLIENT_VISIT_H

#include "base/loop.h"
#include "mcp/client/client.h"

struct visit {
    struct loop   *loop;
    struct client *client;
    yyjson_doc    *context;      /* what the scenario says to do; NULL: nothing */
    bool           loads_skill;  /* the scenario is about what a skill holds: else none is loaded */
    struct list    errands;      /* of struct errand, to be run */
    yyjson_doc    *first_schema; /* of the tool listed first; NULL: none was yet */
    yyjson_doc    *skill;        /* that is being loaded: its entry of skills/list */
    size_t         skill_files;  /* of it, read so far */
    bool           is_open, has_failed;
    void (*on_over)(struct visit *v); /* all is done, or it failed */
};

/* visit.c: `client` comes later. */
void visit_init(struct visit *v, struct loop *loop, void (*on_over)(struct visit *v));
/* For client_parts. */
extern const struct client_events visit_events;

/* ask.c: `params` are taken. `done` gets NULL for a refusal, which is no failure of ours. */
typedef void errand_done(struct visit *v, yyjson_val *result);
void         visit_ask(struct visit *v, const char *method, yyjson_mut_doc *params, errand_done *done);
/* The next errand, when none runs. */
void visit_go_on(struct visit *v);
void visit_clear(struct visit *v);
/* Accepts a form with all its defaults, has something to say, and no roots. */
void visit_answer(struct question_in *q);

/* fill.c: a value that the schema allows, its default if it has one: a copy in `doc`. NULL: it says nothing to go by.
 */
yyjson_mut_val *fill_value(yyjson_mut_doc *doc, yyjson_val *schema, unsigned depth);
/* An object with all properties of the schema. */
yyjson_mut_val *fill_object(yyjson_mut_doc *doc, yyjson_val *schema, unsigned depth);

/* skills.c: the answer to skills/list. */
void skills_take_list(struct visit *v, yyjson_val *result);

/* front_matter.c: whether the file begins with YAML that says what `expected`, an object, does. */
bool front_matter_says(struct str file, yyjson_val *expected);

#endif
