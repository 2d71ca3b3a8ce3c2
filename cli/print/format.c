#include "cli/print/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

void figure_ms(double ms, char out[FIGURE_MAX])
{
    if (ms < 9.995)
        snprintf(out, FIGURE_MAX, "%.2f ms", ms);
    else if (ms < 99.95)
        snprintf(out, FIGURE_MAX, "%.1f ms", ms);
    else if (ms < 999.5)
        snprintf(out, FIGURE_MAX, "%.0f ms", ms);
    else if (ms < 59950)
        snprintf(out, FIGURE_MAX, ms < 9995 ? "%.2f s" : "%.1f s", ms / 1000);
    else
        snprintf(out, FIGURE_MAX, "%" PRId64 " min %d s", (int64_t)(ms + 500) / 60000,
                 (int)((int64_t)(ms + 500) / 1000 % 60));
}

void figure_bytes(double bytes, char out[FIGURE_MAX])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        snprintf(out, FIGURE_MAX, "%.0f B", bytes);
        return;
    }
    size_t u = 0;
    for (bytes /= 1024; bytes >= 1024 && u < 3; u++)
        bytes /= 1024;
    snprintf(out, FIGURE_MAX, "%.1f %s", bytes, units[u]);
}

/* Length of the control character at p (C0, DEL, or the two bytes of C1), 0 when it is none. */
static size_t control(const char *p, size_t left)
{
    unsigned char c = (unsigned char)p[0];
    if (c < 0x20 || c == 0x7f)
        return 1;
    return c == 0xc2 && left > 1 && (unsigned char)p[1] < 0xa0 ? 2 : 0;
}

void text_add_shown(struct buf *out, const char *text, size_t len, int indent)
{
    struct buf b = {0};
    bool start = true;
    utf8_add_repaired(&b, text, len);
    for (size_t i = 0; i < b.len;) {
        const char *p = b.data + i;
        if (start && *p != '\n')
            buf_addf(out, "%*s", indent, "");
        start = *p == '\n';
        size_t n = *p == '\n' || *p == '\t' ? 0 : control(p, b.len - i);
        if (n == 1 && *p == '\r' && i + 1 < b.len && p[1] == '\n')
            ; /* a line end as other systems write it */
        else if (n)
            buf_adds(out, replacement);
        else
            buf_addc(out, *p);
        i += n ? n : 1;
    }
    if (!start)
        buf_addc(out, '\n');
    buf_free(&b);
}

void text_add_one_line(struct buf *out, const char *text, size_t len)
{
    struct buf b = {0};
    utf8_add_repaired(&b, text, len);
    buf_adds(out, "");
    for (size_t i = 0; i < b.len;) {
        size_t n = control(b.data + i, b.len - i);
        buf_addc(out, n ? ' ' : b.data[i]);
        i += n ? n : 1;
    }
    buf_free(&b);
}

static size_t characters(const char *p, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)p[i] & 0xc0) != 0x80;
    return n;
}

void text_add_first_line(struct buf *out, const char *text, size_t len, size_t width)
{
    while (len && strchr(" \t\r\n", *text)) {
        text++;
        len--;
    }
    const char *end = memchr(text, '\n', len);
    if (end)
        len = (size_t)(end - text);
    while (len && strchr(" \t\r", text[len - 1]))
        len--;
    size_t take = len;
    if (characters(text, len) > width)
        for (take = 0, width--; take < len; take++)
            if (((unsigned char)text[take] & 0xc0) != 0x80 && !width--)
                break;
    buf_add(out, text, take);
    if (take < len)
        buf_adds(out, "…");
}
