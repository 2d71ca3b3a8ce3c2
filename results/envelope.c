#include "results/envelope.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/jv.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* How this works: the payload of an envelope is signed as bytes, so its text is made once and never
 * parsed and written again on its way. Reading one that came from outside goes from the outside in:
 * envelope JSON, payload type, base64, signature; and only then the statement inside. The statement
 * is read by its text (jv_raw_member), not through a parser: a job's value may be JSON that parsers
 * refuse (lone surrogates) and must come out as it was signed. */

#define ENVELOPE_HEAD "{\"payload\":\""
#define ENVELOPE_MID                                                                               \
    "\",\"payloadType\":\"" ENVELOPE_PAYLOAD_TYPE "\",\"signatures\":[{\"keyid\":\""
#define ENVELOPE_SIG   "\",\"sig\":\""
#define ENVELOPE_TAIL  "\"}]}"
#define SIG_BASE64     88 /* characters of a 64-byte signature */
#define SIGNATURES_MAX 32 /* more in one envelope is nobody's honest work */

void statement_encode(const struct result *r, struct buf *out)
{
    struct jsonw w;
    char empty[SHA256_HEX];
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kstr(&w, "_type", STATEMENT_TYPE);
    jsonw_name(&w, "subject");
    jsonw_array(&w);
    jsonw_object(&w);
    jsonw_kstr(&w, "name", r->id);
    jsonw_name(&w, "digest");
    jsonw_object(&w);
    if (!*r->script_sha256)
        crypto_sha256_hex("", 0, empty);
    jsonw_kstr(&w, "sha256", *r->script_sha256 ? r->script_sha256 : empty);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
    jsonw_array_end(&w);
    jsonw_kstr(&w, "predicateType", STATEMENT_PREDICATE);
    jsonw_name(&w, "predicate");
    result_write(r, &w);
    jsonw_object_end(&w);
}

void envelope_pae(const char *payload, size_t len, struct buf *out)
{
    crypto_pae(ENVELOPE_PAYLOAD_TYPE, payload, len, out);
}

size_t envelope_size(size_t payload_len)
{
    return sizeof ENVELOPE_HEAD + sizeof ENVELOPE_MID + sizeof ENVELOPE_SIG + sizeof ENVELOPE_TAIL -
           4 + crypto_base64_len(payload_len) - 1 + 64 + SIG_BASE64;
}

static void add_base64(struct buf *out, const void *p, size_t len)
{
    size_t room = crypto_base64_len(len);
    buf_reserve(out, room);
    if (out->full)
        return;
    crypto_base64(p, len, out->data + out->len, room);
    out->len += room - 1;
}

void envelope_sign(const struct sign_key *k, const char *payload, size_t len, struct buf *out)
{
    CHECK(k->can_sign);
    uint8_t sig[ED25519_SIG];
    size_t before = out->len;
    buf_reserve(out, envelope_size(len));
    envelope_pae(payload, len, out); /* what is signed lies for a moment where the envelope will */
    CHECK(!out->full);
    crypto_ed25519_sign(k->sec, out->data + before, out->len - before, sig);
    out->len = before;
    buf_adds(out, ENVELOPE_HEAD);
    add_base64(out, payload, len);
    buf_adds(out, ENVELOPE_MID);
    buf_adds(out, k->keyid);
    buf_adds(out, ENVELOPE_SIG);
    add_base64(out, sig, sizeof sig);
    buf_adds(out, ENVELOPE_TAIL);
}

/* ---- opening ---- */

static const char *type_of(const struct jv *v)
{
    return v ? jv_type_name(v) : "nothing";
}

/* Base64 of either alphabet, with or without padding, into malloc'd memory with a NUL behind. */
static bool unbase64(const char *s, size_t len, char **out, size_t *out_len)
{
    while (len && s[len - 1] == '=')
        len--;
    size_t padded = (len + 3) / 4 * 4;
    char *standard = mem_alloc(padded + 1), *bytes = mem_alloc(padded / 4 * 3 + 1);
    for (size_t i = 0; i < padded; i++)
        standard[i] = i >= len ? '=' : s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i];
    bool ok = crypto_unbase64(standard, padded, bytes, padded / 4 * 3, out_len);
    free(standard);
    if (!ok) {
        free(bytes);
        return false;
    }
    bytes[*out_len] = 0;
    *out = bytes;
    return true;
}

/* Whether one signature entry holds. *ours: it claims to be by k. */
static int check_signature(const struct jv *entry, const struct sign_key *k, const struct buf *pae,
                           bool *holds, bool *ours, const char **other, struct err *e)
{
    if (jv_type(entry) != JV_OBJECT)
        return err_set(e, ERR_INVALID, "envelope: signatures: found %s; expected objects",
                       type_of(entry));
    const struct jv *keyid = jv_get(entry, "keyid"), *sig = jv_get(entry, "sig");
    size_t len = 0, raw_len = 0;
    const char *text = jv_string(sig, &len);
    char *raw = NULL;
    if (keyid && jv_type(keyid) != JV_STRING)
        return err_set(e, ERR_INVALID, "envelope: keyid: found %s; expected a string",
                       type_of(keyid));
    if (!text)
        return err_set(e, ERR_INVALID, "envelope: sig: found %s; expected a string", type_of(sig));
    if (len > 4096 || !unbase64(text, len, &raw, &raw_len))
        return err_set(e, ERR_INVALID, "envelope: sig: not base64");
    const char *id = jv_string(keyid, NULL);
    if (k) {
        *holds = raw_len == ED25519_SIG &&
                 crypto_ed25519_verify(k->pub, pae->data, pae->len, (const uint8_t *)raw);
        *ours = !id || !*id || !strcmp(id, k->keyid);
        if (!*ours)
            *other = id;
    }
    free(raw);
    return 0;
}

static int check_signatures(const struct jv *list, const struct sign_key *k, const char *payload,
                            size_t len, struct err *e)
{
    if (!list || jv_type(list) != JV_ARRAY)
        return err_set(e, ERR_INVALID, "envelope: signatures: found %s; expected an array",
                       type_of(list));
    if (jv_count(list) < 1 || jv_count(list) > SIGNATURES_MAX)
        return err_set(e, ERR_INVALID, "envelope: signatures: found %zu; allowed: 1 to %d",
                       jv_count(list), SIGNATURES_MAX);
    struct buf pae = {0};
    const char *other = NULL;
    bool any_ours = false, any_holds = false;
    int rc = 0;
    if (k)
        envelope_pae(payload, len, &pae);
    for (size_t i = 0; i < jv_count(list) && !rc; i++) {
        bool holds = false, ours = false;
        rc = check_signature(jv_at(list, i), k, &pae, &holds, &ours, &other, e);
        any_holds |= holds;
        any_ours |= ours;
    }
    buf_free(&pae);
    if (rc || !k || any_holds)
        return rc;
    if (!any_ours && other)
        return err_set(e, ERR_DENIED, "signed by key %.64s, not by the key given: %s", other,
                       k->keyid);
    return err_set(
        e, ERR_CORRUPT,
        "the signature does not hold: the envelope was altered after it was signed by %s",
        k->keyid);
}

static int open_parsed(const struct jv *v, const struct sign_key *k, char **payload,
                       size_t *payload_len, struct err *e)
{
    if (jv_type(v) != JV_OBJECT)
        return err_set(e, ERR_INVALID, "envelope: found %s; expected an object", type_of(v));
    const struct jv *type = jv_get(v, "payloadType"), *text = jv_get(v, "payload");
    const char *t = jv_string(type, NULL);
    size_t len = 0;
    const char *b64 = jv_string(text, &len);
    if (!b64)
        return err_set(e, ERR_INVALID, "envelope: payload: found %s; expected a string",
                       type_of(text));
    if (!t)
        return err_set(e, ERR_INVALID, "envelope: payloadType: found %s; expected a string",
                       type_of(type));
    if (strcmp(t, ENVELOPE_PAYLOAD_TYPE) != 0)
        return err_set(e, ERR_INVALID, "envelope: payloadType: found '%.80s'; expected '%s'", t,
                       ENVELOPE_PAYLOAD_TYPE);
    if (!unbase64(b64, len, payload, payload_len))
        return err_set(e, ERR_INVALID, "envelope: payload: not base64");
    return check_signatures(jv_get(v, "signatures"), k, *payload, *payload_len, e);
}

int envelope_open(const char *json, size_t len, const struct sign_key *k, char **payload,
                  size_t *payload_len, struct err *e)
{
    *payload = NULL;
    if (len > ENVELOPE_MAX)
        return err_set(e, ERR_INVALID, "envelope: %zu bytes long; allowed: at most %zu", len,
                       ENVELOPE_MAX);
    struct jv *v = NULL;
    int rc = jv_parse(json, len, &v, e);
    if (rc)
        return err_wrap(e, "envelope");
    rc = open_parsed(v, k, payload, payload_len, e);
    jv_free(v);
    if (rc) {
        free(*payload);
        *payload = NULL;
    }
    return rc;
}

bool envelope_keyid(const char *json, size_t len, char out[KEYID_LEN])
{
    const char *text;
    size_t n;
    struct jv *v = NULL;
    bool found = false;
    if (len > ENVELOPE_MAX || !jv_check(json, len) ||
        !jv_raw_member(json, len, "signatures", &text, &n) || jv_parse(text, n, &v, NULL))
        return false;
    if (jv_type(v) == JV_ARRAY && jv_count(v)) {
        size_t id_len;
        const char *id = jv_string(jv_get(jv_at(v, 0), "keyid"), &id_len);
        found = id && id_len == 64 && strspn(id, "0123456789abcdef") == 64;
        if (found)
            memcpy(out, id, KEYID_LEN);
    }
    jv_free(v);
    return found;
}

/* ---- the statement inside ---- */

struct text {
    const char *p;
    size_t len;
};

static bool member(struct text in, const char *name, struct text *out)
{
    return jv_raw_member(in.p, in.len, name, &out->p, &out->len);
}

/* The value of a string member; NULL when there is none. Caller frees. */
static char *string_member(struct text in, const char *name)
{
    struct text raw;
    struct jv *v = NULL;
    char *s = NULL;
    if (!member(in, name, &raw) || jv_parse(raw.p, raw.len, &v, NULL))
        return NULL;
    if (jv_string(v, NULL))
        s = mem_strdup(jv_string(v, NULL));
    jv_free(v);
    return s;
}

static int expect_string(struct text in, const char *name, const char *expected, struct err *e)
{
    char *s = string_member(in, name);
    int rc = s && !strcmp(s, expected)
                 ? 0
                 : err_set(e, ERR_INVALID, "statement: %s: found %s%.80s%s; expected '%s'", name,
                           s ? "'" : "", s ? s : "no string", s ? "'" : "", expected);
    free(s);
    return rc;
}

/* subject: [{"name": <the job's id>, "digest": {"sha256": <its script's>}}] */
static int check_subject(struct text statement, struct text predicate, struct err *e)
{
    struct text raw;
    struct jv *v = NULL;
    if (!member(statement, "subject", &raw) || jv_parse(raw.p, raw.len, &v, NULL))
        return err_set(e, ERR_INVALID, "statement: subject: missing or malformed");
    const struct jv *subject = jv_type(v) == JV_ARRAY && jv_count(v) == 1 ? jv_at(v, 0) : NULL;
    const char *name = jv_string(jv_get(subject, "name"), NULL);
    const char *sha = jv_string(jv_get(jv_get(subject, "digest"), "sha256"), NULL);
    char *id = string_member(predicate, "id"), *script = string_member(predicate, "script_sha256");
    char empty[SHA256_HEX];
    crypto_sha256_hex("", 0, empty);
    int rc = 0;
    if (!name || !sha)
        rc = err_set(e, ERR_INVALID,
                     "statement: subject: expected exactly one, with name and digest.sha256");
    else if (!id || strcmp(name, id) != 0)
        rc = err_set(e, ERR_INVALID,
                     "statement: subject: named '%.128s', but the result's id is '%.128s'", name,
                     id ? id : "(none)");
    else if (strcmp(sha, script ? script : empty) != 0)
        rc =
            err_set(e, ERR_INVALID, "statement: subject: digest is not the result's script_sha256");
    free(id);
    free(script);
    jv_free(v);
    return rc;
}

int statement_result(const char *payload, size_t len, struct buf *out, struct err *e)
{
    struct text s = {payload, len}, predicate;
    if (!jv_check(payload, len))
        return err_set(e, ERR_INVALID, "statement: the payload is not a JSON text");
    int rc = expect_string(s, "_type", STATEMENT_TYPE, e);
    if (!rc)
        rc = expect_string(s, "predicateType", STATEMENT_PREDICATE, e);
    if (rc)
        return rc;
    if (!member(s, "predicate", &predicate) || *predicate.p != '{')
        return err_set(e, ERR_INVALID, "statement: predicate: missing, or not an object");
    rc = check_subject(s, predicate, e);
    if (!rc && out)
        buf_add(out, predicate.p, predicate.len);
    return rc;
}

int64_t envelope_published_us(const char *json, size_t len)
{
    char *payload = NULL;
    size_t n;
    struct jv *doc = NULL;
    int64_t us = 0;
    struct err e = {0};
    if (envelope_open(json, len, NULL, &payload, &n, &e) == 0 &&
        jv_parse(payload, n, &doc, &e) == 0)
        clock_parse_rfc3339(jv_string(jv_get(jv_get(doc, "predicate"), "published_at"), NULL), &us);
    jv_free(doc);
    free(payload);
    return us;
}

int envelope_result(const char *json, size_t len, struct buf *out, struct err *e)
{
    char *payload;
    size_t n;
    int rc = envelope_open(json, len, NULL, &payload, &n, e);
    if (!rc)
        rc = statement_result(payload, n, out, e);
    free(payload);
    return rc;
}
