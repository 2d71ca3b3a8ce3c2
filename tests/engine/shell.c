/* engine-shell: runs one script in the engine without zygote, jail and supervisor.
 *
 *   LD_PRELOAD=build/engine-shell/libshell.so build/engine/node FILE [option…]
 *   LD_PRELOAD=build/engine-shell/libshell.so build/engine/node --make-snapshot BUNDLE OUT
 *
 * For tests of the engine and for trying built-ins. It drives engine.h exactly as a cell does:
 * boot, fork, after_fork, warm, begin, turns, finish; what a supervisor would do (budgets, replies
 * to host calls) is imitated by the options. The script's output goes to fd 1 and 2; then one line
 * of JSON with the result goes to fd 2, or to fd 1 with --json (the output then is in it and not
 * printed).
 *
 * Exit status: 0 job ok, 1 job not ok, 2 usage, 3 our failure. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

#include "base/pack.h"
#include "sandbox/engine/engine.h"
#include "sandbox/frame.h"

#define REPEAT_MS      5 /* between two requests to stop, as the supervisor does it */
#define SHELL_FILE_MAX (64u << 20)
#define SHELL_TEXT_MAX (256u << 20)

static const char usage[] =
    "usage: node FILE [--script] [--input JSON] [--env JSON] [--grants JSON] [--parents JSON] "
    "[--name NAME] [--files DIR] "
    "[--json]\n"
    "            [--heap-mb N] [--memory-mb N] [--value-kb N] [--output-kb N] [--clock-us N]\n"
    "            [--cpu-ms N] [--wall-ms N] [--allow-eval] [--allow-wasm] [--allow-sab]\n"
    "            [--fork N] [--no-fork]\n"
    "            [--no-warm] [--stats] [--v8-flags FLAGS] [--snapshot PATH]\n"
    "            [--preload TOOL] [--preload-mb N] [--quick] [--keep]\n"
    "       node --make-snapshot BUNDLE OUT\n"
    "  --files DIR          all files of the folder, of which FILE (a path in it) runs\n"
    "  --cpu-ms, --wall-ms  stop the script by signal as the supervisor would\n"
    "  --keep               the zygote compiles it before it forks\n"
    "  --fork N             run it in N children of one zygote, one after the other\n"
    "  --stats              figures of boot, fork and memory to fd 2\n";

struct text {
    char *p;
    size_t len;
};

static struct options {
    const char *file, *input, *env, *grants, *parents, *name, *flags, *snapshot, *files, *preload;
    uint64_t heap_mb, memory_mb, value_kb, output_kb, clock_us, cpu_ms, wall_ms, forks, preload_mb;
    bool script, json, eval, wasm, sab, no_fork, no_warm, stats, quick, keep;
} opt = {.env = "{}",
         .grants = "",
         .parents = "",
         .heap_mb = 64,
         .memory_mb = 256,
         .value_kb = 1024,
         .output_kb = 1024,
         .clock_us = 1000,
         .forks = 1,
         .preload_mb = 512};

static struct text out_text[3]; /* by stream, 1 and 2; 0: the result */
static int out_fd[3]; /* the streams as we were given them; 0..2 are /dev/null in a cell */
static uint64_t out_total;
static double run_us;

/* A reply that the imitated supervisor owes to a host call, or a frame of a stream. */
static struct reply {
    struct reply *next;
    int type; /* FRAME_REPLY, or of a stream */
    uint64_t id;
    bool ok;
    char *json;
    size_t len;
} * replies, **replies_end = &replies;

#define SHELL_STREAMS     512
#define SHELL_ECHO_WINDOW 1000u

/* A stream of the imitated supervisor: `source` sends `left` bytes as far as it has credit, then
 * closes; `echo` sends back what comes. */
static struct shell_stream {
    bool echo, closed;
    uint64_t left;
    uint32_t credit, at_once; /* most bytes in a frame */
    struct text held;         /* of an echo */
    const char *abort;
} streams[SHELL_STREAMS]; /* by number / 2 */
static unsigned stream_count;

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("engine-shell: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    _exit(3);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Room for all that is ever put in, taken before it is needed: host_fatal() is called from signal
 * handlers, where nothing may be allocated. A shared mapping does not count as data (ulimit -d). */
static void reserve(struct text *t)
{
    t->p = mmap(NULL, SHELL_TEXT_MAX, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (t->p == MAP_FAILED)
        die("mmap: %s", strerror(errno));
}

static void append(struct text *t, const char *p, size_t len)
{
    if (len > SHELL_TEXT_MAX - t->len)
        len = SHELL_TEXT_MAX - t->len;
    if (len)
        memcpy(t->p + t->len, p, len);
    t->len += len;
}

static void put(struct text *t, const char *s)
{
    append(t, s, strlen(s));
}

static void put_json(struct text *t, const char *key, const char *p, size_t len)
{
    put(t, ",\"");
    put(t, key);
    put(t, "\":\"");
    for (size_t i = 0; i < len; i++) {
        char esc[8];
        unsigned char c = (unsigned char)p[i];
        if (c == '"' || c == '\\' || c < 0x20) {
            snprintf(esc, sizeof esc, c < 0x20 ? "\\u%04x" : "\\%c", c);
            put(t, esc);
        } else {
            append(t, p + i, 1);
        }
    }
    put(t, "\"");
}

static void put_number(struct text *t, const char *key, double v)
{
    char s[64];
    snprintf(s, sizeof s, ",\"%s\":%.0f", key, v);
    put(t, s);
}

/* ---- the host's side ------------------------------------------------------------------------- */

/* Signals to stop come all the time: writes are cut short by them. */
static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static bool host_output(int stream, const char *text, size_t len)
{
    out_total += len;
    if (out_total > opt.output_kb << 10)
        return false;
    if (opt.json) {
        append(&out_text[stream], text, len);
        return true;
    }
    return write_all(out_fd[stream], text, len);
}

static void owe(int type, uint64_t id, bool ok, const char *p, size_t len)
{
    struct reply *r = calloc(1, sizeof *r);
    if (!r || !(r->json = malloc(len + 1)))
        die("out of memory");
    r->type = type;
    r->id = id;
    r->ok = ok;
    r->len = len;
    if (len)
        memcpy(r->json, p, len);
    *replies_end = r;
    replies_end = &r->next;
}

static void owe_word(int type, uint64_t id, uint32_t word, const char *text)
{
    char payload[256];
    memcpy(payload, &word, sizeof word);
    snprintf(payload + sizeof word, sizeof payload - sizeof word, "%s", text);
    owe(type, id, true, payload, sizeof word + strlen(text));
}

/* Bytes of a source count up, so that a test sees when some are missing. */
static void pump(uint64_t id)
{
    struct shell_stream *s = &streams[id / 2];
    static char bytes[FRAME_DATA_MAX];
    while (s->left && s->credit && !s->closed) {
        uint32_t n = s->credit < s->at_once ? s->credit : s->at_once;
        n = s->left < n ? (uint32_t)s->left : n;
        for (uint32_t i = 0; i < n; i++)
            bytes[i] = (char)(s->left - i);
        owe(FRAME_DATA, id, true, bytes, n);
        s->left -= n;
        s->credit -= n;
    }
    size_t echo = s->held.len < s->credit ? s->held.len : s->credit;
    if (echo && !s->closed) {
        owe(FRAME_DATA, id, true, s->held.p, echo);
        owe_word(FRAME_WINDOW, id, (uint32_t)echo, "");
        memmove(s->held.p, s->held.p + echo, s->held.len - echo);
        s->held.len -= echo;
        s->credit -= (uint32_t)echo;
    }
    if (!s->echo && !s->left && !s->closed) {
        s->closed = true;
        owe_word(FRAME_CLOSE, id, !s->abort, s->abort ? s->abort : "");
    }
}

static bool host_stream(int type, uint64_t id, const char *payload, size_t len)
{
    struct shell_stream *s = &streams[id / 2];
    uint32_t word = 0;
    if (type == FRAME_WINDOW) {
        memcpy(&word, payload, sizeof word);
        s->credit += word;
    } else if (type == FRAME_DATA) {
        if (!s->echo || len > SHELL_ECHO_WINDOW - s->held.len)
            die("DATA beyond its credit");
        append(&s->held, payload, len);
    } else if (!s->closed) {
        s->closed = true;
        owe_word(FRAME_CLOSE, id, 1, "");
    }
    if (opt.stats)
        fprintf(stderr, "stream %d %d %.*s\n", type, (int)id,
                type == FRAME_CLOSE ? (int)len - 4 : 0, payload + 4);
    pump(id);
    return true;
}

/* {"bytes": N, "piece": N, "abort": "…"}, in this order; the answer is the stream's number. */
static void open_stream(uint64_t call, bool echo, const char *json)
{
    if (stream_count + 1 >= SHELL_STREAMS)
        die("too many streams");
    uint64_t id = 2 * ++stream_count;
    struct shell_stream *s = &streams[id / 2];
    const char *bytes = strstr(json, "\"bytes\":"), *piece = strstr(json, "\"piece\":");
    s->echo = echo;
    s->left = bytes ? strtoull(bytes + 8, NULL, 10) : 0;
    s->at_once = piece ? (uint32_t)strtoul(piece + 8, NULL, 10) : FRAME_DATA_MAX;
    if (strstr(json, "\"abort\":"))
        s->abort = "{\"name\":\"NotFound\",\"message\":\"it broke off\"}";
    if (echo)
        reserve(&s->held);
    struct frame_open head = {.window = echo ? SHELL_ECHO_WINDOW : 0, .kind_len = 1};
    char payload[sizeof head + 1];
    memcpy(payload, &head, sizeof head);
    payload[sizeof head] = 'x';
    owe(FRAME_OPEN, id, true, payload, sizeof payload);
    char number[24];
    snprintf(number, sizeof number, "%d", (int)id);
    owe(FRAME_REPLY, call, true, number, strlen(number));
}

/* Services of the imitated supervisor: `echo` answers with its arguments, `source` and `mirror`
 * open a stream, all else is refused. */
static bool host_call(uint64_t id, const char *name, const char *json, size_t len)
{
    static const char refused[] = "{\"name\":\"Error\",\"message\":\"no such service\"}";
    if (id == 0) {
        if (opt.stats)
            fprintf(stderr, "note %s %.*s\n", name, (int)len, json);
        return true;
    }
    char argument[256];
    snprintf(argument, sizeof argument, "%.*s", (int)len, json);
    if (!strcmp(name, "source") || !strcmp(name, "mirror"))
        open_stream(id, name[0] == 'm', argument);
    else if (!strcmp(name, "echo"))
        owe(FRAME_REPLY, id, true, json, len);
    else
        owe(FRAME_REPLY, id, false, refused, sizeof refused - 1);
    return true;
}

static const char *end_name(int end)
{
    static const char *const names[] = {"?",      "ok",     "threw",      "heap",
                                        "memory", "output", "terminated", "internal"};
    return end >= 1 && end <= FRAME_END_INTERNAL ? names[end] : "?";
}

static void report(const struct engine_result *r)
{
    struct text t = out_text[0];
    put(&t, "{\"end\":\"");
    put(&t, end_name(r->end));
    put(&t, "\"");
    if (r->value_len) {
        put(&t, ",\"value\":");
        append(&t, r->value, r->value_len);
    }
    if (r->end != FRAME_END_OK) {
        put_json(&t, "name", r->name, r->name_len);
        put_json(&t, "message", r->message, r->message_len);
        put_json(&t, "stack", r->stack, r->stack_len);
        put_number(&t, "line", r->line);
        put_number(&t, "column", r->column);
    }
    if (opt.json) {
        put_json(&t, "stdout", out_text[1].p, out_text[1].len);
        put_json(&t, "stderr", out_text[2].p, out_text[2].len);
    }
    put_number(&t, "heap_peak", (double)r->heap_peak);
    put_number(&t, "run_us", run_us ? now_us() - run_us : 0);
    put(&t, "}\n");
    if (!write_all(out_fd[opt.json ? 1 : 2], t.p, t.len))
        _exit(3);
}

static void host_fatal(int end, const char *message) __attribute__((noreturn));
static void host_fatal(int end, const char *message)
{
    struct engine_result r = {.end = end,
                              .message = message,
                              .message_len = strlen(message),
                              .heap_peak = engine_heap_peak()};
    report(&r);
    _exit(1);
}

static const struct engine_host host = {host_output, host_call, host_stream, host_fatal};

/* ---- one job ------------------------------------------------------------------------------------
 */

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

/* ---- a folder as a job's files (base/pack.h) ---- */

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
    reserve(&files);
    for (size_t i = 0; i < path_count; i++) {
        char path[4096];
        size_t len;
        snprintf(path, sizeof path, "%s/%s", opt.files, paths[i]);
        char *data = read_file(path, &len);
        const uint32_t lens[2] = {(uint32_t)strlen(paths[i]), (uint32_t)len};
        append(&files, (const char *)lens, sizeof lens);
        append(&files, paths[i], lens[0]);
        append(&files, data, len);
        free(data);
    }
    size_t count;
    if (!pack_check(files.p, files.len, &count))
        die("%s holds a path that a job's file cannot have", opt.files);
}

static void deliver_replies(void)
{
    while (replies) {
        struct reply *r = replies;
        replies = r->next;
        if (!replies)
            replies_end = &replies;
        if (r->type == FRAME_REPLY)
            engine_reply(r->id, r->ok, r->json, r->len);
        else
            engine_stream(r->type, r->id, r->json, r->len);
        free(r->json);
        free(r);
    }
}

static struct engine_job make_job(const char *script, size_t len)
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

static int run_job(const char *script, size_t len)
{
    const struct engine_job job = make_job(script, len);
    arm(ITIMER_PROF, opt.cpu_ms);
    arm(ITIMER_REAL, opt.wall_ms);
    run_us = now_us();
    engine_begin(&job);
    while (engine_pending()) {
        int64_t wait = replies ? 0 : engine_wait_us();
        if (wait != 0)
            poll(NULL, 0, wait < 0 ? -1 : (int)((wait + 999) / 1000));
        deliver_replies();
        engine_tick();
    }
    struct engine_result r;
    engine_finish(&r);
    report(&r);
    return r.end == FRAME_END_OK ? 0 : 1;
}

/* ---- zygote
 * ---------------------------------------------------------------------------------------- */

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
    for (int i = 0; i < 3; i++)
        reserve(&out_text[i]);
    double at[3];
    long f[3];
    f[0] = faults();
    at[0] = cpu_us();
    engine_after_fork();
    if (!opt.no_warm)
        engine_warm();
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
    {"--quick", &opt.quick, NULL, NULL},       {"--keep", &opt.keep, NULL, NULL}};

static bool parse(int argc, char **argv)
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

/* Beside this shared object unless --snapshot names another. */
static const char *snapshot_path(void)
{
    static char path[4096];
    Dl_info self;
    if (opt.snapshot)
        return opt.snapshot;
    if (!dladdr(&host, &self))
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
    if (!parse(argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    for (int stream = 1; stream <= 2; stream++)
        out_fd[stream] = fcntl(stream, F_DUPFD_CLOEXEC, 10);
    size_t len = 0;
    char *script = "";
    if (opt.files)
        read_files();
    else
        script = read_file(opt.file, &len);
    struct sigaction stop = {.sa_sigaction = on_stop, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGUSR1, &stop, NULL);
    sigaction(SIGPROF, &stop, NULL);
    sigaction(SIGALRM, &stop, NULL);
    double t0 = now_us();
    if (engine_boot(snapshot_path(), opt.flags, false, &host, why, sizeof why) < 0)
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
