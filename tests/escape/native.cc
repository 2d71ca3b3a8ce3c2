// What an attacker has who broke out of V8, for scripts of a test build: `__native`, put on the
// global object in the zygote and used in cells after their jail has closed.
//
//   __native.syscall(nr, …args)  the kernel's own answer (-errno). An argument is a number, a
//                                BigInt, a string (its UTF-8, ended by 0), or a typed array (its
//                                address)
//   __native.address(array)      where its bytes lie
//   __native.read(address, n)    a Uint8Array; nothing checks the address
//   __native.write(address, array)
//   __native.run(code, a, b)     machine code, copied into fresh memory that is then made
//                                executable, called as long f(long a, long b)
//   __native.sweep(from, to, …args)  a Uint8Array, a byte for each number: 1 when the filter
//                                trapped it. The trap's handler, whose code an attacker could
//                                rewrite, lets the cell live for once
#include "sandbox/engine/internal.h"

#include <csignal>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>

namespace isolane
{

namespace
{

using Info = v8::FunctionCallbackInfo<v8::Value>;

constexpr int kArguments = 6;
constexpr size_t kTextMax = 4096;

// The kernel's answer, without errno in between.
long raw_syscall(long nr, const long a[kArguments])
{
    long answer;
    register long r10 asm("r10") = a[3];
    register long r8 asm("r8") = a[4];
    register long r9 asm("r9") = a[5];
    asm volatile("syscall"
                 : "=a"(answer)
                 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return answer;
}

long address_of(v8::Local<v8::Value> v)
{
    v8::Local<v8::ArrayBufferView> view = v.As<v8::ArrayBufferView>();
    return reinterpret_cast<long>(static_cast<char *>(view->Buffer()->Data()) + view->ByteOffset());
}

long integer_of(v8::Local<v8::Value> v)
{
    if (v->IsBigInt())
        return v.As<v8::BigInt>()->Int64Value();
    return v->IsNumber() ? static_cast<long>(v.As<v8::Number>()->Value()) : 0;
}

void answer(const Info &args, long n)
{
    args.GetReturnValue().Set(static_cast<double>(n));
}

void do_syscall(const Info &args)
{
    long a[kArguments] = {};
    static char text[kArguments][kTextMax];
    for (int i = 0; i < kArguments && i + 1 < args.Length(); i++) {
        v8::Local<v8::Value> v = args[i + 1];
        if (v->IsString()) {
            size_t n = v.As<v8::String>()->WriteUtf8V2(args.GetIsolate(), text[i], kTextMax - 1);
            text[i][n] = '\0';
            a[i] = reinterpret_cast<long>(text[i]);
        } else {
            a[i] = v->IsArrayBufferView() ? address_of(v) : integer_of(v);
        }
    }
    answer(args, raw_syscall(integer_of(args[0]), a));
}

void do_address(const Info &args)
{
    if (args[0]->IsArrayBufferView())
        answer(args, address_of(args[0]));
}

void do_read(const Info &args)
{
    v8::Local<v8::Uint8Array> bytes;
    if (make_bytes(args.GetIsolate(), reinterpret_cast<const void *>(integer_of(args[0])),
                   static_cast<size_t>(integer_of(args[1])))
            .ToLocal(&bytes))
        args.GetReturnValue().Set(bytes);
}

void do_write(const Info &args)
{
    const uint8_t *data = nullptr;
    size_t len = 0;
    if (bytes_of(args[1], &data, &len))
        memcpy(reinterpret_cast<void *>(integer_of(args[0])), data, len);
}

void do_run(const Info &args)
{
    const uint8_t *code = nullptr;
    size_t len = 0;
    if (!bytes_of(args[0], &code, &len))
        return;
    const long map[kArguments] = {
        0, static_cast<long>(len), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
    long at = raw_syscall(SYS_mmap, map);
    const long executable[kArguments] = {at, static_cast<long>(len), PROT_READ | PROT_EXEC};
    if (at < 0)
        return answer(args, at);
    memcpy(reinterpret_cast<void *>(at), code, len);
    long rc = raw_syscall(SYS_mprotect, executable);
    if (rc < 0)
        return answer(args, rc);
    auto *call = reinterpret_cast<long (*)(long, long)>(at);
    answer(args, call(integer_of(args[1]), integer_of(args[2])));
}

// ---- the sweep ----

struct sigaction product_handler;
volatile sig_atomic_t sweeping, trapped;

void on_trap(int signal, siginfo_t *info, void *context)
{
    if (sweeping)
        trapped = 1;
    else
        product_handler.sa_sigaction(signal, info, context);
}

constexpr long kUretprobe = 335; // SIGILL when the kernel did not make it itself

// What ends the process is left to jobs of its own.
bool survivable(long nr)
{
    return nr != SYS_exit && nr != SYS_exit_group && nr != SYS_rt_sigreturn && nr != kUretprobe;
}

void do_sweep(const Info &args)
{
    long a[kArguments] = {}, from = integer_of(args[0]), to = integer_of(args[1]);
    for (int i = 0; i < kArguments && i + 2 < args.Length(); i++)
        a[i] = integer_of(args[i + 2]);
    std::string found;
    sweeping = 1;
    for (long nr = from; nr < to; nr++) {
        trapped = 0;
        if (survivable(nr))
            raw_syscall(nr, a);
        found += static_cast<char>(trapped);
    }
    sweeping = 0;
    v8::Local<v8::Uint8Array> bytes;
    if (make_bytes(args.GetIsolate(), found.data(), found.size()).ToLocal(&bytes))
        args.GetReturnValue().Set(bytes);
}

// Before the fork, in the zygote: a cell may not change handlers any more.
void wrap_handler()
{
    struct sigaction ours;
    sigaction(SIGSYS, nullptr, &product_handler);
    ours = product_handler;
    ours.sa_sigaction = on_trap;
    if (product_handler.sa_flags & SA_SIGINFO) // not so where only the snapshot is made
        sigaction(SIGSYS, &ours, nullptr);
}

} // namespace

void escape_install(v8::Local<v8::Context> context)
{
    static const NativeFunction functions[] = {{"syscall", do_syscall}, {"address", do_address},
                                               {"read", do_read},       {"write", do_write},
                                               {"run", do_run},         {"sweep", do_sweep}};
    wrap_handler();
    v8::Isolate *isolate = engine.isolate;
    v8::Local<v8::Object> native = v8::Object::New(isolate);
    for (const NativeFunction &f : functions)
        native
            ->CreateDataProperty(context, literal(f.name),
                                 v8::Function::New(context, f.call).ToLocalChecked())
            .Check();
    context->Global()->CreateDataProperty(context, literal("__native"), native).Check();
}

} // namespace isolane
