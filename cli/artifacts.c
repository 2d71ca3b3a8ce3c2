#include "cli/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define PIECE ((size_t)256 << 10)

/* ---- one call ---- */

struct wait {
    bool done, room;
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

static int send_file(struct artifacts *a, struct obj_put *p, struct wait *w, int fd,
                     const char *path, struct err *e)
{
    char *piece = mem_alloc(PIECE);
    int64_t size = 0;
    int rc = 0;
    ssize_t n;
    while (!rc && (n = read(fd, piece, PIECE)) != 0) {
        if (n < 0) {
            rc = err_errno(e, "read %s", path);
        } else if ((size += n) > a->max_bytes) {
            rc = err_set(e, ERR_LIMIT,
                         "%s: found more than %" PRId64 " MiB; allowed: at most that "
                         "(nats.artifact_max_mb)",
                         path, a->max_bytes >> 20);
        } else {
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
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "open %s", path);
    int rc = obj_put_begin(a->bucket, name, &events, &w, &p, e);
    if (!rc)
        rc = send_file(a, p, &w, fd, path, e);
    if (!rc) {
        obj_put_end(p);
        rc = run_until(a, &w, &w.done, e);
    }
    obj_put_free(p);
    if (!from_stdin)
        close(fd);
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
