// What was thrown, as text and place.
//
// The text comes from the built-ins (hooks.describe knows every hostile shape of a thrown value);
// the place comes from V8, skipping frames of the built-ins: a script's author wants the line in
// the script, not the one in our console.
#include "sandbox/engine/internal.h"

#include <algorithm>

namespace isolane
{

namespace
{

constexpr int kFramesSearched = 10;
constexpr size_t kFileMax = 4096;
constexpr size_t kNoted = 16;        // errors at a time
constexpr size_t kNameShown = 200;   // of a function, of a file
constexpr size_t kSourceShown = 120; // characters of a source line around the error

struct Noted {
    v8::Global<v8::Value> error;
    Place place;
    std::string picture;
};
std::vector<Noted> noted;

bool is_internal(v8::Local<v8::Value> script_name)
{
    if (script_name.IsEmpty() || !script_name->IsString())
        return true;
    std::string name = utf8_of(script_name.As<v8::String>(), sizeof kInternalPrefix);
    return name.empty() || name.starts_with(kInternalPrefix);
}

/* The place of the next frame in a file of the job, from *at on, which moves behind it. */
Place next_place(v8::Local<v8::StackTrace> stack, int *at)
{
    v8::Isolate *isolate = v8::Isolate::GetCurrent();
    int n = stack.IsEmpty() ? 0 : std::min(stack->GetFrameCount(), kFramesSearched);
    while (*at < n) {
        v8::Local<v8::StackFrame> frame = stack->GetFrame(isolate, static_cast<uint32_t>((*at)++));
        if (!is_internal(frame->GetScriptName()) && frame->GetLineNumber() > 0)
            return {static_cast<uint32_t>(frame->GetLineNumber()),
                    static_cast<uint32_t>(std::max(frame->GetColumn(), 0)),
                    utf8_of(frame->GetScriptName().As<v8::String>(), kFileMax)};
    }
    return {};
}

Place place_in(v8::Local<v8::StackTrace> stack)
{
    int at = 0;
    return next_place(stack, &at);
}

// error.stack when first read: V8 hands over the error and its CallSite objects.
v8::MaybeLocal<v8::Value> prepare_stack(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
                                        v8::Local<v8::Array> sites)
{
    v8::Local<v8::Value> argv[] = {error, sites};
    return call_hook(context, HOOK_STACK, 2, argv);
}

std::string field(v8::Local<v8::Context> context, v8::Local<v8::Object> from, const char *name)
{
    v8::Local<v8::Value> v;
    if (!from->Get(context, literal(name)).ToLocal(&v) || !v->IsString())
        return {};
    return utf8_of(v.As<v8::String>(), FRAME_TEXT_MAX);
}

} // namespace

void errors_install(v8::Isolate *isolate)
{
    isolate->SetPrepareStackTraceCallback(prepare_stack);
    // Errors remember frames that a script cannot change: the place that we report.
    // Captured apart from error.stack (this option): V8 14.6 takes them from there otherwise, and
    // dies of Error.stackTraceLimit = Infinity when it cuts that to size.
    constexpr auto kApart = static_cast<v8::StackTrace::StackTraceOptions>(
        v8::StackTrace::kOverview | v8::StackTrace::kExposeFramesAcrossSecurityOrigins);
    isolate->SetCaptureStackTraceForUncaughtExceptions(true, kFramesSearched, kApart);
}

std::string utf8_of(v8::Local<v8::String> s, size_t cap)
{
    v8::Isolate *isolate = v8::Isolate::GetCurrent();
    std::string out(std::min(cap, s->Utf8LengthV2(isolate)), '\0');
    out.resize(s->WriteUtf8V2(isolate, out.data(), out.size(),
                              v8::String::WriteFlags::kReplaceInvalidUtf8));
    return out;
}

Place place_here()
{
    return place_in(v8::StackTrace::CurrentStackTrace(v8::Isolate::GetCurrent(), kFramesSearched));
}

std::string frames_here()
{
    v8::Isolate *isolate = v8::Isolate::GetCurrent();
    v8::Local<v8::StackTrace> stack =
        v8::StackTrace::CurrentStackTrace(isolate, kFramesSearched, v8::StackTrace::kDetailed);
    std::string lines;
    for (int i = 0, n = stack.IsEmpty() ? 0 : stack->GetFrameCount(); i < n; i++) {
        v8::Local<v8::StackFrame> frame = stack->GetFrame(isolate, static_cast<uint32_t>(i));
        if (is_internal(frame->GetScriptName()) || frame->GetLineNumber() <= 0)
            continue;
        std::string at = utf8_of(frame->GetScriptName().As<v8::String>(), kNameShown) + ":" +
                         std::to_string(frame->GetLineNumber()) + ":" +
                         std::to_string(std::max(frame->GetColumn(), 0));
        std::string function =
            frame->GetFunctionName().IsEmpty() ? "" : utf8_of(frame->GetFunctionName(), kNameShown);
        if (!lines.empty())
            lines += "\n";
        lines += function.empty() ? "    at " + at : "    at " + function + " (" + at + ")";
    }
    return lines;
}

Place place_of(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
               v8::Local<v8::Message> message)
{
    // An error's own stack agrees with what its author reads in error.stack; the message has the
    // place of the `throw`, and is all there is for syntax errors and other values.
    if (error->IsNativeError()) {
        Place place = place_in(v8::Exception::GetStackTrace(error));
        if (place.line)
            return place;
        if (message.IsEmpty())
            message = v8::Exception::CreateMessage(v8::Isolate::GetCurrent(), error);
    }
    if (message.IsEmpty() || is_internal(message->GetScriptResourceName()))
        return {};
    return {static_cast<uint32_t>(message->GetLineNumber(context).FromMaybe(0)),
            static_cast<uint32_t>(message->GetStartColumn(context).FromMaybe(-1) + 1),
            utf8_of(message->GetScriptResourceName().As<v8::String>(), kFileMax)};
}

bool place_original(v8::Local<v8::Context> context, v8::Local<v8::Value> error, Place *place)
{
    if (modules_original(context, place))
        return true;
    if (!place->line || !modules_mapped(place->file) || !error->IsNativeError())
        return false;
    v8::Local<v8::StackTrace> stack = v8::Exception::GetStackTrace(error);
    int at = 0;
    for (Place p = next_place(stack, &at); p.line; p = next_place(stack, &at))
        if (!modules_mapped(p.file) || modules_original(context, &p)) {
            *place = p;
            return true;
        }
    return false;
}

std::string picture_of(v8::Local<v8::Context> context, const Place &place,
                       v8::Local<v8::Message> message)
{
    v8::Local<v8::String> source;
    if (!message->GetSourceLine(context).ToLocal(&source))
        return {};
    std::string line = utf8_of(source, FRAME_TEXT_MAX);
    size_t marks = static_cast<size_t>(std::max(message->GetEndColumn(context).FromMaybe(0) -
                                                    message->GetStartColumn(context).FromMaybe(0),
                                                1));
    size_t column = place.column ? place.column - 1 : 0;
    if (line.size() > kSourceShown) { // a minified script is one long line
        size_t from = column > kSourceShown / 2 ? column - kSourceShown / 2 : 0;
        while (from > 0 && from < line.size() && (line[from] & 0xc0) == 0x80)
            from--;
        line = line.substr(std::min(from, line.size()), kSourceShown);
        column -= std::min(from, column);
    }
    marks = std::clamp<size_t>(marks, 1, kSourceShown - std::min(column, kSourceShown - 1));
    std::string indent;
    for (size_t i = 0; i < column; i++)
        indent += i < line.size() && line[i] == '\t' ? '\t' : ' ';
    return place.file + ":" + std::to_string(place.line) + "\n" + line + "\n" + indent +
           std::string(marks, '^');
}

void errors_begin()
{
    noted.clear();
}

void errors_note(v8::Local<v8::Context> context, const v8::TryCatch &caught)
{
    v8::Local<v8::Value> error = caught.Exception();
    v8::Local<v8::Message> message = caught.Message();
    if (error.IsEmpty() || !error->IsObject() || message.IsEmpty() ||
        errors_noted(error, nullptr, nullptr))
        return;
    Place place = place_of(context, v8::Undefined(v8::Isolate::GetCurrent()), message);
    if (!place.line)
        return;
    errors_note(error, place);
    noted.back().picture = picture_of(context, place, message);
}

void errors_note(v8::Local<v8::Value> error, const Place &place)
{
    if (noted.size() >= kNoted)
        noted.erase(noted.begin());
    noted.push_back({v8::Global<v8::Value>(v8::Isolate::GetCurrent(), error), place, {}});
}

bool errors_noted(v8::Local<v8::Value> error, Place *place, std::string *picture)
{
    for (const Noted &n : noted) {
        if (n.error != error)
            continue;
        if (place)
            *place = n.place;
        if (picture)
            *picture = n.picture;
        return true;
    }
    return false;
}

bool describe(v8::Local<v8::Context> context, v8::Local<v8::Value> error, ErrorText *out)
{
    v8::Isolate *isolate = v8::Isolate::GetCurrent();
    v8::TryCatch caught(isolate);
    v8::Local<v8::Value> result;
    if (call_hook(context, HOOK_DESCRIBE, 1, &error).ToLocal(&result) && result->IsObject()) {
        v8::Local<v8::Object> text = result.As<v8::Object>();
        out->name = field(context, text, "name");
        out->message = field(context, text, "message");
        out->stack = field(context, text, "stack");
        return true;
    }
    if (limits.stop || caught.HasTerminated())
        return false;
    // The stack is used up, or the script has broken something that describe() relies on.
    out->name = "Error";
    out->message = "the thrown value could not be described";
    return true;
}

} // namespace isolane
