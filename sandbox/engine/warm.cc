// Warm-up: whole small jobs, run before the real one is known.
//
// In the zygote they make V8 compile what nearly every job uses, once for all cells; in a cell they
// take the copy-on-write faults that its job would otherwise wait for. They go through the same
// code as a job, output discarded (engine.muted). The texts must be unlike any job's, or V8's
// compilation cache would hand a job our script; declarations stay in block or module scope, and
// the built-ins forget them at once, so that a job finds no trace. They
// draw no random numbers: what is drawn before the fork would be the same in every cell.
#include "sandbox/engine/internal.h"

#include <cstdio>
#include <cstring>

namespace isolane
{

namespace
{

// After three nothing more is compiled to bytecode; then V8 compiles what has become warm to
// machine code, all at once when enough of it has come together. Where a round less leaves that to
// the cells, each does it again (make bench-check: a fifth more instructions of a trivial job).
constexpr int kZygoteRounds = 5;
constexpr uint64_t kHeapBytes = kFirstHeapBytes, kMemoryBytes = 64u << 20, kValueBytes = 4096;

constexpr char kModule[] =
    "const list = await Promise.resolve([1, 'a']);"
    "console.log('warm %d', list.length, { list, m: new Map([[1, { x: null }]]) }, new Set(list));"
    "console.error(`${list}`, true);"
    "export default async (input) => { await null; return { input, list, t: Date.now() > 0 } };"
    "/* isolane warm-up */";
constexpr char kScript[] =
    "{ let s = 0; for (let i = 0; i < 10; i++) s += i; console.log('sum ' + s, s, [s, 1.5, , "
    "undefined]);"
    "  class A { #p = 1; get p() { return this.#p } static f(...a) { return a } }"
    "  const t = setTimeout(A.f, 1000, new A().p); clearTimeout(t); setImmediate(() => {});"
    "  const bytes = new TextEncoder().encode(JSON.stringify(structuredClone({ s, d: new Date(0) "
    "})));"
    "  console.info('%s %i %j', 'x', 7, { y: 1 }, new TextDecoder().decode(bytes), "
    "performance.now() >= 0);"
    "  try { null.x } catch (e) { console.warn(e, e.stack.length, /w(\\d+)/u.exec('w12')) }"
    "  queueMicrotask(() => console.debug(job.id, job.env, A.f(1, 2), A)); s }"
    "/* isolane warm-up */";
// The last match of a regular expression belongs to the context, and no built-in can take it back:
// the last one is of nothing (sandbox/js/main.js does the same for contexts from the snapshot).
constexpr char kForget[] = "/^/.exec('') /* isolane warm-up */";
constexpr char kThrows[] = "throw new TypeError('warm %d', { cause: 'isolane warm-up' })";

// In the cell only what nearly every job does: each cell pays for all of it, also the pages that
// its job does not need.
constexpr char kCell[] = "let s = 0; for (let i = 0; i < 3; i++) s += i; console.log('warm ' + s);"
                         "export default s; /* isolane warm-up */";

// Runs one job and gives its end; message: what it threw.
int run(int source, const char *script, int round, std::string *message)
{
    char text[2048];
    int n = snprintf(text, sizeof text, "%s // %d\n", script, round);
    engine_job job = {};
    job.source = source;
    job.clock_us = 1000;
    job.heap_bytes = kHeapBytes + preloaded_heap_bytes;
    job.memory_bytes = kMemoryBytes + preloaded_heap_bytes;
    job.value_bytes = kValueBytes;
    job.id = job.tenant = job.name = "isolane-warm";
    job.id_len = job.tenant_len = job.name_len = strlen(job.id);
    job.input = "{\"a\":[1,\"x\"]}";
    job.input_len = strlen(job.input);
    job.env = "{}";
    job.env_len = 2;
    job.script = text;
    job.script_len = static_cast<size_t>(n);
    engine_begin(&job);
    while (engine_pending() && engine_wait_us() == 0)
        engine_tick();
    engine_result result;
    engine_finish(&result);
    message->assign(result.message, result.message_len);
    return result.end;
}

} // namespace

// What loads parts of the built-ins (sandbox/js/parts.js) is compiled once for all cells.
static bool load_part()
{
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Value> name = literal("warm");
    return !call_hook(engine.context.Get(engine.isolate), HOOK_PART, 1, &name).IsEmpty();
}

bool warm_zygote(bool few_cells, char *why, size_t why_cap)
{
    std::string message;
    engine.muted = true;
    bool ok = few_cells || load_part();
    if (few_cells)
        ok = run(FRAME_MODULE, kCell, kZygoteRounds, &message) == FRAME_END_OK;
    for (int round = 0; !few_cells && ok && round < kZygoteRounds; round++)
        ok = run(FRAME_SCRIPT, kScript, round, &message) == FRAME_END_OK &&
             run(FRAME_SCRIPT, kThrows, round, &message) == FRAME_END_THREW &&
             run(FRAME_MODULE, kModule, round, &message) == FRAME_END_OK;
    ok = ok && run(FRAME_SCRIPT, kForget, kZygoteRounds, &message) == FRAME_END_OK &&
         job_forget_builtins();
    engine.muted = false;
    limits_forget();
    if (!ok)
        snprintf(why, why_cap, "the built-ins fail a trial job: %s", message.c_str());
    return ok;
}

void warm_cell()
{
    std::string message;
    engine.muted = true;
    run(FRAME_MODULE, kCell, 0, &message);
    job_forget_builtins();
    engine.muted = false;
    limits_forget();
}

} // namespace isolane
