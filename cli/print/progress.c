#include "cli/print/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/print/table.h"

#define REDRAW_US 100000
#define BAR_MAX   30
#define BAR_MIN   6

struct progress {
    bool on, colours, drawn;
    uint64_t total, ok, failed;
    int64_t began_us, last_us;
};

struct progress *progress_new(uint64_t total)
{
    struct progress *p = mem_alloc(sizeof *p);
    const char *term = getenv("TERM");
    p->on = isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb"));
    p->colours = colour_wanted(stderr);
    p->total = total;
    p->began_us = clock_mono_us();
    return p;
}

/* "1:02:03", "2:03" */
static void time_text(double seconds, char *out, size_t cap)
{
    uint64_t s = seconds > 359999 ? 359999 : (uint64_t)seconds;
    if (s >= 3600)
        snprintf(out, cap, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, cap, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
}

static void draw(struct progress *p, int64_t now)
{
    struct winsize w = {0};
    int width = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || !w.ws_col ? 80 : w.ws_col;
    uint64_t done = p->ok + p->failed;
    double seconds = (double)(now - p->began_us) / 1e6;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    char counts[128], times[64] = "", left[32], bar[BAR_MAX * 3 + 1] = "";
    int n = snprintf(counts, sizeof counts, " %" PRIu64 "/%" PRIu64 "  ok %" PRIu64, done, p->total,
                     p->ok);
    int plain = n;
    if (p->failed)
        plain += snprintf(counts + n, sizeof counts - (size_t)n, "  %sfailed %" PRIu64 "%s",
                          p->colours ? colour_code(COLOUR_RED) : "", p->failed,
                          p->colours ? colour_code(COLOUR_NONE) : "");
    if (done && done < p->total) {
        time_text((double)(p->total - done) / rate, left, sizeof left);
        snprintf(times, sizeof times, "  %.0f/s  %s left", rate, left);
    }
    /* The bar takes what is left of the line; one column stays free, so that nothing wraps. */
    int room = width - 1 - 2 - plain - (int)strlen(times);
    int cells = room > BAR_MAX ? BAR_MAX : room;
    if (cells < BAR_MIN)
        cells = 0;
    int full = p->total ? (int)((double)cells * (double)done / (double)p->total) : 0;
    for (int i = 0; i < cells; i++)
        strcat(bar, i < full ? "█" : "░");
    fprintf(stderr, "\r\033[K %s%s%s", bar, counts,
            plain + (int)strlen(times) < width ? times : "");
    fflush(stderr);
    p->drawn = true;
    p->last_us = now;
}

void progress_update(struct progress *p, uint64_t total, uint64_t ok, uint64_t failed)
{
    if (!p->on)
        return;
    p->total = total;
    p->ok = ok;
    p->failed = failed;
    int64_t now = clock_mono_us();
    if (!p->drawn || now - p->last_us >= REDRAW_US || ok + failed >= total)
        draw(p, now);
}

void progress_hide(struct progress *p)
{
    if (!p->drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->drawn = false;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    progress_hide(p);
    free(p);
}
