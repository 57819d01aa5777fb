/* The client over TLS, against a server whose authority was made a moment ago. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "client_fixture.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct identity {
    EVP_PKEY *key;
    X509     *certificate;
};

static void
extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* `issuer` NULL: an authority of its own. `names`: "DNS:localhost,IP:127.0.0.1". */
static struct identity
make_identity(const char *common_name, const struct identity *issuer, const char *names)
{
    struct identity  made = {EVP_EC_gen("P-256"), X509_new()};
    X509            *x    = made.certificate;
    static long      serial;
    const X509_NAME *signer;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1,
                               0);
    signer = X509_get_subject_name(issuer != NULL ? issuer->certificate : x);
    X509_set_issuer_name(x, signer);
    if (issuer == NULL)
        extend(x, NID_basic_constraints, "critical,CA:TRUE");
    else
        extend(x, NID_subject_alt_name, names);
    assert_true(X509_sign(x, issuer != NULL ? issuer->key : made.key, EVP_sha256()) > 0);
    return made;
}

static void
forget_identity(struct identity *i)
{
    X509_free(i->certificate);
    EVP_PKEY_free(i->key);
}

static char     authority_file[] = "/tmp/gatehouse-ca-XXXXXX";
static SSL_CTX *server;

/* A client that trusts our authority, if `trusting`; a server with a certificate for `names`. */
static void
begin_tls(bool trusting, const char *names)
{
    struct http_client_limits limits    = http_client_limits_default;
    struct identity           authority = make_identity("authority of a test", NULL, NULL);
    struct identity           identity  = make_identity("server of a test", &authority, names);

    memcpy(authority_file + sizeof authority_file - 7, "XXXXXX", 6);
    int   fd   = mkstemp(authority_file);
    FILE *file = fdopen(fd, "w");
    assert_true(file != NULL && PEM_write_X509(file, authority.certificate) == 1);
    fclose(file);
    server = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(server, identity.certificate);
    SSL_CTX_use_PrivateKey(server, identity.key);
    limits.ca_file = trusting ? authority_file : NULL;
    forget_identity(&identity);
    forget_identity(&authority);
    begin(limits);
}

static void
finish_tls(void)
{
    finish();
    SSL_CTX_free(server);
    unlink(authority_file);
}

static SSL *
peer_agree(int fd, bool *agreed)
{
    SSL *tls = SSL_new(server);

    SSL_set_fd(tls, fd);
    for (int i = 0; i < TURNS_MAX; i++) {
        int result = SSL_accept(tls), why = SSL_get_error(tls, result);
        *agreed = result == 1;
        if (result == 1 || (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE))
            break;
        turn();
    }
    ERR_clear_error();
    return tls;
}

static void
peer_hear(SSL *tls, const char *tail)
{
    char   text[4096];
    size_t len = 0, got;

    for (int i = 0; i < TURNS_MAX; i++) {
        if (SSL_read_ex(tls, text + len, sizeof text - len, &got) == 1)
            len += got;
        if (str_ends(str_of(text, len), str_from(tail)))
            return;
        turn();
    }
    fail_msg("waited in vain for \"%s\"", tail);
}

static void
peer_say(SSL *tls, const char *text)
{
    assert_int_equal(SSL_write(tls, text, (int)strlen(text)), (int)strlen(text));
}

static void
call(struct heard *h, const char *host)
{
    struct http_url url = url_for("https", host);

    assert_non_null(start(h, (struct http_call_spec){.url = &url, .method = HTTP_METHOD_POST, .body = STR("{}")}));
}

/* A call and its server, as far as they came with each other. */
struct meeting {
    struct heard h;
    int          fd;
    SSL         *tls;
    bool         agreed;
};

static void
begin_meeting(struct meeting *m, bool trusting, const char *names, const char *host)
{
    *m = (struct meeting){0};
    begin_tls(trusting, names);
    call(&m->h, host);
    m->fd  = peer_accept();
    m->tls = peer_agree(m->fd, &m->agreed);
}

static void
end_meeting(struct meeting *m)
{
    SSL_free(m->tls);
    close(m->fd);
    forget(&m->h);
    finish_tls();
}

TEST(a_verified_server_is_called_and_its_connection_used_again)
{
    struct meeting m;

    begin_meeting(&m, true, "DNS:localhost", "localhost");
    assert_true(m.agreed);
    assert_string_equal(SSL_get_servername(m.tls, TLSEXT_NAMETYPE_host_name), "localhost");
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            call(&m.h, "localhost");
        peer_hear(m.tls, "{}");
        peer_say(m.tls, OK_ANSWER);
        WAIT_FOR(m.h.ends);
        assert_int_equal(m.h.err.code, ERROR_NONE);
        assert_str(buffer_str(&m.h.body), "ok");
        forget(&m.h);
    }
    assert_int_equal(http_client_connections(client), 1);
    assert_false(peer_is_asked());
    end_meeting(&m);
}

TEST(an_address_is_verified_too)
{
    struct meeting m;

    begin_meeting(&m, true, "IP:127.0.0.1", "127.0.0.1");
    assert_true(m.agreed);
    http_call_cancel(m.h.call);
    end_meeting(&m);
}

static void
check_refused(bool trusting, const char *names)
{
    struct meeting m;

    begin_meeting(&m, trusting, names, "localhost");
    WAIT_FOR(m.h.ends);
    assert_int_equal(m.h.err.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(m.h.err.text, "certificate"));
    turns(5);
    assert_false(peer_is_asked()); /* and not tried again */
    end_meeting(&m);
}

TEST(a_server_of_an_unknown_authority_is_refused)
{
    check_refused(false, "DNS:localhost");
}

TEST(a_certificate_for_another_name_is_refused)
{
    check_refused(true, "DNS:elsewhere.example");
}

static void
check_end(bool says_so)
{
    struct meeting m;

    begin_meeting(&m, true, "DNS:localhost", "localhost");
    assert_true(m.agreed);
    peer_hear(m.tls, "{}");
    peer_say(m.tls, "HTTP/1.1 200 OK\r\n\r\nall of it?");
    if (says_so)
        SSL_shutdown(m.tls);
    turns(5);
    shutdown(m.fd, SHUT_WR);
    WAIT_FOR(m.h.ends);
    assert_int_equal(m.h.err.code == ERROR_NONE, says_so);
    assert_str(buffer_str(&m.h.body), "all of it?");
    end_meeting(&m);
}

TEST(a_body_until_the_end_is_whole_when_tls_was_ended_properly)
{
    check_end(true);
}

TEST(a_body_until_the_end_is_cut_when_only_tcp_was_closed)
{
    check_end(false);
}

TEST(agreeing_on_tls_is_within_the_time_out_and_can_be_cancelled)
{
    struct heard    h   = {0};
    struct http_url url = url_for("https", "localhost");

    begin_tls(true, "DNS:localhost");
    url = url_for("https", "localhost");
    assert_non_null(start(
        &h, (struct http_call_spec){.url = &url, .method = HTTP_METHOD_GET, .connect_timeout = MILLISECONDS(100)}));
    int fd = peer_accept(); /* and says nothing */
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_UNREACHABLE);
    close(fd);
    forget(&h);
    call(&h, "localhost");
    fd = peer_accept();
    turns(5);
    http_call_cancel(h.call);
    assert_int_equal(http_client_connections(client), 0);
    close(fd);
    forget(&h);
    finish_tls();
}
