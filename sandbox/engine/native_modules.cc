// native.modules: what the built-ins (sandbox/js/parts/modules) do with V8's modules and the job's
// files. How it works: modules.cc.
#include "sandbox/engine/modules.h"

namespace isolane
{

namespace
{

using Info = v8::FunctionCallbackInfo<v8::Value>;

v8::Isolate *isolate()
{
    return engine.isolate;
}

// An argument as text; false and thrown when it is none.
bool text_arg(const Info &args, int i, std::string *out)
{
    if (args.Length() <= i || !args[i]->IsString()) {
        throw_type_error(args.GetIsolate(), "modules: a string is needed");
        return false;
    }
    *out = utf8_of(args[i].As<v8::String>(), kModulePathMax);
    return true;
}

// A number of ours; null and thrown when it is none.
ModuleEntry *entry_arg(const Info &args, int i)
{
    size_t n = module_table.entries.size(), id = n;
    if (args.Length() > i && args[i]->IsUint32())
        id = args[i].As<v8::Uint32>()->Value();
    if (id >= n) {
        throw_range_error(args.GetIsolate(), "modules: no such number");
        return nullptr;
    }
    return &module_table.entries[id];
}

// ---- making ----

// → a number for a module or CommonJS file
void reserve(const Info &args)
{
    args.GetReturnValue().Set(static_cast<uint32_t>(module_table.entries.size()));
    module_table.entries.emplace_back();
}

// id, name, source → its requests
void compile(const Info &args)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    v8::Local<v8::Module> module;
    v8::Local<v8::Value> requests;
    ModuleEntry *entry = entry_arg(args, 0);
    if (!entry)
        return;
    if (args.Length() < 3 || !args[1]->IsString() || !args[2]->IsString())
        throw_type_error(isolate(), "modules.compile needs a number, a name and a source");
    else if (compile_module(context, static_cast<uint32_t>(entry - module_table.entries.data()),
                            args[1].As<v8::String>(), args[2].As<v8::String>())
                 .ToLocal(&module) &&
             requests_of(context, module).ToLocal(&requests))
        args.GetReturnValue().Set(requests);
}

// A synthetic module's turn: the built-ins' run(id) gives the values of its names, in their order.
v8::MaybeLocal<v8::Value> run_synthetic(v8::Local<v8::Context> context,
                                        v8::Local<v8::Module> module)
{
    size_t id = 0, n = module_table.entries.size();
    while (id < n &&
           !(module_table.entries[id].synthetic && module_table.entries[id].module == module))
        id++;
    v8::Local<v8::Value> argv[] = {v8::Number::New(isolate(), static_cast<double>(id))}, result;
    if (!call_modules_part(context, "run", 1, argv).ToLocal(&result) || !result->IsArray())
        return {};
    v8::Local<v8::Array> pairs = result.As<v8::Array>(); // name, value, …
    for (uint32_t i = 0; i + 1 < pairs->Length(); i += 2) {
        v8::Local<v8::Value> name, value;
        if (!pairs->Get(context, i).ToLocal(&name) || !pairs->Get(context, i + 1).ToLocal(&value) ||
            !name->IsString() ||
            !module->SetSyntheticModuleExport(isolate(), name.As<v8::String>(), value)
                 .FromMaybe(false))
            return {};
    }
    v8::Local<v8::Promise::Resolver> done;
    if (!v8::Promise::Resolver::New(context).ToLocal(&done) ||
        done->Resolve(context, v8::Undefined(isolate())).IsNothing())
        return {};
    return done->GetPromise();
}

// id, name, names of its exports (none twice)
void synthetic(const Info &args)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    ModuleEntry *entry = entry_arg(args, 0);
    if (!entry)
        return;
    if (args.Length() < 3 || !args[1]->IsString() || !args[2]->IsArray())
        return throw_type_error(isolate(), "modules.synthetic needs a number, a name and names");
    v8::Local<v8::Array> list = args[2].As<v8::Array>();
    v8::LocalVector<v8::String> names(isolate());
    for (uint32_t i = 0; i < list->Length(); i++) {
        v8::Local<v8::Value> name;
        if (!list->Get(context, i).ToLocal(&name) || !name->IsString())
            return throw_type_error(isolate(), "modules.synthetic: a name must be a string");
        names.push_back(name.As<v8::String>());
    }
    v8::MemorySpan<const v8::Local<v8::String>> span(names.data(), names.size());
    entry->module.Reset(isolate(), v8::Module::CreateSyntheticModule(
                                       isolate(), args[1].As<v8::String>(), span, run_synthetic));
    entry->name = utf8_of(args[1].As<v8::String>(), kModulePathMax);
    entry->synthetic = true;
}

// id, what a source phase import of it gives
void set_source(const Info &args)
{
    if (ModuleEntry *entry = entry_arg(args, 0))
        entry->source.Reset(isolate(), args[1]);
}

// id, numbers of its requests in their order
void links(const Info &args)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    ModuleEntry *entry = entry_arg(args, 0);
    if (!entry)
        return;
    if (args.Length() < 2 || !args[1]->IsArray())
        return throw_type_error(isolate(), "modules.links needs a number and a list");
    v8::Local<v8::Array> list = args[1].As<v8::Array>();
    entry->links.clear();
    for (uint32_t i = 0; i < list->Length(); i++) {
        v8::Local<v8::Value> id;
        if (!list->Get(context, i).ToLocal(&id) || !id->IsUint32() ||
            id.As<v8::Uint32>()->Value() >= module_table.entries.size())
            return throw_range_error(isolate(), "modules.links: no such number");
        entry->links.push_back(id.As<v8::Uint32>()->Value());
    }
}

// name, source, id → a CommonJS file as a function of exports, require, module, __filename,
// __dirname
void compile_function(const Info &args)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    if (args.Length() < 3 || !args[0]->IsString() || !args[1]->IsString() || !args[2]->IsUint32())
        return throw_type_error(isolate(), "modules.compileFunction needs a name, source, number");
    v8::ScriptOrigin origin(args[0], 0, 0, false, -1, {}, false, false, false,
                            module_options(args[2].As<v8::Uint32>()->Value()));
    v8::ScriptCompiler::Source source(args[1].As<v8::String>(), origin);
    v8::Local<v8::String> parameters[] = {literal("exports"), literal("require"), literal("module"),
                                          literal("__filename"), literal("__dirname")};
    v8::TryCatch caught(isolate());
    v8::Local<v8::Function> function;
    if (v8::ScriptCompiler::CompileFunction(context, &source, std::size(parameters), parameters)
            .ToLocal(&function)) {
        args.GetReturnValue().Set(function);
        return;
    }
    errors_note(context, caught);
    caught.ReThrow();
}

// ---- running ----

// Is a module of the graph being evaluated now? V8 would take the one that is evaluated meanwhile
// for a part of it.
bool busy(uint32_t id, std::vector<bool> *seen)
{
    if ((*seen)[id])
        return false;
    (*seen)[id] = true;
    const ModuleEntry &entry = module_table.entries[id];
    if (entry.module.IsEmpty())
        return false;
    v8::Module::Status status = entry.module.Get(isolate())->GetStatus();
    if (status == v8::Module::kInstantiating || status == v8::Module::kEvaluating)
        return true;
    for (uint32_t next : entry.links)
        if (busy(next, seen))
            return true;
    return false;
}

// id → its namespace, for require(): it must not wait. Its error is thrown. "cycle", "waits": it
// cannot be had.
void require_module(const Info &args)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    ModuleEntry *entry = entry_arg(args, 0);
    if (!entry)
        return;
    v8::Local<v8::Module> module = entry->module.Get(isolate());
    v8::Local<v8::Promise> promise;
    if (module->GetStatus() == v8::Module::kEvaluated) {
        args.GetReturnValue().Set(module->GetModuleNamespace());
        return;
    }
    if (module->GetStatus() == v8::Module::kErrored) {
        isolate()->ThrowException(module->GetException());
        return;
    }
    std::vector<bool> seen(module_table.entries.size());
    if (busy(static_cast<uint32_t>(entry - module_table.entries.data()), &seen)) {
        args.GetReturnValue().Set(literal("cycle"));
        return;
    }
    if (!instantiate_module(context, module))
        return;
    if (module->IsGraphAsync()) {
        args.GetReturnValue().Set(literal("waits"));
        return;
    }
    if (!evaluate_module(context, module).ToLocal(&promise))
        return;
    if (promise->State() == v8::Promise::kRejected)
        isolate()->ThrowException(promise->Result());
    else
        args.GetReturnValue().Set(module->GetModuleNamespace());
}

// ---- files ----

// The name of the file that runs.
void main_name(const Info &args)
{
    v8::Local<v8::String> text;
    if (text_of(module_table.main.data(), module_table.main.size()).ToLocal(&text))
        args.GetReturnValue().Set(text);
}

// Has the job several files?
void several(const Info &args)
{
    args.GetReturnValue().Set(module_table.files);
}

// May code be made of text?
void may_eval(const Info &args)
{
    args.GetReturnValue().Set((limits.permissions & FRAME_ALLOW_EVAL) != 0);
}

void epoch(const Info &args)
{
    args.GetReturnValue().Set(module_table.epoch);
}

void has(const Info &args)
{
    std::string path;
    std::string_view data;
    if (text_arg(args, 0, &path))
        args.GetReturnValue().Set(module_file(path, &data));
}

// Is there a file below it?
void folder(const Info &args)
{
    std::string path;
    if (text_arg(args, 0, &path))
        args.GetReturnValue().Set(module_folder(path));
}

void read(const Info &args)
{
    std::string path;
    std::string_view data;
    v8::Local<v8::String> text;
    if (!text_arg(args, 0, &path) || !module_file(path, &data))
        return;
    data = without_byte_order_mark(data);
    if (source_text(data).ToLocal(&text))
        args.GetReturnValue().Set(text);
    else
        limits_stop(FRAME_END_HEAP);
}

void bytes(const Info &args)
{
    std::string path;
    std::string_view data;
    v8::Local<v8::Uint8Array> array;
    if (text_arg(args, 0, &path) && module_file(path, &data) &&
        make_bytes(isolate(), data.data(), data.size()).ToLocal(&array))
        args.GetReturnValue().Set(array);
}

// error, name, line, column: where in the job's files it happened
void place(const Info &args)
{
    std::string name;
    if (args.Length() < 4 || !args[2]->IsUint32() || !args[3]->IsUint32() ||
        !text_arg(args, 1, &name))
        return;
    errors_note(args[0],
                {args[2].As<v8::Uint32>()->Value(), args[3].As<v8::Uint32>()->Value(), name});
}

// name → what its source's last sourceMappingURL says; undefined without one
void source_map(const Info &args)
{
    std::string name;
    std::string_view data;
    v8::Local<v8::String> url;
    if (!text_arg(args, 0, &name) || !modules_mapped(name) || !module_file(name, &data))
        return;
    data = map_comment(data);
    if (text_of(data.data(), data.size()).ToLocal(&url))
        args.GetReturnValue().Set(url);
}

// name → is there one?
void mapped(const Info &args)
{
    std::string name;
    if (text_arg(args, 0, &name))
        args.GetReturnValue().Set(modules_mapped(name));
}

const NativeFunction functions[] = {
    {"main", main_name},
    {"several", several},
    {"epoch", epoch},
    {"mayEval", may_eval},
    {"has", has},
    {"folder", folder},
    {"read", read},
    {"bytes", bytes},
    {"reserve", reserve},
    {"compile", compile},
    {"synthetic", synthetic},
    {"source", set_source},
    {"links", links},
    {"compileFunction", compile_function},
    {"require", require_module},
    {"place", place},
    {"sourceMap", source_map},
    {"mapped", mapped},
};

} // namespace

const NativeModule native_import = {"modules", functions, sizeof functions / sizeof *functions,
                                    nullptr};

} // namespace isolane
