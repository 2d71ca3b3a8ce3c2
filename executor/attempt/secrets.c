#include "executor/attempt/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/permissions.h"

struct secrets {
    struct plain_secret v[SECRETS_MAX];
    void *memory[SECRETS_MAX]; /* guarded; v[i].value points into it */
    int n;
    size_t bytes;
    struct mask *mask;
};

/* Takes ownership of memory. */
static void add(struct secrets *s, const char *name, void *memory, const char *value, size_t len)
{
    CHECK(s->n < SECRETS_MAX);
    struct plain_secret *p = &s->v[s->n];
    snprintf(p->name, sizeof p->name, "%s", name);
    p->value = value;
    p->len = len;
    s->memory[s->n++] = memory;
    s->bytes += len;
}

static int finish(struct secrets *s, struct err *e)
{
    struct mask_secret list[SECRETS_MAX];
    if (s->bytes > SECRETS_BYTES_MAX)
        return err_set(e, ERR_INVALID, "secrets: found %zu bytes in all; allowed: at most %d",
                       s->bytes, SECRETS_BYTES_MAX);
    for (int i = 0; i < s->n; i++)
        list[i] = (struct mask_secret){s->v[i].value, s->v[i].len};
    s->mask = mask_new(list, s->n);
    return 0;
}

/* Of texts for several workers the one for this key; the only one, so that it can be said what is
 * wrong with it. */
static const char *ours(const struct seal_key *key, const struct sealed_secret *from)
{
    for (int i = 0; i < from->n; i++)
        if (!memcmp(sealed_keyid(from->text[i]), key->keyid, KEYID_LEN - 1))
            return from->text[i];
    return from->n == 1 ? from->text[0] : NULL;
}

static int open_one(struct secrets *s, const struct seal_key *key, const struct tenant *t,
                    const struct job *j, const char *name, struct err *e)
{
    const struct secret_binding b = {j->tenant, name, j->script_sha256};
    const struct sealed_secret *from = sealed_secrets_find(&j->secrets, name);
    void *memory = NULL;
    const char *value = NULL;
    size_t len = 0;
    struct err why = {0};
    if (!from && t)
        from = sealed_secrets_find(&t->secrets, name);
    const char *text = from && key ? ours(key, from) : NULL;
    if (!from)
        err_set(&why, ERR_INVALID,
                "found nowhere: the job does not carry it, and the configuration of this worker "
                "has none of that name for tenant '%s'",
                j->tenant);
    else if (!key)
        err_set(&why, ERR_INVALID, "sealed secrets are opened by workers alone");
    else if (!text)
        err_set(&why, ERR_INVALID,
                "found sealed texts for %d keys; none of them is this worker's %.16s…", from->n,
                key->keyid);
    else
        sealed_open(key, &b, text, strlen(text), &memory, &value, &len, &why);
    if (why.code)
        return err_set(e, ERR_INVALID, "secrets.%s: %s", name, why.msg);
    add(s, name, memory, value, len);
    return 0;
}

int secrets_open(const struct seal_key *key, const struct tenant *t, const struct job *j,
                 struct secrets **out, struct err *e)
{
    const struct permission_entries *named = &j->permissions.list[PERMISSION_SECRETS];
    int rc = 0;
    *out = NULL;
    if (named->n == 0)
        return 0;
    if (named->n > SECRETS_MAX)
        return err_set(e, ERR_INVALID, "permissions.secrets: found %d names; allowed: at most %d",
                       named->n, SECRETS_MAX);
    struct secrets *s = mem_alloc(sizeof *s);
    for (int i = 0; i < named->n && !rc; i++)
        if (!secrets_find(s, named->v[i], &(size_t){0})) /* named twice */
            rc = open_one(s, key, t, j, named->v[i], e);
    if (!rc)
        rc = finish(s, e);
    if (rc)
        secrets_free(s);
    else
        *out = s;
    return rc;
}

int secrets_of(const struct plain_secret *given, int n, struct secrets **out, struct err *e)
{
    *out = NULL;
    if (n == 0)
        return 0;
    struct secrets *s = mem_alloc(sizeof *s);
    for (int i = 0; i < n; i++) {
        char *copy = crypto_guarded(given[i].len);
        memcpy(copy, given[i].value, given[i].len);
        add(s, given[i].name, copy, copy, given[i].len);
    }
    int rc = finish(s, e);
    if (rc)
        secrets_free(s);
    else
        *out = s;
    return rc;
}

void secrets_free(struct secrets *s)
{
    if (!s)
        return;
    mask_free(s->mask);
    for (int i = 0; i < s->n; i++)
        crypto_guarded_free(s->memory[i]);
    free(s);
}

const char *secrets_find(const struct secrets *s, const char *name, size_t *len)
{
    for (int i = 0; s && i < s->n; i++)
        if (!strcmp(s->v[i].name, name)) {
            *len = s->v[i].len;
            return s->v[i].value;
        }
    return NULL;
}

const struct mask *secrets_mask(const struct secrets *s)
{
    return s ? s->mask : NULL;
}

void secrets_grants(const struct secrets *s, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_name(&w, "secrets");
    jsonw_array(&w);
    for (int i = 0; s && i < s->n; i++)
        jsonw_str(&w, s->v[i].name);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
}

void secrets_guard_process(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none))
        log_warn("secrets", "core dumps cannot be switched off");
        /* The limit does not hold where the kernel pipes cores to a program. The leak checker of
         * the sanitized build is a debugger of its own process. */
#ifndef __SANITIZE_ADDRESS__
    if (prctl(PR_SET_DUMPABLE, 0))
        log_warn("secrets", "this process cannot be made undumpable");
#endif
}
