// One invocation of a script.
//
// How this works
//
//   EVALUATING ──module evaluated──► CALLED ──value's promise fulfilled──► SETTLED
//       │ (classic script: skipped)     │                                     │ timers and calls
//       ▼                               ▼                                     ▼ may still run
//     threw ◄──────────────────────── threw ◄────────────────── threw (timer, unhandled rejection)
//
//   A module's value is its default export: a function is called with job.input and job, and
//   whatever comes out is awaited. A classic script's value is its completion value, awaited too.
//   After every turn job_after_turn() empties the microtasks and moves through these phases as far
//   as promises allow. job_finish() turns the value into JSON, or the error into text; both run
//   guest code (toJSON, getters), so both stand under the same ceilings and can be stopped.
//
//   Errors and rejections that nobody caught end it too: uncaught.cc.
//
//   Re-use of a script (FRAME_REUSE_SCRIPT, _AGAIN): the function that was exported is kept and
//   called again with the next job's input. Of the invocation before nothing runs on: timers that
//   nobody waits for are forgotten (the built-ins' begin()), microtasks and V8's tasks are worked
//   off before the result (settle_rest); a process with a failure behind it, or with anything of
//   the script's still to come, ends (may_stay). What the script keeps in its variables stays.
#include "sandbox/engine/internal.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace isolane
{

namespace
{

enum class Phase {
    IDLE,
    EVALUATING, // the module waits for its top-level await
    CALLED,     // the value is a promise that is not settled
    SETTLED     // the value is known; what is pending may still run
};

struct Job {
    Phase phase = Phase::IDLE;
    std::string name; // file name for stacks
    v8::Global<v8::Module> module;
    v8::Global<v8::Promise> awaited;
    v8::Global<v8::Value> value;
    bool threw = false;
    v8::Global<v8::Value> error;
    Place place;
    std::string picture;    // of a syntax error, stands before its name
    std::string internal;   // our own failure
    std::string stopped_at; // its stack when it was stopped
    size_t script_len = 0;
    int reuse = FRAME_REUSE_NONE;
    v8::Global<v8::Function> handler; // FRAME_REUSE_SCRIPT, once the module is evaluated
};
Job job;

constexpr char kNeverSettled[] = "the job's promise never settled: nothing is left to wait for";
constexpr size_t kSpecifierShown = 200;
constexpr char kNoHandler[] =
    "with reuse \"script\" the default export of a module must be a function "
    "(input, job) => value; found: ";
// V8 counts the lines of a source when it first tells one: milliseconds for a longer one, which a
// script at the end of its time does not have.
constexpr size_t kPlacedSource = 1u << 20;

v8::Isolate *isolate()
{
    return engine.isolate;
}

// A line of a stack, as V8 writes it.
std::string frame_at(const Place &place)
{
    return "\n    at " + place.file + ":" + std::to_string(place.line) + ":" +
           std::to_string(place.column);
}

// ---- phases ----

// Waits for the value when it may be a promise; anything else is the value.
void await_value(v8::Local<v8::Context> context, v8::Local<v8::Value> value)
{
    job.phase = Phase::SETTLED;
    if (!value->IsObject()) {
        job.value.Reset(isolate(), value);
        return;
    }
    // Resolving a promise of our own follows thenables the way `await` does.
    v8::Local<v8::Promise::Resolver> resolver;
    if (!v8::Promise::Resolver::New(context).ToLocal(&resolver))
        return;
    resolver->GetPromise()->MarkAsHandled();
    if (resolver->Resolve(context, value).IsNothing())
        return;
    job.awaited.Reset(isolate(), resolver->GetPromise());
    job.phase = Phase::CALLED;
}

bool call_handler(v8::Local<v8::Context> context, v8::Local<v8::Function> handler,
                  v8::Local<v8::Value> *value)
{
    v8::Local<v8::Value> argv[2];
    return call_hook(context, HOOK_INPUT, 0, nullptr).ToLocal(&argv[0]) &&
           call_hook(context, HOOK_SELF, 0, nullptr).ToLocal(&argv[1]) &&
           handler->Call(context, v8::Undefined(isolate()), 2, argv).ToLocal(value);
}

// The module is evaluated: its default export, called when it is a function.
void take_export(v8::Local<v8::Context> context)
{
    v8::TryCatch caught(isolate());
    v8::Local<v8::Object> exports =
        job.module.Get(isolate())->GetModuleNamespace().As<v8::Object>();
    v8::Local<v8::Value> value;
    bool ok = exports->Get(context, literal("default")).ToLocal(&value);
    if (ok && job.reuse == FRAME_REUSE_SCRIPT && !value->IsFunction()) {
        std::string found = utf8_of(value->TypeOf(isolate()), kSpecifierShown);
        throw_type_error(isolate(), (std::string(kNoHandler) + found).c_str());
        ok = false;
    } else if (ok && value->IsFunction()) {
        if (job.reuse == FRAME_REUSE_SCRIPT)
            job.handler.Reset(isolate(), value.As<v8::Function>());
        ok = call_handler(context, value.As<v8::Function>(), &value);
    }
    if (ok)
        await_value(context, value);
    else if (!caught.HasTerminated())
        job_throw(context, caught.Exception(), caught.Message());
}

// The script threw, and one of its listeners says that it may go on.
void settle_without_value()
{
    job.awaited.Reset();
    job.value.Reset();
    job.phase = Phase::SETTLED;
}

// The kept function once more.
void call_again(v8::Local<v8::Context> context)
{
    v8::TryCatch caught(isolate());
    v8::Local<v8::Value> value;
    if (job.handler.IsEmpty())
        job.internal = "no script is kept";
    else if (call_handler(context, job.handler.Get(isolate()), &value))
        await_value(context, value);
    else if (!caught.HasTerminated())
        job_throw(context, caught.Exception(), caught.Message());
}

// Nothing of this invocation runs in the time of the next, and none has to clear up behind it.
void settle_rest(int end)
{
    if (job.reuse == FRAME_REUSE_NONE || limits.stop)
        return;
    v8::TryCatch caught(isolate());
    isolate()->PerformMicrotaskCheckpoint();
    if (end == FRAME_END_OK && job.reuse != FRAME_REUSE_TENANT && !limits.stop) {
        job.value.Reset();
        limits_clear_up();
    }
    if (platform_wait_us() == 0 && platform_run_tasks() && !limits.stop)
        isolate()->PerformMicrotaskCheckpoint();
}

// A wake-up or a compilation that the script began and that would come in the time of the next.
// V8's own tasks with a delay are housekeeping, unless they may be time-outs of Atomics.waitAsync.
bool has_work_left()
{
    int64_t wait_us = platform_wait_us();
    return (wait_us == 0 && limits.permissions & (FRAME_ALLOW_WASM | FRAME_ALLOW_SAB)) ||
           (wait_us > 0 && limits.permissions & FRAME_ALLOW_SAB);
}

// Whether another invocation may follow in this process: behind one that failed, none.
bool may_stay(int end)
{
    if (end != FRAME_END_OK || limits_crowded(job.reuse))
        return false;
    return job.reuse == FRAME_REUSE_TENANT || (!job.handler.IsEmpty() && !has_work_left());
}

// One step, when what is awaited has settled. True when guest code ran and microtasks may be there.
bool advance(v8::Local<v8::Context> context)
{
    if (job.phase != Phase::EVALUATING && job.phase != Phase::CALLED)
        return false;
    v8::Local<v8::Promise> promise = job.awaited.Get(isolate());
    if (promise->State() == v8::Promise::kPending)
        return false;
    if (promise->State() == v8::Promise::kRejected) {
        bool evaluating = job.phase == Phase::EVALUATING;
        if (evaluating && uncaught_taken(context, promise->Result(), {})) {
            settle_without_value();
            return true;
        }
        job_throw(context, promise->Result(), {});
        return false;
    }
    job.awaited.Reset();
    if (job.phase == Phase::EVALUATING) {
        take_export(context);
        return true;
    }
    job.value.Reset(isolate(), promise->Result());
    job.phase = Phase::SETTLED;
    return false;
}

// ---- start ----

// Hands id, input and so on to the built-ins, which make the script's `job`. One by one: an object
// of so many members would be as many maps in each context.
bool begin_builtins(v8::Local<v8::Context> context, const engine_job *j)
{
    v8::Local<v8::String> id, tenant, input, env, grants, parents;
    if (!text_of(j->id, j->id_len).ToLocal(&id) ||
        !text_of(j->tenant, j->tenant_len).ToLocal(&tenant) ||
        !text_of(j->input, j->input_len).ToLocal(&input) ||
        !text_of(j->env, j->env_len).ToLocal(&env) ||
        !text_of(j->grants, j->grants_len).ToLocal(&grants) ||
        !text_of(j->parents, j->parents_len).ToLocal(&parents))
        return false;
    v8::Local<v8::Value> argv[] = {id,
                                   tenant,
                                   v8::Integer::NewFromUnsigned(isolate(), j->attempt),
                                   v8::Boolean::New(isolate(), j->reuse == FRAME_REUSE_AGAIN),
                                   input,
                                   env,
                                   grants,
                                   parents};
    return !call_hook(context, HOOK_BEGIN, sizeof argv / sizeof *argv, argv).IsEmpty();
}

// Compile and evaluate; false when that threw (the caller's TryCatch has it).
bool run_module(v8::Local<v8::Context> context, bool *compiled)
{
    v8::Local<v8::Module> module;
    v8::Local<v8::Value> evaluated;
    if (!modules_main(context, &module))
        return false;
    *compiled = true;
    if (!module->Evaluate(context).ToLocal(&evaluated))
        return false;
    job.module.Reset(isolate(), module);
    job.awaited.Reset(isolate(), evaluated.As<v8::Promise>());
    evaluated.As<v8::Promise>()->MarkAsHandled();
    job.phase = Phase::EVALUATING;
    return true;
}

bool run_script(v8::Local<v8::Context> context, bool *compiled)
{
    v8::Local<v8::String> text, name;
    v8::Local<v8::Script> script;
    v8::Local<v8::Value> value;
    if (!modules_text(&text) || !text_of(job.name.data(), job.name.size()).ToLocal(&name)) {
        limits_stop(FRAME_END_HEAP);
        return false;
    }
    v8::ScriptOrigin origin(name, 0, 0, false, -1, {}, false, false, false, modules_options());
    v8::ScriptCompiler::CachedData *code = code_for(0, job.name);
    v8::ScriptCompiler::Source source(text, origin, code);
    v8::TryCatch caught(isolate());
    if (!v8::ScriptCompiler::Compile(context, &source, code_option(code)).ToLocal(&script)) {
        errors_note(context, caught);
        caught.ReThrow();
        return false;
    }
    *compiled = true;
    if (!script->Run(context).ToLocal(&value)) {
        caught.ReThrow();
        return false;
    }
    await_value(context, value);
    return true;
}

void run_source(v8::Local<v8::Context> context, const engine_job *j)
{
    v8::TryCatch caught(isolate());
    bool compiled = false;
    if (j->source == FRAME_MODULE ? run_module(context, &compiled) : run_script(context, &compiled))
        return;
    if (caught.HasTerminated() || limits.stop)
        return;
    if (compiled && uncaught_taken(context, caught.Exception(), caught.Message())) {
        settle_without_value();
        return;
    }
    job_throw(context, caught.Exception(), caught.Message());
}

// ---- end ----

void never_settled(ErrorText *text)
{
    text->name = "Error";
    text->message = kNeverSettled;
    text->stack = "Error: " + text->message;
    if (job.phase != Phase::EVALUATING)
        return;
    auto [modules, messages] =
        job.module.Get(isolate())->GetStalledTopLevelAwaitMessages(isolate());
    if (messages.size() == 0)
        return;
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    text->place = place_of(context, v8::Undefined(isolate()), messages[0]);
    text->stack += frame_at(text->place);
}

// The value's JSON. False when it threw or is too long, with `end` and `text` filled.
bool take_value(v8::Local<v8::Context> context, std::string *json, int *end, ErrorText *text)
{
    v8::TryCatch caught(isolate());
    v8::Local<v8::Value> value = job.value.Get(isolate()), result;
    if (value.IsEmpty() || value->IsUndefined())
        return true; // JSON has none
    if (!call_hook(context, HOOK_SERIALIZE, 1, &value).ToLocal(&result)) {
        if (!caught.HasTerminated())
            job_throw(context, caught.Exception(), caught.Message());
        return false;
    }
    if (!result->IsString())
        return true;
    size_t len = result.As<v8::String>()->Utf8LengthV2(isolate());
    if (len > limits.value_bytes) {
        *end = FRAME_END_OUTPUT;
        limits.over_bytes = len;
        text->message = "the value has " + std::to_string(len) + " bytes of JSON; at most " +
                        std::to_string(limits.value_bytes) + " are allowed";
        return false;
    }
    *json = utf8_of(result.As<v8::String>(), len);
    return true;
}

int conclude(v8::Local<v8::Context> context, std::string *json, ErrorText *text)
{
    int end = FRAME_END_THREW;
    if (!job.internal.empty()) {
        text->message = job.internal;
        return FRAME_END_INTERNAL;
    }
    if (!job.threw && job.phase != Phase::SETTLED) {
        never_settled(text);
        return end;
    }
    if (!job.threw && take_value(context, json, &end, text))
        return FRAME_END_OK;
    if (!job.threw)
        return end;
    v8::Local<v8::Value> error = job.error.Get(isolate());
    describe(context, error, text);
    text->place = job.place;
    if (!place_original(context, error, &text->place) && !job.picture.empty())
        text->stack = job.picture + "\n" + text->name + ": " + text->message;
    return end;
}

void forget_job()
{
    job.module.Reset();
    job.awaited.Reset();
    job.value.Reset();
    job.error.Reset();
    uncaught_forget();
    job.phase = Phase::IDLE;
}

} // namespace

void job_install(v8::Isolate *i)
{
    i->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
    uncaught_install(i);
    modules_install(i);
}

void job_begin(const engine_job *j)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    forget_job();
    job.threw = false;
    job.place = {};
    job.picture.clear();
    job.internal.clear();
    job.stopped_at.clear();
    job.reuse = j->reuse == FRAME_REUSE_AGAIN ? FRAME_REUSE_SCRIPT : j->reuse;
    if (j->reuse != FRAME_REUSE_AGAIN) {
        job.handler.Reset();
        job.script_len = j->script_len;
        job.name.assign(j->name, j->name_len);
        modules_begin(j);
    }
    errors_begin();
    {
        v8::TryCatch caught(isolate());
        if (!permits_begin(context) || !begin_builtins(context, j)) {
            if (!limits.stop)
                job.internal = "the built-ins could not start the job";
            return;
        }
    }
    if (j->reuse == FRAME_REUSE_AGAIN)
        call_again(context);
    else
        run_source(context, j);
    job_after_turn(context);
}

bool job_forget_builtins()
{
    v8::HandleScope scope(isolate());
    v8::Local<v8::Context> context = engine.context.Get(isolate());
    v8::Context::Scope inside(context);
    return !call_hook(context, HOOK_BEGIN, 0, nullptr).IsEmpty();
}

bool job_settled()
{
    return job.phase == Phase::SETTLED;
}

bool job_ended()
{
    return job.threw || !job.internal.empty() || job.phase == Phase::IDLE;
}

void job_after_turn(v8::Local<v8::Context> context)
{
    v8::TryCatch caught(isolate());
    do {
        if (job_ended() || limits.stop)
            return;
        isolate()->PerformMicrotaskCheckpoint();
    } while (!limits.stop && (uncaught_rejections(context, job.awaited.Get(isolate())) ||
                              (!job_ended() && advance(context))));
}

void job_throw(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
               v8::Local<v8::Message> message, const Place *otherwise)
{
    if (job.threw)
        return; // the first counts
    if (error.IsEmpty())
        error = v8::Undefined(isolate());
    job.threw = true;
    job.error.Reset(isolate(), error);
    if (!errors_noted(error, &job.place, &job.picture))
        job.place = place_of(context, error, message);
    if (!job.place.line && otherwise)
        job.place = *otherwise;
}

const std::string &job_name()
{
    return job.name;
}

void job_note_stop()
{
    if (job.phase == Phase::IDLE && job.script_len == 0)
        return;
    if (job.script_len > kPlacedSource || !job.stopped_at.empty())
        return;
    v8::HandleScope scope(isolate());
    job.stopped_at = frames_here();
    job.place = place_here();
}

void job_finish(engine_result *out)
{
    static std::string json;
    static ErrorText text;
    json.clear();
    text = {};
    int end = limits.stop ? 0 : conclude(isolate()->GetCurrentContext(), &json, &text);
    settle_rest(end);
    limits_note_heap();
    if (limits.stop) { // also when it came while concluding
        end = limits.stop;
        json.clear();
        text = {};
        text.message = limits_message(end);
        text.stack = job.stopped_at;
        if (!job.stopped_at.empty())
            text.place = job.place;
    }
    bool stays = job.reuse != FRAME_REUSE_NONE && may_stay(end);
    forget_job();
    *out = {};
    out->end = end;
    out->line = text.place.line;
    out->column = text.place.column;
    out->value = json.data(), out->value_len = json.size();
    out->name = text.name.data(), out->name_len = text.name.size();
    out->message = text.message.data(), out->message_len = text.message.size();
    out->stack = text.stack.data(), out->stack_len = text.stack.size();
    out->heap_peak =
        limits.heap_peak > limits.heap_floor ? limits.heap_peak - limits.heap_floor : 0;
    out->memory_peak =
        limits.outside_peak +
        (out->heap_peak > limits.heap_at_first ? out->heap_peak - limits.heap_at_first : 0);
    out->over_bytes = limits.over_bytes;
    out->stays = stays;
}

int job_reuse()
{
    return job.reuse;
}

} // namespace isolane
