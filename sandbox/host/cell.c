/* How this works
 *
 * A cell is heard of from three sides, in any order: its socket (frames, end of file), FORKED (the
 * pidfd) and EXITED (wait status). It counts as ready when READY and FORKED are both there, so that
 * whoever has a ready cell can kill it; it is gone when EXITED has come and its socket was read to
 * the end. The process that speaks and the one that the pidfd stands for must be the same, and one
 * that is said to have ended must have: else the zygote lies, and goes.
 *
 *   socket   READY ─ … ─ DONE → closed by us          end of file or breach → killed
 *   control  FORKED ─────────────────────────────────────────────────► EXITED → gone
 *
 * A DONE that stays leaves the socket open: the cell is READY, and what it says then, but for
 * DENIED, is a breach.
 *
 * CPU time. The kernel has a clock for every process, read by pid. A cell that sent DONE ends by
 * itself, and when we come to read its clock it may be reaped; then the DONE waits for EXITED,
 * which is on its way and carries the time. So that the clock was not of a newcomer with the same
 * pid, the pidfd is asked behind it whether its process is still there; but not before a run, which
 * a cell that has gone does not end.
 *
 * Budgets. From INVOKE to DONE or the end the run is on the zygote's watch (watch.h), which knows
 * the pidfd: the run is taken off before that is closed.
 *
 * Callbacks may do anything but free the zygote without its cells. While frames are being taken
 * (`busy`), cell_free() is put off. */
#include "sandbox/host/cell.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spare.h"
#include "sandbox/host/cell_inner.h"
#include "sandbox/host/cell_stream.h"

/* ---- signals ---- */

/* True when the process is there (a zombie is). */
static bool send_signal(const struct cell *c, int sig)
{
    return c->pidfd >= 0 && syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0) == 0;
}

void cell_kill(struct cell *c)
{
    c->kill_wanted = true; /* without a pidfd: cell_on_forked() does it */
    if (!c->killed && c->pidfd >= 0) {
        send_signal(c, SIGKILL);
        c->killed = true;
        if (!c->reaped && !c->lost)
            zygote_expect(c->z, WAIT_GONE, c);
    }
    if (c->p.state != CELL_GONE)
        zygote_press(c->z, &c->pressing);
}

void cell_terminate(struct cell *c)
{
    if (c->p.state == CELL_RUNNING)
        send_signal(c, SIGUSR1);
}

void cell_stop(struct cell *c, enum stop_reason why)
{
    watch_stop(zygote_watcher(c->z), &c->watched, why);
}

void cell_flush(struct cell *c)
{
    if (c->p.state == CELL_RUNNING)
        send_signal(c, SIGUSR2);
}

/* ---- CPU time ---- */

int64_t cell_process_cpu_us(const struct cell *c)
{
    return c->pidfd < 0 ? -1 : watch_process_cpu_us(c->pid, c->pidfd);
}

static int64_t exited_cpu_us(const struct cell *c)
{
    if (c->watched.report.killed)
        return c->watched.report.killed_cpu_us;
    int64_t us = (int64_t)(c->exited.utime_us + c->exited.stime_us) - c->cpu_at_invoke_us;
    return us > 0 ? us : 0;
}

int64_t cell_cpu_us(struct cell *c)
{
    if (c->reaped)
        return exited_cpu_us(c);
    int64_t us = cell_process_cpu_us(c);
    return us < 0 ? -1 : us - c->cpu_at_invoke_us;
}

/* ---- the end ---- */

static void close_socket(struct cell *c)
{
    if (c->fd < 0)
        return;
    zygote_unwatch(c->z, c->fd);
    close(c->fd);
    c->fd = -1;
    buf_free(&c->out); /* not the inbox: the frame in hand may lie in it */
}

/* Not earlier than the zygote has taken it out of the message: closing any Unix socket while one is
 * on its way has the kernel look for cycles of such. */
static void close_theirs(struct cell *c)
{
    if (c->theirs >= 0)
        close(c->theirs);
    c->theirs = -1;
}

/* Killed, and not by us: a process that hung up may have been killed before we did it again. */
static bool died_of_memory(const struct cell *c)
{
    return c->reaped && WIFSIGNALED(c->exited.status) && WTERMSIG(c->exited.status) == SIGKILL &&
           (!c->killed || c->hung_up) && !c->watched.report.killed && zygote_out_of_memory(c->z);
}

static uint64_t grown_bytes(const struct cell *c)
{
    uint64_t at_most = c->exited.maxrss_kb << 10, at_first = zygote_info(c->z)->cell_rss_bytes;
    return c->reaped && at_most > at_first ? at_most - at_first : 0;
}

static void tell_gone(struct cell *c)
{
    watch_end(zygote_watcher(c->z), &c->watched);
    zygote_unpress(c->z, &c->pressing);
    const struct cell_gone g = {
        .with_zygote = c->lost && !c->breach && c->denied < 0,
        .reaped = c->reaped,
        .status = c->exited.status,
        .cpu_us = c->reaped ? exited_cpu_us(c) : 0,
        .stopped = c->watched.report.stopped,
        .ended_at_us = c->watched.report.ended_at_us,
        .maxrss_kb = c->exited.maxrss_kb,
        .oom = died_of_memory(c),
        .memory_peak = grown_bytes(c),
        .denied_syscall = c->denied,
        .breach = c->breach,
    };
    close_socket(c);
    close_theirs(c);
    if (c->pidfd >= 0)
        close(c->pidfd);
    c->pidfd = -1;
    list_remove(&c->wait_node);
    list_remove(&c->gather_node);
    zygote_remove(c->z, c->number);
    c->p.state = CELL_GONE;
    cell_stream_end_all(c);
    c->ev.gone(c, &g, c->arg); /* may free c */
}

/* Nothing more is to be heard from it: its process has to end. One whose FORKED is still to come
 * stays in the list of those. */
static void stop_listening(struct cell *c)
{
    close_socket(c);
    if (!c->reaped && !c->lost && !c->killed && c->pidfd >= 0)
        zygote_expect(c->z, WAIT_END, c);
}

void cell_break_off(struct cell *c, const char *why)
{
    if (!c->breach)
        c->breach = why;
    log_debug("cell", "cell %llu broke the protocol: %s", (unsigned long long)c->number, why);
    stop_listening(c);
    cell_kill(c);
}

/* ---- frames ---- */

static void ready_if_both(struct cell *c)
{
    if (c->told_ready || c->p.state != CELL_READY || c->kill_wanted)
        return;
    if (c->pidfd < 0) {
        zygote_press(c->z, &c->pressing);
        return;
    }
    if (c->pid != c->sender) {
        if (c->pid > 0) /* else it is dead: EXITED follows */
            zygote_fail(c->z, ERR_PROTOCOL, "the zygote gave one cell the pidfd of another");
        return;
    }
    c->told_ready = true;
    zygote_unpress(c->z, &c->pressing);
    list_remove(&c->wait_node);
    c->ev.ready(c, c->arg);
}

static void deliver_done(struct cell *c, struct saying *s)
{
    watch_end(zygote_watcher(c->z), &c->watched);
    s->done.cpu_us = c->reaped ? exited_cpu_us(c) : c->cpu_at_done_us - c->cpu_at_invoke_us;
    if (s->done.cpu_us < 0)
        s->done.cpu_us = -1; /* lost with its zygote: nobody knows */
    s->done.stopped = c->watched.report.stopped;
    s->done.ended_at_us =
        c->watched.report.ended_at_us ? c->watched.report.ended_at_us : c->done_at_us;
    cell_stream_end_all(c);
    s->done.stays =
        s->done.stays && !c->reaped && !c->lost && !c->kill_wanted && s->done.stopped == STOP_NONE;
    if (!s->done.stays)
        stop_listening(c);
    c->ev.done(c, &s->done, c->arg);
    if (c->p.line > 0 && c->p.state == CELL_READY && c->fd >= 0) {
        stop_listening(c); /* nobody wants what it has begun */
        cell_kill(c);
    }
}

static void on_output(struct cell *c, const struct saying *s)
{
    c->ev.output(c, s->stream, s->text, s->len, c->arg);
    uint32_t due = protocol_credit_due(&c->p);
    if (due > 0)
        cell_send_small(c, FRAME_CREDIT, c->p.invocation, due, NULL, 0);
}

static void take_said(struct cell *c, const struct frame *f, const char *payload)
{
    struct saying s;
    const char *why = NULL;
    static const char no_kind[] = "no such stream kind";
    enum said said = protocol_take(&c->p, &c->in, f, payload, &s, &why);
    switch (said) {
    case SAID_BREACH:
        cell_break_off(c, why);
        break;
    case SAID_NOTHING:
        break;
    case SAID_READY:
        ready_if_both(c);
        break;
    case SAID_OUTPUT:
        on_output(c, &s);
        break;
    case SAID_CALL:
        c->ev.call(c, s.id, s.name, s.name_len, s.text, s.len, c->arg);
        break;
    case SAID_OPEN:
        cell_send_small(c, FRAME_CLOSE, s.id, 0, no_kind, sizeof no_kind - 1);
        break;
    case SAID_DATA:
    case SAID_WINDOW:
    case SAID_CLOSE:
        cell_stream_said(c, said, &s);
        break;
    case SAID_CODE:
        c->ev.code(c, s.text, s.len, c->arg);
        break;
    case SAID_DONE:
        deliver_done(c, &s);
        break;
    case SAID_DENIED:
        c->denied = (int)(s.syscall & 0x7fffffff);
        stop_listening(c);
        cell_kill(c); /* it ends by itself, unless it lied */
        break;
    }
}

/* The clocks at a DONE. */
static void note_done(struct cell *c, const char *payload)
{
    struct frame_done d;
    memcpy(&d, payload, sizeof d); /* frame_table has it as the least */
    c->done_at_us = 0;
    if (c->reaped || c->lost)
        c->cpu_at_done_us = -1;
    else if (d.stays && c->p.line > 0)
        c->done_at_us = cell_line_done(c, &d);
    else
        c->cpu_at_done_us = cell_process_cpu_us(c);
}

static int on_frame(const struct frame *f, const char *payload, void *arg)
{
    struct cell *c = arg;
    if (f->type == FRAME_DONE)
        note_done(c, payload);
    if (f->type == FRAME_DONE && c->cpu_at_done_us < 0 && !c->reaped && !c->lost) {
        watch_end(zygote_watcher(c->z), &c->watched);
        c->holds_done = true;
        c->done_head = *f;
        buf_add(&c->done_payload, payload, f->len);
        stop_listening(c);
        zygote_press(c->z, &c->pressing);
        return 1;
    }
    take_said(c, f, payload);
    return c->fd < 0 || c->doomed;
}

/* ---- reading ---- */

/* All that is read in one go is of one sender, whose pid the kernel translates for us. */
static ssize_t receive(struct cell *c, char *to, size_t cap, const char **why)
{
    struct iovec v = {to, cap};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    struct ucred who = {0};
    if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_CREDENTIALS &&
        h->cmsg_len == CMSG_LEN(sizeof who))
        memcpy(&who, CMSG_DATA(h), sizeof who);
    if (n > 0 && c->sender == 0)
        c->sender = who.pid;
    if (n > 0 && (m.msg_flags & MSG_CTRUNC))
        *why = "it sent descriptors"; /* there is no room for any: the kernel has closed them */
    else if (n > 0 && (who.pid == 0 || who.pid != c->sender))
        *why = "another process spoke in its place";
    return n;
}

/* One read of at most SCRATCH_SIZE: what a cell that floods gets of a turn of the loop. Its length,
 * 0 when there is nothing more to read now, or ever. */
static size_t read_some(struct cell *c)
{
    const char *why = NULL;
    char *scratch = zygote_scratch(c->z);
    ssize_t n = receive(c, scratch, SCRATCH_SIZE, &why);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        stop_listening(c);
        c->hung_up = !c->killed;
        cell_kill(c); /* a process that hangs up has nothing left to do */
        return 0;
    }
    if (why || inbox_feed(&c->in, scratch, (size_t)n, on_frame, c, &why) < 0)
        cell_break_off(c, why);
    explicit_bzero(scratch, (size_t)n); /* a script may have said a secret */
    return c->fd >= 0 ? (size_t)n : 0;
}

static void free_now(struct cell *c);

/* Runs a step in which callbacks may free the cell. False when they did. */
static bool leave_busy(struct cell *c)
{
    c->busy = false;
    if (c->doomed)
        free_now(c);
    else
        return true;
    return false;
}

void cell_on_socket(struct cell *c, bool readable, bool writable)
{
    c->busy = true;
    cell_uncork(c);
    if (writable && c->fd >= 0 && c->out.len > 0)
        cell_send_queued(c);
    if (readable && c->fd >= 0) {
        cell_cork(c);
        read_some(c);
        cell_uncork(c);
    }
    if (c->fd >= 0)
        cell_stream_writable(c); /* also where all that was gathered went at once */
    leave_busy(c);
}

void cell_turn_done(struct cell *c)
{
    c->busy = true;
    cell_uncork(c);
    if (c->fd >= 0)
        cell_stream_writable(c);
    leave_busy(c);
}

/* The process is dead: what is still in the socket is all there will be. Socket buffers hold less
 * than the bound: beyond it somebody else writes. */
#define READ_AFTER_END_MAX ((size_t)4 << 20)
static bool read_to_end(struct cell *c)
{
    size_t n = 1, all = 0;
    c->busy = true;
    while (c->fd >= 0 && n > 0 && all < READ_AFTER_END_MAX)
        all += n = read_some(c);
    if (n > 0 && all >= READ_AFTER_END_MAX)
        cell_break_off(c, "somebody writes into its socket after its end");
    close_socket(c);
    if (c->holds_done && !c->doomed) {
        c->holds_done = false;
        take_said(c, &c->done_head, c->done_payload.data);
    }
    return leave_busy(c);
}

/* ---- what the zygote tells ---- */

void cell_on_forked(struct cell *c, int pid, int pidfd)
{
    if (c->pidfd >= 0 || c->reaped) {
        if (pidfd >= 0)
            close(pidfd);
        return;
    }
    if (pidfd < 0) {
        log_warn("cell", "the zygote cannot fork: %s", strerror(-pid));
        tell_gone(c);
        return;
    }
    c->pidfd = pidfd;
    c->pid = pid;
    close_theirs(c);
    if (c->kill_wanted)
        cell_kill(c);
    c->busy = true;
    ready_if_both(c);
    leave_busy(c);
}

void cell_on_exited(struct cell *c, const struct control_exited *x)
{
    if (c->pidfd < 0 || send_signal(c, 0)) {
        zygote_fail(c->z, ERR_PROTOCOL, "the zygote told of the end of a cell that has not ended");
        return;
    }
    c->reaped = true;
    c->exited = *x;
    if (read_to_end(c))
        tell_gone(c);
}

void cell_on_lost(struct cell *c)
{
    c->lost = true;
    cell_kill(c); /* without a pid namespace it outlives its zygote by a moment */
    if (read_to_end(c))
        tell_gone(c);
}

/* Not ready, or not gone, in time. Killed once; a zygote that then does not report its end hangs.
 */
void cell_on_late(struct cell *c)
{
    if (c->killed) {
        zygote_fail(c->z, ERR_TIMEOUT, "the zygote does not report the end of a cell");
        return;
    }
    if (c->pidfd < 0) {
        zygote_fail(c->z, ERR_TIMEOUT, "the zygote does not fork");
        return;
    }
    log_debug("cell", "cell %llu %s in time: killing it", (unsigned long long)c->number,
              c->p.state == CELL_STARTING ? "did not get ready" : "did not end");
    cell_kill(c);
}

/* ---- for the executor ---- */

static _Thread_local struct spare spare_cells;

static struct cell *new_cell(struct zygote *z, const struct cell_events *ev, void *arg)
{
    struct cell *c = spare_alloc(&spare_cells, sizeof *c);
    c->z = z;
    c->number = zygote_number(z);
    c->ev = *ev;
    c->arg = arg;
    c->fd = c->pidfd = c->theirs = c->denied = -1;
    c->out.secret = true;
    c->out.max = CELL_ANSWERS_MAX;
    c->done_payload.secret = true;
    list_init(&c->wait_node);
    list_init(&c->gather_node);
    list_init(&c->watched.node);
    list_init(&c->streams);
    protocol_init(&c->p, &c->in);
    return c;
}

static int make_socket(struct cell *c, struct err *e)
{
    int fds[2], yes = 1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
        return err_errno(e, "cannot make a cell's socket");
    c->fd = fds[0];
    c->theirs = fds[1];
    if (setsockopt(c->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) ||
        zygote_watch(c->z, c->fd, c->number, false, true))
        return err_errno(e, "cannot watch a cell's socket");
    return 0;
}

int cell_fork(struct zygote *z, int n, bool awaited, const struct cell_events *ev, void *arg,
              struct cell **out, struct err *e)
{
    int theirs[CONTROL_FORK_MAX], rc = 0, made = 0;
    uint64_t numbers[CONTROL_FORK_MAX];
    CHECK(n >= 1 && n <= CONTROL_FORK_MAX);
    while (made < n && !rc) {
        struct cell *c = out[made] = new_cell(z, ev, arg);
        numbers[made] = c->number;
        rc = make_socket(c, e);
        theirs[made++] = c->theirs;
    }
    if (!rc)
        rc = zygote_ask_fork(z, n, awaited, numbers, theirs, e);
    for (int i = 0; i < made; i++) {
        if (rc) {
            free_now(out[i]);
        } else {
            zygote_add(z, out[i]->number, out[i]);
            zygote_expect(z, WAIT_READY, out[i]);
        }
    }
    return rc;
}

int cell_pid(const struct cell *c)
{
    return c->pid;
}

void *cell_arg(const struct cell *c)
{
    return c->arg;
}

void cell_set_arg(struct cell *c, void *arg)
{
    c->arg = arg;
}

static void free_now(struct cell *c)
{
    watch_end(zygote_watcher(c->z), &c->watched);
    zygote_unpress(c->z, &c->pressing);
    list_remove(&c->wait_node);
    list_remove(&c->gather_node);
    close_socket(c);
    close_theirs(c);
    if (c->pidfd >= 0)
        close(c->pidfd);
    protocol_free(&c->p);
    inbox_free(&c->in);
    buf_free(&c->done_payload);
    spare_free(&spare_cells, c);
}

void cell_free(struct cell *c)
{
    if (!c)
        return;
    watch_end(zygote_watcher(c->z), &c->watched);
    if (c->p.state != CELL_GONE) {
        cell_kill(c);
        zygote_remove(c->z, c->number);
    }
    list_remove(&c->wait_node);
    cell_stream_end_all(c);
    if (c->busy)
        c->doomed = true;
    else
        free_now(c);
}
