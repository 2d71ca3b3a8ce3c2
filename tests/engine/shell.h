/* What the files of the engine-shell share: its options, text that grows, and the doors between
 *
 *   shell.c          zygote and cell: boot, fork, turns, figures, main
 *   shell_host.c     the supervisor, imitated: output, replies, streams, the result
 *   shell_options.c  the command line, the files it names, the job they make
 *
 * One process, one thread. What fails here ends the process by die(), with status 3. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/engine/engine.h"

/* ---- shell.c ---- */

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
double now_us(void); /* monotonic */

/* ---- shell_options.c ---- */

extern const char usage[];

struct options {
    const char *file, *input, *env, *grants, *parents, *name, *flags, *snapshot, *files, *preload;
    uint64_t heap_mb, memory_mb, value_kb, output_kb, clock_us, cpu_ms, wall_ms, forks, preload_mb;
    bool script, json, eval, wasm, sab, no_fork, no_warm, stats, quick, keep, renew;
};
extern struct options opt;

/* False: the usage is to be told. */
bool parse_options(int argc, char **argv);

/* FILE's text; "" when --files names a folder, whose files then are the job's. Never freed. */
const char *read_script(size_t *len);

/* The job that the options describe. Points into them and into the script. */
struct engine_job make_job(const char *script, size_t len);

/* ---- shell_host.c ---- */

/* Never longer than it was reserved for: what is more is cut. */
struct text {
    char *p;
    size_t len;
};

void text_reserve(struct text *t);
void text_append(struct text *t, const char *p, size_t len);

extern const struct engine_host shell_host;

void host_keep_streams(void); /* fds 1 and 2, before they become /dev/null */
void host_begin_cell(void);   /* in the child: room for all that it says */
void host_begin_job(void);    /* the result's run_us counts from here */
bool host_owes(void);         /* replies or frames of streams */
void host_deliver(void);      /* all of them, to the engine */
void host_report(const struct engine_result *r);
