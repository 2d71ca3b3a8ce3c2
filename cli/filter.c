#include "cli/filter.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "config/paths.h"

void filter_add_options(struct options *o, struct filter *f)
{
    const struct option_row rows[] = {
        {.name = "db",
         .type = OPTION_TEXT,
         .to = &f->db,
         .arg = "FILE",
         .help = "results database (else that of the data folder)"},
        {.name = "tenant",
         .type = OPTION_TEXT,
         .to = &f->tenant,
         .arg = "NAME",
         .help = "of this tenant"},
        {.name = "outcome",
         .type = OPTION_TEXT,
         .to = &f->outcome,
         .arg = "NAME",
         .help = "ended so: ok, threw, cpu_exceeded, …"},
        {.name = "failed",
         .type = OPTION_FLAG,
         .to = &f->failed,
         .help = "ended otherwise than ok"},
        {.name = "state",
         .type = OPTION_TEXT,
         .to = &f->state,
         .arg = "NAME",
         .help = "done or dead"},
        {.name = "class",
         .type = OPTION_TEXT,
         .to = &f->cls,
         .arg = "NAME",
         .help = "high, normal or low"},
        {.name = "worker",
         .type = OPTION_TEXT,
         .to = &f->worker,
         .arg = "NAME",
         .help = "run by this worker"},
        {.name = "id",
         .type = OPTION_TEXT,
         .to = &f->id_prefix,
         .arg = "PREFIX",
         .help = "with an id that begins so"},
        {.name = "since",
         .type = OPTION_TEXT,
         .to = &f->since,
         .arg = "TIME",
         .help = "finished then or later: 2026-11-21T10:00 (UTC), or so long ago: 15m, 2h, 7d"},
        {.name = "until",
         .type = OPTION_TEXT,
         .to = &f->until,
         .arg = "TIME",
         .help = "finished before then"},
    };
    options_add(o, rows, ARRAY_LEN(rows));
    options_add_settings(o, &f->settings, false);
}

/* 0, or EXIT_USAGE with the nearest of the names said. */
static int check_name(const struct command *self, const char *option, const char *found,
                      const char *const *names, int n)
{
    struct buf list = {0};
    struct nearest near = {.word = found};
    if (!found)
        return 0;
    for (int i = 0; i < n; i++) {
        if (!strcmp(found, names[i]))
            return 0;
        nearest_try(&near, names[i]);
        buf_addf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    int rc = fail_usage(self, "--%s: found '%s'; allowed: %s%s%s%s", option, found, list.data,
                        near.best ? "; did you mean '" : "", near.best ? near.best : "",
                        near.best ? "'?" : "");
    buf_free(&list);
    return rc;
}

static int read_time(const struct command *self, const char *option, const char *text, int64_t *out)
{
    if (!text || list_time(text, clock_real_us(), out))
        return 0;
    return fail_usage(self,
                      "--%s: found '%s'; allowed: a date, a time in UTC (2026-11-21T10:00), or how "
                      "long ago (15m, 2h, 7d)",
                      option, text);
}

int filter_read(const struct command *self, struct filter *f)
{
    static const char *const states[] = {"done", "dead"}, *const classes[] = {"high", "normal",
                                                                              "low"};
    const char *outcomes[OUTCOMES];
    struct err e;
    for (int i = 0; i < OUTCOMES; i++)
        outcomes[i] = outcome_name((enum outcome)i);
    int rc = check_name(self, "outcome", f->outcome, outcomes, OUTCOMES);
    if (!rc)
        rc = check_name(self, "state", f->state, states, ARRAY_LEN(states));
    if (!rc)
        rc = check_name(self, "class", f->cls, classes, ARRAY_LEN(classes));
    if (!rc)
        rc = read_time(self, "since", f->since, &f->list.since_us);
    if (!rc)
        rc = read_time(self, "until", f->until, &f->list.until_us);
    f->list.tenant = f->tenant;
    f->list.cls = f->cls;
    f->list.state = f->state;
    f->list.outcome = f->outcome;
    f->list.worker = f->worker;
    f->list.id_prefix = f->id_prefix;
    f->list.failed = f->failed;
    if (!rc && f->db && input_check(f->db, &e))
        rc = fail_usage(self, "--db: %s", e.msg);
    return rc ? rc : OPTIONS_GO;
}

int filter_open(const struct filter *f, struct store **out, struct err *e)
{
    struct config *c = NULL;
    struct data_paths paths;
    if (f->db)
        return store_open(f->db, STORE_READ, out, e);
    int rc = settings_load(&f->settings, &c, e);
    if (!rc)
        rc = data_paths(c->data_dir, &paths, e);
    if (!rc)
        rc = store_open(paths.db, STORE_READ, out, e);
    config_free(c);
    return rc;
}
