// V8's code for a job's source: what its parser and compiler make, kept so that other cells of the
// same tenant need not do it again for the same source.
//
// How this works
//   V8 takes code for what it is: a checksum finds accidents, the length of the source is all that
//   it compares with the text. Whoever makes it decides what a cell runs that takes it. So it is
//   made here by a cell that runs nothing of the job (engine_compile: modules are loaded and linked
//   by the built-ins, none is evaluated) and ends with its answer, and the supervisor gives it to
//   nobody but that tenant's jobs with that very source. Should a source break the compiler, it
//   gets what it could have done by running.
//
//   Only functions that V8 compiles at once are in it, the others (most of a bundle) when they are
//   first called: a whole bundle compiled eagerly is five times as long and costs each job more to
//   read than it saves. Code that does not fit (another V8, other flags, damage) is refused by V8
//   and the source compiled.
#include "sandbox/engine/modules.h"

#include <map>
#include <memory>

namespace isolane
{

namespace
{

using Codes = std::map<std::string, std::unique_ptr<v8::ScriptCompiler::CachedData>>;

std::string name_in_pack(uint32_t id, const std::string &name)
{
    return id == 0 ? FRAME_CODE_MAIN : FRAME_CODE_FILE + name;
}

void put(Codes *codes, uint32_t id, const std::string &name, v8::ScriptCompiler::CachedData *code)
{
    std::unique_ptr<v8::ScriptCompiler::CachedData> owned(code);
    std::string path = name_in_pack(id, name);
    if (code && pack_path_valid(path.data(), path.size())) // a data: URL is none
        codes->emplace(std::move(path), std::move(owned));
}

void compile_modules(v8::Local<v8::Context> context, Codes *codes)
{
    v8::Local<v8::Module> ignored;
    modules_main(context, &ignored); // where it fails, what was compiled until then
    for (size_t i = 0; i < module_table.entries.size() && !limits.stop; i++) {
        const ModuleEntry &entry = module_table.entries[i];
        v8::Local<v8::Module> module = entry.module.Get(engine.isolate);
        if (module.IsEmpty() || entry.synthetic || !module->IsSourceTextModule() ||
            module->GetStatus() == v8::Module::kErrored)
            continue;
        put(codes, static_cast<uint32_t>(i), entry.name,
            v8::ScriptCompiler::CreateCodeCache(module->GetUnboundModuleScript()));
    }
}

void compile_script(const engine_job *job, Codes *codes)
{
    v8::Local<v8::String> text, name;
    v8::Local<v8::UnboundScript> script;
    if (!modules_text(&text) || !text_of(job->name, job->name_len).ToLocal(&name))
        return;
    v8::ScriptOrigin origin(name, 0, 0, false, -1, {}, false, false, false, modules_options());
    v8::ScriptCompiler::Source source(text, origin);
    if (v8::ScriptCompiler::CompileUnboundScript(engine.isolate, &source).ToLocal(&script))
        put(codes, 0, "", v8::ScriptCompiler::CreateCodeCache(script));
}

void add_number(std::string *out, size_t n)
{
    auto number = static_cast<uint32_t>(n);
    out->append(reinterpret_cast<const char *>(&number), sizeof number);
}

} // namespace

v8::ScriptCompiler::CachedData *code_for(uint32_t id, const std::string &name)
{
    pack_file f;
    std::string path;
    if (module_table.code.empty())
        return nullptr;
    path = name_in_pack(id, name);
    if (!pack_find(module_table.code.data(), module_table.code.size(), path.data(), path.size(),
                   &f) ||
        f.data_len > INT32_MAX)
        return nullptr;
    return new v8::ScriptCompiler::CachedData(reinterpret_cast<const uint8_t *>(f.data),
                                              static_cast<int>(f.data_len));
}

} // namespace isolane

using namespace isolane;

void engine_compile(const struct engine_job *job, const char **code, size_t *len)
{
    static std::string packed;
    Turn turn;
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = engine.context.Get(engine.isolate);
    v8::Context::Scope inside(context);
    Codes codes;
    clock_begin(job->clock_us);
    loop_begin();
    streams_begin();
    limits_begin(job);
    modules_begin(job);
    errors_begin();
    {
        v8::TryCatch caught(engine.isolate); // its errors are the job's to find
        if (job->source == FRAME_COMPILE_SCRIPT)
            compile_script(job, &codes);
        else
            compile_modules(context, &codes);
    }
    packed.clear();
    for (const auto &[path, data] : codes) { // ascending, as base/pack.h has it
        add_number(&packed, path.size());
        add_number(&packed, static_cast<size_t>(data->length));
        packed.append(path);
        packed.append(reinterpret_cast<const char *>(data->data),
                      static_cast<size_t>(data->length));
    }
    *code = packed.data();
    *len = limits.stop ? 0 : packed.size();
}
