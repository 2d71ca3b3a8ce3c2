/* attest: the escape attempts of an attested start, made for a person to see. */
#include <stdio.h>
#include <stdlib.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print/table.h"
#include "executor/cells/attest.h"

static const char *const end_names[] = {"held", "not tried", "ESCAPED"};
static const char *const end_json[] = {"held", "skipped", "escaped"};

static void write_json(const struct attest_report *r, uint32_t layers, struct jsonw *w)
{
    jsonw_object(w);
    jsonw_kbool(w, "held", r->count[ATTEST_ESCAPED] == 0 && r->count[ATTEST_HELD] > 0);
    jsonw_kstr(w, "set", attest_set_hash());
    jsonw_name(w, "layers");
    jsonw_array(w);
    for (int i = 0; i < LAYERS; i++)
        if (layers & (1u << i))
            jsonw_str(w, jail_layer_name((enum jail_layer)i));
    jsonw_array_end(w);
    jsonw_name(w, "attempts");
    jsonw_array(w);
    for (int i = 0; i < JAIL_PROBE_COUNT; i++) {
        jsonw_object(w);
        jsonw_kstr(w, "name", jail_probes[i].name);
        jsonw_kstr(w, "layer", jail_probe_layer(&jail_probes[i]));
        jsonw_kstr(w, "what", jail_probes[i].what);
        jsonw_kstr(w, "end", end_json[r->row[i].end]);
        jsonw_kstr(w, "how", r->row[i].how);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_object_end(w);
}

static void print_json(const struct attest_report *r, uint32_t layers)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    write_json(r, layers, &w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static void print_table(const struct attest_report *r)
{
    static const enum table_colour colours[] = {COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED};
    static const struct table_column columns[] = {{.name = "attempt"},
                                                  {.name = "layer"},
                                                  {.name = "end"},
                                                  {.name = "how"},
                                                  {.name = "what", .cut = true}};
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    for (int i = 0; i < JAIL_PROBE_COUNT; i++) {
        enum attest_end end = r->row[i].end;
        table_row(t, (struct table_cell[]){{jail_probes[i].name, COLOUR_NONE},
                                           {jail_probe_layer(&jail_probes[i]), COLOUR_NONE},
                                           {end_names[end], colours[end]},
                                           {r->row[i].how, COLOUR_NONE},
                                           {jail_probes[i].what, COLOUR_DIM}});
    }
    table_print(t, stdout);
    table_free(t);
    printf("\n%d attempts held, %d not tried, %d escaped. Set %s\n", r->count[ATTEST_HELD],
           r->count[ATTEST_SKIPPED], r->count[ATTEST_ESCAPED], attest_set_hash());
}

static int print_text(void)
{
    struct buf b = {0};
    attest_set_text(&b);
    fwrite(b.data, 1, b.len, stdout);
    buf_free(&b);
    return out_finish(EXIT_JOB_OK);
}

static int attest(const struct config *c, bool json)
{
    struct engine_paths paths;
    struct err e = {0};
    uint32_t layers = 0;
    if (engine_paths(&paths, &e))
        return fail(&e);
    struct attest_report *r = mem_alloc(sizeof *r);
    int rc = attest_once(c, &paths, r, &layers, &e);
    if (rc == 0 || rc == ERR_DENIED) {
        if (json)
            print_json(r, layers);
        else
            print_table(r);
    }
    free(r);
    return rc ? fail(&e) : out_finish(EXIT_JOB_OK);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    struct options o = {.command = self};
    struct config *c = NULL;
    struct err e = {0};
    bool json = false, text = false;
    options_add(&o,
                (const struct option_row[]){
                    {.name = "json", .type = OPTION_FLAG, .to = &json, .help = "print JSON"},
                    {.name = "text",
                     .type = OPTION_FLAG,
                     .to = &text,
                     .help = "print the set alone, as it is hashed, and try nothing"},
                },
                2);
    options_add_settings(&o, &settings, false);
    int code = options_parse(&o, argc, argv, 0, 0, "");
    if (code != OPTIONS_GO)
        return code;
    if (text && json)
        return fail_usage(self, "--text and --json do not go together");
    if (text)
        return print_text();
    if (settings_load(&settings, &c, &e))
        return fail(&e);
    code = attest(c, json);
    config_free(c);
    return code;
}

const struct command command_attest = {
    .name = "attest",
    .summary = "attack the jail from inside a cell, and show what held",
    .usage = "[options]",
    .about =
        "Starts one cell and lets it try to break out, as every worker does before it takes jobs "
        "and\n"
        "every attest_interval_s. The set's hash is the SHA-256 of what --text prints; results "
        "carry it.",
    .exits = "0 every attempt was held, 2 usage or input, 3 one was not, or no report came",
    .example = "  isolane attest\n"
               "  isolane attest --text | sha256sum",
    .run = run,
};
