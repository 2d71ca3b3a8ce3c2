// Errors and rejections that nobody caught.
//
// How this works
//   An unhandled rejection ends the job as in Node: a promise that is still rejected without a
//   handler when the microtasks of the turn are done. Before that, and before an error that nobody
//   caught ends the job, the script's own listeners are asked (sandbox/js/global_events.js).
#include "sandbox/engine/internal.h"

#include <algorithm>

namespace isolane
{

namespace
{

struct Rejection {
    v8::Global<v8::Promise> promise;
    v8::Global<v8::Value> reason;
    Place place; // where, for reasons that carry no stack
};

TOGETHER std::vector<Rejection> rejections;
TOGETHER bool told; // a listener took care of a rejection: it hears when that gets a handler
TOGETHER std::vector<v8::Global<v8::Promise>> handled;

v8::Isolate *isolate()
{
    return engine.isolate;
}

// False when it was not kept.
bool forget_rejection(v8::Local<v8::Promise> promise)
{
    auto it = std::find_if(rejections.rbegin(), rejections.rend(),
                           [&](const Rejection &r) { return r.promise == promise; });
    if (it == rejections.rend())
        return false;
    rejections.erase(std::next(it).base());
    return true;
}

void on_reject(v8::PromiseRejectMessage message)
{
    v8::HandleScope scope(isolate());
    v8::Local<v8::Promise> promise = message.GetPromise();
    if (message.GetEvent() == v8::kPromiseHandlerAddedAfterReject) {
        if (!forget_rejection(promise) && told) // no script may run here
            handled.emplace_back(isolate(), promise);
        return;
    }
    if (message.GetEvent() != v8::kPromiseRejectWithNoHandler)
        return;
    v8::Local<v8::Value> reason = message.GetValue();
    if (reason.IsEmpty())
        reason = v8::Undefined(isolate());
    Place place = reason->IsNativeError() ? Place{} : place_here();
    rejections.push_back({v8::Global<v8::Promise>(isolate(), promise),
                          v8::Global<v8::Value>(isolate(), reason), place});
}

// Errors that no caller of ours sees: in FinalizationRegistry callbacks and bare microtasks.
void on_message(v8::Local<v8::Message> message, v8::Local<v8::Value> error)
{
    uncaught_error(isolate()->GetCurrentContext(), error, message);
}

// What listeners_take() tells of (sandbox/js/global_events.js).
enum Uncaught { UNCAUGHT_ERROR, UNCAUGHT_REJECTION, REJECTION_HANDLED };

// True: one takes care of it.
bool listeners_take(v8::Local<v8::Context> context, Uncaught kind, v8::Local<v8::Value> value,
                    v8::Local<v8::Value> promise, v8::Local<v8::Message> message)
{
    v8::TryCatch caught(isolate());
    Place place = kind == UNCAUGHT_ERROR ? place_of(context, value, message) : Place{};
    v8::Local<v8::String> text = v8::String::Empty(isolate()), file = text;
    if (kind == UNCAUGHT_ERROR) {
        if (!place.line) // reportError(5)
            place = place_here();
        if (message.IsEmpty())
            message = v8::Exception::CreateMessage(isolate(), value);
        text = message->Get();
        place_original(context, value, &place);
        const std::string &name = place.file.empty() ? job_name() : place.file;
        if (!text_of(name.data(), name.size()).ToLocal(&file))
            return false;
    }
    v8::Local<v8::Value> argv[] = {v8::Integer::New(isolate(), kind),
                                   value,
                                   promise,
                                   text,
                                   file,
                                   v8::Integer::NewFromUnsigned(isolate(), place.line),
                                   v8::Integer::NewFromUnsigned(isolate(), place.column)};
    v8::Local<v8::Value> taken;
    return call_hook(context, HOOK_UNCAUGHT, 7, argv).ToLocal(&taken) && taken->IsTrue();
}

} // namespace

void uncaught_install(v8::Isolate *i)
{
    i->SetPromiseRejectCallback(on_reject);
    i->AddMessageListener(on_message);
}

void uncaught_forget()
{
    rejections.clear();
    handled.clear();
    told = false;
}

bool uncaught_taken(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
                    v8::Local<v8::Message> message)
{
    return listeners_take(context, UNCAUGHT_ERROR, error, v8::Undefined(isolate()), message);
}

void uncaught_error(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
                    v8::Local<v8::Message> message)
{
    if (error.IsEmpty())
        error = v8::Undefined(isolate());
    if (!limits.stop && !uncaught_taken(context, error, message))
        job_throw(context, error, message);
}

bool uncaught_rejections(v8::Local<v8::Context> context, v8::Local<v8::Promise> awaited)
{
    std::vector<v8::Global<v8::Promise>> got_handlers;
    got_handlers.swap(handled);
    for (v8::Global<v8::Promise> &promise : got_handlers) {
        v8::Local<v8::Promise> p = promise.Get(isolate());
        listeners_take(context, REJECTION_HANDLED, p->Result(), p, {});
    }
    std::vector<Rejection> unhandled;
    unhandled.swap(rejections);
    bool ran = !got_handlers.empty();
    for (Rejection &r : unhandled) {
        v8::Local<v8::Promise> promise = r.promise.Get(isolate());
        if (!awaited.IsEmpty() && promise == awaited)
            continue; // the job's own
        v8::Local<v8::Value> reason = r.reason.Get(isolate());
        if (listeners_take(context, UNCAUGHT_REJECTION, reason, promise, {})) {
            told = ran = true;
            continue;
        }
        job_throw(context, reason, {}, &r.place);
        return false;
    }
    return ran && !job_ended();
}

void uncaught_handled(v8::Local<v8::Promise> promise)
{
    promise->MarkAsHandled();
    forget_rejection(promise);
}

} // namespace isolane
