#include "http/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls_context {
    SSL_CTX *ssl;
};

struct tls_session {
    SSL  *ssl;
    char *host; /* NUL-terminated; for the words of an error */
};

/* The oldest entry of OpenSSL's queue in words; the queue is emptied. */
static const char *
why(char *space, size_t len)
{
    unsigned long code = ERR_get_error();

    if (code == 0)
        return "no reason given";
    ERR_error_string_n(code, space, len);
    const char *reason = ERR_reason_error_string(code);
    ERR_clear_error();
    return reason != NULL ? reason : space;
}

static bool
add_authorities(SSL_CTX *ssl, const char *path, struct error *err)
{
    char space[256];

    if (path == NULL || path[0] == '\0' || SSL_CTX_load_verify_locations(ssl, path, NULL) == 1)
        return true;
    return error_set(err, ERROR_INVALID, "reading the certificate authorities in %s: %s", path,
                     why(space, sizeof space));
}

struct tls_context *
tls_client_context_new(const char *extra_ca_file, struct error *err)
{
    struct tls_context *ctx = calloc(1, sizeof *ctx);
    char                space[256];

    if (ctx == NULL || (ctx->ssl = SSL_CTX_new(TLS_client_method())) == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for TLS");
        free(ctx);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx->ssl, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_default_verify_paths(ctx->ssl) != 1) /* reads SSL_CERT_FILE and SSL_CERT_DIR */
        error_set(err, ERROR_INTERNAL, "reading the system's certificate authorities: %s", why(space, sizeof space));
    else if (add_authorities(ctx->ssl, getenv("NODE_EXTRA_CA_CERTS"), err) &&
             add_authorities(ctx->ssl, extra_ca_file, err))
        return ctx;
    tls_context_free(ctx);
    return NULL;
}

void
tls_context_free(struct tls_context *ctx)
{
    if (ctx == NULL)
        return;
    SSL_CTX_free(ctx->ssl);
    free(ctx);
}

static bool
is_address(const char *host)
{
    struct in6_addr space;

    return inet_pton(AF_INET, host, &space) == 1 || inet_pton(AF_INET6, host, &space) == 1;
}

struct tls_session *
tls_session_new_client(struct tls_context *ctx, const char *host, struct error *err)
{
    struct tls_session *s = calloc(1, sizeof *s);
    bool                ok;

    if (s == NULL || (s->host = strdup(host)) == NULL || (s->ssl = SSL_new(ctx->ssl)) == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for TLS");
        tls_session_free(s);
        return NULL;
    }
    SSL_set_connect_state(s->ssl);
    SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address(host)) /* RFC 6066 section 3: no server name for an address */
        ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), host) == 1;
    else
        ok = SSL_set1_host(s->ssl, host) == 1 && SSL_set_tlsext_host_name(s->ssl, s->host) == 1;
    if (ok)
        return s;
    ERR_clear_error();
    error_set(err, ERROR_INVALID, "%s cannot be the name in a certificate", host);
    tls_session_free(s);
    return NULL;
}

void
tls_session_free(struct tls_session *s)
{
    if (s == NULL)
        return;
    SSL_free(s->ssl);
    free(s->host);
    free(s);
}

bool
tls_session_attach(struct tls_session *s, int fd, struct error *err)
{
    char space[256];

    return SSL_set_fd(s->ssl, fd) == 1 ||
           error_set(err, ERROR_INTERNAL, "TLS on a descriptor: %s", why(space, sizeof space));
}

/* What an operation that did not succeed means. */
static enum tls_result
outcome(struct tls_session *s, int returned, struct error *err)
{
    int  saved = errno;
    char space[256];

    switch (SSL_get_error(s->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        if (saved != 0)
            error_set_errno(err, saved, "the TLS connection to %s broke", s->host);
        else
            error_set(err, ERROR_CLOSED, "%s closed the connection without ending TLS", s->host);
        return TLS_FAILED;
    default:
        if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
            ERR_clear_error();
            error_set(err, ERROR_CLOSED, "%s closed the connection without ending TLS", s->host);
            return TLS_FAILED;
        }
        error_set(err, ERROR_PROTOCOL, "TLS with %s: %s", s->host, why(space, sizeof space));
        return TLS_FAILED;
    }
}

enum tls_result
tls_session_handshake(struct tls_session *s, struct error *err)
{
    ERR_clear_error();
    errno         = 0;
    int  returned = SSL_do_handshake(s->ssl);
    long verified = SSL_get_verify_result(s->ssl);

    if (returned == 1)
        return TLS_OK;
    enum tls_result result = outcome(s, returned, err);
    if (result == TLS_FAILED && verified == X509_V_ERR_HOSTNAME_MISMATCH)
        error_set(err, ERROR_UNREACHABLE, "the certificate that %s showed is for another name", s->host);
    else if (result == TLS_FAILED && verified == X509_V_ERR_IP_ADDRESS_MISMATCH)
        error_set(err, ERROR_UNREACHABLE, "the certificate that %s showed is not for this address", s->host);
    else if (result == TLS_FAILED && verified != X509_V_OK)
        error_set(err, ERROR_UNREACHABLE, "the certificate of %s is not trusted: %s", s->host,
                  X509_verify_cert_error_string(verified));
    else if (result == TLS_ENDED)
        error_set(err, ERROR_CLOSED, "%s ended TLS during its handshake", s->host);
    return result == TLS_ENDED ? TLS_FAILED : result;
}

enum tls_result
tls_session_read(struct tls_session *s, char *into, size_t room, size_t *got, struct error *err)
{
    ERR_clear_error();
    errno        = 0;
    int returned = SSL_read_ex(s->ssl, into, room, got);

    if (returned == 1)
        return TLS_OK;
    *got = 0;
    return outcome(s, returned, err);
}

enum tls_result
tls_session_write(struct tls_session *s, struct str bytes, size_t *put, struct error *err)
{
    ERR_clear_error();
    errno        = 0;
    int returned = SSL_write_ex(s->ssl, bytes.data, bytes.len, put);

    if (returned == 1)
        return TLS_OK;
    *put = 0;
    return outcome(s, returned, err);
}

void
tls_session_end(struct tls_session *s)
{
    ERR_clear_error();
    SSL_shutdown(s->ssl);
    ERR_clear_error();
}
