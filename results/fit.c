#include "results/fit.h"
#include "base/jv.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "results/envelope.h"

#include <stdlib.h>
#include <string.h>

static void cut_text(char *s, size_t max)
{
    if (s)
        s[utf8_cut(s, strlen(s), max)] = 0;
}

static void drop_value(struct result *r, enum outcome o, const char *name, const char *message)
{
    free(r->value);
    r->value = NULL;
    r->value_len = 0;
    if (r->outcome != OUTCOME_OK)
        return; /* has its own error */
    r->outcome = o;
    r->has_error = true;
    free(r->error_name);
    free(r->error_message);
    r->error_name = mem_strdup(name);
    r->error_message = mem_strdup(message);
}

void result_mend(struct result *r)
{
    if (r->value && r->value_len && !jv_check_inner(r->value, r->value_len))
        drop_value(r, OUTCOME_CRASHED, "BadValue",
                   "the cell handed over a value that is not one JSON text");
    if (r->has_error && !r->error_name)
        r->error_name = mem_strdup("Error");
    cut_text(r->error_name, RESULT_TEXT_MAX);
    cut_text(r->error_message, RESULT_TEXT_MAX);
    cut_text(r->error_stack, RESULT_TEXT_MAX);
}

static bool fits(const struct result *r, size_t max, struct buf *out)
{
    buf_clear(out);
    statement_encode(r, out);
    return !out->full && envelope_size(out->len) <= max;
}

static void cut_error(struct result *r, size_t max, struct buf *out)
{
    for (size_t keep = RESULT_TEXT_MAX / 2; keep >= 256 && !fits(r, max, out); keep /= 2) {
        cut_text(r->error_stack, keep);
        cut_text(r->error_message, keep);
        cut_text(r->error_name, 256);
    }
}

static size_t half(const char *s, size_t len)
{
    return utf8_cut(s, len, len > 64 ? len / 2 : 0);
}

void result_fit(struct result *r, size_t max, struct buf *out)
{
    if (max < FIT_MIN)
        max = FIT_MIN;
    if (fits(r, max, out))
        return;
    size_t out_len = r->out_len, err_out_len = r->err_out_len;
    r->out_len = r->err_out_len = 0;
    if (!fits(r, max, out) && r->value) {
        struct buf message = {0};
        buf_addf(&message,
                 "the value's JSON is %zu bytes long; a signed result can be %zu bytes in all (the "
                 "server's max_payload)",
                 r->value_len, max);
        drop_value(r, OUTCOME_OUTPUT_EXCEEDED, "OutputTooLarge", message.data);
        buf_free(&message);
    }
    cut_error(r, max, out);
    if (r->tries && !fits(r, max, out)) { /* at the very last: they are small, and few */
        free(r->tries);
        r->tries = NULL;
    }
    if (r->artifacts && !fits(r, max, out)) {
        free(r->artifacts);
        r->artifacts = NULL;
    }
    r->out_len = out_len;
    r->err_out_len = err_out_len;
    while (!fits(r, max, out) && r->out_len + r->err_out_len > 0) {
        if (r->out_len >= r->err_out_len) {
            r->out_len = half(r->out, r->out_len);
            r->out_cut = true;
        } else {
            r->err_out_len = half(r->err_out, r->err_out_len);
            r->err_out_cut = true;
        }
    }
}
