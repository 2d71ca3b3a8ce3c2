/* A whole `isolane run hello.js` (start, key, database, zygote, job, signature, commit, end) beside
 * a whole `node hello.js`, in turns, so that both see the same machine. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/measure.h"

extern char **environ;

#define HELLO   "console.log('hello');\n"
#define PRINTED "hello\n"
#define WARM_UP 2 /* runs before it is measured: files in the page cache, key and database made */

static int64_t runs = 15;

struct times {
    struct samples first_output, whole;
};

static void time_one(char *const *args, struct times *t, bool measured)
{
    char said[64];
    size_t len = 0;
    int out[2], status;
    pid_t pid;
    double output_at = 0;
    posix_spawn_file_actions_t fa;
    if (pipe2(out, O_CLOEXEC))
        die("pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, out[1], STDOUT_FILENO);
    double from = now_us();
    int rc = posix_spawn(&pid, args[0], &fa, NULL, args, environ);
    if (rc)
        die("cannot start %s: %s", args[0], strerror(rc));
    close(out[1]);
    for (ssize_t n; len < sizeof said && (n = read(out[0], said + len, sizeof said - len)) > 0;) {
        if (!len)
            output_at = now_us();
        len += (size_t)n;
    }
    if (waitpid(pid, &status, 0) < 0)
        die("waitpid: %s", strerror(errno));
    double to = now_us();
    close(out[0]);
    posix_spawn_file_actions_destroy(&fa);
    if (status || len != strlen(PRINTED) || memcmp(said, PRINTED, len))
        die("%s %s: wait status %#x, printed '%.*s'", args[0], args[1], status, (int)len, said);
    if (measured) {
        samples_add(&t->first_output, (output_at - from) / 1e3);
        samples_add(&t->whole, (to - from) / 1e3);
    }
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"runs", &runs, 1, 10000, "of each program"},
    };
    struct bed bed;
    struct err e = {0};
    struct times ours = {0}, node = {0};
    char hello[PATH_MAX], isolane[PATH_MAX];
    const char *build = getenv("ISOLANE_BUILD");
    bench_options(argc, argv, "Cold start: isolane run hello.js beside node hello.js.", options,
                  ARRAY_LEN(options));
    bed_make(&bed);
    bed_engine(&bed);
    must(fs_path(hello, sizeof hello, &e, "%s/hello.js", bed.dir), &e, "hello.js");
    must(fs_path(isolane, sizeof isolane, &e, "%s/isolane", build ? build : "build"), &e,
         "isolane");
    must(fs_write_file(hello, HELLO, strlen(HELLO), 0600, false, &e), &e, "hello.js");
    char run[] = "run", data[] = "--data";
    char *const ours_args[] = {isolane, run, data, bed.dir, hello, NULL};
    char *const node_args[] = {bed.engine.node, hello, NULL};
    for (int64_t i = 0; i < WARM_UP + runs; i++) {
        time_one(ours_args, &ours, i >= WARM_UP);
        time_one(node_args, &node, i >= WARM_UP);
    }
    double ours_p50 = samples_percentile(&ours.whole, 50);
    double node_p50 = samples_percentile(&node.whole, 50);
    metric("coldstart.isolane.output.p50", "ms", samples_percentile(&ours.first_output, 50));
    metric("coldstart.isolane.whole.p50", "ms", ours_p50);
    metric("coldstart.node.output.p50", "ms", samples_percentile(&node.first_output, 50));
    metric("coldstart.node.whole.p50", "ms", node_p50);
    metric("coldstart.ratio", "", ours_p50 / node_p50);
    samples_free(&ours.first_output);
    samples_free(&ours.whole);
    samples_free(&node.first_output);
    samples_free(&node.whole);
    bed_remove(&bed);
    return 0;
}
