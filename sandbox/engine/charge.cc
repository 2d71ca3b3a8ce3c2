// Memory of native calls, counted against the job's budget (natives.h).
#include "sandbox/engine/internal.h"

namespace isolane
{

bool charge_memory(v8::Isolate *isolate, size_t bytes)
{
    // As for an array buffer: what is refused once may fit after a collection.
    if (!limits_room(bytes, false)) {
        isolate->LowMemoryNotification();
        if (!limits_room(bytes, true))
            return false;
    }
    limits_outside(static_cast<int64_t>(bytes));
    return true;
}

void uncharge_memory(v8::Isolate *, size_t bytes)
{
    limits_outside(-static_cast<int64_t>(bytes));
}

} // namespace isolane
