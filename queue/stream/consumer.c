#include "queue/stream/consumer.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

#define NAME_PREFIX "worker_"
#define HASH_SHOWN  32

void consumer_name(const struct consumer *c, char out[CONSUMER_NAME_MAX])
{
    char hash[SHA256_HEX];
    if (!c->tenant[0]) {
        snprintf(out, CONSUMER_NAME_MAX, NAME_PREFIX "%s", job_class_name(c->cls));
    } else if (tenant_name_valid(c->tenant)) {
        snprintf(out, CONSUMER_NAME_MAX, NAME_PREFIX "%s_%s", job_class_name(c->cls), c->tenant);
    } else {
        crypto_sha256_hex(c->tenant, strlen(c->tenant), hash);
        /* '=' stands in no tenant's name */
        snprintf(out, CONSUMER_NAME_MAX, NAME_PREFIX "%s_=%.*s", job_class_name(c->cls), HASH_SHOWN,
                 hash);
    }
}

void consumer_filter(const struct consumer *c, const struct subjects *s, char *out)
{
    if (c->tenant[0])
        subject_job(s, c->tenant, c->cls, out);
    else
        subject_job_class(s, c->cls, out);
}

bool consumer_of_subject(const struct subjects *s, const char *subject, struct consumer *out)
{
    size_t n = strlen(s->prefix);
    if (strncmp(subject, s->prefix, n) != 0 || strncmp(subject + n, ".jobs.", 6) != 0)
        return false;
    const char *token = subject + n + 6, *dot = strrchr(token, '.');
    int cls = dot ? job_class_by_name(dot + 1) : -1;
    size_t len = dot ? (size_t)(dot - token) : 0;
    if (cls < 0 || !len || len > CONSUMER_TENANT_MAX || memchr(token, '.', len))
        return false;
    *out = (struct consumer){.cls = (enum job_class)cls};
    if (len != 1 || *token != '*')
        memcpy(out->tenant, token, len);
    return true;
}

bool consumer_name_is_ours(const char *name)
{
    if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0)
        return false;
    name += strlen(NAME_PREFIX);
    for (int k = 0; k < CLASSES; k++) {
        const char *cls = job_class_name((enum job_class)k);
        size_t n = strlen(cls);
        if (!strncmp(name, cls, n) && (!name[n] || name[n] == '_'))
            return true;
    }
    return false;
}
