// A tool that a zygote loads before it forks (config/profile.h: `preload`).
//
// How this works: the tool's file runs once, as a classic script, through the same code as any job,
// with WebAssembly and a heap of its own size. It leaves one function on the global object,
// `isolaneTool`, and everything that it has compiled and warmed up; each cell of the zygote finds
// that in its heap. The supervisor's invocation then calls it with job.input and takes what it
// returns. The file is the build's and no tenant's; what tenants wrote only ever comes as data.
#include "sandbox/engine/internal.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace isolane
{

namespace
{

constexpr uint64_t kValueBytes = 4096;

} // namespace

size_t preloaded_heap_bytes;

} // namespace isolane

using namespace isolane;

int engine_preload(const char *path, uint64_t heap_bytes, bool quick, char *why, size_t why_cap)
{
    static constexpr char kName[] = "isolane:tool"; // frames of it are never shown
    std::string source;
    if (!read_all(path, &source)) {
        snprintf(why, why_cap, "cannot read %s: %s", path, strerror(errno));
        return -1;
    }
    engine_job job = {};
    job.source = FRAME_SCRIPT;
    job.clock_us = 1000;
    job.permissions = FRAME_ALLOW_WASM;
    job.heap_bytes = job.memory_bytes = heap_bytes;
    job.value_bytes = kValueBytes;
    job.id = job.tenant = job.name = kName;
    job.id_len = job.tenant_len = job.name_len = sizeof kName - 1;
    job.input = quick ? "{\"quick\":true}" : "{\"quick\":false}";
    job.input_len = strlen(job.input);
    job.env = "{}";
    job.env_len = 2;
    job.script = source.data();
    job.script_len = source.size();
    engine.muted = true;
    preloaded_heap_bytes = heap_bytes; // of the warm-up jobs that follow in the cells
    engine_begin(&job);
    while (engine_pending() && engine_wait_us() == 0)
        engine_tick();
    engine_result result;
    engine_finish(&result);
    job_forget_builtins();
    engine.muted = false;
    limits_forget();
    platform_forget_tasks();
    if (result.end == FRAME_END_OK)
        return 0;
    snprintf(why, why_cap, "%s does not start: %.*s: %.*s", path, static_cast<int>(result.name_len),
             result.name, static_cast<int>(result.message_len), result.message);
    return -1;
}
