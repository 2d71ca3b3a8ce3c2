// CellPages: V8's page allocator, with an account.
//
// V8 maps three kinds of memory through it, told apart by how they are asked for:
//   heap      pages that are usable at once (read-write). Counted; over the heap's ceiling they are
//             refused, because V8 lets one large allocation pass far beyond its own limit.
//   reserved  address space without access, made usable in pieces later: WebAssembly memories and
//             resizable ArrayBuffers. What is usable of it counts as memory outside the heap.
//   code      the one range that JIT code of scripts goes to, made with the isolate; bounded by V8
//             itself (64 MB), not counted. What WebAssembly modules reserve for their code comes
//             later, in a job, and counts like other reserved memory.
//
// V8 wants each page of its heap at an address of its own drawing. What the zygote has is put side
// by side instead, from one such address on: every page that stands alone costs each fork a mapping
// and up to three pages of page tables, and each exit the same again. It begins with a huge page
// (sandbox/zygote/whole.c), and what V8 never writes again ends with one. After the fork V8's draws
// hold.
#include "sandbox/engine/internal.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <sys/mman.h>

namespace isolane
{

namespace
{

bool packing = true; // until the fork

// Larger ones are reservations with page tables of their own anyway.
constexpr size_t kPackedMost = 1u << 20;
constexpr size_t kHugePage = 2u << 20;

// Ranges of addresses that don't overlap, and their sum.
class Ranges
{
  public:
    size_t sum() const
    {
        return sum_;
    }
    void add(void *address, size_t length)
    {
        remove(address, length);
        char *start = static_cast<char *>(address);
        map_[start] = start + length;
        sum_ += length;
    }
    void remove(void *address, size_t length)
    {
        char *start = static_cast<char *>(address), *end = start + length;
        for (auto it = first_after(start); it != map_.end() && it->first < end;) {
            auto [from, to] = *it;
            it = map_.erase(it);
            sum_ -= static_cast<size_t>(std::min(to, end) - std::max(from, start));
            if (from < start)
                map_[from] = start;
            if (to > end)
                it = std::next(map_.insert_or_assign(end, to).first);
        }
    }
    // Bytes of this range that are in.
    size_t within(void *address, size_t length)
    {
        char *start = static_cast<char *>(address), *end = start + length;
        size_t bytes = 0;
        for (auto it = first_after(start); it != map_.end() && it->first < end; ++it)
            bytes += static_cast<size_t>(std::min(it->second, end) - std::max(it->first, start));
        return bytes;
    }

  private:
    std::map<char *, char *> map_; // start → end
    size_t sum_ = 0;

    std::map<char *, char *>::iterator first_after(char *start)
    {
        auto it = map_.upper_bound(start);
        if (it != map_.begin() && std::prev(it)->second > start)
            --it;
        return it;
    }
};

class CellPages final : public v8::PageAllocator
{
  public:
    explicit CellPages(v8::PageAllocator *base) : base_(base)
    {
    }
    size_t AllocatePageSize() override
    {
        return base_->AllocatePageSize();
    }
    size_t CommitPageSize() override
    {
        return base_->CommitPageSize();
    }
    void SetRandomMmapSeed(int64_t seed) override
    {
        base_->SetRandomMmapSeed(seed);
    }
    void *GetRandomMmapAddr() override
    {
        return base_->GetRandomMmapAddr();
    }
    void *AllocatePages(void *address, size_t length, size_t alignment,
                        Permission permissions) override
    {
        if (permissions == kReadWrite && !limits_heap_room(heap_.sum(), length))
            return nullptr;
        bool pack = packing && length <= kPackedMost && permissions == kReadWrite;
        if (pack)
            address = side_by_side(alignment);
        void *p = base_->AllocatePages(address, length, alignment, permissions);
        if (p && pack)
            packed_to_ = static_cast<char *>(p) + length;
        // V8 keeps its memory from children. What the zygote has at its start is given to them by
        // sandbox/zygote/memory.c, what it maps later here.
        if (p && packing && engine.isolate)
            madvise(p, length, MADV_DOFORK);
        if (p && permissions == kReadWrite)
            heap_.add(p, length);
        if (p &&
            (permissions == kNoAccess || (permissions == kNoAccessWillJitLater && engine.isolate)))
            reserved_.add(p, length);
        return p;
    }
    bool FreePages(void *address, size_t length) override
    {
        forget(address, length);
        return base_->FreePages(address, length);
    }
    bool ReleasePages(void *address, size_t length, size_t new_length) override
    {
        forget(static_cast<char *>(address) + new_length, length - new_length);
        return base_->ReleasePages(address, length, new_length);
    }
    bool SetPermissions(void *address, size_t length, Permission permissions) override
    {
        if (packing && permissions == kRead) // the read-only heap, which comes first, is complete
            packed_to_ = huge_page_from(packed_to_);
        if (!reserved_.within(address, length))
            return base_->SetPermissions(address, length, permissions);
        size_t had = usable_.within(address, length);
        if (permissions == kNoAccess) {
            usable_.remove(address, length);
            limits_outside(-static_cast<int64_t>(had));
            return base_->SetPermissions(address, length, permissions);
        }
        // A piece right behind usable memory is growth, for which V8 collects no garbage first.
        bool growth = had > 0 || usable_.within(static_cast<char *>(address) - 1, 1) > 0;
        if (length > had && !limits_room(length - had, growth))
            return false;
        if (!base_->SetPermissions(address, length, permissions))
            return false;
        usable_.add(address, length);
        limits_outside(static_cast<int64_t>(length - had));
        return true;
    }
    bool RecommitPages(void *address, size_t length, Permission permissions) override
    {
        return base_->RecommitPages(address, length, permissions);
    }
    bool DiscardSystemPages(void *address, size_t size) override
    {
        return base_->DiscardSystemPages(address, size);
    }
    bool DecommitPages(void *address, size_t size) override
    {
        return base_->DecommitPages(address, size);
    }

  private:
    v8::PageAllocator *base_;
    Ranges heap_, reserved_, usable_;
    char *packed_to_ = nullptr;

    static char *huge_page_from(void *address)
    {
        uintptr_t at = reinterpret_cast<uintptr_t>(address);
        return reinterpret_cast<char *>((at + kHugePage - 1) / kHugePage * kHugePage);
    }
    // A wish: where something is already, the kernel finds another place, and we go on from there.
    void *side_by_side(size_t alignment)
    {
        if (!packed_to_)
            packed_to_ = huge_page_from(base_->GetRandomMmapAddr());
        uintptr_t at = reinterpret_cast<uintptr_t>(packed_to_);
        return reinterpret_cast<void *>((at + alignment - 1) / alignment * alignment);
    }
    void forget(void *address, size_t length)
    {
        heap_.remove(address, length);
        reserved_.remove(address, length);
        limits_outside(-static_cast<int64_t>(usable_.within(address, length)));
        usable_.remove(address, length);
    }
};

} // namespace

void pages_after_fork()
{
    packing = false;
}

v8::PageAllocator *pages_counted(v8::PageAllocator *base)
{
    static CellPages pages(base);
    return &pages;
}

} // namespace isolane
