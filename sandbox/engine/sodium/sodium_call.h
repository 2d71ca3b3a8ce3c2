// One call of a `sodium` function: takes and checks its arguments, makes its results.
//
// How this works: a function first takes all its arguments, numbers and bytes alike, none of which
// runs guest code (nothing is converted); then it asks for its outputs and calls libsodium. The
// first fault throws an error that names function, parameter, what was found and what is allowed;
// from then on every accessor gives harmless values and output() gives nullptr, so a function needs
// to check only that:
//
//     Bytes m = c.bytes(0), n = c.bytes(1, NONCE), k = c.bytes(2, KEY);
//     if (uint8_t *out = c.output(m.len + MAC))
//         crypto_secretbox_easy(out, m.data, m.len, n.data, k.data);
#pragma once

#include <string>
#include <v8.h>

#include "sandbox/engine/natives.h"
#include "sandbox/engine/sodium/sodium_table.h"

namespace isolane::sodium
{

struct Bytes {
    const uint8_t *data = nullptr;
    size_t len = 0;
};

class Call
{
  public:
    Call(const v8::FunctionCallbackInfo<v8::Value> &args, const char *function,
         const char *parameters)
        : args_(args), function_(function), parameters_(parameters)
    {
    }

    // ---- arguments, by position. Bytes stay where they are until the function returns.
    Bytes bytes(int i); // a Uint8Array of any length
    Bytes bytes(int i, size_t len);
    Bytes bytes(int i, size_t min, size_t max);
    Bytes optional_bytes(int i);           // null and undefined: no bytes
    uint8_t *in_place(int i, size_t *len); // a Uint8Array that the function changes
    std::string text(int i, size_t max);   // a string, as UTF-8
    uint64_t integer(int i, uint64_t min, uint64_t max);
    bool absent(int i) const; // null or undefined

    // ---- results
    // A new Uint8Array as the function's result, to be filled; nullptr after a fault.
    uint8_t *output(size_t len);
    // The same as a member of a result object.
    uint8_t *output(const char *member, size_t len);
    void give(bool value);
    void give(double value);
    void give_member(const char *member, double value);
    void give(const char *latin1, size_t len);
    // Gives fewer bytes than output() made: an earlier output is cut to len.
    void shorten(size_t len);

    // ---- faults
    bool failed() const
    {
        return failed_;
    }
    void fail(const char *reason);             // Error: "sodium.<function>: <reason>"
    void fail_type(int i, const char *wanted); // TypeError: "<parameter> must be <wanted>, found …"
    void fail_range(int i, const std::string &wanted, const std::string &found);

    // ---- state of a streaming function: the object that …Init() returns
    // A new state object with room for len bytes, aligned for any of libsodium's states.
    uint8_t *new_state(const char *kind, size_t len);
    // The same as a member of a result object.
    uint8_t *new_state(const char *member, const char *kind, size_t len);
    bool has_state(int i, const char *kind) const;
    // The state in argument i, which must be of that kind; nullptr after a fault.
    uint8_t *state(int i, const char *kind, size_t len);
    // The state in argument i has given its result and can't be used again.
    void end_state(int i, const char *kind);

    v8::Isolate *isolate() const
    {
        return args_.GetIsolate();
    }

  private:
    const v8::FunctionCallbackInfo<v8::Value> &args_;
    const char *function_, *parameters_;
    bool failed_ = false;
    v8::Local<v8::Uint8Array> result_;
    v8::Local<v8::Object> members_;

    std::string parameter(int i) const;
    std::string prefix() const;
    uint8_t *make(size_t len, v8::Local<v8::Uint8Array> *out);
    uint8_t *make_state(const char *kind, size_t len, v8::Local<v8::Object> *out);
    bool add(const char *member, v8::Local<v8::Value> value);
    v8::MaybeLocal<v8::Value> hidden(int i, const char *kind) const;
};

inline constexpr char kNoMemory[] = "not enough memory";

// Memory that libsodium takes for one call (pwhash), in the job's budget for that time. False: the
// call has failed.
class Charge
{
  public:
    Charge(Call &c, uint64_t bytes) : call_(c), bytes_(bytes)
    {
        held_ = !c.failed() && charge_memory(c.isolate(), bytes);
        if (!held_)
            c.fail(kNoMemory);
    }
    Charge(const Charge &) = delete;
    Charge &operator=(const Charge &) = delete;
    ~Charge()
    {
        if (held_)
            uncharge_memory(call_.isolate(), bytes_);
    }
    explicit operator bool() const
    {
        return held_;
    }

  private:
    Call &call_;
    uint64_t bytes_;
    bool held_;
};

#define SODIUM_DECLARE(name, parameters) void name(Call &c);
SODIUM_FUNCTIONS(SODIUM_DECLARE)
#undef SODIUM_DECLARE

inline constexpr char kCannotOpen[] = "the key or nonce is wrong, or the message was altered";

} // namespace isolane::sodium
