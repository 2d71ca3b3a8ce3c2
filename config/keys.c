#include "config/keys.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/mem.h"

#define TEXT_MAX 4095 /* of any text: a path or a list of URLs is no longer */

static bool only(const char *text, const char *extra, size_t max)
{
    size_t n = 0;
    for (; text[n]; n++)
        if (!isalnum((unsigned char)text[n]) && !strchr(extra, text[n]))
            return false;
    return n > 0 && n <= max;
}

/* Several tokens of a subject at the most, none of them empty (NATS refuses "a..b"). */
static bool ok_prefix(const char *t)
{
    size_t n = strlen(t);
    return only(t, "_-.", 64) && t[0] != '.' && t[n - 1] != '.' && !strstr(t, "..");
}

static bool ok_stream_prefix(const char *t)
{
    return only(t, "_-", 48);
}

static bool ok_one_url(const char *url, size_t n)
{
    static const char *const schemes[] = {"nats://", "tls://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t s = strlen(schemes[i]);
        if (n > s && !strncmp(url, schemes[i], s)) {
            url += s;
            n -= s;
            break;
        }
    }
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)url[i] <= ' ' || url[i] == '/' || url[i] == 0x7f)
            return false;
    return n > 0;
}

static bool ok_urls(const char *t)
{
    for (;;) {
        size_t n = strcspn(t, ",");
        if (!ok_one_url(t, n))
            return false;
        if (!t[n])
            return true;
        t += n + 1;
    }
}

/* Addresses of DNS servers: no names (who would resolve them?), no blocks. */
static bool ok_resolvers(const char *t)
{
    for (;;) {
        char one[IP_BLOCK_TEXT];
        struct ip_block b;
        size_t n = strcspn(t, ",");
        if (!n || n >= sizeof one)
            return false;
        memcpy(one, t, n);
        one[n] = 0;
        if (strchr(one, '/') || !ip_block_parse(one, &b))
            return false;
        if (!t[n])
            return true;
        t += n + 1;
    }
}

static const char *const jail_modes[] = {"require", "prefer", "off", NULL};
static const char *const events_modes[] = {"off", "retries", "all", NULL};
static const char *const toolchain_modes[] = {"lazy", "ready", NULL};
static const char *const consumer_kinds[] = {"tenant", "class", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};

#define AT(member) offsetof(struct config, member)
#define FILE_KEY(n, m)                                                                             \
    {                                                                                              \
        .name = n, .type = KEY_TEXT, .at = AT(m), .allowed = "path of a file"                      \
    }
#define INT_KEY(n, m, lo, hi, def)                                                                 \
    {                                                                                              \
        .name = n, .type = KEY_INT, .at = AT(m), .min = lo, .max = hi, .fallback = def             \
    }
#define BOOL_KEY(n, m, def)                                                                        \
    {                                                                                              \
        .name = n, .type = KEY_BOOL, .at = AT(m), .fallback = def                                  \
    }

/* Defaults that depend on the machine (data_dir, worker, max_running) are config_load()'s. */
const struct config_key config_keys[] = {
    {.name = "data_dir", .type = KEY_TEXT, .at = AT(data_dir), .allowed = "path of a folder"},
    {.name = "worker",
     .type = KEY_TEXT,
     .at = AT(worker),
     .ok = ok_prefix, /* it stands in a subject */
     .allowed = "1 to 64 of A-Z a-z 0-9 _ . -, no '.' at the ends or twice in a row"},
    {.name = "log_level",
     .type = KEY_TEXT,
     .at = AT(log_level),
     .choices = log_levels,
     .text = "warn"},
    {.name = "jail",
     .type = KEY_CHOICE,
     .at = AT(jail),
     .choices = jail_modes,
     .fallback = JAIL_REQUIRE},
    INT_KEY("pool", pool, 1, 256, 4),
    INT_KEY("max_running", max_running, 1, 1024, 0),
    INT_KEY("job_max_kb", job_max_kb, 1, 65536, 8192),
    INT_KEY("zygote_renew_s", zygote_renew_s, 0, 604800, 3600),
    INT_KEY("profile_idle_s", profile_idle_s, 0, 604800, 60),
    INT_KEY("code_cache_mb", code_cache_mb, 0, 16384, 64),
    INT_KEY("source_zygotes", source_zygotes, 0, 16, 2),
    {.name = "toolchain",
     .type = KEY_CHOICE,
     .at = AT(toolchain),
     .choices = toolchain_modes,
     .fallback = TOOLCHAIN_LAZY},
    INT_KEY("cgroup_memory_mb", cgroup_memory_mb, 0, 16777216, CONFIG_BY_MACHINE),
    INT_KEY("cgroup_pids", cgroup_pids, 0, 1000000, CONFIG_BY_MACHINE),
    INT_KEY("cgroup_cpu_percent", cgroup_cpu_percent, 0, 1000000, 0),
    INT_KEY("attest_interval_s", attest_interval_s, 0, 604800, 300),
    INT_KEY("shed_at_mb", shed_at_mb, 0, 1048576, 1024),
    BOOL_KEY("live_logs", live_logs, true),
    {.name = "events",
     .type = KEY_CHOICE,
     .at = AT(events),
     .choices = events_modes,
     .fallback = EVENTS_RETRIES},
    BOOL_KEY("schedules", schedules, true),
    INT_KEY("retention_interval_s", retention_interval_s, 1, 86400, 60),
    {.name = "nats_server",
     .type = KEY_TEXT,
     .at = AT(nats_server),
     .allowed = "path of a program"},
    {.name = "nats.url",
     .type = KEY_TEXT,
     .at = AT(nats.url),
     .ok = ok_urls,
     .allowed = "nats://HOST:PORT or tls://HOST:PORT, several separated by commas",
     .secret = true}, /* may carry user:password@ */
    INT_KEY("nats.port", nats.port, 0, 65535, 0),
    {.name = "nats.user", .type = KEY_TEXT, .at = AT(nats.user), .allowed = "a user's name"},
    {.name = "nats.password",
     .type = KEY_TEXT,
     .at = AT(nats.password),
     .allowed = "a password",
     .secret = true},
    {.name = "nats.token",
     .type = KEY_TEXT,
     .at = AT(nats.token),
     .allowed = "a token",
     .secret = true},
    FILE_KEY("nats.nkey_seed_file", nats.nkey_seed_file),
    FILE_KEY("nats.creds_file", nats.creds_file),
    FILE_KEY("nats.tls_ca_file", nats.tls_ca_file),
    FILE_KEY("nats.tls_cert_file", nats.tls_cert_file),
    FILE_KEY("nats.tls_key_file", nats.tls_key_file),
    BOOL_KEY("nats.tls", nats.tls, false),
    {.name = "nats.prefix",
     .type = KEY_TEXT,
     .at = AT(nats.prefix),
     .ok = ok_prefix,
     .allowed = "1 to 64 of A-Z a-z 0-9 _ -, parts separated by '.'",
     .text = "isolane"},
    {.name = "nats.stream_prefix",
     .type = KEY_TEXT,
     .at = AT(nats.stream_prefix),
     .ok = ok_stream_prefix,
     .allowed = "1 to 48 of A-Z a-z 0-9 _ -",
     .text = "ISOLANE"},
    INT_KEY("nats.replicas", nats.replicas, 1, 5, 1),
    INT_KEY("nats.ack_wait_ms", nats.ack_wait_ms, 1000, 3600000, 30000),
    INT_KEY("nats.max_deliver", nats.max_deliver, 2, 1000, 20),
    INT_KEY("nats.duplicate_window_ms", nats.duplicate_window_ms, 100, 86400000, 120000),
    INT_KEY("nats.max_queued", nats.max_queued, 1, 1000000000, 1000000),
    INT_KEY("nats.max_queued_a_tenant", nats.max_queued_a_tenant, 0, 1000000000, 0),
    INT_KEY("nats.max_queued_mb", nats.max_queued_mb, 1, 16777216, 1024),
    INT_KEY("nats.results_max_age_hours", nats.results_max_age_hours, 1, 87600, 168),
    INT_KEY("nats.events_max_age_hours", nats.events_max_age_hours, 1, 87600, 168),
    INT_KEY("nats.events_max_mb", nats.events_max_mb, 1, 16777216, 256),
    INT_KEY("nats.dead_max_age_hours", nats.dead_max_age_hours, 1, 87600, 720),
    INT_KEY("nats.dead_max_mb", nats.dead_max_mb, 1, 16777216, 1024),
    INT_KEY("nats.artifacts_max_age_hours", nats.artifacts_max_age_hours, 0, 87600, 168),
    INT_KEY("nats.kv_max_mb", nats.kv_max_mb, 1, 1048576, 64),
    INT_KEY("nats.kv_max_age_hours", nats.kv_max_age_hours, 0, 876000, 0),
    INT_KEY("nats.artifacts_max_mb", nats.artifacts_max_mb, 1, 16777216, 4096),
    INT_KEY("nats.artifact_max_mb", nats.artifact_max_mb, 1, 16777216, 1024),
    INT_KEY("nats.max_held", nats.max_held, 1, 1000000, 100000),
    INT_KEY("nats.max_calls", nats.max_calls, 0, 65536, 1024),
    INT_KEY("nats.lease_s", nats.lease_s, 2, 3600, 30),
    INT_KEY("nats.after_wait_s", nats.after_wait_s, 1, 31622400, 86400),
    INT_KEY("nats.prefetch", nats.prefetch, 1, 65536, 256),
    {.name = "nats.consumers",
     .type = KEY_CHOICE,
     .at = AT(nats.consumers),
     .choices = consumer_kinds,
     .fallback = CONSUMERS_BY_TENANT},
    INT_KEY("nats.heartbeat_s", nats.heartbeat_s, 0, 300, 5),
    {.name = "egress.resolvers",
     .type = KEY_TEXT,
     .at = AT(egress.resolvers),
     .ok = ok_resolvers,
     .allowed = "ADDRESS, ADDRESS:PORT or [IPv6]:PORT, several separated by commas"},
    INT_KEY("egress.resolve_timeout_ms", egress.resolve_timeout_ms, 100, 60000, 5000),
    INT_KEY("egress.connect_timeout_ms", egress.connect_timeout_ms, 100, 120000, 10000),
    INT_KEY("egress.max_lookups", egress.max_lookups, 1, 1024, 64),
    INT_KEY("egress.max_redirects", egress.max_redirects, 0, 100, 20),
    FILE_KEY("egress.ca_file", egress.ca_file),
    INT_KEY("egress.request_timeout_ms", egress.request_timeout_ms, 1000, 3600000, 300000),
    INT_KEY("egress.idle_timeout_ms", egress.idle_timeout_ms, 100, 3600000, 60000),
    INT_KEY("egress.max_body_mb", egress.max_body_mb, 1, 1048576, 1024),
    INT_KEY("egress.max_requests", egress.max_requests, 1, 1000000, 1000),
    INT_KEY("egress.max_concurrent", egress.max_concurrent, 1, 24, 16),
    INT_KEY("egress.max_attempt_mb", egress.max_attempt_mb, 1, 1048576, 4096),
    INT_KEY("egress.max_sockets", egress.max_sockets, 1, 60, 16),
    INT_KEY("egress.max_message_mb", egress.max_message_mb, 1, 1024, 16),
    INT_KEY("warm.cells", warm.cells, 0, 4096, 32),
    INT_KEY("warm.tenant_cells", warm.tenant_cells, 1, 4096, 16),
    INT_KEY("warm.memory_mb", warm.memory_mb, 16, 16777216, 512),
    INT_KEY("warm.idle_s", warm.idle_s, 1, 86400, 60),
    INT_KEY("warm.max_age_s", warm.max_age_s, 1, 604800, 600),
    INT_KEY("warm.max_calls", warm.max_calls, 1, 1000000000, 100000),
};
const int config_key_count = ARRAY_LEN(config_keys);

const struct config_key *key_by_name(const char *name)
{
    for (int i = 0; i < config_key_count; i++)
        if (!strcmp(config_keys[i].name, name))
            return &config_keys[i];
    return NULL;
}

void key_env(const struct config_key *k, char out[KEY_ENV_MAX])
{
    int n = snprintf(out, KEY_ENV_MAX, "ISOLANE_%s", k->name);
    CHECK(n > 0 && n < KEY_ENV_MAX);
    for (char *p = out; *p; p++)
        *p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
}

void key_allowed(const struct config_key *k, char out[KEY_ALLOWED_MAX])
{
    size_t n = 0;
    out[0] = 0;
    if (k->type == KEY_INT)
        snprintf(out, KEY_ALLOWED_MAX, "a whole number from %" PRId64 " to %" PRId64, k->min,
                 k->max);
    else if (k->type == KEY_BOOL)
        snprintf(out, KEY_ALLOWED_MAX, "true or false");
    else if (k->allowed)
        snprintf(out, KEY_ALLOWED_MAX, "%s", k->allowed);
    for (int i = 0; k->choices && k->choices[i] && n < KEY_ALLOWED_MAX; i++)
        n += (size_t)snprintf(out + n, KEY_ALLOWED_MAX - n, "%s%s", i ? ", " : "", k->choices[i]);
}

bool key_parse_int(const char *text, int64_t *out)
{
    char *end;
    if (!isdigit((unsigned char)text[*text == '-']))
        return false;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    *out = v;
    return !*end && !errno;
}

static int choice_of(const struct config_key *k, const char *text)
{
    for (int i = 0; k->choices[i]; i++)
        if (!strcmp(k->choices[i], text))
            return i;
    return -1;
}

/* The value alone: false when it is not allowed. */
static bool store(void *to, const struct config_key *k, const char *text)
{
    int64_t v = 0;
    switch (k->type) {
    case KEY_INT:
        if (!key_parse_int(text, &v) || v < k->min || v > k->max)
            return false;
        *(int64_t *)to = v;
        return true;
    case KEY_BOOL:
        if (strcmp(text, "true") && strcmp(text, "false"))
            return false;
        *(bool *)to = !strcmp(text, "true");
        return true;
    case KEY_CHOICE:
        if (choice_of(k, text) < 0)
            return false;
        *(int *)to = choice_of(k, text);
        return true;
    case KEY_TEXT:
        break;
    }
    if (!*text || strlen(text) > TEXT_MAX || (k->choices && choice_of(k, text) < 0) ||
        (k->ok && !k->ok(text)))
        return false;
    char **slot = to;
    free(*slot);
    *slot = mem_strdup(text);
    return true;
}

int key_set(struct config *c, const struct config_key *k, const char *text, struct err *e)
{
    char allowed[KEY_ALLOWED_MAX];
    if (store((char *)c + k->at, k, text))
        return 0;
    key_allowed(k, allowed);
    if (k->secret && *text)
        return err_set(e, ERR_INVALID, "found a text that is not allowed; allowed: %s", allowed);
    /* A very long text is shown by its beginning. */
    return err_set(e, ERR_INVALID, "found '%.100s%s'; allowed: %s", text,
                   strlen(text) > 100 ? "…" : "", allowed);
}

void keys_default(struct config *c)
{
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        void *to = (char *)c + k->at;
        if (k->type == KEY_INT)
            *(int64_t *)to = k->fallback;
        else if (k->type == KEY_BOOL)
            *(bool *)to = k->fallback != 0;
        else if (k->type == KEY_CHOICE)
            *(int *)to = (int)k->fallback;
        else
            *(char **)to = k->text ? mem_strdup(k->text) : NULL;
    }
}

void keys_free(struct config *c)
{
    for (int i = 0; i < config_key_count; i++) {
        if (config_keys[i].type != KEY_TEXT)
            continue;
        char **slot = (char **)(void *)((char *)c + config_keys[i].at);
        free(*slot);
        *slot = NULL;
    }
}
