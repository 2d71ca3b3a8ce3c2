#include "cli/patience.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define WORD_MAX     32
#define BACKOFF_TEXT "TYPE[,DELAY_MS[,MAX_MS[,JITTER]]], as in exponential,500,60000,0.5"
#define MOMENT_TEXT  "RFC 3339 (2026-11-21T09:57:00Z), or from now on: +90s, +15m, +2h, +7d"
#define SPAN_TEXT    "90s, 15m, 2h, 7d"

void options_add_patience(struct options *o, struct patience *p)
{
    const struct option_row rows[] = {
        {.name = "max-attempts",
         .type = OPTION_INT,
         .to = &p->max_attempts,
         .arg = "N",
         .min = 1,
         .max = RETRY_ATTEMPTS_MAX,
         .help = "runs in all (default: 3)"},
        {.name = "retry-on",
         .type = OPTION_TEXT,
         .to = &p->retry_on,
         .arg = "WHAT[,WHAT]",
         .help = "outcomes it is tried again after (default: crashed), or none"},
        {.name = "backoff",
         .type = OPTION_TEXT,
         .to = &p->backoff,
         .arg = "HOW",
         .help = "TYPE[,DELAY_MS[,MAX_MS[,JITTER]]] (exponential,500,60000,0.5)"},
        {.name = "not-before",
         .type = OPTION_TEXT,
         .to = &p->not_before,
         .arg = "TIME",
         .help = "not started before: RFC 3339, or +90s, +15m, +2h, +7d"},
        {.name = "deadline",
         .type = OPTION_TEXT,
         .to = &p->deadline,
         .arg = "TIME",
         .help = "ended by then"},
        {.name = "ttl",
         .type = OPTION_TEXT,
         .to = &p->ttl,
         .arg = "TIME",
         .help = "the same, from when the queue has it: 90s, 15m, 2h, 7d"},
        {.name = "concurrency-key",
         .type = OPTION_TEXT,
         .to = &p->concurrency_key,
         .arg = "KEY",
         .help = "one job of the tenant with this key runs at a time, in the whole cluster"},
        {.name = "concurrency-limit",
         .type = OPTION_INT,
         .to = &p->concurrency_limit,
         .arg = "N",
         .min = 1,
         .max = CONCURRENCY_LIMIT_MAX,
         .help = "or so many (with --concurrency-key)"},
    };
    options_add(o, rows, ARRAY_LEN(rows));
}

/* "90s" → milliseconds; false: it is none. */
static bool read_span(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 9)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (!strcmp(text + digits, units[i].unit)) {
            *ms = strtoll(text, NULL, 10) * units[i].ms;
            return *ms > 0;
        }
    return false;
}

static int read_moment(const char *option, const char *text, int64_t now_us, int64_t *out,
                       struct err *e)
{
    int64_t ms;
    if (!text)
        return 0;
    if (text[0] == '+' && read_span(text + 1, &ms)) {
        *out = now_us + ms * 1000;
        return 0;
    }
    if (clock_parse_time(text, out) && *out > 0)
        return 0;
    return err_set(e, ERR_INVALID, "--%s: found '%.60s'; allowed: " MOMENT_TEXT, option, text);
}

/* The next of what stands between commas; NULL: no more. */
static const char *next_word(const char **rest, char word[WORD_MAX])
{
    if (!*rest)
        return NULL;
    size_t n = strcspn(*rest, ",");
    snprintf(word, WORD_MAX, "%.*s", (int)(n < WORD_MAX ? n : WORD_MAX - 1), *rest);
    *rest = (*rest)[n] ? *rest + n + 1 : NULL;
    return word;
}

static int read_outcomes(const char *text, struct retry_asked *out, struct err *e)
{
    char word[WORD_MAX];
    const char *rest = text;
    if (!text)
        return 0;
    out->outcomes_given = true;
    if (!strcmp(text, "none"))
        return 0;
    while (next_word(&rest, word)) {
        int o = retry_outcome_by_name(word);
        if (o < 0)
            return err_set(e, ERR_INVALID,
                           "--retry-on: found '%s'; allowed: " RETRY_OUTCOMES_TEXT ", or none",
                           word);
        out->v.outcomes |= 1u << o;
    }
    return 0;
}

static bool read_ms(const char *word, int64_t *ms)
{
    if (!*word || strspn(word, "0123456789") != strlen(word) || strlen(word) > 9)
        return false;
    *ms = strtoll(word, NULL, 10);
    return *ms <= RETRY_DELAY_MS_MAX;
}

static int read_backoff(const char *text, struct retry_asked *out, struct err *e)
{
    char word[WORD_MAX], *end;
    const char *rest = text;
    struct retry_policy *v = &out->v;
    struct retry_policy base;
    if (!text)
        return 0;
    retry_default(&base);
    v->delay_ms = base.delay_ms;
    out->backoff_given = out->type_given = true;
    next_word(&rest, word);
    bool good = !strcmp(word, "fixed") || !strcmp(word, "exponential");
    v->type = !strcmp(word, "fixed") ? BACKOFF_FIXED : BACKOFF_EXPONENTIAL;
    if (good && next_word(&rest, word))
        good = read_ms(word, &v->delay_ms);
    if (good && (out->max_given = next_word(&rest, word) != NULL))
        good = read_ms(word, &v->max_ms) && v->max_ms >= v->delay_ms;
    if (good && (out->jitter_given = next_word(&rest, word) != NULL)) {
        v->jitter = strtod(word, &end);
        good = *word && !*end && v->jitter >= 0 && v->jitter <= 1;
    }
    if (!good || rest)
        return err_set(e, ERR_INVALID, "--backoff: found '%.60s'; allowed: " BACKOFF_TEXT, text);
    return 0;
}

int patience_read(const struct patience *p, int64_t now_us, struct retry_asked *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    out->v.max_attempts = (int)p->max_attempts;
    int rc = read_outcomes(p->retry_on, out, e);
    if (!rc)
        rc = read_backoff(p->backoff, out, e);
    if (!rc)
        rc = read_moment("not-before", p->not_before, now_us, &out->not_before_us, e);
    if (!rc)
        rc = read_moment("deadline", p->deadline, now_us, &out->deadline_us, e);
    if (!rc && p->ttl && (!read_span(p->ttl, &out->ttl_ms) || out->ttl_ms > JOB_TTL_MS_MAX))
        rc = err_set(e, ERR_INVALID,
                     "--ttl: found '%.60s'; allowed: " SPAN_TEXT " (at most a year)", p->ttl);
    out->concurrency_key = p->concurrency_key;
    out->concurrency_limit = p->concurrency_limit;
    if (!rc && p->concurrency_key &&
        !concurrency_key_valid(p->concurrency_key, strlen(p->concurrency_key)))
        rc = err_set(e, ERR_INVALID,
                     "--concurrency-key: found '%.100s'; allowed: " CONCURRENCY_KEY_ALLOWED,
                     p->concurrency_key);
    if (!rc && p->concurrency_limit && !p->concurrency_key)
        rc = err_set(e, ERR_INVALID, "--concurrency-limit: found without --concurrency-key");
    return rc;
}
