/* workers: who is in the cluster, what each does, and who has fallen silent. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/print/format.h"
#include "cli/client/registered.h"
#include "cli/print/table.h"

/* The entry with two members more. */
static void print_json(const struct registered *w)
{
    size_t len = w->len;
    while (len && w->json[len - 1] != '}')
        len--;
    printf("%.*s,\"age_ms\":%" PRId64 ",\"silent\":%s}\n", (int)(len ? len - 1 : 0), w->json,
           w->age_ms, w->silent ? "true" : "false");
}

static enum table_colour colour_of(const struct registered *w)
{
    if (w->silent || w->entry.state == WORKER_STUCK)
        return COLOUR_RED;
    return w->entry.state == WORKER_TAKING ? COLOUR_GREEN : COLOUR_YELLOW;
}

static void add_row(struct table *t, const struct registered *w)
{
    const struct worker_entry *x = &w->entry;
    char running[48], waiting[24], done[24], pid[24], age[FIGURE_MAX], up[FIGURE_MAX], key[13];
    snprintf(running, sizeof running, "%" PRId64 "/%" PRId64, x->running, x->max_running);
    snprintf(waiting, sizeof waiting, "%" PRId64, x->waiting);
    snprintf(done, sizeof done, "%" PRId64, x->done);
    snprintf(pid, sizeof pid, "%" PRId64, x->pid);
    snprintf(key, sizeof key, "%.12s", x->keyid);
    figure_ms((double)w->age_ms, age);
    figure_ms((double)(clock_real_us() - x->started_at_us) / 1000, up);
    table_row(t, (struct table_cell[]){
                     {x->worker, COLOUR_NONE},
                     {w->silent ? "silent" : worker_state_name(x->state), colour_of(w)},
                     {age, w->silent ? COLOUR_RED : COLOUR_DIM},
                     {running, COLOUR_NONE},
                     {waiting, COLOUR_NONE},
                     {done, COLOUR_NONE},
                     {up, COLOUR_NONE},
                     {x->host, COLOUR_NONE},
                     {pid, COLOUR_NONE},
                     {x->version, COLOUR_NONE},
                     {key, COLOUR_DIM},
                     {x->engine, COLOUR_DIM},
                 });
}

static void print_table(const struct registered_list *l)
{
    static const struct table_column columns[] = {
        {.name = "worker"},
        {.name = "state"},
        {.name = "heard", .right = true},
        {.name = "running", .right = true},
        {.name = "waiting", .right = true},
        {.name = "done", .right = true},
        {.name = "up", .right = true},
        {.name = "host"},
        {.name = "pid", .right = true},
        {.name = "version"},
        {.name = "key"},
        {.name = "engine", .cut = true},
    };
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    for (int i = 0; i < l->n; i++)
        add_row(t, &l->v[i]);
    table_print(t, stdout);
    table_free(t);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    struct options o = {.command = self};
    struct registered_list l = {0};
    struct err e = {0};
    struct client c;
    bool json = false;
    int silent = 0;
    options_add(&o,
                (const struct option_row[]){{.name = "json",
                                             .type = OPTION_FLAG,
                                             .to = &json,
                                             .help = "print JSON, one worker a line"}},
                1);
    options_add_settings(&o, &settings, true);
    int code = options_parse(&o, argc, argv, 0, 0, "");
    if (code != OPTIONS_GO)
        return code;
    if (client_open(&c, &settings, &e) || registered_read(&c, NULL, &l, &e)) {
        code = fail(&e);
    } else {
        for (int i = 0; i < l.n; i++) {
            silent += l.v[i].silent;
            if (json)
                print_json(&l.v[i]);
        }
        if (!json && l.n)
            print_table(&l);
        if (l.unread)
            say("%d entries of the registry at %s cannot be read; %s", l.unread, link_url(c.link),
                l.why.msg);
        else if (!l.n)
            say("no worker is registered at %s", link_url(c.link));
        code = out_finish(silent || !l.n ? EXIT_JOB_NOT_OK : EXIT_JOB_OK);
    }
    client_close(&c);
    registered_free(&l);
    return code;
}

const struct command command_workers = {
    .name = "workers",
    .summary = "list the workers of a cluster and what they do",
    .usage = "[options]",
    .about = "From the registry, where every worker keeps an entry with a heartbeat. `silent`: it "
             "missed three.\n"
             "An entry goes with the worker's clean end, else after 15 minutes of silence.\n"
             "Without a worker nothing stands on standard output, and a line on the other says so.",
    .exits =
        "0 all are heard of, 1 one is silent or there is none, 2 usage or input, 3 our failure",
    .example = "  isolane workers --nats nats://127.0.0.1:4222\n"
               "  isolane workers --json | jq -r 'select(.silent).worker'",
    .run = run,
};
