/* A script file, or a project, as a job: reading it, telling its type, making the message. Shared
 * by run and submit. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/options.h"
#include "config/limits.h"
#include "config/permissions.h"
#include "config/secrets.h"
#include "queue/job/job.h"

#define SCRIPT_EXTENSIONS ".js, .mjs, .cjs, .ts, .mts, .cts, .tsx"
#define SCRIPT_FILE_MAX   ((size_t)64 << 20)

extern const char *const script_types[]; /* "module", "script", NULL: for OPTION_CHOICE */

bool script_has_extension(const char *file_name); /* not of declarations: x.d.ts */

/* The files of a job as an archive in the tenant's bucket. */
struct script_archive {
    bool wanted;            /* instead of files in the message */
    bool several;           /* out: there are files */
    struct buf tar;         /* out, when wanted; buf_free() */
    struct job_artifact at; /* out: what the message names */
    char object[SHA256_HEX + 16];
};

struct script_request {
    const char *path; /* "-" is stdin; a file with what it imports, or a folder: project.h */
    const char *main; /* of a folder; NULL: not given */
    bool no_bundle;   /* packages are not bundled */
    int type; /* index in script_types; -1: .cjs and .cts are scripts, everything else a module */
    const char *id;                /* NULL: none */
    const char *input;             /* JSON text, NULL: none */
    int language;                  /* index in job_language_names; -1: by the file's name */
    bool check;                    /* its types are checked before; of TypeScript */
    const struct option_list *env; /* "NAME=VALUE" */
    const struct limits *limits;
    const struct permissions_asked *permissions; /* NULL: none are asked for */
    const struct sealed_secrets *secrets;        /* NULL: none */
    const char *profile;                         /* NULL: the tenant's */
    const char *reuse;                           /* likewise */
    const struct retry_asked *retry;             /* NULL: nothing is asked for */
    struct script_archive *archive;              /* NULL: files go into the message */
    const struct job_artifact *artifacts;        /* what it reads */
    int artifact_count;
};

/* Appends the job's JSON to out. Errors name the file or the option. */
int script_encode(const struct script_request *q, struct buf *out, struct err *e);
