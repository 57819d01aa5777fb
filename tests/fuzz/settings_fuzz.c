/* gatehouse.yaml from anybody: read, or refused with a place; what was read can be printed and stays within its bounds.
 */
#include <assert.h>
#include <stdint.h>

#include "base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings s    = {0};
    struct error    err  = {0};
    struct buffer   text = {.max = KIB(8)};

    if (settings_init(&s, &err)) {
        bool ok = settings_read_yaml(&s, str_of((const char *)data, size), "f", &err);
        assert(ok || err.text[0] != '\0');
        for (const struct setting *setting = settings_table; ok && setting->name != NULL; setting++) {
            buffer_reset(&text);
            assert(settings_print_value(&s, setting, &text));
            assert(setting->kind == SETTING_TEXT ||
                   settings_set(&s, str_from(setting->name), buffer_str(&text), setting->name, &err));
        }
    }
    buffer_clear(&text);
    settings_clear(&s);
    return 0;
}
