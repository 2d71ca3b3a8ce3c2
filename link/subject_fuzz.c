/* Fuzz target: the reply subject of a delivery, and the subjects that tenants publish to. Both
 * parsers see the same text. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "link/subjects.h"
#include "link/acksubject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct subjects s = {.prefix = "isolane"};
    char *text = mem_copy(data, size), tenant[TENANT_NAME_MAX + 1];
    struct ack_facts facts = {0};
    enum job_class cls = CLASSES;
    if (ack_subject_parse(text, &facts))
        CHECK(!strncmp(text, "$JS.ACK.", 8) && facts.stored_at_us >= 0);
    memset(tenant, 'x', sizeof tenant);
    if (subject_parse_job(&s, text, tenant, sizeof tenant, &cls))
        CHECK(memchr(tenant, 0, sizeof tenant) && (int)cls >= 0 && cls < CLASSES);
    const char *id = subject_parse_cancel(&s, text);
    if (id && job_id_valid(id, strlen(id)))
        CHECK(id > text && id < text + size && strlen(id) <= JOB_ID_MAX);
    free(text);
    return 0;
}
