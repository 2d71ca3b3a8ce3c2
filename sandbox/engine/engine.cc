// The C door to V8: start, fork, turns of the event loop. (Stopping: stop.cc.)
//
// How this works
//   One isolate, one context, one thread. engine_boot() enters the isolate for good; every function
//   below opens a handle scope, enters the context and runs one turn: JavaScript, then microtasks
//   until none is left, then the unhandled rejections (job.cc). Microtasks never run on their own
//   (policy kExplicit).
//
//   Random state. Everything a script can see must differ between cells forked from one zygote:
//   native modules throw away what they drew (after_fork), the built-ins' Math.random is seeded on
//   first use, page addresses get a fresh seed. What stays common: object hashes (they order
//   nothing that a script sees), the isolate's own generator, from which only V8's Math.random
//   draws, which is replaced before any script runs, and V8's hash seed. That one is drawn when the
//   zygote starts: the snapshot would bring one that is the same everywhere, for which anybody can
//   look for colliding keys at home. To give each cell its own would be to hash every name again
//   per job.
#include "sandbox/engine/internal.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sys/random.h>
#include <sys/resource.h>

namespace isolane
{

Engine engine;

const char *const hook_names[HOOKS] = {"begin",        "input",  "self",      "runTimers",
                                       "reply",        "stream", "serialize", "describe",
                                       "prepareStack", "permit", "part",      "uncaught"};

namespace
{

constexpr char kOwnHashSeed[] = "--rehash-snapshot"; // off in the official build; some 2 ms

// --single-threaded: a process that forks must not have threads. Tasks that only tidy up
// (memory reducer) would keep a cell busy that waits. A zygote keeps its compiled built-ins. With
// one thread nobody would ever do WebAssembly's optimizing tier, which otherwise runs in the
// background. Nor would a long loop ever leave Maglev's code for TurboFan's: V8 replaces the former
// on the stack only by what another thread has compiled. So loops go to TurboFan at once: up to
// four times faster, for 1 to 3 ms of compilation (bench/results/20261121-threads.md). Source phase
// imports are on as in Node.js.
constexpr char kFlags[] =
    "--single-threaded --no-memory-reducer --no-flush-bytecode --wasm-sync-tier-up "
    "--no-maglev-osr --js-source-phase-imports "
    "--freeze-flags-after-init";

std::string flags_in_force;

bool entropy(unsigned char *out, size_t n)
{
    return getrandom(out, n, 0) == static_cast<ssize_t>(n);
}

bool load_hooks(v8::Local<v8::Context> context)
{
    v8::Local<v8::Array> hooks;
    if (!context->GetDataFromSnapshotOnce<v8::Array>(0).ToLocal(&hooks))
        return false;
    for (uint32_t i = 0; i < HOOKS; i++) {
        v8::Local<v8::Value> hook;
        if (!hooks->Get(context, i).ToLocal(&hook) || !hook->IsFunction())
            return false;
        engine.hooks[i].Reset(engine.isolate, hook.As<v8::Function>());
    }
    return true;
}

} // namespace

namespace
{

// V8 throws RangeError beyond kScriptStack; its C++ (parser, JSON, regular expressions) and ICU go
// on a little below that, and signal handlers have a stack of their own. Where the process has less
// than both, which takes a hard limit of the operator's, scripts get what is left.
constexpr size_t kScriptStackKb = 984;
constexpr size_t kNativeStackKb = 1024;
constexpr size_t kLeastStackKb = 128;

size_t script_stack_kb()
{
    struct rlimit r;
    if (getrlimit(RLIMIT_STACK, &r) || r.rlim_cur == RLIM_INFINITY)
        return kScriptStackKb;
    size_t all_kb = r.rlim_cur >> 10;
    if (all_kb >= kScriptStackKb + kNativeStackKb)
        return kScriptStackKb;
    return std::max(all_kb / 2, kLeastStackKb);
}

} // namespace

void v8_start(const char *flags)
{
    // A job's dates and formats must not depend on the worker's machine.
    setenv("TZ", "UTC", 1);
    tzset(); // reads the zone file now: a cell could not open it
    setenv("LC_ALL", "en_US.UTF-8", 1);
    limits_tune_process();
    flags_in_force = kFlags;
    flags_in_force.append(" --stack-size=").append(std::to_string(script_stack_kb()));
    if (flags && *flags)
        flags_in_force.append(" ").append(flags);
    v8::V8::SetFlagsFromString(flags_in_force.data(), flags_in_force.size());
    v8::V8::SetEntropySource(entropy);
    v8::V8::InitializePlatform(platform_start());
    v8::V8::Initialize();
}

v8::Local<v8::String> literal(const char *text)
{
    return v8::String::NewFromUtf8(engine.isolate, text, v8::NewStringType::kInternalized)
        .ToLocalChecked();
}

v8::MaybeLocal<v8::String> text_of(const char *utf8, size_t len)
{
    if (len > static_cast<size_t>(v8::String::kMaxLength))
        return {};
    return v8::String::NewFromUtf8(engine.isolate, utf8, v8::NewStringType::kNormal,
                                   static_cast<int>(len));
}

v8::MaybeLocal<v8::Value> call_hook(v8::Local<v8::Context> context, Hook hook, int argc,
                                    v8::Local<v8::Value> *argv)
{
    return engine.hooks[hook]
        .Get(engine.isolate)
        ->Call(context, v8::Undefined(engine.isolate), argc, argv);
}

bool engine_enter_context(char *why, size_t why_cap)
{
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = v8::Context::New(engine.isolate);
    if (context.IsEmpty()) {
        snprintf(why, why_cap, "V8 makes no context");
        return false;
    }
    engine.context.Reset(engine.isolate, context);
    v8::Context::Scope inside(context);
    if (!load_hooks(context)) {
        snprintf(why, why_cap, "the startup snapshot lacks the built-ins' hooks: run make again");
        return false;
    }
    if (!permits_install(context)) {
        snprintf(why, why_cap, "the built-ins cannot take away what needs a permission");
        return false;
    }
#ifdef ISOLANE_ESCAPE
    escape_install(context);
#endif
    return true;
}

} // namespace isolane

using namespace isolane;

int engine_boot(const char *snapshot_path, const char *flags, bool few_cells,
                const struct engine_host *host, char *why, size_t why_cap)
{
    static v8::StartupData blob;
    engine.host = host;
    if (!snapshot_map(snapshot_path, &blob, why, why_cap))
        return -1;
    std::string all = few_cells ? "" : kOwnHashSeed;
    if (flags && *flags)
        all.append(all.empty() ? "" : " ").append(flags);
    v8_start(all.c_str());
    v8::Isolate::CreateParams params;
    params.snapshot_blob = &blob;
    params.external_references = external_references();
    params.array_buffer_allocator = limits_allocator();
    params.constraints.ConfigureDefaultsFromHeapSize(0, kFirstHeapBytes);
    params.constraints.set_max_young_generation_size_in_bytes(kYoungBytes);
    engine.isolate = v8::Isolate::New(params);
    engine.isolate->Enter();
    limits_install(engine.isolate);
    errors_install(engine.isolate);
    job_install(engine.isolate);
    stop_install(engine.isolate);

    if (!engine_enter_context(why, why_cap) || !warm_zygote(few_cells, why, why_cap))
        return -1;
    platform_forget_tasks(); // housekeeping of the trial jobs, that every cell would do again
    return 0;
}

void engine_after_fork(void)
{
    platform_after_fork();
    for (size_t i = 0; i < native_module_count; i++)
        if (native_modules[i]->after_fork)
            native_modules[i]->after_fork();
}

void engine_warm(void)
{
    warm_cell();
}

void engine_begin(const struct engine_job *job)
{
    Turn turn;
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = engine.context.Get(engine.isolate);
    v8::Context::Scope inside(context);
    clock_begin(job->clock_us);
    loop_begin();
    streams_begin();
    limits_begin(job);
    job_begin(job);
}

// Due time of V8's tasks. A job that is settled stays for no housekeeping, but for what a script
// has begun: a compilation, a wait for memory that was notified. It needs these permissions for it.
static int64_t tasks_wait_us()
{
    int64_t wait = platform_wait_us();
    if (!job_settled())
        return wait;
    return wait == 0 && limits.permissions & (FRAME_ALLOW_WASM | FRAME_ALLOW_SAB) ? 0 : -1;
}

bool engine_pending(void)
{
    if (limits.stop || job_ended())
        return false;
    return loop_waits() || streams_wait() || tasks_wait_us() >= 0;
}

int64_t engine_wait_us(void)
{
    int64_t timer = loop_wait_us();
    int64_t task = tasks_wait_us();
    if (timer < 0 || task < 0)
        return std::max(timer, task);
    return std::min(timer, task);
}

void engine_tick(void)
{
    if (limits.stop || job_ended())
        return;
    Turn turn;
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = engine.context.Get(engine.isolate);
    v8::Context::Scope inside(context);
    if (loop_timer_due()) {
        v8::TryCatch caught(engine.isolate);
        v8::Local<v8::Value> now =
            v8::Number::New(engine.isolate, static_cast<double>(clock_now_us()));
        if (call_hook(context, HOOK_RUN_TIMERS, 1, &now).IsEmpty() && !caught.HasTerminated())
            uncaught_error(context, caught.Exception(), caught.Message());
        job_after_turn(context);
    }
    if (!limits.stop && tasks_wait_us() == 0 && platform_run_tasks())
        job_after_turn(context);
}

void engine_reply(uint64_t call_id, bool ok, const char *json, size_t len)
{
    if (limits.stop || job_ended() || !loop_take_reply(call_id))
        return;
    Turn turn;
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = engine.context.Get(engine.isolate);
    v8::Context::Scope inside(context);
    v8::TryCatch caught(engine.isolate);
    v8::Local<v8::String> text;
    if (!text_of(json, len).ToLocal(&text)) {
        limits_stop(FRAME_END_MEMORY);
        return;
    }
    v8::Local<v8::Value> argv[] = {v8::Number::New(engine.isolate, static_cast<double>(call_id)),
                                   v8::Boolean::New(engine.isolate, ok), text};
    if (call_hook(context, HOOK_REPLY, 3, argv).IsEmpty() && !caught.HasTerminated())
        uncaught_error(context, caught.Exception(), caught.Message());
    job_after_turn(context);
}

void engine_stream(int frame_type, uint64_t id, const char *payload, size_t len)
{
    if (limits.stop || job_ended())
        return;
    Turn turn;
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = engine.context.Get(engine.isolate);
    v8::Context::Scope inside(context);
    v8::TryCatch caught(engine.isolate);
    if (!streams_take(frame_type, id, payload, len))
        return;
    v8::Local<v8::Value> number = v8::Number::New(engine.isolate, static_cast<double>(id));
    if (call_hook(context, HOOK_STREAM, 1, &number).IsEmpty() && !caught.HasTerminated())
        job_throw(context, caught.Exception(), caught.Message());
    job_after_turn(context);
}

bool engine_listens(void)
{
    return streams_wait();
}

void engine_finish(struct engine_result *out)
{
    Turn turn;
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = engine.context.Get(engine.isolate);
    v8::Context::Scope inside(context);
    job_finish(out);
}

bool engine_rest(void)
{
    char why[160];
    limits_forget();
    if (job_reuse() != FRAME_REUSE_TENANT)
        return true;
    platform_forget_tasks();
    return engine_enter_context(why, sizeof why);
}

uint64_t engine_heap_peak(void)
{
    return limits.heap_peak;
}

uint64_t engine_over_bytes(void)
{
    return limits.over_bytes;
}

const char *engine_flags(void)
{
    return flags_in_force.c_str();
}

const char *engine_version(void)
{
    static char text[48];
    if (!text[0])
        snprintf(text, sizeof text, "v8 %s", v8::V8::GetVersion());
    return text;
}
