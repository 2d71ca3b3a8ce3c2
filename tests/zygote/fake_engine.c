/* A test double for the engine: a tiny command language in place of JavaScript, for what a real V8
 * cannot be made to do (malformed frames, forbidden system calls, crashes on demand). The processes
 * around it are the real ones. A script is a list of lines:
 *
 *   print TEXT · error TEXT     output on stdout, stderr
 *   repeat N TEXT               N lines of output, stops when the budget is used up
 *   spin · sleep MS             burn CPU until told to stop; wait by the event loop
 *   call NAME JSON              host call, waits for its reply and prints it
 *   calls N NAME                N calls at once, waits for all
 *   listen N                    waits for N frames of streams; each is printed
 *   note NAME JSON              a note
 *   value JSON · throw TEXT     how the job ends
 *   echo WHAT                   value is a field of the job: id, tenant, name, input, env, attempt
 *   syscall N · syscall N self  makes a system call (with its own pid twice as arguments)
 *   segv · abort · ud2 · exit N · fatal END TEXT
 *   raw HEX · frame TYPE ID HEX bytes, or a frame, straight into the socket
 *   flood N                     N kB of zeroes, straight into the socket
 *   storm, opens, bulk, …       the commands of fake_enemy.c
 *   close · deaf · stop         closes the socket; stops reading and spins; SIGSTOPs itself
 *   hog MB                      malloc and touch */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/engine/engine.h"
#include "sandbox/frame.h"
#include "sandbox/zygote/wire.h"
#include "tests/zygote/fake_enemy.h"

char fake_snapshot[64]; /* first line of the snapshot file, for lying_probe.c */

static const struct engine_host *host;
static char flags_given[512];
static volatile sig_atomic_t stop; /* enum frame_end of the first reason */
static char *script, *at;
static const struct engine_job *job;
static char value[4096], message[256];
static int end;
static int64_t due_us;
static uint64_t last_call;
static unsigned calls_out;
static int cells_end; /* 0: they do not */
static long listens;  /* frames of streams that the script waits for */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void say(int stream, const char *text)
{
    if (!host->output(stream, text, strlen(text)) && !stop)
        stop = FRAME_END_OUTPUT;
}

static void say_line(int stream, const char *text)
{
    char line[4200];
    snprintf(line, sizeof line, "%s\n", text);
    say(stream, line);
}

static void cmd_raw(const char *arg)
{
    unsigned char bytes[2048];
    enemy_put(bytes, enemy_unhex(arg, bytes, sizeof bytes));
}

static void cmd_frame(const char *arg)
{
    unsigned char bytes[2048];
    unsigned type;
    unsigned long id;
    int used = 0;
    sscanf(arg, "%u %lu %n", &type, &id, &used);
    size_t n = enemy_unhex(arg + used, bytes, sizeof bytes);
    struct frame f = {.len = (uint32_t)n, .type = (uint16_t)type, .id = id};
    enemy_put(&f, sizeof f);
    enemy_put(bytes, n);
}

static void cmd_flood(const char *arg)
{
    static const char zeroes[1024];
    for (long kb = atol(arg); kb > 0; kb--)
        enemy_put(zeroes, sizeof zeroes);
}

static void cmd_syscall(const char *arg)
{
    char *rest;
    long nr = strtol(arg, &rest, 10), pid = strstr(rest, "self") ? getpid() : 0;
    long rc = syscall(nr, pid, pid, 0, 0, 0, 0);
    char text[64];
    snprintf(text, sizeof text, "syscall %ld gave %ld", nr, rc);
    say_line(FRAME_STDOUT, text);
}

static void cmd_repeat(const char *arg)
{
    char *text;
    for (long n = strtol(arg, &text, 10); n > 0 && !stop; n--)
        say_line(FRAME_STDOUT, text + 1);
}

static void cmd_call(const char *arg, bool note)
{
    char name[80];
    int used = 0;
    sscanf(arg, "%79s %n", name, &used);
    uint64_t id = note ? 0 : ++last_call;
    if (!host->call(id, name, arg + used, strlen(arg + used)))
        stop = FRAME_END_TERMINATED;
    calls_out += !note;
}

static void cmd_calls(const char *arg)
{
    char *name;
    for (long n = strtol(arg, &name, 10); n > 0; n--)
        cmd_call(name + 1, false);
}

static void cmd_hog(const char *arg)
{
    for (long mb = atol(arg); mb > 0; mb--) {
        char *p = malloc(1 << 20);
        if (!p)
            host->fatal(FRAME_END_MEMORY, "malloc refused");
        memset(p, 1, 1 << 20);
    }
}

static void cmd_echo(const char *what)
{
    const struct {
        const char *name, *text;
        size_t len;
    } fields[] = {
        {"id", job->id, job->id_len},       {"tenant", job->tenant, job->tenant_len},
        {"name", job->name, job->name_len}, {"input", job->input, job->input_len},
        {"env", job->env, job->env_len},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (!strcmp(what, fields[i].name))
            snprintf(value, sizeof value, fields[i].text[0] == '{' ? "%.*s" : "\"%.*s\"",
                     (int)fields[i].len, fields[i].text);
    if (!strcmp(what, "attempt"))
        snprintf(value, sizeof value, "%u", job->attempt);
}

static void spin(void)
{
    while (!stop)
        ;
}

/* Jobs that end the process, or ruin it. */
static bool run_fatal(const char *cmd, const char *arg)
{
    if (!strcmp(cmd, "segv")) {
        volatile int *nowhere = NULL;
        *nowhere = 1;
    } else if (!strcmp(cmd, "abort"))
        abort();
    else if (!strcmp(cmd, "ud2"))
        __builtin_trap();
    else if (!strcmp(cmd, "exit"))
        _exit(atoi(arg));
    else if (!strcmp(cmd, "fatal"))
        host->fatal(atoi(arg), strchr(arg, ' ') + 1);
    else if (!strcmp(cmd, "close"))
        close(CELL_FD);
    else if (!strcmp(cmd, "stop"))
        raise(SIGSTOP);
    else
        return false;
    return true;
}

static void run_line(char *cmd)
{
    char *arg = strchr(cmd, ' ');
    if (arg)
        *arg++ = '\0';
    else
        arg = cmd + strlen(cmd);
    if (!strcmp(cmd, "print"))
        say_line(FRAME_STDOUT, arg);
    else if (!strcmp(cmd, "error"))
        say_line(FRAME_STDERR, arg);
    else if (!strcmp(cmd, "repeat"))
        cmd_repeat(arg);
    else if (!strcmp(cmd, "spin") || !strcmp(cmd, "deaf"))
        spin();
    else if (!strcmp(cmd, "sleep"))
        due_us = now_us() + atol(arg) * 1000;
    else if (!strcmp(cmd, "call"))
        cmd_call(arg, false);
    else if (!strcmp(cmd, "listen"))
        listens = atol(arg);
    else if (!strcmp(cmd, "calls"))
        cmd_calls(arg);
    else if (!strcmp(cmd, "note"))
        cmd_call(arg, true);
    else if (!strcmp(cmd, "value"))
        snprintf(value, sizeof value, "%s", arg);
    else if (!strcmp(cmd, "echo"))
        cmd_echo(arg);
    else if (!strcmp(cmd, "syscall"))
        cmd_syscall(arg);
    else if (!strcmp(cmd, "raw"))
        cmd_raw(arg);
    else if (!strcmp(cmd, "frame"))
        cmd_frame(arg);
    else if (!strcmp(cmd, "flood"))
        cmd_flood(arg);
    else if (!strcmp(cmd, "hog"))
        cmd_hog(arg);
    else if (!run_fatal(cmd, arg) && !enemy_line(cmd, arg)) {
        end = FRAME_END_THREW;
        snprintf(message, sizeof message, "%s", strcmp(cmd, "throw") ? cmd : arg);
    }
}

/* Runs lines until one waits. */
static void run_lines(void)
{
    while (at && *at && !stop && !due_us && !calls_out && !listens && end == FRAME_END_OK) {
        char *line = at, *newline = strchr(at, '\n');
        at = newline ? newline + 1 : line + strlen(line);
        if (newline)
            *newline = '\0';
        run_line(line);
    }
}

/* ---- engine.h ---- */

/* The one tool there is: a file that begins with "cells end" and the exit status they end with,
 * before they are ready. */
int engine_preload(const char *path, uint64_t heap_bytes, bool quick, char *why, size_t why_cap)
{
    (void)quick;
    (void)heap_bytes;
    FILE *f = fopen(path, "r");
    bool known = f && fscanf(f, "cells end %d", &cells_end) == 1;
    if (f)
        fclose(f);
    if (known)
        return 0;
    snprintf(why, why_cap, "this engine has no tools");
    return -1;
}

int engine_boot(const char *snapshot_path, const char *flags, bool few_cells,
                const struct engine_host *h, char *why, size_t why_cap)
{
    (void)few_cells;
    host = h;
    FILE *f = fopen(snapshot_path, "r");
    if (f && !fgets(fake_snapshot, sizeof fake_snapshot, f))
        fake_snapshot[0] = '\0';
    if (f)
        fclose(f);
    snprintf(flags_given, sizeof flags_given, "%s", flags ? flags : "");
    if (flags && !strcmp(flags, "--fail")) {
        snprintf(why, why_cap, "told to fail (snapshot %s)", snapshot_path);
        return -1;
    }
    if (flags && !strcmp(flags, "--crash")) {
        fprintf(stderr, "fake engine: told to crash\n");
        _exit(5);
    }
    if (flags && !strcmp(flags, "--hang"))
        for (;;)
            pause();
    return 0;
}

void engine_after_fork(void)
{
    if (cells_end && enemy_has_socket())
        _exit(cells_end);
}

void engine_warm(void)
{
    host->output(FRAME_STDOUT, "warm\n", 5); /* must reach nobody */
    enemy_warm(flags_given);
}

void engine_begin(const struct engine_job *j)
{
    static struct engine_job copy;
    copy = *j;
    job = &copy;
    end = FRAME_END_OK;
    script = malloc(j->script_len + 1);
    memcpy(script, j->script, j->script_len);
    script[j->script_len] = '\0';
    at = script;
    run_lines();
}

/* `code TEXT`: gives that, anything else is done as it would be in a job (frames, crashes, spin).
 */
void engine_compile(const struct engine_job *j, const char **code, size_t *len)
{
    engine_begin(j);
    *code = "";
    if (j->script_len > 5 && !memcmp(j->script, "code ", 5)) {
        *code = j->script + 5;
    } else {
        while (engine_pending())
            engine_tick();
    }
    *len = **code ? j->script_len - 5 : 0;
}

int engine_keep(const struct engine_job *source, uint64_t heap_bytes, char *why, size_t why_cap)
{
    (void)heap_bytes;
    if (source->script_len > 4 && !memcmp(source->script, "bad ", 4)) {
        snprintf(why, why_cap, "the source cannot be compiled ahead");
        return -1;
    }
    if (source->script_len > 8 && !memcmp(source->script, "syscall ", 8))
        syscall(strtol(source->script + 8, NULL, 10), -1, -1, -1, -1);
    return 0;
}

bool engine_pending(void)
{
    return !stop && end == FRAME_END_OK && (due_us || calls_out || listens || (at && *at));
}

int64_t engine_wait_us(void)
{
    if (!due_us)
        return calls_out || listens ? -1 : 0;
    int64_t now = now_us();
    return due_us > now ? due_us - now : 0;
}

void engine_tick(void)
{
    if (due_us && now_us() >= due_us)
        due_us = 0;
    run_lines();
}

void engine_reply(uint64_t call_id, bool ok, const char *json, size_t len)
{
    char text[300];
    snprintf(text, sizeof text, "reply %llu %s %.*s", (unsigned long long)call_id,
             ok ? "ok" : "refused", (int)(len < 200 ? len : 200), json);
    say_line(FRAME_STDOUT, text);
    calls_out--;
}

/* What comes is told as a line: "stream data 2 5 hello". */
void engine_stream(int frame_type, uint64_t id, const char *payload, size_t len)
{
    char text[300];
    uint32_t word = 0;
    size_t shown = len < 40 ? len : 40;
    if (frame_type != FRAME_DATA)
        memcpy(&word, payload, sizeof word);
    if (frame_type == FRAME_OPEN)
        snprintf(text, sizeof text, "stream open %llu %u", (unsigned long long)id, word);
    else if (frame_type == FRAME_DATA)
        snprintf(text, sizeof text, "stream data %llu %zu %.*s", (unsigned long long)id, len,
                 (int)shown, payload);
    else if (frame_type == FRAME_WINDOW)
        snprintf(text, sizeof text, "stream window %llu %u", (unsigned long long)id, word);
    else
        snprintf(text, sizeof text, "stream close %llu %u %.*s", (unsigned long long)id, word,
                 (int)(shown - sizeof word), payload + sizeof word);
    say_line(FRAME_STDOUT, text);
    if (listens > 0)
        listens--;
}

bool engine_listens(void)
{
    return listens > 0;
}

void engine_finish(struct engine_result *out)
{
    memset(out, 0, sizeof *out);
    out->end = stop ? stop : end;
    out->heap_peak = 12345;
    out->stays = job->reuse != FRAME_REUSE_NONE && !stop;
    if (out->end == FRAME_END_OK) {
        out->value = value;
        out->value_len = strlen(value);
        return;
    }
    out->name = "Error";
    out->name_len = 5;
    out->message = message;
    out->message_len = strlen(message);
    out->line = 1;
    out->column = 2;
}

void engine_terminate(uintptr_t pc)
{
    (void)pc;
    if (!stop)
        stop = FRAME_END_TERMINATED;
}

bool engine_rest(void)
{
    return true;
}

uint64_t engine_over_bytes(void)
{
    return 0;
}

uint64_t engine_heap_peak(void)
{
    return 0;
}

const char *engine_flags(void)
{
    return flags_given;
}

const char *engine_version(void)
{
    return "fake 1";
}

int engine_snapshot(const char *bundle_path, const char *out_path, char *why, size_t why_cap)
{
    (void)bundle_path;
    FILE *f = fopen(out_path, "w");
    if (!f) {
        snprintf(why, why_cap, "%s: %s", out_path, strerror(errno));
        return -1;
    }
    fputs("fake snapshot\n", f);
    fclose(f);
    return 0;
}
