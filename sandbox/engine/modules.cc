// native.modules: the modules of a job, as V8 has them.
//
// How this works
//   What a specifier means, which file is what, CommonJS and so on is JavaScript
//   (sandbox/js/parts/modules), loaded when a job first imports something. Here is what only V8's
//   API can do: a table of modules under numbers, which the built-ins ask for; 0 is the
//   file that runs. A module is made (compile, synthetic), told what each of its requests is
//   (links), instantiated and evaluated. Nothing of this waits: all sources are in memory.
//
//   A script or module carries its number as its host-defined option, so that import() in it, in
//   what it evals and in its functions finds whose it is.
//
//   A job of one file without imports never enters JavaScript for it: modules_main().
//
//   Errors of files that are imported have their place told by V8 when they are made, or by the
//   built-ins (place): it is noted with the error object (errors_note), for the error may be caught
//   and thrown again, or come out of a promise, where V8 forgets it.
#include "sandbox/engine/modules.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>

namespace isolane
{

TOGETHER ModuleTable module_table;

namespace
{

using Info = v8::FunctionCallbackInfo<v8::Value>;

constexpr char kPart[] = "modules"; // sandbox/js/parts
constexpr char kMapMark[] = "sourceMappingURL=";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

v8::Isolate *isolate()
{
    return engine.isolate;
}

uint32_t id_of_script(v8::Local<v8::Module> module)
{
    auto it = module_table.by_script.find(module->ScriptId());
    return it == module_table.by_script.end() ? 0 : it->second;
}

v8::MaybeLocal<v8::Module> linked(v8::Local<v8::Context>, size_t index,
                                  v8::Local<v8::Module> referrer)
{
    const ModuleEntry &from = module_table.entries[id_of_script(referrer)];
    if (index < from.links.size()) {
        ModuleEntry &to = module_table.entries[from.links[index]];
        if (!to.module.IsEmpty())
            return to.module.Get(isolate());
    }
    throw_error(isolate(), "modules: a request has no module");
    return {};
}

v8::MaybeLocal<v8::Object> linked_source(v8::Local<v8::Context>, size_t index,
                                         v8::Local<v8::Module> referrer)
{
    const ModuleEntry &from = module_table.entries[id_of_script(referrer)];
    if (index < from.links.size()) {
        ModuleEntry &to = module_table.entries[from.links[index]];
        if (!to.source.IsEmpty())
            return to.source.Get(isolate()).As<v8::Object>();
    }
    throw_error(isolate(), "modules: a request has no source");
    return {};
}

} // namespace

std::string_view without_byte_order_mark(std::string_view text)
{
    if (text.starts_with(kByteOrderMark)) // else a "#!" line behind it were no comment
        text.remove_prefix(kByteOrderMark.size());
    return text;
}

namespace
{

// The first file that does not come before the path.
std::vector<pack_file>::const_iterator from_path(std::string_view path)
{
    std::vector<pack_file> &index = module_table.index;
    pack_file f;
    if (index.empty())
        for (size_t at = 0; pack_next(module_table.pack.data(), module_table.pack.size(), &at, &f);)
            index.push_back(f);
    return std::lower_bound(index.begin(), index.end(), path,
                            [](const pack_file &a, std::string_view b) {
                                return std::string_view(a.path, a.path_len) < b;
                            });
}

} // namespace

bool module_file(std::string_view path, std::string_view *data)
{
    if (!module_table.files) {
        *data = module_table.script;
        return path == module_table.main;
    }
    auto it = from_path(path);
    if (it == module_table.index.end() || std::string_view(it->path, it->path_len) != path)
        return false;
    *data = {it->data, it->data_len};
    return true;
}

bool module_folder(std::string_view path)
{
    std::string below = std::string(path) + '/';
    auto it = from_path(below);
    return it != module_table.index.end() &&
           std::string_view(it->path, it->path_len).starts_with(below);
}

v8::Local<v8::PrimitiveArray> module_options(uint32_t id)
{
    v8::Local<v8::PrimitiveArray> options = v8::PrimitiveArray::New(isolate(), 1);
    options->Set(isolate(), 0, v8::Integer::NewFromUnsigned(isolate(), id));
    return options;
}

v8::MaybeLocal<v8::Value> call_modules_part(v8::Local<v8::Context> context, const char *member,
                                            int argc, v8::Local<v8::Value> *argv)
{
    v8::Local<v8::Value> which[] = {literal(kPart), literal(member)}, function;
    if (!call_hook(context, HOOK_PART, 2, which).ToLocal(&function))
        return {};
    return function.As<v8::Function>()->Call(context, v8::Undefined(isolate()), argc, argv);
}

v8::MaybeLocal<v8::Value> requests_of(v8::Local<v8::Context> context, v8::Local<v8::Module> module)
{
    v8::Local<v8::FixedArray> requests = module->GetModuleRequests();
    int n = requests->Length();
    v8::Local<v8::Array> out = v8::Array::New(isolate(), n);
    for (int i = 0; i < n; i++) {
        v8::Local<v8::ModuleRequest> request = requests->Get(i).As<v8::ModuleRequest>();
        v8::Location at = module->SourceOffsetToLocation(request->GetSourceOffset());
        v8::Local<v8::FixedArray> attributes = request->GetImportAttributes();
        constexpr int kOfStatic = 3; // key, value, offset
        v8::LocalVector<v8::Value> row(isolate());
        row.push_back(request->GetSpecifier());
        row.push_back(v8::Integer::New(isolate(), at.GetLineNumber() + 1));
        row.push_back(v8::Integer::New(isolate(), at.GetColumnNumber() + 1));
        row.push_back(v8::Integer::New(isolate(), static_cast<int>(request->GetPhase())));
        for (int k = 0; k + 1 < attributes->Length(); k += kOfStatic) {
            row.push_back(attributes->Get(k).As<v8::Value>());
            row.push_back(attributes->Get(k + 1).As<v8::Value>());
        }
        if (!out->CreateDataProperty(context, static_cast<uint32_t>(i),
                                     v8::Array::New(isolate(), row.data(), row.size()))
                 .FromMaybe(false))
            return {};
    }
    return out;
}

v8::MaybeLocal<v8::Module> compile_module(v8::Local<v8::Context> context, uint32_t id,
                                          v8::Local<v8::String> name, v8::Local<v8::String> text)
{
    v8::ScriptOrigin origin(name, 0, 0, false, -1, {}, false, false, true, module_options(id));
    std::string path = utf8_of(name, kModulePathMax);
    v8::ScriptCompiler::CachedData *code = code_for(id, path);
    v8::ScriptCompiler::Source source(text, origin, code);
    v8::TryCatch caught(isolate());
    v8::Local<v8::Module> module;
    if (!v8::ScriptCompiler::CompileModule(isolate(), &source, code_option(code))
             .ToLocal(&module)) {
        errors_note(context, caught);
        caught.ReThrow();
        return {};
    }
    module_table.entries[id].module.Reset(isolate(), module);
    module_table.entries[id].name = path;
    module_table.by_script[module->ScriptId()] = id;
    return module;
}

bool instantiate_module(v8::Local<v8::Context> context, v8::Local<v8::Module> module)
{
    v8::TryCatch caught(isolate());
    if (module->InstantiateModule(context, linked, linked_source).FromMaybe(false))
        return true;
    if (!caught.HasTerminated())
        errors_note(context, caught); // "does not provide an export named"
    caught.ReThrow();
    return false;
}

v8::MaybeLocal<v8::Promise> evaluate_module(v8::Local<v8::Context> context,
                                            v8::Local<v8::Module> module)
{
    v8::Local<v8::Value> promise;
    if (!instantiate_module(context, module) || !module->Evaluate(context).ToLocal(&promise))
        return {};
    uncaught_handled(promise.As<v8::Promise>());
    return promise.As<v8::Promise>();
}

std::string_view map_comment(std::string_view text)
{
    size_t at = text.rfind(kMapMark);
    if (at == text.npos || at < 4)
        return {};
    std::string_view before = text.substr(at - 4, 4);
    if (before != "//# " && before != "//@ ")
        return {};
    text.remove_prefix(at + sizeof kMapMark - 1);
    return text.substr(0, text.find_first_of(" \t\r\n\"'"));
}

namespace
{

// ---- import() and import.meta ----

// The two ends of an import() that waits. data: [resolver, module's number]
void import_done(const Info &args)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    v8::Local<v8::Array> data = args.Data().As<v8::Array>();
    v8::Local<v8::Value> resolver, id;
    if (!data->Get(context, 0).ToLocal(&resolver) || !data->Get(context, 1).ToLocal(&id))
        return;
    v8::Local<v8::Module> module =
        module_table.entries[id.As<v8::Uint32>()->Value()].module.Get(isolate());
    // Fails where the job is being stopped.
    resolver.As<v8::Promise::Resolver>()
        ->Resolve(context, module->GetModuleNamespace())
        .FromMaybe(false);
}

void import_failed(const Info &args)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    v8::Local<v8::Value> resolver;
    if (args.Data().As<v8::Array>()->Get(context, 0).ToLocal(&resolver))
        resolver.As<v8::Promise::Resolver>()->Reject(context, args[0]).FromMaybe(false);
}

// Links and evaluates a module that was loaded for import(). Never while another is being
// evaluated: V8 would take the one for a part of the other. data: [resolver, module's number]
void import_now(const Info &args)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    v8::Local<v8::Array> data = args.Data().As<v8::Array>();
    v8::Local<v8::Value> resolver, id;
    if (!data->Get(context, 0).ToLocal(&resolver) || !data->Get(context, 1).ToLocal(&id))
        return;
    v8::Local<v8::Module> module =
        module_table.entries[id.As<v8::Uint32>()->Value()].module.Get(isolate());
    v8::TryCatch caught(isolate());
    v8::Local<v8::Promise> promise;
    v8::Local<v8::Function> done, failed;
    if (evaluate_module(context, module).ToLocal(&promise) &&
        v8::Function::New(context, import_done, data).ToLocal(&done) &&
        v8::Function::New(context, import_failed, data).ToLocal(&failed) &&
        !promise->Then(context, done, failed).IsEmpty())
        return;
    if (!caught.HasTerminated() && !limits.stop)
        resolver.As<v8::Promise::Resolver>()->Reject(context, caught.Exception()).FromMaybe(false);
}

bool import_soon(v8::Local<v8::Context> context, v8::Local<v8::Promise::Resolver> resolver,
                 v8::Local<v8::Value> id)
{
    v8::Local<v8::Value> values[] = {resolver, id};
    v8::Local<v8::Function> task;
    if (!v8::Function::New(context, import_now,
                           v8::Array::New(isolate(), values, std::size(values)))
             .ToLocal(&task))
        return false;
    isolate()->EnqueueMicrotask(task);
    return true;
}

v8::MaybeLocal<v8::Promise> import_phase(v8::Local<v8::Context> context,
                                         v8::Local<v8::Data> options, v8::Local<v8::Value>,
                                         v8::Local<v8::String> specifier,
                                         v8::ModuleImportPhase phase,
                                         v8::Local<v8::FixedArray> attributes)
{
    uint32_t from = 0;
    v8::Local<v8::Promise::Resolver> resolver;
    if (!v8::Promise::Resolver::New(context).ToLocal(&resolver))
        return {};
    v8::Local<v8::PrimitiveArray> own = options.As<v8::PrimitiveArray>();
    if (own->Length() == 1 && own->Get(isolate(), 0)->IsUint32())
        from = own->Get(isolate(), 0).As<v8::Uint32>()->Value();
    v8::LocalVector<v8::Value> row(isolate());
    row.push_back(specifier);
    row.push_back(v8::Undefined(isolate())); // the place is on the stack
    row.push_back(v8::Undefined(isolate()));
    row.push_back(v8::Integer::New(isolate(), static_cast<int>(phase)));
    for (int i = 0; i < attributes->Length(); i++)
        row.push_back(attributes->Get(i).As<v8::Value>());
    v8::TryCatch caught(isolate());
    v8::Local<v8::Value> argv[] = {v8::Integer::NewFromUnsigned(isolate(), from),
                                   v8::Array::New(isolate(), row.data(), row.size())};
    v8::Local<v8::Value> id;
    bool ok = call_modules_part(context, "importDynamic", 2, argv).ToLocal(&id) && id->IsUint32() &&
              id.As<v8::Uint32>()->Value() < module_table.entries.size();
    if (ok && phase == v8::ModuleImportPhase::kSource)
        ok = resolver
                 ->Resolve(context,
                           module_table.entries[id.As<v8::Uint32>()->Value()].source.Get(isolate()))
                 .FromMaybe(false);
    else if (ok)
        ok = import_soon(context, resolver, id);
    if (ok)
        return resolver->GetPromise();
    if (caught.HasTerminated() || limits.stop ||
        resolver->Reject(context, caught.Exception()).IsNothing()) {
        caught.ReThrow();
        return {};
    }
    return resolver->GetPromise();
}

v8::MaybeLocal<v8::Promise> import_dynamic(v8::Local<v8::Context> context,
                                           v8::Local<v8::Data> options, v8::Local<v8::Value> name,
                                           v8::Local<v8::String> specifier,
                                           v8::Local<v8::FixedArray> attributes)
{
    return import_phase(context, options, name, specifier, v8::ModuleImportPhase::kEvaluation,
                        attributes);
}

// import.meta.resolve(specifier). data: the module's number
void meta_resolve(const Info &args)
{
    v8::Local<v8::Context> context = isolate()->GetCurrentContext();
    v8::Local<v8::Value> url;
    v8::Local<v8::String> specifier;
    if (args.Length() == 0)
        return throw_type_error(isolate(), "import.meta.resolve: a specifier is needed");
    if (!args[0]->ToString(context).ToLocal(&specifier))
        return;
    v8::Local<v8::Value> argv[] = {args.Data(), specifier};
    if (call_modules_part(context, "resolveFrom", 2, argv).ToLocal(&url))
        args.GetReturnValue().Set(url);
}

void set(v8::Local<v8::Context> context, v8::Local<v8::Object> meta, const char *name,
         const std::string &value)
{
    v8::Local<v8::String> text;
    if (text_of(value.data(), value.size()).ToLocal(&text))
        meta->CreateDataProperty(context, literal(name), text).FromMaybe(false);
}

void import_meta(v8::Local<v8::Context> context, v8::Local<v8::Module> module,
                 v8::Local<v8::Object> meta)
{
    uint32_t id = id_of_script(module);
    const std::string &name = module_table.entries[id].name;
    v8::Local<v8::Function> resolve;
    if (name.starts_with("data:")) {
        set(context, meta, "url", name);
    } else {
        // The one file of a job has the name that its publisher gave it, whatever its characters.
        size_t tail = id == 0 ? name.npos : name.find_first_of("?#");
        std::string path = name.substr(0, tail);
        size_t slash = path.rfind('/');
        set(context, meta, "dirname", slash == path.npos ? "/" : "/" + path.substr(0, slash));
        set(context, meta, "filename", "/" + path);
        set(context, meta, "url", file_url(path) + (tail == name.npos ? "" : name.substr(tail)));
    }
    meta->CreateDataProperty(context, literal("main"), v8::Boolean::New(isolate(), id == 0))
        .FromMaybe(false);
    if (v8::Function::New(context, meta_resolve, v8::Integer::NewFromUnsigned(isolate(), id), 1,
                          v8::ConstructorBehavior::kThrow)
            .ToLocal(&resolve)) {
        resolve->SetName(literal("resolve"));
        meta->CreateDataProperty(context, literal("resolve"), resolve).FromMaybe(false);
    }
}

} // namespace

std::string file_url(const std::string &name)
{
    std::string url = "file:///";
    for (char c : name) {
        char hex[4];
        if (strchr("/.-_~", c) || isalnum(static_cast<unsigned char>(c)))
            url += c;
        else
            url.append(hex, static_cast<size_t>(snprintf(hex, sizeof hex, "%%%02X",
                                                         static_cast<unsigned char>(c))));
    }
    return url;
}

void modules_install(v8::Isolate *i)
{
    i->SetHostImportModuleDynamicallyCallback(import_dynamic);
    i->SetHostImportModuleWithPhaseDynamicallyCallback(import_phase);
    i->SetHostInitializeImportMetaObjectCallback(import_meta);
}

void modules_begin(const engine_job *job)
{
    double last = module_table.epoch;
    module_table = {};
    module_table.epoch = last + 1;
    module_table.main.assign(job->name, job->name_len);
    module_table.script = {job->script, job->script_len};
    module_table.pack = {job->files, job->files_len};
    module_table.code = {job->code, job->code_len};
    module_table.files = job->files_len > 0;
    module_table.entries.emplace_back();
    module_table.entries[0].name = module_table.main;
}

v8::Local<v8::Data> modules_options()
{
    return module_options(0);
}

bool modules_text(v8::Local<v8::String> *out)
{
    std::string_view text;
    if (!module_file(module_table.main, &text))
        return false;
    text = without_byte_order_mark(text);
    return source_text(text).ToLocal(out);
}

bool modules_main(v8::Local<v8::Context> context, v8::Local<v8::Module> *out)
{
    v8::Local<v8::String> name, text;
    v8::Local<v8::Value> argv[2];
    bool direct = !module_table.files || module_table.main.ends_with(".mjs") ||
                  module_table.main.ends_with(".mts");
    if (!text_of(module_table.main.data(), module_table.main.size()).ToLocal(&name))
        return false;
    if (!direct) {
        if (call_modules_part(context, "main", 0, nullptr).IsEmpty())
            return false;
    } else {
        if (!modules_text(&text)) {
            limits_stop(FRAME_END_HEAP);
            return false;
        }
        if (!compile_module(context, 0, name, text).ToLocal(out))
            return false;
        if ((*out)->GetModuleRequests()->Length() > 0 &&
            (!requests_of(context, *out).ToLocal(&argv[0]) ||
             call_modules_part(context, "adopt", 1, argv).IsEmpty()))
            return false;
    }
    *out = module_table.entries[0].module.Get(isolate());
    return instantiate_module(context, *out);
}

bool modules_mapped(const std::string &name)
{
    auto it = module_table.mapped.find(name);
    if (it != module_table.mapped.end())
        return it->second;
    std::string_view text;
    bool is = module_file(name, &text) && !map_comment(text).empty();
    constexpr size_t kNames = 4096; // as many files a job has; a script can name more itself
    if (module_table.mapped.size() < kNames)
        module_table.mapped[name] = is;
    return is;
}

bool modules_original(v8::Local<v8::Context> context, Place *place)
{
    if (!place->line || !modules_mapped(place->file))
        return false;
    v8::TryCatch caught(isolate());
    v8::Local<v8::Value> which[] = {literal("source_maps"), literal("positionOf")}, function, found;
    v8::Local<v8::String> name;
    if (!text_of(place->file.data(), place->file.size()).ToLocal(&name))
        return false;
    v8::Local<v8::Value> argv[] = {name, v8::Integer::NewFromUnsigned(isolate(), place->line),
                                   v8::Integer::NewFromUnsigned(isolate(), place->column)};
    if (!call_hook(context, HOOK_PART, 2, which).ToLocal(&function) ||
        !function.As<v8::Function>()
             ->Call(context, v8::Undefined(isolate()), std::size(argv), argv)
             .ToLocal(&found) ||
        !found->IsArray())
        return false;
    v8::Local<v8::Value> file, line, column;
    v8::Local<v8::Array> parts = found.As<v8::Array>();
    if (!parts->Get(context, 0).ToLocal(&file) || !parts->Get(context, 1).ToLocal(&line) ||
        !parts->Get(context, 2).ToLocal(&column) || !file->IsString() || !line->IsUint32() ||
        !column->IsUint32())
        return false;
    *place = {line.As<v8::Uint32>()->Value(), column.As<v8::Uint32>()->Value(),
              utf8_of(file.As<v8::String>(), kModulePathMax)};
    return true;
}

} // namespace isolane
