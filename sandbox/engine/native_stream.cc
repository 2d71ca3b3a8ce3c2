// native.stream: bytes between the script and the supervisor (sandbox/frame.h). What has come lies
// here until it is read; the supervisor is given credit only by reading, so a script that does not
// read holds nothing, and one that is slow holds FRAME_STREAM_WINDOW.
//
//   read(id)               Uint8Array of what has come | undefined: wait, the hook `stream` tells |
//                          null: it ended well | string: it was aborted, and why
//   write(id, bytes, from) sends bytes from there: undefined: all of them | number: up to there,
//   wait
//                          for the hook | null: it is closed
//   close(id, ok, text)    ends it; what has not been read is dropped, and the number is no more
//   why(id)                what the supervisor said when it closed the stream
//   owed(id)               bytes that were sent and for which no new credit has come
//
// An unknown number throws: the built-ins take numbers from answers to host calls.
#include "sandbox/engine/internal.h"

#include <algorithm>
#include <cstring>

namespace isolane
{

namespace
{

constexpr size_t kTextMax = 1024; // of a CLOSE that the script words

struct Stream {
    uint64_t id = 0;
    uint32_t credit = 0;                   // bytes that we may send
    uint32_t window = 0;                   // the credit at first
    uint32_t given = 0;                    // and that we may still be sent
    bool reading = false, writing = false; // the script waits
    bool ended = false, ok = false;        // the supervisor's CLOSE has come
    bool closed = false;                   // ours is sent
    std::string arrived, why;
};

TOGETHER std::vector<Stream> streams;

Stream *find(uint64_t id)
{
    for (Stream &s : streams)
        if (s.id == id)
            return &s;
    return nullptr;
}

void forget(Stream *s)
{
    uncharge_memory(engine.isolate, s->arrived.size());
    streams.erase(streams.begin() + (s - streams.data()));
}

void send(int type, uint64_t id, const char *payload, size_t len)
{
    if (engine.muted)
        return;
    HostCall host;
    if (!engine.host->stream(type, id, payload, len))
        limits_stop(FRAME_END_TERMINATED); // nobody is there any more
}

void send_word(int type, uint64_t id, uint32_t word, const std::string &text)
{
    std::string payload(sizeof word, '\0');
    memcpy(payload.data(), &word, sizeof word);
    payload += text;
    send(type, id, payload.data(), payload.size());
}

void send_close(Stream *s, bool ok, const std::string &text)
{
    if (s->closed)
        return;
    s->closed = true;
    send_word(FRAME_CLOSE, s->id, ok, text);
}

// So much has been read that it is worth a frame.
void give_credit(Stream *s)
{
    auto held = static_cast<uint32_t>(s->given + s->arrived.size());
    if (s->ended || s->closed || held > FRAME_STREAM_WINDOW / 2)
        return;
    uint32_t more = FRAME_STREAM_WINDOW - held;
    s->given += more;
    send_word(FRAME_WINDOW, s->id, more, "");
}

Stream *stream_of(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    Stream *s = nullptr;
    if (args.Length() > 0 && args[0]->IsNumber())
        s = find(static_cast<uint64_t>(args[0].As<v8::Number>()->Value()));
    if (!s)
        throw_error(args.GetIsolate(), "there is no such stream");
    return s;
}

void read(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    Stream *s = stream_of(args);
    if (!s)
        return;
    if (!s->arrived.empty()) {
        v8::Local<v8::Uint8Array> bytes;
        if (!make_bytes(isolate, s->arrived.data(), s->arrived.size()).ToLocal(&bytes))
            return;
        uncharge_memory(isolate, s->arrived.size());
        s->arrived.clear();
        give_credit(s);
        args.GetReturnValue().Set(bytes);
        return;
    }
    if (!s->ended && !s->closed) {
        s->reading = true;
        give_credit(s);
        return;
    }
    v8::Local<v8::String> why;
    if (s->ended && s->ok)
        args.GetReturnValue().SetNull();
    else if (text_of(s->why.data(), s->why.size()).ToLocal(&why))
        args.GetReturnValue().Set(why);
}

void write(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    const uint8_t *bytes = nullptr;
    size_t len = 0;
    Stream *s = stream_of(args);
    if (!s)
        return;
    if (args.Length() < 3 || !bytes_of(args[1], &bytes, &len) || !args[2]->IsNumber()) {
        throw_type_error(isolate, "stream.write needs bytes and a position");
        return;
    }
    double position = args[2].As<v8::Number>()->Value();
    if (s->ended || s->closed) {
        args.GetReturnValue().SetNull();
        return;
    }
    size_t from = position >= 0 && position < static_cast<double>(len)
                      ? static_cast<size_t>(position)
                      : len; // it has shrunk meanwhile
    size_t sent = 0;
    while (from + sent < len && s->credit > 0 && !limits.stop) {
        size_t n = std::min({len - from - sent, static_cast<size_t>(s->credit),
                             static_cast<size_t>(FRAME_DATA_MAX)});
        send(FRAME_DATA, s->id, reinterpret_cast<const char *>(bytes) + from + sent, n);
        s->credit -= static_cast<uint32_t>(n);
        sent += n;
    }
    s->writing = from + sent < len;
    if (s->writing)
        args.GetReturnValue().Set(static_cast<double>(from + sent));
}

void close(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    Stream *s = stream_of(args);
    if (!s)
        return;
    std::string text;
    if (args.Length() > 2 && args[2]->IsString())
        text = utf8_of(args[2].As<v8::String>(), kTextMax);
    send_close(s, args.Length() > 1 && args[1]->IsTrue(), text);
    s->reading = s->writing = false;
    if (s->ended) {
        forget(s);
        return;
    }
    uncharge_memory(engine.isolate, s->arrived.size());
    std::string().swap(s->arrived);
}

void why(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    Stream *s = stream_of(args);
    v8::Local<v8::String> text;
    if (s && text_of(s->why.data(), s->why.size()).ToLocal(&text))
        args.GetReturnValue().Set(text);
}

void owed(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    const Stream *s = stream_of(args);
    if (s)
        args.GetReturnValue().Set(s->window > s->credit ? s->window - s->credit : 0);
}

const NativeFunction functions[] = {
    {"read", read}, {"write", write}, {"close", close}, {"why", why}, {"owed", owed}};

bool wake(Stream *s, bool readable, bool writable)
{
    bool woken = (s->reading && readable) || (s->writing && writable);
    if (woken)
        s->reading = s->writing = false; // the built-ins look again at both
    return woken;
}

bool take_open(uint64_t id, const char *payload)
{
    frame_open head;
    memcpy(&head, payload, sizeof head);
    streams.push_back(Stream());
    streams.back().id = id;
    streams.back().credit = streams.back().window = head.window;
    return false;
}

bool take_data(Stream *s, const char *bytes, size_t len)
{
    if (s->closed)
        return false; // it crossed our CLOSE
    s->given -= static_cast<uint32_t>(std::min(len, static_cast<size_t>(s->given)));
    if (!charge_memory(engine.isolate, len))
        return false;
    s->arrived.append(bytes, len);
    return wake(s, true, false);
}

bool take_window(Stream *s, const char *payload)
{
    uint32_t more;
    memcpy(&more, payload, sizeof more);
    s->credit += more;
    return wake(s, false, s->credit > 0);
}

// Our answer goes back at once; what came before it can still be read.
bool take_close(Stream *s, const char *payload, size_t len)
{
    uint32_t ok;
    memcpy(&ok, payload, sizeof ok);
    if (s->closed) {
        forget(s);
        return false;
    }
    send_close(s, true, "");
    s->ended = true;
    s->ok = ok != 0;
    s->why.assign(payload + sizeof ok, len - sizeof ok);
    return wake(s, true, true);
}

} // namespace

const NativeModule native_stream = {"stream", functions, sizeof functions / sizeof *functions,
                                    nullptr};

void streams_begin()
{
    for (const Stream &s : streams) // of the job before
        uncharge_memory(engine.isolate, s.arrived.size());
    streams.clear();
}

bool streams_wait()
{
    for (const Stream &s : streams)
        if (s.reading || s.writing)
            return true;
    return false;
}

bool streams_take(int frame_type, uint64_t id, const char *payload, size_t len)
{
    if (frame_type == FRAME_OPEN)
        return take_open(id, payload);
    Stream *s = find(id);
    if (!s)
        return false;
    switch (frame_type) {
    case FRAME_DATA:
        return take_data(s, payload, len);
    case FRAME_WINDOW:
        return take_window(s, payload);
    default:
        return take_close(s, payload, len);
    }
}

} // namespace isolane
