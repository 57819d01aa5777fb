/* src/base/settings.h: what a person may set, in one table. Help, docs/settings.md, checks and error texts come from
 * it.
 *
 * A value comes from, the later winning: the default, `<home>/gatehouse.yaml`, the environment
 * (GATEHOUSE_HTTP_HEADER_BYTES), the command line (--http.header_bytes VALUE). A wrong value or an unknown key is an
 * error that says where it stands, what is allowed and which key may have been meant; nothing is guessed. */
#ifndef GATEHOUSE_BASE_SETTINGS_H
#define GATEHOUSE_BASE_SETTINGS_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"

/* The kind decides the type of the field in struct settings. */
enum setting_kind {
    SETTING_TEXT,     /* struct str, NUL-terminated behind its length */
    SETTING_COUNT,    /* uint64_t */
    SETTING_SIZE,     /* uint64_t, bytes: 512, 64KiB, 10 MiB, 5GiB */
    SETTING_DURATION, /* mono_time: 500ms, 10s, 10min, 2h, 30d */
    SETTING_CHOICE,   /* int: index into `choices` */
    SETTING_BOOL,     /* bool: on, off, true, false, yes, no */
    SETTING_LIST,     /* struct str: words separated by commas, no spaces; in the file also a list */
};

/* In the order of the table's columns. NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct setting {
    const char        *name; /* dotted */
    enum setting_kind  kind;
    size_t             offset;      /* of the field in struct settings */
    const char        *initial;     /* as a person would write it */
    uint64_t           least, most; /* of numbers: bytes, count, microseconds */
    const char *const *choices;     /* NULL-terminated */
    bool               not_in_file; /* decides where the file is */
    bool               at_start;    /* fixed then: SIGHUP does not change it */
    const char        *help;
};

/* Ends with a setting without name. */
extern const struct setting settings_table[];

enum on_full { ON_FULL_PASS, ON_FULL_REFUSE };

struct settings {
    struct arena *arena; /* holds the texts */

    struct str home;
    uint64_t   port; /* 0 picks one */

    struct {
        uint64_t   header_bytes;
        uint64_t   body_bytes;
        mono_time  header_read;
        mono_time  body_read;
        mono_time  idle;
        uint64_t   connections;
        struct str allowed_hosts; /* comma separated, no spaces */
        bool       peer_uid;
    } http;
    struct {
        uint64_t max;
    } message, memory;
    struct {
        mono_time idle;
    } session;
    struct {
        uint64_t isolated_max;
        uint64_t shared_max;
        uint64_t queue;
    } stdio;
    struct {
        mono_time gather;
        uint64_t  parked;
        mono_time wait;
    } bridge;
    struct {
        bool enabled;
        int  on_full; /* enum on_full */
    } capture;
    struct {
        mono_time age;
        uint64_t  size;
    } retention;
    struct {
        uint64_t  size;
        uint64_t  quota;
        mono_time retention; /* 0: never */
        uint64_t  keep;      /* of each name; 0: all */
    } snapshots;
    mono_time drain;
    struct {
        int level; /* enum log_level */
    } log;
    struct {
        bool mcp_commands;
    } admin;
};

/* One `--name value` of the command line. */
struct setting_flag {
    struct str name; /* without the dashes */
    struct str value;
};

struct settings_source {
    char *const               *environment; /* as environ; NULL: none */
    const struct setting_flag *flags;
    size_t                     flag_count;
};

/* Reads all of it, gatehouse.yaml of the home included (a missing file is no error). On failure `s` holds nothing. */
bool settings_load(struct settings *s, const struct settings_source *from, struct error *err);
void settings_clear(struct settings *s);

/* The steps of settings_load, for tests and `doctor`. `where` stands before the error's text. */
bool settings_init(struct settings *s, struct error *err);
bool settings_set(struct settings *s, struct str name, struct str value, const char *where, struct error *err);
bool settings_read_yaml(struct settings *s, struct str text, const char *file, struct error *err);

/* The setting of that name, or NULL; `err` then names the nearest. */
const struct setting *settings_find(struct str name, struct error *err);
/* "GATEHOUSE_HTTP_IDLE", NUL-terminated. */
enum { SETTING_VARIABLE_SIZE = 80 };
void settings_variable_name(const struct setting *setting, char out[SETTING_VARIABLE_SIZE]);
/* The first variable GATEHOUSE_* of the environment that is no setting: worth a warning, for others may own it. NULL:
 * there is none. */
const char *settings_unknown_variable(char *const *environment);

bool settings_differ(const struct settings *a, const struct settings *b, const struct setting *setting);
/* A text stays where it is: in the arena of `from`. */
void settings_take(struct settings *s, const struct settings *from, const struct setting *setting);

/* The value as a person would write it: "64KiB", "10s", "on". */
bool settings_print_value(const struct settings *s, const struct setting *setting, struct buffer *out);
/* docs/settings.md, whole. */
bool settings_print_markdown(struct buffer *out);
/* For `help settings`: a key and its default a line, then its text. */
bool settings_print_help(struct buffer *out);

/* "64KiB" and "30d" read and written, for whoever takes sizes and durations from a person. */
bool size_parse(struct str text, uint64_t *bytes);
bool duration_parse(struct str text, mono_time *duration);
bool size_print(struct buffer *out, uint64_t bytes);
bool duration_print(struct buffer *out, mono_time duration);

#endif
