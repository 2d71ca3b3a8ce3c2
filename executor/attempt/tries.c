#include "executor/attempt/tries.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "config/retry.h"

#define WORKER_MAX 255  /* bytes of a worker's name that came in an event */
#define MS_MAX     1e12 /* likewise of a duration */

static void keep(struct tries *t, char *json)
{
    if (t->n == TRIES_MAX) {
        free(t->json[0]);
        memmove(t->json, t->json + 1, (TRIES_MAX - 1) * sizeof *t->json);
        t->n--;
    }
    t->json[t->n++] = json;
}

static void write_cut(struct jsonw *w, const char *name, const char *s, size_t max)
{
    jsonw_name(w, name);
    jsonw_string(w, s, utf8_cut(s, strlen(s), max));
}

static void write_time(struct jsonw *w, const char *name, int64_t us)
{
    char text[CLOCK_RFC3339_LEN];
    clock_rfc3339(us, text);
    jsonw_kstr(w, name, text);
}

void tries_add(struct tries *t, const struct one_try *one)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kint(&w, "attempt", one->attempt);
    jsonw_kstr(&w, "outcome", outcome_name(one->outcome));
    jsonw_name(&w, "error");
    if (one->error_name) {
        jsonw_object(&w);
        write_cut(&w, "name", one->error_name, TRIES_NAME_MAX);
        write_cut(&w, "message", one->error_message ? one->error_message : "", TRIES_MESSAGE_MAX);
        jsonw_object_end(&w);
    } else {
        jsonw_null(&w);
    }
    write_time(&w, "started_at", one->started_at_us);
    write_time(&w, "finished_at", one->finished_at_us);
    jsonw_kstr(&w, "worker", one->worker);
    jsonw_kms(&w, "cpu_ms", one->cpu_us);
    jsonw_kms(&w, "wall_ms", one->wall_us);
    jsonw_object_end(&w);
    keep(t, buf_take(&b, NULL));
}

static bool read_outcome(const struct jv *v, enum outcome *out)
{
    const char *name = jv_string(v, NULL);
    for (int o = 0; name && o < OUTCOMES; o++)
        if (!strcmp(name, outcome_name((enum outcome)o))) {
            *out = (enum outcome)o;
            return true;
        }
    return false;
}

static bool read_time(const struct jv *v, int64_t *us)
{
    const char *text = jv_string(v, NULL);
    return text && clock_parse_time(text, us);
}

static bool read_us(const struct jv *v, int64_t *us)
{
    double ms = jv_number(v);
    *us = ms >= 0 && ms < MS_MAX ? llround(ms * 1000) : 0;
    return jv_type(v) == JV_NUMBER;
}

/* The strings are the document's. */
static bool read_try(const struct jv *v, struct one_try *one)
{
    int64_t attempt = 0;
    const struct jv *error = jv_get(v, "error");
    *one = (struct one_try){
        .error_name = jv_string(jv_get(error, "name"), NULL),
        .error_message = jv_string(jv_get(error, "message"), NULL),
        .worker = jv_string(jv_get(v, "worker"), NULL),
    };
    if (!jv_int(jv_get(v, "attempt"), &attempt) || attempt < 1 || attempt > RETRY_ATTEMPTS_MAX)
        return false;
    one->attempt = (int)attempt;
    return read_outcome(jv_get(v, "outcome"), &one->outcome) &&
           read_time(jv_get(v, "started_at"), &one->started_at_us) &&
           read_time(jv_get(v, "finished_at"), &one->finished_at_us) && one->worker &&
           strlen(one->worker) <= WORKER_MAX && read_us(jv_get(v, "cpu_ms"), &one->cpu_us) &&
           read_us(jv_get(v, "wall_ms"), &one->wall_us);
}

void tries_restore(struct tries *t, const struct jv *array)
{
    if (jv_type(array) != JV_ARRAY)
        return;
    for (size_t i = 0; i < jv_count(array) && i < TRIES_MAX; i++) {
        struct one_try one;
        if (jv_type(jv_at(array, i)) == JV_OBJECT && read_try(jv_at(array, i), &one))
            tries_add(t, &one);
    }
}

void tries_write(const struct tries *t, struct buf *out)
{
    buf_addc(out, '[');
    for (int i = 0; i < t->n; i++)
        buf_addf(out, "%s%s", i ? "," : "", t->json[i]);
    buf_addc(out, ']');
}

void tries_free(struct tries *t)
{
    for (int i = 0; i < t->n; i++)
        free(t->json[i]);
    t->n = 0;
}
