/* The table of settings as pages for people. */
#include "base/settings.h"

bool
settings_print_value(const struct settings *s, const struct setting *setting, struct buffer *out)
{
    const void *at     = (const char *)s + setting->offset;
    uint64_t    number = 0;

    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_LIST:
        return buffer_append(out, *(const struct str *)at);
    case SETTING_CHOICE:
        return buffer_append(out, str_from(setting->choices[*(const int *)at]));
    case SETTING_BOOL:
        return buffer_append(out, *(const bool *)at ? STR("on") : STR("off"));
    case SETTING_COUNT:
    case SETTING_SIZE:
    case SETTING_DURATION:
        break;
    }
    memcpy(&number, at, sizeof number);
    if (setting->kind == SETTING_SIZE)
        return size_print(out, number);
    if (setting->kind == SETTING_DURATION)
        return duration_print(out, (mono_time)number);
    return buffer_printf(out, "%llu", (unsigned long long)number);
}

/* "1KiB to 1MiB", "pass, refuse". */
static bool
print_allowed(const struct setting *setting, struct buffer *out)
{
    switch (setting->kind) {
    case SETTING_COUNT:
        return buffer_printf(out, "%llu to %llu", (unsigned long long)setting->least,
                             (unsigned long long)setting->most);
    case SETTING_SIZE:
        return size_print(out, setting->least) && buffer_append(out, STR(" to ")) && size_print(out, setting->most);
    case SETTING_DURATION:
        return duration_print(out, (mono_time)setting->least) && buffer_append(out, STR(" to ")) &&
               duration_print(out, (mono_time)setting->most);
    case SETTING_BOOL:
        return buffer_append(out, STR("on, off"));
    case SETTING_LIST:
        return buffer_append(out, STR("words, separated by commas"));
    case SETTING_TEXT:
        return buffer_append(out, STR("a path"));
    case SETTING_CHOICE:
        break;
    }
    for (const char *const *choice = setting->choices; *choice != NULL; choice++)
        if (!buffer_printf(out, "%s%s", choice == setting->choices ? "" : ", ", *choice))
            return false;
    return true;
}

bool
settings_print_markdown(struct buffer *out)
{
    static const char before[] =
        "# Settings\n\n"
        "<!-- Written from the table in src/base/settings.c; a test keeps the two equal. -->\n\n"
        "Every setting has a default. It may be set, the later winning, in `gatehouse.yaml` in the home directory, in "
        "the\n"
        "environment, or on the command line:\n\n"
        "```\nhttp:                                   # ~/.gatehouse/gatehouse.yaml\n  idle: 30s\n"
        "GATEHOUSE_HTTP_IDLE=30s gatehouse serve\ngatehouse serve --http.idle 30s\n```\n\n"
        "Sizes are written `512B`, `64KiB`, `10MiB`, `5GiB`; durations `500ms`, `10s`, `10min`, `2h`, `30d`. A key "
        "that does not\n"
        "exist or a value that is not allowed stops the start with the place where it stands and what is allowed "
        "there.\n\n"
        "SIGHUP reads the file again, and what it changed counts from then on: limits for what begins then, "
        "`message.max` and\n"
        "`stdio.queue` for children that start then. A file that is wrong changes nothing. What wants a restart says "
        "so below, and in\n"
        "the log.\n\n"
        "| key | default | allowed | what it does |\n|---|---|---|---|\n";
    bool ok = buffer_append(out, str_from(before));

    for (const struct setting *setting = settings_table; ok && setting->name != NULL; setting++) {
        ok = buffer_printf(out, setting->initial[0] == '\0' ? "| `%s` | %s| " : "| `%s` | `%s` | ", setting->name,
                           setting->initial) &&
             print_allowed(setting, out) &&
             buffer_printf(out, " | %s%s%s |\n", setting->help,
                           setting->not_in_file ? " Not in the file, for it says where the file is." : "",
                           setting->at_start && !setting->not_in_file ? " A change wants a restart." : "");
    }
    return ok;
}

bool
settings_print_help(struct buffer *out)
{
    bool ok = true;

    for (const struct setting *setting = settings_table; ok && setting->name != NULL; setting++) {
        ok =
            buffer_printf(out, "  %-20s %-12s ", setting->name, setting->initial[0] == '\0' ? "-" : setting->initial) &&
            print_allowed(setting, out) && buffer_printf(out, "\n      %s\n", setting->help);
    }
    return ok;
}
