/* batch: how far a batch is, or what became of it. */
#include <string.h>

#include "cli/client/batch_watch.h"
#include "cli/command.h"
#include "cli/ids.h"

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    const char *tenant = "default";
    int64_t wait_s = -1;
    bool json = false;
    struct options o = {.command = self};
    options_add(&o,
                (const struct option_row[]){
                    {.name = "tenant",
                     .type = OPTION_TEXT,
                     .to = &tenant,
                     .arg = "T",
                     .help = "whose batch it is (default: default)"},
                    {.name = "wait",
                     .type = OPTION_INT,
                     .to = &wait_s,
                     .arg = "S",
                     .optional = true,
                     .min = 1,
                     .max = WAIT_MAX_S,
                     .help = "until all its jobs have ended, at most S seconds when given"},
                    {.name = "json",
                     .type = OPTION_FLAG,
                     .to = &json,
                     .help = "print JSON: the batch's result, or the counts so far"},
                },
                3);
    options_add_settings(&o, &settings, true);
    int code = options_parse(&o, argc, argv, 1, 1, "BATCH");
    if (code == OPTIONS_GO)
        code = check_names(self, NULL, tenant);
    if (code == OPTIONS_GO && !batch_id_valid(o.args[0], strlen(o.args[0])))
        code = fail_usage(self, "found the batch '%.80s'; allowed: 1 to %d of A-Z a-z 0-9 _ -",
                          o.args[0], BATCH_ID_MAX);
    if (code == OPTIONS_GO) {
        struct client c = {0};
        struct err e = {0};
        if (client_open(&c, &settings, &e))
            code = fail(&e);
        else
            code = batch_watch(&c, tenant, o.args[0], wait_s, json);
        client_close(&c);
    }
    options_free(&o);
    return code;
}

const struct command command_batch = {
    .name = "batch",
    .summary = "how far a batch is: queued, running, ended by outcome",
    .usage = "BATCH [options]",
    .about = "Shows the counts of a batch (isolane submit --batch) as they are now, or its result "
             "when all\n"
             "its jobs have ended. With --wait shows how it goes on, and then the result.",
    .exits =
        "0 all jobs ended ok, 1 some did not, or have not ended, 2 usage or input, 3 our failure",
    .example = "  isolane batch nightly --tenant ci --wait=3600\n"
               "  isolane batch nightly --json",
    .run = run,
};
