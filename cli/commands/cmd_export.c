/* export: results of a database as NDJSON, CSV or envelopes, for other programs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/filter.h"

#define PAGE 200

enum format { NDJSON, CSV, ENVELOPES };
static const char *const formats[] = {"ndjson", "csv", "envelopes", NULL};

struct exporting {
    struct filter filter;
    int format; /* enum format */
    struct buf line;
    uint64_t last;
    int rows;
};

/* ---- CSV (RFC 4180): flat columns of one type each; nothing is an empty field ---- */

static void field(struct buf *b, const char *text, size_t len)
{
    if (b->len)
        buf_addc(b, ',');
    if (!text)
        return;
    buf_addc(b, '"'); /* always: an empty text is not nothing */
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            buf_addc(b, '"');
        buf_addc(b, text[i]);
    }
    buf_addc(b, '"');
}

static void text_field(struct buf *b, const char *text)
{
    field(b, text && *text ? text : NULL, text ? strlen(text) : 0);
}

static void number_field(struct buf *b, int64_t n)
{
    buf_addf(b, "%s%" PRId64, b->len ? "," : "", n);
}

static void ms_field(struct buf *b, int64_t us)
{
    buf_addf(b, ",%" PRId64 ".%03d", us / 1000, (int)(us % 1000));
}

static void time_field(struct buf *b, int64_t us)
{
    char stamp[CLOCK_RFC3339_LEN] = "";
    if (us)
        clock_rfc3339(us, stamp);
    text_field(b, stamp);
}

static const char csv_head[] =
    "seq,id,tenant,class,state,outcome,error_name,error_message,error_line,error_column,limit_name,"
    "limit_value,limit_used,cpu_ms,wall_ms,heap_peak_bytes,memory_peak_bytes,attempts,published_at,"
    "started_at,finished_at,worker,engine,profile,script_sha256,input_sha256,signed_by,value,"
    "stdout,"
    "stderr,truncated\r\n";

static void csv(const struct result *r, struct buf *b)
{
    number_field(b, (int64_t)r->seq);
    text_field(b, r->id);
    text_field(b, r->tenant);
    text_field(b, r->cls);
    text_field(b, r->state);
    text_field(b, outcome_name(r->outcome));
    text_field(b, r->error_name);
    text_field(b, r->error_message);
    if (r->error_line)
        buf_addf(b, ",%u,%u", r->error_line, r->error_column);
    else
        buf_adds(b, ",,");
    text_field(b, r->limit_name);
    if (r->limit_name)
        buf_addf(b, ",%" PRId64 ",%" PRId64, r->limit_value, r->limit_used);
    else
        buf_adds(b, ",,");
    ms_field(b, r->cpu_us);
    ms_field(b, r->wall_us);
    number_field(b, (int64_t)r->heap_peak);
    number_field(b, (int64_t)r->memory_peak);
    number_field(b, r->attempts);
    time_field(b, r->published_at_us);
    time_field(b, r->started_at_us);
    time_field(b, r->finished_at_us);
    text_field(b, r->worker);
    text_field(b, r->engine);
    text_field(b, r->profile);
    text_field(b, r->script_sha256);
    text_field(b, r->input_sha256);
    text_field(b, r->signed_by);
    field(b, r->value_len ? r->value : NULL, r->value_len);
    field(b, r->out ? r->out : "", r->out_len);
    field(b, r->err_out ? r->err_out : "", r->err_out_len);
    bool cut = r->out_cut || r->err_out_cut || r->out_total > r->out_len ||
               r->err_out_total > r->err_out_len;
    buf_adds(b, cut ? ",true\r\n" : ",false\r\n");
}

/* ---- the walk ---- */

static int take(const struct store_row *row, void *arg)
{
    struct exporting *x = arg;
    buf_clear(&x->line);
    if (x->format == CSV)
        csv(row->result, &x->line);
    else if (x->format == NDJSON)
        result_encode(row->result, &x->line);
    else
        buf_add(&x->line, row->envelope, row->envelope_len);
    if (x->format != CSV)
        buf_addc(&x->line, '\n');
    fwrite(x->line.data, 1, x->line.len, stdout);
    x->last = row->place;
    x->rows++;
    return ferror(stdout) ? 1 : 0;
}

static int read_pages(struct exporting *x, struct err *e)
{
    struct store *s = NULL;
    int rc = filter_open(&x->filter, &s, e);
    x->filter.list.oldest_first = true;
    x->filter.list.limit = PAGE;
    if (!rc && x->format == CSV)
        fputs(csv_head, stdout);
    while (!rc) {
        int before = x->rows;
        rc = list_rows(s, &x->filter.list, take, x, e);
        if (x->rows - before < PAGE)
            break;
        x->filter.list.cursor = x->last;
    }
    store_close(s);
    buf_free(&x->line);
    return rc;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct exporting x = {.format = NDJSON};
    struct options o = {.command = self};
    struct err e = {0};
    options_add(&o,
                &(struct option_row){.name = "format",
                                     .type = OPTION_CHOICE,
                                     .to = &x.format,
                                     .arg = "NAME",
                                     .choices = formats,
                                     .help = "ndjson (result objects), csv, or envelopes (signed)"},
                1);
    filter_add_options(&o, &x.filter);
    int code = options_parse(&o, argc, argv, 0, 0, "");
    if (code == OPTIONS_GO)
        code = filter_read(self, &x.filter);
    if (code != OPTIONS_GO)
        return code;
    return read_pages(&x, &e) < 0 ? fail(&e) : out_finish(EXIT_JOB_OK);
}

const struct command command_export = {
    .name = "export",
    .summary = "write results of a database as NDJSON, CSV or envelopes",
    .usage = "[options]",
    .about =
        "To stdout, oldest first; the database may be in use. CSV follows RFC 4180: one header, "
        "texts\n"
        "quoted, nothing is an empty field, times are RFC 3339 in UTC, so that tools which make\n"
        "Parquet of it find one type in each column.",
    .exits = "0 written, 2 usage or input, 3 our failure",
    .example = "  isolane export --format csv --since 7d > week.csv\n"
               "  isolane export --format envelopes --tenant ci | isolane verify -",
    .run = run,
};
