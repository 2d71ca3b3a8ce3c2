// The startup snapshot: the context with all built-ins, ready to be read by every cell.
//
// File: one struct header (padded to a page, so that the blob after it is aligned), then V8's blob,
// then, on a page boundary, the lazily loaded parts (parts.cc).
// The blob refers to native functions by their place in external_references(); the header carries a
// hash of their names in order, so a snapshot of another build is refused with a sentence instead
// of calling the wrong function. The snapshot is trusted input: it is made by our build, from our
// code.
#include "sandbox/engine/internal.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace isolane
{

namespace
{

constexpr size_t kHeaderBytes = 4096;
constexpr size_t kSnapshotMax = 64u << 20;   // ours has some megabytes
constexpr uint64_t kBuildBytes = 256u << 20; // heap in which the parts are evaluated by the build

struct Header {
    char magic[16];
    char engine[48];
    uint64_t natives;
    uint64_t size;       // of the blob
    uint64_t parts_size; // of the section of parts
};
constexpr char kMagic[16] = "isolane-snap-2\n";

size_t page_up(size_t n)
{
    return (n + kHeaderBytes - 1) / kHeaderBytes * kHeaderBytes;
}

uint64_t natives_hash()
{
    uint64_t h = 0xcbf29ce484222325u; // FNV-1a
    auto add = [&h](const char *s) {
        do
            h = (h ^ static_cast<unsigned char>(*s)) * 0x100000001b3u;
        while (*s++);
    };
    for (size_t m = 0; m < native_module_count; m++) {
        add(native_modules[m]->name);
        for (size_t f = 0; f < native_modules[m]->count; f++)
            add(native_modules[m]->functions[f].name);
    }
    return h;
}

Header make_header(size_t size, size_t parts_size)
{
    Header h = {};
    memcpy(h.magic, kMagic, sizeof h.magic);
    snprintf(h.engine, sizeof h.engine, "%s", engine_version());
    h.natives = natives_hash();
    h.size = size;
    h.parts_size = parts_size;
    return h;
}

// Beside its name first, then renamed: nobody ever maps half a snapshot.
bool write_all(const char *path, const std::string &blob, const std::vector<Part> &parts)
{
    std::string tmp = std::string(path) + ".part";
    FILE *f = fopen(tmp.c_str(), "we");
    if (!f)
        return false;
    std::string section = parts_section(parts);
    Header h = make_header(blob.size(), section.size());
    std::string all(reinterpret_cast<const char *>(&h), sizeof h);
    all.resize(kHeaderBytes);
    all.append(blob);
    all.resize(page_up(all.size()));
    all.append(section);
    bool ok = fwrite(all.data(), all.size(), 1, f) == 1;
    ok = fclose(f) == 0 && ok;
    return ok && rename(tmp.c_str(), path) == 0;
}

// The built-ins look at a native module for the first time. Those that the base looks at lie in the
// snapshot; the others cost a context nothing before a part asks for them.
void first_module(v8::Local<v8::Name>, const v8::PropertyCallbackInfo<v8::Value> &info)
{
    v8::Isolate *isolate = info.GetIsolate();
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    const NativeModule *of = native_modules[info.Data().As<v8::Uint32>()->Value()];
    std::vector<v8::Local<v8::Name>> names;
    std::vector<v8::Local<v8::Value>> calls;
    for (size_t f = 0; f < of->count; f++) {
        v8::Local<v8::String> name = literal(of->functions[f].name);
        v8::Local<v8::Function> call;
        if (!v8::Function::New(context, of->functions[f].call, {}, 0,
                               v8::ConstructorBehavior::kThrow)
                 .ToLocal(&call))
            return;
        call->SetName(name);
        names.push_back(name);
        calls.push_back(call);
    }
    // Without a prototype and made at once: V8 keeps no map for each member.
    info.GetReturnValue().Set(
        v8::Object::New(isolate, v8::Null(isolate), names.data(), calls.data(), of->count));
}

v8::Local<v8::Object> make_natives(v8::Local<v8::Context> context)
{
    v8::Isolate *isolate = v8::Isolate::GetCurrent();
    // Without a prototype, as above: V8 would keep a map for each member.
    v8::Local<v8::Object> all = v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
    for (uint32_t m = 0; m < native_module_count; m++)
        all->SetLazyDataProperty(context, literal(native_modules[m]->name), first_module,
                                 v8::Integer::NewFromUnsigned(isolate, m))
            .Check();
    return all;
}

std::string explain(v8::Local<v8::Context> context, const v8::TryCatch &caught)
{
    if (caught.Message().IsEmpty())
        return "?";
    return utf8_of(caught.Message()->Get(), 2000) + " (line " +
           std::to_string(caught.Message()->GetLineNumber(context).FromMaybe(0)) + ")";
}

// Runs the bundle in the creator's isolate. False with a line in why.
bool fill(v8::SnapshotCreator *creator, const std::string &source, char *why, size_t why_cap)
{
    v8::Isolate *isolate = creator->GetIsolate();
    v8::HandleScope scope(isolate);
    v8::Local<v8::Context> context = v8::Context::New(isolate);
    v8::Context::Scope inside(context);
    v8::TryCatch caught(isolate);
    v8::Local<v8::Object> hooks;
    if (!run_bundle(context, source).ToLocal(&hooks)) {
        snprintf(why, why_cap, "the built-ins failed: %s", explain(context, caught).c_str());
        return false;
    }
    v8::Local<v8::Value> found[HOOKS];
    for (int i = 0; i < HOOKS; i++)
        if (!hooks->Get(context, literal(hook_names[i])).ToLocal(&found[i]) ||
            !found[i]->IsFunction()) {
            snprintf(why, why_cap, "the built-ins' default export lacks the function '%s'",
                     hook_names[i]);
            return false;
        }
    creator->AddData(context, v8::Array::New(isolate, found, HOOKS)); // in the order of enum Hook
    creator->SetDefaultContext(context);
    return true;
}

// The blob and the parts of a mapped file. False when it is not of this build, or cut.
bool split(const char *data, size_t size, v8::StartupData *out)
{
    Header h;
    memcpy(&h, data, sizeof h);
    if (h.size >= size || h.parts_size >= size ||
        page_up(kHeaderBytes + h.size) + h.parts_size != size)
        return false;
    Header want = make_header(h.size, h.parts_size);
    if (memcmp(&h, &want, sizeof want) != 0 ||
        !parts_map(data + (size - h.parts_size), h.parts_size))
        return false;
    out->data = data + kHeaderBytes;
    out->raw_size = static_cast<int>(h.size);
    return true;
}

// ---- the build ----
// V8 starts once in a process, and code for parts must come from a V8 that started from the
// snapshot: each step is a child, which leaves its strings in a file that has no name.

// The bundle's text → the base and the parts, as tools/bundle_builtins.mjs writes them.
bool split_bundle(const std::string &bundle, std::string *base, std::vector<Part> *parts)
{
    constexpr char kMark[] = "\n//# isolane:part ";
    size_t at = bundle.find(kMark);
    *base = bundle.substr(0, at);
    while (at != std::string::npos) {
        size_t name = at + sizeof kMark - 1, text = bundle.find('\n', name);
        if (text == std::string::npos)
            return false;
        at = bundle.find(kMark, text);
        parts->push_back({bundle.substr(name, text - name),
                          bundle.substr(text + 1, at == std::string::npos ? at : at - text),
                          {}});
        for (char c : parts->back().text)
            if (static_cast<unsigned char>(c) >= 0x80)
                return false;
    }
    return true;
}

void put_strings(FILE *f, const std::vector<std::string> &strings)
{
    for (const std::string &s : strings) {
        size_t n = s.size();
        fwrite(&n, sizeof n, 1, f);
        fwrite(s.data(), 1, n, f);
    }
}

std::vector<std::string> take_strings(FILE *f)
{
    std::vector<std::string> strings;
    size_t n;
    rewind(f);
    while (fread(&n, sizeof n, 1, f) == 1) {
        std::string s(n, '\0');
        if (fread(s.data(), 1, n, f) == n)
            strings.push_back(std::move(s));
    }
    return strings;
}

// Runs a step in a child and gives its strings. False with a line in why.
template <typename Step>
bool in_child(Step step, std::vector<std::string> *strings, char *why, size_t why_cap)
{
    FILE *f = tmpfile();
    if (!f) {
        snprintf(why, why_cap, "temporary file: %s", strerror(errno));
        return false;
    }
    fflush(nullptr);
    pid_t pid = fork();
    if (pid == 0) {
        std::vector<std::string> made;
        bool ok = step(&made, why, why_cap);
        put_strings(f, ok ? made : std::vector<std::string>{why});
        _exit(fflush(f) == 0 && ok ? 0 : 1);
    }
    int status = 0;
    bool ended = pid > 0 && waitpid(pid, &status, 0) == pid;
    *strings = take_strings(f);
    fclose(f);
    if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    snprintf(why, why_cap, "%s",
             ended && WIFEXITED(status) && !strings->empty() ? strings->front().c_str()
                                                             : "V8 crashed while it was made");
    return false;
}

bool make_blob(const std::string &base, std::vector<std::string> *made, char *why, size_t why_cap)
{
    v8_start(nullptr);
    v8::Isolate::CreateParams params;
    params.array_buffer_allocator = limits_allocator();
    params.external_references = external_references();
    auto *creator = new v8::SnapshotCreator(params); // until the process ends
    engine.isolate = creator->GetIsolate();
    if (!fill(creator, base, why, why_cap))
        return false; // V8 would check for a context before it told anyone why
    v8::StartupData blob = creator->CreateBlob(v8::SnapshotCreator::FunctionCodeHandling::kKeep);
    if (!blob.data) {
        snprintf(why, why_cap, "V8 made no snapshot of the built-ins");
        return false;
    }
    made->emplace_back(blob.data, static_cast<size_t>(blob.raw_size));
    return true;
}

bool make_code(const char *path, bool few_cells, std::vector<std::string> *made, char *why,
               size_t why_cap)
{
    static const engine_host nobody = {
        [](int, const char *, size_t) { return true; },
        [](uint64_t, const char *, const char *, size_t) { return true; },
        [](int, uint64_t, const char *, size_t) { return true; },
        [](int, const char *message) {
            fprintf(stderr, "%s\n", message);
            _exit(1);
        },
    };
    engine_job job = {};
    job.heap_bytes = job.memory_bytes = kBuildBytes;
    if (engine_boot(path, nullptr, few_cells, &nobody, why, why_cap) < 0)
        return false;
    limits_begin(&job);
    return parts_make_code(made, why, why_cap);
}

} // namespace

bool read_all(const char *path, std::string *out)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    char buf[64 << 10];
    size_t n;
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        out->append(buf, n);
    bool ok = !ferror(f);
    fclose(f);
    return ok;
}

const intptr_t *external_references()
{
    static intptr_t *list;
    if (list)
        return list;
    size_t n = 0;
    for (size_t m = 0; m < native_module_count; m++)
        n += native_modules[m]->count;
    list = static_cast<intptr_t *>(calloc(n + 3, sizeof *list));
    if (!list)
        abort();
    n = 0;
    for (size_t m = 0; m < native_module_count; m++)
        for (size_t f = 0; f < native_modules[m]->count; f++)
            list[n++] = reinterpret_cast<intptr_t>(native_modules[m]->functions[f].call);
    list[n] = parts_reference;
    list[n + 1] = reinterpret_cast<intptr_t>(first_module);
    return list;
}

v8::MaybeLocal<v8::Object> run_bundle(v8::Local<v8::Context> context, const std::string &source)
{
    v8::Isolate *isolate = v8::Isolate::GetCurrent();
    v8::Local<v8::String> text;
    if (!text_of(source.data(), source.size()).ToLocal(&text))
        return {};
    v8::ScriptOrigin origin(literal(kBundleName));
    v8::ScriptCompiler::Source unit(text, origin);
    v8::Local<v8::String> parameter = literal("native");
    v8::Local<v8::Function> body;
    v8::Local<v8::Value> native = make_natives(context), result;
    if (!v8::ScriptCompiler::CompileFunction(context, &unit, 1, &parameter).ToLocal(&body) ||
        !body->Call(context, v8::Undefined(isolate), 1, &native).ToLocal(&result))
        return {};
    if (!result->IsObject()) {
        throw_error(isolate, "main.js must export its hooks as default");
        return {};
    }
    return result.As<v8::Object>();
}

bool snapshot_map(const char *path, v8::StartupData *out, char *why, size_t why_cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        snprintf(why, why_cap, "startup snapshot %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    size_t size = static_cast<size_t>(st.st_size);
    void *p = size > kHeaderBytes && size < kSnapshotMax
                  ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0)
                  : MAP_FAILED;
    close(fd);
    if (p == MAP_FAILED || !split(static_cast<const char *>(p), size, out)) {
        if (p != MAP_FAILED)
            munmap(p, size);
        snprintf(why, why_cap, "startup snapshot %s is not of this build: run make again", path);
        return false;
    }
    return true;
}

} // namespace isolane

using namespace isolane;

int engine_snapshot(const char *bundle_path, const char *out_path, char *why, size_t why_cap)
{
    std::string bundle, base;
    std::vector<Part> parts;
    std::vector<std::string> made;
    if (!read_all(bundle_path, &bundle)) {
        snprintf(why, why_cap, "bundle %s: %s", bundle_path, strerror(errno));
        return -1;
    }
    if (!split_bundle(bundle, &base, &parts)) {
        snprintf(why, why_cap, "bundle %s: parts must be ASCII behind a line with their name",
                 bundle_path);
        return -1;
    }
    auto blob_step = [&](auto *out, char *w, size_t cap) { return make_blob(base, out, w, cap); };
    if (!in_child(blob_step, &made, why, why_cap))
        return -1;
    std::string blob = std::move(made.front());
    std::string bare = std::string(out_path) + ".bare"; // without code
    if (!write_all(parts.empty() ? out_path : bare.c_str(), blob, parts)) {
        snprintf(why, why_cap, "%s: %s", out_path, strerror(errno));
        return -1;
    }
    bool ok = true;
    for (size_t way = 0; !parts.empty() && ok && way < kPartCodes; way++) {
        ok = in_child([&](auto *out, char *w,
                          size_t cap) { return make_code(bare.c_str(), way == 1, out, w, cap); },
                      &made, why, why_cap);
        for (size_t i = 0; ok && i < parts.size(); i++)
            parts[i].code[way] = std::move(made[i]);
    }
    unlink(bare.c_str());
    if (ok && !parts.empty() && !write_all(out_path, blob, parts)) {
        snprintf(why, why_cap, "%s: %s", out_path, strerror(errno));
        ok = false;
    }
    return ok ? 0 : -1;
}
