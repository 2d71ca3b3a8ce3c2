/* version: this program and what it is made of. */
#include <stdio.h>
#include <uv.h>

#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/doctor/engine.h"
#include "cli/options.h"
#include "results/store.h"

static int run(const struct command *self, int argc, char **argv)
{
    struct options o = {.command = self};
    char engine[ENGINE_TEXT_MAX];
    struct err e = {0};
    bool json = false;
    options_add(&o,
                &(struct option_row){
                    .name = "json", .type = OPTION_FLAG, .to = &json, .help = "print JSON"},
                1);
    int code = options_parse(&o, argc, argv, 0, 0, "");
    if (code != OPTIONS_GO)
        return code;
    bool has_engine = !engine_describe(engine, &e);
    const struct {
        const char *name, *version;
    } parts[] = {
        {"isolane", ISOLANE_VERSION},       {"engine", has_engine ? engine : NULL},
        {"sqlite", store_sqlite_version()}, {"libsodium", crypto_version()},
        {"libuv", uv_version_string()},
    };
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        jsonw_kstr(&w, parts[i].name, parts[i].version);
        if (!json)
            printf("%-9s %s\n", parts[i].name, parts[i].version ? parts[i].version : e.msg);
    }
    jsonw_object_end(&w);
    if (json)
        printf("%s\n", b.data);
    buf_free(&b);
    return out_finish(EXIT_JOB_OK);
}

const struct command command_version = {
    .name = "version",
    .summary = "print the versions of isolane, its engine and its libraries",
    .usage = "[options]",
    .about = "An engine that is not there is told (null with --json) and is no error here.",
    .exits = "0 printed, 2 usage or input, 3 our failure",
    .example = "  isolane version --json",
    .run = run,
};
