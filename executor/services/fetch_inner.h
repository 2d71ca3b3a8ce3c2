/* What the files of the service `fetch` share: a run's requests (fetch.c), those of them that wait
 * for their turn (fetch_line.c), and the streams that bodies come over (fetch_upload.c). Loop
 * thread only. */
#pragma once

#include "egress/transfer.h"
#include "executor/services/fetch_ask.h"
#include "executor/services/net_run.h"
#include "executor/services/service.h"

#define REDIRECTS_KEPT 8 /* answers whose next hop may still be asked for */

struct redirect {
    int64_t id; /* 0: free */
    struct egress_decision d;
};

/* What a run has under way, and has used up. */
struct fetch_run {
    struct net_run *net;
    struct list fetches; /* that have begun */
    struct list line;    /* that wait, in order */
    struct list uploads;
    int64_t begun;
    size_t line_bytes; /* of what those that wait ask for */
    uv_timer_t *turn;  /* runs while somebody waits; NULL: nobody ever has */
    int running, waiting_uploads;
    struct redirect *redirects[REDIRECTS_KEPT];
};

/* A stream that a request will take its body from. */
struct upload {
    struct list node;
    struct fetch_run *run;
    struct cell_stream *stream;
    struct fetch *fetch; /* NULL: no request has named it yet */
};

/* Of one that waits for its turn: what it asks for. */
struct fetch_waiting {
    struct fetch_ask ask;
    struct egress_decision from; /* of the answer that redirected here */
    size_t bytes;
    bool body_ended; /* before a byte of it came */
};

struct fetch {
    struct list node;
    struct fetch_run *run;
    struct cell *cell;
    struct fetch_waiting *waiting; /* NULL: it has begun */
    struct transfer *transfer;     /* NULL: over, or waiting */
    struct service_pending *pending;
    struct cell_stream *down;
    struct upload *up;
    int64_t drain; /* bytes of a body that nobody wants, before it is given up */
    int64_t tag;
    int64_t id, sent, received, connects; /* of it, what is counted */
};

/* fetch.c */

int fetch_run_of(const struct service_call *c, struct fetch_run **out, struct err *e);
/* Whoever waits for f is told why it fails; f is no more. */
void fetch_fail(struct fetch *f, const struct err *why);
void fetch_free(struct fetch *f);
/* Counts what has moved. False: more than an attempt may move; f has failed and is no more. */
bool fetch_count(struct fetch *f);
/* f, which is in no list, begins: it may fail at once, and be no more. from: NULL, no redirect. */
void fetch_begin(struct fetch *f, const struct fetch_ask *a, const struct egress_decision *from);

/* fetch_line.c */

/* May one more begin now? */
bool fetch_line_is_free(const struct fetch_run *r);
/* f has to wait, with what it asks for: *a is taken over. ERR_LIMIT: too much waits already, and
 * nothing is taken. */
int fetch_line_join(struct fetch *f, struct fetch_ask *a, const struct egress_decision *from,
                    struct err *e);
/* f, which waits, waits no more; what it asked for is gone. */
void fetch_line_leave(struct fetch *f);
/* One that had begun has ended. */
void fetch_line_moves(struct fetch_run *r);
/* The run is over. */
void fetch_line_end(struct fetch_run *r);

/* fetch_upload.c */

/* The stream of that number, which no request has named. ERR_INVALID. */
int upload_find(struct fetch_run *r, int64_t number, struct upload **out, struct err *e);
/* It is f's, which may wait still. */
void upload_give(struct upload *u, struct fetch *f);
/* Its request has begun: bytes may come. */
void upload_open(struct upload *u);
void upload_free(struct upload *u); /* NULL is fine */
