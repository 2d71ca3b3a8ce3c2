/* The only door to V8: a C API over one isolate in one single-threaded process (ours: zygote and
 * cell). Everything below runs on that one thread. No V8 type crosses it.
 *
 * Life: engine_boot() in the zygote → fork → engine_after_fork() in the cell → engine_warm() →
 * engine_begin() → while (engine_pending()) { wait; engine_reply(), engine_stream(); engine_tick();
 * } → engine_finish(). A result that `stays` may be followed by engine_rest() and another begin.
 *
 * engine_snapshot() is the build's: it makes the startup snapshot from the bundled built-ins. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the engine needs from the process around it. */
struct engine_host {
    /* Takes text that the script printed (stream: enum frame_stream). May block on credit. False
     * when the output budget is used up: the engine then terminates the script with END_OUTPUT. */
    bool (*output)(int stream, const char *text, size_t len);
    /* Asks the supervisor: CALL when id != 0 (engine_reply() follows with that id), else NOTE.
     * False when the peer is gone. */
    bool (*call)(uint64_t id, const char *name, const char *json, size_t len);
    /* Sends a frame of a stream (FRAME_DATA, FRAME_WINDOW, FRAME_CLOSE) with this payload, which
     * the engine has made within the stream's credit. False when the peer is gone. */
    bool (*stream)(int frame_type, uint64_t id, const char *payload, size_t len);
    /* Last words before the process ends by itself (fatal out-of-memory in V8): must send DONE with
     * this end and message, and not return. Async-signal-safe work only. */
    void (*fatal)(int frame_end, const char *message) __attribute__((noreturn));
};

struct engine_job {
    int source; /* enum frame_source */
    uint32_t attempt;
    uint32_t clock_us;
    uint32_t permissions;
    int reuse; /* enum frame_reuse */
    uint64_t heap_bytes, memory_bytes, value_bytes;
    const char *id, *tenant, *name, *script, *input, *env;
    const char *grants;  /* JSON, empty: nothing granted */
    const char *parents; /* JSON, empty: it waited for none */
    const char *files; /* base/pack.h, checked; name is the one of them that runs. Empty: script */
    const char *code;  /* likewise checked; what engine_compile() gave for the same. Or empty */
    size_t id_len, tenant_len, name_len, script_len, input_len, env_len, grants_len, parents_len,
        files_len, code_len;
};

/* Result of an invocation; strings belong to the engine and live until the next engine_* call. */
struct engine_result {
    int end; /* enum frame_end */
    uint32_t line, column;
    const char *value, *name, *message, *stack;
    size_t value_len, name_len, message_len, stack_len;
    uint64_t heap_peak;
    uint64_t over_bytes;  /* frame.h */
    uint64_t memory_peak; /* heap and what counts beside it, at the highest */
    bool stays;           /* another invocation may follow (engine_rest) */
};

/* Starts V8 from the snapshot file (mapped read-only), makes isolate and context. flags: further V8
 * flags of the profile, NULL for none. few_cells: warms up only what nearly every job uses, once:
 * up 7 ms sooner, each cell compiles the rest of what its job needs by itself, and keys are hashed
 * with the seed that the snapshot has. 0, or -1 with a line
 * in why. */
int engine_boot(const char *snapshot_path, const char *flags, bool few_cells,
                const struct engine_host *host, char *why, size_t why_cap);

/* Loads a tool (sandbox/toolchain) into the zygote, behind engine_boot(): runs that file, which
 * leaves the function `isolaneTool` for the invocations to come. It may take so many bytes of heap;
 * an invocation's own ceilings count what the tool has taken. quick: it warms up less, as few_cells
 * above. 0, or -1 with a line in why. */
int engine_preload(const char *path, uint64_t heap_bytes, bool quick, char *why, size_t why_cap);

/* In a zygote that is jailed already, behind engine_boot(): compiles the source of the jobs that
 * its cells will have (source, name, script, files of the job; their bytes must stay where they
 * are) and runs none of it. Jobs whose source lies in these very bytes do not parse it again. Heap
 * as above. 0, or -1 with a line in why: it cannot be compiled, or not within that. */
int engine_keep(const struct engine_job *source, uint64_t heap_bytes, char *why, size_t why_cap);

/* Right after the fork: reseeds every random source from the kernel, re-reads the clocks' origin.
 */
void engine_after_fork(void);

/* Takes the copy-on-write faults that every job would take (runs a small text unlike any job's). */
void engine_warm(void);

/* Compiles and starts a job. Never fails as a call: errors end up in the result. */
void engine_begin(const struct engine_job *job);

/* Instead of a job (FRAME_COMPILE, FRAME_COMPILE_SCRIPT): compiles its source and what that
 * imports, runs none of it, and gives V8's code (frame.h), which lives until the next engine_*
 * call. Empty: there was nothing to compile that can be. The process may not go on to a job behind
 * it. */
void engine_compile(const struct engine_job *job, const char **code, size_t *len);

/* True while the job is not settled or something is pending (timers, calls). */
bool engine_pending(void);

/* Microseconds until the next timer is due, 0: work is due now, -1: nothing but replies. */
int64_t engine_wait_us(void);

/* Runs due timers and immediates, then microtasks. */
void engine_tick(void);

/* Delivers a reply to a CALL. */
void engine_reply(uint64_t call_id, bool ok, const char *json, size_t len);

/* Delivers a frame of a stream: FRAME_OPEN, FRAME_DATA, FRAME_WINDOW, FRAME_CLOSE; its payload is
 * of a length that frame_check() has passed. */
void engine_stream(int frame_type, uint64_t id, const char *payload, size_t len);

/* True while the script waits for bytes or room of a stream. */
bool engine_listens(void);

/* Ends the invocation and fills the result. */
void engine_finish(struct engine_result *out);

/* Between a result that stays and the next engine_begin(): what the next one needs is made ahead (a
 * context, for FRAME_REUSE_TENANT). False when it cannot be had: the process has to end. */
bool engine_rest(void);

/* Bytes of JavaScript heap at the highest seen so far, for those last words. Async-signal-safe. */
uint64_t engine_heap_peak(void);

/* In use together with what was asked for when a ceiling stopped the job; 0: not known. The same.
 */
uint64_t engine_over_bytes(void);

/* Asks the running script to stop. For a signal handler on the engine's own thread; pc: the
 * instruction that the signal interrupted (REG_RIP of its ucontext), which tells whether V8 may be
 * touched (see stop.cc). May have no effect: the signal must be repeated until the job has ended.
 * After 3 ms of that without effect the process ends by host->fatal(). */
void engine_terminate(uintptr_t pc);

/* "v8 14.6.202.34-node.34" */
const char *engine_version(void);

/* V8's flags in force, ours and the profile's: "--single-threaded … --jitless". */
const char *engine_flags(void);

/* Build step: bundle (JavaScript) → startup snapshot file. 0, or -1 with a line in why. */
int engine_snapshot(const char *bundle_path, const char *out_path, char *why, size_t why_cap);

#ifdef __cplusplus
}
#endif
