#include <openssl/evp.h>

#include "base/base64.h"
#include "base/random.h"
#include "mcp/service/parts.h"

enum { NONCE = 12, TAG = 16 };

static bool
encrypt(EVP_CIPHER_CTX *ctx, const struct session_key *key, struct str purpose, struct str text, unsigned char *out)
{
    int len;

    random_bytes(out, NONCE);
    return EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, out) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &len, (const unsigned char *)purpose.data, (int)purpose.len) == 1 &&
           EVP_EncryptUpdate(ctx, out + NONCE, &len, (const unsigned char *)text.data, (int)text.len) == 1 &&
           EVP_EncryptFinal_ex(ctx, out + NONCE + len, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, out + NONCE + text.len) == 1;
}

struct str
seal_purpose(struct request *r, const char *use)
{
    return arena_printf(r->arena, "%s of %s", use, r->service->table->name);
}

char *
seal_text(const struct session_key *key, struct str purpose, struct str text, struct arena *a)
{
    unsigned char  *out = text.len > STATE_MOST ? NULL : arena_alloc(a, NONCE + text.len + TAG);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool            ok  = out != NULL && ctx != NULL && encrypt(ctx, key, purpose, text, out);

    EVP_CIPHER_CTX_free(ctx);
    struct str sealed  = str_of((const char *)out, NONCE + text.len + TAG);
    char      *letters = ok ? arena_alloc(a, BASE64_ROOM(sealed.len)) : NULL;
    if (letters != NULL)
        base64_write(BASE64_URL, sealed, letters);
    return letters;
}

static bool
decrypt(EVP_CIPHER_CTX *ctx, const struct session_key *key, struct str purpose, unsigned char *in, size_t size,
        unsigned char *out)
{
    int len;

    return EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, in) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &len, (const unsigned char *)purpose.data, (int)purpose.len) == 1 &&
           EVP_DecryptUpdate(ctx, out, &len, in + NONCE, (int)size) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, in + NONCE + size) == 1 &&
           EVP_DecryptFinal_ex(ctx, out + len, &len) == 1;
}

bool
seal_open(const struct session_key *key, struct str purpose, struct str sealed, struct arena *a, struct str *text)
{
    size_t         len = 0;
    unsigned char *in  = sealed.len > STATE_MOST * 2 ? NULL : arena_alloc(a, BASE64_BYTES(sealed.len));

    if (in == NULL || !base64_read(BASE64_URL, sealed, (char *)in, &len) || len < NONCE + TAG)
        return false;
    size_t          size = len - NONCE - TAG;
    unsigned char  *out  = arena_alloc(a, size + TAG);
    EVP_CIPHER_CTX *ctx  = EVP_CIPHER_CTX_new();
    bool            ok   = out != NULL && ctx != NULL && decrypt(ctx, key, purpose, in, size, out);
    EVP_CIPHER_CTX_free(ctx);
    *text = str_of((const char *)out, size);
    return ok;
}
