// Ceilings of one cell.
//
// How this works
//   Heap.   The isolate exists before its job is known, so it starts with a small heap
//           (kFirstHeapBytes). V8 asks near_heap_limit() before it would run out: the first time
//           the answer is the job's own ceiling, the second time the script is stopped and gets
//           kUnwindBytes to unwind in. Whoever asks again, or allocates more than that at once,
//           ends in the out-of-memory callback, which says END_HEAP and leaves the process.
//   Memory. ArrayBuffers come from CellAllocator, WebAssembly memories and resizable buffers from
//           CellPages. Both count into one sum. Over the ceiling V8 is refused, collects garbage
//           and asks again; when a full collection has not helped, the script is stopped with
//           END_MEMORY.
//   Process. What is left (parser, compilers, malloc) has the kernel's RLIMIT_DATA behind it; a
//           refused malloc or new ends as END_MEMORY by the same callbacks.
// Stopping is V8's TerminateExecution: no catch, finally or promise job of the script sees it.
#include "sandbox/engine/internal.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <malloc.h>
#include <map>
#include <new>

namespace isolane
{

Limits limits;

namespace
{

constexpr size_t kFirstHeapBytes = 16u << 20; // enough to boot and for most jobs
constexpr size_t kUnwindBytes = 8u << 20;     // heap to run out of the script in
constexpr size_t kUnwindBufferBytes = 4u
                                      << 20;  // the same for array buffers: no further collections
constexpr int kMallocMmapBytes = 1 << 20;     // larger blocks go back to the kernel when freed
constexpr int kMallocTopPadBytes = 256 << 10; // fewer brk calls in a cell

size_t outside_bytes;   // ArrayBuffers and WebAssembly memories now
size_t heap_after_gc;   // JavaScript heap after the last collection
unsigned full_gcs;      // mark-compact collections so far
unsigned refused_at_gc; // full_gcs when memory was last refused
bool refused;           // since the last success

[[noreturn]] void die(int end)
{
    // No allocation: there may be none to have.
    static char text[160];
    snprintf(text, sizeof text,
             end == FRAME_END_HEAP ? "JavaScript heap over its limit of %llu MB"
                                   : "memory over its limit of %llu MB",
             static_cast<unsigned long long>(
                 (end == FRAME_END_HEAP ? limits.heap_bytes : limits.memory_bytes) >> 20));
    engine.host->fatal(limits.stop ? limits.stop : end, text);
}

size_t near_heap_limit(void *, size_t current, size_t)
{
    if (!limits.stop && current < limits.heap_bytes)
        return limits.heap_bytes;
    if (limits.stop == FRAME_END_HEAP && current >= limits.heap_bytes + kUnwindBytes)
        die(FRAME_END_HEAP);
    limits_stop(FRAME_END_HEAP);
    return std::max<size_t>(current, limits.heap_bytes) + kUnwindBytes;
}

void on_oom(const char *, const v8::OOMDetails &details)
{
    die(details.is_heap_oom ? FRAME_END_HEAP : FRAME_END_MEMORY);
}

void on_fatal(const char *location, const char *message)
{
    static char text[512];
    snprintf(text, sizeof text, "V8 gave up in %s: %s", location ? location : "?",
             message ? message : "?");
    engine.host->fatal(FRAME_END_INTERNAL, text);
}

void on_new_failed()
{
    die(FRAME_END_MEMORY);
}

void before_gc(v8::Isolate *, v8::GCType, v8::GCCallbackFlags)
{
    limits_note_heap();
}

void after_gc(v8::Isolate *isolate, v8::GCType type, v8::GCCallbackFlags)
{
    if (type & v8::kGCTypeMarkSweepCompact)
        full_gcs++;
    v8::HeapStatistics stats;
    isolate->GetHeapStatistics(&stats);
    heap_after_gc = stats.used_heap_size();
}

// True when n more bytes outside the heap fit. Stops the job when a full collection has already
// been made for this and they still don't; false then makes V8 throw, which the stop overrides.
bool room_for(size_t n)
{
    if (!limits.memory_bytes) // no job yet
        return true;
    size_t used = outside_bytes + heap_after_gc;
    if (used <= limits.memory_bytes && n <= limits.memory_bytes - used) {
        refused = false;
        return true;
    }
    if (limits.stop)
        return n <= kUnwindBufferBytes;
    bool hopeless = n > limits.memory_bytes;
    if (hopeless || (refused && full_gcs != refused_at_gc)) {
        limits_stop(FRAME_END_MEMORY);
        return n <= kUnwindBufferBytes;
    }
    refused = true;
    refused_at_gc = full_gcs;
    return false;
}

// WebAssembly memories and resizable ArrayBuffers: address space is reserved generously and made
// usable in pieces by SetPermissions, so that is where it is counted.
class CellPages final : public v8::PageAllocator
{
  public:
    size_t AllocatePageSize() override
    {
        return platform_pages()->AllocatePageSize();
    }
    size_t CommitPageSize() override
    {
        return platform_pages()->CommitPageSize();
    }
    void SetRandomMmapSeed(int64_t seed) override
    {
        platform_pages()->SetRandomMmapSeed(seed);
    }
    void *GetRandomMmapAddr() override
    {
        return platform_pages()->GetRandomMmapAddr();
    }
    void *AllocatePages(void *address, size_t length, size_t alignment,
                        Permission permissions) override
    {
        bool usable = permissions != kNoAccess && permissions != kNoAccessWillJitLater;
        if (usable && !room_for(length))
            return nullptr;
        void *p = platform_pages()->AllocatePages(address, length, alignment, permissions);
        if (p && usable)
            grow(p, length);
        return p;
    }
    bool FreePages(void *address, size_t length) override
    {
        forget(address, length);
        return platform_pages()->FreePages(address, length);
    }
    bool ReleasePages(void *address, size_t length, size_t new_length) override
    {
        char *from = static_cast<char *>(address) + new_length;
        forget(from, length - new_length);
        return platform_pages()->ReleasePages(address, length, new_length);
    }
    bool SetPermissions(void *address, size_t length, Permission permissions) override
    {
        if (permissions == kNoAccess) {
            forget(address, length);
            return platform_pages()->SetPermissions(address, length, permissions);
        }
        size_t fresh = length - usable_within(address, length);
        if (fresh && !room_for(fresh))
            return false;
        if (!platform_pages()->SetPermissions(address, length, permissions))
            return false;
        forget(address, length);
        grow(address, length);
        return true;
    }
    bool RecommitPages(void *address, size_t length, Permission permissions) override
    {
        return SetPermissions(address, length, permissions);
    }
    bool DiscardSystemPages(void *address, size_t size) override
    {
        return platform_pages()->DiscardSystemPages(address, size);
    }
    bool DecommitPages(void *address, size_t size) override
    {
        forget(address, size);
        return platform_pages()->DecommitPages(address, size);
    }

  private:
    std::map<char *, char *> usable_; // start → end of what was made usable, not overlapping

    void grow(void *address, size_t length)
    {
        char *start = static_cast<char *>(address);
        usable_[start] = start + length;
        outside_bytes += length;
    }

    // The first range that ends after start.
    std::map<char *, char *>::iterator first_after(char *start)
    {
        auto it = usable_.upper_bound(start);
        if (it != usable_.begin() && std::prev(it)->second > start)
            --it;
        return it;
    }

    size_t usable_within(void *address, size_t length)
    {
        char *start = static_cast<char *>(address), *end = start + length;
        size_t sum = 0;
        for (auto it = first_after(start); it != usable_.end() && it->first < end; ++it)
            sum += static_cast<size_t>(std::min(it->second, end) - std::max(it->first, start));
        return sum;
    }

    void forget(void *address, size_t length)
    {
        char *start = static_cast<char *>(address), *end = start + length;
        for (auto it = first_after(start); it != usable_.end() && it->first < end;) {
            auto [from, to] = *it;
            it = usable_.erase(it);
            outside_bytes -= static_cast<size_t>(std::min(to, end) - std::max(from, start));
            if (from < start)
                usable_[from] = start;
            if (to > end)
                it = std::next(usable_.insert_or_assign(end, to).first);
        }
    }
};

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
    v8::PageAllocator *GetPageAllocator() override
    {
        return &pages_;
    }

  private:
    CellPages pages_;

    static void *take(size_t length, void *(*get)(size_t, size_t))
    {
        if (!room_for(length))
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
    mallopt(M_TOP_PAD, kMallocTopPadBytes);
    mallopt(M_ARENA_MAX, 1);
    // abseil inside node keeps a graph of lock orders: a megabyte of dirty heap in every zygote,
    // for finding deadlocks that one thread can't have.
    auto set_mode = reinterpret_cast<void (*)(int)>(
        dlsym(RTLD_DEFAULT, "_ZN4absl29SetMutexDeadlockDetectionModeENS_15OnDeadlockCycleE"));
    if (set_mode)
        set_mode(0); // OnDeadlockCycle::kIgnore
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

void limits_begin(const engine_job *job)
{
    limits.heap_bytes = std::max<uint64_t>(job->heap_bytes, kFirstHeapBytes);
    limits.memory_bytes = std::max<uint64_t>(job->memory_bytes, kFirstHeapBytes);
    limits.value_bytes = job->value_bytes;
    limits.permissions = job->permissions;
    limits.heap_peak = 0;
    refused = false;
}

void limits_stop(int end)
{
    if (!limits.stop)
        limits.stop = end;
    if (engine.isolate)
        engine.isolate->TerminateExecution();
}

std::string limits_message(int end)
{
    auto mb = [](uint64_t bytes) { return std::to_string(bytes >> 20) + " MB"; };
    switch (end) {
    case FRAME_END_HEAP:
        return "JavaScript heap over its limit of " + mb(limits.heap_bytes);
    case FRAME_END_MEMORY:
        return "memory over its limit of " + mb(limits.memory_bytes) +
               " (heap, array buffers and WebAssembly together)";
    case FRAME_END_OUTPUT:
        return "printed more than the job's output limit";
    case FRAME_END_TERMINATED:
        return "stopped";
    default:
        return {};
    }
}

void limits_note_heap()
{
    v8::HeapStatistics stats;
    engine.isolate->GetHeapStatistics(&stats);
    limits.heap_peak = std::max<uint64_t>(limits.heap_peak, stats.used_heap_size());
}

} // namespace isolane
