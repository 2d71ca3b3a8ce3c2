/* engine-shell: runs one script in the engine without zygote, jail and supervisor.
 *
 *   LD_PRELOAD=build/engine-shell/libshell.so build/engine/node FILE [option…]
 *   LD_PRELOAD=build/engine-shell/libshell.so build/engine/node --make-snapshot BUNDLE OUT
 *
 * For tests of the engine and for trying built-ins. It drives engine.h exactly as a cell does:
 * boot, fork, after_fork, warm, begin, turns, finish; what a supervisor would do (budgets, replies
 * to host calls) is imitated by the options. The script's output goes to fd 1 and 2; then one line
 * of JSON with the result goes to fd 2, or to fd 1 with --json (the output then is in it and not
 * printed). shell.h says which file does what.
 *
 * Exit status: 0 job ok, 1 job not ok, 2 usage, 3 our failure. */
#include "tests/engine/shell.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "sandbox/frame.h"

#define REPEAT_MS 5 /* between two requests to stop, as the supervisor does it */

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("engine-shell: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    _exit(3);
}

double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- one job ---- */

static void on_stop(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    engine_terminate((uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP]);
}

/* Repeated, as the supervisor repeats its signal. */
static void arm(int which, uint64_t ms)
{
    if (!ms)
        return;
    struct itimerval t = {{0, REPEAT_MS * 1000},
                          {(time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000}};
    setitimer(which, &t, NULL);
}

static int run_job(const char *script, size_t len)
{
    const struct engine_job job = make_job(script, len);
    arm(ITIMER_PROF, opt.cpu_ms);
    arm(ITIMER_REAL, opt.wall_ms);
    host_begin_job();
    engine_begin(&job);
    while (engine_pending()) {
        int64_t wait = host_owes() ? 0 : engine_wait_us();
        if (wait != 0)
            poll(NULL, 0, wait < 0 ? -1 : (int)((wait + 999) / 1000));
        host_deliver();
        engine_tick();
    }
    struct engine_result r;
    engine_finish(&r);
    host_report(&r);
    return r.end == FRAME_END_OK ? 0 : 1;
}

/* What a cell does after a job of the same tenant: the next one gets a context of its own. */
static void renew(void)
{
    static const char before[] = "export default 0";
    struct engine_job job = make_job(before, sizeof before - 1);
    struct engine_result r;
    job.files_len = 0;
    job.permissions = 0;
    job.source = FRAME_MODULE;
    job.reuse = FRAME_REUSE_TENANT;
    engine_begin(&job);
    while (engine_pending())
        engine_tick();
    engine_finish(&r);
    if (r.end != FRAME_END_OK || !r.stays || !engine_rest())
        die("the context was not renewed");
}

/* ---- zygote ---- */

/* V8 marks mappings MADV_DONTFORK; a child would die without them. */
static void allow_fork(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    char line[512];
    if (!f)
        die("/proc/self/maps: %s", strerror(errno));
    while (fgets(line, sizeof line, f)) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2)
            madvise((void *)from, to - from, MADV_DOFORK);
    }
    fclose(f);
}

/* The numbers behind these keys of a file in /proc. */
static void print_keys(const char *path, const char *const *keys, const char *unit)
{
    FILE *f = fopen(path, "re");
    char line[256];
    if (!f)
        return;
    while (fgets(line, sizeof line, f))
        for (size_t i = 0; keys[i]; i++)
            if (!strncmp(line, keys[i], strlen(keys[i])))
                fprintf(stderr, " %s %ld%s", keys[i], strtol(line + strlen(keys[i]), NULL, 10),
                        unit);
    fclose(f);
}

static void print_memory(const char *when)
{
    static const char *const memory[] = {"Rss:", "Private_Dirty:", "Anonymous:", NULL};
    static const char *const threads[] = {"Threads:", NULL};
    fprintf(stderr, "%s:", when);
    print_keys("/proc/self/smaps_rollup", memory, " kB");
    print_keys("/proc/self/status", threads, "");
    fputc('\n', stderr);
}

/* What V8 prints by itself before it gives up (its last collections) goes nowhere, as in a cell. */
static void silence(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        die("/dev/null: %s", strerror(errno));
    dup2(null, 1);
    if (!opt.stats)
        dup2(null, 2);
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static long faults(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_minflt;
}

static int child(const char *script, size_t len)
{
    silence();
    host_begin_cell();
    double at[3];
    long f[3];
    f[0] = faults();
    at[0] = cpu_us();
    engine_after_fork();
    if (!opt.no_warm)
        engine_warm();
    if (opt.renew)
        renew();
    at[1] = cpu_us();
    f[1] = faults();
    int rc = run_job(script, len);
    at[2] = cpu_us();
    f[2] = faults();
    if (opt.stats) {
        fprintf(stderr, "cell: warm-up %.0f us CPU, %ld faults; job %.0f us CPU, %ld faults\n",
                at[1] - at[0], f[1] - f[0], at[2] - at[1], f[2] - f[1]);
        print_memory("cell after job");
    }
    return rc;
}

static int run_forks(const char *script, size_t len)
{
    int worst = 0;
    allow_fork();
    for (uint64_t i = 0; i < opt.forks; i++) {
        pid_t pid = fork();
        if (pid < 0)
            die("fork: %s", strerror(errno));
        if (pid == 0)
            _exit(child(script, len));
        int status;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        int rc = WIFEXITED(status) ? WEXITSTATUS(status) : 3;
        if (WIFSIGNALED(status))
            fprintf(stderr, "engine-shell: cell died by signal %d\n", WTERMSIG(status));
        worst = rc > worst ? rc : worst;
    }
    return worst;
}

/* ---- the program ---- */

/* Beside this shared object unless --snapshot names another. */
static const char *snapshot_path(void)
{
    static char path[4096];
    Dl_info self;
    if (opt.snapshot)
        return opt.snapshot;
    if (!dladdr(&shell_host, &self))
        die("dladdr failed");
    const char *slash = strrchr(self.dli_fname, '/');
    snprintf(path, sizeof path, "%.*s/snapshot.bin", slash ? (int)(slash - self.dli_fname) : 1,
             slash ? self.dli_fname : ".");
    return path;
}

static int shell_main(int argc, char **argv, char **envp)
{
    (void)envp;
    static char why[512];
    unsetenv("LD_PRELOAD");
    if (argc == 4 && !strcmp(argv[1], "--make-snapshot")) {
        if (engine_snapshot(argv[2], argv[3], why, sizeof why) < 0)
            die("%s", why);
        return 0;
    }
    if (!parse_options(argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    host_keep_streams();
    size_t len;
    const char *script = read_script(&len);
    struct sigaction stop = {.sa_sigaction = on_stop, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGUSR1, &stop, NULL);
    sigaction(SIGPROF, &stop, NULL);
    sigaction(SIGALRM, &stop, NULL);
    double t0 = now_us();
    if (engine_boot(snapshot_path(), opt.flags, false, &shell_host, why, sizeof why) < 0)
        die("%s", why);
    if (opt.preload &&
        engine_preload(opt.preload, opt.preload_mb << 20, opt.quick, why, sizeof why) < 0)
        die("%s", why);
    const struct engine_job kept = make_job(script, len);
    if (opt.keep && engine_keep(&kept, opt.preload_mb << 20, why, sizeof why) < 0)
        die("%s", why);
    if (opt.stats) {
        fprintf(stderr, "boot: %.0f us (%s)\n", now_us() - t0, engine_version());
        print_memory("zygote");
    }
    int rc = opt.no_fork ? child(script, len) : run_forks(script, len);
    _exit(rc); /* V8 is never torn down */
}

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, void (*)(void), void (*)(void),
                           void (*)(void), void *);

/* Takes over where node's own main would be called. */
__attribute__((visibility("default"))) int
__libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
                  void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    (void)main;
    void *symbol = dlsym(RTLD_NEXT, "__libc_start_main");
    start_function *real;
    memcpy(&real, &symbol, sizeof real);
    return real(shell_main, argc, argv, init, fini, rtld_fini, stack_end);
}
