// Stopping the script from a signal handler, on the thread that runs it.
//
// How this works
//   V8's way to stop a script is TerminateExecution: an exception that no catch, finally or promise
//   job sees. It takes two locks. V8 is made for a watchdog thread that calls it; a cell has one
//   thread only (a second one would cost each cell 85 us), so the call would come from a signal
//   handler that may have interrupted V8 just inside these locks: a deadlock, or an abort when the
//   interrupted unlock goes on. (Both seen, with scripts that do nothing but make RegExps.)
//
//   So the handler looks at where the script was interrupted:
//   - In generated code (V8's builtins, JIT code, WebAssembly, regular expressions) nothing holds a
//     lock: TerminateExecution is safe.
//   - In C++, of V8, libc or ours, it leaves nothing but a flag. The supervisor repeats its signal
//     every half millisecond, and most scripts are soon seen in generated code; the end of a
//     collection and console.log() look at the flag as well.
//   - When the script has run on for kPatienceUs (one long collection, a sort without end) or has
//     been asked kPatienceTimes (Atomics.wait), the process ends through host->fatal, which says
//     the same end. No wall time: on a busy machine a cell may have none of the processor for long.
//   - Outside the engine, or in the host's own functions, the flag is enough: it ends the turn.
//   What was printed has been handed over before in all cases.
//
//   Where. The first stop of a job is no termination yet but an interrupt: V8 calls on_interrupt()
//   at the place where it would have looked for the termination, which notes the script's stack for
//   the result's error and terminates. A further one terminates at once, when the script has run
//   on for kServedUs.
#include "sandbox/engine/internal.h"

#include <link.h>
#include <time.h>

namespace isolane
{

namespace
{

// A budget may be exceeded by 10 ms; then the supervisor kills.
constexpr int64_t kPatienceUs = 3000; // of CPU time
constexpr int kPatienceTimes = 8;
constexpr int64_t kServedUs = 500; // of CPU time, until V8 has surely looked for interrupts
constexpr size_t kTextsMax = 64;

// Machine code that came from files: node, libc and so on. What is outside was generated.
struct {
    uintptr_t from, to;
} texts[kTextsMax];
size_t text_count;
uintptr_t builtins_from, builtins_to; // V8's builtins: generated, but part of node's file

TOGETHER volatile sig_atomic_t inside;  // depth: the engine runs
TOGETHER volatile sig_atomic_t in_host; // it has called the host
TOGETHER volatile sig_atomic_t asked;   // so often, since a request waits
int64_t asked_cpu_us;
TOGETHER bool interrupting; // V8 will call on_interrupt()
int64_t interrupted_cpu_us;

int64_t cpu_us()
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<int64_t>(t.tv_sec) * 1000000 + t.tv_nsec / 1000;
}

int add_text(struct dl_phdr_info *info, size_t, void *)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) &p = info->dlpi_phdr[i];
        if (p.p_type != PT_LOAD || !(p.p_flags & PF_X) || text_count == kTextsMax)
            continue;
        uintptr_t from = info->dlpi_addr + p.p_vaddr;
        texts[text_count++] = {from, from + p.p_memsz};
    }
    return 0;
}

void on_interrupt(v8::Isolate *isolate, void *)
{
    interrupting = false;
    if (!limits.stop) // left over from a job that ended before it looked
        return;
    job_note_stop();
    isolate->TerminateExecution();
}

bool in_generated_code(uintptr_t pc)
{
    if (pc >= builtins_from && pc < builtins_to)
        return true;
    for (size_t i = 0; i < text_count; i++)
        if (pc >= texts[i].from && pc < texts[i].to)
            return false;
    return true;
}

} // namespace

void stop_install(v8::Isolate *isolate)
{
    const void *start = nullptr;
    size_t length = 0;
    isolate->GetEmbeddedCodeRange(&start, &length);
    builtins_from = reinterpret_cast<uintptr_t>(start);
    builtins_to = builtins_from + length;
    dl_iterate_phdr(add_text, nullptr);
}

void stop_begin()
{
    asked = 0;
    interrupting = false;
}

void stop_script()
{
    if (inside && !in_host && !interrupting) {
        interrupting = true;
        interrupted_cpu_us = cpu_us();
        engine.isolate->RequestInterrupt(on_interrupt, nullptr);
    } else if (!interrupting || cpu_us() - interrupted_cpu_us >= kServedUs) {
        engine.isolate->TerminateExecution();
    }
}

Turn::Turn()
{
    inside = inside + 1;
}

Turn::~Turn()
{
    inside = inside - 1;
}

HostCall::HostCall()
{
    in_host = 1;
}

HostCall::~HostCall()
{
    in_host = 0;
    if (limits.stop) // a signal came meanwhile and left only the flag
        stop_script();
}

} // namespace isolane

using namespace isolane;

void engine_terminate(uintptr_t pc)
{
    if (!limits.stop)
        limits.stop = FRAME_END_TERMINATED;
    if (!inside || in_host)
        return;
    asked = asked + 1;
    if (asked == 1)
        asked_cpu_us = cpu_us();
    else if (asked > kPatienceTimes || cpu_us() - asked_cpu_us >= kPatienceUs)
        limits_die(FRAME_END_TERMINATED);
    if (in_generated_code(pc))
        stop_script();
}
