/* How this works
 *
 *   forked → one descriptor → random sources renewed → warmed → sealed → READY
 *          → INVOKE → memory limit → script … frames … turns of the loop … → DONE → gone
 *            ▲                                                               │ asked for re-use,
 *            └──────────────────────── resting ◄─────────────────────────────┘ and fit for it
 *
 * Nothing a tenant wrote is in the process before the seal, and nothing is left of it afterwards:
 * the cell ends with its one job, or with the last of those that its supervisor sends, all of one
 * tenant. A turn of the loop waits for the socket or the next timer,
 * whichever comes first; a turn that has work due and no reply to wait for makes no system call at
 * all. */
#include "sandbox/zygote/cell.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/jail/jail.h"
#include "sandbox/zygote/control.h"
#include "sandbox/zygote/hooks.h"
#include "sandbox/zygote/invoke.h"
#include "sandbox/zygote/keep.h"
#include "sandbox/zygote/probe.h"
#include "sandbox/zygote/wire.h"

/* Above what the job was given: V8's room to unwind in after it stopped a script (its own limits
 * stop first), the compilers' and the parser's working memory. With the pages of the program that a
 * job touches, TurboFan's among them, the process stays below the 64 MiB of docs/security.md. */
#define DATA_SLACK_BYTES (44u << 20)

/* RLIMIT_DATA is used up when this much is refused. */
#define EXHAUSTED_BYTES (4u << 20)

enum { EXIT_NOT_SEALED = 71, EXIT_PROTOCOL = 72, EXIT_FATAL = 73 };

static __attribute__((section(".data"))) volatile enum {
    IN_ZYGOTE,
    TRIAL,
    STARTING,
    RUNNING,
    RESTING,
    PROBING
} phase;
static uint32_t trial_layers;

/* ---- signals ---- */

bool cell_is_cell(void)
{
    return phase == RUNNING || phase == STARTING || phase == RESTING || phase == TRIAL ||
           phase == PROBING;
}

void cell_on_stop(uintptr_t pc)
{
    if (phase != RUNNING)
        return;
    wire_flush_now();
    engine_terminate(pc);
}

void cell_on_flush(void)
{
    struct timespec ignored;
    if (phase != RUNNING)
        return;
    wire_flush_now();
    /* While a process runs, others read its clock as of the last tick, or as of this. */
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ignored);
}

static _Noreturn void end_trial(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    const struct cell_trial_report r = {.layers = trial_layers,
                                        .rss_bytes = (uint64_t)u.ru_maxrss << 10};
    ssize_t n = write(CELL_FD, &r, sizeof r);
    _exit(n == sizeof r ? 0 : EXIT_FATAL);
}

void cell_on_denied(uint32_t syscall_number)
{
    if (phase == PROBING) {
        probe_on_denied(syscall_number);
        return;
    }
    if (phase == TRIAL) {
        trial_layers |= 1u << LAYER_SECCOMP; /* proven */
        end_trial();
    }
    wire_denied(syscall_number);
    _exit(128 + SIGSYS);
}

/* V8 and ICU end the process when malloc gives them nothing: they meant to, unlike a segmentation
 * fault. */
static bool gave_up_without_memory(int sig)
{
    if (sig != SIGTRAP && sig != SIGABRT && sig != SIGILL)
        return false;
    void *p =
        mmap(NULL, EXHAUSTED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED)
        munmap(p, EXHAUSTED_BYTES);
    return p == MAP_FAILED;
}

void cell_on_crash(int sig)
{
    if (phase != RUNNING)
        return;
    if (!gave_up_without_memory(sig)) {
        wire_flush_dying();
        return;
    }
    wire_last_words(FRAME_END_MEMORY, "memory over its limit");
    wire_wait_for_end();
    _exit(0);
}

/* ---- what the engine asks for ---- */

static _Noreturn void on_fatal(int end, const char *message)
{
    if (phase == RUNNING) {
        wire_last_words(end, message);
        wire_wait_for_end();
    } else if (phase == IN_ZYGOTE) {
        struct control_failed f = {.kind = CONTROL_FAILED, .code = (uint32_t)-ERR_UNAVAILABLE};
        strncpy(f.text, message, sizeof f.text - 1);
        ssize_t ignored = write(CONTROL_FD, &f, sizeof f);
        (void)ignored;
    }
    _exit(phase == RUNNING ? 0 : EXIT_FATAL);
}

const struct engine_host cell_host = {
    .output = wire_output, .call = wire_call, .stream = wire_stream, .fatal = on_fatal};

/* ---- a job ---- */

/* Timers are looked at again after so many, however fast they come. */
#define FRAMES_A_TURN 64

static void take_frames(int64_t wait_us)
{
    struct wire_frame f;
    uint32_t ok;
    for (int n = 0; n < FRAMES_A_TURN && wire_next(&f, wait_us); n++) {
        if (f.head.type == FRAME_REPLY) {
            memcpy(&ok, f.payload, sizeof ok);
            engine_reply(f.head.id, ok != 0, f.payload + sizeof ok, f.head.len - sizeof ok);
        } else if (f.head.type != FRAME_INVOKE) {
            engine_stream(f.head.type, f.head.id, f.payload, f.head.len);
        }
        wait_us = 0;
    }
}

static void run(const struct engine_job *job)
{
    engine_begin(job);
    while (engine_pending()) {
        int64_t wait_us = engine_wait_us();
        if (wait_us != 0)
            wire_flush();
        if (wait_us != 0 || wire_calls() > 0 || engine_listens())
            take_frames(wait_us);
        engine_tick();
    }
}

/* With re-use, the hard limit has room for the largest INVOKE: a later one may be that. */
static void limit_memory(const struct cell_start *start, const struct frame_invoke *inv, size_t len)
{
    rlim_t most = start->data_bytes + inv->memory_bytes + DATA_SLACK_BYTES;
    const struct rlimit r = {most + len,
                             inv->reuse == FRAME_REUSE_NONE ? most + len : most + FRAME_INVOKE_MAX};
    setrlimit(RLIMIT_DATA, &r); /* a lower one of the operator's stays: it cannot be raised */
}

/* True when the cell may have another. */
static bool finish(const struct frame_invoke *inv)
{
    struct engine_result r;
    engine_finish(&r);
    if (r.end != FRAME_END_OK)
        r.value_len = 0;
    if (r.value_len > inv->value_bytes || r.value_len > FRAME_VALUE_MAX) {
        static const char too_large[] = "the value's JSON is larger than the job's output limit";
        r = (struct engine_result){.end = FRAME_END_OUTPUT,
                                   .message = too_large,
                                   .message_len = sizeof too_large - 1,
                                   .heap_peak = r.heap_peak};
    }
    wire_done(&r);
    return r.stays;
}

/* No script: the cell tries its jail, says how that went, and ends. */
static _Noreturn void probe(uint32_t layers)
{
    struct engine_result r = {.end = FRAME_END_OK};
    phase = PROBING;
    r.value = probe_run(layers, &r.value_len);
    wire_done(&r);
    _exit(0);
}

/* Nothing runs: the cell compiles, hands over what came of it, and ends. */
static _Noreturn void compile(const struct engine_job *job)
{
    const struct engine_result r = {.end = FRAME_END_OK};
    const char *code;
    size_t len;
    phase = RUNNING; /* it can be stopped */
    engine_compile(job, &code, &len);
    if (len > 0 && len <= FRAME_CODE_MAX)
        wire_code(code, len);
    wire_done(&r);
    wire_wait_for_end();
    _exit(0);
}

/* ---- a process ---- */

/* The steps from fork to seal, the same for a cell and for a trial. */
static void begin(int sock, const struct cell_start *start, bool awaited, uint32_t *layers)
{
    wire_attach(sock);
    if (!(start->layers & (1u << LAYER_PID_NS)))
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a pid namespace ends with its first process anyway */
    engine_after_fork();
    if (!awaited)
        engine_warm();
    if (jail_seal_cell(start->jail, start->no_code, layers))
        _exit(EXIT_NOT_SEALED);
}

/* What comes before it is for calls and streams of the invocation before: nobody waits for it. */
static void wait_for_invoke(struct wire_frame *f)
{
    do
        wire_next(f, WIRE_IDLE);
    while (f->head.type != FRAME_INVOKE);
}

void cell_main(int sock, const struct cell_start *start, bool awaited)
{
    uint32_t layers = 0;
    struct wire_frame f;
    struct frame_invoke inv;
    struct engine_job job;
    phase = STARTING;
    begin(sock, start, awaited, &layers);
    wire_ready();
    for (bool stays = true; stays;) {
        wait_for_invoke(&f);
        if (!invoke_read(&f.head, f.payload, &inv, &job) || (inv.kept && !keep_fill(&job)))
            _exit(EXIT_PROTOCOL);
        if (inv.reuse != FRAME_REUSE_AGAIN)
            limit_memory(start, &inv, f.head.len);
        wire_begin(f.head.id, inv.output_bytes);
        if (inv.source == FRAME_PROBE)
            probe(start->layers | layers);
        if (inv.source == FRAME_COMPILE || inv.source == FRAME_COMPILE_SCRIPT)
            compile(&job);
        phase = RUNNING;
        run(&job);
        stays = finish(&inv);
        phase = RESTING;
        if (stays && !engine_rest())
            _exit(EXIT_FATAL);
        wire_rest(inv.reuse == FRAME_REUSE_SCRIPT);
    }
    phase = RUNNING;
    wire_wait_for_end();
    _exit(0);
}

void cell_trial(int report, const struct cell_start *start)
{
    phase = TRIAL;
    begin(report, start, false, &trial_layers);
    trial_layers &= ~(1u << LAYER_SECCOMP);
    syscall(SYS_getppid); /* not in the table: SIGSYS comes, and with it cell_on_denied() */
    end_trial();
}
