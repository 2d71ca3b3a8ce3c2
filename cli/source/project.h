/* A script file with what it imports, or a folder, as what a job carries: one script, several
 * files, or a bundle of a project with its packages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "queue/job/job.h"

struct project_request {
    const char *path; /* a file, a folder, or its package.json */
    const char
        *main;      /* the file that runs, a path in the folder; NULL: as job_main_of() finds it */
    bool alone;     /* the file and nothing else, whatever it imports */
    bool no_bundle; /* packages are left out */
};

struct project {
    char *script; /* one script, or a bundle; NULL: several files */
    size_t script_len;
    char name[JOB_NAME_MAX + 1]; /* of the script */
    char *files;                 /* base/pack.h */
    size_t files_len;
    char main[JOB_NAME_MAX + 1]; /* of files */
    bool bundled;
    char *typescript; /* of the job, as tsconfig.json has it; NULL: nothing, or no TypeScript */
};

/* Is the path a folder with a package.json, or a package.json itself? `isolane run` takes other
 * folders for a batch. */
bool project_is(const char *path);

/* Fills out, which project_free() frees. Errors name the path and what to do. */
int project_load(const struct project_request *q, struct project *out, struct err *e);
void project_free(struct project *p);
