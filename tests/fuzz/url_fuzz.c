/* URLs: what is taken can stand in a request line and a Host header as it is. */
#include <assert.h>

#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_url url;
    struct error    err  = {0};
    struct str      text = str_of((const char *)data, size);

    if (!http_url_parse(text, &url, &err)) {
        assert(err.code == ERROR_INVALID && err.text[0] != '\0');
        return 0;
    }
    assert(url.host.len > 0 && url.port > 0);
    assert(url.target.data[0] == '/' || url.target.data[0] == '?');
    assert(str_find(url.authority, url.host) >= 0);
    struct str parts[] = {url.authority, url.target};
    for (int p = 0; p < 2; p++)
        for (size_t i = 0; i < parts[p].len; i++)
            assert(parts[p].data[i] > ' ' && parts[p].data[i] < 0x7f && parts[p].data[i] != '#');
    assert(str_index(url.authority, '@') < 0 && str_index(url.authority, '/') < 0);
    return 0;
}
