// A source that a zygote compiles before it forks (executor/cells/branches.h): its cells find it in
// their heap, and neither get nor parse it again.
//
// How this works
//   The zygote makes V8's strings of the source's texts and compiles them, through the same code as
//   a job: modules are loaded and linked by the built-ins, none is evaluated, nothing of the source
//   runs. Strings and code stay alive. A cell that is told to run that source compiles it like any
//   other; the texts that V8 is given are the very strings that it knows, so it answers out of its
//   compilation cache, which compares text, name, place and number (host-defined option). Numbers
//   are the same because modules are loaded in the same order.
//
//   ASCII texts are external strings on the bytes of the source, a read-only mapping: they cost
//   a fork nothing.
#include "sandbox/engine/modules.h"

#include <cstdio>
#include <cstring>

namespace isolane
{

namespace
{

struct Text {
    size_t size; // bytes
    v8::Global<v8::String> string;
};
struct Kept {
    bool keeping = false;                         // engine_keep() is at work
    std::unordered_map<const char *, Text> texts; // by their first byte
    std::vector<v8::Global<v8::UnboundModuleScript>> modules;
    v8::Global<v8::UnboundScript> script;
};
Kept kept;

class KeptText final : public v8::String::ExternalOneByteStringResource
{
  public:
    explicit KeptText(std::string_view text) : text_(text)
    {
    }
    const char *data() const override
    {
        return text_.data();
    }
    size_t length() const override
    {
        return text_.size();
    }

  private:
    std::string_view text_;
};

bool is_ascii(std::string_view text)
{
    uint64_t high = 0, word;
    size_t i = 0;
    for (; i + sizeof word <= text.size(); i += sizeof word) {
        memcpy(&word, text.data() + i, sizeof word);
        high |= word;
    }
    for (; i < text.size(); i++)
        high |= static_cast<unsigned char>(text[i]) & 0x80u;
    return !(high & UINT64_C(0x8080808080808080));
}

v8::MaybeLocal<v8::String> keep_text(std::string_view text)
{
    v8::Local<v8::String> made;
    bool external = !text.empty() && is_ascii(text) &&
                    text.size() <= static_cast<size_t>(v8::String::kMaxLength);
    v8::MaybeLocal<v8::String> maybe =
        external ? v8::String::NewExternalOneByte(engine.isolate, new KeptText(text))
                 : text_of(text.data(), text.size());
    if (!text.empty() && maybe.ToLocal(&made))
        kept.texts[text.data()] = {text.size(), {engine.isolate, made}};
    return maybe;
}

bool keep_script(const engine_job *job)
{
    v8::Local<v8::String> text, name;
    v8::Local<v8::UnboundScript> script;
    if (!modules_text(&text) || !text_of(job->name, job->name_len).ToLocal(&name))
        return false;
    v8::ScriptOrigin origin(name, 0, 0, false, -1, {}, false, false, false, modules_options());
    v8::ScriptCompiler::Source source(text, origin);
    if (!v8::ScriptCompiler::CompileUnboundScript(engine.isolate, &source).ToLocal(&script))
        return false;
    kept.script.Reset(engine.isolate, script);
    return true;
}

bool keep_modules(v8::Local<v8::Context> context)
{
    v8::Local<v8::Module> main;
    if (!modules_main(context, &main))
        return false;
    for (const ModuleEntry &entry : module_table.entries) {
        v8::Local<v8::Module> module = entry.module.Get(engine.isolate);
        if (!module.IsEmpty() && module->IsSourceTextModule() && !entry.synthetic)
            kept.modules.emplace_back(engine.isolate, module->GetUnboundModuleScript());
    }
    return true;
}

} // namespace

v8::MaybeLocal<v8::String> source_text(std::string_view text)
{
    auto it = kept.texts.find(text.data());
    if (it != kept.texts.end() && it->second.size == text.size())
        return it->second.string.Get(engine.isolate);
    return kept.keeping ? keep_text(text) : text_of(text.data(), text.size());
}

} // namespace isolane

using namespace isolane;

int engine_keep(const struct engine_job *source, uint64_t heap_bytes, char *why, size_t why_cap)
{
    Turn turn;
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = engine.context.Get(engine.isolate);
    v8::Context::Scope inside(context);
    engine_job job = *source;
    job.heap_bytes = job.memory_bytes = heap_bytes;
    clock_begin(1000);
    loop_begin();
    streams_begin();
    limits_begin(&job);
    modules_begin(&job);
    errors_begin();
    preloaded_heap_bytes = heap_bytes; // of the warm-up jobs that follow in the cells
    bool ok;
    {
        v8::TryCatch caught(engine.isolate);
        kept.keeping = true;
        ok = (job.source == FRAME_SCRIPT ? keep_script(&job) : keep_modules(context)) &&
             !limits.stop;
        kept.keeping = false;
    }
    static const engine_job none = {};
    modules_begin(&none); // handles of modules of this context are of no use to cells
    errors_begin();
    job_forget_builtins();
    limits_forget();
    platform_forget_tasks();
    if (!ok)
        snprintf(why, why_cap, "the source cannot be compiled ahead");
    return ok ? 0 : -1;
}
