#include "daemon/info.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <yyjson.h>

#include "base/clock.h"
#include "base/file.h"
#include "daemon/daemon.h"

static const char shared[] = "daemon.json";

static bool
lives(pid_t pid)
{
    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

static bool
read_info(const char *path, struct daemon_info *out)
{
    struct buffer text = {.max = KIB(4)};
    bool          ok   = false;

    *out = (struct daemon_info){0};
    if (file_read(path, &text, NULL) && buffer_len(&text) > 0) {
        yyjson_doc *doc  = yyjson_read(buffer_str(&text).data, buffer_len(&text), 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        out->pid         = (pid_t)yyjson_get_int(yyjson_obj_get(root, "pid"));
        out->port        = (uint16_t)yyjson_get_uint(yyjson_obj_get(root, "port"));
        ok               = out->pid > 0 && out->port > 0;
        yyjson_doc_free(doc);
    }
    buffer_clear(&text);
    return ok;
}

static bool
own_path(char path[PATH_MAX], const struct settings *settings)
{
    char name[40];

    snprintf(name, sizeof name, "daemon-%d.json", getpid());
    return home_path(path, PATH_MAX, settings, name);
}

static bool
is_info_name(const char *name)
{
    return str_starts(str_from(name), STR("daemon-")) && str_ends(str_from(name), STR(".json"));
}

size_t
daemon_info_list(const struct settings *settings, struct daemon_info *out, size_t max)
{
    char               home[PATH_MAX], path[PATH_MAX];
    size_t             count = 0;
    struct dirent     *entry;
    struct daemon_info found;

    if (max > 0 && home_path(path, sizeof path, settings, shared) && read_info(path, &found) && lives(found.pid))
        out[count++] = found;
    DIR *list = home_path(home, sizeof home, settings, "") ? opendir(home) : NULL;
    while (list != NULL && count < max && (entry = readdir(list)) != NULL)
        if (is_info_name(entry->d_name) && home_path(path, sizeof path, settings, entry->d_name) &&
            read_info(path, &found) && lives(found.pid) && (count == 0 || found.pid != out[0].pid))
            out[count++] = found;
    if (list != NULL)
        closedir(list);
    return count;
}

static void
remove_dead(const struct settings *settings)
{
    char               home[PATH_MAX], path[PATH_MAX];
    struct dirent     *entry;
    struct daemon_info found;

    DIR *list = home_path(home, sizeof home, settings, "") ? opendir(home) : NULL;
    while (list != NULL && (entry = readdir(list)) != NULL)
        if (is_info_name(entry->d_name) && home_path(path, sizeof path, settings, entry->d_name) &&
            !(read_info(path, &found) && lives(found.pid)))
            unlink(path);
    if (list != NULL)
        closedir(list);
}

bool
daemon_info_write(const struct settings *settings, uint16_t port, const char *url, struct error *err)
{
    char               at[TIME_ISO_SIZE], own[PATH_MAX], first[PATH_MAX];
    struct buffer      text = {.max = KIB(4)};
    struct daemon_info other;

    remove_dead(settings);
    time_format_iso(clock_wall(), at);
    if (!own_path(own, settings) || !home_path(first, sizeof first, settings, shared))
        return error_set(err, ERROR_INVALID, "the path of the home is too long");
    bool ok = buffer_printf(&text, "{\"pid\":%d,\"port\":%u,\"url\":\"%s\",\"started\":\"%s\",\"version\":\"%s\"}\n",
                            getpid(), port, url, at, GATEHOUSE_VERSION) &&
              file_replace(own, buffer_str(&text), 0600, err);
    if (ok && !(read_info(first, &other) && other.pid != getpid() && lives(other.pid)))
        ok = file_replace(first, buffer_str(&text), 0600, err);
    buffer_clear(&text);
    return ok;
}

void
daemon_info_remove(const struct settings *settings)
{
    char               path[PATH_MAX];
    struct daemon_info found;

    if (own_path(path, settings))
        unlink(path);
    if (home_path(path, sizeof path, settings, shared) && read_info(path, &found) && found.pid == getpid())
        unlink(path);
}
