#include "bench/bed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "bench/measure.h"
#include "bench/tidy.h"
#include "queue/job/job.h"

void bed_engine(struct bed *b)
{
    struct err e = {0};
    const char *build = getenv("ISOLANE_BUILD");
    char engine[PATH_MAX], full[PATH_MAX];
    must(fs_path(engine, sizeof engine, &e, "%s/engine", build ? build : "build"), &e, "engine");
    if (!getenv("ISOLANE_ENGINE_DIR") && realpath(engine, full))
        setenv("ISOLANE_ENGINE_DIR", full, 1);
    must(engine_paths(&b->engine, &e), &e, "engine");
}

void bed_make(struct bed *b)
{
    struct err e = {0};
    const char *build = getenv("ISOLANE_BUILD"), *at = getenv("BENCH_DIR");
    char folder[PATH_MAX];
    if (!at)
        at = build ? build : "build";
    must(crypto_init(&e), &e, "libsodium");
    log_set_level(LOG_ERROR);
    if (!realpath(at, folder))
        die("folder of the bench %s: %s", at, strerror(errno));
    must(fs_path(b->dir, sizeof b->dir, &e, "%s/bench-data.XXXXXX", folder), &e, "data folder");
    if (!mkdtemp(b->dir))
        die("cannot make %s: %s", b->dir, strerror(errno));
    tidy_watch(b->dir);
    must(config_load(NULL, &b->config, &e), &e, "configuration");
    must(config_set(b->config, "data_dir", b->dir, "bench", &e), &e, "configuration");
    must(data_paths(b->dir, &b->paths, &e), &e, "data folder");
    uv_loop_init(&b->loop);
}

void bed_set(struct bed *b, const char *key, int64_t value)
{
    char text[24];
    struct err e = {0};
    snprintf(text, sizeof text, "%" PRId64, value);
    must(config_set(b->config, key, text, "bench", &e), &e, "configuration");
}

void bed_remove(struct bed *b)
{
    if (uv_loop_close(&b->loop))
        die("handles left on the loop");
    config_free(b->config);
    if (tidy_remove(b->dir))
        die("cannot remove %s: %s", b->dir, strerror(errno));
    tidy_done();
}

size_t bed_script(char *out, size_t cap, uint64_t number)
{
    int n = snprintf(out, cap,
                     "let s = 0;\nfor (let i = 0; i < 1000; i++) s += i;\n"
                     "console.log('sum ' + s);\nexport default s; // %" PRIu64 "\n",
                     number);
    CHECK(n > 0 && (size_t)n < cap);
    return (size_t)n;
}

void bed_job(struct buf *out, const char *id, uint64_t number)
{
    char script[BED_SCRIPT_MAX];
    struct job_request q = {.id = id, .source = JOB_MODULE, .script = script};
    q.script_len = bed_script(script, sizeof script, number);
    buf_clear(out);
    job_encode(&q, out);
}
