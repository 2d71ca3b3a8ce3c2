// What a job may use of the language: eval, WebAssembly, SharedArrayBuffer. Everything here is set
// anew for each invocation; between two, and in the zygote, nothing is permitted.
//
// Two walls each, one in V8 and one in what the script can reach (sandbox/js/permits.js):
//   eval   V8 refuses to compile strings in the context.
//   wasm   V8 refuses to compile modules; what `WebAssembly` holds refuses before it looks at any
//          bytes, so that V8's decoder and its memories are out of reach too.
//   sab    No constructor on the global object, and no shared WebAssembly memory gives its buffer
//          away; V8 refuses Atomics.wait.
#include "sandbox/engine/internal.h"

namespace isolane
{

namespace
{

constexpr uint32_t kSeenByScripts = FRAME_ALLOW_WASM | FRAME_ALLOW_SAB;

uint32_t shown; // the permissions that the global object stands for

bool wasm_allowed(v8::Local<v8::Context>, v8::Local<v8::String>)
{
    return limits.permissions & FRAME_ALLOW_WASM;
}

bool show(v8::Local<v8::Context> context, uint32_t permissions)
{
    v8::Local<v8::Value> argv[] = {v8::Boolean::New(engine.isolate, permissions & FRAME_ALLOW_WASM),
                                   v8::Boolean::New(engine.isolate, permissions & FRAME_ALLOW_SAB)};
    if (call_hook(context, HOOK_PERMIT, 2, argv).IsEmpty())
        return false;
    shown = permissions & kSeenByScripts;
    return true;
}

} // namespace

bool permits_install(v8::Local<v8::Context> context)
{
    engine.isolate->SetAllowWasmCodeGenerationCallback(wasm_allowed);
    context->AllowCodeGenerationFromStrings(false);
    context->SetErrorMessageForCodeGenerationFromStrings(
        literal("Code generation from strings (eval, new Function) is not allowed for this job"));
    context->SetErrorMessageForWasmCodeGeneration(
        literal("WebAssembly is not allowed for this job"));
    engine.isolate->SetAllowAtomicsWait(false);
    return show(context, 0);
}

bool permits_begin(v8::Local<v8::Context> context)
{
    bool eval = limits.permissions & FRAME_ALLOW_EVAL;
    if (context->IsCodeGenerationFromStringsAllowed() != eval)
        context->AllowCodeGenerationFromStrings(eval);
    engine.isolate->SetAllowAtomicsWait(limits.permissions & FRAME_ALLOW_SAB);
    return shown == (limits.permissions & kSeenByScripts) || show(context, limits.permissions);
}

} // namespace isolane
