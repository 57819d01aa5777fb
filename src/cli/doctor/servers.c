#include <limits.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "cli/doctor/doctor.h"
#include "gateway/registry/registry.h"

/* Where a command was found, and the first directory before it into which others could put one of that name. */
struct found {
    char path[PATH_MAX];
    char open[PATH_MAX];
};

const char *
doctor_variable(const struct doctor *d, const char *name)
{
    const char *value = environment_get(d->cli->environment, str_from(name));

    return value == NULL || value[0] == '\0' ? NULL : value;
}

static bool
is_program(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* As the helper looks for it: in PATH of the child's environment. */
static bool
find_command(const char *command, char *const *environment, struct found *f)
{
    const char *path = environment_get(environment, STR("PATH"));

    *f = (struct found){0};
    if (strchr(command, '/') != NULL) {
        snprintf(f->path, sizeof f->path, "%s", command);
        return is_program(command);
    }
    for (struct str rest = str_from(path == NULL ? "/usr/local/bin:/usr/bin:/bin" : path), part;
         str_cut(&rest, ':', &part);) {
        char directory[PATH_MAX];
        snprintf(directory, sizeof directory, "%.*s", STR_ARG(part));
        if (part.len == 0)
            continue;
        if (f->open[0] == '\0' && directory_is_open(directory))
            memcpy(f->open, directory, sizeof f->open);
        if ((size_t)snprintf(f->path, sizeof f->path, "%.*s/%s", STR_ARG(part), command) < sizeof f->path &&
            is_program(f->path))
            return true;
    }
    return false;
}

static void
check_trust(struct doctor *d, const struct server_entry *entry, const struct found *f)
{
    char real[PATH_MAX], part[PATH_MAX], mend[PATH_MAX + 16];
    bool is_weak = path_weak_part(f->path, part) || (realpath(f->path, real) != NULL && path_weak_part(real, part));

    if (f->open[0] != '\0' && !is_weak) {
        is_weak = true;
        memcpy(part, f->open, sizeof part);
    }
    if (!is_weak)
        return;
    snprintf(mend, sizeof mend, "chmod go-w %s", part);
    doctor_say(d, FINDING_BAD, mend, "%.*s runs %s, and others may write to %s: they could run anything as you",
               STR_ARG(entry->name), f->path, part);
}

static void
check_command(struct doctor *d, const struct server_entry *entry)
{
    struct arena *arena       = arena_new(KIB(16), MIB(4));
    char *const  *environment = arena == NULL ? NULL : server_entry_environment(entry, d->cli->environment, arena);
    const char   *command     = entry->argv[0];
    struct found  f;

    if (entry->cwd != NULL && access(entry->cwd, X_OK) != 0)
        doctor_say(d, FINDING_BAD, NULL, "%.*s is to run in %s, which cannot be entered", STR_ARG(entry->name),
                   entry->cwd);
    if (find_command(command, environment, &f)) {
        check_trust(d, entry, &f);
    } else if (strchr(command, '/') != NULL) {
        doctor_say(d, FINDING_BAD, NULL, "%.*s needs %s, which is not there or may not be run", STR_ARG(entry->name),
                   command);
    } else {
        bool is_node = strcmp(command, "npx") == 0 || strcmp(command, "node") == 0;
        doctor_say(d, FINDING_BAD, is_node ? "install Node.js (apt install nodejs npm)" : NULL,
                   "%.*s needs %s, which is not found in PATH", STR_ARG(entry->name), command);
    }
    arena_free(arena);
}

static bool
stays_on_machine(struct str host)
{
    return str_eq_nocase(host, STR("localhost")) || str_starts(host, STR("127.")) || str_eq(host, STR("::1"));
}

/* Whoever is on the way reads them. */
static void
check_clear_text(struct doctor *d, const struct server_entry *entry)
{
    if (entry->address.tls || stays_on_machine(entry->address.host))
        return;
    for (size_t i = 0; i < entry->header_count; i++) {
        if (!entry->headers[i].secret)
            continue;
        doctor_say(d, FINDING_ODD, "use its https address",
                   "%.*s gets %.*s over http, which anybody on the way can read", STR_ARG(entry->name),
                   STR_ARG(entry->headers[i].name));
        return;
    }
}

static void
check_entry(struct doctor *d, const struct server_entry *entry)
{
    if (entry->kind == SERVER_WRONG) {
        doctor_say(d, FINDING_BAD, NULL, "%s", entry->error);
        return;
    }
    if (entry->note[0] != '\0')
        doctor_say(d, FINDING_ODD, NULL, "%.*s: %s", STR_ARG(entry->name), entry->note);
    if (entry->kind == SERVER_HTTP && entry->enabled)
        check_clear_text(d, entry);
    if (entry->kind == SERVER_STDIO && entry->enabled && entry->argv[0] != NULL)
        check_command(d, entry);
}

/* They hold credentials, and decide what the servers do. */
static void
check_env_file(struct doctor *d, const char *path)
{
    char        mend[PATH_MAX + 16];
    struct stat info;

    if (stat(path, &info) != 0 || (info.st_mode & 077) == 0)
        return;
    if (d->fixes && info.st_uid == geteuid() && chmod(path, info.st_mode & 0700) == 0) {
        doctor_say(d, FINDING_GOOD, NULL, "the envFile %s could be read by others: closed to them", path);
        return;
    }
    snprintf(mend, sizeof mend, "chmod 600 %s", path);
    doctor_say(d, FINDING_BAD, mend, "the envFile %s may be read by your group or others", path);
}

/* As OpenSSL looks for them: a file of authorities, a directory of them, or both. */
static void
check_authorities(struct doctor *d, const struct registry *r)
{
    const char *file      = doctor_variable(d, X509_get_default_cert_file_env());
    const char *directory = doctor_variable(d, X509_get_default_cert_dir_env());
    bool        is_used   = false;

    if (file == NULL)
        file = X509_get_default_cert_file();
    if (directory == NULL)
        directory = X509_get_default_cert_dir();
    for (size_t i = 0; i < r->count; i++)
        is_used |= r->entries[i].kind == SERVER_HTTP && r->entries[i].enabled && r->entries[i].address.tls;
    struct stat info;
    bool        has_file = access(file, R_OK) == 0 && stat(file, &info) == 0 && info.st_size > 0;
    /* a directory without entries has two links of its own and a name each */
    bool has_directory = access(directory, R_OK | X_OK) == 0 && stat(directory, &info) == 0 && info.st_size > 0;
    if (is_used && !has_file && !has_directory)
        doctor_say(d, FINDING_BAD, "apt install ca-certificates, or unset SSL_CERT_FILE and SSL_CERT_DIR",
                   "no certificate authorities in %s or %s: no https server can be reached", file, directory);
}

void
check_registry(struct doctor *d)
{
    struct registry_source source = {
        .path = cli_home_file(d->cli, "mcp.json"), .environment = d->cli->environment, .has_built_in = true};
    struct registry *r   = source.path == NULL ? NULL : registry_load(&source, NULL);
    size_t           bad = d->counts[FINDING_BAD], own;

    if (r == NULL)
        return;
    if (r->file_error.code != ERROR_NONE)
        doctor_say(d, FINDING_BAD, NULL, "%s", r->file_error.text);
    for (size_t i = 0; i < r->count; i++)
        check_entry(d, &r->entries[i]);
    for (size_t i = 0; i < r->file_count; i++)
        check_env_file(d, r->files[i]);
    check_authorities(d, r);
    own = registry_own(r);
    if (bad == d->counts[FINDING_BAD])
        doctor_say(d, FINDING_GOOD, NULL, "mcp.json: %zu server%s, nothing wrong", own, own == 1 ? "" : "s");
    registry_unref(r);
}
