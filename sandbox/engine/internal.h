// What the files of this folder share: the one engine of the process, its limits and its parts.
// Everything runs on one thread; only `stop` is also written by a signal handler on that thread.
//
//   engine.cc   the C door (engine.h): boot, fork, ticks, pending, terminate
//   job.cc      one invocation: compile, run, settle, finish
//   uncaught.cc errors and rejections that nobody caught
//   modules.cc  native_modules: what a job imports
//   keep.cc     a source that the zygote compiles before it forks
//   code.cc     V8's code for a job's source: made in one process, taken in another
//   errors.cc   what was thrown → name, message, stack, line, column
//   limits.cc   heap and memory ceilings, out-of-memory, termination
//   stop.cc     termination by signal
//   loop.cc     native_loop: timers, host calls, output
//   native_stream.cc  streams between the script and the supervisor
//   clock.cc    the one clock that scripts can read
//   permits.cc  eval, WebAssembly, SharedArrayBuffer
//   pages.cc    v8::PageAllocator that counts
//   platform.cc v8::Platform: one thread
//   preload.cc  a tool that is loaded before the fork
//   snapshot.cc writes and reads the startup snapshot
//   parts.cc    built-ins that are loaded when a script first touches them
//   warm.cc     takes the page faults before a job pays for them
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <v8.h>

#include "sandbox/engine/engine.h"
#include "sandbox/engine/natives.h"
#include "sandbox/frame.h"

/* Variables that every cell writes stand in one page of the runtime's data, which it copies but
 * once; among its zeroed data they would lie between large buffers. */
#define TOGETHER __attribute__((section(".data")))

namespace isolane
{

// Script name of the built-ins; frames of names that start so are never shown to a guest.
inline constexpr char kInternalPrefix[] = "isolane:";
inline constexpr char kBundleName[] = "isolane:builtins";
// Heap of an isolate whose job is not known yet: enough to boot and for most jobs.
inline constexpr size_t kFirstHeapBytes = 16u << 20;
// Young generation at its largest, three semi-spaces; V8 begins with a small part of it. What V8
// would take for so small a heap makes scripts that allocate much five times slower (bench/kernels:
// trees).
inline constexpr size_t kYoungBytes = 3 * (8u << 20);

// ---- the engine ----
// The functions that main.js returns (sandbox/js/README.md).
enum Hook {
    HOOK_BEGIN,
    HOOK_INPUT,
    HOOK_SELF,
    HOOK_RUN_TIMERS,
    HOOK_REPLY,
    HOOK_STREAM,
    HOOK_SERIALIZE,
    HOOK_DESCRIBE,
    HOOK_STACK,
    HOOK_PERMIT,
    HOOK_PART,
    HOOK_UNCAUGHT,
    HOOKS
};
extern const char *const hook_names[HOOKS];

struct Engine {
    const engine_host *host = nullptr;
    v8::Isolate *isolate = nullptr;
    v8::Global<v8::Context> context;
    v8::Global<v8::Function> hooks[HOOKS];
    bool muted = false; // warm-up: what is printed goes nowhere
};
extern Engine engine;

// Starts V8 in this process with our flags and further ones of a profile (NULL: none).
void v8_start(const char *flags);
// A new context from the snapshot, with nothing permitted, in place of engine.context. False with a
// line in why.
bool engine_enter_context(char *why, size_t why_cap);

// Calls a hook with undefined as `this`. Empty when it threw or was terminated.
v8::MaybeLocal<v8::Value> call_hook(v8::Local<v8::Context> context, Hook hook, int argc,
                                    v8::Local<v8::Value> *argv);

// An internalized string of a literal.
v8::Local<v8::String> literal(const char *text);
// A string of UTF-8 bytes; empty when it is longer than V8 can hold.
v8::MaybeLocal<v8::String> text_of(const char *utf8, size_t len);

// ---- limits.cc ----
struct Limits {
    uint64_t heap_bytes = 0;
    uint64_t memory_bytes = 0; // heap and everything beside it
    uint64_t value_bytes = 0;
    uint32_t permissions = 0;
    uint64_t heap_peak = 0;
    uint64_t over_bytes = 0;    // engine_result
    uint64_t outside_peak = 0;  // beside the heap
    uint64_t heap_floor = 0;    // garbage of earlier jobs, that is not this one's
    uint64_t heap_at_first = 0; // in use when the cell's first job began, if it is re-used
    // enum frame_end of the first reason to stop the job, 0 while there is none. Written by the
    // signal handler too.
    volatile sig_atomic_t stop = 0;
};
extern Limits limits;

// Before V8 starts: malloc's and absl's settings.
void limits_tune_process();
// Hooks the ceilings up to a new isolate.
void limits_install(v8::Isolate *isolate);
v8::ArrayBuffer::Allocator *limits_allocator();
// A new job's ceilings.
void limits_begin(const engine_job *job);
// There is no job.
void limits_forget();
// Stops the job for this reason; the first reason stays. Not for signal handlers (see stop.cc).
// over_bytes: what was in use together with what was asked for; 0: not known.
void limits_stop(int end, uint64_t over_bytes = 0);
// Ends the process through host->fatal, for this or an earlier reason. Async-signal-safe.
[[noreturn]] void limits_die(int end);
// The text for a result that ended so.
std::string limits_message(int end);
// What earlier invocations left is too much for another.
bool limits_crowded(int reuse);
// Of a context that stays: collects what the call has left behind, where that is much.
void limits_clear_up();
// Notes the heap's size now, and stops the job when it is over its ceiling.
void limits_note_heap();
// Asked by pages.cc: may the heap, which has mapped so many bytes, map n more?
bool limits_heap_room(size_t mapped, size_t n);
// May n more bytes outside the heap be used? `last`: V8 will not collect garbage and ask again.
bool limits_room(size_t n, bool last);
// Memory outside the heap grew or shrank.
void limits_outside(int64_t change);

// ---- stop.cc ----
void stop_install(v8::Isolate *isolate);
void stop_begin();
// The script, which limits.stop tells to end, ends at its next look: not for signal handlers.
void stop_script();
// Stands on the stack while the engine runs: only then a signal may act on V8.
struct Turn {
    Turn();
    ~Turn();
};
// Stands on the stack around every call to the host: meanwhile it may not.
struct HostCall {
    HostCall();
    ~HostCall();
};

// ---- loop.cc ----
void loop_begin();
bool loop_waits();      // a timer is set or a call is out
int64_t loop_wait_us(); // until the next timer: 0 now, -1 none
bool loop_timer_due();
bool loop_take_reply(uint64_t id); // one call less is out; false when that one was not

// ---- native_stream.cc ----
void streams_begin();
bool streams_wait(); // the script waits for bytes or room
// A frame came; true: what the script waits for may be there (HOOK_STREAM with its number).
bool streams_take(int frame_type, uint64_t id, const char *payload, size_t len);

// ---- clock.cc ----
// A job begins: its clock counts from here in steps of so many microseconds.
void clock_begin(uint32_t clock_us);
uint64_t clock_now_us(); // since the job began, in steps
double clock_time_ms();  // since 1970, in the same steps
// Microseconds until clock_now_us() will be due_us or more: 0 when it is.
int64_t clock_wait_us(double due_us);
// Not coarsened; never shown to a script.
uint64_t clock_monotonic_us();
double clock_since_begin_us(uint64_t monotonic_us);

// ---- permits.cc ----
// In a new context: nothing is permitted. False when the built-ins' hook threw.
bool permits_install(v8::Local<v8::Context> context);
// What limits.permissions say, for the job that begins. False when the built-ins' hook threw.
bool permits_begin(v8::Local<v8::Context> context);

// ---- pages.cc ----
// base with an account (see the file); one for the process.
v8::PageAllocator *pages_counted(v8::PageAllocator *base);
// From now on pages of the heap lie where V8 draws them, and not side by side.
void pages_after_fork();

// ---- platform.cc ----
v8::Platform *platform_start();
v8::PageAllocator *platform_pages();
// Drops what V8 has posted so far.
void platform_forget_tasks();
// Runs the tasks V8 has posted that are due; false when there were none.
bool platform_run_tasks();
// Microseconds until the next posted task: 0 now, -1 none.
int64_t platform_wait_us();
void platform_after_fork();

// ---- preload.cc ----
// What the tool that was loaded may take of the heap, 0: none was. Trial jobs need as much beside
// their own.
extern size_t preloaded_heap_bytes;

// ---- snapshot.cc ----
// Appends the file to out. False with errno set.
bool read_all(const char *path, std::string *out);
// Addresses of all native functions, ended by 0, as the snapshot refers to them.
const intptr_t *external_references();
// Maps the file; false with a line in why.
bool snapshot_map(const char *path, v8::StartupData *out, char *why, size_t why_cap);
// Compiles the bundle and runs it: the object of hooks. Used when the snapshot is made.
v8::MaybeLocal<v8::Object> run_bundle(v8::Local<v8::Context> context, const std::string &source);

// ---- parts.cc ----
// Ways to boot (engine.h: few_cells), each with its own code caches.
inline constexpr size_t kPartCodes = 2;
struct Part {
    std::string name, text, code[kPartCodes];
};
// The section of the snapshot file that holds them, and back: false when it is damaged.
std::string parts_section(const std::vector<Part> &parts);
bool parts_map(const char *data, size_t size);
// The build's, in a booted engine with parts without code: evaluates them all and gives V8's code
// for each, in order. False with a line in why.
bool parts_make_code(std::vector<std::string> *out, char *why, size_t why_cap);
extern const intptr_t parts_reference; // for external_references()

// ---- job.cc ----
void job_install(v8::Isolate *isolate);
void job_begin(const engine_job *job);
// What the built-ins keep of the job before is forgotten now, not when the next begins: the last
// that runs in a zygote, and behind a cell's warm-up. False: they will do it then.
bool job_forget_builtins();
bool job_settled();
bool job_ended();
// After any call into the script: microtasks, unhandled rejections, promises that settled.
void job_after_turn(v8::Local<v8::Context> context);
// The job ends with this error. otherwise: where, when the error does not say.
struct Place;
void job_throw(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
               v8::Local<v8::Message> message, const Place *otherwise = nullptr);
// Its file's name, for stacks.
const std::string &job_name();
// The running script is being stopped: notes where it is.
void job_note_stop();
void job_finish(engine_result *out);
// The invocation was of this kind (enum frame_reuse).
int job_reuse();

// ---- uncaught.cc ----
void uncaught_install(v8::Isolate *isolate);
void uncaught_forget();
// A listener of the script's takes this error.
bool uncaught_taken(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
                    v8::Local<v8::Message> message);
// Nobody caught this error: the job ends with it, unless a listener of the script's takes it.
void uncaught_error(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
                    v8::Local<v8::Message> message);
// Rejections that nobody has handled end the job, but for those that a listener takes care of, and
// that of `awaited`, which the job looks at itself. True when scripts ran meanwhile and it goes on.
bool uncaught_rejections(v8::Local<v8::Context> context, v8::Local<v8::Promise> awaited);
// The rejection of this promise is somebody's business.
void uncaught_handled(v8::Local<v8::Promise> promise);

// ---- errors.cc ----
struct Place {
    uint32_t line = 0, column = 0; // from 1; 0: not known
    std::string file;              // as stacks name it
};
struct ErrorText {
    std::string name, message, stack;
    Place place;
};

void errors_install(v8::Isolate *isolate);
// Where the guest's code threw; built-ins' own lines don't count.
Place place_of(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
               v8::Local<v8::Message> message);
// The place in the source of what was made from others: that of the error's first frame that has
// one there. False: `place` is one of no such file, or nothing is known.
bool place_original(v8::Local<v8::Context> context, v8::Local<v8::Value> error, Place *place);
// Where the running script is.
Place place_here();
// The same as lines "    at f (script.mjs:3:5)", the innermost first, without the built-ins' own.
std::string frames_here();
// The lines "name:line\nsource\n   ^^" that show a syntax error.
std::string picture_of(v8::Local<v8::Context> context, const Place &place,
                       v8::Local<v8::Message> message);
// A new job: what was noted is forgotten.
void errors_begin();
// Keeps an error's place, with a picture of the source line for those that V8 made while it
// compiled or linked: at the error's end, whatever way it takes until then, its place is this.
void errors_note(v8::Local<v8::Context> context, const v8::TryCatch &caught);
void errors_note(v8::Local<v8::Value> error, const Place &place);
// False when it was not noted.
bool errors_noted(v8::Local<v8::Value> error, Place *place, std::string *picture);
// Runs hooks.describe. False when terminated meanwhile.
bool describe(v8::Local<v8::Context> context, v8::Local<v8::Value> error, ErrorText *out);
// UTF-8 of a string, cut at a character to at most cap bytes.
std::string utf8_of(v8::Local<v8::String> s, size_t cap);

// ---- modules.cc ----
void modules_install(v8::Isolate *isolate);
// A new job: its name, script and files.
void modules_begin(const engine_job *job);
// The host-defined options of the file that runs.
v8::Local<v8::Data> modules_options();
// The text of the file that runs, without a byte order mark. False: too long.
bool modules_text(v8::Local<v8::String> *out);
// Compiles the file that runs, loads all that it imports and links it. False: thrown.
bool modules_main(v8::Local<v8::Context> context, v8::Local<v8::Module> *out);
// Has the file a source map?
bool modules_mapped(const std::string &name);
// The place in the file that it was made from; false when there is no other.
bool modules_original(v8::Local<v8::Context> context, Place *place);
// "file:///a%20b.mjs"
std::string file_url(const std::string &name);

// ---- code.cc ----
// V8's code that came with the job for the file of that number and name, which V8 may refuse; null:
// there is none. For v8::ScriptCompiler::Source, which owns it.
v8::ScriptCompiler::CachedData *code_for(uint32_t id, const std::string &name);
inline v8::ScriptCompiler::CompileOptions code_option(const v8::ScriptCompiler::CachedData *code)
{
    return code ? v8::ScriptCompiler::kConsumeCodeCache : v8::ScriptCompiler::kNoCompileOptions;
}

// ---- keep.cc ----
// A text of the job's source; the zygote's own string where that has kept it.
v8::MaybeLocal<v8::String> source_text(std::string_view text);

// ---- warm.cc ----
// Trial jobs in the zygote; false with a line in why when one fails. few_cells: see engine_boot().
bool warm_zygote(bool few_cells, char *why, size_t why_cap);
// One in each cell.
void warm_cell();

#ifdef ISOLANE_ESCAPE
// ---- tests/escape/native.cc: a test build alone ----
// Gives scripts what an attacker has who broke V8: system calls, memory, machine code.
void escape_install(v8::Local<v8::Context> context);
#endif

} // namespace isolane
