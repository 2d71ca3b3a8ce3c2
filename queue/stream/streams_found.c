/* What is there already: how it differs from what is wanted, and whether sequences may repeat. */
#include "queue/stream/streams_inner.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"

/* Sequences from here on come from a clock (2001 and later), not from counting. */
#define CLOCKED_SEQ   1000000000000000ull
/* A stream that somebody else began to make so long ago is finished by us. */
#define UNFINISHED_US 10000000

struct comparison {
    const struct streams *streams;
    const struct jv *found;
};

static int compare_member(const char *name, const struct jv *wanted, void *arg)
{
    const struct comparison *c = arg;
    const struct jv *found = jv_get(c->found, name);
    struct buf a = {0}, b = {0};
    char what[STREAMS_SHOWN_MAX];
    jv_dump(wanted, &a);
    if (found)
        jv_dump(found, &b);
    if (a.len != b.len || (a.len && memcmp(a.data, b.data, a.len) != 0))
        log_warn(
            "queue",
            "%s is there with %s %.120s, not %.120s as configured; it is used as it is (change one "
            "of the two)",
            streams_shown(c->streams, what, sizeof what), name, found ? b.data : "unset", a.data);
    buf_free(&a);
    buf_free(&b);
    return 0;
}

void streams_compare(const struct streams *s, const struct jv *answer)
{
    struct comparison c = {.streams = s, .found = jv_get(answer, "config")};
    struct buf b = {0};
    struct jsonw w;
    struct jv *wanted = NULL;
    jsonw_init(&w, &b);
    streams_wanted(s, &w);
    CHECK(jv_parse(b.data, b.len, &wanted, NULL) == 0);
    if (jv_type(c.found) == JV_OBJECT)
        jv_each(wanted, compare_member, &c);
    jv_free(wanted);
    buf_free(&b);
}

/* Two times as JetStream writes them, fractions of any length. */
static int compare_times(const char *a, const char *b)
{
    int seconds = strncmp(a, b, 19);
    if (seconds || strlen(a) < 20 || strlen(b) < 20)
        return seconds;
    for (a += 19, b += 19; *a || *b; a += *a != 0, b += *b != 0) {
        int x = *a >= '0' && *a <= '9' ? *a : '0', y = *b >= '0' && *b <= '9' ? *b : '0';
        if (x != y)
            return x - y;
    }
    return 0;
}

void streams_note_results(struct streams *s, const struct jv *answer)
{
    const struct jv *state = jv_get(answer, "state");
    const char *oldest = jv_string(jv_get(state, "first_ts"), NULL);
    s->results_known = jv_number(jv_get(state, "last_seq")) > 0;
    if (oldest && jv_number(jv_get(state, "messages")) > 0)
        snprintf(s->oldest_result, sizeof s->oldest_result, "%s", oldest);
}

/* Whether sequences of this jobs stream were given before. */
void streams_note_jobs(struct streams *s, const struct jv *answer)
{
    const char *made = jv_string(jv_get(answer, "created"), NULL);
    double last = jv_number(jv_get(jv_get(answer, "state"), "last_seq"));
    bool younger = made && *s->oldest_result && compare_times(made, s->oldest_result) > 0;
    bool behind = s->used_seq && last < (double)s->used_seq;
    s->repeat = behind || (younger && last < (double)(CLOCKED_SEQ - 1));
    if (s->repeat)
        log_warn("queue",
                 "stream %s was made anew, or set back, by somebody else: it gives sequences that "
                 "older results have as their ids; where such a result is known, a job without an "
                 "id gets its result as <sequence>@<time published>",
                 s->subjects->jobs_stream);
}

/* Somebody has begun to make the jobs stream in three steps. */
bool streams_unfinished(const struct streams *s, const struct jv *answer)
{
    const struct jv *subjects = jv_get(jv_get(answer, "config"), "subjects");
    const char *only = jv_type(subjects) == JV_ARRAY ? jv_string(jv_at(subjects, 0), NULL) : NULL;
    char not_yet[SUBJECT_MAX];
    subject_jobs_not_yet(s->subjects, not_yet);
    return only && !strcmp(only, not_yet);
}

bool streams_old(const struct jv *answer)
{
    const char *made = jv_string(jv_get(answer, "created"), NULL);
    char before[CLOCK_RFC3339_LEN];
    clock_rfc3339(clock_real_us() - UNFINISHED_US, before);
    return made && compare_times(made, before) < 0;
}
