#include "cli/client/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define PIECE ((size_t)256 << 10)

/* ---- one call ---- */

struct wait {
    bool done, room, ready;
    struct err why; /* code 0: it went well */
    struct obj_info *info;
    int fd, write_error; /* of a get; errno */
};

static void on_done(const struct err *why, void *arg)
{
    struct wait *w = arg;
    w->done = true;
    if (why)
        w->why = *why;
}

static void on_info(const struct obj_info *info, const struct err *why, void *arg)
{
    struct wait *w = arg;
    on_done(why, w);
    if (info)
        *w->info = *info;
}

static int run_until(struct artifacts *a, const struct wait *w, const bool *flag, struct err *e)
{
    while (!*flag && !w->done && !a->client->closed)
        uv_run(&a->client->loop, UV_RUN_ONCE);
    if (w->done && w->why.code) {
        *e = w->why;
        return w->why.code;
    }
    if (!*flag && !w->done)
        return err_set(e, ERR_UNAVAILABLE, "the connection to NATS was closed for good: %s",
                       a->client->closed_why);
    return 0;
}

int artifacts_open(struct client *c, const char *tenant, struct artifacts *out, struct err *e)
{
    char bucket[OBJ_BUCKET_MAX + 1];
    struct wait w = {0};
    const struct nats_config *n = &c->config->nats;
    subject_artifacts_bucket(&c->subjects, tenant, bucket, sizeof bucket);
    const struct obj_options o = {
        .bucket = bucket,
        .about = "artifacts of Isolane's jobs",
        .ttl_ms = n->artifacts_max_age_hours * 3600000,
        .max_bytes = n->artifacts_max_mb << 20,
        .replicas = (int)n->replicas,
    };
    *out = (struct artifacts){.client = c, .max_bytes = n->artifact_max_mb << 20};
    out->bucket = obj_new(&c->loop, c->link, &o);
    obj_ensure(out->bucket, on_done, &w);
    return run_until(out, &w, &w.done, e);
}

void artifacts_close(struct artifacts *a)
{
    obj_free(a->bucket);
    a->bucket = NULL;
}

/* ---- put ---- */

static void on_room(void *arg)
{
    struct wait *w = arg;
    w->room = true;
}

/* What we read from, when it may let us wait (a pipe, a terminal): the loop runs meanwhile, so that
 * what was read before goes out and NATS's pings are answered. libuv makes what it polls
 * non-blocking, also for the shell whose terminal it is: so it is given an epoll instance, in which
 * the file stands. */
struct source {
    int fd, epoll; /* epoll -1: a file that never lets us wait */
    uv_poll_t poll;
};

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct wait *w = poll->data;
    (void)status; /* an error is read()'s to tell */
    (void)events;
    w->ready = true;
    uv_poll_stop(poll);
}

static int source_open(struct source *s, struct artifacts *a, struct wait *w, struct err *e)
{
    struct epoll_event readable = {.events = EPOLLIN};
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll < 0)
        return err_errno(e, "epoll_create1");
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->fd, &readable)) {
        int rc = errno == EPERM ? 0 : err_errno(e, "epoll_ctl");
        close(s->epoll);
        s->epoll = -1;
        return rc;
    }
    CHECK(uv_poll_init(&a->client->loop, &s->poll, s->epoll) == 0);
    s->poll.data = w;
    return 0;
}

static int source_wait(struct source *s, struct artifacts *a, struct wait *w, struct err *e)
{
    if (s->epoll < 0)
        return 0;
    w->ready = false;
    CHECK(uv_poll_start(&s->poll, UV_READABLE, on_ready) == 0);
    return run_until(a, w, &w->ready, e);
}

static void on_closed(uv_handle_t *h)
{
    struct wait *w = h->data;
    w->ready = true;
}

static void source_close(struct source *s, struct artifacts *a, struct wait *w)
{
    if (s->epoll < 0)
        return;
    w->ready = false;
    uv_close((uv_handle_t *)&s->poll, on_closed);
    while (!w->ready)
        uv_run(&a->client->loop, UV_RUN_ONCE);
    close(s->epoll);
}

static int send_file(struct artifacts *a, struct obj_put *p, struct wait *w, struct source *from,
                     const char *path, struct err *e)
{
    char *piece = mem_alloc(PIECE);
    int64_t size = 0;
    int rc = 0;
    ssize_t n = 1;
    while (!rc && n > 0 && !(rc = source_wait(from, a, w, e))) {
        n = read(from->fd, piece, PIECE);
        if (n < 0) {
            rc = err_errno(e, "read %s", path);
        } else if ((size += n) > a->max_bytes) {
            rc = err_set(e, ERR_LIMIT,
                         "%s: found more than %" PRId64 " MiB; allowed: at most that "
                         "(nats.artifact_max_mb)",
                         path, a->max_bytes >> 20);
        } else if (n > 0) {
            w->room = obj_put_add(p, piece, (size_t)n);
            rc = run_until(a, w, &w->room, e);
        }
    }
    free(piece);
    return rc;
}

int artifacts_put(struct artifacts *a, const char *name, const char *path, struct obj_info *out,
                  struct err *e)
{
    static const struct obj_put_events events = {on_room, on_info};
    struct wait w = {.info = out};
    struct obj_put *p = NULL;
    bool from_stdin = !strcmp(path, "-");
    struct source from = {.fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC),
                          .epoll = -1};
    if (from.fd < 0)
        return err_errno(e, "open %s", path);
    int rc = source_open(&from, a, &w, e);
    if (!rc)
        rc = obj_put_begin(a->bucket, name, &events, &w, &p, e);
    if (!rc)
        rc = send_file(a, p, &w, &from, path, e);
    if (!rc) {
        obj_put_end(p);
        rc = run_until(a, &w, &w.done, e);
    }
    obj_put_free(p);
    source_close(&from, a, &w);
    if (!from_stdin)
        close(from.fd);
    return rc;
}

/* ---- get ---- */

static void on_data(const char *data, size_t len, void *arg)
{
    struct wait *w = arg;
    while (len > 0 && !w->write_error) {
        ssize_t n = write(w->fd, data, len);
        if (n < 0 && errno != EINTR)
            w->write_error = errno;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static int receive(struct artifacts *a, const char *name, const char *path, struct wait *w,
                   struct err *e)
{
    static const struct obj_get_events events = {NULL, on_data, on_info};
    struct obj_get *g = NULL;
    int rc = obj_get_begin(a->bucket, name, &events, w, &g, e);
    if (!rc)
        rc = run_until(a, w, &w->done, e);
    obj_get_free(g);
    if (!rc && w->write_error) {
        errno = w->write_error;
        rc = err_errno(e, "write %s", path);
    }
    return rc;
}

int artifacts_get(struct artifacts *a, const char *name, const char *path, const char *sha256,
                  struct obj_info *out, struct err *e)
{
    char part[PATH_MAX];
    struct wait w = {.info = out, .fd = STDOUT_FILENO};
    if (!strcmp(path, "-"))
        return receive(a, name, "standard output", &w, e);
    int rc = fs_path(part, sizeof part, e, "%s.part-XXXXXX", path);
    if (rc)
        return rc;
    w.fd = mkstemp(part);
    if (w.fd < 0)
        return err_errno(e, "make %s", part);
    rc = receive(a, name, path, &w, e);
    if (!rc && sha256 && strcmp(out->sha256, sha256))
        rc = err_set(e, ERR_CORRUPT, "object %s: it has the SHA-256 %s; it should be %s", name,
                     out->sha256, sha256);
    if (fsync(w.fd) && !rc)
        rc = err_errno(e, "write %s", path);
    close(w.fd);
    if (!rc && rename(part, path))
        rc = err_errno(e, "rename to %s", path);
    if (rc)
        unlink(part);
    return rc;
}

/* ---- the others ---- */

int artifacts_info(struct artifacts *a, const char *name, struct obj_info *out, struct err *e)
{
    struct wait w = {.info = out};
    int rc = obj_get_info(a->bucket, name, on_info, &w, e);
    return rc ? rc : run_until(a, &w, &w.done, e);
}

int artifacts_remove(struct artifacts *a, const char *name, struct err *e)
{
    struct wait w = {0};
    int rc = obj_delete(a->bucket, name, on_done, &w, e);
    if (!rc)
        rc = run_until(a, &w, &w.done, e);
    return rc ? rc : link_flush(a->client->link, JS_TIMEOUT_MS, e);
}

struct listing {
    struct wait w;
    void (*entry)(const struct obj_info *i, void *arg);
    void *arg;
};

static void on_entry(const struct obj_info *info, void *arg)
{
    struct listing *l = arg;
    l->entry(info, l->arg);
}

static void on_listed(const struct err *why, void *arg)
{
    struct listing *l = arg;
    on_done(why, &l->w);
}

int artifacts_list(struct artifacts *a, void (*entry)(const struct obj_info *i, void *arg),
                   void *arg, struct err *e)
{
    static const struct obj_list_events events = {on_entry, on_listed};
    struct listing l = {.entry = entry, .arg = arg};
    struct obj_list *list = NULL;
    int rc = obj_list_begin(a->bucket, &events, &l, &list, e);
    if (!rc)
        rc = run_until(a, &l.w, &l.w.done, e);
    obj_list_free(list);
    return rc;
}
