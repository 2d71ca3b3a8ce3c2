/* Schedules for people and programs: table, lines of JSON, one in full, the next ticks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "cli/print/format.h"
#include "cli/client/schedules.h"
#include "cli/print/table.h"

const char *tick_text(int64_t at_s, char out[TICK_TEXT])
{
    struct tm tm;
    time_t t = (time_t)at_s;
    if (at_s < 0 || !gmtime_r(&t, &tm) || !strftime(out, TICK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return "-";
    return out;
}

/* "2026-11-22T02:00:00+01:00" */
static const char *local_text(const struct zone *z, int64_t at_s, char out[TICK_TEXT])
{
    int64_t offset = zone_offset(z, at_s), minutes = (offset < 0 ? -offset : offset) / 60;
    char text[TICK_TEXT];
    snprintf(out, TICK_TEXT, "%.19s%c%02d:%02d", tick_text(at_s + offset, text),
             offset < 0 ? '-' : '+', (int)(minutes / 60 % 100), (int)(minutes % 60));
    return out;
}

static int64_t next_of(const struct stored_schedule *x, int64_t now_s)
{
    return x->bad || x->s.paused || x->why.code ? SCHEDULE_NO_TICK : schedule_next(&x->s, now_s);
}

static const char *state_of(const struct stored_schedule *x)
{
    if (x->bad || x->why.code || *x->s.error)
        return "error";
    return x->s.paused ? "paused" : "on";
}

static const char *error_of(const struct stored_schedule *x)
{
    if (x->why.code)
        return x->why.msg;
    return *x->s.error ? x->s.error : NULL;
}

void schedules_print_table(const struct stored_list *l)
{
    static const struct table_column columns[] = {
        {.name = "schedule"}, {.name = "tenant"}, {.name = "cron"},
        {.name = "zone"},     {.name = "missed"}, {.name = "state"},
        {.name = "next"},     {.name = "last"},   {.name = "error", .cut = true},
    };
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    int64_t now_s = clock_real_us() / 1000000;
    for (int i = 0; i < l->n; i++) {
        const struct stored_schedule *x = &l->v[i];
        char next[TICK_TEXT], last[TICK_TEXT];
        const char *state = state_of(x);
        enum table_colour colour = *state == 'e'   ? COLOUR_RED
                                   : *state == 'p' ? COLOUR_YELLOW
                                                   : COLOUR_GREEN;
        table_row(t, (struct table_cell[]){
                         {*x->s.name ? x->s.name : x->key, COLOUR_NONE},
                         {x->s.tenant, COLOUR_NONE},
                         {x->s.cron_text, COLOUR_NONE},
                         {x->s.zone_name, COLOUR_NONE},
                         {x->bad ? "" : schedule_missed_names[x->s.missed], COLOUR_NONE},
                         {state, colour},
                         {tick_text(next_of(x, now_s), next), COLOUR_NONE},
                         {tick_text(x->bad ? -1 : x->s.last_tick_s, last), COLOUR_NONE},
                         {error_of(x), COLOUR_NONE},
                     });
    }
    table_print(t, stdout);
    table_free(t);
}

static void time_member(struct jsonw *w, const char *name, int64_t at_s)
{
    char text[TICK_TEXT];
    jsonw_kstr(w, name, at_s < 0 ? NULL : tick_text(at_s, text));
}

void schedules_print_json(const struct stored_list *l)
{
    int64_t now_s = clock_real_us() / 1000000;
    for (int i = 0; i < l->n; i++) {
        const struct stored_schedule *x = &l->v[i];
        struct buf b = {0};
        struct jsonw w;
        jsonw_init(&w, &b);
        jsonw_object(&w);
        jsonw_kstr(&w, "key", x->key);
        jsonw_kstr(&w, "tenant", *x->s.tenant ? x->s.tenant : NULL);
        jsonw_kstr(&w, "name", *x->s.name ? x->s.name : NULL);
        jsonw_kstr(&w, "cron", *x->s.cron_text ? x->s.cron_text : NULL);
        jsonw_kstr(&w, "zone", *x->s.zone_name ? x->s.zone_name : NULL);
        jsonw_kstr(&w, "class", x->bad ? NULL : job_class_name(x->s.cls));
        jsonw_kstr(&w, "missed", x->bad ? NULL : schedule_missed_names[x->s.missed]);
        jsonw_kbool(&w, "paused", x->s.paused);
        jsonw_kint(&w, "jitter_ms", x->s.jitter_ms);
        jsonw_kstr(&w, "state", state_of(x));
        time_member(&w, "next_tick", next_of(x, now_s));
        time_member(&w, "last_tick", x->bad ? -1 : x->s.last_tick_s);
        jsonw_kstr(&w, "error", error_of(x));
        jsonw_object_end(&w);
        printf("%s\n", b.data);
        buf_free(&b);
    }
}

void schedule_print(const struct stored_schedule *x)
{
    char text[TICK_TEXT];
    struct buf job = {0};
    int64_t next = next_of(x, clock_real_us() / 1000000);
    const struct schedule *s = &x->s;
    printf("schedule  %s\ntenant    %s\nclass     %s\ncron      %s\nzone      %s\nmissed    %s\n",
           s->name, s->tenant, job_class_name(s->cls), s->cron_text, s->zone_name,
           schedule_missed_names[s->missed]);
    printf("state     %s\n", state_of(x));
    if (s->jitter_ms)
        printf("jitter    %" PRId64 " ms\n", s->jitter_ms);
    if (s->from_us)
        printf("from      %s\n", tick_text(s->from_us / 1000000, text));
    if (s->until_us)
        printf("until     %s\n", tick_text(s->until_us / 1000000, text));
    printf("created   %s\n", tick_text(s->created_at_us / 1000000, text));
    printf("last      %s\n", tick_text(s->last_tick_s, text));
    printf("next      %s\n", next < 0 ? "-" : local_text(s->zone, next, text));
    if (error_of(x)) {
        text_add_one_line(&job, error_of(x), strlen(error_of(x)));
        printf("error     %s\n", job.data);
        buf_clear(&job);
    }
    text_add_one_line(&job, s->job, s->job_len);
    printf("job       %s\n", job.data);
    buf_free(&job);
}

void schedule_print_next(const struct schedule *s, int64_t after_s, int64_t n, bool json)
{
    char text[TICK_TEXT];
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_array(&w);
    for (; n > 0 && (after_s = schedule_next(s, after_s)) >= 0; n--) {
        jsonw_str(&w, tick_text(after_s, text));
        if (!json)
            printf("%s\n", local_text(s->zone, after_s, text));
    }
    jsonw_array_end(&w);
    if (json)
        printf("%s\n", b.data);
    buf_free(&b);
}
