#include "sandbox/host/cell_inner.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Room for a line of small jobs without growing; with the NUL behind, what a buffer takes. */
#define GATHERED_BYTES (((size_t)8 << 10) - 1)

/* Everything in it is sent, or nobody will read it. Empty memory of the usual size goes to the next
 * cell: what was in it is wiped, and no more than that. */
static void empty_out(struct cell *c)
{
    c->out.max = CELL_ANSWERS_MAX;
    if (c->out.cap != GATHERED_BYTES + 1 || !zygote_keep_out(c->z, &c->out))
        buf_free(&c->out);
}

static void queue(struct cell *c, const struct iovec *v, int n, size_t skip)
{
    bool first = c->out.len == 0 && !c->corked;
    if (c->out_at > c->out.len / 2) { /* so that what is sent does not count for ever */
        buf_consume(&c->out, c->out_at);
        c->out_at = 0;
    }
    if (c->corked && !c->out.data && !zygote_kept_out(c->z, &c->out))
        buf_reserve(&c->out, GATHERED_BYTES);
    for (int i = 0; i < n; i++) {
        size_t s = skip < v[i].iov_len ? skip : v[i].iov_len;
        skip -= s;
        buf_add(&c->out, (const char *)v[i].iov_base + s, v[i].iov_len - s);
    }
    if (c->out.full)
        cell_break_off(c, "it does not read what it asked for");
    else if (first && zygote_watch(c->z, c->fd, c->number, true, false))
        cell_break_off(c, "its socket cannot be watched");
}

/* Sends now what the socket takes, keeps the rest. A cell that has closed its end is not told
 * about: reading will find the end of file. */
static void send_frame(struct cell *c, const struct iovec *v, int n, size_t len)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n};
    ssize_t sent = 0;
    if (c->fd < 0)
        return;
    if (c->out.len == 0 && !c->corked) {
        sent = sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return;
    }
    if (sent < (ssize_t)len)
        queue(c, v, n, sent > 0 ? (size_t)sent : 0);
}

void cell_cork(struct cell *c)
{
    c->corked = c->out.len == 0;
}

void cell_cork_for_turn(struct cell *c)
{
    if (c->corked || c->out.len > 0)
        return;
    cell_cork(c);
    zygote_uncork_later(c->z, c);
}

void cell_uncork(struct cell *c)
{
    list_remove(&c->gather_node);
    bool gathered = c->corked && c->fd >= 0 && c->out.len > 0;
    c->corked = false;
    if (!gathered)
        return;
    ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n == (ssize_t)c->out.len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        empty_out(c);
        return;
    }
    c->out_at = n > 0 ? (size_t)n : 0;
    if (zygote_watch(c->z, c->fd, c->number, true, false))
        cell_break_off(c, "its socket cannot be watched");
}

void cell_send_queued(struct cell *c)
{
    ssize_t n =
        send(c->fd, c->out.data + c->out_at, c->out.len - c->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        c->out_at += (size_t)n;
    if (n < 0 || c->out_at == c->out.len) {
        empty_out(c);
        c->out_at = 0;
        zygote_watch(c->z, c->fd, c->number, false, false);
    }
}

void cell_send_small(struct cell *c, enum frame_type type, uint64_t id, uint32_t word,
                     const char *text, size_t len)
{
    struct frame head = {.len = (uint32_t)(sizeof word + len), .type = (uint16_t)type, .id = id};
    const struct iovec v[] = {
        {&head, sizeof head}, {&word, sizeof word}, {(void *)(uintptr_t)text, len}};
    send_frame(c, v, 3, sizeof head + head.len);
}

void cell_send_bytes(struct cell *c, enum frame_type type, uint64_t id, const char *bytes,
                     size_t len)
{
    struct frame head = {.len = (uint32_t)len, .type = (uint16_t)type, .id = id};
    const struct iovec v[] = {{&head, sizeof head}, {(void *)(uintptr_t)bytes, len}};
    send_frame(c, v, 2, sizeof head + len);
}

#define PARTS 10 /* byte strings behind struct frame_invoke */

static void lengths(const struct cell_invocation *inv, size_t lens[PARTS])
{
    const size_t all[PARTS] = {
        inv->code_len,    strlen(inv->job_id), strlen(inv->tenant), strlen(inv->name),
        inv->script_len,  inv->input_len,      inv->env_len,        inv->grants_len,
        inv->parents_len, inv->files_len,
    };
    memcpy(lens, all, sizeof all);
}

int cell_check_invocation(const struct cell_invocation *inv, size_t *len, struct err *e)
{
    static const char *const names[PARTS] = {"code",  "id",  "tenant", "name",    "script",
                                             "input", "env", "grants", "parents", "files"};
    size_t lens[PARTS];
    lengths(inv, lens);
    *len = sizeof(struct frame_invoke);
    for (int i = 0; i < PARTS; i++) {
        *len += lens[i];
        if (lens[i] > FRAME_INVOKE_MAX || *len > FRAME_INVOKE_MAX)
            return err_set(
                e, ERR_LIMIT,
                "the job's %s is too long to hand to a cell: found %zu bytes; allowed: %u "
                "for all of script, files, input and env",
                names[i], lens[i], FRAME_INVOKE_MAX);
    }
    if (inv->source < FRAME_MODULE || inv->source > FRAME_COMPILE_SCRIPT)
        return err_set(e, ERR_INVALID, "the job's source is neither a module nor a script");
    return 0;
}

void cell_send_invocation(struct cell *c, const struct cell_invocation *inv, size_t len)
{
    size_t lens[PARTS];
    lengths(inv, lens);
    struct frame head = {.len = (uint32_t)len, .type = FRAME_INVOKE, .id = inv->id};
    struct frame_invoke body = {
        .heap_bytes = inv->heap_bytes,
        .memory_bytes = inv->memory_bytes,
        .output_bytes = inv->output_bytes,
        .value_bytes = inv->value_bytes,
        .source = (uint32_t)inv->source,
        .attempt = inv->attempt,
        .clock_us = inv->clock_us,
        .permissions = inv->permissions,
        .reuse = (uint32_t)inv->reuse,
        .kept = inv->kept,
        .id_len = (uint32_t)lens[1],
        .tenant_len = (uint32_t)lens[2],
        .name_len = (uint32_t)lens[3],
        .script_len = (uint32_t)lens[4],
        .input_len = (uint32_t)lens[5],
        .env_len = (uint32_t)lens[6],
        .grants_len = (uint32_t)lens[7],
        .parents_len = (uint32_t)lens[8],
        .code_len = (uint32_t)lens[0],
        .files_len = (uint32_t)lens[9],
    };
    const char *const texts[PARTS] = {inv->code,    inv->job_id, inv->tenant, inv->name,
                                      inv->script,  inv->input,  inv->env,    inv->grants,
                                      inv->parents, inv->files};
    struct iovec v[2 + PARTS] = {{&head, sizeof head}, {&body, sizeof body}};
    for (int i = 0; i < PARTS; i++)
        v[2 + i] = (struct iovec){(void *)(uintptr_t)texts[i], lens[i]};
    send_frame(c, v, 2 + PARTS, sizeof head + len);
}

int cell_invoke(struct cell *c, const struct cell_invocation *inv, struct err *e)
{
    size_t len;
    if (!c->told_ready || c->p.state != CELL_READY || c->fd < 0)
        return err_set(e, ERR_UNAVAILABLE, "the cell is not ready");
    int rc = cell_check_invocation(inv, &len, e);
    if (rc)
        return rc;
    /* What a kept module does between two calls is next to nothing: not worth asking the kernel. A
     * cell that has died a moment ago runs nothing, so it does not matter whose clock that was
     * then. */
    int64_t us = inv->reuse == FRAME_REUSE_AGAIN ? c->cpu_at_done_us : watch_pid_cpu_us(c->pid);
    if (us < 0)
        return err_set(e, ERR_UNAVAILABLE, "the cell has gone");
    c->cpu_at_invoke_us = us;
    c->line_may = inv->reuse == FRAME_REUSE_AGAIN && len <= FRAME_LINE_BYTES;
    protocol_invoke(&c->p, &c->in, inv->id, inv->value_bytes, inv->reuse != FRAME_REUSE_NONE);
    if (inv->source >= FRAME_COMPILE)
        protocol_expect_code(&c->p, &c->in);
    if (len > FRAME_LINE_BYTES)
        cell_uncork(c); /* not to be copied */
    c->out.max = sizeof(struct frame) + len + CELL_ANSWERS_MAX;
    cell_send_invocation(c, inv, len);
    if (c->out.len == 0)
        c->out.max = CELL_ANSWERS_MAX;
    if (c->fd < 0)
        return 0;
    c->watched.pid = c->pid;
    c->watched.pidfd = c->pidfd;
    c->watched.cpu_at_start_us = us;
    c->watched.cpu_limit_us = inv->cpu_us;
    c->watched.wall_limit_us = inv->wall_us;
    watch_begin(zygote_watcher(c->z), &c->watched);
    return 0;
}

int cell_reply(struct cell *c, uint64_t call_id, bool ok, const char *json, size_t len,
               struct err *e)
{
    if (len > FRAME_REPLY_MAX)
        return err_set(e, ERR_LIMIT, "the reply is too long: found %zu bytes; allowed: %u", len,
                       FRAME_REPLY_MAX);
    if (c->p.state != CELL_RUNNING || c->fd < 0)
        return err_set(e, ERR_UNAVAILABLE, "the cell does not run any more");
    if (!protocol_answered(&c->p, call_id))
        return err_set(e, ERR_NOT_FOUND, "the cell waits for no answer to call %llu",
                       (unsigned long long)call_id);
    cell_send_small(c, FRAME_REPLY, call_id, ok, json, len);
    return 0;
}
