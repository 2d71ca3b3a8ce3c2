/* --artifact NAME=FILE of submit and run: what a job reads, and where it is. One thread. */
#pragma once

#include "cli/client/artifacts.h"
#include "cli/options.h"
#include "executor/artifacts/artifact_store.h"
#include "queue/job/job.h"

struct inputs {
    struct job_artifact v[ARTIFACTS_MAX];     /* for the job's message */
    struct artifact_file file[ARTIFACTS_MAX]; /* object → path */
    int n;
};

/* Reads and hashes the files. Objects are called in/<sha256>: the same bytes are kept once. Errors
 * name the option. inputs_free() also after an error. */
int inputs_read(const struct option_list *given, struct inputs *out, struct err *e);
void inputs_free(struct inputs *in);

/* Puts bytes under that name, unless they are there. */
int inputs_upload_bytes(struct client *c, const char *tenant, const struct job_artifact *a,
                        const char *data, size_t len, struct err *e);

/* Puts into the tenant's bucket what is not there. ERR_CONFLICT: a file is not what it was. */
int inputs_upload(struct client *c, const char *tenant, const struct inputs *in, struct err *e);
