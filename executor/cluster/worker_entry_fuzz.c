/* Fuzz target: entries of the registry, which whoever may write there has written. What is read
 * must be the same when it is written and read again. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "executor/cluster/worker_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct worker_entry w, again;
    struct buf b = {0};
    struct err e = {0};
    char *text = mem_copy(data, size);
    int rc = worker_entry_read(text, size, &w, &e);
    if (rc == 0) {
        worker_process_gone(w.process);
        worker_entry_write(&w, &b);
        CHECK(b.len > WORKER_ENTRY_MAX ||
              (!worker_entry_read(b.data, b.len, &again, NULL) && !memcmp(&w, &again, sizeof w)));
    } else {
        CHECK(rc == ERR_INVALID && *e.msg && !strchr(e.msg, '\n'));
    }
    buf_free(&b);
    free(text);
    return 0;
}
