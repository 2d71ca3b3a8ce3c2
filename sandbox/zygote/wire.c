/* How this works
 *
 * Output. Text is collected as finished OUTPUT frames in `out`, one growing frame per run of the
 * same stream, and leaves when 16 kB have come together, 1 ms after the last time, when the cell
 * waits, or with DONE: a script that prints a line a time costs one write, not a thousand. Credit
 * counts bytes of payload. Without credit the cell waits for CREDIT inside console.log(); replies
 * that arrive meanwhile are put aside for wire_next().
 *
 * Signals. SIGUSR2 (send what you hold), SIGUSR1 (stop), a crash and SIGSYS all want `out` sent
 * from a handler. `busy` says that the interrupted code is inside it: then a handler keeps its
 * hands off and leaves `flush_wanted` behind, or, on its way to the grave, gives the text up.
 *
 * Input. One buffer; INVOKE's bytes stay where they are (the engine keeps pointers into them),
 * later frames pass behind them. A frame too large for that gets memory of its own. When the cell
 * rests, all but what it has to keep is given back. An INVOKE that comes while another runs waits
 * in line, in memory of its own. */
#include "sandbox/zygote/wire.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/jail/layers_for_test.h"
#include "sandbox/zygote/aside.h"
#include "sandbox/zygote/peer.h"

#define OUT_SEND_AT FRAME_OUTPUT_MAX /* bytes held back */
#define OUT_CAP     (OUT_SEND_AT + 2 * sizeof(struct frame) + 2)
#define HOLD_US     1000 /* text is held back no longer than this while the script prints */

#define IN_CAP   (128u << 10) /* an INVOKE in place, and a DATA or nearly any REPLY behind it */
#define IN_PLACE (32u << 10)  /* larger INVOKEs get memory of their own */

#define LARGE_KB (16L << 10) /* grown by more: giving it back takes a millisecond or more */

enum { EXIT_PROTOCOL = 70 };

/* What each cell writes stands together, in the page of the data that it has to copy anyway. */
#define TOGETHER __attribute__((section(".data")))

static char out_bytes[OUT_CAP], in_bytes[IN_CAP];

#define OUT_FEW 512 /* bytes held back that take no page of their own */

static TOGETHER struct {
    size_t used;
    size_t payload; /* bytes of payload among them: what credit they need */
    bool open;      /* the frame at the end may still grow; this is it: */
    size_t open_at;
    uint32_t open_len;
    int open_stream;
    uint64_t credit, budget_left, total[2];
    uint64_t invocation; /* 0: none */
    int64_t sent_at_us;
    volatile sig_atomic_t busy, flush_wanted;
    bool dying; /* replies are of no use any more */
    bool bulky; /* what is held is in out_bytes, not in: */
    char few[OUT_FEW];
} out;

static TOGETHER struct {
    size_t base, start, end;   /* [0, base) belongs to INVOKE, [start, end) is unread */
    size_t kept;               /* of base, what stays for ever */
    char *large;               /* of an INVOKE that did not fit */
    struct asides aside, line; /* while it waited for credit; INVOKEs */
    struct aside *given;       /* that was handed out last */
    struct aside *begun;       /* INVOKE out of the line: the present one */
    bool running;              /* from wire_begin() to wire_rest() */
    void *own;                 /* of the frame that was handed out last */
    unsigned calls;
} in;

static TOGETHER long base_rss_kb; /* peak before the first job */
static TOGETHER long last_rss_kb; /* peak when the last one ended */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long peak_rss_kb(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r); /* _THREAD does not bring the CPU clock up to date for others */
    return r.ru_maxrss;
}

/* ---- writing ---- */

static char *held(void)
{
    return out.bulky ? out_bytes : out.few;
}

/* Where the next n bytes go. */
static char *held_end(size_t n)
{
    if (!out.bulky && out.used + n > OUT_FEW) {
        memcpy(out_bytes, out.few, out.used);
        out.bulky = true;
    }
    return held() + out.used;
}

/* Sends what is held, the caller having seen to the credit, and `tail` behind it, in one call. */
#define TAIL_MAX 6
static void send_held(const struct iovec *tail, int tails)
{
    struct iovec v[1 + TAIL_MAX];
    int n = 0;
    if (out.used)
        v[n++] = (struct iovec){held(), out.used};
    for (int i = 0; i < tails; i++)
        if (tail[i].iov_len)
            v[n++] = tail[i];
    out.credit -= out.payload;
    out.used = out.payload = 0;
    out.open = false;
    if (n)
        peer_write(v, n);
}

static void wait_for_credit(void);

static void enter(void)
{
    out.busy = 1;
    atomic_signal_fence(memory_order_seq_cst);
}

static void leave(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    out.busy = 0;
    if (out.flush_wanted) {
        out.flush_wanted = 0;
        wire_flush();
    }
}

static void send_behind(const struct iovec *tail, int tails)
{
    enter();
    while (out.payload > out.credit)
        wait_for_credit();
    send_held(tail, tails);
    if (out.invocation)
        out.sent_at_us = now_us();
    leave();
}

void wire_flush(void)
{
    if (out.used)
        send_behind(NULL, 0);
}

void wire_flush_now(void)
{
    if (out.busy)
        out.flush_wanted = 1;
    else if (out.used && out.payload <= out.credit)
        send_held(NULL, 0);
}

/* ---- output ---- */

static bool open_frame(int stream)
{
    struct frame head = {.len = 1, .type = FRAME_OUTPUT, .id = out.invocation};
    if (OUT_CAP - out.used < sizeof head + 2)
        return false;
    char *at = held_end(sizeof head + 1);
    memcpy(at, &head, sizeof head);
    at[sizeof head] = (char)stream;
    out.open = true;
    out.open_at = out.used;
    out.open_len = head.len;
    out.open_stream = stream;
    out.used += sizeof head + 1;
    out.payload += 1;
    return true;
}

/* Takes as much as fits into the frame that is open, or a new one; 0 when the buffer is full. */
static size_t append(int stream, const char *text, size_t len)
{
    if (out.open && out.open_stream != stream)
        out.open = false;
    if (!out.open && !open_frame(stream))
        return 0;
    size_t room = OUT_CAP - out.used, frame_room = 1 + FRAME_OUTPUT_MAX - out.open_len;
    size_t n = len < room ? len : room;
    n = n < frame_room ? n : frame_room;
    memcpy(held_end(n), text, n);
    out.used += n;
    out.payload += n;
    out.open_len += (uint32_t)n;
    memcpy(held() + out.open_at + offsetof(struct frame, len), &out.open_len, sizeof out.open_len);
    return n;
}

bool wire_output(int stream, const char *text, size_t len)
{
    if (!out.invocation)
        return true;
    out.total[stream == FRAME_STDERR] += len;
    bool fits = len <= out.budget_left;
    size_t left = fits ? len : (size_t)out.budget_left;
    out.budget_left -= left;
    while (left > 0) {
        enter();
        size_t n = append(stream, text, left);
        leave();
        text += n;
        left -= n;
        if (n == 0 || out.used >= OUT_SEND_AT)
            wire_flush();
    }
    if (now_us() - out.sent_at_us >= HOLD_US)
        wire_flush();
    return fits;
}

bool wire_call(uint64_t id, const char *name, const char *json, size_t len)
{
    size_t name_len = strlen(name);
    if (!out.invocation)
        return true;
    if (name_len > FRAME_CALL_NAME_MAX || len > FRAME_CALL_MAX ||
        (id && in.calls >= FRAME_CALLS_MAX))
        return false; /* the engine checks before; the supervisor would take it for a breach */
    struct frame_call call = {.name_len = (uint32_t)name_len};
    struct frame head = {.len = (uint32_t)(sizeof call + name_len + len),
                         .type = id ? FRAME_CALL : FRAME_NOTE,
                         .id = id ? id : out.invocation};
    const struct iovec v[] = {{&head, sizeof head},
                              {&call, sizeof call},
                              {(void *)(uintptr_t)name, name_len},
                              {(void *)(uintptr_t)json, len}};
    send_behind(v, 4);
    in.calls += id != 0;
    return true;
}

bool wire_stream(int frame_type, uint64_t id, const char *payload, size_t len)
{
    if (!out.invocation)
        return true;
    struct frame head = {.len = (uint32_t)len, .type = (uint16_t)frame_type, .id = id};
    const struct iovec v[] = {{&head, sizeof head}, {(void *)(uintptr_t)payload, len}};
    send_behind(v, 2);
    return true;
}

/* ---- the end ---- */

static uint32_t cut(size_t len)
{
    return (uint32_t)(len < FRAME_TEXT_MAX ? len : FRAME_TEXT_MAX);
}

/* The kernel keeps one peak for a process: a job that did not raise it took no more than what the
 * engine has counted. */
static void fill_done(struct frame *head, struct frame_done *d, uint64_t counted_peak)
{
    long peak_kb = peak_rss_kb(), grown_kb = peak_kb - base_rss_kb;
    struct timespec cpu;
    if (d->stays) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
        d->cpu_us = (uint64_t)cpu.tv_sec * 1000000 + (uint64_t)cpu.tv_nsec / 1000;
        d->at_us = (uint64_t)now_us();
    }
    d->memory_peak = peak_kb <= last_rss_kb ? counted_peak
                     : grown_kb > 0         ? (uint64_t)grown_kb << 10
                                            : 0;
    last_rss_kb = peak_kb;
    d->stdout_total = out.total[0];
    d->stderr_total = out.total[1];
    *head = (struct frame){
        .len = (uint32_t)sizeof *d + d->value_len + d->name_len + d->message_len + d->stack_len,
        .type = FRAME_DONE,
        .id = out.invocation,
    };
}

void wire_code(const char *code, size_t len)
{
    struct frame head = {.len = (uint32_t)len, .type = FRAME_CODE, .id = out.invocation};
    const struct iovec v[] = {{&head, sizeof head}, {(void *)(uintptr_t)code, len}};
    send_behind(v, 2);
}

void wire_done(const struct engine_result *r)
{
    struct frame head;
    struct frame_done d = {
        .end = (uint32_t)r->end,
        .line = r->line,
        .column = r->column,
        .value_len = (uint32_t)r->value_len,
        .name_len = cut(r->name_len),
        .message_len = cut(r->message_len),
        .stack_len = cut(r->stack_len),
        .heap_peak = r->heap_peak,
        .over_bytes = r->over_bytes,
        .stays = r->stays,
    };
    fill_done(&head, &d, r->memory_peak);
    const struct iovec v[] = {{&head, sizeof head},
                              {&d, sizeof d},
                              {(void *)(uintptr_t)r->value, d.value_len},
                              {(void *)(uintptr_t)r->name, d.name_len},
                              {(void *)(uintptr_t)r->message, d.message_len},
                              {(void *)(uintptr_t)r->stack, d.stack_len}};
    send_behind(v, TAIL_MAX);
}

/* The process ends behind this: what is held goes too, unless the code that died was inside it.
 * Frames that arrive while it waits for credit are dropped. */
static void send_dying(const struct iovec *tail, int tails)
{
    out.dying = true;
    if (out.busy)
        out.used = out.payload = 0;
    while (out.payload > out.credit)
        wait_for_credit();
    send_held(tail, tails);
}

void wire_flush_dying(void)
{
    send_dying(NULL, 0);
}

void wire_last_words(int end, const char *message)
{
    struct frame head;
    struct frame_done d = {
        .end = (uint32_t)end,
        .message_len = cut(strlen(message)),
        .heap_peak = engine_heap_peak(),
        .over_bytes = engine_over_bytes(),
    };
    fill_done(&head, &d, engine_heap_peak());
    const struct iovec v[] = {
        {&head, sizeof head}, {&d, sizeof d}, {(void *)(uintptr_t)message, d.message_len}};
    send_dying(v, 3);
}

void wire_wait_for_end(void)
{
    char dropped[256];
    ssize_t n;
    if (last_rss_kb - base_rss_kb < LARGE_KB)
        return;
    do
        n = read(CELL_FD, dropped, sizeof dropped);
    while (n > 0 || (n < 0 && errno == EINTR));
}

void wire_denied(uint32_t syscall_number)
{
    struct frame head = {.len = sizeof syscall_number, .type = FRAME_DENIED, .id = out.invocation};
    const struct iovec v[] = {{&head, sizeof head}, {&syscall_number, sizeof syscall_number}};
    send_dying(v, 2);
}

/* ---- reading ---- */

static void need_valid(const struct frame *f)
{
    const char *why;
    if (frame_check(f, false, &why))
        _exit(EXIT_PROTOCOL);
}

/* A frame that does not fit: the rest is read straight into memory of its own. That of INVOKE stays
 * until the cell rests. */
static void read_large(struct wire_frame *f)
{
    char *own = malloc(f->head.len);
    if (!own)
        _exit(EXIT_PROTOCOL);
    size_t have = in.end - in.start;
    memcpy(own, in_bytes + in.start, have);
    in.start = in.end = in.base;
    while (have < f->head.len)
        peer_read(own + have, f->head.len - have, &have);
    f->payload = own;
    f->own = f->head.type == FRAME_INVOKE ? NULL : own;
    if (f->head.type == FRAME_INVOKE)
        in.large = own;
}

/* A whole frame out of the buffer, if there is one. */
static bool cut_frame(struct wire_frame *f)
{
    size_t have = in.end - in.start;
    if (have < sizeof f->head)
        return false;
    memcpy(&f->head, in_bytes + in.start, sizeof f->head);
    need_valid(&f->head);
    f->own = NULL;
    bool large = f->head.type == FRAME_INVOKE ? f->head.len > IN_PLACE
                                              : f->head.len > IN_CAP - in.base - sizeof f->head;
    if (large && f->head.type == FRAME_INVOKE && in.running)
        _exit(EXIT_PROTOCOL); /* only small ones wait in line */
    if (large) {
        in.start += sizeof f->head;
        if (in.end - in.start > f->head.len)
            _exit(EXIT_PROTOCOL); /* nothing follows an INVOKE before the cell has spoken, and
                                     behind another there is no room */
        read_large(f);
        return true;
    }
    if (have < sizeof f->head + f->head.len)
        return false;
    f->payload = in_bytes + in.start + sizeof f->head;
    in.start += sizeof f->head + f->head.len;
    if (f->head.type == FRAME_INVOKE && !in.running)
        in.base = in.start;
    return true;
}

static bool take_frame(struct wire_frame *f)
{
    while (cut_frame(f)) {
        if (f->head.type != FRAME_INVOKE || !in.running)
            return true;
        asides_put(&in.line, &f->head, f->payload);
    }
    return false;
}

static void fill_buffer(void)
{
    if (in.start == in.end) {
        in.start = in.end = in.base;
    } else if (in.start > in.base && in.end > IN_CAP / 2) {
        memmove(in_bytes + in.base, in_bytes + in.start, in.end - in.start);
        in.end -= in.start - in.base;
        in.start = in.base;
    }
    if (in.end == IN_CAP)
        _exit(EXIT_PROTOCOL); /* a frame that would not fit is read elsewhere */
    peer_read(in_bytes + in.end, IN_CAP - in.end, &in.end);
}

static bool took_credit(const struct wire_frame *f)
{
    uint32_t more;
    if (f->head.type != FRAME_CREDIT)
        return false;
    memcpy(&more, f->payload, sizeof more);
    if (f->head.id == out.invocation)
        out.credit += more;
    return true;
}

static void wait_for_credit(void)
{
    struct wire_frame f;
    while (!take_frame(&f))
        if (peer_readable(-1))
            fill_buffer();
    if (!took_credit(&f) && !out.dying)
        asides_put(&in.aside, &f.head, f.payload);
    free(f.own);
}

/* The first of q, which is kept in *held until the next. */
static bool take_from(struct asides *q, struct aside **held, struct wire_frame *f)
{
    free(*held);
    *held = asides_take(q);
    if (!*held)
        return false;
    f->head = (*held)->head;
    f->payload = (*held)->payload;
    f->own = NULL;
    return true;
}

int wire_next(struct wire_frame *f, int64_t wait_us)
{
    free(in.own);
    in.own = NULL;
    if (!in.running && in.line.first) {
        asides_drop(&in.aside); /* for the invocation before */
        return take_from(&in.line, &in.begun, f);
    }
    bool got = take_from(&in.aside, &in.given, f);
    while (!got) {
        got = take_frame(f);
        if (got && took_credit(f)) {
            got = false;
            continue;
        }
        if (got)
            break;
        if (wait_us != WIRE_IDLE && !peer_readable(wait_us))
            return 0;
        fill_buffer();
        wait_us =
            0; /* what came may have been CREDIT alone: the caller's timer is then due again */
    }
    if (f->head.type == FRAME_REPLY && in.calls)
        in.calls--;
    in.own = f->own;
    return 1;
}

void wire_rest(bool keep)
{
    if (keep) {
        in.kept = in.base;
        in.large = NULL;
    }
    free(in.large);
    in.large = NULL;
    memmove(in_bytes + in.kept, in_bytes + in.start, in.end - in.start);
    in.end -= in.start - in.kept;
    in.start = in.base = in.kept;
    in.calls = 0;
    free(in.begun);
    in.begun = NULL;
    in.running = false;
}

unsigned wire_calls(void)
{
    return in.calls;
}

/* ---- beginnings ---- */

void wire_attach(int sock)
{
    if (sock != CELL_FD)
        dup2(sock, CELL_FD);
    if (!jail_off(PART_ONE_DESCRIPTOR))
        close_range(CELL_FD + 1, ~0u, 0);
}

void wire_ready(void)
{
    struct frame head = {.type = FRAME_READY};
    struct iovec v = {&head, sizeof head};
    base_rss_kb = peak_rss_kb();
    last_rss_kb = 0;
    peer_write(&v, 1);
}

void wire_begin(uint64_t invocation, uint64_t output_bytes)
{
    in.running = true;
    out.invocation = invocation;
    out.credit = FRAME_OUTPUT_WINDOW;
    out.budget_left = output_bytes;
    out.total[0] = out.total[1] = 0;
    out.sent_at_us = now_us();
}
