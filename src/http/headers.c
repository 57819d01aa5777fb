#include "http/headers.h"

struct str
http_header(const struct http_headers *headers, struct str name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (str_eq_nocase(headers->items[i].name, name))
            return headers->items[i].value;
    return STR_NONE;
}

size_t
http_header_count(const struct http_headers *headers, struct str name)
{
    size_t count = 0;

    for (size_t i = 0; i < headers->count; i++)
        count += str_eq_nocase(headers->items[i].name, name);
    return count;
}

bool
http_is_type(struct str content_type, struct str type)
{
    struct str rest = str_trim(str_skip(content_type, type.len));

    return str_starts_nocase(content_type, type) && str_index(rest, ',') < 0 && (rest.len == 0 || rest.data[0] == ';');
}

static const struct str methods[] = {
    [HTTP_METHOD_OTHER] = {"", 0},      [HTTP_METHOD_GET] = {"GET", 3},         [HTTP_METHOD_HEAD] = {"HEAD", 4},
    [HTTP_METHOD_POST] = {"POST", 4},   [HTTP_METHOD_PUT] = {"PUT", 3},         [HTTP_METHOD_DELETE] = {"DELETE", 6},
    [HTTP_METHOD_PATCH] = {"PATCH", 5}, [HTTP_METHOD_OPTIONS] = {"OPTIONS", 7},
};

struct str
http_method_name(enum http_method method)
{
    return methods[method];
}

enum http_method
http_method_of(struct str name)
{
    for (size_t i = 1; i < sizeof methods / sizeof methods[0]; i++)
        if (str_eq(methods[i], name))
            return (enum http_method)i;
    return HTTP_METHOD_OTHER;
}

/* clang-format off */
static const struct { int status; struct str text; } texts[] = {
    /* those of every day first */
    {200, {"OK", 2}},
    {202, {"Accepted", 8}},
    {404, {"Not Found", 9}},
    {400, {"Bad Request", 11}},
    {100, {"Continue", 8}},
    {101, {"Switching Protocols", 19}},
    {201, {"Created", 7}},
    {203, {"Non-Authoritative Information", 29}},
    {204, {"No Content", 10}},
    {205, {"Reset Content", 13}},
    {206, {"Partial Content", 15}},
    {300, {"Multiple Choices", 16}},
    {301, {"Moved Permanently", 17}},
    {302, {"Found", 5}},
    {303, {"See Other", 9}},
    {304, {"Not Modified", 12}},
    {307, {"Temporary Redirect", 18}},
    {308, {"Permanent Redirect", 18}},
    {401, {"Unauthorized", 12}},
    {402, {"Payment Required", 16}},
    {403, {"Forbidden", 9}},
    {405, {"Method Not Allowed", 18}},
    {406, {"Not Acceptable", 14}},
    {407, {"Proxy Authentication Required", 29}},
    {408, {"Request Timeout", 15}},
    {409, {"Conflict", 8}},
    {410, {"Gone", 4}},
    {411, {"Length Required", 15}},
    {412, {"Precondition Failed", 19}},
    {413, {"Content Too Large", 17}},
    {414, {"URI Too Long", 12}},
    {415, {"Unsupported Media Type", 22}},
    {416, {"Range Not Satisfiable", 21}},
    {417, {"Expectation Failed", 18}},
    {421, {"Misdirected Request", 19}},
    {422, {"Unprocessable Content", 21}},
    {426, {"Upgrade Required", 16}},
    {428, {"Precondition Required", 21}},
    {429, {"Too Many Requests", 17}},
    {431, {"Request Header Fields Too Large", 31}},
    {451, {"Unavailable For Legal Reasons", 29}},
    {500, {"Internal Server Error", 21}},
    {501, {"Not Implemented", 15}},
    {502, {"Bad Gateway", 11}},
    {503, {"Service Unavailable", 19}},
    {504, {"Gateway Timeout", 15}},
    {505, {"HTTP Version Not Supported", 26}},
    {507, {"Insufficient Storage", 20}},
    {511, {"Network Authentication Required", 31}},
};
/* clang-format on */

struct str
http_status_text(int status)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].status == status)
            return texts[i].text;
    return STR("Status");
}
