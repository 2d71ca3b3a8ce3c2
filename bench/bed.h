/* Where a bench runs: a data folder of its own on the disk of the build (so that a commit's
 * fdatasync means what it means there), a configuration, the paths of the engine, a loop. */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "config/config.h"
#include "config/paths.h"

struct bed {
    char dir[PATH_MAX];
    struct config *config;
    struct data_paths paths;
    struct engine_paths engine;
    uv_loop_t loop;
};

/* Makes it below $BENCH_DIR, else below $ISOLANE_BUILD, else below build/. Configuration: the
 * defaults and the environment (ISOLANE_POOL=8 and so on), a log level of `error`. */
void bed_make(struct bed *b);
/* Fills b->engine: the engine of the build measured, unless $ISOLANE_ENGINE_DIR names another. */
void bed_engine(struct bed *b);
/* config_set(), die()ing when it is refused. */
void bed_set(struct bed *b, const char *key, int64_t value);
/* Removes the folder; the loop must have no open handles. */
void bed_remove(struct bed *b);

/* The job that everything here is measured with: it computes a little, prints a line ("sum 499500")
 * and has a value. Its text differs from job to job, so that no cache can answer. */
#define BED_SCRIPT_MAX 256
size_t bed_script(char *out, size_t cap, uint64_t number);
/* The message that a publisher would send; replaces what out holds. id NULL: none, the queue gives
 * one. */
void bed_job(struct buf *out, const char *id, uint64_t number);
