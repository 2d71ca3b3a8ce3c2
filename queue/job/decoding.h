/* The decoding of one job, shared by the files that know a field: job.c, job_permissions.c,
 * job_retry.c, job_secrets.c, job_files.c, job_archive.c, job_typescript.c. Inside queue/ only. */
#pragma once

#include "base/jv.h"
#include "queue/job/job.h"

struct jsonw;

#define FOUND_MAX  48 /* characters of a wrong value that an error repeats */
#define FOUND_TEXT (FOUND_MAX + 8)

struct decoding {
    const struct config *config;
    const struct tenant *tenant; /* NULL: not known */
    const char *text;            /* the payload */
    size_t len;
    struct job *job;
    struct err *e; /* the first fault */
    int rc;
    /* Fields that are judged when all are read. */
    struct permissions_asked permissions;
    bool permissions_given, profile_given, id_given, on_failure_given, limit_given, language_given;
};

/* Keeps the first fault only. */
void fault_at(struct decoding *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A text as an error shows it: one line, cut between characters. */
const char *in_line(const char *s, size_t len, char out[FOUND_TEXT]);

/* A value as an error shows it: short ones as JSON, arrays and objects by their kind. */
const char *shown(const struct jv *v, char out[FOUND_TEXT]);

/* The fields "permissions" and "profile". */
void read_permissions(struct decoding *d, const struct jv *v);
void read_profile(struct decoding *d, const struct jv *v);

/* Holds both against the tenant's and fills the job's. Once, after all fields; frees what was
 * asked. */
void resolve_rights(struct decoding *d);

/* The fields of job_retry.c, and once, after all of them, what they mean together. */
void read_attempts(struct decoding *d, const struct jv *v);
void read_backoff(struct decoding *d, const struct jv *v);
void read_retry_on(struct decoding *d, const struct jv *v);
void read_not_before(struct decoding *d, const struct jv *v);
void read_deadline(struct decoding *d, const struct jv *v);
void read_ttl(struct decoding *d, const struct jv *v);
void check_times(struct decoding *d);
/* The fields of job_after.c, likewise. */
void read_after(struct decoding *d, const struct jv *v);
void read_on_failure(struct decoding *d, const struct jv *v);
void check_after(struct decoding *d);
void free_after(struct job *j);

/* The field "emitted" (job_emitted.c). */
void read_emitted(struct decoding *d, const struct jv *v);

/* The fields "concurrency_key" and "concurrency_limit", and what they mean together. */
void read_concurrency_key(struct decoding *d, const struct jv *v);
void read_concurrency_limit(struct decoding *d, const struct jv *v);
void check_concurrency(struct decoding *d);

void encode_retry(struct jsonw *w, const struct retry_asked *r);

/* The fields "files" and "main", and once, after all fields, what they mean together with the
 * others of the message. */
void read_files(struct decoding *d, const struct jv *v);
void read_main(struct decoding *d, const struct jv *v);
void settle_files(struct decoding *d, const struct jv *doc);
void encode_files(struct jsonw *w, const struct job_request *r);
/* Of files that are there: the one that runs, and its name. */
void find_main(struct decoding *d);
/* The hash of all files with main; hashes: as archive.h has them. */
void hash_main(struct job *j, const char *hashes, size_t len);

/* The field "files" that names an archive (job_archive.c). */
bool names_archive(const struct jv *files);
void read_archive(struct decoding *d, const struct jv *files);
void free_archive(struct job *j);
void encode_archive(struct jsonw *w, const struct job_request *r);

/* The fields "language", "check" and "typescript", and once, after settle_files(), what they mean
 * together with the others. */
void read_language(struct decoding *d, const struct jv *v);
void read_check(struct decoding *d, const struct jv *v);
void read_typescript(struct decoding *d, const struct jv *v);
void settle_language(struct decoding *d);
void encode_typescript(struct jsonw *w, const struct job_request *r);

/* The field "secrets", and once, after resolve_rights(), what carrying one means for the job's
 * permissions. */
void read_secrets(struct decoding *d, const struct jv *v);
void grant_secrets(struct decoding *d);

/* The field "artifacts", and once, after the limits were resolved, whether they are too large. */
void read_artifacts(struct decoding *d, const struct jv *v);
void check_artifacts(struct decoding *d);
void free_artifacts(struct job *j);
void encode_artifacts(struct jsonw *w, const struct job_request *r);
