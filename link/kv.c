#include "link/kv.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "link/subjects.h"

/* How this works: putting with a revision is a publish that the stream takes only when the key's
 * newest message is that one. A deleted key still has a message, its marker; so "only when it is
 * not there" is first tried with "no message", and when that is refused, the marker is read and its
 * sequence expected instead (ADR-8). */

#define NS_PER_MS    ((int64_t)1000000)
#define OPERATION    "KV-Operation" /* header of markers: DEL, PURGE */
#define EXPIRES      "Isolane-Expires"
#define WATCH_BATCH  256
#define DUPLICATE_MS ((int64_t)120000)

struct kv {
    uv_loop_t *loop;
    struct link *link;
    struct kv_options o;
    char bucket[KV_BUCKET_MAX + 1], *about;
    char stream[KV_BUCKET_MAX + 4];
    int under_way;
    bool freed;
};

/* One call's way: what is needed while it is under way. */
struct call {
    struct kv *kv;
    kv_got got;
    kv_done done;
    js_done ensured;
    void *arg;
    char key[KV_KEY_MAX + 1];
    char *value; /* of a put that may have to be tried twice */
    size_t len;
    int64_t expires_at_ms;
};

static void let_go(struct kv *kv)
{
    if (kv->under_way == 0 && kv->freed) {
        free(kv->about);
        free(kv);
    }
}

static struct call *call_new(struct kv *kv, const char *key, void *arg)
{
    struct call *c = mem_alloc(sizeof *c);
    c->kv = kv;
    c->arg = arg;
    snprintf(c->key, sizeof c->key, "%s", key);
    kv->under_way++;
    return c;
}

static void call_free(struct call *c)
{
    struct kv *kv = c->kv;
    kv->under_way--;
    free(c->value);
    free(c);
    let_go(kv);
}

struct kv *kv_new(uv_loop_t *loop, struct link *l, const struct kv_options *o)
{
    struct kv *kv = mem_alloc(sizeof *kv);
    kv->loop = loop;
    kv->link = l;
    kv->o = *o;
    snprintf(kv->bucket, sizeof kv->bucket, "%s", o->bucket);
    snprintf(kv->stream, sizeof kv->stream, "KV_%s", kv->bucket);
    kv->about = o->about ? mem_strdup(o->about) : NULL;
    return kv;
}

void kv_free(struct kv *kv)
{
    if (!kv)
        return;
    kv->freed = true;
    let_go(kv);
}

bool kv_key_valid(const char *key, size_t len)
{
    if (len < 1 || len > KV_KEY_MAX || key[0] == '.' || key[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((!isalnum((unsigned char)key[i]) && !strchr("-/_=.", key[i])) || !key[i] ||
            (key[i] == '.' && key[i + 1] == '.'))
            return false;
    return true;
}

static void subject_of(const struct kv *kv, const char *key, char out[SUBJECT_MAX])
{
    snprintf(out, SUBJECT_MAX, "$KV.%s.%s", kv->bucket, key);
}

static int check_key(const char *key, struct err *e)
{
    if (kv_key_valid(key, strlen(key)))
        return 0;
    return err_set(
        e, ERR_INVALID,
        "key: found '%.64s'; allowed: 1 to %d of A-Z a-z 0-9 - / _ = ., no '.' at the ends "
        "or twice in a row",
        key, KV_KEY_MAX);
}

/* ---- the bucket ---- */

static void on_ensured(const struct err *why, void *arg)
{
    struct call *c = arg;
    if (!c->kv->freed)
        c->ensured(why, c->arg);
    call_free(c);
}

static void bucket_config(const struct kv *kv, struct jsonw *w)
{
    char subjects[SUBJECT_MAX];
    int64_t ttl = kv->o.ttl_ms * NS_PER_MS, window = DUPLICATE_MS * NS_PER_MS;
    subject_of(kv, ">", subjects);
    jsonw_object(w);
    jsonw_kstr(w, "name", kv->stream);
    if (kv->about)
        jsonw_kstr(w, "description", kv->about);
    jsonw_name(w, "subjects");
    jsonw_array(w);
    jsonw_str(w, subjects);
    jsonw_array_end(w);
    jsonw_kstr(w, "retention", "limits");
    jsonw_kstr(w, "storage", "file");
    jsonw_kstr(w, "discard", "new");
    jsonw_kint(w, "max_msgs_per_subject", kv->o.history);
    jsonw_kint(w, "max_bytes", kv->o.max_bytes);
    jsonw_kint(w, "max_msg_size", kv->o.max_value);
    jsonw_kint(w, "max_age", ttl);
    jsonw_kint(w, "duplicate_window", ttl && ttl < window ? ttl : window);
    jsonw_kint(w, "num_replicas", kv->o.replicas);
    jsonw_kbool(w, "allow_rollup_hdrs", true);
    jsonw_kbool(w, "deny_delete", true);
    jsonw_kbool(w, "allow_direct", true);
    jsonw_object_end(w);
}

void kv_ensure(struct kv *kv, js_done cb, void *arg)
{
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    struct call *c = call_new(kv, "", arg);
    c->ensured = cb;
    jsonw_init(&w, &b);
    bucket_config(kv, &w);
    if (js_ensure_stream(kv->link, kv->stream, b.data, on_ensured, c, &e))
        on_ensured(&e, c);
    buf_free(&b);
}

/* ---- get ---- */

static bool is_marker(const struct link_msg *m)
{
    const char *op = link_msg_header(m, OPERATION);
    return op && (!strcmp(op, "DEL") || !strcmp(op, "PURGE"));
}

static int64_t expires_at_ms(const struct link_msg *m)
{
    const char *text = link_msg_header(m, EXPIRES);
    return text ? strtoll(text, NULL, 10) : 0;
}

/* Deleted, or as good as that. */
static bool is_over(const struct link_msg *m)
{
    int64_t at_ms = expires_at_ms(m);
    return is_marker(m) || (at_ms > 0 && at_ms <= clock_real_us() / 1000);
}

static void on_found(const struct js_message *found, const struct err *why, void *arg)
{
    struct call *c = arg;
    struct err gone;
    if (c->kv->freed) {
        call_free(c);
        return;
    }
    if (found && !is_over(found->m)) {
        struct kv_entry entry = {.key = c->key,
                                 .value = found->m->data,
                                 .len = found->m->len,
                                 .revision = found->seq,
                                 .stored_at_us = found->stored_at_us,
                                 .expires_at_ms = expires_at_ms(found->m)};
        c->got(&entry, NULL, c->arg);
    } else if (found || why->code == ERR_NOT_FOUND) {
        err_set(&gone, ERR_NOT_FOUND, "%s has no key '%s'", c->kv->bucket, c->key);
        c->got(NULL, &gone, c->arg);
    } else {
        c->got(NULL, why, c->arg);
    }
    call_free(c);
}

int kv_get(struct kv *kv, const char *key, kv_got cb, void *arg, struct err *e)
{
    char subject[SUBJECT_MAX];
    int rc = check_key(key, e);
    if (rc)
        return rc;
    struct call *c = call_new(kv, key, arg);
    c->got = cb;
    subject_of(kv, key, subject);
    rc = js_get_last(kv->link, kv->stream, subject, on_found, c, e);
    if (rc)
        call_free(c);
    return rc;
}

/* ---- put and delete ---- */

static void finish(struct call *c, uint64_t revision, const struct err *why)
{
    if (!c->kv->freed)
        c->done(revision, why, c->arg);
    call_free(c);
}

static void on_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct call *c = arg;
    struct err conflict;
    (void)duplicate;
    if (why && why->code == ERR_CONFLICT) {
        err_set(&conflict, ERR_CONFLICT, "key '%s' of %s has another revision", c->key,
                c->kv->bucket);
        why = &conflict;
    }
    finish(c, seq, why);
}

static int store(struct call *c, uint64_t revision, bool marker, js_stored cb, struct err *e)
{
    char subject[SUBJECT_MAX];
    char expires[24];
    struct link_header header = {OPERATION, "DEL"};
    subject_of(c->kv, c->key, subject);
    if (c->expires_at_ms) {
        snprintf(expires, sizeof expires, "%" PRId64, c->expires_at_ms);
        header = (struct link_header){EXPIRES, expires};
    }
    return js_publish(c->kv->link, subject, &header, marker || c->expires_at_ms ? 1 : 0,
                      c->value ? c->value : "", c->len, revision, cb, c, e);
}

/* Somebody has the key: taken over only where it was deleted or has expired. */
static void on_occupant(const struct js_message *found, const struct err *why, void *arg)
{
    struct call *c = arg;
    struct err e = {0};
    if (found && is_over(found->m)) {
        if (!store(c, found->seq, false, on_stored, &e))
            return;
    } else if (found || why->code == ERR_NOT_FOUND) {
        err_set(&e, ERR_CONFLICT, "key '%s' of %s is there already", c->key, c->kv->bucket);
    } else {
        e = *why;
    }
    finish(c, 0, &e);
}

static void on_created(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct call *c = arg;
    char subject[SUBJECT_MAX];
    struct err e = {0};
    (void)duplicate;
    subject_of(c->kv, c->key, subject);
    if (!why || why->code != ERR_CONFLICT)
        finish(c, seq, why);
    else if (js_get_last(c->kv->link, c->kv->stream, subject, on_occupant, c, &e))
        finish(c, 0, &e);
}

int kv_put(struct kv *kv, const char *key, const void *value, size_t len, uint64_t revision,
           kv_done cb, void *arg, struct err *e)
{
    return kv_put_until(kv, key, value, len, revision, 0, cb, arg, e);
}

int kv_put_until(struct kv *kv, const char *key, const void *value, size_t len, uint64_t revision,
                 int64_t expires_ms, kv_done cb, void *arg, struct err *e)
{
    int rc = check_key(key, e);
    if (rc)
        return rc;
    struct call *c = call_new(kv, key, arg);
    c->done = cb;
    c->value = mem_copy(value, len);
    c->len = len;
    c->expires_at_ms = expires_ms;
    rc = store(c, revision, false, revision ? on_stored : on_created, e);
    if (rc)
        call_free(c);
    return rc;
}

int kv_delete(struct kv *kv, const char *key, uint64_t revision, kv_done cb, void *arg,
              struct err *e)
{
    int rc = check_key(key, e);
    if (rc)
        return rc;
    struct call *c = call_new(kv, key, arg);
    c->done = cb;
    rc = store(c, revision, true, on_stored, e);
    if (rc)
        call_free(c);
    return rc;
}

/* ---- watching ---- */

struct told_key {
    UT_hash_handle hh;
    char key[];
};

struct kv_watch {
    struct kv *kv;
    struct follow *follow;
    struct kv_watch_events ev;
    void *arg;
    bool current;
    struct told_key *told; /* before `current` */
};

static void forget_told(struct kv_watch *w)
{
    struct told_key *t, *next;
    HASH_ITER(hh, w->told, t, next)
    {
        HASH_DEL(w->told, t);
        free(t);
    }
}

/* What was never told need not be taken back. */
static bool is_news(struct kv_watch *w, const struct kv_entry *entry)
{
    struct told_key *t;
    size_t len = strlen(entry->key);
    if (w->current)
        return true;
    HASH_FIND(hh, w->told, entry->key, len, t);
    if (t || entry->deleted)
        return t != NULL;
    t = mem_alloc(sizeof *t + len + 1);
    memcpy(t->key, entry->key, len + 1);
    HASH_ADD_KEYPTR(hh, w->told, t->key, len, t);
    return true;
}

static void on_message(const struct follow_message *m, void *arg)
{
    struct kv_watch *w = arg;
    size_t prefix = strlen("$KV.") + strlen(w->kv->bucket) + 1;
    if (strlen(m->m->subject) <= prefix)
        return;
    struct kv_entry entry = {.key = m->m->subject + prefix,
                             .value = m->m->data,
                             .len = m->m->len,
                             .revision = m->seq,
                             .stored_at_us = m->stored_at_us,
                             .expires_at_ms = expires_at_ms(m->m),
                             .deleted = is_marker(m->m)};
    if (is_news(w, &entry))
        w->ev.entry(&entry, w->arg);
}

static void on_caught_up(void *arg)
{
    struct kv_watch *w = arg;
    if (w->current)
        return;
    w->current = true;
    forget_told(w);
    if (w->ev.current)
        w->ev.current(w->arg);
}

static void on_failed(const struct err *why, void *arg)
{
    struct kv_watch *w = arg;
    w->ev.failed(why, w->arg);
}

int kv_watch(struct kv *kv, const char *pattern, const struct kv_watch_events *ev, void *arg,
             struct kv_watch **out, struct err *e)
{
    static const struct follow_events handlers = {on_message, on_caught_up, on_failed};
    char filter[SUBJECT_MAX];
    struct kv_watch *w = mem_alloc(sizeof *w);
    w->kv = kv;
    w->ev = *ev;
    w->arg = arg;
    subject_of(kv, pattern ? pattern : ">", filter);
    struct follow_options o = {
        .stream = kv->stream, .filter = filter, .last_each = true, .batch = WATCH_BATCH};
    int rc = follow_open(kv->loop, kv->link, &o, &handlers, w, &w->follow, e);
    if (rc) {
        free(w);
        return rc;
    }
    kv->under_way++;
    *out = w;
    return 0;
}

void kv_watch_free(struct kv_watch *w)
{
    if (!w)
        return;
    struct kv *kv = w->kv;
    follow_close(w->follow);
    forget_told(w);
    free(w);
    kv->under_way--;
    let_go(kv);
}
