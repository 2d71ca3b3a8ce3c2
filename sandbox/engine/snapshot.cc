// The startup snapshot: the context with all built-ins, ready to be read by every cell.
//
// File: one struct header (padded to a page, so that the blob after it is aligned), then V8's blob.
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
#include <unistd.h>

namespace isolane
{

namespace
{

constexpr size_t kHeaderBytes = 4096;
constexpr size_t kSnapshotMax = 64u << 20; // ours has about one megabyte

struct Header {
    char magic[16];
    char engine[48];
    uint64_t natives;
    uint64_t size; // of the blob
};
constexpr char kMagic[16] = "isolane-snap-1\n";

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

Header make_header(size_t size)
{
    Header h = {};
    memcpy(h.magic, kMagic, sizeof h.magic);
    snprintf(h.engine, sizeof h.engine, "%s", engine_version());
    h.natives = natives_hash();
    h.size = size;
    return h;
}

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

// Beside its name first, then renamed: nobody ever maps half a snapshot.
bool write_all(const char *path, const v8::StartupData &blob)
{
    std::string tmp = std::string(path) + ".part";
    FILE *f = fopen(tmp.c_str(), "we");
    if (!f)
        return false;
    char page[kHeaderBytes] = {};
    Header h = make_header(static_cast<size_t>(blob.raw_size));
    memcpy(page, &h, sizeof h);
    bool ok = fwrite(page, sizeof page, 1, f) == 1 &&
              fwrite(blob.data, static_cast<size_t>(blob.raw_size), 1, f) == 1;
    ok = fclose(f) == 0 && ok;
    return ok && rename(tmp.c_str(), path) == 0;
}

v8::Local<v8::Object> make_natives(v8::Local<v8::Context> context)
{
    v8::Isolate *isolate = v8::Isolate::GetCurrent();
    v8::Local<v8::Object> all = v8::Object::New(isolate);
    for (size_t m = 0; m < native_module_count; m++) {
        v8::Local<v8::Object> module = v8::Object::New(isolate);
        for (size_t f = 0; f < native_modules[m]->count; f++) {
            const NativeFunction &native = native_modules[m]->functions[f];
            v8::Local<v8::Function> call =
                v8::Function::New(context, native.call, {}, 0, v8::ConstructorBehavior::kThrow)
                    .ToLocalChecked();
            call->SetName(literal(native.name));
            module->CreateDataProperty(context, literal(native.name), call).Check();
        }
        all->CreateDataProperty(context, literal(native_modules[m]->name), module).Check();
    }
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
    for (const char *name : hook_names) {
        v8::Local<v8::Value> hook;
        if (!hooks->Get(context, literal(name)).ToLocal(&hook) || !hook->IsFunction()) {
            snprintf(why, why_cap, "the built-ins' default export lacks the function '%s'", name);
            return false;
        }
    }
    creator->AddData(context, hooks);
    creator->SetDefaultContext(context);
    return true;
}

} // namespace

const intptr_t *external_references()
{
    static intptr_t *list;
    if (list)
        return list;
    size_t n = 0;
    for (size_t m = 0; m < native_module_count; m++)
        n += native_modules[m]->count;
    list = static_cast<intptr_t *>(calloc(n + 1, sizeof *list));
    if (!list)
        abort();
    n = 0;
    for (size_t m = 0; m < native_module_count; m++)
        for (size_t f = 0; f < native_modules[m]->count; f++)
            list[n++] = reinterpret_cast<intptr_t>(native_modules[m]->functions[f].call);
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
    Header want = make_header(size - kHeaderBytes);
    if (p == MAP_FAILED || memcmp(p, &want, sizeof want) != 0) {
        if (p != MAP_FAILED)
            munmap(p, size);
        snprintf(why, why_cap, "startup snapshot %s is not of this build: run make again", path);
        return false;
    }
    out->data = static_cast<const char *>(p) + kHeaderBytes;
    out->raw_size = static_cast<int>(want.size);
    return true;
}

} // namespace isolane

using namespace isolane;

int engine_snapshot(const char *bundle_path, const char *out_path, char *why, size_t why_cap)
{
    std::string source;
    if (!read_all(bundle_path, &source)) {
        snprintf(why, why_cap, "bundle %s: %s", bundle_path, strerror(errno));
        return -1;
    }
    v8_start(nullptr);
    v8::Isolate::CreateParams params;
    params.array_buffer_allocator = limits_allocator();
    params.external_references = external_references();
    auto *creator = new v8::SnapshotCreator(params); // until the process ends
    engine.isolate = creator->GetIsolate();
    if (!fill(creator, source, why, why_cap))
        return -1; // V8 would check for a context before it told anyone why
    v8::StartupData blob = creator->CreateBlob(v8::SnapshotCreator::FunctionCodeHandling::kKeep);
    int rc = -1;
    if (!blob.data)
        snprintf(why, why_cap, "V8 made no snapshot of the built-ins");
    else if (!write_all(out_path, blob))
        snprintf(why, why_cap, "%s: %s", out_path, strerror(errno));
    else
        rc = 0;
    delete[] blob.data;
    return rc;
}
