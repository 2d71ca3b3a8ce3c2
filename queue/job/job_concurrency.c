/* The fields "concurrency_key" and "concurrency_limit": how many jobs of a kind run at once. */
#include <ctype.h>
#include <string.h>

#include "queue/job/decoding.h"

bool concurrency_key_valid(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!key[i] || (!isalnum((unsigned char)key[i]) && !strchr("_=-", key[i])))
            return false;
    return len > 0 && len <= CONCURRENCY_KEY_MAX;
}

void read_concurrency_key(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (!s || !concurrency_key_valid(s, len))
        fault_at(d, "concurrency_key: found %s; allowed: " CONCURRENCY_KEY_ALLOWED,
                 shown(v, found));
    else
        memcpy(d->job->concurrency_key, s, len + 1);
}

void read_concurrency_limit(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    int64_t n = 0;
    d->limit_given = true;
    if (!jv_int(v, &n) || n < 1 || n > CONCURRENCY_LIMIT_MAX)
        fault_at(d, "concurrency_limit: found %s; allowed: a whole number from 1 to %d",
                 shown(v, found), CONCURRENCY_LIMIT_MAX);
    else
        d->job->concurrency_limit = (int)n;
}

void check_concurrency(struct decoding *d)
{
    struct job *j = d->job;
    if (d->limit_given && !*j->concurrency_key)
        fault_at(d, "concurrency_limit: found without concurrency_key; allowed: with it");
    if (!j->concurrency_limit)
        j->concurrency_limit = 1;
}
