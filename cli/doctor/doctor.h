/* What a worker needs of this machine, one finding each. */
#pragma once

#include <stdbool.h>

#include "config/config.h"

enum finding_state {
    FINDING_OK,
    FINDING_WARN, /* a worker starts; something is less good than it could be */
    FINDING_BAD   /* a worker does not start, or must not */
};

struct finding {
    char check[40];
    enum finding_state state;
    char detail[400];
    char remedy[300]; /* "": nothing to do */
};

#define FINDINGS_MAX 48
struct findings {
    struct finding v[FINDINGS_MAX];
    int n;
};

/* Looks at everything. Takes some 100 ms: starts throw-away processes. */
void doctor_examine(const struct config *c, struct findings *out);

/* True when nothing is bad. */
bool doctor_ready(const struct findings *f);
