// Lazily loaded parts of the built-ins (sandbox/js/parts.js): their texts and V8's code for them.
//
// How this works
//   Behind V8's blob in the snapshot file lies the section of parts: a head, one row a part, then
//   texts and code caches. It is mapped read-only with the snapshot, so neither costs memory until
//   a job touches it: the text is an external string on the mapping, the code is deserialized into
//   the cell's heap, once: contexts that come later (reuse: tenant) share it, and what was compiled
//   of it since. Each evaluates it for itself.
//   A code cache holds for one snapshot and one set of V8 flags, therefore the build makes them by
//   booting from the finished snapshot as a zygote does, once for each way to boot
//   (engine.h: few_cells). A zygote with other flags (jitless) compiles the text instead. Caches
//   are executable input: they come from our build's file only.
#include "sandbox/engine/internal.h"

#include <cstdio>
#include <cstring>
#include <string_view>

namespace isolane
{

namespace
{

constexpr size_t kNameBytes = 32, kAlign = 16;
// The text of a part is a function's body; the script around it gives the function.
const std::string kBefore = "(function(native,__cell){", kBehind = "})";

struct Span {
    uint64_t at = 0, size = 0; // from the section's beginning
};

struct Head {
    uint64_t parts;
};

struct Row {
    char name[kNameBytes];
    Span text, code[kPartCodes];
};

const char *section; // of the mapped file; null: no parts
const Row *rows;
size_t row_count;

// By row: what V8 made of the texts that were needed. It belongs to no context.
std::vector<v8::Global<v8::UnboundScript>> compiled;

// V8 drops it when the string dies; the bytes stay.
class MappedText final : public v8::String::ExternalOneByteStringResource
{
  public:
    explicit MappedText(Span span) : span_(span)
    {
    }
    const char *data() const override
    {
        return section + span_.at;
    }
    size_t length() const override
    {
        return span_.size;
    }

  private:
    Span span_;
};

const Row *find(const std::string &name)
{
    for (size_t i = 0; i < row_count; i++)
        if (name == rows[i].name)
            return &rows[i];
    return nullptr;
}

// The code that this V8 takes, or null.
v8::ScriptCompiler::CachedData *code_of(v8::Isolate *isolate, const Row *row)
{
    for (const Span &span : row->code) {
        if (!span.size)
            continue;
        auto *code = new v8::ScriptCompiler::CachedData(
            reinterpret_cast<const uint8_t *>(section + span.at), static_cast<int>(span.size));
        if (code->CompatibilityCheck(isolate) == v8::ScriptCompiler::CachedData::kSuccess)
            return code;
        delete code;
    }
    return nullptr;
}

v8::MaybeLocal<v8::UnboundScript> script_of(const Row *row)
{
    v8::Isolate *isolate = engine.isolate;
    v8::Global<v8::UnboundScript> &known = compiled[static_cast<size_t>(row - rows)];
    v8::Local<v8::String> text;
    v8::Local<v8::UnboundScript> script;
    if (!known.IsEmpty())
        return known.Get(isolate);
    if (!v8::String::NewExternalOneByte(isolate, new MappedText(row->text)).ToLocal(&text))
        return {};
    std::string name = std::string(kInternalPrefix) + "parts/" + row->name;
    v8::ScriptOrigin origin(literal(name.c_str()));
    v8::ScriptCompiler::CachedData *code = code_of(isolate, row);
    v8::ScriptCompiler::Source unit(text, origin, code); // owns the cached data
    if (!v8::ScriptCompiler::CompileUnboundScript(isolate, &unit,
                                                  code ? v8::ScriptCompiler::kConsumeCodeCache
                                                       : v8::ScriptCompiler::kNoCompileOptions)
             .ToLocal(&script))
        return {};
    known.Reset(isolate, script);
    return script;
}

// name → the part's body, a function of `native` and `__cell`.
void compile(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    std::string name;
    if (args.Length() > 0 && args[0]->IsString())
        name = utf8_of(args[0].As<v8::String>(), kNameBytes);
    const Row *row = find(name);
    if (!row) {
        throw_error(isolate, ("the snapshot has no built-in part '" + name + "'").c_str());
        return;
    }
    v8::Local<v8::UnboundScript> script;
    v8::Local<v8::Value> body;
    if (script_of(row).ToLocal(&script) &&
        script->BindToCurrentContext()->Run(isolate->GetCurrentContext()).ToLocal(&body))
        args.GetReturnValue().Set(body);
}

// A script looks at a part's global name for the first time. What this gives becomes the value of
// an ordinary property; when it throws, the next look tries again.
void first_look(v8::Local<v8::Name> name, const v8::PropertyCallbackInfo<v8::Value> &info)
{
    v8::Local<v8::Value> argv[] = {info.Data(), name}, value;
    if (call_hook(engine.isolate->GetCurrentContext(), HOOK_PART, 2, argv).ToLocal(&value))
        info.GetReturnValue().Set(value);
}

// target, name, part, enumerable
void install(const v8::FunctionCallbackInfo<v8::Value> &args)
{
    v8::Isolate *isolate = args.GetIsolate();
    if (args.Length() < 4 || !args[0]->IsObject() || !args[1]->IsString() || !args[2]->IsString()) {
        throw_type_error(isolate, "parts.install needs an object, a name and a part's name");
        return;
    }
    // The name of the part belongs to the isolate's half of the snapshot: nothing of a context may
    // hang on the property.
    std::string part = utf8_of(args[2].As<v8::String>(), kNameBytes);
    args[0]
        .As<v8::Object>()
        ->SetLazyDataProperty(isolate->GetCurrentContext(), args[1].As<v8::Name>(), first_look,
                              literal(part.c_str()), args[3]->IsTrue() ? v8::None : v8::DontEnum)
        .Check();
}

const NativeFunction functions[] = {{"compile", compile}, {"install", install}};

// A part may export rehearse(), which does what scripts do with it first: functions that ran are in
// the code, others are compiled in each cell.
bool rehearse(v8::Local<v8::Context> context, v8::Local<v8::Value> part, char *why, size_t why_cap)
{
    v8::Isolate *isolate = engine.isolate;
    v8::Local<v8::Value> argv[] = {part, literal("rehearse")}, function, result;
    if (!call_hook(context, HOOK_PART, 2, argv).ToLocal(&function) || !function->IsFunction())
        return true;
    bool ok = function.As<v8::Function>()
                  ->Call(context, v8::Undefined(isolate), 0, nullptr)
                  .ToLocal(&result);
    isolate->PerformMicrotaskCheckpoint();
    if (!ok)
        snprintf(why, why_cap, "the part '%s' failed its rehearsal",
                 utf8_of(part.As<v8::String>(), kNameBytes).c_str());
    return ok;
}

bool inside(Span span, size_t size)
{
    return span.at <= size && span.size <= size - span.at && span.size < (1u << 30);
}

Span append(std::string *to, std::string_view bytes)
{
    to->resize((to->size() + kAlign - 1) / kAlign * kAlign);
    Span span = {to->size(), bytes.size()};
    to->append(bytes);
    return span;
}

} // namespace

const NativeModule native_parts = {"parts", functions, sizeof functions / sizeof *functions,
                                   nullptr};
const intptr_t parts_reference = reinterpret_cast<intptr_t>(first_look);

std::string parts_section(const std::vector<Part> &parts)
{
    Head head = {parts.size()};
    std::vector<Row> table(parts.size());
    std::string out(sizeof head + parts.size() * sizeof(Row), '\0');
    for (size_t i = 0; i < parts.size(); i++) {
        snprintf(table[i].name, kNameBytes, "%s", parts[i].name.c_str());
        table[i].text = append(&out, kBefore + parts[i].text + kBehind);
        for (size_t c = 0; c < kPartCodes; c++)
            table[i].code[c] = append(&out, parts[i].code[c]);
    }
    memcpy(out.data(), &head, sizeof head);
    memcpy(out.data() + sizeof head, table.data(), table.size() * sizeof(Row));
    return out;
}

bool parts_map(const char *data, size_t size)
{
    Head head;
    if (size < sizeof head)
        return false;
    memcpy(&head, data, sizeof head);
    if (head.parts > (size - sizeof head) / sizeof(Row))
        return false;
    section = data;
    rows = reinterpret_cast<const Row *>(data + sizeof head);
    row_count = static_cast<size_t>(head.parts);
    compiled.resize(row_count);
    for (size_t i = 0; i < row_count; i++) {
        bool whole = inside(rows[i].text, size);
        for (const Span &span : rows[i].code)
            whole = whole && inside(span, size);
        if (!whole)
            return false;
    }
    return true;
}

bool parts_make_code(std::vector<std::string> *out, char *why, size_t why_cap)
{
    v8::HandleScope scope(engine.isolate);
    v8::Local<v8::Context> context = engine.context.Get(engine.isolate);
    v8::Context::Scope inside_context(context);
    bool ok = true;
    for (size_t i = 0; ok && i < row_count; i++) {
        v8::TryCatch caught(engine.isolate);
        v8::Local<v8::Value> name = literal(rows[i].name);
        if (call_hook(context, HOOK_PART, 1, &name).IsEmpty()) {
            ErrorText text;
            describe(context, caught.Exception(), &text);
            snprintf(why, why_cap, "the part '%s' failed: %s: %s (line %d)", rows[i].name,
                     text.name.c_str(), text.message.c_str(),
                     caught.Message().IsEmpty()
                         ? 0
                         : caught.Message()->GetLineNumber(context).FromMaybe(0));
            ok = false;
        }
        ok = ok && rehearse(context, name, why, why_cap);
    }
    for (size_t i = 0; ok && i < row_count; i++) {
        v8::Local<v8::UnboundScript> script;
        auto *code = script_of(&rows[i]).ToLocal(&script)
                         ? v8::ScriptCompiler::CreateCodeCache(script)
                         : nullptr;
        ok = code != nullptr;
        if (!ok)
            snprintf(why, why_cap, "V8 made no code cache of the part '%s'", rows[i].name);
        else
            out->emplace_back(reinterpret_cast<const char *>(code->data),
                              static_cast<size_t>(code->length));
        delete code;
    }
    return ok;
}

} // namespace isolane
