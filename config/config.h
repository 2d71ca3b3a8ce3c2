/* What an operator may set. Read once at start from one YAML file, then immutable: any thread may
 * read it. Order of precedence: built-in default < file < environment (ISOLANE_*) < flag.
 *
 * The file is described by config/isolane.example.yaml, line by line. A wrong file is one error:
 * "isolane.yaml:12: tenants[1].weight: found 0; allowed: 1 to 1000". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "config/limits.h"
#include "config/permissions.h"
#include "config/profile.h"
#include "config/retention.h"
#include "config/reuse.h"
#include "config/secrets.h"

#define TENANT_NAME_MAX    64
#define TENANTS_MAX        1000
#define EGRESS_PRIVATE_MAX 64 /* entries of one tenant's egress_private */

#define CONFIG_BY_MACHINE (-1) /* where no number was given and the machine decides */

#define JOB_KEYS_MAX 16

#define JOBS_PER_S_MAX     100000
#define CPU_S_PER_HOUR_MAX 10000000

/* Which changes of a job's state are told as events (docs/protocol.md "Events"). */
enum events_mode { EVENTS_OFF, EVENTS_RETRIES, EVENTS_ALL };

/* Consumers of the jobs stream: of each tenant and class, or of each class. */
enum consumers { CONSUMERS_BY_TENANT, CONSUMERS_BY_CLASS };

/* When the zygote that transforms TypeScript is there: from the first such job on and until none
 * has come for profile_idle_s, or always. */
enum toolchain_mode { TOOLCHAIN_LAZY, TOOLCHAIN_READY };
enum jail_mode { JAIL_REQUIRE, JAIL_PREFER, JAIL_OFF };

/* A key that may sign jobs of a tenant: Ed25519. */
struct job_key {
    uint8_t pub[KEY_BYTES];
    char keyid[KEYID_LEN];
};

struct tenant {
    char name[TENANT_NAME_MAX + 1];  /* [A-Za-z0-9_-]{1,64} */
    int64_t weight;                  /* share in the round robin, 1..1000 (default 1) */
    int64_t max_running;             /* attempts at once on this worker, 0: no ceiling of its own */
    int64_t jobs_per_s;              /* attempts begun on this worker, 0: no ceiling */
    int64_t jobs_burst;              /* of them at once after a pause; set where jobs_per_s is */
    int64_t cpu_s_per_hour;          /* CPU time of its jobs on this worker, 0: no ceiling */
    struct limits defaults;          /* every entry set after load */
    struct limits ceilings;          /* every entry set after load */
    struct permissions permissions;  /* the most that a job of it may do; clock_us set after load */
    enum profile profile;            /* the loosest that a job of it may run under */
    unsigned reuse;                  /* set of 1 << enum reuse that a job may ask for beside none */
    struct ip_block *egress_private; /* addresses that are not public and may be reached; owned */
    int egress_private_count;
    struct job_key *job_keys; /* with any, only jobs signed by one of them are taken */
    int job_key_count;
    struct sealed_secrets secrets; /* the operator's, for jobs whose permissions name them */
    struct retain retention;       /* of its results */
    bool strict_ts;                /* its jobs are TypeScript: plain JavaScript is refused */
};

/* How the supervisor's connections for scripts are made (egress/). */
struct egress_config {
    char *resolvers;            /* "192.0.2.53,[2001:db8::53]:5353"; NULL: the system's */
    int64_t resolve_timeout_ms; /* one name, all tries, default 5000 */
    int64_t connect_timeout_ms; /* all addresses of a name, default 10000 */
    int64_t max_lookups;        /* at once; more wait, default 64 */
    int64_t max_redirects;      /* of one request, default 20 */
    char *ca_file;              /* PEM of trusted CAs; NULL: the system's */
    int64_t request_timeout_ms; /* one request with its response's body, default 300000 */
    int64_t idle_timeout_ms;    /* without a byte from the peer, default 60000 */
    int64_t max_body_mb;        /* one response's body, as on the wire (MiB), default 1024 */
    int64_t max_requests;       /* of one attempt, redirects counted, default 1000 */
    int64_t max_concurrent;     /* requests of one attempt at once, default 16 */
    int64_t max_attempt_mb;     /* bodies and messages of one attempt, both ways (MiB), 4096 */
    int64_t max_sockets;        /* WebSockets of one attempt at once, default 16 */
    int64_t max_message_mb;     /* one message that comes over a WebSocket (MiB), default 16 */
};

struct nats_config {
    char *url;    /* "nats://127.0.0.1:4222", several separated by commas; NULL: embedded (up) */
    int64_t port; /* of the embedded server (up); 0: a free one */
    char *user, *password;
    char *token;
    char *nkey_seed_file; /* path of a file with the NKey seed ("SU…") */
    char *creds_file;     /* path of a .creds file (JWT + seed) */
    char *tls_ca_file, *tls_cert_file, *tls_key_file;
    bool tls;                      /* ask for TLS even when the URL does not say tls:// */
    char *prefix;                  /* of all subjects, default "isolane" */
    char *stream_prefix;           /* of stream names, default "ISOLANE" */
    int64_t replicas;              /* of the streams that are made, 1..5, default 1 */
    int64_t ack_wait_ms;           /* redelivery of a job whose worker went silent, default 30000 */
    int64_t max_deliver;           /* how often a job is handed out at the most, default 20 */
    int64_t duplicate_window_ms;   /* default 120000 */
    int64_t max_queued;            /* messages in the jobs stream, then publishers are refused */
    int64_t max_queued_mb;         /* bytes in the jobs stream (MiB) */
    int64_t results_max_age_hours; /* in the results stream, default 168 */
    int64_t events_max_age_hours;  /* in the events stream, default 168 */
    int64_t events_max_mb;         /* likewise, default 256 */
    int64_t dead_max_age_hours;    /* in the stream of dead letters, default 720 */
    int64_t dead_max_mb;           /* likewise, default 1024 */
    int64_t artifacts_max_age_hours; /* in a tenant's bucket, 0: for good, default 168 */
    int64_t artifacts_max_mb;        /* in a tenant's bucket, default 4096 */
    int64_t artifact_max_mb;         /* one of them, default 1024 */
    int64_t kv_max_mb;               /* in a tenant's key-value store, default 64 */
    int64_t kv_max_age_hours;        /* of an entry there, 0: for good, the default */
    int64_t prefetch;                /* jobs held by the worker and not running, default 256 */
    enum consumers consumers;        /* default CONSUMERS_BY_TENANT */
    int64_t max_queued_a_tenant; /* messages of one tenant and class in the stream, 0: no bound */
    int64_t heartbeat_s;         /* of the worker's entry in the registry, 0: none, default 5 */
    int64_t max_held;            /* jobs that wait for others, then they are refused */
    int64_t max_calls;           /* requests in hand, then they are refused; 0: none are taken */
    int64_t after_wait_s;        /* the longest such wait, default 86400 */
    int64_t lease_s;             /* a dead worker's places are free after it, default 30 */
};

struct config {
    char *file;             /* where it was read from, NULL: built-in defaults */
    char *data_dir;         /* default: $XDG_DATA_HOME/isolane or ~/.local/share/isolane */
    char *worker;           /* this worker's name, default: hostname */
    char *log_level;        /* debug info warn error */
    enum jail_mode jail;    /* default JAIL_REQUIRE */
    int64_t pool;           /* cells ready ahead, default 4, 1..256 */
    int64_t max_running;    /* attempts at once, default: twice the CPUs (at least 4), 1..1024 */
    int64_t job_max_kb;     /* largest job message, default 8192 */
    int64_t zygote_renew_s; /* age at which a zygote is replaced, default 3600, 0: never */
    int64_t profile_idle_s; /* idle cells of another profile are given up, default 60, 0: never */
    int64_t code_cache_mb;  /* V8's code for sources that come again, default 64, 0: none */
    int64_t source_zygotes; /* zygotes that compile a source ahead, default 2, 0: none */
    enum toolchain_mode toolchain; /* default TOOLCHAIN_LAZY */
    int64_t attest_interval_s; /* between two attacks on its own jail, default 300, 0: at start */
    /* cgroup v2 of all cells together. 0: no limit; CONFIG_BY_MACHINE, the default of the first
     * two: see cgroup_limits_of(). */
    int64_t cgroup_memory_mb, cgroup_pids, cgroup_cpu_percent;
    enum events_mode events; /* default EVENTS_RETRIES */
    int64_t shed_at_mb;      /* memory of the supervisor over which no jobs are taken; 0: any */
    bool live_logs;          /* publish output while a job runs, default true */
    bool schedules;          /* start what the cluster's schedules ask for, default true */
    char *nats_server; /* program to start for `up`; default: nats-server from PATH, /usr/sbin */
    struct nats_config nats;
    struct egress_config egress;
    struct warm_config warm;
    struct retain retention;      /* of tenants that have no entry (any more) */
    int64_t retention_interval_s; /* between two looks for what to remove, default 60 */
    struct tenant *tenants;       /* at least one: "default" when the file names none */
    int tenant_count;
    const struct tenant **tenants_by_name; /* sorted; NULL until the file is read */
};

/* Reads file (NULL: none, all defaults), applies the environment, checks everything. Caller frees
 * with config_free(). Errors: ERR_NOT_FOUND, ERR_INVALID (file, line, key, found, allowed), ERR_IO.
 */
int config_load(const char *file, struct config **out, struct err *e);
void config_free(struct config *c);

/* Sets one top-level, nats.* or egress.* key from a flag, by its name in the file ("data_dir",
 * "nats.url", "pool"); same checks as the file. `source` names the flag for the message ("--data").
 */
int config_set(struct config *c, const char *key, const char *value, const char *source,
               struct err *e);

/* What depends on several keys at once (one way to log in, certificate with its key). config_load()
 * has done it; to be called again after the last config_set(). */
int config_check(const struct config *c, struct err *e);

/* The tenant of that name, or NULL. Asked for every job. */
const struct tenant *config_tenant(const struct config *c, const char *name);

bool tenant_name_valid(const char *name);
