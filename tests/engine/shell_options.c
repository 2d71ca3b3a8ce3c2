/* What the engine-shell runs: the command line, the script or the folder of files that it names,
 * and the job that they make. */
#include "tests/engine/shell.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pack.h"
#include "sandbox/frame.h"

#define SHELL_FILE_MAX (64u << 20)

const char usage[] =
    "usage: node FILE [--script] [--input JSON] [--env JSON] [--grants JSON] [--parents JSON] "
    "[--name NAME] [--files DIR] "
    "[--json]\n"
    "            [--heap-mb N] [--memory-mb N] [--value-kb N] [--output-kb N] [--clock-us N]\n"
    "            [--cpu-ms N] [--wall-ms N] [--allow-eval] [--allow-wasm] [--allow-sab]\n"
    "            [--fork N] [--no-fork]\n"
    "            [--no-warm] [--stats] [--v8-flags FLAGS] [--snapshot PATH]\n"
    "            [--preload TOOL] [--preload-mb N] [--quick] [--keep] [--renew]\n"
    "       node --make-snapshot BUNDLE OUT\n"
    "  --files DIR          all files of the folder, of which FILE (a path in it) runs\n"
    "  --cpu-ms, --wall-ms  stop the script by signal as the supervisor would\n"
    "  --keep               the zygote compiles it before it forks\n"
    "  --renew              the tenant had another job before: the context is made anew\n"
    "  --fork N             run it in N children of one zygote, one after the other\n"
    "  --stats              figures of boot, fork and memory to fd 2\n";

struct options opt = {.env = "{}",
                      .grants = "",
                      .parents = "",
                      .heap_mb = 64,
                      .memory_mb = 256,
                      .value_kb = 1024,
                      .output_kb = 1024,
                      .clock_us = 1000,
                      .forks = 1,
                      .preload_mb = 512};

/* ---- the command line ---- */

static uint64_t number(const char *flag, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long v = text ? strtoull(text, &end, 10) : 0;
    if (!text || errno || end == text || *end || v > 1u << 20)
        die("%s needs a number from 0 to 1048576, not '%s'", flag, text ? text : "");
    return v;
}

static const struct {
    const char *flag;
    bool *set;
    const char **text;
    uint64_t *number;
} flags[] = {
    {"--script", &opt.script, NULL, NULL},     {"--json", &opt.json, NULL, NULL},
    {"--allow-eval", &opt.eval, NULL, NULL},   {"--allow-wasm", &opt.wasm, NULL, NULL},
    {"--allow-sab", &opt.sab, NULL, NULL},     {"--no-fork", &opt.no_fork, NULL, NULL},
    {"--no-warm", &opt.no_warm, NULL, NULL},   {"--stats", &opt.stats, NULL, NULL},
    {"--input", NULL, &opt.input, NULL},       {"--env", NULL, &opt.env, NULL},
    {"--grants", NULL, &opt.grants, NULL},     {"--parents", NULL, &opt.parents, NULL},
    {"--files", NULL, &opt.files, NULL},       {"--name", NULL, &opt.name, NULL},
    {"--snapshot", NULL, &opt.snapshot, NULL}, {"--v8-flags", NULL, &opt.flags, NULL},
    {"--heap-mb", NULL, NULL, &opt.heap_mb},   {"--memory-mb", NULL, NULL, &opt.memory_mb},
    {"--value-kb", NULL, NULL, &opt.value_kb}, {"--output-kb", NULL, NULL, &opt.output_kb},
    {"--clock-us", NULL, NULL, &opt.clock_us}, {"--cpu-ms", NULL, NULL, &opt.cpu_ms},
    {"--wall-ms", NULL, NULL, &opt.wall_ms},   {"--fork", NULL, NULL, &opt.forks},
    {"--preload", NULL, &opt.preload, NULL},   {"--preload-mb", NULL, NULL, &opt.preload_mb},
    {"--quick", &opt.quick, NULL, NULL},       {"--keep", &opt.keep, NULL, NULL},
    {"--renew", &opt.renew, NULL, NULL}};

bool parse_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t f = 0, n = sizeof flags / sizeof *flags;
        while (f < n && strcmp(argv[i], flags[f].flag) != 0)
            f++;
        if (f == n) {
            if (opt.file || !strncmp(argv[i], "--", 2))
                return false;
            opt.file = argv[i];
        } else if (flags[f].set) {
            *flags[f].set = true;
        } else if (flags[f].text) {
            if (!argv[++i])
                return false;
            *flags[f].text = argv[i];
        } else {
            i++;
            *flags[f].number = number(flags[f].flag, argv[i]);
        }
    }
    return opt.file != NULL;
}

/* ---- files ---- */

static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "re");
    char *p = malloc(SHELL_FILE_MAX);
    if (!f || !p)
        die("%s: %s", path, strerror(errno));
    *len = fread(p, 1, SHELL_FILE_MAX, f);
    fclose(f);
    return p;
}

/* A folder as a job's files (base/pack.h). */

static struct text files;
static char **paths;
static size_t path_count;

static int keep_path(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)where;
    if (kind != FTW_F)
        return 0;
    paths = realloc(paths, (path_count + 1) * sizeof *paths);
    if (!paths)
        die("out of memory");
    paths[path_count++] = strdup(path + strlen(opt.files) + 1);
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_files(void)
{
    if (nftw(opt.files, keep_path, 32, FTW_PHYS))
        die("%s: %s", opt.files, strerror(errno));
    qsort(paths, path_count, sizeof *paths, by_bytes);
    text_reserve(&files);
    for (size_t i = 0; i < path_count; i++) {
        char path[4096];
        size_t len;
        snprintf(path, sizeof path, "%s/%s", opt.files, paths[i]);
        char *data = read_file(path, &len);
        const uint32_t lens[2] = {(uint32_t)strlen(paths[i]), (uint32_t)len};
        text_append(&files, (const char *)lens, sizeof lens);
        text_append(&files, paths[i], lens[0]);
        text_append(&files, data, len);
        free(data);
    }
    size_t count;
    if (!pack_check(files.p, files.len, &count))
        die("%s holds a path that a job's file cannot have", opt.files);
}

const char *read_script(size_t *len)
{
    *len = 0;
    if (!opt.files)
        return read_file(opt.file, len);
    read_files();
    return "";
}

/* ---- the job ---- */

struct engine_job make_job(const char *script, size_t len)
{
    const char *base = strrchr(opt.file, '/');
    const char *name = opt.name ? opt.name : base ? base + 1 : opt.file;
    struct engine_job job = {.source = opt.script ? FRAME_SCRIPT : FRAME_MODULE,
                             .attempt = 1,
                             .clock_us = (uint32_t)opt.clock_us,
                             .permissions = (opt.eval ? FRAME_ALLOW_EVAL : 0u) |
                                            (opt.wasm ? FRAME_ALLOW_WASM : 0u) |
                                            (opt.sab ? FRAME_ALLOW_SAB : 0u),
                             .heap_bytes = opt.heap_mb << 20,
                             .memory_bytes = opt.memory_mb << 20,
                             .value_bytes = opt.value_kb << 10,
                             .id = "job-1",
                             .id_len = 5,
                             .tenant = "default",
                             .tenant_len = 7,
                             .name = name,
                             .name_len = strlen(name),
                             .script = script,
                             .script_len = len,
                             .input = opt.input ? opt.input : "",
                             .input_len = opt.input ? strlen(opt.input) : 0,
                             .env = opt.env,
                             .env_len = strlen(opt.env),
                             .grants = opt.grants,
                             .grants_len = strlen(opt.grants),
                             .parents = opt.parents,
                             .parents_len = strlen(opt.parents),
                             .files = files.p ? files.p : "",
                             .files_len = files.len};
    if (opt.files) {
        job.name = opt.file;
        job.name_len = strlen(opt.file);
    }
    return job;
}
