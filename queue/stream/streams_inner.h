/* What the files of a set-up share: streams.c (the walk), streams_wanted.c, streams_found.c. Nobody
 * else includes this. */
#pragma once

#include "base/jsonw.h"
#include "base/jv.h"
#include "queue/stream/streams.h"

#define STREAMS_SHOWN_MAX 256

enum op { INFO, CREATE, PURGE, UPDATE };

enum thing {
    RESULTS_STREAM, /* before the jobs stream: whether there are results */
    JOBS_STREAM,
    EVENTS_STREAM,
    DEAD_STREAM,
    LATER_STREAM,
    CONSUMER_MOVER, /* from here on consumers: of the stream of jobs for later … */
    FIRST_CONSUMER, /* … and those of the jobs stream that the caller names */
};

struct streams {
    struct link *link;
    const struct config *config;
    const struct subjects *subjects;
    streams_done done; /* NULL: cancelled */
    void *arg;
    struct consumer **consumers;
    int things;                   /* how many of streams and consumers */
    int now;                      /* enum thing and on */
    bool beginning, ended;        /* inside streams_begin(), which frees then */
    enum op op;                   /* of the request under way */
    uint64_t used_seq, first_seq; /* first_seq: of a stream made in three steps, else 0 */
    bool results_known;           /* the results stream has, or had, messages */
    char oldest_result[40];       /* when its oldest was stored, "" : none */
    bool repeat;
    bool was_there; /* CREATE said so: do not try again */
};

/* The consumer whose turn it is. */
struct consumer *streams_consumer(const struct streams *s);
/* Of a thing: its stream. */
const char *streams_name(const struct streams *s, int t);
/* "stream ISOLANE_JOBS", "consumer worker_high of stream ISOLANE_JOBS" */
const char *streams_shown(const struct streams *s, char *out, size_t cap);

/* ---- streams_wanted.c ---- */
/* What the thing whose turn it is should be: what CREATE sends. */
void streams_wanted(const struct streams *s, struct jsonw *w);

/* ---- streams_found.c ---- */
/* A warning for each member of INFO's answer that is not as wanted. */
void streams_compare(const struct streams *s, const struct jv *answer);
void streams_note_results(struct streams *s, const struct jv *answer);
/* Whether sequences of this jobs stream were given before. */
void streams_note_jobs(struct streams *s, const struct jv *answer);
/* Somebody has begun to make the jobs stream in three steps; and that was long ago. */
bool streams_unfinished(const struct streams *s, const struct jv *answer);
bool streams_old(const struct jv *answer);
