/* Fuzz target: what a tool answers. The first byte says which step of which job it was for. What is
 * taken fits the job: it can be applied, and the job is a job as before. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pack.h"
#include "executor/sources/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A script, or files of which two are TypeScript. */
static struct job *make_job(bool files)
{
    struct job *j = mem_alloc(sizeof *j);
    struct buf pack = {0};
    strcpy(j->name, "a.ts");
    j->language = JOB_TYPESCRIPT;
    j->transforms = true;
    j->script = mem_strdup(files ? "" : "1 as 2");
    j->script_len = files ? 0 : 6;
    if (files) {
        pack_add(&pack, "a.ts", 4, "a", 1);
        pack_add(&pack, "b.js", 4, "b", 1);
        pack_add(&pack, "c.tsx", 5, "c", 1);
        j->files = buf_take(&pack, &j->files_len);
    }
    return j;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum transform_step step = (enum transform_step)(data[0] % TRANSFORM_STEPS);
    bool files = data[0] & 0x80;
    struct job *j = make_job(files);
    struct buf codes = {0};
    struct transform_error x = {0};
    char *text = mem_copy(data + 1, size - 1);
    size_t count;
    switch (transform_read(j, step, text, size - 1, &codes, &x)) {
    case TRANSFORM_DONE:
        CHECK(!x.name && (step != TRANSFORM_CHECK || codes.len == 0));
        CHECK(step == TRANSFORM_CHECK || transform_apply(j, codes.data, codes.len));
        CHECK(!files || (pack_check(j->files, j->files_len, &count) && count == 3));
        break;
    case TRANSFORM_WRONG:
        CHECK(x.name && x.message && strlen(x.name) <= 100);
        break;
    case TRANSFORM_NEEDS_COMPILER:
        CHECK(step == TRANSFORM_FAST && !x.name);
        break;
    case TRANSFORM_NONSENSE:
        CHECK(!x.name);
        break;
    }
    /* what lies in the cache: any bytes */
    transform_apply(j, text, size - 1);
    transform_error_free(&x);
    buf_free(&codes);
    free(text);
    job_free(j);
    return 0;
}
