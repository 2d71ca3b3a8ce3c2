// v8::Platform for one thread.
//
// V8 asks it for clocks, pages and a place to post tasks. Nothing here makes a thread: worker tasks
// (V8 posts none with --single-threaded, but may) and foreground tasks wait in one queue that the
// engine empties between turns. The wall clock is the job's (clock.cc), and so is the moment at
// which a delayed task is due.
//
// Pages, JIT page protection and job handles come from V8's own single-threaded platform.
#include "sandbox/engine/internal.h"

#include <deque>
#include <libplatform/libplatform.h>
#include <memory>
#include <queue>
#include <sys/random.h>

namespace isolane
{

namespace
{

struct Delayed {
    uint64_t due_us, order; // order: tasks of one moment run as they were posted
    mutable std::unique_ptr<v8::Task> task;
    bool operator<(const Delayed &o) const // earliest on top
    {
        return due_us != o.due_us ? due_us > o.due_us : order > o.order;
    }
};

class Tasks final : public v8::TaskRunner
{
  public:
    bool IdleTasksEnabled() override
    {
        return false;
    }
    bool NonNestableTasksEnabled() const override
    {
        return true;
    }
    bool NonNestableDelayedTasksEnabled() const override
    {
        return true;
    }
    void add(std::unique_ptr<v8::Task> task)
    {
        ready_.push_back(std::move(task));
    }
    void add_delayed(std::unique_ptr<v8::Task> task, double seconds)
    {
        uint64_t wait = seconds > 0 ? static_cast<uint64_t>(seconds * 1e6) : 0;
        delayed_.push({clock_monotonic_us() + wait, order_++, std::move(task)});
    }
    void clear()
    {
        ready_.clear();
        delayed_ = {};
    }
    bool run()
    {
        while (!delayed_.empty() && delay() == 0) {
            ready_.push_back(std::move(delayed_.top().task));
            delayed_.pop();
        }
        size_t n = ready_.size(); // what these post waits for the next turn
        for (size_t i = 0; i < n && !limits.stop; i++) {
            std::unique_ptr<v8::Task> task = std::move(ready_.front());
            ready_.pop_front();
            task->Run();
        }
        return n > 0;
    }
    int64_t wait_us() const
    {
        if (!ready_.empty())
            return 0;
        if (delayed_.empty())
            return -1;
        return delay();
    }

  protected:
    void PostTaskImpl(std::unique_ptr<v8::Task> task, const v8::SourceLocation &) override
    {
        add(std::move(task));
    }
    void PostNonNestableTaskImpl(std::unique_ptr<v8::Task> task,
                                 const v8::SourceLocation &) override
    {
        add(std::move(task));
    }
    void PostDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds,
                             const v8::SourceLocation &) override
    {
        add_delayed(std::move(task), seconds);
    }
    void PostNonNestableDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds,
                                        const v8::SourceLocation &) override
    {
        add_delayed(std::move(task), seconds);
    }

  private:
    int64_t delay() const
    {
        return clock_wait_us(clock_since_begin_us(delayed_.top().due_us));
    }
    std::deque<std::unique_ptr<v8::Task>> ready_;
    std::priority_queue<Delayed> delayed_;
    uint64_t order_ = 0;
};

class CellPlatform final : public v8::Platform
{
  public:
    CellPlatform()
        : base_(v8::platform::NewSingleThreadedDefaultPlatform()), tasks_(std::make_shared<Tasks>())
    {
    }
    v8::PageAllocator *GetPageAllocator() override
    {
        return pages_counted(base_->GetPageAllocator());
    }
    v8::ThreadIsolatedAllocator *GetThreadIsolatedAllocator() override
    {
        return base_->GetThreadIsolatedAllocator();
    }
    int NumberOfWorkerThreads() override
    {
        return 0;
    }
    std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner(v8::Isolate *,
                                                            v8::TaskPriority) override
    {
        return tasks_;
    }
    double MonotonicallyIncreasingTime() override
    {
        return static_cast<double>(clock_monotonic_us()) / 1e6;
    }
    double CurrentClockTimeMillis() override
    {
        return clock_time_ms();
    }
    v8::TracingController *GetTracingController() override
    {
        return base_->GetTracingController();
    }
    Tasks *tasks()
    {
        return tasks_.get();
    }

  protected:
    std::unique_ptr<v8::JobHandle> CreateJobImpl(v8::TaskPriority priority,
                                                 std::unique_ptr<v8::JobTask> task,
                                                 const v8::SourceLocation &) override
    {
        return v8::platform::NewDefaultJobHandle(this, priority, std::move(task), 0);
    }
    void PostTaskOnWorkerThreadImpl(v8::TaskPriority, std::unique_ptr<v8::Task> task,
                                    const v8::SourceLocation &) override
    {
        tasks_->add(std::move(task));
    }
    void PostDelayedTaskOnWorkerThreadImpl(v8::TaskPriority, std::unique_ptr<v8::Task> task,
                                           double seconds, const v8::SourceLocation &) override
    {
        tasks_->add_delayed(std::move(task), seconds);
    }

  private:
    std::unique_ptr<v8::Platform> base_;
    std::shared_ptr<Tasks> tasks_;
};

CellPlatform *platform; // lives as long as the process

} // namespace

v8::Platform *platform_start()
{
    platform = new CellPlatform();
    return platform;
}

v8::PageAllocator *platform_pages()
{
    return platform->GetPageAllocator();
}

void platform_forget_tasks()
{
    platform->tasks()->clear();
}

bool platform_run_tasks()
{
    return platform->tasks()->run();
}

int64_t platform_wait_us()
{
    return platform->tasks()->wait_us();
}

void platform_after_fork()
{
    // Cells would otherwise map new pages at one another's addresses.
    int64_t seed;
    pages_after_fork();
    if (getrandom(&seed, sizeof seed, 0) == sizeof seed)
        platform_pages()->SetRandomMmapSeed(seed);
}

} // namespace isolane
