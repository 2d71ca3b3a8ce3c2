/* doctor: what this machine can give a worker, and what to do where it can't. */
#include <stdio.h>
#include <stdlib.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/doctor/doctor.h"
#include "cli/options.h"
#include "cli/print/table.h"

static const char *const state_names[] = {"ok", "warning", "missing"};

static void print_json(const struct findings *f)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kbool(&w, "ready", doctor_ready(f));
    jsonw_name(&w, "checks");
    jsonw_array(&w);
    for (int i = 0; i < f->n; i++) {
        jsonw_object(&w);
        jsonw_kstr(&w, "check", f->v[i].check);
        jsonw_kstr(&w, "state", state_names[f->v[i].state]);
        jsonw_kstr(&w, "detail", f->v[i].detail);
        jsonw_kstr(&w, "remedy", *f->v[i].remedy ? f->v[i].remedy : NULL);
        jsonw_object_end(&w);
    }
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static void print_table(const struct findings *f)
{
    static const enum table_colour colours[] = {COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED};
    static const struct table_column columns[] = {
        {.name = "check"}, {.name = "state"}, {.name = "detail", .cut = true}};
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    bool colours_on = colour_wanted(stdout), first = true;
    for (int i = 0; i < f->n; i++)
        table_row(t, (struct table_cell[]){{f->v[i].check, COLOUR_NONE},
                                           {state_names[f->v[i].state], colours[f->v[i].state]},
                                           {f->v[i].detail, COLOUR_NONE}});
    table_print(t, stdout);
    table_free(t);
    for (int i = 0; i < f->n; i++) {
        const struct finding *x = &f->v[i];
        if (x->state == FINDING_OK)
            continue;
        printf("%s%s%s%s: %s\n", first ? "\n" : "",
               colours_on ? colour_code(colours[x->state]) : "", x->check,
               colours_on ? colour_code(COLOUR_NONE) : "", x->detail);
        if (*x->remedy)
            printf("    %s\n", x->remedy);
        first = false;
    }
    printf("\n%s\n", doctor_ready(f) ? "A worker can start here."
                                     : "A worker cannot start here: see what is missing.");
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    struct options o = {.command = self};
    struct config *c = NULL;
    struct findings *f;
    struct err e = {0};
    bool json = false;
    options_add(&o,
                &(struct option_row){
                    .name = "json", .type = OPTION_FLAG, .to = &json, .help = "print JSON"},
                1);
    options_add_settings(&o, &settings, false);
    int code = options_parse(&o, argc, argv, 0, 0, "");
    if (code != OPTIONS_GO)
        return code;
    if (settings_load(&settings, &c, &e))
        return fail(&e);
    f = mem_alloc(sizeof *f);
    doctor_examine(c, f);
    if (json)
        print_json(f);
    else
        print_table(f);
    code = doctor_ready(f) ? EXIT_JOB_OK : EXIT_JOB_NOT_OK;
    free(f);
    config_free(c);
    return out_finish(code);
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "show what this machine can give: jail layers, engine, server, disk",
    .usage = "[options]",
    .about =
        "Tries every layer of the jail in throw-away processes and looks at what else a worker\n"
        "needs, with the configuration given. Says what to do where something is missing.",
    .exits = "0 a worker can start here, 1 it cannot, 2 usage or input, 3 our failure",
    .example = "  isolane doctor\n"
               "  isolane doctor --json | jq '.checks[] | select(.state != \"ok\")'",
    .run = run,
};
