/* Skills, SEP-2640: what is loaded is verified file by file, SKILL.md first, and nothing of a skill is read any more
 * once a file of it was not what its entry says. */
#include <openssl/evp.h>
#include <stdio.h>

#include "base/base64.h"
#include "mcp/json.h"
#include "visit.h"

static void read_next(struct visit *v);

static yyjson_val *
file_at(const struct visit *v, size_t at)
{
    return yyjson_arr_get(yyjson_obj_get(yyjson_doc_get_root(v->skill), "resources"), at);
}

static bool
has_digest(struct str content, struct str expected)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned      len = 0;
    char          text[8 + 2 * EVP_MAX_MD_SIZE];
    int           at = snprintf(text, sizeof text, "sha256:");

    if (EVP_Digest(content.data, content.len, hash, &len, EVP_sha256(), NULL) != 1)
        return false;
    for (unsigned i = 0; i < len; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%02x", hash[i]);
    return str_eq(str_from(text), expected);
}

/* The first thing that is wrong with the content; NULL: it is what the entry says. */
static const char *
fault_of(const struct visit *v, struct str content)
{
    yyjson_val *skill = yyjson_doc_get_root(v->skill), *file = file_at(v, v->skill_files);
    struct str  uri = json_str(yyjson_obj_get(file, "uri"));

    if (yyjson_get_uint(yyjson_obj_get(file, "size")) != content.len)
        return "its size is another";
    if (!has_digest(content, json_str(yyjson_obj_get(file, "digest"))))
        return "its digest is another";
    if (str_eq(uri, json_str(yyjson_obj_get(skill, "uri"))) &&
        !front_matter_says(content, yyjson_obj_get(skill, "frontmatter")))
        return "its front matter is another";
    return NULL;
}

static void
take_file(struct visit *v, yyjson_val *result)
{
    yyjson_val *content = yyjson_arr_get_first(yyjson_obj_get(result, "contents"));
    struct str  text    = json_str(yyjson_obj_get(content, "text"));
    struct str  blob    = json_str(yyjson_obj_get(content, "blob"));
    char       *bytes   = blob.data == NULL ? NULL : malloc(BASE64_BYTES(blob.len));
    size_t      len     = 0;

    if (bytes != NULL)
        text = base64_read(BASE64, blob, bytes, &len) ? str_of(bytes, len) : STR_NONE;
    const char *wrong = text.data == NULL ? "it cannot be read" : fault_of(v, text);
    struct str  uri   = json_str(yyjson_obj_get(file_at(v, v->skill_files), "uri"));
    if (wrong != NULL) {
        fprintf(stderr, "%.*s is not used: %s\n", STR_ARG(uri), wrong);
    } else {
        printf("%.*s is what it should be\n", STR_ARG(uri));
        v->skill_files++;
        read_next(v);
    }
    free(bytes);
}

static void
read_next(struct visit *v)
{
    yyjson_val *uri = yyjson_obj_get(file_at(v, v->skill_files), "uri");

    if (uri == NULL)
        return;
    yyjson_mut_doc *params = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(params, yyjson_mut_obj(params));
    yyjson_mut_obj_add_val(params, yyjson_mut_doc_get_root(params), "uri", yyjson_val_mut_copy(params, uri));
    visit_ask(v, "resources/read", params, take_file);
}

/* The first skill stands for all; nothing is read of one that nobody loads. */
void
skills_take_list(struct visit *v, yyjson_val *result)
{
    yyjson_val *first = yyjson_arr_get_first(yyjson_obj_get(result, "skills"));

    if (!v->loads_skill || v->skill != NULL || first == NULL)
        return;
    v->skill = json_keep(first);
    read_next(v);
}
