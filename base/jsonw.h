/* JSON, write side: a streaming writer into a buffer (RFC 8259). Ours rather than jansson's because
 * results are written on the hot path and their text is what gets signed: the order of members is
 * fixed by the code and nothing is allocated in between. Strings must be UTF-8; malformed bytes are
 * written as U+FFFD, control characters and U+2028/2029 as \u escapes. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define JSONW_DEPTH 16

struct jsonw {
    struct buf *out;
    int depth;
    bool has[JSONW_DEPTH]; /* something stands already at this depth: a comma is due */
    bool after_name;
};

void jsonw_init(struct jsonw *w, struct buf *out);
void jsonw_object(struct jsonw *w); /* { */
void jsonw_object_end(struct jsonw *w);
void jsonw_array(struct jsonw *w); /* [ */
void jsonw_array_end(struct jsonw *w);
void jsonw_name(struct jsonw *w, const char *name);               /* plain ASCII names only */
void jsonw_text_name(struct jsonw *w, const char *s, size_t len); /* any text as a name */
void jsonw_string(struct jsonw *w, const char *s, size_t len);
void jsonw_str(struct jsonw *w, const char *s); /* NULL writes null */
void jsonw_int(struct jsonw *w, int64_t v);
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_null(struct jsonw *w);
void jsonw_ms(struct jsonw *w, int64_t us); /* microseconds as milliseconds: 1234 → 1.234 */
void jsonw_raw(struct jsonw *w, const char *json, size_t len); /* a JSON text, as it is */

/* name + value in one call */
void jsonw_kstr(struct jsonw *w, const char *name, const char *s);
void jsonw_kint(struct jsonw *w, const char *name, int64_t v);
void jsonw_kbool(struct jsonw *w, const char *name, bool v);
void jsonw_kms(struct jsonw *w, const char *name, int64_t us);
