#include <openssl/evp.h>

#include "base/random.h"
#include "mcp/service/parts.h"

enum { NONCE = 12, TAG = 16 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* RFC 4648 section 5, without padding. */
static char *
encode(struct arena *a, const unsigned char *bytes, size_t len)
{
    char    *text = arena_alloc(a, len / 3 * 4 + 5), *out = text;
    unsigned held = 0, bits = 0;

    for (size_t i = 0; text != NULL && i < len; i++) {
        held = (held << 8 | bytes[i]) & 0xFFFF;
        for (bits += 8; bits >= 6; bits -= 6)
            *out++ = digits[held >> (bits - 6) & 63];
    }
    if (text != NULL && bits > 0)
        *out++ = digits[held << (6 - bits) & 63];
    if (text != NULL)
        *out = '\0';
    return text;
}

/* One text for one sequence of bytes: the last digit has no bits to spare. */
static unsigned char *
decode(struct arena *a, struct str text, size_t *len)
{
    unsigned char *bytes = text.len % 4 == 1 ? NULL : arena_alloc(a, text.len / 4 * 3 + 3);
    unsigned       held = 0, bits = 0;
    size_t         at = 0;

    for (size_t i = 0; bytes != NULL && i < text.len; i++) {
        const char *digit = memchr(digits, text.data[i], sizeof digits - 1);
        if (digit == NULL)
            return NULL;
        held = (held << 6 | (unsigned)(digit - digits)) & 0xFFFF;
        bits += 6;
        if (bits >= 8)
            bytes[at++] = (unsigned char)(held >> (bits -= 8));
    }
    *len = at;
    return (held & ((1U << bits) - 1)) != 0 ? NULL : bytes;
}

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
    return ok ? encode(a, out, NONCE + text.len + TAG) : NULL;
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
    unsigned char *in  = sealed.len > STATE_MOST * 2 ? NULL : decode(a, sealed, &len);

    if (in == NULL || len < NONCE + TAG)
        return false;
    size_t          size = len - NONCE - TAG;
    unsigned char  *out  = arena_alloc(a, size + TAG);
    EVP_CIPHER_CTX *ctx  = EVP_CIPHER_CTX_new();
    bool            ok   = out != NULL && ctx != NULL && decrypt(ctx, key, purpose, in, size, out);
    EVP_CIPHER_CTX_free(ctx);
    *text = str_of((const char *)out, size);
    return ok;
}
