// Ceilings of one cell.
//
// How this works
//   Heap.   The isolate exists before its job is known, so it starts with a small heap
//           (kFirstHeapBytes). V8 asks near_heap_limit() before it would run out: the first time
//           the answer is the job's own ceiling, the second time the script is stopped and gets
//           kUnwindBytes to unwind in. Whoever asks again, or allocates more than that at once,
//           ends in the out-of-memory callback, which says END_HEAP and leaves the process.
//           pages.cc refuses pages far beyond the ceiling.
//   Memory. ArrayBuffers come from CellAllocator; WebAssembly memories and resizable buffers are
//           seen by pages.cc. Both count into one sum. Over the ceiling V8 is refused, collects
//           garbage and asks again; when that has not helped, the script is stopped, END_MEMORY.
//   Process. What is left (parser, compilers, malloc) has the kernel's RLIMIT_DATA behind it; a
//           refused malloc or new ends as END_MEMORY by the same callbacks.
// Stopping (stop.cc) is V8's TerminateExecution: no catch, finally or promise job of the script
// sees it.
#include "sandbox/engine/internal.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <malloc.h>
#include <new>

namespace isolane
{

Limits limits;

namespace
{

constexpr size_t kUnwindBytes = 8u << 20; // heap to run out of the script in
// Pages that V8 may have mapped beyond the heap's ceiling: young generation, copies during a
// collection, room to unwind. Without this bound one large allocation passes far beyond it.
constexpr size_t kHeapPagesSlack = 32u << 20;
constexpr size_t kHeapUsedSlack = 16u << 20;     // the same for objects, seen at a collection
constexpr size_t kUnwindOutsideBytes = 4u << 20; // outside the heap: no more collections for these
// Contexts that are gone, before a new process is cheaper than collecting them.
constexpr size_t kTenantGarbage = 12u << 20;
// What calls may leave behind before it is collected, in the time of the one that left it: more
// than the young generation, which is collected in everybody's.
constexpr size_t kScriptGarbage = 16u << 20;
constexpr int kMallocMmapBytes = 1 << 20; // larger blocks go back to the kernel when freed
// More than one growth of the heap, for glibc gives that back before it has used it, and then says
// that there is no memory: at the first growth in a cell, which finds that it does not follow on
// what malloc has (the zygote ended the heap with a huge page, sandbox/zygote/whole.c).
constexpr int kMallocTrimBytes = 2 * kMallocMmapBytes;
constexpr int kMallocTopPadBytes = 256 << 10; // fewer brk calls in a cell

size_t outside_bytes;   // ArrayBuffers and WebAssembly memories now
size_t heap_after_gc;   // live bytes of the heap after the last collection
size_t live_after_gc;   // … after the last full one
unsigned full_gcs;      // mark-compact collections so far
unsigned refused_at_gc; // full_gcs when memory was last refused
bool refused;           // since the last success

uint64_t mb_of_limit(int end)
{
    return (end == FRAME_END_HEAP ? limits.heap_bytes : limits.memory_bytes) >> 20;
}

const char *format_of(int end)
{
    return end == FRAME_END_HEAP     ? "JavaScript heap over its limit of %llu MB"
           : end == FRAME_END_MEMORY ? "memory over its limit of %llu MB (heap, array buffers and "
                                       "WebAssembly together)"
           : end == FRAME_END_OUTPUT ? "printed more than the job's output limit"
                                     : "stopped";
}

size_t near_heap_limit(void *, size_t current, size_t)
{
    if (!limits.stop && current < limits.heap_bytes)
        return limits.heap_bytes;
    if (limits.stop == FRAME_END_HEAP && current >= limits.heap_bytes + kUnwindBytes)
        limits_die(FRAME_END_HEAP);
    limits_stop(FRAME_END_HEAP);
    return std::max<size_t>(current, limits.heap_bytes) + kUnwindBytes;
}

void on_oom(const char *, const v8::OOMDetails &details)
{
    limits_die(details.is_heap_oom ? FRAME_END_HEAP : FRAME_END_MEMORY);
}

void on_fatal(const char *location, const char *message)
{
    static char text[512];
    snprintf(text, sizeof text, "V8 gave up in %s: %s", location ? location : "?",
             message ? message : "?");
    HostCall host;
    engine.host->fatal(FRAME_END_INTERNAL, text);
}

// V8's CHECK failures and its own "impossible" sizes. The latter are a script asking for too much:
// the job's fault. Everything else returns and V8 crashes the process, as it must.
void on_check_failed(const char *, int, const char *message)
{
    if (strstr(message, "invalid size error") || strstr(message, "out of memory"))
        limits_die(FRAME_END_HEAP);
}

void on_new_failed()
{
    limits_die(FRAME_END_MEMORY);
}

void before_gc(v8::Isolate *, v8::GCType, v8::GCCallbackFlags)
{
    limits_note_heap();
}

void after_gc(v8::Isolate *isolate, v8::GCType type, v8::GCCallbackFlags)
{
    v8::HeapStatistics stats;
    isolate->GetHeapStatistics(&stats);
    heap_after_gc = stats.used_heap_size();
    if (limits.stop) // a signal during the collection left only this flag
        stop_script();
    if (!(type & v8::kGCTypeMarkSweepCompact))
        return;
    full_gcs++;
    live_after_gc = heap_after_gc;
    if (limits.heap_bytes && heap_after_gc > limits.heap_bytes) // one below kFirstHeapBytes
        limits_stop(FRAME_END_HEAP);
    if (limits.memory_bytes && outside_bytes + heap_after_gc > limits.memory_bytes)
        limits_stop(FRAME_END_MEMORY, outside_bytes + heap_after_gc);
}

class CellAllocator final : public v8::ArrayBuffer::Allocator
{
  public:
    void *Allocate(size_t length) override
    {
        return take(length, calloc);
    }
    void *AllocateUninitialized(size_t length) override
    {
        return take(length, [](size_t, size_t n) { return malloc(n); });
    }
    void Free(void *data, size_t length) override
    {
        if (data)
            outside_bytes -= length;
        free(data);
    }

  private:
    static void *take(size_t length, void *(*get)(size_t, size_t))
    {
        if (!limits_room(length, false))
            return nullptr;
        void *p = get(1, length);
        if (p)
            outside_bytes += length;
        else
            limits_stop(FRAME_END_MEMORY);
        return p;
    }
};

} // namespace

void limits_tune_process()
{
    mallopt(M_MMAP_THRESHOLD, kMallocMmapBytes);
    mallopt(M_TRIM_THRESHOLD, kMallocTrimBytes);
    mallopt(M_TOP_PAD, kMallocTopPadBytes);
    mallopt(M_ARENA_MAX, 1);
    // abseil inside node keeps a graph of lock orders: a megabyte of dirty heap in every zygote,
    // for finding deadlocks that one thread can't have.
    auto set_mode = reinterpret_cast<void (*)(int)>(
        dlsym(RTLD_DEFAULT, "_ZN4absl29SetMutexDeadlockDetectionModeENS_15OnDeadlockCycleE"));
    if (set_mode)
        set_mode(0); // OnDeadlockCycle::kIgnore
    // It counts the processors at the first wait for a lock, by opening a file: in a cell that is
    // Atomics.wait(), and seccomp would end it.
    auto count_processors =
        reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "_ZN4absl13base_internal7NumCPUsEv"));
    if (count_processors)
        count_processors();
    auto on_check = reinterpret_cast<void (*)(void (*)(const char *, int, const char *))>(
        dlsym(RTLD_DEFAULT, "_ZN2v84base16SetFatalFunctionEPFvPKciS2_E"));
    if (on_check)
        on_check(on_check_failed);
    std::set_new_handler(on_new_failed);
}

v8::ArrayBuffer::Allocator *limits_allocator()
{
    static CellAllocator allocator;
    return &allocator;
}

void limits_install(v8::Isolate *isolate)
{
    isolate->AddNearHeapLimitCallback(near_heap_limit, nullptr);
    isolate->SetOOMErrorHandler(on_oom);
    isolate->SetFatalErrorHandler(on_fatal);
    isolate->AddGCPrologueCallback(before_gc);
    isolate->AddGCEpilogueCallback(after_gc);
}

// Garbage of the tenant's jobs before is not counted as this one's. What a live context has
// gathered is.
void note_floor(int reuse)
{
    limits.heap_floor = 0;
    if (reuse == FRAME_REUSE_NONE || reuse == FRAME_REUSE_AGAIN)
        return;
    v8::HeapStatistics stats;
    engine.isolate->GetHeapStatistics(&stats);
    if (!limits.heap_at_first)
        limits.heap_at_first = stats.used_heap_size();
    if (reuse == FRAME_REUSE_TENANT && stats.used_heap_size() > limits.heap_at_first)
        limits.heap_floor = stats.used_heap_size() - limits.heap_at_first;
}

bool limits_crowded(int reuse)
{
    v8::HeapStatistics stats;
    if (live_after_gc > limits.heap_bytes / 2 || outside_bytes > limits.memory_bytes / 2)
        return true;
    if (reuse != FRAME_REUSE_TENANT)
        return false;
    engine.isolate->GetHeapStatistics(&stats);
    return stats.used_heap_size() > limits.heap_at_first + kTenantGarbage;
}

void limits_clear_up()
{
    static size_t cleared; // in use when this was last done
    v8::HeapStatistics stats;
    engine.isolate->GetHeapStatistics(&stats);
    if (stats.used_heap_size() < std::max(cleared, limits.heap_at_first) + kScriptGarbage)
        return;
    engine.isolate->MemoryPressureNotification(v8::MemoryPressureLevel::kCritical);
    engine.isolate->MemoryPressureNotification(v8::MemoryPressureLevel::kNone);
    cleared = heap_after_gc;
}

void limits_begin(const engine_job *job)
{
    limits.heap_bytes = std::max<uint64_t>(job->heap_bytes, 1); // 0 is "no job"
    limits.memory_bytes = std::max<uint64_t>(job->memory_bytes, 1);
    limits.value_bytes = job->value_bytes;
    limits.permissions = job->permissions;
    limits.heap_peak = 0;
    limits.over_bytes = 0;
    limits.outside_peak = outside_bytes;
    note_floor(job->reuse);
    refused = false;
    if (limits.stop) // of an earlier invocation
        engine.isolate->CancelTerminateExecution();
    limits.stop = 0;
    stop_begin();
}

[[noreturn]] void limits_die(int end)
{
    static char text[160]; // no allocation: there may be none to have
    if (limits.stop)
        end = limits.stop;
    snprintf(text, sizeof text, format_of(end), static_cast<unsigned long long>(mb_of_limit(end)));
    if (!engine.host) // the build's snapshot
        abort();
    HostCall host; // a signal while it sends must not come here again
    engine.host->fatal(end, text);
}

void limits_forget()
{
    limits.heap_bytes = limits.memory_bytes = 0;
}

void limits_stop(int end, uint64_t over_bytes)
{
    if (!limits.stop) {
        limits.stop = end;
        limits.over_bytes = over_bytes;
    }
    if (engine.isolate)
        stop_script();
}

std::string limits_message(int end)
{
    char text[160];
    snprintf(text, sizeof text, format_of(end), static_cast<unsigned long long>(mb_of_limit(end)));
    return text;
}

bool limits_heap_room(size_t mapped, size_t n)
{
    return !limits.heap_bytes || mapped + n <= limits.heap_bytes + kHeapPagesSlack;
}

bool limits_room(size_t n, bool last)
{
    if (!limits.memory_bytes) // no job yet
        return true;
    size_t used = outside_bytes + heap_after_gc;
    if (used <= limits.memory_bytes && n <= limits.memory_bytes - used) {
        refused = false;
        return true;
    }
    // Refused once, V8 collects garbage and asks again; a full collection that has not helped was
    // the last hope. Then the script is stopped, which overrides the error that V8 would throw.
    if (limits.stop || last || n > limits.memory_bytes || (refused && full_gcs != refused_at_gc)) {
        limits_stop(FRAME_END_MEMORY, used + n);
        return n <= kUnwindOutsideBytes && used <= limits.memory_bytes + kUnwindOutsideBytes;
    }
    refused = true;
    refused_at_gc = full_gcs;
    return false;
}

void limits_outside(int64_t change)
{
    outside_bytes += static_cast<size_t>(change);
    limits.outside_peak = std::max<uint64_t>(limits.outside_peak, outside_bytes);
}

void limits_note_heap()
{
    v8::HeapStatistics stats;
    engine.isolate->GetHeapStatistics(&stats);
    limits.heap_peak = std::max<uint64_t>(limits.heap_peak, stats.used_heap_size());
    if (limits.heap_bytes && stats.used_heap_size() > limits.heap_bytes + kHeapUsedSlack)
        limits_stop(FRAME_END_HEAP);
}

} // namespace isolane
