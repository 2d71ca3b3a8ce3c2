/* Fuzz target: the configuration file. Whatever the text, an error is one line that names the file,
 * and what is taken keeps to its bounds. The environment and the file system stay out of it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/file.h"
#include "config/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const struct config *c)
{
    CHECK(c->tenant_count >= 1 && c->tenant_count <= TENANTS_MAX);
    CHECK(c->pool >= 1 && c->pool <= 256);
    for (int t = 0; t < c->tenant_count; t++) {
        const struct tenant *x = &c->tenants[t];
        CHECK(tenant_name_valid(x->name) && config_tenant(c, x->name) == x);
        CHECK(x->weight >= 1 && x->weight <= 1000);
        for (int i = 0; i < LIMITS; i++)
            CHECK(x->ceilings.v[i] >= limit_table[i].min &&
                  x->ceilings.v[i] <= limit_table[i].most && x->defaults.v[i] <= x->ceilings.v[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c = mem_alloc(sizeof *c);
    struct err e = {0};
    char *text = mem_copy(data, size);
    keys_default(c);
    int rc = config_text_read("f.yaml", text, size, c, &e);
    if (rc == 0)
        check_taken(c);
    else
        CHECK(rc == ERR_INVALID && e.code == rc && !strncmp(e.msg, "f.yaml:", 7) &&
              !strchr(e.msg, '\n'));
    free(text);
    config_free(c);
    return 0;
}
