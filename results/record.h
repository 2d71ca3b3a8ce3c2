/* The durable outcome of a job, as stored, signed and shown: docs/protocol.md "Result". Not what is
 * live: that is the executor's struct attempt. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "config/outcome.h"

#define RESULT_TEXT_MAX 65536 /* error message, stack: cut to this */

/* The shape of the JSON object. A database keeps results for years, so rows of an older shape are
 * still written as they were signed: each shape only adds members. */
#define RESULT_FORM_FIRST  1
/* + limit, tries, profile, engine_flags, signed_by, permissions, attestation */
#define RESULT_FORM_SECOND 2
/* + reuse */
#define RESULT_FORM_THIRD  3
/* + artifacts */
#define RESULT_FORM_FOURTH 4
/* + language, transform */
#define RESULT_FORM_FIFTH  5
/* + egress, in usage */
#define RESULT_FORM        6

/* Header of a published result: its outcome, for those who count and need not read it. */
#define RESULT_OUTCOME_HEADER "Isolane-Outcome"

struct result {
    /* All strings are malloc'd, NUL-terminated UTF-8, owned by the record; lengths where NULs may
     * stand inside. */
    char *id, *tenant;
    const char *cls;   /* "high" | "normal" | "low": static */
    const char *state; /* "done" | "dead": static */
    enum outcome outcome;
    char *value; /* JSON text; NULL: no value (undefined) */
    size_t value_len;
    char *out, *err_out; /* stdout, stderr as kept; UTF-8 (repaired) */
    size_t out_len, err_out_len;
    uint64_t out_total, err_out_total; /* bytes printed, also those that were not kept */
    bool out_cut, err_out_cut;         /* not all is kept; total > len says so as well */
    bool has_error;
    char *error_name, *error_message, *error_stack; /* NULL: null */
    uint32_t error_line, error_column;              /* 0: null */
    /* The budget that ended the run, as limit_table names it (static; NULL: none did), its value
     * and what was used of it, in the limit's own unit. */
    const char *limit_name;
    int64_t limit_value, limit_used;
    int64_t cpu_us, wall_us;
    uint64_t heap_peak, memory_peak; /* bytes */
    int attempts;
    char *tries;     /* JSON array of objects, the runs before the last; NULL: [] */
    char *artifacts; /* JSON array of objects, what the last run put; NULL: [] */
    int64_t published_at_us, started_at_us, finished_at_us; /* started 0: never ran */
    char *worker, *engine;
    char *engine_flags;   /* V8's flags of the zygote; NULL: never ran */
    const char *profile;  /* static; NULL: null */
    const char *reuse;    /* mode, static; NULL: null, a fresh process */
    int64_t reuse_call;   /* which job of its cell it was, from 1 */
    const char *language; /* of the script, static; NULL: null */
    char *transform;      /* JSON object: what was done to its TypeScript; NULL: null */
    char *egress;         /* JSON object: what it did on the network; NULL: null, nothing */
    char script_sha256[65], input_sha256[65]; /* "" : null */
    char signed_by[65];  /* id of the key that signed the job, "": not signed */
    char *permissions;   /* JSON array of strings, what the job was granted; NULL: [] */
    char attest_set[65]; /* SHA-256 of the set of escape attempts held before; "": null */
    int64_t attested_at_us;
    uint32_t jail;                 /* bits; names through `jail_names` */
    const char *const *jail_names; /* static, one per bit, NULL-terminated */
    uint64_t stream_seq; /* of the job's message, 0: none; kept in the row, not in the JSON */
    int form;            /* RESULT_FORM from result_new() */
    /* set by the recorder */
    uint64_t seq;  /* in this worker's chain, from 1 */
    char prev[65]; /* SHA-256 of the previous statement's bytes; 64 zeros at the first */
};

struct result *result_new(void);
void result_free(struct result *r); /* NULL is fine */

/* The JSON result object, exactly the names of docs/protocol.md in that order: result_members.
 * `truncated`: more was printed than stdout and stderr keep (how much: columns of the row). A value
 * that is not there (undefined) and the value null both read null. */
void result_encode(const struct result *r, struct buf *out);
/* The same as the next value of a writer. */
void result_write(const struct result *r, struct jsonw *w);
/* The names of the layers in force, a JSON array. */
void result_write_jail(const struct result *r, struct jsonw *w);

#define RESULT_MEMBERS 33
extern const char *const result_members[RESULT_MEMBERS]; /* id, tenant, class, … in order */
