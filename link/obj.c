#include "link/obj_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"

/* How this works: obj.c knows the bucket, its subjects and the message that describes an object;
 * obj_put.c and obj_get.c move bytes. */

#define NS_PER_MS    ((int64_t)1000000)
#define DIGEST       "SHA-256="
#define ENCODED_NAME ((size_t)((OBJ_NAME_MAX + 2) / 3 * 4 + 1))

/* ---- the bucket ---- */

struct obj *obj_new(uv_loop_t *loop, struct link *l, const struct obj_options *options)
{
    struct obj *o = mem_alloc(sizeof *o);
    o->loop = loop;
    o->link = l;
    o->o = *options;
    snprintf(o->bucket, sizeof o->bucket, "%s", options->bucket);
    snprintf(o->stream, sizeof o->stream, "OBJ_%s", o->bucket);
    o->about = options->about ? mem_strdup(options->about) : NULL;
    return o;
}

static void maybe_free(struct obj *o)
{
    if (o->under_way == 0 && o->freed) {
        free(o->about);
        free(o);
    }
}

void obj_let_go(struct obj *o)
{
    o->under_way--;
    maybe_free(o);
}

void obj_free(struct obj *o)
{
    if (!o)
        return;
    o->freed = true;
    maybe_free(o);
}

struct ensuring {
    struct obj *o;
    js_done cb;
    void *arg;
};

static void on_ensured(const struct err *why, void *arg)
{
    struct ensuring *s = arg;
    if (!s->o->freed)
        s->cb(why, s->arg);
    obj_let_go(s->o);
    free(s);
}

static void bucket_config(const struct obj *o, struct jsonw *w)
{
    char subject[SUBJECT_MAX];
    jsonw_object(w);
    jsonw_kstr(w, "name", o->stream);
    if (o->about)
        jsonw_kstr(w, "description", o->about);
    jsonw_name(w, "subjects");
    jsonw_array(w);
    snprintf(subject, sizeof subject, "$O.%s.C.>", o->bucket);
    jsonw_str(w, subject);
    snprintf(subject, sizeof subject, "$O.%s.M.>", o->bucket);
    jsonw_str(w, subject);
    jsonw_array_end(w);
    jsonw_kstr(w, "retention", "limits");
    jsonw_kstr(w, "storage", "file");
    jsonw_kstr(w, "discard", "new");
    jsonw_kint(w, "max_bytes", o->o.max_bytes);
    jsonw_kint(w, "max_age", o->o.ttl_ms * NS_PER_MS);
    jsonw_kint(w, "num_replicas", o->o.replicas);
    jsonw_kbool(w, "allow_rollup_hdrs", true);
    jsonw_kbool(w, "allow_direct", true);
    jsonw_object_end(w);
}

void obj_ensure(struct obj *o, js_done cb, void *arg)
{
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    struct ensuring *s = mem_alloc(sizeof *s);
    *s = (struct ensuring){o, cb, arg};
    o->under_way++;
    jsonw_init(&w, &b);
    bucket_config(o, &w);
    if (js_ensure_stream(o->link, o->stream, b.data, on_ensured, s, &e))
        on_ensured(&e, s);
    buf_free(&b);
}

/* ---- names ---- */

/* With padding, as other clients write names and digests. */
static void padded_base64url(const void *p, size_t len, char *out, size_t cap)
{
    crypto_base64url(p, len, out, cap);
    for (size_t n = strlen(out); n % 4 && n + 1 < cap; n++) {
        out[n] = '=';
        out[n + 1] = '\0';
    }
}

void obj_meta_subject(const struct obj *o, const char *name, char out[SUBJECT_MAX])
{
    char encoded[ENCODED_NAME + 4];
    padded_base64url(name, strlen(name), encoded, sizeof encoded);
    snprintf(out, SUBJECT_MAX, "$O.%s.M.%s", o->bucket, encoded);
}

void obj_chunk_subject(const struct obj *o, const char *nuid, char out[SUBJECT_MAX])
{
    snprintf(out, SUBJECT_MAX, "$O.%s.C.%s", o->bucket, nuid);
}

/* ---- what is known of an object ---- */

static bool figure(const struct jv *doc, const char *name, uint64_t *out)
{
    int64_t v = 0;
    const struct jv *member = jv_get(doc, name);
    if (member && (!jv_int(member, &v) || v < 0))
        return false;
    *out = (uint64_t)v;
    return true;
}

static bool plain_nuid(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", s[i]))
            return false;
    return len > 0 && len <= 64;
}

static bool read_digest(const char *text, char out[SHA256_HEX])
{
    uint8_t hash[SHA256_LEN];
    size_t len = 0, n = strlen(text);
    *out = '\0';
    if (n == 0)
        return true;
    if (strncmp(text, DIGEST, strlen(DIGEST)))
        return false;
    while (n && text[n - 1] == '=')
        n--;
    if (!crypto_unbase64url(text + strlen(DIGEST), n - strlen(DIGEST), hash, sizeof hash, &len) ||
        len != sizeof hash)
        return false;
    crypto_hex(hash, sizeof hash, out);
    return true;
}

int obj_read_info(const char *json, size_t len, int64_t stored_at_us, struct obj_info *out,
                  struct err *e)
{
    struct jv *doc = NULL;
    int rc = jv_parse(json, len, &doc, e);
    if (rc || jv_type(doc) != JV_OBJECT) {
        jv_free(doc);
        return err_set(e, ERR_CORRUPT, "object: what describes it is no JSON object");
    }
    memset(out, 0, sizeof *out);
    out->stored_at_us = stored_at_us;
    size_t name_len = 0, nuid_len = 0;
    const char *name = jv_string(jv_get(doc, "name"), &name_len);
    const char *nuid = jv_string(jv_get(doc, "nuid"), &nuid_len);
    const char *digest = jv_string(jv_get(doc, "digest"), NULL);
    const struct jv *options = jv_get(doc, "options");
    out->deleted = jv_is_true(jv_get(doc, "deleted"));
    if (!name || !obj_name_valid(name, name_len))
        rc = err_set(e, ERR_CORRUPT, "object: found no valid name in what describes it");
    else if (!nuid || !plain_nuid(nuid, nuid_len) || !figure(doc, "size", &out->size) ||
             !figure(doc, "chunks", &out->chunks) ||
             !read_digest(digest ? digest : "", out->sha256))
        rc = err_set(e, ERR_CORRUPT, "object %s: nuid, size, chunks or digest is wrong", name);
    else if (jv_type(options) == JV_OBJECT && jv_get(options, "link"))
        rc = err_set(e, ERR_INVALID, "object %s: it is a link to another one; allowed: objects",
                     name);
    if (!rc) {
        memcpy(out->name, name, name_len + 1);
        memcpy(out->nuid, nuid, nuid_len + 1);
    }
    jv_free(doc);
    return rc;
}

int obj_write_info(struct obj *o, const struct obj_info *i, js_stored cb, void *arg, struct err *e)
{
    static const struct link_header rollup = {"Nats-Rollup", "sub"};
    char subject[SUBJECT_MAX], when[CLOCK_RFC3339_LEN], digest[sizeof DIGEST + 48] = "";
    struct buf b = {0};
    struct jsonw w;
    if (*i->sha256) {
        uint8_t hash[SHA256_LEN];
        for (int n = 0; n < SHA256_LEN; n++)
            sscanf(i->sha256 + 2 * n, "%2hhx", &hash[n]);
        strcpy(digest, DIGEST);
        padded_base64url(hash, sizeof hash, digest + strlen(DIGEST),
                         sizeof digest - strlen(DIGEST));
    }
    clock_rfc3339(clock_real_us(), when);
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "name", i->name);
    jsonw_kstr(&w, "bucket", o->bucket);
    jsonw_kstr(&w, "nuid", i->nuid);
    jsonw_kint(&w, "size", (int64_t)i->size);
    jsonw_kstr(&w, "mtime", when);
    jsonw_kint(&w, "chunks", (int64_t)i->chunks);
    jsonw_kstr(&w, "digest", digest);
    jsonw_name(&w, "options");
    jsonw_object(&w);
    jsonw_kint(&w, "max_chunk_size", (int64_t)OBJ_CHUNK);
    jsonw_object_end(&w);
    if (i->deleted)
        jsonw_kbool(&w, "deleted", true);
    jsonw_object_end(&w);
    obj_meta_subject(o, i->name, subject);
    int rc = js_publish(o->link, subject, &rollup, 1, b.data, b.len, JS_ANY, cb, arg, e);
    buf_free(&b);
    return rc;
}

/* ---- looking one up ---- */

struct looking {
    struct obj *o;
    char name[OBJ_NAME_MAX + 1];
    obj_informed cb;
    void *arg;
    bool deleted_too;
};

static void looked(struct looking *k, const struct obj_info *info, const struct err *why)
{
    if (!k->o->freed)
        k->cb(info, why, k->arg);
    obj_let_go(k->o);
    free(k);
}

/* Nobody answered: because there is no such stream, or because none can be had now? */
static void on_known(const struct jv *doc, const struct err *why, void *arg)
{
    struct looking *k = arg;
    struct err e = {0};
    (void)doc;
    if (why && why->code == ERR_NOT_FOUND)
        err_set(&e, ERR_NOT_FOUND, "there is no bucket %s, so no object '%s'", k->o->bucket,
                k->name);
    else
        err_set(&e, ERR_UNAVAILABLE, "bucket %s: nobody answers for it now", k->o->bucket);
    looked(k, NULL, &e);
}

static void ask_whether_known(struct looking *k)
{
    char verb[SUBJECT_MAX];
    struct err e = {0};
    snprintf(verb, sizeof verb, "STREAM.INFO.%s", k->o->stream);
    if (js_ask(k->o->link, verb, NULL, on_known, k, &e))
        looked(k, NULL, &e);
}

static void on_found(const struct js_message *found, const struct err *why, void *arg)
{
    struct looking *k = arg;
    struct obj_info info;
    struct err e = {0};
    if (found)
        obj_read_info(found->m->data, found->m->len, found->stored_at_us, &info, &e);
    else
        e = *why;
    bool gone = !e.code && info.deleted && !k->deleted_too;
    if ((e.code == ERR_UNAVAILABLE || e.code == ERR_TIMEOUT) && !k->o->freed) {
        ask_whether_known(k);
        return;
    }
    if (gone || e.code == ERR_NOT_FOUND)
        err_set(&e, ERR_NOT_FOUND, "bucket %s has no object '%s'", k->o->bucket, k->name);
    looked(k, e.code ? NULL : &info, e.code ? &e : NULL);
}

static int look_up(struct obj *o, const char *name, bool deleted_too, obj_informed cb, void *arg,
                   struct err *e)
{
    char subject[SUBJECT_MAX];
    int rc = obj_check_name(name, e);
    if (rc)
        return rc;
    struct looking *k = mem_alloc(sizeof *k);
    *k = (struct looking){.o = o, .cb = cb, .arg = arg, .deleted_too = deleted_too};
    strcpy(k->name, name);
    obj_meta_subject(o, name, subject);
    o->under_way++;
    rc = js_get_last(o->link, o->stream, subject, on_found, k, e);
    if (rc) {
        obj_let_go(o);
        free(k);
    }
    return rc;
}

int obj_get_info(struct obj *o, const char *name, obj_informed cb, void *arg, struct err *e)
{
    return look_up(o, name, false, cb, arg, e);
}

int obj_look_up(struct obj *o, const char *name, obj_informed cb, void *arg, struct err *e)
{
    return look_up(o, name, true, cb, arg, e);
}

/* ---- removing ---- */

static void on_purged(const struct jv *doc, const struct err *why, void *arg)
{
    struct obj *o = arg;
    (void)doc;
    if (why)
        log_debug("link", "chunks of an object of %s stay behind: %s", o->bucket, why->msg);
    obj_let_go(o);
}

void obj_purge(struct obj *o, const char *nuid)
{
    char verb[OBJ_BUCKET_MAX + 32], subject[SUBJECT_MAX];
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    obj_chunk_subject(o, nuid, subject);
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "filter", subject);
    jsonw_object_end(&w);
    snprintf(verb, sizeof verb, "STREAM.PURGE.%s", o->stream);
    o->under_way++;
    if (js_ask(o->link, verb, b.data, on_purged, o, &e))
        on_purged(NULL, &e, o);
    buf_free(&b);
}

struct deleting {
    struct obj *o;
    char nuid[65];
    js_done cb;
    void *arg;
};

static void finish_delete(struct deleting *d, const struct err *why)
{
    if (!why)
        obj_purge(d->o, d->nuid);
    if (!d->o->freed)
        d->cb(why, d->arg);
    obj_let_go(d->o);
    free(d);
}

static void on_marked(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    (void)seq;
    (void)duplicate;
    finish_delete(arg, why);
}

static void on_to_delete(const struct obj_info *info, const struct err *why, void *arg)
{
    struct deleting *d = arg;
    struct err e = {0};
    if (why) {
        finish_delete(d, why);
        return;
    }
    struct obj_info marker = *info;
    strcpy(d->nuid, info->nuid);
    marker.size = marker.chunks = 0;
    marker.sha256[0] = '\0';
    marker.deleted = true;
    if (obj_write_info(d->o, &marker, on_marked, d, &e))
        finish_delete(d, &e);
}

int obj_delete(struct obj *o, const char *name, js_done cb, void *arg, struct err *e)
{
    struct deleting *d = mem_alloc(sizeof *d);
    *d = (struct deleting){.o = o, .cb = cb, .arg = arg};
    o->under_way++;
    int rc = obj_get_info(o, name, on_to_delete, d, e);
    if (rc) {
        obj_let_go(o);
        free(d);
    }
    return rc;
}
