/* How this works: a result object is checked as JSON, then parsed without its value: the value is
 * the script's own JSON and may hold what our reader refuses though JSON allows it (lone
 * surrogates, huge numbers); it is shown byte for byte as it stands. */
#include "cli/print/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jv.h"
#include "base/mem.h"
#include "cli/print/format.h"
#include "cli/print/table.h"
#include "config/outcome.h"

#define LABEL_WIDTH  28  /* characters of the first column: all columns fit into 80 then */
#define OUTPUT_WIDTH 160 /* of the last, where no terminal cuts it */
#define INDENT       4
#define COLUMNS      6 /* of the table of many */

struct view {
    struct jv *doc;
    char *value; /* JSON text */
    size_t value_len;
    const char *id, *outcome;
};

static const char *text(const struct jv *object, const char *name)
{
    const struct jv *v = object && jv_type(object) == JV_OBJECT ? jv_get(object, name) : NULL;
    const char *s = v ? jv_string(v, NULL) : NULL;
    return s ? s : "";
}

static double number(const struct jv *object, const char *name)
{
    const struct jv *v = object && jv_type(object) == JV_OBJECT ? jv_get(object, name) : NULL;
    return v ? jv_number(v) : 0;
}

static void view_free(struct view *v)
{
    jv_free(v->doc);
    free(v->value);
}

/* Where the value stands in json; false: it has none that can be found literally. */
static bool find_value(const char *json, size_t len, size_t *from, size_t *value_len)
{
    const char *value;
    if (!jv_raw_member(json, len, "value", &value, value_len))
        return false;
    *from = (size_t)(value - json);
    return true;
}

int result_without_value(const char *json, size_t len, struct buf *out, struct err *e)
{
    size_t from, value_len;
    if (!jv_check(json, len))
        return err_set(e, ERR_INVALID, "found text that is not JSON; allowed: a result object");
    if (!find_value(json, len, &from, &value_len)) {
        buf_add(out, json, len);
        return 0;
    }
    buf_add(out, json, from);
    buf_adds(out, "null");
    buf_add(out, json + from + value_len, len - from - value_len);
    return 0;
}

static int view_parse(const char *json, size_t len, struct view *v, struct err *e)
{
    size_t from;
    struct buf rest = {0};
    memset(v, 0, sizeof *v);
    int rc = result_without_value(json, len, &rest, e);
    if (!rc && find_value(json, len, &from, &v->value_len))
        v->value = mem_copy(json + from, v->value_len);
    if (!rc)
        rc = jv_parse(rest.data, rest.len, &v->doc, e);
    buf_free(&rest);
    if (!rc && (jv_type(v->doc) != JV_OBJECT || !*text(v->doc, "id") || !*text(v->doc, "outcome")))
        rc = err_set(e, ERR_INVALID, "found JSON without id and outcome; allowed: a result object");
    if (rc) {
        view_free(v);
        return rc;
    }
    v->id = text(v->doc, "id");
    v->outcome = text(v->doc, "outcome");
    return 0;
}

bool result_is_ok(const char *json, size_t len)
{
    struct view v;
    if (view_parse(json, len, &v, NULL))
        return false;
    bool ok = !strcmp(v.outcome, outcome_name(OUTCOME_OK));
    view_free(&v);
    return ok;
}

static enum table_colour colour_of(const char *outcome)
{
    if (!strcmp(outcome, outcome_name(OUTCOME_OK)))
        return COLOUR_GREEN;
    if (!strcmp(outcome, outcome_name(OUTCOME_CANCELLED)))
        return COLOUR_YELLOW;
    return COLOUR_RED;
}

static bool has_value(const struct view *v)
{
    return v->value_len && !(v->value_len == 4 && !memcmp(v->value, "null", 4));
}

static const struct jv *error_of(const struct view *v)
{
    const struct jv *error = jv_get(v->doc, "error");
    return error && jv_type(error) == JV_OBJECT ? error : NULL;
}

/* "TypeError: x is not a function" */
static void add_error(struct buf *b, const struct jv *error)
{
    const char *name = text(error, "name"), *message = text(error, "message");
    buf_addf(b, "%s%s%s", name, *name && *message ? ": " : "", message);
}

/* ---- one line ---- */

int show_line(const char *json, size_t len, FILE *out, struct err *e)
{
    struct view v;
    struct buf b = {0}, error = {0};
    char wall[FIGURE_MAX], cpu[FIGURE_MAX];
    int rc = view_parse(json, len, &v, e);
    if (rc)
        return rc;
    const struct jv *usage = jv_get(v.doc, "usage");
    figure_ms(number(usage, "wall_ms"), wall);
    figure_ms(number(usage, "cpu_ms"), cpu);
    bool colours = colour_wanted(out);
    fprintf(out, "%s%s%s in %s (cpu %s)", colours ? colour_code(colour_of(v.outcome)) : "",
            v.outcome, colours ? colour_code(COLOUR_NONE) : "", wall, cpu);
    if (error_of(&v)) {
        add_error(&error, error_of(&v));
        text_add_first_line(&b, error.data, error.len, OUTPUT_WIDTH);
        buf_free(&error);
        text_add_shown(&error, b.data, b.len, 0);
        fprintf(out, ": %.*s", (int)error.len - 1, error.data);
    }
    buf_free(&error);
    buf_free(&b);
    view_free(&v);
    return 0;
}

/* ---- one block ---- */

struct block {
    struct buf b;
    bool colours;
};

static void add_name(struct block *k, const char *name)
{
    buf_addf(&k->b, "%s%-9s%s ", k->colours ? colour_code(COLOUR_DIM) : "", name,
             k->colours ? colour_code(COLOUR_NONE) : "");
}

static void add_line(struct block *k, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void add_line(struct block *k, const char *name, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    add_name(k, name);
    text_add_shown(&k->b, line, strlen(line), 0);
}

static void add_stream(struct block *k, const struct view *v, const char *name)
{
    char printed[FIGURE_MAX];
    size_t len = 0;
    const struct jv *s = jv_get(v->doc, name);
    const char *kept = s ? jv_string(s, &len) : NULL;
    if (!kept || !len)
        return;
    figure_bytes((double)len, printed);
    add_line(k, name, "%s", printed);
    text_add_shown(&k->b, kept, len, INDENT);
}

static void add_error_block(struct block *k, const struct jv *error)
{
    struct buf words = {0};
    double line = number(error, "line");
    const char *stack = text(error, "stack");
    add_error(&words, error);
    if (line > 0)
        buf_addf(&words, " (line %.0f, column %.0f)", line, number(error, "column"));
    add_name(k, "error");
    text_add_shown(&k->b, words.data ? words.data : "", words.len, 0);
    /* A stack begins with the message, as in Node: not twice. */
    const char *frames = strstr(stack, "\n    at ");
    if (frames)
        text_add_shown(&k->b, frames + 1, strlen(frames + 1), 0);
    buf_free(&words);
}

/* What it did on the network, if anything. */
static void add_egress(struct block *k, const struct jv *e)
{
    char sent[FIGURE_MAX], received[FIGURE_MAX];
    if (jv_type(e) != JV_OBJECT)
        return;
    figure_bytes(number(e, "sent_bytes"), sent);
    figure_bytes(number(e, "received_bytes"), received);
    add_line(k, "network", "%.0f requests (%.0f denied), %.0f connections, sent %s, received %s",
             number(e, "requests"), number(e, "denied"), number(e, "connections"), sent, received);
}

static void add_usage(struct block *k, const struct view *v)
{
    const struct jv *u = jv_get(v->doc, "usage");
    char cpu[FIGURE_MAX], wall[FIGURE_MAX], heap[FIGURE_MAX], memory[FIGURE_MAX];
    figure_ms(number(u, "cpu_ms"), cpu);
    figure_ms(number(u, "wall_ms"), wall);
    figure_bytes(number(u, "heap_peak_bytes"), heap);
    figure_bytes(number(u, "memory_peak_bytes"), memory);
    add_line(k, "usage", "cpu %s, wall %s, heap %s, memory %s", cpu, wall, heap, memory);
    add_egress(k, jv_get(u, "egress"));
}

static void add_times(struct block *k, const struct view *v)
{
    const char *started = text(v->doc, "started_at");
    add_line(k, "published", "%s", text(v->doc, "published_at"));
    add_line(k, "started", "%s", *started ? started : "never");
    add_line(k, "finished", "%s", text(v->doc, "finished_at"));
}

/* One line for each run before the last. */
static void add_tries(struct block *k, const struct jv *tries)
{
    for (size_t i = 0; jv_type(tries) == JV_ARRAY && i < jv_count(tries); i++) {
        const struct jv *t = jv_at(tries, i), *error = jv_get(t, "error");
        struct buf line = {0}, words = {0};
        if (error && jv_type(error) == JV_OBJECT)
            add_error(&words, error);
        buf_addf(&line, "%.0f: %s at %s on %s%s", number(t, "attempt"), text(t, "outcome"),
                 text(t, "started_at"), text(t, "worker"), words.len ? ": " : "");
        if (words.len)
            text_add_first_line(&line, words.data, words.len, OUTPUT_WIDTH);
        add_name(k, "try");
        text_add_shown(&k->b, line.data, line.len, 0);
        buf_free(&line);
        buf_free(&words);
    }
}

static void add_artifacts(struct block *k, const struct jv *list)
{
    for (size_t i = 0; jv_type(list) == JV_ARRAY && i < jv_count(list); i++) {
        const struct jv *a = jv_at(list, i);
        struct buf line = {0};
        const char *type = text(a, "type");
        buf_addf(&line, "%s, %.0f bytes%s%s, sha256 %s", text(a, "name"), number(a, "size"),
                 *type ? ", " : "", type, text(a, "sha256"));
        add_name(k, "artifact");
        text_add_shown(&k->b, line.data, line.len, 0);
        buf_free(&line);
    }
}

int show_result(const char *json, size_t len, FILE *out, struct err *e)
{
    struct view v;
    struct block k = {.colours = colour_wanted(out)};
    int rc = view_parse(json, len, &v, e);
    if (rc)
        return rc;
    add_line(&k, "job", "%s (tenant %s, class %s)", v.id, text(v.doc, "tenant"),
             text(v.doc, "class"));
    add_name(&k, "outcome");
    buf_addf(&k.b, "%s%s%s\n", k.colours ? colour_code(colour_of(v.outcome)) : "", v.outcome,
             k.colours ? colour_code(COLOUR_NONE) : "");
    if (has_value(&v)) {
        add_name(&k, "value");
        text_add_shown(&k.b, v.value, v.value_len, 0);
    }
    add_artifacts(&k, jv_get(v.doc, "artifacts"));
    if (error_of(&v))
        add_error_block(&k, error_of(&v));
    add_stream(&k, &v, "stdout");
    add_stream(&k, &v, "stderr");
    if (jv_is_true(jv_get(v.doc, "truncated")))
        add_line(&k, "truncated", "the job printed more than is kept");
    add_usage(&k, &v);
    add_times(&k, &v);
    add_line(&k, "attempts", "%.0f%s", number(v.doc, "attempts"),
             !strcmp(text(v.doc, "state"), "dead") ? " (dead: the last one)" : "");
    add_tries(&k, jv_get(v.doc, "tries"));
    add_line(&k, "worker", "%s, seq %.0f, %s", text(v.doc, "worker"), number(v.doc, "seq"),
             text(v.doc, "engine"));
    fwrite(k.b.data, 1, k.b.len, out);
    buf_free(&k.b);
    view_free(&v);
    return 0;
}

/* ---- many ---- */

struct summary {
    struct table *table;
    uint64_t count, by_outcome[OUTCOMES], unreadable, without;
    double cpu_ms;
};

struct summary *summary_new(void)
{
    static const struct table_column columns[COLUMNS] = {
        {.name = "job"},
        {.name = "outcome"},
        {.name = "time", .right = true},
        {.name = "cpu", .right = true},
        {.name = "heap", .right = true},
        {.name = "result", .cut = true},
    };
    struct summary *s = mem_alloc(sizeof *s);
    s->table = table_new(columns, COLUMNS);
    return s;
}

/* What tells most in one line: the error, else the value, else what was printed. */
static void add_gist(struct buf *b, const struct view *v)
{
    struct buf error = {0};
    if (error_of(v)) {
        add_error(&error, error_of(v));
        text_add_first_line(b, error.data ? error.data : "", error.len, OUTPUT_WIDTH);
        buf_free(&error);
    } else if (has_value(v)) {
        text_add_first_line(b, v->value, v->value_len, OUTPUT_WIDTH);
    } else {
        const char *out = text(v->doc, "stdout");
        if (!*out)
            out = text(v->doc, "stderr");
        text_add_first_line(b, out, strlen(out), OUTPUT_WIDTH);
    }
}

/* The end of a path tells more than its beginning. */
static void add_label(struct buf *b, const char *label)
{
    size_t len = strlen(label), from = len > LABEL_WIDTH ? len - (LABEL_WIDTH - 1) : 0;
    while (from && from < len && ((unsigned char)label[from] & 0xc0) == 0x80)
        from++;
    buf_addf(b, "%s%s", from ? "…" : "", label + from);
}

static void add_bare_row(struct summary *s, const char *label, const char *word,
                         enum table_colour colour)
{
    struct buf name = {0};
    add_label(&name, label);
    table_row(s->table, (struct table_cell[]){[0] = {name.data, COLOUR_NONE},
                                              [1] = {word, colour},
                                              [COLUMNS - 1] = {NULL, COLOUR_NONE}});
    buf_free(&name);
}

void summary_add_state(struct summary *s, const char *id, const char *state)
{
    s->count++;
    s->without++;
    add_bare_row(s, id, state, COLOUR_YELLOW);
}

int summary_add(struct summary *s, const char *label, const char *json, size_t len, struct err *e)
{
    struct view v;
    struct buf name = {0}, gist = {0};
    char wall[FIGURE_MAX], cpu[FIGURE_MAX], heap[FIGURE_MAX];
    s->count++;
    int rc = view_parse(json, len, &v, e);
    if (rc) {
        s->unreadable++;
        add_bare_row(s, label ? label : "?", "unreadable", COLOUR_RED);
        return rc;
    }
    for (int i = 0; i < OUTCOMES; i++)
        s->by_outcome[i] += !strcmp(v.outcome, outcome_name((enum outcome)i));
    const struct jv *usage = jv_get(v.doc, "usage");
    s->cpu_ms += number(usage, "cpu_ms");
    figure_ms(number(usage, "wall_ms"), wall);
    figure_ms(number(usage, "cpu_ms"), cpu);
    figure_bytes(number(usage, "heap_peak_bytes"), heap);
    add_label(&name, label ? label : v.id);
    add_gist(&gist, &v);
    table_row(s->table, (struct table_cell[]){{name.data, COLOUR_NONE},
                                              {v.outcome, colour_of(v.outcome)},
                                              {wall, COLOUR_NONE},
                                              {cpu, COLOUR_NONE},
                                              {heap, COLOUR_NONE},
                                              {gist.data, COLOUR_NONE}});
    buf_free(&name);
    buf_free(&gist);
    view_free(&v);
    return 0;
}

uint64_t summary_count(const struct summary *s)
{
    return s->count;
}

uint64_t summary_not_ok(const struct summary *s)
{
    return s->count - s->by_outcome[OUTCOME_OK];
}

void summary_print(struct summary *s, FILE *out)
{
    char cpu[FIGURE_MAX];
    const char *sep = ": ";
    if (s->count)
        table_print(s->table, out);
    figure_ms(s->cpu_ms, cpu);
    fprintf(out, "%s%" PRIu64 " %s", s->count ? "\n" : "", s->count,
            s->count == 1 ? "job" : "jobs");
    for (int i = 0; i < OUTCOMES; i++) {
        if (!s->by_outcome[i])
            continue;
        fprintf(out, "%s%" PRIu64 " %s", sep, s->by_outcome[i], outcome_name((enum outcome)i));
        sep = ", ";
    }
    if (s->unreadable)
        fprintf(out, "%s%" PRIu64 " unreadable", sep, s->unreadable);
    if (s->without)
        fprintf(out, "%s%" PRIu64 " without a result", s->unreadable ? ", " : sep, s->without);
    fprintf(out, "; cpu %s in all\n", cpu);
}

void summary_free(struct summary *s)
{
    if (!s)
        return;
    table_free(s->table);
    free(s);
}
