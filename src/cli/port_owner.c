#include "cli/port_owner.h"

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "base/str.h"

enum { TCP_LISTEN = 10 };

/* A line of /proc/net/tcp: sl local remote state queues timer retransmits uid timeout inode. */
static bool
read_line(const char *line, uint16_t port, uid_t *uid, unsigned long *inode)
{
    unsigned      local_port, state, user;
    unsigned long node;

    if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %u %*u %lu", &local_port, &state,
               &user, &node) != 4)
        return false;
    *uid   = user;
    *inode = node;
    return local_port == port && state == TCP_LISTEN;
}

static bool
find_socket(const char *table, uint16_t port, uid_t *uid, unsigned long *inode)
{
    FILE *file = fopen(table, "re");
    char  line[512];
    bool  found = false;

    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL)
        found = read_line(line, port, uid, inode);
    if (file != NULL)
        fclose(file);
    return found;
}

static bool
holds_socket(const char *pid, const char *wanted)
{
    char           path[PATH_MAX], link[64];
    struct dirent *entry;
    bool           found = false;

    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *list      = opendir(path);
    int  directory = list == NULL ? -1 : dirfd(list);
    while (directory >= 0 && !found && (entry = readdir(list)) != NULL) {
        ssize_t len = readlinkat(directory, entry->d_name, link, sizeof link - 1);
        if (len <= 0)
            continue;
        link[len] = '\0';
        found     = strcmp(link, wanted) == 0;
    }
    if (list != NULL)
        closedir(list);
    return found;
}

static void
find_process(unsigned long inode, struct port_owner *out)
{
    char           wanted[64], path[PATH_MAX];
    DIR           *list = opendir("/proc");
    struct dirent *entry;
    uint64_t       pid;

    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    while (list != NULL && out->pid == 0 && (entry = readdir(list)) != NULL)
        if (str_to_u64(str_from(entry->d_name), &pid) && holds_socket(entry->d_name, wanted))
            out->pid = (pid_t)pid;
    if (list != NULL)
        closedir(list);
    if (out->pid == 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/comm", out->pid);
    FILE *comm = fopen(path, "re");
    if (comm != NULL && fgets(out->name, sizeof out->name, comm) != NULL)
        out->name[strcspn(out->name, "\n")] = '\0';
    if (comm != NULL)
        fclose(comm);
}

bool
port_owner_find(uint16_t port, struct port_owner *out)
{
    unsigned long inode;

    *out = (struct port_owner){0};
    if (!find_socket("/proc/net/tcp", port, &out->uid, &inode) &&
        !find_socket("/proc/net/tcp6", port, &out->uid, &inode))
        return false;
    find_process(inode, out);
    return true;
}
