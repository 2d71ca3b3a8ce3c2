#include "executor/services/service.h"

#include <string.h>

#include "base/mem.h"

static const struct service *const table[] = {
    &service_emit,
    &service_fetch,
    &service_fetch_body,
    &service_fetch_cancel,
    &service_kv,
    &service_progress,
    &service_secret,
    &service_artifact_list,
    &service_artifact_get,
    &service_artifact_put,
    &service_artifact_put_end,
    &service_websocket,
    &service_websocket_cancel,
};

const struct service *service_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strlen(table[i]->name) == len && !memcmp(table[i]->name, name, len))
            return table[i];
    return NULL;
}

const char *service_error_name(int code)
{
    switch (code) {
    case ERR_DENIED:
        return "PermissionDenied";
    case ERR_LIMIT:
        return "BudgetExceeded";
    case ERR_INVALID:
        return "InvalidArgument";
    case ERR_NOT_FOUND:
        return "NotFound";
    case ERR_CONFLICT:
    case ERR_EXISTS:
        return "Conflict";
    case ERR_CORRUPT:
        return "IntegrityError";
    default:
        return "HostError";
    }
}
