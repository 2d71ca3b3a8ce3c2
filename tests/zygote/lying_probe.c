/* A cell that does not tell the truth about its escape attempts. The lie is the first line of the
 * engine folder's snapshot file (fake_engine.c):
 *
 *   honest          the real attempts and their real report
 *   later MS NAME   honest until MS after the start of the zygote, then "escaped NAME"
 *   escaped NAME    honest, but for that one attempt, which succeeded
 *   errno NAME      honest, but that one was stopped by another layer than its own
 *   wrong           every attempt was stopped by one and the same system call
 *   skipped         none was tried
 *   garbage · object · short · long · big   what is not a report, or not a whole one, or too much
 *   print           prints something first
 *   mute · crash · hang   no report at all */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define probe_run honest_probe_run
#include "sandbox/zygote/probe.c"
#undef probe_run

#include "sandbox/zygote/wire.h"

extern char fake_snapshot[64];
static int64_t loaded_ms;
static char lie[JAIL_PROBE_REPORT_MAX * 4];

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

__attribute__((constructor)) static void remember(void)
{
    loaded_ms = now_ms();
}

/* The honest report with the row of that name replaced. */
static void replace(const char *honest, size_t len, const char *name, const char *row)
{
    size_t at = 0;
    int i = -1;
    for (int k = 0; k < JAIL_PROBE_COUNT; k++)
        if (!strcmp(jail_probes[k].name, name))
            i = k;
    for (int k = 0; k < i; k++)
        at += strcspn(honest + at + 1, ",]") + 1;
    size_t end = at + 1 + strcspn(honest + at + 1, ",]");
    snprintf(lie, sizeof lie, "%.*s%s%.*s", (int)at + 1, honest, row, (int)(len - end),
             honest + end);
}

static void fill(const char *row, int rows)
{
    size_t at = 0;
    for (int i = 0; i < rows; i++)
        at += (size_t)snprintf(lie + at, sizeof lie - at, "%c%s", i ? ',' : '[', row);
    snprintf(lie + at, sizeof lie - at, "]");
}

static bool told(const char *word)
{
    return !strncmp(fake_snapshot, word, strlen(word));
}

const char *probe_run(uint32_t layers, size_t *len)
{
    char name[64] = "";
    int ms = 0;
    const char *honest = honest_probe_run(layers, len);
    fake_snapshot[strcspn(fake_snapshot, "\n")] = '\0';
    if (sscanf(fake_snapshot, "later %d %63s", &ms, name) == 2) {
        if (now_ms() - loaded_ms < ms)
            return honest;
        replace(honest, *len, name, "\"nothing\"");
    } else if (sscanf(fake_snapshot, "escaped %63s", name) == 1) {
        replace(honest, *len, name, "\"nothing\"");
    } else if (sscanf(fake_snapshot, "errno %63s", name) == 1) {
        replace(honest, *len, name, "\"errno 2\"");
    } else if (told("wrong")) {
        fill("\"seccomp 110\"", JAIL_PROBE_COUNT);
    } else if (told("skipped")) {
        fill("\"skipped\"", JAIL_PROBE_COUNT);
    } else if (told("garbage")) {
        snprintf(lie, sizeof lie, "[\"seccomp 2\"");
    } else if (told("object")) {
        snprintf(lie, sizeof lie, "{\"held\":true}");
    } else if (told("short")) {
        snprintf(lie, sizeof lie, "[%s", strchr(honest, ',') + 1);
    } else if (told("long")) {
        snprintf(lie, sizeof lie, "[\"seccomp 2\",%s", honest + 1);
    } else if (told("big")) {
        fill("\"seccomp 257\"", JAIL_PROBE_COUNT * 3);
    } else if (told("print")) {
        static const struct {
            struct frame head;
            char text[6];
        } out = {{.len = 6, .type = FRAME_OUTPUT, .id = 1}, {1, 'h', 'e', 'l', 'l', 'o'}};
        put(write(CELL_FD, &out, sizeof out.head + 6) > 0 ? "" : "?");
        return honest;
    } else if (told("mute")) {
        _exit(0);
    } else if (told("crash")) {
        abort();
    } else if (told("hang")) {
        for (;;)
            ;
    } else {
        return honest;
    }
    *len = strlen(lie);
    return lie;
}
