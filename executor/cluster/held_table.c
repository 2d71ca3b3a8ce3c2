/* The table of jobs that wait, found by name and by what they wait for. */
#include "executor/cluster/held_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"

#define ENTRY_MAX (16 << 10) /* bytes of an entry's message */

void held_key(char out[NAME_TEXT], const char *tenant, const char *id)
{
    snprintf(out, NAME_TEXT, "%s/%s", tenant, id);
}

struct entry *held_find(const struct held *h, const char *key)
{
    struct entry *x = NULL;
    HASH_FIND_STR(h->entries, key, x);
    return x;
}

static void connect_edge(struct held *h, struct entry *x, int i, const char *parent)
{
    struct edge *edge = &x->edges[i];
    struct awaited *a = NULL;
    char key[NAME_TEXT];
    held_key(key, x->tenant, parent);
    HASH_FIND_STR(h->awaited, key, a);
    if (!a) {
        a = mem_alloc(sizeof *a);
        snprintf(a->key, sizeof a->key, "%s", key);
        list_init(&a->edges);
        HASH_ADD_STR(h->awaited, key, a);
    }
    edge->entry = x;
    edge->awaited = a;
    list_push_back(&a->edges, &edge->node);
}

void held_drop(struct held *h, struct entry *x)
{
    for (int i = 0; i < x->n; i++) {
        struct awaited *a = x->edges[i].awaited;
        list_remove(&x->edges[i].node);
        if (list_empty(&a->edges)) {
            HASH_DEL(h->awaited, a);
            free(a);
        }
    }
    HASH_DEL(h->entries, x);
    list_remove(&x->node);
    free(x->edges);
    free(x);
}

static bool read_entry(struct held *h, struct entry *x, const struct jv *doc)
{
    const struct jv *after = jv_get(doc, "after");
    const char *class = jv_string(jv_get(doc, "class"), NULL);
    int64_t until = 0, published = 0;
    int cls = class ? job_class_by_name(class) : -1;
    size_t n = jv_type(after) == JV_ARRAY ? jv_count(after) : 0;
    if (cls < 0 || n < 1 || n > JOB_AFTER_MAX || !jv_int(jv_get(doc, "until"), &until) ||
        !jv_int(jv_get(doc, "published"), &published))
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        const char *id = jv_string(jv_at(after, i), &len);
        if (!id || !job_id_valid(id, len))
            return false;
    }
    x->cls = (enum job_class)cls;
    x->until_us = until * 1000;
    x->published_at_us = published * 1000;
    x->runs_anyway = jv_is_true(jv_get(doc, "anyway"));
    x->n = (int)n;
    x->edges = mem_alloc(n * sizeof *x->edges);
    for (int i = 0; i < x->n; i++)
        connect_edge(h, x, i, jv_string(jv_at(after, (size_t)i), NULL));
    return true;
}

struct entry *held_add(struct held *h, const char *tenant, const char *id, uint64_t seq,
                       const char *text, size_t len)
{
    struct jv *doc = NULL;
    char key[NAME_TEXT];
    held_key(key, tenant, id);
    struct entry *x = held_find(h, key);
    if (x && x->seq >= seq)
        return NULL;
    if (!x && (int64_t)HASH_COUNT(h->entries) >= h->ctx.config->nats.max_held)
        return NULL; /* the stream has no more either, but for those others have just put back */
    if (x)
        held_drop(h, x);
    x = mem_alloc(sizeof *x);
    memcpy(x->key, key, sizeof x->key);
    snprintf(x->tenant, sizeof x->tenant, "%s", tenant);
    snprintf(x->id, sizeof x->id, "%s", id);
    x->seq = seq;
    if (len > ENTRY_MAX || jv_parse(text, len, &doc, NULL) || !read_entry(h, x, doc)) {
        log_warn("held", "what %s waits for cannot be read", key);
        jv_free(doc);
        free(x);
        return NULL;
    }
    jv_free(doc);
    HASH_ADD_STR(h->entries, key, x);
    list_push_back(&h->all, &x->node);
    held_sweep_on(h);
    return x;
}
