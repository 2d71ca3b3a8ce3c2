// Inside of the files that keep a job's modules: modules.cc and native_modules.cc.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/pack.h"
#include "sandbox/engine/internal.h"

namespace isolane
{

struct ModuleEntry {
    v8::Global<v8::Module> module; // empty: a classic script, or not made yet
    v8::Global<v8::Value> source;  // what a source phase import gives
    std::vector<uint32_t> links;   // by request
    std::string name;              // as stacks have it
    bool synthetic = false;
};

struct ModuleTable {
    double epoch = 0; // grows with each job
    std::vector<ModuleEntry> entries;
    std::unordered_map<int, uint32_t> by_script;  // V8's number of a script → ours
    std::string_view script, pack;                // the job's bytes: one file, or several
    std::string_view code;                        // V8's code for them (code.cc)
    std::string main;                             // path of the file that runs
    bool files = false;                           // several
    std::vector<pack_file> index;                 // of pack, made when first looked into
    std::unordered_map<std::string, bool> mapped; // has it a source map?
};
extern ModuleTable module_table;

inline constexpr size_t kModulePathMax = 4096; // of a path as a script asks for it

// The bytes of a file of the job.
bool module_file(std::string_view path, std::string_view *data);
std::string_view without_byte_order_mark(std::string_view text);
// Is there a file below it?
bool module_folder(std::string_view path);
// What the last sourceMappingURL of a text says; empty without one.
std::string_view map_comment(std::string_view text);
v8::Local<v8::PrimitiveArray> module_options(uint32_t id);
// Calls a function of the part of the built-ins.
v8::MaybeLocal<v8::Value> call_modules_part(v8::Local<v8::Context> context, const char *member,
                                            int argc, v8::Local<v8::Value> *argv);
// What the built-ins are told of a module's requests: [[specifier, line, column, phase, key, value,
// …], …]; the place counts from 1.
v8::MaybeLocal<v8::Value> requests_of(v8::Local<v8::Context> context, v8::Local<v8::Module> module);
v8::MaybeLocal<v8::Module> compile_module(v8::Local<v8::Context> context, uint32_t id,
                                          v8::Local<v8::String> name, v8::Local<v8::String> text);
bool instantiate_module(v8::Local<v8::Context> context, v8::Local<v8::Module> module);
// Instantiates and evaluates: the promise of its end, which counts as handled.
v8::MaybeLocal<v8::Promise> evaluate_module(v8::Local<v8::Context> context,
                                            v8::Local<v8::Module> module);

} // namespace isolane
