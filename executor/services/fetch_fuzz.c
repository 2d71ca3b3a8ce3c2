/* Fuzz target: what a cell asks of the service `fetch`. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "executor/services/fetch_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fetch_ask a;
    struct err e = {0};
    char *text = mem_copy(data, size);
    int rc = fetch_ask_read(text, size, &a, &e);
    if (rc == 0) {
        CHECK(http_method_check(a.method, strlen(a.method), NULL) == 0);
        CHECK(a.fields.count >= 0 && a.fields.count <= HTTP_FIELDS_MAX);
        for (int i = 0; i < a.fields.count; i++) {
            const struct http_field *f = &a.fields.list[i];
            CHECK(http_field_check(f->name, strlen(f->name), f->value, strlen(f->value), NULL) ==
                  0);
        }
        CHECK(!a.has_body || a.body_stream || a.body_length == (int64_t)a.body.len);
        CHECK(a.body_length >= HTTP_LENGTH_OPEN && a.from >= 0 && a.tag >= 0);
    } else {
        CHECK((rc == ERR_INVALID || rc == ERR_LIMIT) && *e.msg && !strchr(e.msg, '\n'));
    }
    fetch_ask_free(&a);
    free(text);
    return 0;
}
