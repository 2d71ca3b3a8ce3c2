/* Fuzz target: JSON. Both readers see the same text; what one takes the other must take, where they
 * promise it, and what is written again reads the same. */
#include <stdlib.h>
#include <string.h>

#include "base/jv.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int look(const char *name, const struct jv *v, void *arg)
{
    int64_t n;
    size_t len = 0;
    (void)arg;
    CHECK(name);
    const char *s = jv_string(v, &len);
    CHECK(!s || strlen(s) <= len);
    if (jv_int(v, &n))
        CHECK(jv_number(v) == (double)n);
    return 0;
}

static void raw_members(const char *text, size_t len)
{
    static const char *const names[] = {"a", "id", "predicate", ""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *v = NULL;
        size_t v_len = 0;
        if (jv_raw_member(text, len, names[i], &v, &v_len))
            CHECK(v >= text && v + v_len <= text + len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jv *v = NULL, *again = NULL;
    struct err e = {0};
    char *text = mem_copy(data, size);
    bool grammar = jv_check(text, size);
    raw_members(text, size);
    int rc = jv_parse(text, size, &v, &e);
    CHECK(rc == 0 || (e.code == ERR_INVALID && *e.msg && !strchr(e.msg, '\n')));
    if (rc == 0) {
        struct buf out = {0};
        CHECK(grammar);
        jv_each(v, look, NULL);
        jv_dump(v, &out);
        CHECK(jv_check(out.data, out.len));
        CHECK(jv_parse(out.data, out.len, &again, &e) == 0);
        buf_free(&out);
    }
    jv_free(v);
    jv_free(again);
    free(text);
    return 0;
}
