/* src/http/tls.h: TLS on a descriptor, by OpenSSL. A context says whom to trust; a session is one connection's TLS. */
#ifndef GATEHOUSE_HTTP_TLS_H
#define GATEHOUSE_HTTP_TLS_H

#include "base/error.h"
#include "base/str.h"

struct tls_context;
struct tls_session;

/* For outgoing connections: TLS 1.2 or later, the system's certificate authorities (SSL_CERT_FILE and SSL_CERT_DIR
 * replace them), and those of NODE_EXTRA_CA_CERTS and of `extra_ca_file` (NULL: none) beside them. */
struct tls_context *tls_client_context_new(const char *extra_ca_file, struct error *err);
void                tls_context_free(struct tls_context *ctx);

/* The certificate must be for `host`, a name or an IP address without brackets. */
struct tls_session *tls_session_new_client(struct tls_context *ctx, const char *host, struct error *err);
void                tls_session_free(struct tls_session *s);

/* What conn drives. WANT_*: again, when the descriptor is readable or writable. */
enum tls_result { TLS_OK, TLS_WANT_READ, TLS_WANT_WRITE, TLS_ENDED, TLS_FAILED };

bool            tls_session_attach(struct tls_session *s, int fd, struct error *err);
enum tls_result tls_session_handshake(struct tls_session *s, struct error *err);
enum tls_result tls_session_read(struct tls_session *s, char *into, size_t room, size_t *got, struct error *err);
/* After WANT_* the same bytes come again, perhaps with more behind them. */
enum tls_result tls_session_write(struct tls_session *s, struct str bytes, size_t *put, struct error *err);
/* Tells the peer that nothing follows; does not wait. */
void tls_session_end(struct tls_session *s);

#endif
