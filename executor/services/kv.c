/* kv: the script asks for its tenant's key-value store, if its permissions have `kv`. Argument
 *
 *   {"op": "get", "key"}
 *   {"op": "put", "key", "text" | "base64", "revision"?, "ttl_ms"?}
 *   {"op": "delete", "key", "revision"?}
 *   {"op": "list", "prefix"?, "limit"?}       → {"keys": […], "complete": true}
 *   {"op": "watch", "prefix"?}                → {"stream": number}: entries, one line of JSON each
 *
 * The store is the tenant's, so nothing a cell says can name another's. */
#include "executor/services/kv_ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "executor/services/world.h"
#include "queue/job/job.h"

static const char *const op_names[] = {"get", "put", "delete", "list", "watch"};

/* ---- reading ---- */

static int read_op(const struct jv *doc, struct kv_ask *ask, struct err *e)
{
    const char *name = jv_string(jv_get(doc, "op"), NULL);
    for (size_t i = 0; name && i < ARRAY_LEN(op_names); i++)
        if (!strcmp(name, op_names[i])) {
            ask->op = (enum kv_op)i;
            return 0;
        }
    return err_set(e, ERR_INVALID, "kv: op: allowed: get, put, delete, list, watch");
}

static int read_key(const struct jv *doc, struct kv_ask *ask, struct err *e)
{
    size_t len = 0;
    ask->key = jv_string(jv_get(doc, "key"), &len);
    if (!ask->key || strlen(ask->key) != len || !kv_key_valid(ask->key, len))
        return err_set(e, ERR_INVALID,
                       "kv: key: allowed: a string of 1 to %d of A-Z a-z 0-9 - / _ = ., no '.' at "
                       "the ends or twice in a row",
                       KV_KEY_MAX);
    return 0;
}

/* Part of a key, from its beginning. */
static int read_prefix(const struct jv *doc, struct kv_ask *ask, struct err *e)
{
    const struct jv *v = jv_get(doc, "prefix");
    size_t len = 0;
    char probe[KV_KEY_MAX + 2];
    ask->prefix = v ? jv_string(v, &len) : "";
    bool fine = ask->prefix && strlen(ask->prefix) == len && len < KV_KEY_MAX;
    if (fine && len) { /* with something behind it, it must be a key */
        snprintf(probe, sizeof probe, "%sx", ask->prefix);
        fine = kv_key_valid(probe, len + 1);
    }
    return fine ? 0
                : err_set(e, ERR_INVALID,
                          "kv: prefix: allowed: a string of at most %d bytes that a key can begin "
                          "with",
                          KV_KEY_MAX - 1);
}

/* A whole number from min to max, or what stands in *out when there is none. */
static int read_number(const struct jv *doc, const char *name, int64_t min, int64_t max,
                       int64_t *out, struct err *e)
{
    const struct jv *v = jv_get(doc, name);
    if (v && (!jv_int(v, out) || *out < min || *out > max))
        return err_set(e, ERR_INVALID,
                       "kv: %s: allowed: a whole number from %" PRId64 " to %" PRId64, name, min,
                       max);
    return 0;
}

static int read_revision(const struct jv *doc, struct kv_ask *ask, int64_t min, struct err *e)
{
    int64_t revision = -1;
    int rc = read_number(doc, "revision", min, INT64_MAX, &revision, e);
    ask->revision = revision < 0 ? KV_ANY : (uint64_t)revision;
    return rc;
}

/* *bytes: what was decoded, the caller's to free. */
static int read_value(const struct jv *doc, struct kv_ask *ask, char **bytes, struct err *e)
{
    const struct jv *coded = jv_get(doc, "base64");
    size_t len = 0;
    const char *s = jv_string(coded ? coded : jv_get(doc, "text"), &len);
    if (!s)
        return err_set(e, ERR_INVALID, "kv: a value must be in text or in base64");
    ask->value = s;
    ask->len = len;
    if (coded) {
        *bytes = mem_alloc(len + 1);
        if (!crypto_unbase64(s, len, *bytes, len, &ask->len))
            return err_set(e, ERR_INVALID, "kv: base64: found something else");
        ask->value = *bytes;
    }
    if (ask->len > KV_VALUE_MAX)
        return err_set(e, ERR_LIMIT, "kv: the value of '%s' has %zu bytes; allowed: at most %u",
                       ask->key, ask->len, KV_VALUE_MAX);
    return 0;
}

static int read_put(const struct jv *doc, struct kv_ask *ask, char **bytes, struct err *e)
{
    int64_t ttl_ms = 0;
    int rc = read_revision(doc, ask, 0, e);
    if (!rc)
        rc = read_number(doc, "ttl_ms", KV_TTL_MIN_MS, KV_TTL_MAX_MS, &ttl_ms, e);
    if (!rc)
        rc = read_value(doc, ask, bytes, e);
    if (ttl_ms)
        ask->expires_at_ms = clock_real_us() / 1000 + ttl_ms;
    return rc;
}

static int read_ask(const struct jv *doc, struct kv_ask *ask, char **bytes, struct err *e)
{
    int64_t limit = KV_LIST_MAX;
    if (jv_type(doc) != JV_OBJECT)
        return err_set(e, ERR_INVALID, "kv: found %s; allowed: an object", jv_type_name(doc));
    int rc = read_op(doc, ask, e);
    if (!rc)
        rc = ask->op <= KV_DELETE ? read_key(doc, ask, e) : read_prefix(doc, ask, e);
    if (!rc && ask->op == KV_PUT)
        rc = read_put(doc, ask, bytes, e);
    if (!rc && ask->op == KV_DELETE)
        rc = read_revision(doc, ask, 1, e);
    if (!rc && ask->op == KV_LIST)
        rc = read_number(doc, "limit", 1, KV_LIST_MAX, &limit, e);
    ask->limit = (int)limit;
    return rc;
}

/* ---- writing ---- */

void kv_write_entry(struct buf *out, const struct kv_entry *entry)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kstr(&w, "key", entry->key);
    jsonw_kint(&w, "revision", (int64_t)entry->revision);
    jsonw_kint(&w, "stored_at", entry->stored_at_us / 1000);
    if (entry->expires_at_ms)
        jsonw_kint(&w, "expires_at", entry->expires_at_ms);
    if (entry->deleted) {
        jsonw_kbool(&w, "deleted", true);
    } else if (utf8_valid_prefix(entry->value, entry->len) == entry->len) {
        jsonw_name(&w, "text");
        jsonw_string(&w, entry->value, entry->len);
    } else {
        size_t cap = crypto_base64_len(entry->len);
        char *text = mem_alloc(cap);
        crypto_base64(entry->value, entry->len, text, cap);
        jsonw_kstr(&w, "base64", text);
        free(text);
    }
    jsonw_object_end(&w);
}

void kv_write_revision(struct buf *out, uint64_t revision)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kint(&w, "revision", (int64_t)revision);
    jsonw_object_end(&w);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void kv_write_keys(struct buf *out, char **keys, int n, bool complete)
{
    struct jsonw w;
    if (n)
        qsort(keys, (size_t)n, sizeof *keys, by_text);
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_name(&w, "keys");
    jsonw_array(&w);
    for (int i = 0; i < n; i++)
        jsonw_str(&w, keys[i]);
    jsonw_array_end(&w);
    jsonw_kbool(&w, "complete", complete);
    jsonw_object_end(&w);
}

/* ---- the service ---- */

static int handle(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct jv *doc = NULL;
    struct kv_ask ask = {0};
    char *bytes = NULL;
    if (!attempt_job(c->attempt)->permissions.flag[PERMISSION_KV])
        return err_set(e, ERR_DENIED,
                       "kv: found permissions.kv: false; the job and its tenant need it");
    if (!c->call_id)
        return err_set(e, ERR_INVALID, "kv: a call, not a note");
    int rc = jv_parse(c->json, c->len, &doc, e);
    if (!rc)
        rc = read_ask(doc, &ask, &bytes, e);
    if (!rc)
        rc = c->world->link ? kv_ask_bucket(c, &ask, e) : kv_ask_file(c, &ask, reply, e);
    jv_free(doc);
    free(bytes);
    return rc;
}

const struct service service_kv = {
    .name = "kv",
    .argument_max = 48u << 10,
    .handle = handle,
};
