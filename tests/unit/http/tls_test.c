#include "http/tls.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "http/conn.h"
#include "http/wire.h"
#include "test.h"

/* A client connection of ours against a server that is OpenSSL alone, over a pair of sockets. */
struct play {
    struct wire   wire;
    struct conn  *conn;
    SSL_CTX      *server_ctx;
    SSL          *server;
    int           fd; /* the server's end */
    bool          ready;
    bool          closed;
    struct error  why;
    int           drained;
    struct buffer got;
    char          ca_file[64];
};

static struct play play;

static void
on_data(void *owner, struct str bytes)
{
    struct play *p = owner;

    assert_true(buffer_append(&p->got, bytes));
}

static void
on_drained(void *owner)
{
    ((struct play *)owner)->drained++;
}

static void
on_ready(void *owner)
{
    ((struct play *)owner)->ready = true;
}

static void
on_closed(void *owner, const struct error *err)
{
    struct play *p = owner;

    p->closed = true;
    if (err != NULL)
        p->why = *err;
    conn_close(p->conn);
    p->conn = NULL;
}

static const struct conn_events events = {on_data, on_drained, on_ready, on_closed, false};

/* A certificate of its own making for `names` ("DNS:a,IP:1.2.3.4"), its own authority. */
static void
make_certificate(EVP_PKEY *key, X509 *cert, const char *names)
{
    X509_NAME *name = X509_get_subject_name(cert);

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
}

static void
open_server(const char *names)
{
    EVP_PKEY *key  = EVP_EC_gen("P-256");
    X509     *cert = X509_new();

    make_certificate(key, cert, names);
    snprintf(play.ca_file, sizeof play.ca_file, "/tmp/gatehouse-tls-XXXXXX");
    FILE *file = fdopen(mkstemp(play.ca_file), "w");
    PEM_write_X509(file, cert);
    fclose(file);
    play.server_ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(play.server_ctx, cert);
    SSL_CTX_use_PrivateKey(play.server_ctx, key);
    EVP_PKEY_free(key);
    X509_free(cert);
}

/* Connects as to `host`, trusting the server's certificate or the system's authorities alone. */
static void
open_play(const char *names, const char *host, bool trusts)
{
    struct error err = {0};
    int          pair[2];

    play = (struct play){.got = {.max = MIB(64)}};
    wire_init(&play.wire);
    open_server(names);
    struct tls_context *ctx = tls_client_context_new(trusts ? play.ca_file : NULL, &err);
    assert_non_null(ctx);
    struct tls_session *session = tls_session_new_client(ctx, host, &err);
    assert_non_null(session);
    tls_context_free(ctx); /* the session keeps what it needs */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    play.fd     = pair[1];
    play.server = SSL_new(play.server_ctx);
    SSL_set_fd(play.server, play.fd);
    SSL_set_accept_state(play.server);
    play.conn = conn_new(&play.wire.net, pair[0], session, &events, &play, &err);
    assert_non_null(play.conn);
}

static void
close_play(void)
{
    conn_close(play.conn);
    SSL_free(play.server);
    SSL_CTX_free(play.server_ctx);
    close(play.fd);
    unlink(play.ca_file);
    buffer_clear(&play.got);
    wire_clear(&play.wire);
}

static bool
agreed(void)
{
    SSL_do_handshake(play.server);
    return (play.ready && SSL_is_init_finished(play.server)) || play.closed;
}

/* What the client said so far, in one record or several. */
static bool
has_heard(char *said, size_t len)
{
    size_t held = strlen(said);
    int    got  = SSL_read(play.server, said + held, (int)(len - held));

    return held + (size_t)(got > 0 ? got : 0) == len;
}

TEST(a_trusted_server_is_spoken_to)
{
    char said[64] = {0};

    open_play("DNS:example.test", "example.test", true);
    assert_true(conn_write(play.conn, STR("hel"))); /* before it is agreed */
    WAIT_FOR(&play.wire, agreed());
    assert_true(play.ready);
    conn_write(play.conn, STR("lo"));
    WAIT_FOR(&play.wire, has_heard(said, 5));
    assert_string_equal(said, "hello");
    assert_string_equal(SSL_get_servername(play.server, TLSEXT_NAMETYPE_host_name), "example.test");
    assert_int_equal(conn_written(play.conn), 5);
    SSL_write(play.server, "one", 3);
    SSL_write(play.server, "two", 3);
    SSL_shutdown(play.server);
    WAIT_FOR(&play.wire, play.closed);
    assert_str(buffer_str(&play.got), "onetwo");
    assert_int_equal(play.why.code, ERROR_NONE);
    close_play();
}

TEST(an_address_is_checked_as_one)
{
    open_play("IP:127.0.0.1", "127.0.0.1", true);
    WAIT_FOR(&play.wire, agreed());
    assert_true(play.ready);
    assert_null(SSL_get_servername(play.server, TLSEXT_NAMETYPE_host_name));
    close_play();
    open_play("IP:127.0.0.1", "127.0.0.2", true);
    WAIT_FOR(&play.wire, agreed());
    assert_false(play.ready);
    assert_string_equal(play.why.text, "the certificate that 127.0.0.2 showed is not for this address");
    close_play();
}

TEST(a_server_that_is_not_trusted_gets_nothing)
{
    char said[16];

    open_play("DNS:example.test", "example.test", false);
    conn_write(play.conn, STR("secret"));
    WAIT_FOR(&play.wire, agreed());
    assert_false(play.ready);
    assert_int_equal(play.why.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(play.why.text, "the certificate of example.test is not trusted: self-signed certificate"));
    assert_true(SSL_read(play.server, said, sizeof said) <= 0);
    close_play();
    open_play("DNS:example.test", "other.test", true);
    WAIT_FOR(&play.wire, agreed());
    assert_false(play.ready);
    assert_string_equal(play.why.text, "the certificate that other.test showed is for another name");
    close_play();
}

TEST(what_is_no_tls_is_told_in_words)
{
    open_play("DNS:example.test", "example.test", true);
    assert_true(write(play.fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28) == 28);
    WAIT_FOR(&play.wire, play.closed);
    assert_int_equal(play.why.code, ERROR_PROTOCOL);
    assert_true(str_starts(str_from(play.why.text), STR("TLS with example.test: ")));
    close_play();
    open_play("DNS:example.test", "example.test", true);
    shutdown(play.fd, SHUT_WR);
    WAIT_FOR(&play.wire, play.closed);
    assert_int_equal(play.why.code, ERROR_CLOSED);
    close_play();
}

TEST(an_end_without_goodbye_is_a_failure_not_an_end)
{
    open_play("DNS:example.test", "example.test", true);
    WAIT_FOR(&play.wire, agreed());
    shutdown(play.fd, SHUT_WR);
    WAIT_FOR(&play.wire, play.closed);
    assert_int_not_equal(play.why.code, ERROR_NONE);
    close_play();
}

TEST(much_passes_both_ways)
{
    static char   big[1000000];
    static char   space[65536];
    struct buffer back = {.max = MIB(8)};
    size_t        sent = 0;

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 >> 3);
    open_play("DNS:example.test", "example.test", true);
    WAIT_FOR(&play.wire, agreed());
    for (size_t at = 0; at < sizeof big; at += 100000)
        assert_true(conn_write(play.conn, str_of(big + at, 100000)));
    assert_true(conn_is_full(play.conn));
    SSL_set_mode(play.server, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    while (buffer_len(&back) < sizeof big || buffer_len(&play.got) < sizeof big) {
        loop_turn(&play.wire.loop, MILLISECONDS(1));
        int n = SSL_read(play.server, space, sizeof space);
        if (n > 0)
            buffer_append(&back, str_of(space, (size_t)n));
        n = sent < sizeof big ? SSL_write(play.server, big + sent, (int)(sizeof big - sent)) : 0;
        sent += n > 0 ? (size_t)n : 0;
        assert_false(play.closed);
    }
    assert_memory_equal(back.data + back.from, big, sizeof big);
    assert_memory_equal(play.got.data + play.got.from, big, sizeof big);
    assert_int_equal(play.drained, 1);
    assert_int_equal(play.wire.budget.taken, 0);
    buffer_clear(&back);
    close_play();
}

TEST(an_authority_file_that_cannot_be_read_is_named)
{
    struct error err = {0};

    assert_null(tls_client_context_new("/nowhere/ca.pem", &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.text, "/nowhere/ca.pem"));
}
