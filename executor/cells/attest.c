#include "executor/cells/attest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"

#define REPORT_TIMEOUT_MS 2000 /* takes about 1 ms: this is for a machine that is stuck */
#define MEMORY_BYTES      (64u << 20)

/* ---- the set ---- */

void attest_set_text(struct buf *out)
{
    char line[JAIL_PROBE_LINE_MAX];
    for (int i = 0; i < JAIL_PROBE_COUNT; i++)
        buf_add(out, line, (size_t)jail_probe_line(i, line));
}

const char *attest_set_hash(void)
{
    static char hex[SHA256_HEX];
    struct buf text = {0};
    if (*hex)
        return hex;
    attest_set_text(&text);
    crypto_sha256_hex(text.data, text.len, hex);
    buf_free(&text);
    return hex;
}

/* ---- the report ---- */

/* "errno 13" → 13 for the word "errno"; "nothing" → 0. -1: it is something else. */
static int64_t number_behind(const struct jv *v, const char *word, bool numbered)
{
    size_t len, n = strlen(word);
    int64_t number = 0;
    const char *s = jv_string(v, &len);
    if (!s || len < n || memcmp(s, word, n))
        return -1;
    if (!numbered)
        return len == n ? 0 : -1;
    if (len < n + 2 || len > n + 6 || s[n] != ' ')
        return -1;
    for (size_t i = n + 1; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        number = number * 10 + (s[i] - '0');
    }
    return number;
}

static const char *call_name(int64_t n)
{
    const char *name = n >= 0 && n <= UINT32_MAX ? jail_syscall_name((uint32_t)n) : NULL;
    return name ? name : "an unknown system call";
}

/* One row; -1 when it is not what a row looks like. */
static int judge_row(const struct jail_probe *p, const struct jv *v, bool in_force,
                     enum attest_end *end, char *how, size_t cap)
{
    int64_t n;
    *end = ATTEST_ESCAPED;
    if ((n = number_behind(v, "seccomp", true)) >= 0) {
        snprintf(how, cap, "trapped %s", call_name(n));
        if (p->layer == LAYER_SECCOMP && n == p->call)
            *end = ATTEST_HELD;
    } else if ((n = number_behind(v, "errno", true)) > 0) {
        snprintf(how, cap, "%s", strerror((int)n));
        if (p->layer != LAYER_SECCOMP)
            *end = ATTEST_HELD;
    } else if (number_behind(v, "nothing", false) == 0) {
        snprintf(how, cap, "it succeeded");
    } else if (number_behind(v, "skipped", false) == 0) {
        snprintf(how, cap, "not tried: %s is not in force", jail_probe_layer(p));
        if (in_force)
            return -1;
    } else {
        return -1;
    }
    if (!in_force)
        *end = ATTEST_SKIPPED;
    return 0;
}

static int say_escaped(const struct attest_report *r, struct err *e)
{
    int i = 0;
    while (r->row[i].end != ATTEST_ESCAPED)
        i++;
    const struct jail_probe *p = &jail_probes[i];
    char more[32] = "";
    if (r->count[ATTEST_ESCAPED] > 1)
        snprintf(more, sizeof more, " (and %d more)", r->count[ATTEST_ESCAPED] - 1);
    return err_set(
        e, ERR_DENIED,
        "the jail does not hold: escape attempt %s%s, %s, was to be stopped by layer %s; "
        "found: %s; no jobs are run here. `isolane attest` shows every attempt",
        p->name, more, p->what, jail_probe_layer(p), r->row[i].how);
}

static int malformed(struct err *e, const char *what)
{
    return err_set(e, ERR_PROTOCOL,
                   "the jail is not attested: %s; no jobs are run here. The engine folder may not "
                   "be of this program's build",
                   what);
}

int attest_judge(const char *json, size_t len, uint32_t layers, struct attest_report *out,
                 struct err *e)
{
    struct jv *v;
    memset(out, 0, sizeof *out);
    if (len > JAIL_PROBE_REPORT_MAX || jv_parse(json, len, &v, NULL))
        return malformed(e, "the report of the escape attempts is no JSON text of its size");
    int rc = 0;
    if (jv_type(v) != JV_ARRAY || jv_count(v) != JAIL_PROBE_COUNT)
        rc = malformed(e, "the report of the escape attempts is not complete");
    for (int i = 0; !rc && i < JAIL_PROBE_COUNT; i++) {
        const struct jail_probe *p = &jail_probes[i];
        bool in_force = p->layer == PROBE_PROCESS || (layers & (1u << p->layer));
        char what[128];
        if (judge_row(p, jv_at(v, (size_t)i), in_force, &out->row[i].end, out->row[i].how,
                      sizeof out->row[i].how)) {
            snprintf(what, sizeof what, "the report of escape attempt %s is malformed", p->name);
            rc = malformed(e, what);
        } else {
            out->count[out->row[i].end]++;
        }
    }
    jv_free(v);
    return !rc && out->count[ATTEST_ESCAPED] ? say_escaped(out, e) : rc;
}

/* ---- in a cell ---- */

struct attest_run {
    uv_timer_t timer;
    struct cell *cell;
    uint32_t layers;
    attest_ended_fn *fn;
    void *arg;
    bool late, spoiled;
};

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void attest_drop(struct attest_run *r)
{
    if (!r)
        return;
    r->fn = NULL;
    if (!uv_is_closing((uv_handle_t *)&r->timer))
        uv_close((uv_handle_t *)&r->timer, on_closed);
}

static void end(struct attest_run *r, int rc, const struct attest_report *report,
                const struct err *why)
{
    attest_ended_fn *fn = r->fn;
    void *arg = r->arg;
    attest_drop(r);
    if (fn)
        fn(rc, report, why, arg);
}

static void on_late(uv_timer_t *t)
{
    struct attest_run *r = t->data;
    r->late = true;
    cell_kill(r->cell);
}

static void on_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    (void)stream;
    (void)text;
    (void)len;
    struct attest_run *r = arg;
    r->spoiled = true; /* whatever it reports behind that */
    cell_kill(c);
}

static void on_call(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg)
{
    (void)call_id;
    (void)name;
    (void)name_len;
    on_output(c, 0, json, len, arg);
}

static const char spoilt[] = "the cell said something else than its report";

static void on_done(struct cell *c, const struct cell_done *d, void *arg)
{
    (void)c;
    struct attest_run *r = arg;
    struct attest_report report;
    struct err e = {0};
    int rc;
    if (r->spoiled)
        rc = malformed(&e, spoilt);
    else if (d->end != FRAME_END_OK)
        rc = malformed(&e, "the cell ended its escape attempts with an error");
    else
        rc = attest_judge(d->value, d->value_len, r->layers, &report, &e);
    end(r, rc, &report, rc ? &e : NULL);
}

static void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    (void)c;
    struct attest_run *r = arg;
    struct err e = {0};
    if (g->with_zygote) {
        end(r, 1, NULL, NULL);
        return;
    }
    int rc = r->late ? ERR_TIMEOUT : ERR_UNAVAILABLE;
    if (g->breach || r->spoiled)
        rc = malformed(&e, g->breach ? g->breach : spoilt);
    else
        err_set(&e, rc,
                "the jail is not attested: the cell that made the escape attempts %s; no jobs are "
                "run here",
                r->late ? "did not report in time" : "ended without a report");
    end(r, rc, NULL, &e);
}

const struct cell_events attest_cell_events = {
    .output = on_output,
    .call = on_call,
    .done = on_done,
    .gone = on_gone,
};

int attest_begin(uv_loop_t *loop, struct cell *c, uint32_t layers, attest_ended_fn *fn, void *arg,
                 struct attest_run **out, struct err *e)
{
    static const struct cell_invocation inv = {
        .id = 1,
        .source = FRAME_PROBE,
        .attempt = 1,
        .clock_us = 1000,
        .heap_bytes = MEMORY_BYTES,
        .memory_bytes = MEMORY_BYTES,
        .output_bytes = 0,
        .value_bytes = JAIL_PROBE_REPORT_MAX,
        .job_id = "attest",
        .tenant = "",
        .name = "",
        .script = "",
        .input = "null",
        .input_len = 4,
        .env = "{}",
        .env_len = 2,
    };
    int rc = cell_invoke(c, &inv, e);
    if (rc)
        return rc;
    struct attest_run *r = mem_alloc(sizeof *r);
    r->cell = c;
    r->layers = layers;
    r->fn = fn;
    r->arg = arg;
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    uv_timer_start(&r->timer, on_late, REPORT_TIMEOUT_MS, 0);
    *out = r;
    return 0;
}
