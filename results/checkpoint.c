/* The statement of a checkpoint, written and read: prune.h says what it is for. */
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "results/envelope.h"
#include "results/prune.h"

#include <stdio.h>
#include <string.h>

void checkpoint_encode(const struct checkpoint *c, struct buf *statement)
{
    struct jsonw w;
    jsonw_init(&w, statement);
    jsonw_object(&w);
    jsonw_kstr(&w, "_type", STATEMENT_TYPE);
    jsonw_name(&w, "subject");
    jsonw_array(&w);
    jsonw_object(&w);
    jsonw_kstr(&w, "name", "pruned");
    jsonw_name(&w, "digest");
    jsonw_object(&w);
    jsonw_kstr(&w, "sha256", c->digest);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
    jsonw_array_end(&w);
    jsonw_kstr(&w, "predicateType", CHECKPOINT_PREDICATE);
    jsonw_name(&w, "predicate");
    jsonw_object(&w);
    jsonw_kstr(&w, "worker", c->worker);
    jsonw_kstr(&w, "at", c->at);
    jsonw_kint(&w, "removed", (int64_t)c->removed);
    jsonw_kint(&w, "rows", (int64_t)c->rows);
    jsonw_kint(&w, "runs", (int64_t)c->runs);
    jsonw_kint(&w, "seq", (int64_t)c->seq);
    jsonw_kstr(&w, "prev", c->prev);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
}

static int wrong(struct err *e, const char *what)
{
    return err_set(e, ERR_INVALID, "checkpoint: %s is missing or not what it should be", what);
}

static bool get_text(const struct jv *o, const char *name, char *out, size_t cap)
{
    size_t len;
    const char *s = jv_string(jv_get(o, name), &len);
    if (!s || len >= cap || strlen(s) != len)
        return false;
    memcpy(out, s, len + 1);
    return true;
}

static bool get_count(const struct jv *o, const char *name, uint64_t *out)
{
    int64_t v;
    if (!jv_int(jv_get(o, name), &v) || v < 0)
        return false;
    *out = (uint64_t)v;
    return true;
}

static const struct jv *object(const struct jv *o, const char *name)
{
    const struct jv *v = o ? jv_get(o, name) : NULL;
    return v && jv_type(v) == JV_OBJECT ? v : NULL;
}

static int decode(const struct jv *doc, struct checkpoint *c, struct err *e)
{
    char type[128];
    if (jv_type(doc) != JV_OBJECT || !get_text(doc, "_type", type, sizeof type) ||
        strcmp(type, STATEMENT_TYPE) != 0)
        return wrong(e, "_type");
    if (!get_text(doc, "predicateType", type, sizeof type) ||
        strcmp(type, CHECKPOINT_PREDICATE) != 0)
        return wrong(e, "predicateType");
    const struct jv *subjects = jv_get(doc, "subject"), *p = object(doc, "predicate");
    const struct jv *subject = subjects && jv_type(subjects) == JV_ARRAY && jv_count(subjects) == 1
                                   ? jv_at(subjects, 0)
                                   : NULL;
    const struct jv *digest =
        subject && jv_type(subject) == JV_OBJECT ? object(subject, "digest") : NULL;
    if (!digest || !get_text(digest, "sha256", c->digest, sizeof c->digest))
        return wrong(e, "subject");
    if (!p || !get_text(p, "worker", c->worker, sizeof c->worker) ||
        !get_text(p, "at", c->at, sizeof c->at) || !get_count(p, "removed", &c->removed) ||
        !get_count(p, "rows", &c->rows) || !get_count(p, "runs", &c->runs) ||
        !get_count(p, "seq", &c->seq) || !get_text(p, "prev", c->prev, sizeof c->prev))
        return wrong(e, "predicate");
    return 0;
}

int checkpoint_decode(const char *statement, size_t len, struct checkpoint *out, struct err *e)
{
    struct jv *doc = NULL;
    *out = (struct checkpoint){0};
    int rc = jv_parse(statement, len, &doc, e);
    if (!rc)
        rc = decode(doc, out, e);
    jv_free(doc);
    return rc;
}
