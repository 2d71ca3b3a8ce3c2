// Warm-up: takes the copy-on-write faults and lazy compilations that every job would pay for.
//
// Run a few times in the zygote (functions get compiled there, once for all cells) and once in each
// cell before its job is known. The texts must be unlike any job's, or V8's compilation cache would
// hand a job our script; declarations stay in block or module scope, and what is printed is dropped
// (engine.muted), so that a job finds no trace.
#include "sandbox/engine/internal.h"

#include <cstdio>

namespace isolane
{

namespace
{

constexpr char kScript[] =
    "{ let s = 0; for (let i = 0; i < 10; i++) s += i;"
    "  console.log('warm %%d', s, {a: [1, 'x'], m: new Map([[1, 2]])}); console.error(`e${s}`); s }"
    "/* isolane warm-up script %d */";
constexpr char kModule[] =
    "const t = await Promise.resolve(1); export default async (i) => ({t, i});"
    "/* isolane warm-up module %d */";

v8::MaybeLocal<v8::String> numbered(const char *format, int round)
{
    char text[512];
    int n = snprintf(text, sizeof text, format, round);
    return text_of(text, static_cast<size_t>(n));
}

v8::MaybeLocal<v8::Value> run_script(v8::Local<v8::Context> context, v8::Local<v8::String> text)
{
    v8::ScriptOrigin origin(literal("isolane:warm"));
    v8::ScriptCompiler::Source source(text, origin);
    v8::Local<v8::Script> script;
    if (!v8::ScriptCompiler::Compile(context, &source).ToLocal(&script))
        return {};
    return script->Run(context);
}

// Never called: the module imports nothing.
v8::MaybeLocal<v8::Module> no_import(v8::Local<v8::Context>, v8::Local<v8::String>,
                                     v8::Local<v8::FixedArray>, v8::Local<v8::Module>)
{
    return {};
}

v8::MaybeLocal<v8::Value> run_module(v8::Local<v8::Context> context, v8::Local<v8::String> text)
{
    v8::Isolate *isolate = engine.isolate;
    v8::ScriptOrigin origin(literal("isolane:warm"), 0, 0, false, -1, {}, false, false, true);
    v8::ScriptCompiler::Source source(text, origin);
    v8::Local<v8::Module> module;
    v8::Local<v8::Value> value;
    if (!v8::ScriptCompiler::CompileModule(isolate, &source).ToLocal(&module) ||
        !module->InstantiateModule(context, no_import).FromMaybe(false) ||
        !module->Evaluate(context).ToLocal(&value))
        return {};
    isolate->PerformMicrotaskCheckpoint();
    if (!module->GetModuleNamespace()
             .As<v8::Object>()
             ->Get(context, literal("default"))
             .ToLocal(&value) ||
        !value->IsFunction() ||
        !value.As<v8::Function>()
             ->Call(context, v8::Undefined(isolate), 0, nullptr)
             .ToLocal(&value) ||
        !value->IsPromise())
        return {};
    isolate->PerformMicrotaskCheckpoint();
    return value.As<v8::Promise>()->Result();
}

} // namespace

void warm_round(int round)
{
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = engine.isolate->GetCurrentContext();
    v8::TryCatch caught(engine.isolate);
    v8::Local<v8::String> text;
    v8::Local<v8::Value> value;
    engine.muted = true;
    if (numbered(kScript, round).ToLocal(&text))
        (void)run_script(context, text);
    if (numbered(kModule, round).ToLocal(&text) && run_module(context, text).ToLocal(&value))
        (void)call_hook(context, HOOK_SERIALIZE, 1, &value);
    ErrorText described;
    describe(context, v8::Exception::TypeError(literal("isolane warm-up")), &described);
    engine.muted = false;
}

} // namespace isolane
