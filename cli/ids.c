#include "cli/ids.h"

#include <string.h>

#include "cli/options.h"
#include "config/config.h"
#include "link/subjects.h"

int check_names(const struct command *self, const char *id, const char *tenant)
{
    if (id && !job_id_valid(id, strlen(id)))
        return fail_usage(
            self,
            "found the job id '%.140s'; allowed: 1 to %d of A-Z a-z 0-9 _ . : = @ + -, "
            "no '.' at an end and no two together",
            id, JOB_ID_MAX);
    if (tenant && !tenant_name_valid(tenant))
        return fail_usage(self, "--tenant: found '%.80s'; allowed: 1 to %d of A-Z a-z 0-9 _ -",
                          tenant, TENANT_NAME_MAX);
    return OPTIONS_GO;
}
