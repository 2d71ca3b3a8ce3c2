/* ls: results of a database as a table, newest first, a page at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/print/format.h"
#include "cli/print/table.h"

#define PAGE 200 /* rows read in one transaction: a writer is not held up */

struct listing {
    struct filter filter;
    bool json;
    int64_t limit;
    const char *after;
    struct table *table;
    uint64_t last;
    int rows;
};

static void write_json(const struct store_row *row)
{
    const struct result *r = row->result;
    struct buf b = {0};
    struct jsonw w;
    char stamp[CLOCK_RFC3339_LEN];
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kint(&w, "seq", (int64_t)r->seq);
    if (row->chain)
        jsonw_kstr(&w, "chain", row->chain);
    jsonw_kstr(&w, "id", r->id);
    jsonw_kstr(&w, "tenant", r->tenant);
    jsonw_kstr(&w, "class", r->cls);
    jsonw_kstr(&w, "state", r->state);
    jsonw_kstr(&w, "outcome", outcome_name(r->outcome));
    jsonw_kstr(&w, "error", r->has_error ? r->error_message : NULL);
    jsonw_kms(&w, "cpu_ms", r->cpu_us);
    jsonw_kms(&w, "wall_ms", r->wall_us);
    jsonw_kint(&w, "attempts", r->attempts);
    jsonw_name(&w, "tries");
    jsonw_raw(&w, r->tries ? r->tries : "[]", r->tries ? strlen(r->tries) : 2);
    if (r->finished_at_us)
        clock_rfc3339(r->finished_at_us, stamp);
    jsonw_kstr(&w, "finished_at", r->finished_at_us ? stamp : NULL);
    jsonw_kstr(&w, "worker", r->worker);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static void write_row(struct table *t, const struct result *r)
{
    char wall[FIGURE_MAX], cpu[FIGURE_MAX], stamp[CLOCK_RFC3339_LEN] = "", attempts[16];
    struct buf error = {0};
    figure_ms((double)r->wall_us / 1000, wall);
    figure_ms((double)r->cpu_us / 1000, cpu);
    snprintf(attempts, sizeof attempts, "%d", r->attempts);
    if (r->finished_at_us)
        clock_rfc3339(r->finished_at_us, stamp);
    stamp[19] = 0; /* to the second */
    text_add_first_line(&error, r->error_message ? r->error_message : "",
                        r->error_message ? strlen(r->error_message) : 0, 120);
    table_row(t,
              (struct table_cell[]){
                  {stamp, COLOUR_DIM},
                  {r->tenant, COLOUR_NONE},
                  {r->id, COLOUR_NONE},
                  {outcome_name(r->outcome), r->outcome == OUTCOME_OK ? COLOUR_GREEN : COLOUR_RED},
                  {r->attempts > 1 ? attempts : "", COLOUR_YELLOW},
                  {wall, COLOUR_NONE},
                  {cpu, COLOUR_NONE},
                  {error.data, COLOUR_NONE},
              });
    buf_free(&error);
}

static int take(const struct store_row *row, void *arg)
{
    struct listing *l = arg;
    if (l->json)
        write_json(row);
    else
        write_row(l->table, row->result);
    l->last = row->place;
    l->rows++;
    return 0;
}

static int read_pages(struct listing *l, struct err *e)
{
    struct store *s = NULL;
    int rc = filter_open(&l->filter, &s, e);
    l->filter.list.cursor = l->after ? strtoull(l->after, NULL, 10) : 0;
    while (!rc && l->rows < l->limit) {
        int before = l->rows;
        int64_t left = l->limit - l->rows;
        l->filter.list.limit = left < PAGE ? (int)left : PAGE;
        rc = list_rows(s, &l->filter.list, take, l, e);
        if (l->rows - before < l->filter.list.limit)
            break;
        l->filter.list.cursor = l->last;
    }
    store_close(s);
    return rc;
}

static const struct table_column columns[] = {
    {.name = "finished (UTC)"},
    {.name = "tenant"},
    {.name = "id"},
    {.name = "outcome"},
    {.name = "attempts"},
    {.name = "time", .right = true},
    {.name = "cpu", .right = true},
    {.name = "error", .cut = true},
};

static bool is_cursor(const char *text)
{
    return strspn(text, "0123456789") == strlen(text) && *text && strlen(text) < 19;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct listing l = {.limit = 50};
    struct options o = {.command = self};
    struct err e = {0};
    const struct option_row rows[] = {
        {.name = "limit",
         .letter = 'n',
         .type = OPTION_INT,
         .to = &l.limit,
         .arg = "N",
         .min = 1,
         .max = 1000000,
         .help = "at most so many (50)"},
        {.name = "after",
         .type = OPTION_TEXT,
         .to = &l.after,
         .arg = "CURSOR",
         .help = "go on where a list ended"},
        {.name = "oldest",
         .type = OPTION_FLAG,
         .to = &l.filter.list.oldest_first,
         .help = "oldest first"},
        {.name = "json",
         .type = OPTION_FLAG,
         .to = &l.json,
         .help = "print JSON, one result a line"},
    };
    options_add(&o, rows, ARRAY_LEN(rows));
    filter_add_options(&o, &l.filter);
    int code = options_parse(&o, argc, argv, 0, 0, "");
    if (code == OPTIONS_GO)
        code = filter_read(self, &l.filter);
    if (code != OPTIONS_GO)
        return code;
    if (l.after && !is_cursor(l.after))
        return fail_usage(self, "--after: found '%s'; allowed: the number that a list ended with",
                          l.after);
    l.table = table_new(columns, ARRAY_LEN(columns));
    int rc = read_pages(&l, &e);
    if (!l.json && (l.rows || !rc))
        table_print(l.table, stdout);
    table_free(l.table);
    if (rc)
        return fail(&e);
    if (l.rows == l.limit) /* on stderr: a pipe gets results alone */
        fprintf(stderr, "more: --after %" PRIu64 "\n", l.last);
    return out_finish(EXIT_JOB_OK);
}

const struct command command_ls = {
    .name = "ls",
    .summary = "list results of a database",
    .usage = "[options]",
    .about = "Newest first, from this machine's results database; it may be in use. The cluster's\n"
             "results are in the database that `isolane archive` keeps.",
    .exits = "0 listed, 2 usage or input, 3 our failure",
    .example = "  isolane ls --failed --since 2h\n"
               "  isolane ls --tenant ci --json --limit 1000 | jq -r .id",
    .run = run,
};
