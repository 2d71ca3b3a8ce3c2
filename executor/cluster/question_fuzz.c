/* Fuzz target: requests to a worker. The first byte says whether an id is needed. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "executor/cluster/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct question q;
    struct err e = {0};
    bool need_id = size > 0 && (data[0] & 1);
    size_t len = size > 0 ? size - 1 : 0;
    char *text = mem_copy(size > 0 ? data + 1 : data, len);
    int rc = question_read(text, len, need_id, &q, &e);
    if (rc == 0) {
        CHECK(!q.id[0] || job_id_valid(q.id, strlen(q.id)));
        CHECK(!q.tenant[0] || tenant_name_valid(q.tenant));
        CHECK(!need_id || q.id[0]);
        CHECK(q.from[0] >= 0 && q.from[1] >= 0);
    } else {
        CHECK(rc == ERR_INVALID && *e.msg && !strchr(e.msg, '\n'));
    }
    free(text);
    return 0;
}
