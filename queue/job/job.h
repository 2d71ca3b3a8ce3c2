/* A job as it came in, decoded and validated: docs/protocol.md "Job". Pure functions, any thread;
 * untrusted input (a fuzz target stands beside it: queue/job/job_fuzz.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/buf.h"
#include "base/err.h"
#include "config/config.h"
#include "config/limits.h"
#include "config/permissions.h"
#include "config/profile.h"
#include "config/retry.h"
#include "link/subjects.h"
#include "queue/job/artifact_name.h"

enum job_source { JOB_MODULE, JOB_SCRIPT }; /* field "type": "module" (default) | "script" */

/* What becomes of a job when one it waits for ends otherwise than ok: it is cancelled, runs all the
 * same, or fails too. */
enum on_failure { ON_FAILURE_SKIP, ON_FAILURE_RUN, ON_FAILURE_FAIL };
extern const char *const on_failure_names[]; /* "skip", "run", "fail", NULL */
#define JOB_AFTER_MAX 64

#define EMIT_DEPTH_MAX        8
#define CONCURRENCY_KEY_MAX   64
#define CONCURRENCY_LIMIT_MAX 100

/* What a script or a file is written in. Its name says so; a script may say so itself. */
enum job_language { JOB_JAVASCRIPT, JOB_TYPESCRIPT, JOB_TSX };
extern const char *const job_language_names[]; /* "javascript", "typescript", "tsx", NULL */
enum job_language job_language_of(const char *name, size_t len); /* of a file's name */

#define JOB_TYPESCRIPT_MAX ((size_t)8 << 20) /* bytes of TypeScript in a job */

#define JOB_FILES_MAX   4096
#define JOB_PAYLOAD_MAX ((size_t)64 << 20) /* bytes of files and input that a cell is given */
#define JOB_NAME_MAX    255                /* as PACK_PATH_MAX */
#define JOB_ENV_MAX     256                /* variables */
#define JOB_TTL_MS_MAX  ((int64_t)366 * 86400000)

/* A file that the job reads (job_artifacts.c). */
struct job_artifact {
    char *name;   /* for scripts */
    char *object; /* in the tenant's bucket */
    char sha256[SHA256_HEX];
    int64_t size; /* bytes */
};

struct job {
    char id[JOB_ID_MAX + 1];
    char tenant[TENANT_NAME_MAX + 1];
    enum job_class cls;
    enum job_source source;
    char name[JOB_NAME_MAX + 1]; /* file name in stacks: "script.mjs" / "script.js" unless given */
    char *script;                /* "" with files */
    size_t script_len;
    char *files; /* base/pack.h; NULL: the job is a script, or job_wants_files() */
    size_t files_len;
    struct job_artifact *archive; /* its files are in there (job_archive.c; no name); NULL: none */
    char main[JOB_NAME_MAX + 1];  /* which of them runs, and then the name as well */
    enum job_language language;   /* of the script, or of the file that runs */
    bool transforms;              /* there is TypeScript: to be transformed before it runs */
    bool check;                   /* its types are checked before */
    char *typescript;             /* JSON object: options of that; NULL: none */
    char *input;                  /* JSON text, "null" when absent */
    size_t input_len;
    char *env; /* JSON object of strings, "{}" when absent */
    size_t env_len;
    struct limits limits;           /* resolved: every entry set */
    struct permissions permissions; /* resolved: within the tenant's; empty for an invalid job */
    enum profile profile;           /* resolved: the tenant's or a stricter one */
    enum reuse reuse;
    struct retry_policy retry;   /* every member set */
    int64_t not_before_us;       /* real time; 0: at once */
    int64_t deadline_us, ttl_ms; /* real time; from publishing; 0: none. See job_deadline_us() */
    char **after;                /* ids of the jobs it waits for, none twice; after_count */
    int after_count;
    enum on_failure on_failure;                    /* of one of them */
    char concurrency_key[CONCURRENCY_KEY_MAX + 1]; /* "": none */
    int concurrency_limit; /* so many of its tenant's jobs with that key run at once */
    int emit_depth;        /* emitted by a job that was emitted … so many times; 0: published */
    char *parents;         /* what came of them, JSON for the script; NULL: none */
    size_t parents_len;
    struct job_artifact *artifacts; /* what it reads; artifact_count, no name twice */
    int artifact_count;
    struct sealed_secrets secrets;  /* what it carries; their names stand in permissions too */
    char signed_by[KEYID_LEN];      /* id of the key that signed it, "": the tenant has no keys */
    char script_sha256[SHA256_HEX]; /* of the script, or of all files with main; "":
                                       job_wants_files() */
    char input_sha256[SHA256_HEX];
};

/* What is known about a job before its payload is read. */
struct job_origin {
    const char *tenant;     /* from the subject */
    enum job_class cls;     /* from the subject */
    const char *msg_id;     /* Nats-Msg-Id header or NULL */
    const char *carried_id; /* Isolane-Id header or NULL: what its id was before it had to wait */
    uint64_t stream_seq;    /* 0: none */
    const char *signature;  /* first Isolane-Signature header or NULL */
    int signatures;         /* how many of them */
    bool local;             /* made by this process (isolane run): needs no signature */
};

/* Decodes one job message. On ERR_INVALID *out is still made (caller frees), with a usable id
 * (payload id if valid, else msg_id if valid, else the stream sequence), tenant, class and whatever
 * was read, so that a result `invalid` can be written; e says field, found, allowed.
 *
 * Where the tenant has job_keys, nothing of a message is believed before its signature holds, and
 * no header ever: one that is refused for its signature gets the stream sequence as its id, so that
 * nobody without a key can take the id of a job that is still to come. */
int job_decode(const struct config *c, const struct job_origin *o, const char *data, size_t len,
               struct job **out, struct err *e);
void job_free(struct job *j);

bool concurrency_key_valid(const char *key, size_t len);
#define CONCURRENCY_KEY_ALLOWED "1 to 64 of A-Z a-z 0-9 _ = -"

/* The file of several (base/pack.h) that runs when nobody says: docs/protocol.md, "Files". */
bool job_main_of(const char *files, size_t len, char main[JOB_NAME_MAX + 1]);

/* Its files are in an archive that must be fetched before it runs. Until then nothing is known of
 * them: `main` is what the message said, `transforms` false, script_sha256 empty. */
bool job_wants_files(const struct job *j);
/* Gives it copies of the archive's files and holds the rest of the message against them.
 * ERR_INVALID: the job cannot run, and still wants them. */
struct archive;
int job_take_files(const struct config *c, struct job *j, const struct archive *files,
                   struct err *e);
/* So that it does not keep them while it waits: job_wants_files() again. Nothing for other jobs. */
void job_drop_files(struct job *j);

/* The artifact of that name among those that it reads; NULL: none. */
const struct job_artifact *job_artifact(const struct job *j, const char *name);

/* When the job must have ended: the earlier of its deadline and the end of its time to live. 0:
 * never. */
int64_t job_deadline_us(const struct job *j, int64_t published_at_us);

/* How often and when, as a publisher asks for it: what is not given (0) is left to the worker. */
struct retry_asked {
    struct retry_policy v;
    bool backoff_given, type_given, max_given, jitter_given, outcomes_given;
    int64_t not_before_us, deadline_us, ttl_ms;
    const char *concurrency_key; /* NULL: none */
    int64_t concurrency_limit;   /* 0: not given */
};

/* The job as the JSON object that a publisher sends (the CLI's submit). limits entries of 0, input
 * NULL, id NULL are left out. */
struct job_request {
    const char *id, *name;
    enum job_source source;
    const char *script;
    size_t script_len;
    const char *files; /* base/pack.h; NULL: a script. Then type and name are not sent */
    size_t files_len;
    const struct job_artifact *archive; /* in place of files; NULL: none */
    const char *language;               /* of a script; NULL: its name says so */
    bool check;
    const char *typescript; /* JSON object text or NULL */
    const char *main;       /* NULL: left to the rules of docs/protocol.md */
    const char *input;      /* JSON text or NULL */
    const char *env;        /* JSON object text or NULL */
    struct limits limits;
    const struct permissions_asked *permissions; /* NULL: not given */
    const char *profile;                         /* name, NULL: not given */
    const char *reuse;                           /* likewise */
    const struct sealed_secrets *secrets;        /* NULL: none */
    const struct retry_asked *retry;             /* NULL: nothing asked */
    const struct job_artifact *artifacts;
    int artifact_count;
};
void job_encode(const struct job_request *r, struct buf *out);
/* The member "permissions" with what is marked as given. */
struct jsonw;
void job_write_permissions(struct jsonw *w, const struct permissions_asked *p);
