/* What a command of the program is, and how every command ends. main.c has the table of them; each
 * commands/cmd_*.c defines one `const struct command`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum exit_code {
    EXIT_JOB_OK = 0,     /* what was asked for is done; the job's outcome is ok */
    EXIT_JOB_NOT_OK = 1, /* we did our part; the job ended otherwise, or the answer is "no" */
    EXIT_USAGE = 2,      /* the command line is wrong, or a file that it names is not there, cannot
                            be read, or is not what it has to be; nothing was done */
    EXIT_OURS = 3        /* we or something we need failed */
};

struct command {
    const char *name;
    const char *summary; /* one line for `isolane help` */
    const char *usage;   /* what stands behind the name: "FILE|- [options]" */
    const char *about;   /* paragraphs of --help in front of the options; NULL: none */
    const char *exits;   /* text on exit codes; NULL: EXITS_JOB */
    const char *example; /* one or more command lines, each indented by two blanks */
    /* argv[0] is the command's name. Returns the exit code. */
    int (*run)(const struct command *self, int argc, char **argv);
};

#define EXITS_JOB "0 job ok, 1 job not ok, 2 usage or input, 3 our failure"

extern const struct command command_attest, command_cancel, command_doctor, command_keys,
    command_logs, command_result, command_secret, command_submit, command_verify, command_version,
    command_ls, command_export, command_backup, command_egress, command_batch, command_check,
    command_types;
extern const struct command command_schedule, command_artifact, command_call;
extern const struct command command_workers, command_drain, command_archive, command_dead;
extern const struct command command_up, command_worker, command_run;

/* "isolane: <text>" as one line on stderr (control characters as blanks). */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* say() what failed; returns EXIT_OURS, so that `return fail(&e)` reads well. An ERR_INVALID whose
 * text begins with an option's name ("--set: …") is a wrong command line: EXIT_USAGE. */
int fail(const struct err *e);

/* The same for what is wrong with a file or folder that the command line names: EXIT_USAGE, unless
 * what we need to read it with is lacking (ERR_UNAVAILABLE, ERR_TIMEOUT). */
int fail_input(const struct err *e);

/* What an option was given is wrong: puts its name ("--key") in front, so that fail() knows.
 * Returns ERR_INVALID. */
int err_of_option(struct err *e, const char *option);

/* Whether a file that the command line names can be read; "-", standard input, can. 0, or
 * ERR_INVALID: "cannot read PATH: No such file or directory". */
int input_check(const char *path, struct err *e);

/* say() what is wrong with the command line, naming the command; returns EXIT_USAGE. */
int fail_usage(const struct command *self, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Flushes stdout at the end of a command: code, or EXIT_OURS (and said on stderr) when it could not
 * be written, so that a full disk behind `isolane result > file` is no success. A pipe whose reader
 * has gone, as in `isolane ls | head`, has had what was wanted: code, and nothing is said. */
int out_finish(int code);

/* Whether standard output is a pipe or socket whose reader has gone. */
bool out_is_left(void);
