#include "guard/token.h"

#include "base/file.h"
#include "base/random.h"

static bool
make_token(struct local_token *token, const char *path, struct error *err)
{
    unsigned char bytes[24];
    size_t        len = (size_t)snprintf(token->text, TOKEN_SIZE, "gh_local_");

    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        len += (size_t)snprintf(token->text + len, TOKEN_SIZE - len, "%02x", bytes[i]);
    token->is_new = true;

    char   line[TOKEN_SIZE + 1];
    size_t size = (size_t)snprintf(line, sizeof line, "%s\n", token->text);
    return file_replace(path, str_of(line, size), 0600, err);
}

bool
local_token_load(struct local_token *token, const char *path, struct error *err)
{
    struct buffer text = {.max = TOKEN_SIZE};
    struct error  why  = {0};
    bool          ok   = file_read(path, &text, &why);
    struct str    line = str_trim(buffer_str(&text));

    *token = (struct local_token){0};
    if (!ok && why.code == ERROR_NOT_FOUND) {
        ok = make_token(token, path, err);
    } else if (!ok) {
        error_set(err, why.code, "%s", why.text);
    } else if (line.len == 0 || line.len >= TOKEN_SIZE) {
        ok = error_set(err, ERROR_INVALID, "%s holds no token: remove it, the next start makes one", path);
    } else {
        memcpy(token->text, line.data, line.len);
        token->text[line.len] = '\0';
    }
    buffer_clear(&text);
    return ok;
}

bool
local_token_matches(const struct local_token *token, struct str text)
{
    size_t        len       = strlen(token->text);
    unsigned char different = (unsigned char)(len == 0 || text.len != len);

    for (size_t i = 0; i < text.len; i++)
        different |= (unsigned char)(text.data[i] ^ token->text[i < len ? i : 0]);
    return different == 0;
}

bool
local_token_is_given(const struct local_token *token, const struct http_headers *headers)
{
    struct str value = http_header(headers, STR("authorization"));

    return http_header_count(headers, STR("authorization")) == 1 && str_starts_nocase(value, STR("bearer ")) &&
           local_token_matches(token, str_trim(str_skip(value, 7)));
}
