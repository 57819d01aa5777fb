#include "mcp/session_id.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/random.h"

enum { NONCE = 12, TAG = 16, RANDOM = 16 };

/* What is sealed, in the machine's byte order: no other machine reads it. */
struct sealed_bytes {
    unsigned char       random[RANDOM];
    struct session_seal seal;
};

struct token {
    unsigned char nonce[NONCE];
    unsigned char text[sizeof(struct sealed_bytes)];
    unsigned char tag[TAG];
};

#define TOKEN_LETTERS ((sizeof(struct token) * 8 + 5) / 6)

bool
session_key_load(struct session_key *key, const char *path, struct error *err)
{
    struct buffer text = {.max = SESSION_KEY_SIZE + 1};
    struct error  why  = {0};

    if (file_read(path, &text, &why) && buffer_len(&text) == SESSION_KEY_SIZE) {
        memcpy(key->bytes, buffer_str(&text).data, SESSION_KEY_SIZE);
        buffer_clear(&text);
        return true;
    }
    buffer_clear(&text);
    if (why.code != ERROR_NOT_FOUND)
        return error_set(err, ERROR_INVALID, "%s",
                         why.code == ERROR_NONE ? "the session key has a wrong length: remove keys/session" : why.text);
    random_bytes(key->bytes, SESSION_KEY_SIZE);
    return file_replace(path, str_of((const char *)key->bytes, SESSION_KEY_SIZE), 0600, err);
}

bool
session_id_seal(const struct session_key *key, const struct session_seal *seal, char out[SESSION_ID_SIZE])
{
    _Static_assert(TOKEN_LETTERS < SESSION_ID_SIZE, "a token fits an id");
    struct token        token;
    struct sealed_bytes plain = {.seal = *seal};
    EVP_CIPHER_CTX     *ctx   = EVP_CIPHER_CTX_new();
    int                 len;

    random_bytes(token.nonce, NONCE);
    random_bytes(plain.random, RANDOM);
    bool ok = ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, token.nonce) == 1 &&
              EVP_EncryptUpdate(ctx, token.text, &len, (const unsigned char *)&plain, sizeof plain) == 1 &&
              EVP_EncryptFinal_ex(ctx, token.tag, &len) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, token.tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        base64_write(BASE64_URL, str_of((const char *)&token, sizeof token), out);
    return ok;
}

bool
session_id_open(const struct session_key *key, struct str id, struct session_seal *seal)
{
    struct token        token;
    struct sealed_bytes plain;
    size_t              size;
    int                 len;

    if (id.len != TOKEN_LETTERS || !base64_read(BASE64_URL, id, (char *)&token, &size))
        return false;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, token.nonce) == 1 &&
              EVP_DecryptUpdate(ctx, (unsigned char *)&plain, &len, token.text, sizeof token.text) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, token.tag) == 1 &&
              EVP_DecryptFinal_ex(ctx, (unsigned char *)&plain + len, &len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        *seal = plain.seal;
    return ok;
}
