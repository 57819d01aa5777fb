/* From the grammar of ECMA-262 (section 22.2.1, with [UnicodeMode]) to PCRE2's, in one pass. */
#include "mcp/schema/pattern.h"

/* WhiteSpace and LineTerminator of ECMA-262, as the inside of a class; and all others. */
static const char space[] =
    "\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";
static const char not_space[] =
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}"
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{d7ff}"
    "\\x{e000}-\\x{fefe}\\x{ff00}-\\x{10ffff}";

struct translation {
    struct str     text;
    size_t         at;
    struct buffer *out;
    struct error  *err;
    bool           in_class;
    bool           repeatable; /* what stands before may have a quantifier */
};

static bool
wrong(struct translation *t, const char *what)
{
    return error_set(t->err, ERROR_INVALID, "%s at character %zu", what, t->at);
}

static bool
add(struct translation *t, struct str s)
{
    return buffer_append(t->out, s) || error_set(t->err, ERROR_MEMORY, "no memory for a pattern");
}

static bool
add_code(struct translation *t, uint32_t code)
{
    return buffer_printf(t->out, "\\x{%x}", code) || error_set(t->err, ERROR_MEMORY, "no memory for a pattern");
}

static char
look(const struct translation *t, size_t ahead)
{
    return t->at + ahead < t->text.len ? t->text.data[t->at + ahead] : '\0';
}

/* `digits` of them at `at`; -1 when one is none. */
static int64_t
read_hex(const struct translation *t, size_t at, size_t digits)
{
    int64_t value = 0;

    if (digits == 0 || digits > 6 || at > t->text.len || t->text.len - at < digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        char c = t->text.data[at + i], lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value * 16 + (lower - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* \uHHHH, two of which may be one character, and \u{H...}. `at` is behind the u. */
static bool
translate_unicode(struct translation *t)
{
    int64_t code;
    size_t  len = 4;

    if (look(t, 0) == '{') {
        ptrdiff_t digits = str_index(str_skip(t->text, t->at + 1), '}');
        code             = digits < 0 ? -1 : read_hex(t, t->at + 1, (size_t)digits);
        len              = (size_t)digits + 2;
    } else {
        code = read_hex(t, t->at, 4);
        if (code >= 0xD800 && code < 0xDC00 && look(t, 4) == '\\' && look(t, 5) == 'u') {
            int64_t low = read_hex(t, t->at + 6, 4);
            if (low >= 0xDC00 && low < 0xE000) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                len  = 10;
            }
        }
    }
    if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return wrong(t, "\\u without the number of a character");
    t->at += len;
    return add_code(t, (uint32_t)code);
}

/* \p{...} and \P{...}: PCRE2 knows the short names. */
static bool
translate_property(struct translation *t, char letter)
{
    // clang-format off
    static const struct {
        const char *name, *of_pcre;
    } longer[] = {
        {"Letter", "L"}, {"Lowercase_Letter", "Ll"}, {"Uppercase_Letter", "Lu"}, {"Titlecase_Letter", "Lt"}, {"Cased_Letter", "L&"},
        {"LC", "L&"}, {"Mark", "M"}, {"Number", "N"}, {"Decimal_Number", "Nd"}, {"digit", "Nd"}, {"Punctuation", "P"},
        {"punct", "P"}, {"Symbol", "S"}, {"Separator", "Z"}, {"Space_Separator", "Zs"}, {"Other", "C"},
    };
    // clang-format on
    ptrdiff_t end = str_index(str_skip(t->text, t->at), '}');

    if (look(t, 0) != '{' || end < 2)
        return wrong(t, "\\p without {the name of a property}");
    struct str name = str_take(str_skip(t->text, t->at + 1), (size_t)end - 1);
    for (size_t i = 0; i < name.len; i++)
        if (strchr("{}\\^&", name.data[i]) != NULL || (unsigned char)name.data[i] <= ' ')
            return wrong(t, "\\p without {the name of a property}");
    if (str_starts(name, STR("General_Category=")))
        name = str_skip(name, strlen("General_Category="));
    else if (str_starts(name, STR("gc=")))
        name = str_skip(name, strlen("gc="));
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
        if (str_eq(name, str_from(longer[i].name)))
            name = str_from(longer[i].of_pcre);
    t->at += (size_t)end + 1;
    return add(t, str_of((char[]){'\\', letter, '{'}, 3)) && add(t, name) && add(t, STR("}"));
}

static bool
translate_space(struct translation *t, bool is_space)
{
    struct str inside = str_from(is_space ? space : not_space);

    return t->in_class ? add(t, inside) : add(t, STR("[")) && add(t, inside) && add(t, STR("]"));
}

/* \k<name> */
static bool
translate_name(struct translation *t)
{
    ptrdiff_t end = str_index(str_skip(t->text, t->at), '>');

    if (t->in_class || look(t, 0) != '<' || end < 2)
        return wrong(t, "\\k without <the name of a group>");
    struct str name = str_take(str_skip(t->text, t->at), (size_t)end + 1);
    t->at += name.len;
    return add(t, STR("\\k")) && add(t, name);
}

/* A backslash and what belongs to it. */
static bool
translate_escape(struct translation *t)
{
    char c = look(t, 1);

    t->at += 2;
    t->repeatable = t->in_class || (c != 'b' && c != 'B');
    switch (c) {
    case 'u':
        return translate_unicode(t);
    case 'p':
    case 'P':
        return translate_property(t, c);
    case 's':
    case 'S':
        return translate_space(t, c == 's');
    case 'v':
        return add_code(t, '\v');
    case 'k':
        return translate_name(t);
    case '0':
        return look(t, 0) >= '0' && look(t, 0) <= '9' ? wrong(t, "an octal number") : add_code(t, 0);
    case 'x': {
        int64_t code = read_hex(t, t->at, 2);
        t->at += 2;
        return code < 0 ? wrong(t, "\\x without two digits") : add_code(t, (uint32_t)code);
    }
    case 'c': {
        char lower = (char)(look(t, 0) | 0x20);
        t->at++;
        return lower < 'a' || lower > 'z' ? wrong(t, "\\c without a letter") : add_code(t, lower & 0x1F);
    }
    default:
        break;
    }
    bool is_known = c != '\0' && (strchr("dDwWbfnrt", c) != NULL || (!t->in_class && strchr("B123456789", c) != NULL));
    if (!is_known && (c <= ' ' || c >= 0x7F || strchr("_<>'\"`~", c) != NULL || (c >= '0' && c <= '9') ||
                      ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')))
        return wrong(t, "an escape that ECMA-262 does not have");
    return add(t, str_of((char[]){'\\', c}, 2));
}

/* What stands between [ and ]. */
static bool
translate_in_class(struct translation *t)
{
    char c = look(t, 0);

    if (c == '\\')
        return translate_escape(t);
    t->at++;
    if (c == ']')
        t->in_class = false;
    return c == '[' ? add(t, STR("\\[")) : add(t, str_of(&t->text.data[t->at - 1], 1));
}

static bool
translate_group(struct translation *t)
{
    static const char *const openings[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!"};
    struct str               rest       = str_skip(t->text, t->at);

    t->repeatable = false;
    if (str_starts(rest, STR("(*")))
        return wrong(t, "nothing to repeat");
    if (!str_starts(rest, STR("(?"))) {
        t->at++;
        return add(t, STR("("));
    }
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        if (!str_starts(rest, str_from(openings[i])))
            continue;
        t->at += strlen(openings[i]);
        return add(t, str_from(openings[i]));
    }
    ptrdiff_t end = str_index(rest, '>');
    if (!str_starts(rest, STR("(?<")) || end < 4)
        return wrong(t, "a group that ECMA-262 does not have");
    t->at += (size_t)end + 1;
    return add(t, str_take(rest, (size_t)end + 1));
}

/* * + ? {2} {2,} {2,3}, and a ? behind: never the + behind that PCRE2 has. */
static bool
translate_quantifier(struct translation *t)
{
    size_t len = 1;

    if (look(t, 0) == '{') {
        size_t digits = 0, commas = 0;
        for (; look(t, len) != '}'; len++) {
            char c = look(t, len);
            if ((c < '0' || c > '9') && (c != ',' || commas++ > 0 || digits == 0))
                return wrong(t, "a { that starts no count");
            digits += c != ',';
        }
        if (digits == 0)
            return wrong(t, "a { that starts no count");
        len++;
    }
    if (!t->repeatable)
        return wrong(t, "nothing to repeat");
    if (look(t, len) == '?')
        len++;
    t->repeatable     = false;
    struct str counts = str_take(str_skip(t->text, t->at), len);
    t->at += len;
    return add(t, counts);
}

static bool
translate_one(struct translation *t)
{
    char c = look(t, 0);

    switch (c) {
    case '\\':
        return translate_escape(t);
    case '(':
        return translate_group(t);
    case '*':
    case '+':
    case '?':
    case '{':
        return translate_quantifier(t);
    case '}':
    case ']':
        return wrong(t, "a closing bracket without its opening");
    default:
        break;
    }
    t->at++;
    t->repeatable = c != '^' && c != '$' && c != '|';
    if (c == '.')
        return add(t, STR("[^\\n\\r\\x{2028}\\x{2029}]"));
    if (c != '[')
        return add(t, str_of(&t->text.data[t->at - 1], 1));
    t->in_class = true;
    if (look(t, 0) != '^')
        return add(t, STR("["));
    t->at++;
    return add(t, STR("[^"));
}

bool
pattern_translate(struct str text, struct buffer *out, struct error *err)
{
    struct translation t = {.text = text, .out = out, .err = err};

    while (t.at < text.len)
        if (!(t.in_class ? translate_in_class(&t) : translate_one(&t)))
            return false;
    return t.in_class ? wrong(&t, "a class that has no end") : true;
}
