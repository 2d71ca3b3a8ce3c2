// native.loop: the built-ins' way to timers, host calls, output and the clock. The queue of timers
// is JavaScript (sandbox/js); here is only when the next one is due, as a plain number, so that a
// cell that waits for nothing never enters JavaScript to find out.
#include "sandbox/engine/internal.h"

#include <cmath>

namespace isolane
{

namespace
{

constexpr size_t kChunkUnits = 5u << 10; // UTF-16 units encoded at a time; 3 bytes each at most
constexpr size_t kChunkBytes = 3 * kChunkUnits;
static_assert(kChunkBytes <= FRAME_OUTPUT_MAX, "a chunk of output must fit a frame");

int64_t due_us = -1; // on the job's clock
TOGETHER bool idle;  // only timers wait for which a settled job does not stay
TOGETHER uint32_t calls_out;
TOGETHER uint64_t last_call_id;
TOGETHER uint64_t earlier_calls; // ids up to this are of invocations before

void arm(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    double due = args.Length() > 0 && args[0]->IsNumber() ? args[0].As<v8::Number>()->Value() : -1;
    due_us = due >= 0 && due < 9e15 ? static_cast<int64_t>(std::ceil(due)) : -1;
    idle = args.Length() > 1 && args[1]->IsTrue();
}

void now(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    args.GetReturnValue().Set(static_cast<double>(clock_now_us()));
}

void time_ms(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    args.GetReturnValue().Set(clock_time_ms());
}

// Appends one code point as UTF-8.
size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = static_cast<char>(c);
        return 1;
    }
    if (c < 0x800) {
        out[0] = static_cast<char>(0xc0 | c >> 6);
        out[1] = static_cast<char>(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = static_cast<char>(0xe0 | c >> 12);
        out[1] = static_cast<char>(0x80 | (c >> 6 & 0x3f));
        out[2] = static_cast<char>(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = static_cast<char>(0xf0 | c >> 18);
    out[1] = static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out[2] = static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out[3] = static_cast<char>(0x80 | (c & 0x3f));
    return 4;
}

// Code point at units[*i], moving past it; a lone surrogate reads as U+FFFD.
uint32_t take_utf16(const uint16_t *units, size_t n, size_t *i)
{
    uint32_t c = units[(*i)++];
    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c < 0xdc00 && *i < n && units[*i] >= 0xdc00 && units[*i] <= 0xdfff)
        return 0x10000 + ((c - 0xd800) << 10) + (units[(*i)++] - 0xdc00u);
    return 0xfffd;
}

bool give(int stream, const char *text, size_t len)
{
    if (engine.muted || !len)
        return true;
    HostCall host;
    return engine.host->output(stream, text, len);
}

// Hands the text over in chunks of whole characters. False when the budget is used up.
bool put_text(v8::Isolate *isolate, int stream, v8::Local<v8::String> text)
{
    static char out[kChunkBytes + 4];
    v8::String::ValueView view(isolate, text);
    size_t n = static_cast<size_t>(view.length()), len = 0;
    for (size_t i = 0; i < n;) {
        len += put_utf8(out + len,
                        view.is_one_byte() ? view.data8()[i++] : take_utf16(view.data16(), n, &i));
        if (len >= kChunkBytes - 4) {
            if (!give(stream, out, len))
                return false;
            len = 0;
        }
    }
    return give(stream, out, len);
}

void write(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    if (args.Length() < 2 || !args[0]->IsInt32() || !args[1]->IsString()) {
        throw_type_error(isolate, "output.write needs a stream number and a string");
        return;
    }
    int stream = args[0].As<v8::Int32>()->Value();
    if (stream != FRAME_STDOUT && stream != FRAME_STDERR) {
        throw_range_error(isolate, "output.write: the stream must be 1 or 2");
        return;
    }
    if (limits.stop) // by a signal that could do no more than set this
        stop_script();
    else if (!put_text(isolate, stream, args[1].As<v8::String>()))
        limits_stop(FRAME_END_OUTPUT);
}

// name and JSON text → the host. False when it threw.
bool send_to_host(const v8::FunctionCallbackInfo<v8::Value> &args, uint64_t id)
{
    v8::Isolate *isolate = args.GetIsolate();
    if (args.Length() < 2 || !args[0]->IsString() || !args[1]->IsString()) {
        throw_type_error(isolate, "a host call needs a name and a JSON text");
        return false;
    }
    std::string name = utf8_of(args[0].As<v8::String>(), FRAME_CALL_NAME_MAX + 1);
    std::string json = utf8_of(args[1].As<v8::String>(), FRAME_CALL_MAX + 1);
    if (name.empty() || name.size() > FRAME_CALL_NAME_MAX) {
        throw_range_error(isolate, "the name of a host call must have 1 to 64 bytes");
        return false;
    }
    if (json.size() + name.size() + sizeof(frame_call) > FRAME_CALL_MAX) {
        throw_range_error(isolate, "the arguments of a host call must not exceed 64 KiB of JSON");
        return false;
    }
    if (engine.muted)
        return true;
    HostCall host;
    if (!engine.host->call(id, name.c_str(), json.data(), json.size()))
        limits_stop(FRAME_END_TERMINATED); // nobody is there any more
    return true;
}

void call(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    if (calls_out >= FRAME_CALLS_MAX) {
        throw_range_error(args.GetIsolate(),
                          "too many host calls at once: at most 256 may wait for an answer");
        return;
    }
    if (!send_to_host(args, last_call_id + 1))
        return;
    last_call_id++;
    if (!engine.muted)
        calls_out++;
    args.GetReturnValue().Set(static_cast<double>(last_call_id));
}

void note(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    send_to_host(args, 0);
}

// Microtasks between two timer callbacks, as in Node and browsers.
void drain(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    args.GetIsolate()->PerformMicrotaskCheckpoint();
}

// What the callback throws comes to the message listener, with its place.
void microtask(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    if (args.Length() < 1 || !args[0]->IsFunction())
        throw_type_error(args.GetIsolate(), "loop.microtask needs a function");
    else
        args.GetIsolate()->EnqueueMicrotask(args[0].As<v8::Function>());
}

// A built-in has caught what a callback threw: the same as if nobody had.
void report(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    uncaught_error(args.GetIsolate()->GetCurrentContext(), args[0], {});
}

const NativeFunction functions[] = {
    {"report", report}, {"microtask", microtask}, {"arm", arm},   {"now", now},
    {"time", time_ms},  {"call", call},           {"note", note}, {"drain", drain},
};

// Apart, for it is all that most contexts have of these.
const NativeFunction output_functions[] = {{"write", write}};

} // namespace

const NativeModule native_loop = {"loop", functions, sizeof functions / sizeof *functions, nullptr};
const NativeModule native_output = {"output", output_functions, 1, nullptr};

void loop_begin()
{
    due_us = -1;
    idle = false;
    calls_out = 0;
    earlier_calls = last_call_id;
}

bool loop_waits()
{
    return (due_us >= 0 && (!idle || !job_settled())) || calls_out > 0;
}

int64_t loop_wait_us()
{
    return due_us < 0 ? -1 : clock_wait_us(static_cast<double>(due_us));
}

bool loop_timer_due()
{
    return loop_wait_us() == 0;
}

bool loop_take_reply(uint64_t id)
{
    if (!calls_out || id <= earlier_calls)
        return false;
    calls_out--;
    return true;
}

} // namespace isolane
