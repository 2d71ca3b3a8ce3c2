#include "egress/http_rules.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static const char *const ours[] = {
    "host", "connection", "keep-alive", "content-length", "transfer-encoding",
    "te",   "trailer",    "upgrade",    "http2-settings", "expect",
    "via",  "date",
};

bool http_token(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        if (!(c < 0x80 && (isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c)))))
            return false;
    }
    return len > 0;
}

static bool is_word(const char *p, size_t len, const char *word)
{
    return strlen(word) == len && !strncasecmp(p, word, len);
}

int http_method_check(const char *method, size_t len, struct err *e)
{
    static const char *const never[] = {"CONNECT", "TRACE", "TRACK"};
    if (len > HTTP_METHOD_MAX || !http_token(method, len))
        return err_set(e, ERR_INVALID, "method: found '%.*s'; allowed: a token of up to %d letters",
                       (int)(len > HTTP_METHOD_MAX ? HTTP_METHOD_MAX : len), method,
                       HTTP_METHOD_MAX);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (is_word(method, len, never[i]))
            return err_set(e, ERR_INVALID,
                           "method: found %s; allowed: any but CONNECT, TRACE, "
                           "TRACK",
                           never[i]);
    return 0;
}

bool http_field_is_ours(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (is_word(name, len, ours[i]))
            return true;
    return len >= 6 && !strncasecmp(name, "proxy-", 6);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

int http_field_check(const char *name, size_t name_len, const char *value, size_t value_len,
                     struct err *e)
{
    const int shown = (int)(name_len > 60 ? 60 : name_len);
    if (name_len > HTTP_FIELD_NAME_MAX || !http_token(name, name_len))
        return err_set(e, ERR_INVALID,
                       "headers: found the name '%.*s'; allowed: a token of up to "
                       "%d letters",
                       shown, name, HTTP_FIELD_NAME_MAX);
    if (http_field_is_ours(name, name_len))
        return err_set(e, ERR_INVALID,
                       "headers: found '%.*s', which the worker writes itself; "
                       "allowed: other names",
                       shown, name);
    for (size_t i = 0; i < value_len; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return err_set(e, ERR_INVALID,
                           "headers: %.*s: found a control character; allowed: "
                           "text of one line",
                           shown, name);
    }
    if (value_len && (is_blank(value[0]) || is_blank(value[value_len - 1])))
        return err_set(e, ERR_INVALID, "headers: %.*s: found blanks at an end; allowed: none",
                       shown, name);
    return 0;
}
