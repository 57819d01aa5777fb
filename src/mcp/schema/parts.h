/* src/mcp/schema/parts.h: what a schema is compiled into. For src/mcp/schema/ only.
 *
 * Each schema object becomes a node: the rules of the keywords it has, in the order of the table `schema_keywords`,
 * which is the order in which they are checked: what is cheap first, what asks for the results of others last. Keywords
 * that only mean something beside another (then, additionalProperties, ...) find their neighbours through their node.
 */
#ifndef GATEHOUSE_MCP_SCHEMA_PARTS_H
#define GATEHOUSE_MCP_SCHEMA_PARTS_H

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "mcp/schema/number.h"
#include "mcp/schema/pattern.h"
#include "mcp/schema/schema.h"

/* The types of a value, as bits. Whole numbers are TYPE_NUMBER; TYPE_INTEGER is only wished for. */
enum schema_type {
    TYPE_NULL    = 1 << 0,
    TYPE_BOOLEAN = 1 << 1,
    TYPE_NUMBER  = 1 << 2,
    TYPE_STRING  = 1 << 3,
    TYPE_ARRAY   = 1 << 4,
    TYPE_OBJECT  = 1 << 5,
    TYPE_INTEGER = 1 << 6,
    TYPE_ANY     = (1 << 6) - 1,
};

enum schema_type schema_type_of(yyjson_val *value);
/* "object"; with its article: "an object". */
extern const char *const schema_type_names[];
enum { SCHEMA_TYPES = 7 };

enum keyword_id {
    KEYWORD_TYPE,
    KEYWORD_ENUM,
    KEYWORD_CONST,
    KEYWORD_MULTIPLE_OF,
    KEYWORD_MAXIMUM,
    KEYWORD_EXCLUSIVE_MAXIMUM,
    KEYWORD_MINIMUM,
    KEYWORD_EXCLUSIVE_MINIMUM,
    KEYWORD_MAX_LENGTH,
    KEYWORD_MIN_LENGTH,
    KEYWORD_PATTERN,
    KEYWORD_MAX_ITEMS,
    KEYWORD_MIN_ITEMS,
    KEYWORD_UNIQUE_ITEMS,
    KEYWORD_MAX_PROPERTIES,
    KEYWORD_MIN_PROPERTIES,
    KEYWORD_REQUIRED,
    KEYWORD_DEPENDENT_REQUIRED,
    KEYWORD_PREFIX_ITEMS,
    KEYWORD_ITEMS,
    KEYWORD_MIN_CONTAINS,
    KEYWORD_MAX_CONTAINS,
    KEYWORD_CONTAINS,
    KEYWORD_PROPERTIES,
    KEYWORD_PATTERN_PROPERTIES,
    KEYWORD_ADDITIONAL_PROPERTIES,
    KEYWORD_PROPERTY_NAMES,
    KEYWORD_REF,
    KEYWORD_DYNAMIC_REF,
    KEYWORD_ALL_OF,
    KEYWORD_ANY_OF,
    KEYWORD_ONE_OF,
    KEYWORD_NOT,
    KEYWORD_THEN,
    KEYWORD_ELSE,
    KEYWORD_IF,
    KEYWORD_DEPENDENT_SCHEMAS,
    KEYWORD_UNEVALUATED_ITEMS,
    KEYWORD_UNEVALUATED_PROPERTIES,
    KEYWORDS
};

struct named { /* by name, sorted, unless they have patterns */
    struct str      name;
    struct node    *node;
    struct pattern *pattern;
    struct str     *names; /* dependentRequired */
    size_t          name_count;
};

/* One keyword of one schema. Which members count, its reader says (read.c). */
struct rule {
    const struct node *of;
    enum keyword_id    keyword;
    uint64_t           count; /* a limit; types, as bits; a bool */
    yyjson_val        *value; /* as it is in the schema */
    struct node       *node;
    struct node      **nodes;
    size_t             node_count;
    struct named      *named;
    size_t             named_count;
    struct str        *names;
    size_t             name_count;
    struct pattern    *pattern;
    struct str         dynamic; /* of $dynamicRef: the anchor that the outermost resource decides on */
};

struct dynamic_anchor {
    struct dynamic_anchor *next;
    struct str             name;
    struct node           *node;
};

/* What has an address of its own: the whole schema, and each part with an $id. */
struct resource {
    struct str             uri; /* absolute or not, without a fragment */
    struct node           *root;
    struct dynamic_anchor *anchors;
    size_t                 anchor_count;
};

struct node {
    bool             never; /* `false` */
    struct resource *resource;
    struct rule     *rules;
    size_t           rule_count;
    yyjson_val      *default_value; /* NULL: none */
    yyjson_val      *source;
};

struct schema {
    struct arena *arena; /* holds all of it, and itself */
    yyjson_doc   *doc;
    struct node  *root;
};

/* The rule of a keyword, or NULL. */
const struct rule *node_rule(const struct node *n, enum keyword_id keyword);
/* By name among the sorted; NULL: not there. */
const struct named *rule_named(const struct rule *r, struct str name);
/* The node that bears a dynamic anchor in a resource, or NULL. */
struct node *resource_dynamic(const struct resource *r, struct str name);

/* Where we are in a value or a schema: a chain on the stack. */
struct place {
    const struct place *parent;
    struct str          key; /* data NULL: an index */
    size_t              index;
};

/* As a JSON pointer, its end cut. */
void place_write(const struct place *at, char *out, size_t size);

/* Takes away what is left of a character that was cut: words go into answers, which are UTF-8. Before its cuts `text`
 * was UTF-8. */
void words_mend(char *text);

/* Compiling. */

struct reference { /* of $ref and $dynamicRef */
    struct reference  *next;
    const struct node *from;
    struct rule       *rule;
    struct str         text;
    const char        *pointer; /* of the keyword */
};

struct compiler {
    struct schema    *schema;
    struct error     *err;
    struct map        nodes;      /* by the address of the value -> struct node * */
    struct map        resources;  /* by URI -> struct resource * */
    struct map        anchors;    /* by "URI#name" -> struct node * */
    struct reference *references; /* still to be resolved, the newest first */
    uint64_t          lookups;    /* values and anchors that may still be looked at to find what they mean */
    unsigned          depth;
};

/* The keyword's name, for which types of values it says something, how it is read; NULL: anything is right. */
struct keyword {
    const char *name;
    unsigned    types;
    bool (*read)(struct compiler *c, struct rule *r, const struct place *at);
};

extern const struct keyword schema_keywords[KEYWORDS];

/* False, always: ERROR_INVALID with the place in front. */
bool compile_wrong(struct compiler *c, const struct place *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool compile_no_memory(struct compiler *c);
/* The node of a value that must be a schema; NULL: it is not one. */
struct node *compile_node(struct compiler *c, yyjson_val *value, struct resource *in, const struct place *at);
/* Reads $schema, $id, $anchor and $dynamicAnchor. */
bool compile_identify(struct compiler *c, struct node *n, const struct place *at);
/* Finds what all references mean, and compiles what only they lead to. */
bool compile_resolve(struct compiler *c);
/* `reference` as seen from `base`, RFC 3986 section 5.2, both with no fragment. Data NULL: no memory. */
struct str uri_join(struct arena *a, struct str base, struct str reference);

#endif
