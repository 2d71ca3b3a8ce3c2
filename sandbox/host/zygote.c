/* How this works
 *
 * One epoll instance for each zygote holds its control socket, its pidfd and the sockets of its
 * cells, and is itself one handle of the loop. A cell so costs one epoll_ctl and no handle: nothing
 * of it has to wait for a close callback, and an event that was collected before its cell went is
 * recognised by its number, which is never used again.
 *
 *   STARTING ──UP──► UP ──FAILED, end of file, breach, late──► ENDING ──process reaped──► GONE
 *
 * Whatever goes wrong with a zygote, it is killed (its cells die with it, by their pid namespace)
 * and the pidfd tells when it is reaped. Only then are its cells told, then its owner: so nothing
 * is said of a cell that may still be running. zygote_free() goes the same way, without telling.
 *
 * What the zygote tells of its cells (FORKED, EXITED) mostly has time. While a cell is to get
 * ready, whose READY will wake the loop, the control socket does not (a waking costs more than what
 * is then done); it is read when somebody waits for what it has to tell (zygote_press()), with all
 * else that has come by then, and by the timer.
 *
 * A timer looks after those that must do something and may hang: a zygote that starts, a cell that
 * is to get ready or to end. */
#include "sandbox/host/zygote.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "sandbox/host/zygote_inner.h"
#include "sandbox/jail/cgroup.h"

#define START_MAX_US                                                                               \
    (30 * INT64_C(1000000)) /* V8, training, huge pages: 0.1 s on an idle machine */
#define TICK_MS      250
#define EVENTS_MAX   64
#define MESSAGES_MAX 64  /* of the control socket in one turn of the loop */
#define WORDS_SHOWN  300 /* of what the process wrote to stderr */

/* What a dead zygote has left in its socket and its pipe is read to the end; the kernel's buffers
 * hold less than this. Without a bound, a process that outlives it (there is no pid namespace with
 * `jail: off`) could write as fast as we read. */
#define LAST_MESSAGES_MAX 1024
#define LAST_WORDS_MAX    (128 << 10)

/* What epoll's data holds; cells' numbers begin above. */
enum { ON_CONTROL, ON_PROCESS, FIRST_NUMBER };

static const int64_t wait_max_us[WAITS] = {
    [WAIT_READY] = 10 * INT64_C(1000000),
    [WAIT_END] = INT64_C(250000),
    [WAIT_GONE] = 10 * INT64_C(1000000),
};

/* ---- cells: table, lists, epoll ---- */

uint64_t zygote_number(struct zygote *z)
{
    return z->claims.next++;
}

void zygote_add(struct zygote *z, uint64_t number, struct cell *c)
{
    struct cell **bucket = &z->buckets[number % BUCKETS];
    c->hash_next = *bucket;
    *bucket = c;
    z->live++;
}

struct cell *zygote_find(const struct zygote *z, uint64_t number)
{
    struct cell *c = z->buckets[number % BUCKETS];
    while (c && c->number != number)
        c = c->hash_next;
    return c;
}

void zygote_remove(struct zygote *z, uint64_t number)
{
    for (struct cell **at = &z->buckets[number % BUCKETS]; *at; at = &(*at)->hash_next)
        if ((*at)->number == number) {
            *at = (*at)->hash_next;
            z->live--;
            return;
        }
}

int zygote_watch(struct zygote *z, int fd, uint64_t number, bool want_out, bool first)
{
    struct epoll_event ev = {.events = EPOLLIN | (want_out ? (uint32_t)EPOLLOUT : 0u),
                             .data.u64 = number};
    return epoll_ctl(z->epoll, first ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev);
}

/* Whether the control socket wakes the loop. Its end always does. */
static void attend(struct zygote *z)
{
    bool wanted = z->state != ZYGOTE_UP || z->pressing > 0 || list_empty(&z->waits[WAIT_READY]);
    struct epoll_event ev = {.events = wanted ? EPOLLIN : 0, .data.u64 = ON_CONTROL};
    if (z->in_events || z->state >= ZYGOTE_ENDING || wanted == z->attends)
        return;
    if (epoll_ctl(z->epoll, EPOLL_CTL_MOD, z->control, &ev))
        zygote_fail(z, ERR_IO, "the zygote's control socket cannot be watched");
    z->attends = wanted;
}

void zygote_press(struct zygote *z, bool *pressing)
{
    z->pressing += !*pressing;
    *pressing = true;
    attend(z);
}

void zygote_unpress(struct zygote *z, bool *pressing)
{
    z->pressing -= *pressing;
    *pressing = false;
}

void zygote_unwatch(struct zygote *z, int fd)
{
    /* Explicitly: a process forked a moment ago may still hold a copy of the descriptor. */
    epoll_ctl(z->epoll, EPOLL_CTL_DEL, fd, NULL);
}

char *zygote_scratch(struct zygote *z)
{
    return z->scratch;
}

bool zygote_keep_out(struct zygote *z, struct buf *out)
{
    if (z->out_count == KEPT_OUTS)
        return false;
    buf_clear(out);
    z->outs[z->out_count++] = *out;
    *out = (struct buf){.max = out->max, .secret = out->secret};
    return true;
}

bool zygote_kept_out(struct zygote *z, struct buf *out)
{
    if (z->out_count == 0)
        return false;
    size_t max = out->max;
    *out = z->outs[--z->out_count];
    out->max = max;
    return true;
}

struct watch *zygote_watcher(struct zygote *z)
{
    return z->watch;
}

static void on_tick(uv_timer_t *t);

static void on_turn_done(uv_prepare_t *h)
{
    struct zygote *z = h->data;
    while (!list_empty(&z->gathering)) /* each takes itself out */
        cell_turn_done(LIST_ENTRY(z->gathering.next, struct cell, gather_node));
    uv_prepare_stop(h);
}

void zygote_uncork_later(struct zygote *z, struct cell *c)
{
    list_push_back(&z->gathering, &c->gather_node);
    if (z->state < ZYGOTE_GONE)
        uv_prepare_start(&z->turn_done, on_turn_done);
}

void zygote_expect(struct zygote *z, enum zygote_wait w, struct cell *c)
{
    list_remove(&c->wait_node);
    list_push_back(&z->waits[w], &c->wait_node);
    c->waits_since_us = clock_mono_us();
    if (!uv_is_active((uv_handle_t *)&z->timer) && z->state <= ZYGOTE_UP)
        uv_timer_start(&z->timer, on_tick, TICK_MS, TICK_MS);
    attend(z);
}

int zygote_ask_fork(struct zygote *z, int n, bool awaited, const uint64_t *numbers, const int *fds,
                    struct err *e)
{
    struct control_fork f = {.kind = CONTROL_FORK, .n = (uint32_t)n, .awaited = awaited};
    struct iovec v = {&f, sizeof f};
    size_t bytes = (size_t)n * sizeof fds[0];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(CONTROL_FORK_MAX * sizeof(int))];
    } control;
    if (z->state != ZYGOTE_UP)
        return err_set(e, ERR_UNAVAILABLE, "the zygote is not up");
    memset(&control, 0, sizeof control);
    memcpy(f.number, numbers, (size_t)n * sizeof numbers[0]);
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = CMSG_SPACE(bytes)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(c), fds, bytes);
    if (sendmsg(z->control, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return err_errno(e, "the zygote takes no request");
    return 0;
}

/* ---- the end ---- */

static void kill_process(const struct zygote *z)
{
    if (z->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, z->pidfd, SIGKILL, NULL, 0);
}

void zygote_end(struct zygote *z)
{
    if (z->state >= ZYGOTE_ENDING)
        return;
    z->state = ZYGOTE_ENDING;
    kill_process(z);
}

void zygote_fail(struct zygote *z, int code, const char *why)
{
    if (!z->why.code)
        err_set(&z->why, code, "%s", why);
    zygote_end(z);
}

static void on_closed(uv_handle_t *h)
{
    struct zygote *z = h->data;
    if (--z->closing > 0)
        return;
    watch_free(z->watch);
    while (z->out_count > 0)
        buf_free(&z->outs[--z->out_count]);
    free(z);
}

static void close_handles(struct zygote *z)
{
    const int fds[] = {z->control, z->pidfd, z->words};
    z->closing = 3;
    uv_close((uv_handle_t *)&z->poll, on_closed);
    uv_close((uv_handle_t *)&z->timer, on_closed);
    uv_close((uv_handle_t *)&z->turn_done, on_closed);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    close(z->epoll);
}

/* The last lines that the process wrote to stderr, as one. */
static void last_words(const struct zygote *z, char out[WORDS_SHOWN + 1])
{
    char text[8192];
    ssize_t n, len = 0, all = 0;
    while (all < LAST_WORDS_MAX && (n = read(z->words, text, sizeof text)) > 0) {
        len = n;
        all += n;
    }
    while (len > 0 && (unsigned char)text[len - 1] <= ' ')
        len--;
    ssize_t from = len > WORDS_SHOWN ? len - WORDS_SHOWN : 0;
    for (ssize_t i = from; i < len; i++)
        out[i - from] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : ' ';
    out[len - from] = '\0';
}

bool zygote_out_of_memory(struct zygote *z)
{
    return cgroup_take_oom(z->cgroup);
}

static void say_how_it_ended(struct zygote *z, int status)
{
    char words[WORDS_SHOWN + 1], how[64];
    last_words(z, words);
    if (z->why.code)
        return;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && zygote_out_of_memory(z))
        snprintf(how, sizeof how, "the kernel's OOM killer");
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, sizeof how, "exit status %d", WEXITSTATUS(status));
    err_set(&z->why, ERR_IO, "the zygote ended with %s%s%s", how, words[0] ? ", saying: " : "",
            words);
}

static struct cell *any_cell(const struct zygote *z)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        if (z->buckets[i])
            return z->buckets[i];
    return NULL;
}

/* The process is dead and reaped: what it still told, its cells, its owner. Any of the callbacks
 * may free the zygote: then the memory stays until the close callbacks, and nobody else is told. */
static void process_ended(struct zygote *z, int status)
{
    struct cell *c;
    z->state = ZYGOTE_ENDING;
    uv_poll_stop(&z->poll);
    uv_timer_stop(&z->timer);
    zygote_hear(z, LAST_MESSAGES_MAX);
    say_how_it_ended(z, status);
    while (!z->freeing && (c = any_cell(z)))
        cell_on_lost(c); /* takes itself out */
    z->state = ZYGOTE_GONE;
    if (z->freeing)
        close_handles(z);
    else
        z->ev.gone(z, &z->why, z->arg);
}

static void reap(struct zygote *z)
{
    int status = 0;
    pid_t pid = waitpid(z->info.pid, &status, WNOHANG | __WALL);
    if (pid == z->info.pid || (pid < 0 && errno == ECHILD))
        process_ended(z, status);
}

/* ---- the loop's side ---- */

static void on_events(uv_poll_t *h, int status, int events)
{
    (void)status;
    (void)events;
    struct zygote *z = h->data;
    struct epoll_event ev[EVENTS_MAX];
    bool ended = false;
    int n = epoll_wait(z->epoll, ev, EVENTS_MAX, 0);
    z->in_events = true;
    for (int i = 0; i < n; i++) {
        struct cell *c;
        if (ev[i].data.u64 == ON_PROCESS)
            ended = true; /* last: what was said before comes before */
        else if (ev[i].data.u64 == ON_CONTROL && z->state < ZYGOTE_ENDING)
            zygote_hear(z, MESSAGES_MAX);
        else if (ev[i].data.u64 == ON_CONTROL)
            zygote_unwatch(z, z->control);
        else if ((c = zygote_find(z, ev[i].data.u64)))
            cell_on_socket(c, ev[i].events & ~(uint32_t)EPOLLOUT, ev[i].events & EPOLLOUT);
    }
    if (z->pressing > 0 && !z->attends && z->state == ZYGOTE_UP)
        zygote_hear(z, MESSAGES_MAX);
    z->in_events = false;
    if (ended)
        reap(z);
    else
        attend(z);
}

static void expire(struct zygote *z, enum zygote_wait w, int64_t now)
{
    while (!list_empty(&z->waits[w]) && z->state == ZYGOTE_UP) {
        struct cell *c = LIST_ENTRY(z->waits[w].next, struct cell, wait_node);
        if (now - c->waits_since_us < wait_max_us[w])
            return;
        list_remove(&c->wait_node);
        cell_on_late(c);
    }
}

static void on_tick(uv_timer_t *t)
{
    struct zygote *z = t->data;
    int64_t now = clock_mono_us();
    /* A loop that was held up finds timers due before it has read what came in time. */
    on_events(&z->poll, 0, UV_READABLE);
    if (z->state == ZYGOTE_UP)
        zygote_hear(z, MESSAGES_MAX);
    if (z->state == ZYGOTE_STARTING && now - z->started_us >= START_MAX_US)
        zygote_fail(z, ERR_TIMEOUT, "the zygote did not come up within 30 s");
    bool idle = z->state == ZYGOTE_UP;
    for (int w = 0; w < WAITS; w++) {
        expire(z, (enum zygote_wait)w, now);
        idle = idle && list_empty(&z->waits[w]);
    }
    if (idle)
        uv_timer_stop(t);
}

/* ---- life ---- */

static int send_start(const struct zygote *z, const struct zygote_options *o, uint32_t layers,
                      struct err *e)
{
    struct control_start s = {
        .kind = CONTROL_START, .jail_mode = (uint32_t)o->jail, .layers = layers};
    const char *flags = o->v8_flags ? o->v8_flags : "";
    s.few_cells = o->few_cells;
    s.no_code = o->no_code;
    s.preload_mb = o->preload_mb;
    s.preload_quick = o->preload_quick;
    if (o->preload && fs_path(s.preload, sizeof s.preload, e, "%s/%s", o->paths->dir, o->preload))
        return ERR_LIMIT;
    if (strlen(flags) >= sizeof s.v8_flags || strlen(o->paths->snapshot) >= sizeof s.snapshot)
        return err_set(e, ERR_LIMIT, "the zygote's V8 flags or snapshot path are too long");
    strcpy(s.snapshot, o->paths->snapshot);
    strcpy(s.v8_flags, flags);
    s.keep = o->keep_fd > 0;
    struct iovec v = {&s, sizeof s};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    if (s.keep) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof o->keep_fd);
        memcpy(CMSG_DATA(c), &o->keep_fd, sizeof o->keep_fd);
    }
    if (sendmsg(z->control, &m, MSG_NOSIGNAL) < 0 && errno != EPIPE)
        return err_errno(e, "cannot speak to the zygote");
    return 0; /* EPIPE: it has ended; the pidfd tells */
}

static int watch_process(struct zygote *z, struct err *e)
{
    struct epoll_event control = {.events = EPOLLIN, .data.u64 = ON_CONTROL};
    struct epoll_event process = {.events = EPOLLIN, .data.u64 = ON_PROCESS};
    if (epoll_ctl(z->epoll, EPOLL_CTL_ADD, z->control, &control) ||
        epoll_ctl(z->epoll, EPOLL_CTL_ADD, z->pidfd, &process))
        return err_errno(e, "cannot watch the zygote");
    z->attends = true;
    return 0;
}

int zygote_start(uv_loop_t *loop, const struct zygote_options *o, const struct zygote_events *ev,
                 void *arg, struct zygote **out, struct err *e)
{
    struct launched l;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return err_errno(e, "cannot start a zygote: epoll_create1");
    int rc = launch_zygote(o, &l, e);
    if (rc) {
        close(epoll);
        return err_wrap(e, "cannot start a zygote");
    }
    struct zygote *z = mem_alloc(sizeof *z);
    z->ev = *ev;
    z->arg = arg;
    z->epoll = epoll;
    z->control = l.control;
    z->pidfd = l.pidfd;
    z->words = l.words;
    z->cgroup = o->cgroup;
    z->info.pid = l.pid;
    z->claims.first = z->claims.next = FIRST_NUMBER;
    z->started_us = clock_mono_us();
    for (int i = 0; i < WAITS; i++)
        list_init(&z->waits[i]);
    CHECK(uv_poll_init(loop, &z->poll, z->epoll) == 0); /* an epoll descriptor can be watched */
    CHECK(uv_timer_init(loop, &z->timer) == 0);
    CHECK(uv_prepare_init(loop, &z->turn_done) == 0);
    list_init(&z->gathering);
    z->poll.data = z->timer.data = z->turn_done.data = z;
    uv_poll_start(&z->poll, UV_READABLE, on_events);
    uv_timer_start(&z->timer, on_tick, TICK_MS, TICK_MS);
    rc = watch_process(z, e);
    if (!rc)
        rc = watch_new(&z->watch, e);
    if (!rc)
        rc = send_start(z, o, l.layers, e);
    if (rc) {
        zygote_free(z);
        return err_wrap(e, "cannot start a zygote");
    }
    *out = z;
    return 0;
}

const struct zygote_info *zygote_info(const struct zygote *z)
{
    return &z->info;
}

int zygote_live_cells(const struct zygote *z)
{
    return z->live;
}

void zygote_free(struct zygote *z)
{
    if (!z || z->freeing)
        return;
    CHECK(z->live == 0);
    z->freeing = true;
    if (z->state == ZYGOTE_GONE)
        close_handles(z);
    else
        zygote_end(z); /* process_ended() closes the handles */
}
