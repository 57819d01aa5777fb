#include "power.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"

enum { FILES_MAX = 4096, NAME_SIZE = 64, SECTOR = 512 };

enum kind { WRITE, TRUNCATE, SYNC, CREATE, RENAME, REMOVE, SYNC_DIRECTORY };

struct step {
    enum kind kind;
    int       file;
    uint64_t  at; /* or the size */
    size_t    len;
    char     *bytes;
    char      name[NAME_SIZE], to[NAME_SIZE];
};

struct name {
    char text[NAME_SIZE];
    int  file;
};

/* Which file has which name. */
struct names {
    struct name items[64];
    size_t      count;
};

struct content {
    char  *bytes;
    size_t len, cap;
};

struct disk {
    pthread_mutex_t mutex;
    struct step    *steps;
    size_t          count, cap;
    struct names    now;
    int             files;
};

uint64_t
next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t
seed_for(const char *what)
{
    const char *given = getenv("TEST_SEED");
    uint64_t    seed;

    random_bytes(&seed, sizeof seed);
    seed >>= 32;
    if (given != NULL)
        seed = strtoull(given, NULL, 10);
    printf("%s: TEST_SEED=%llu\n", what, (unsigned long long)seed);
    return seed;
}

void
remove_directory(const char *path)
{
    DIR           *d = opendir(path);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
    rmdir(path);
}

static void *
must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static const char *
base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static struct name *
find_name(struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].text, text) == 0)
            return &names->items[i];
    }
    return NULL;
}

static void
remove_name(struct names *names, const char *text)
{
    struct name *found = find_name(names, text);

    if (found != NULL)
        *found = names->items[--names->count];
}

static void
set_name(struct names *names, const char *text, int file)
{
    remove_name(names, text);
    if (names->count == sizeof names->items / sizeof names->items[0])
        abort();
    struct name *fresh = &names->items[names->count++];
    snprintf(fresh->text, sizeof fresh->text, "%s", text);
    fresh->file = file;
}

static void
apply_to_names(struct names *names, const struct step *s)
{
    struct name *old;

    if (s->kind == CREATE)
        set_name(names, s->name, s->file);
    else if (s->kind == REMOVE)
        remove_name(names, s->name);
    else if (s->kind == RENAME && (old = find_name(names, s->name)) != NULL) {
        int file = old->file;
        remove_name(names, s->name);
        set_name(names, s->to, file);
    }
}

/* Under the lock. */
static void
add_step(struct disk *d, struct step s)
{
    if (d->count == d->cap) {
        d->cap   = d->cap == 0 ? 1024 : d->cap * 2;
        d->steps = must(realloc(d->steps, d->cap * sizeof *d->steps));
    }
    apply_to_names(&d->now, &s);
    d->steps[d->count++] = s;
}

static void
step(struct disk *d, struct step s)
{
    pthread_mutex_lock(&d->mutex);
    add_step(d, s);
    pthread_mutex_unlock(&d->mutex);
}

struct disk *
disk_new(void)
{
    struct disk *d = must(calloc(1, sizeof *d));

    pthread_mutex_init(&d->mutex, NULL);
    return d;
}

void
disk_free(struct disk *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->steps[i].bytes);
    free(d->steps);
    pthread_mutex_destroy(&d->mutex);
    free(d);
}

int
disk_open(struct disk *d, const char *path)
{
    struct step  s = {.kind = CREATE};
    struct name *known;

    snprintf(s.name, sizeof s.name, "%s", base_of(path));
    pthread_mutex_lock(&d->mutex);
    known = find_name(&d->now, s.name);
    if (known != NULL) {
        s.file = known->file;
    } else {
        s.file = d->files++;
        if (d->files > FILES_MAX)
            abort();
        add_step(d, s);
    }
    pthread_mutex_unlock(&d->mutex);
    return s.file;
}

void
disk_write(struct disk *d, int file, uint64_t at, const void *bytes, size_t len)
{
    char *copy = must(malloc(len + 1));

    memcpy(copy, bytes, len);
    step(d, (struct step){.kind = WRITE, .file = file, .at = at, .len = len, .bytes = copy});
}

void
disk_truncate(struct disk *d, int file, uint64_t size)
{
    step(d, (struct step){.kind = TRUNCATE, .file = file, .at = size});
}

void
disk_sync(struct disk *d, int file)
{
    step(d, (struct step){.kind = SYNC, .file = file});
}

void
disk_rename(struct disk *d, const char *from, const char *to)
{
    struct step s = {.kind = RENAME};

    snprintf(s.name, sizeof s.name, "%s", base_of(from));
    snprintf(s.to, sizeof s.to, "%s", base_of(to));
    step(d, s);
}

void
disk_remove(struct disk *d, const char *path)
{
    struct step s = {.kind = REMOVE};

    snprintf(s.name, sizeof s.name, "%s", base_of(path));
    step(d, s);
}

void
disk_sync_directory(struct disk *d)
{
    step(d, (struct step){.kind = SYNC_DIRECTORY});
}

size_t
disk_position(struct disk *d)
{
    pthread_mutex_lock(&d->mutex);
    size_t position = d->count;
    pthread_mutex_unlock(&d->mutex);
    return position;
}

size_t
disk_last_sync(struct disk *d, const char *name, size_t before)
{
    struct names names = {0};
    size_t       last  = 0;

    for (size_t i = 0; i < before; i++) {
        const struct name *now = find_name(&names, name);
        if (d->steps[i].kind == SYNC && now != NULL && now->file == d->steps[i].file)
            last = i + 1;
        apply_to_names(&names, &d->steps[i]);
    }
    return last;
}

size_t
disk_next_turn(struct disk *d, size_t position)
{
    while (position < d->count && d->steps[position].kind == WRITE)
        position++;
    return position;
}

static void
resize(struct content *c, uint64_t size)
{
    if (size > c->cap) {
        c->cap   = (size_t)size * 2;
        c->bytes = must(realloc(c->bytes, c->cap));
    }
    if (size > c->len)
        memset(c->bytes + c->len, 0, (size_t)size - c->len);
    c->len = (size_t)size;
}

static void
put(struct content *c, uint64_t at, const char *bytes, size_t len)
{
    if (at + len > c->len)
        resize(c, at + len);
    memcpy(c->bytes + at, bytes, len);
}

/* All of it, nothing, or some sectors. */
static void
put_perhaps(struct content *c, const struct step *s, uint64_t *random)
{
    uint64_t how = next_random(random) % 3;

    if (how == 0)
        return;
    if (how == 1) {
        put(c, s->at, s->bytes, s->len);
        return;
    }
    for (size_t from = 0, to; from < s->len; from = to) {
        to = SECTOR - (s->at + from) % SECTOR + from;
        to = to < s->len ? to : s->len;
        if ((next_random(random) & 1) != 0)
            put(c, s->at + from, s->bytes + from, to - from);
    }
}

static void
fill(struct disk *d, size_t position, uint64_t *random, struct content *files, const bool *is_lasting)
{
    for (size_t i = 0; i < position; i++) {
        const struct step *s = &d->steps[i];
        struct content    *c = &files[s->file];
        if (s->kind == WRITE && is_lasting[i])
            put(c, s->at, s->bytes, s->len);
        else if (s->kind == WRITE)
            put_perhaps(c, s, random);
        else if (s->kind == TRUNCATE && (is_lasting[i] || (next_random(random) & 1) != 0))
            resize(c, s->at);
    }
}

/* The names that are left; the steps that lasted are marked. */
static void
find_what_lasts(struct disk *d, size_t position, uint64_t *random, struct names *names, bool *is_lasting)
{
    static bool synced[FILES_MAX];
    size_t      lasting = 0, loose = 0;

    memset(synced, 0, sizeof synced);
    for (size_t i = position; i-- > 0;) {
        const struct step *s = &d->steps[i];
        if (s->kind == SYNC)
            synced[s->file] = true;
        else if (s->kind == SYNC_DIRECTORY && lasting == 0)
            lasting = i;
        is_lasting[i] = (s->kind == WRITE || s->kind == TRUNCATE) && synced[s->file];
    }
    for (size_t i = lasting; i < position; i++)
        loose += d->steps[i].kind == CREATE || d->steps[i].kind == RENAME || d->steps[i].kind == REMOVE;
    loose = next_random(random) % (loose + 1);
    for (size_t i = 0; i < position; i++) {
        enum kind kind    = d->steps[i].kind;
        bool      is_name = kind == CREATE || kind == RENAME || kind == REMOVE;
        if (is_name && i >= lasting && loose-- == 0)
            break;
        apply_to_names(names, &d->steps[i]);
    }
}

static bool
write_file(const char *directory, const char *name, const struct content *c)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    int  fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool ok = fd >= 0;
    for (size_t done = 0; ok && done < c->len;) {
        ssize_t got = write(fd, c->bytes + done, c->len - done);
        ok          = got > 0;
        done += ok ? (size_t)got : 0;
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

bool
disk_leave(struct disk *d, size_t position, uint64_t *random, const char *directory)
{
    struct content *files      = must(calloc((size_t)d->files + 1, sizeof *files));
    bool           *is_lasting = must(calloc(position + 1, sizeof *is_lasting));
    struct names    names      = {0};
    bool            ok         = true;

    find_what_lasts(d, position, random, &names, is_lasting);
    fill(d, position, random, files, is_lasting);
    for (size_t i = 0; i < names.count; i++)
        ok = write_file(directory, names.items[i].text, &files[names.items[i].file]) && ok;
    for (int i = 0; i < d->files; i++)
        free(files[i].bytes);
    free(files);
    free(is_lasting);
    return ok;
}
