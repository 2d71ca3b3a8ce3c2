#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A message quotes what others wrote; in a log or on a terminal it must not be more than words. */
static void one_line(char *msg)
{
    for (; *msg; msg++)
        if ((unsigned char)*msg < 0x20 || *msg == 0x7f)
            *msg = '?';
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        e->code = code;
        vsnprintf(e->msg, sizeof e->msg, fmt, ap);
        va_end(ap);
        one_line(e->msg);
    }
    return code;
}

/* ": <text>" behind the n bytes that vsnprintf() made; what does not fit is cut. */
static void append(struct err *e, int n, const char *text)
{
    if (n < 0 || (size_t)n + 3 > sizeof e->msg)
        return;
    size_t at = (size_t)n, len = strlen(text), room = sizeof e->msg - at - 3;
    memcpy(e->msg + at, ": ", 2);
    if (len > room)
        len = room;
    memcpy(e->msg + at + 2, text, len);
    e->msg[at + 2 + len] = 0;
}

int err_errno(struct err *e, const char *fmt, ...)
{
    int saved = errno;
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
        va_end(ap);
        e->code = ERR_IO;
        append(e, n, strerror(saved));
        one_line(e->msg);
    }
    errno = saved;
    return ERR_IO;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    if (!e)
        return ERR_IO;
    char inner[sizeof e->msg];
    memcpy(inner, e->msg, sizeof inner);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    append(e, n, inner);
    one_line(e->msg);
    return e->code;
}
