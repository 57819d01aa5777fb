#include "base/settings.h"

#include <ctype.h>
#include <limits.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/nearest.h"

#define FIELD(name) offsetof(struct settings, name)
#define MS          1000ULL
#define S           1000000ULL
#define DAY         (86400 * S)

static const char *const on_full_choices[]   = {"pass", "refuse", NULL};                 /* enum on_full */
static const char *const log_level_choices[] = {"error", "warn", "info", "debug", NULL}; /* enum log_level */

/* clang-format off */
const struct setting settings_table[] = {
    {"home",               SETTING_TEXT,     FIELD(home),               "~/.gatehouse", .not_in_file = true, .at_start = true,
     .help = "The directory that holds everything: servers, settings, traffic. Only its owner may enter it."},
    {"port",               SETTING_COUNT,    FIELD(port),               "3333",   0,          65535,   .at_start = true,
     .help = "The TCP port on 127.0.0.1 and ::1. 0 picks a free one."},

    {"http.header_bytes",  SETTING_SIZE,     FIELD(http.header_bytes),  "64KiB",  KIB(1),     MIB(1),
     .help = "The largest header block of a request; a larger one is answered 431."},
    {"http.body_bytes",    SETTING_SIZE,     FIELD(http.body_bytes),    "10MiB",  KIB(1),     MIB(1024),
     .help = "The largest body of a request; a larger one is answered 413."},
    {"http.header_read",   SETTING_DURATION, FIELD(http.header_read),   "10s",    100 * MS,   600 * S,
     .help = "How long a client may take to send a request's header block; then 408."},
    {"http.body_read",     SETTING_DURATION, FIELD(http.body_read),     "1min",   100 * MS,   600 * S,
     .help = "How long a client may be silent in the body of a request; five times that for all of it. Then 408."},
    {"http.idle",          SETTING_DURATION, FIELD(http.idle),          "75s",    1 * S,      DAY,
     .help = "How long a connection without a request is kept open."},
    {"http.connections",   SETTING_COUNT,    FIELD(http.connections),   "4096",   1,          1000000,
     .help = "How many client connections may be open at once; the rest wait to be accepted."},
    {"http.allowed_hosts", SETTING_LIST,     FIELD(http.allowed_hosts), "",
     .help = "Names beside localhost, 127.0.0.1 and [::1] under which Gatehouse is reached: what else stands in Host or Origin is refused with 403, "
             "so that a web page elsewhere cannot reach it."},
    {"http.peer_uid",      SETTING_BOOL,     FIELD(http.peer_uid),      "on",     .at_start = true,
     .help = "Takes connections only from processes of the same user, or root. Off where namespaces hide who connects."},

    {"message.max",        SETTING_SIZE,     FIELD(message.max),        "64MiB",  KIB(64),    MIB(1024),
     .help = "The largest single MCP message: a JSON body, an event of a stream, a line of a child."},
    {"memory.max",         SETTING_SIZE,     FIELD(memory.max),         "256MiB", MIB(16),    1ULL << 40,
     .help = "What all messages on their way may hold together, with the copies on their way to the log; over it, requests "
             "are answered 503, and of large messages the log keeps the begin, marked as cut."},

    {"session.idle",       SETTING_DURATION, FIELD(session.idle),       "10min",  100 * MS,   30 * DAY,
     .help = "A session that is silent for so long ends, with any child of its own."},

    {"stdio.isolated_max", SETTING_COUNT,    FIELD(stdio.isolated_max), "100",    1,          10000,
     .help = "How many children servers with sessionMode isolated may have together; then 503."},
    {"stdio.shared_max",   SETTING_COUNT,    FIELD(stdio.shared_max),   "8",      1,          1000,
     .help = "How many children one shared server may have, one for each revision and set of client capabilities; then 503."},
    {"stdio.queue",        SETTING_SIZE,     FIELD(stdio.queue),        "8MiB",   KIB(64),    MIB(1024),
     .help = "What may wait to be read by one child; then 503."},

    {"bridge.gather",      SETTING_DURATION, FIELD(bridge.gather),      "20ms",   0,          10 * S,
     .help = "What a server of an older revision asks during one call goes to a client of 2026-07-28 together, once the "
             "server has been quiet for so long."},
    {"bridge.parked",      SETTING_COUNT,    FIELD(bridge.parked),      "4096",   1,          1000000,
     .help = "How many such calls may wait at once for their clients to come back with answers; one more fails."},
    {"bridge.wait",        SETTING_DURATION, FIELD(bridge.wait),        "10min",  100 * MS,   DAY,
     .help = "How long such a call waits; then the server is told that it is cancelled."},

    {"capture.enabled",    SETTING_BOOL,     FIELD(capture.enabled),    "on",     .at_start = true,
     .help = "Records every message that passes."},
    {"capture.on_full",    SETTING_CHOICE,   FIELD(capture.on_full),    "pass",   .choices = on_full_choices,
     .help = "With the disk full or failing: pass calls unrecorded (the gap is counted and shown) or refuse them."},
    {"retention.age",      SETTING_DURATION, FIELD(retention.age),      "30d",    60 * S,     36500 * DAY,
     .help = "Recorded traffic older than this is deleted."},
    {"retention.size",     SETTING_SIZE,     FIELD(retention.size),     "5GiB",   MIB(16),    1ULL << 50,
     .help = "When recorded traffic takes more than this on disk, the oldest is deleted."},

    {"snapshots.size",     SETTING_SIZE,     FIELD(snapshots.size),     "1MiB",   KIB(1),     MIB(16),   .at_start = true,
     .help = "The largest snapshot: all its texts together; a larger one is refused."},
    {"snapshots.quota",    SETTING_SIZE,     FIELD(snapshots.quota),    "1GiB",   MIB(1),     1ULL << 40, .at_start = true,
     .help = "What all snapshots may take, older versions and those in the bin too; over it nothing more is saved."},
    {"snapshots.retention", SETTING_DURATION, FIELD(snapshots.retention), "0s",   0,          36500 * DAY, .at_start = true,
     .help = "Snapshots that nobody changed for so long go into the bin, once a day; 0s: never."},
    {"snapshots.keep",     SETTING_COUNT,    FIELD(snapshots.keep),     "0",      0,          1000000,   .at_start = true,
     .help = "How many of each name, in each project, stay, the newest: with snapshots.retention however old they are, "
             "without it the others go into the bin however new. 0: no such number."},

    {"drain",              SETTING_DURATION, FIELD(drain),              "10s",    0,          600 * S,
     .help = "How long calls in flight may still take after SIGTERM."},
    {"log.level",          SETTING_CHOICE,   FIELD(log.level),          "info",   .choices = log_level_choices,
     .help = "What is written to stderr."},
    {"admin.mcp_commands", SETTING_BOOL,     FIELD(admin.mcp_commands), "off",
     .help = "Lets Gatehouse's own MCP server add servers that run commands, or that take values out of our environment (`${NAME}`). Whoever may call it could then run anything as you."},
    {0},
};
/* clang-format on */

enum { HOME_MAX = PATH_MAX - 64, TEXT_MAX = 4096, FILE_MAX = 64 * 1024 };

const struct setting *
settings_find(struct str name, struct error *err)
{
    const struct setting *nearest = NULL;
    unsigned              best    = NEAREST_NONE;

    for (const struct setting *setting = settings_table; setting->name != NULL; setting++) {
        struct str known = str_from(setting->name);
        if (str_eq(name, known))
            return setting;
        ptrdiff_t dot      = str_index(known, '.');
        unsigned  distance = nearest_distance(name, known);
        if (dot >= 0 && str_index(name, '.') < 0 && str_eq(name, str_skip(known, (size_t)dot + 1)))
            distance = 1; /* "idle" alone */
        if (distance < best) {
            best    = distance;
            nearest = setting;
        }
    }
    if (nearest != NULL)
        error_set(err, ERROR_INVALID, "there is no setting \"%.*s\"; did you mean \"%s\"?", STR_ARG(str_take(name, 80)),
                  nearest->name);
    else
        error_set(err, ERROR_INVALID, "there is no setting \"%.*s\"; all of them: gatehouse help settings",
                  STR_ARG(str_take(name, 80)));
    return NULL;
}

void
settings_variable_name(const struct setting *setting, char out[SETTING_VARIABLE_SIZE])
{
    snprintf(out, SETTING_VARIABLE_SIZE, "GATEHOUSE_%s", setting->name);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

static void *
field(struct settings *s, const struct setting *setting)
{
    return (char *)s + setting->offset;
}

/* "a duration like 10s, from 1s to 10min", or "pass or refuse". */
static void
allowed(const struct setting *setting, struct buffer *out)
{
    switch (setting->kind) {
    case SETTING_COUNT:
        buffer_printf(out, "a number from %llu to %llu", (unsigned long long)setting->least,
                      (unsigned long long)setting->most);
        return;
    case SETTING_SIZE:
        buffer_append(out, STR("a size like 64KiB or 10MiB, from "));
        size_print(out, setting->least);
        buffer_append(out, STR(" to "));
        size_print(out, setting->most);
        return;
    case SETTING_DURATION:
        buffer_append(out, STR("a duration like 500ms, 10s, 10min or 30d, from "));
        duration_print(out, (mono_time)setting->least);
        buffer_append(out, STR(" to "));
        duration_print(out, (mono_time)setting->most);
        return;
    case SETTING_CHOICE:
        for (const char *const *choice = setting->choices; *choice != NULL; choice++)
            buffer_printf(out, "%s%s", choice == setting->choices ? "" : choice[1] == NULL ? " or " : ", ", *choice);
        return;
    case SETTING_BOOL:
        buffer_append(out, STR("on or off"));
        return;
    case SETTING_LIST:
        buffer_append(out, STR("words separated by commas"));
        return;
    case SETTING_TEXT:
        buffer_append(out, STR("a text"));
        return;
    }
}

static bool
refuse(const struct setting *setting, struct str value, const char *where, struct error *err)
{
    struct buffer text = {.max = 400};

    allowed(setting, &text);
    error_set(err, ERROR_INVALID, "%s is \"%.*s\"; it must be %.*s", where, STR_ARG(str_take(value, 60)),
              STR_ARG(buffer_str(&text)));
    buffer_clear(&text);
    return false;
}

static bool
parse_bool(struct str value, bool *out)
{
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes", NULL};

    for (size_t i = 0; words[i] != NULL; i++) {
        if (str_eq_nocase(value, str_from(words[i]))) {
            *out = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool
parse_choice(const struct setting *setting, struct str value, int *out)
{
    for (int i = 0; setting->choices[i] != NULL; i++) {
        if (str_eq_nocase(value, str_from(setting->choices[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool
parse_number(const struct setting *setting, struct str value, uint64_t *out)
{
    mono_time duration = 0;
    bool      ok       = false;

    if (setting->kind == SETTING_COUNT)
        ok = str_to_u64(value, out);
    else if (setting->kind == SETTING_SIZE)
        ok = size_parse(value, out);
    else if ((ok = duration_parse(value, &duration)))
        *out = (uint64_t)duration;
    return ok && *out >= setting->least && *out <= setting->most;
}

/* A copy without the spaces around words and without empty words; `text` has room for it. */
static bool
parse_list(char *text, struct str value, struct str *out)
{
    size_t     len = 0;
    struct str word;

    while (str_cut(&value, ',', &word)) {
        word = str_trim(word);
        for (size_t i = 0; i < word.len; i++)
            if ((unsigned char)word.data[i] <= ' ' || word.data[i] == '"' || word.data[i] == '\x7f')
                return false;
        if (word.len == 0)
            continue;
        if (len > 0)
            text[len++] = ',';
        memcpy(text + len, word.data, word.len);
        len += word.len;
    }
    text[len] = '\0';
    *out      = str_of(text, len);
    return true;
}

static bool
parse_text(char *text, struct str value, struct str *out)
{
    if (value.len == 0 || memchr(value.data, '\0', value.len) != NULL)
        return false;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    *out            = str_of(text, value.len);
    return true;
}

/* `where` names file, line and key, the variable, or the flag. */
static bool
assign(struct settings *s, const struct setting *setting, struct str value, const char *where, struct error *err)
{
    uint64_t number = 0;
    bool     ok     = false;
    char    *copy   = NULL;
    void    *at     = field(s, setting);

    if (value.len > TEXT_MAX)
        return error_set(err, ERROR_TOO_LARGE, "%s is longer than %d bytes", where, TEXT_MAX);
    bool has_text = setting->kind == SETTING_TEXT || setting->kind == SETTING_LIST;
    if (has_text && (copy = arena_alloc(s->arena, value.len + 1)) == NULL)
        return error_set(err, ERROR_MEMORY, "%s: no memory for it", where);
    if (setting->kind != SETTING_TEXT)
        value = str_trim(value);
    switch (setting->kind) {
    case SETTING_TEXT:
        ok = parse_text(copy, value, at);
        break;
    case SETTING_LIST:
        ok = copy != NULL && parse_list(copy, value, at);
        break;
    case SETTING_CHOICE:
        ok = parse_choice(setting, value, at);
        break;
    case SETTING_BOOL:
        ok = parse_bool(value, at);
        break;
    case SETTING_COUNT:
    case SETTING_SIZE:
    case SETTING_DURATION: /* mono_time and uint64_t share size, and `most` keeps durations positive */
        ok = parse_number(setting, value, &number);
        if (ok)
            memcpy(at, &number, sizeof number);
        break;
    }
    return ok || refuse(setting, value, where, err);
}

bool
settings_set(struct settings *s, struct str name, struct str value, const char *where, struct error *err)
{
    const struct setting *setting = settings_find(name, err);

    if (setting == NULL) {
        error_wrap(err, "%s", where);
        return false;
    }
    return assign(s, setting, value, where, err);
}

bool
settings_init(struct settings *s, struct error *err)
{
    *s = (struct settings){.arena = arena_new(KIB(4), MIB(1))};
    if (s->arena == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for the settings");
    for (const struct setting *setting = settings_table; setting->name != NULL; setting++)
        if (!assign(s, setting, str_from(setting->initial), setting->name, err))
            return false;
    return true;
}

void
settings_clear(struct settings *s)
{
    arena_free(s->arena);
    *s = (struct settings){0};
}

const char *
settings_unknown_variable(char *const *environment)
{
    char name[SETTING_VARIABLE_SIZE];

    for (; environment != NULL && *environment != NULL; environment++) {
        bool known = strncmp(*environment, "GATEHOUSE_", 10) != 0;
        for (const struct setting *setting = settings_table; !known && setting->name != NULL; setting++) {
            settings_variable_name(setting, name);
            known = strncmp(*environment, name, strlen(name)) == 0 && (*environment)[strlen(name)] == '=';
        }
        if (!known)
            return *environment;
    }
    return NULL;
}

static bool
take_environment(struct settings *s, const struct setting *setting, char *const *environment, struct error *err)
{
    char name[SETTING_VARIABLE_SIZE];

    settings_variable_name(setting, name);
    const char *value = environment_get(environment, str_from(name));
    /* set but empty is how scripts unset */
    return value == NULL || value[0] == '\0' || assign(s, setting, str_from(value), name, err);
}

static bool
take_flags(struct settings *s, const struct settings_source *from, bool home, struct error *err)
{
    char where[64];

    for (size_t i = 0; i < from->flag_count; i++) {
        const struct setting_flag *flag = &from->flags[i];
        if (str_eq(flag->name, STR("home")) != home)
            continue;
        snprintf(where, sizeof where, "--%.*s", STR_ARG(str_take(flag->name, 60)));
        if (!settings_set(s, flag->name, flag->value, where, err))
            return false;
    }
    return true;
}

/* Absolute, with `~` resolved: the home is used by workers and children, whatever directory they are in. */
static bool
settle_home(struct settings *s, char *const *environment, struct error *err)
{
    char        here[PATH_MAX];
    struct str  home = s->home;
    const char *user = environment_get(environment, STR("HOME"));

    if (str_eq(home, STR("~")) || str_starts(home, STR("~/"))) {
        if (user == NULL || user[0] != '/')
            return error_set(err, ERROR_INVALID, "HOME is not set: say where to keep things with --home DIR");
        home = arena_printf(s->arena, "%s%.*s", user, STR_ARG(str_skip(home, 1)));
    } else if (!str_starts(home, STR("/"))) {
        if (getcwd(here, sizeof here) == NULL)
            return error_set(err, ERROR_INVALID, "--home must be an absolute path here");
        home = arena_printf(s->arena, "%s/%.*s", here, STR_ARG(home));
    }
    while (home.len > 1 && home.data[home.len - 1] == '/')
        home.len--;
    if (home.len > HOME_MAX)
        return error_set(err, ERROR_INVALID, "the path of the home is longer than %d bytes", HOME_MAX);
    const char *text = arena_cstr(s->arena, home);
    s->home          = str_of(text, home.len);
    return text != NULL || error_set(err, ERROR_MEMORY, "no memory for the settings");
}

static bool
take_file(struct settings *s, struct error *err)
{
    struct buffer text = {.max = FILE_MAX};
    char          path[PATH_MAX];
    struct error  failed = {0};
    bool          ok     = false;

    snprintf(path, sizeof path, "%s/gatehouse.yaml", s->home.data);
    if (file_read(path, &text, &failed))
        ok = settings_read_yaml(s, buffer_str(&text), "gatehouse.yaml", err);
    else if (failed.code == ERROR_NOT_FOUND)
        ok = true;
    else if (err != NULL)
        *err = failed;
    buffer_clear(&text);
    return ok;
}

/* What each key allows alone may still not fit together. */
static bool
check_together(const struct settings *s, struct error *err)
{
    if (s->message.max > s->memory.max)
        return error_set(err, ERROR_INVALID,
                         "message.max is larger than memory.max: one message could never fit; raise memory.max");
    if (s->http.body_bytes > s->memory.max)
        return error_set(err, ERROR_INVALID,
                         "http.body_bytes is larger than memory.max: such a body could never fit; raise memory.max");
    return true;
}

bool
settings_load(struct settings *s, const struct settings_source *from, struct error *err)
{
    const struct setting *home = &settings_table[0];
    bool                  ok   = settings_init(s, err) && take_environment(s, home, from->environment, err) &&
              take_flags(s, from, true, err) && settle_home(s, from->environment, err) && take_file(s, err);

    for (const struct setting *setting = home + 1; ok && setting->name != NULL; setting++)
        ok = take_environment(s, setting, from->environment, err);
    ok = ok && take_flags(s, from, false, err) && check_together(s, err);
    if (!ok)
        settings_clear(s);
    return ok;
}

static size_t
field_size(const struct setting *setting)
{
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_LIST:
        return sizeof(struct str);
    case SETTING_CHOICE:
        return sizeof(int);
    case SETTING_BOOL:
        return sizeof(bool);
    case SETTING_COUNT:
    case SETTING_SIZE:
    case SETTING_DURATION:
        break;
    }
    return sizeof(uint64_t);
}

bool
settings_differ(const struct settings *a, const struct settings *b, const struct setting *setting)
{
    const char *x = (const char *)a + setting->offset, *y = (const char *)b + setting->offset;

    if (setting->kind == SETTING_TEXT || setting->kind == SETTING_LIST)
        return !str_eq(*(const struct str *)(const void *)x, *(const struct str *)(const void *)y);
    return memcmp(x, y, field_size(setting)) != 0;
}

void
settings_take(struct settings *s, const struct settings *from, const struct setting *setting)
{
    memcpy(field(s, setting), (const char *)from + setting->offset, field_size(setting));
}
