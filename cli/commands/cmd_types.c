/* types: the declarations of everything that a job finds, for editors and compilers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cli/command.h"
#include "cli/options.h"
#include "config/paths.h"

#define TYPES_MAX ((size_t)16 << 20)

static int types_command(const struct command *self, int argc, char **argv)
{
    struct options o = {.command = self};
    struct engine_paths engine;
    struct err e = {0};
    char path[PATH_MAX], *text = NULL;
    size_t len;
    int code = options_parse(&o, argc, argv, 0, 1, "[FILE]");
    if (code != OPTIONS_GO)
        goto out;
    const char *to = o.arg_count ? o.args[0] : "-";
    int rc = engine_paths(&engine, &e);
    if (!rc)
        rc = fs_path(path, sizeof path, &e, "%s/isolane.d.ts", engine.dir);
    if (!rc)
        rc = fs_read_file(path, TYPES_MAX, &text, &len, &e);
    if (!rc && strcmp(to, "-") != 0)
        rc = fs_write_file(to, text, len, 0644, false, &e);
    else if (!rc)
        fwrite(text, 1, len, stdout);
    code = rc ? fail(&e) : out_finish(EXIT_JOB_OK);
out:
    free(text);
    options_free(&o);
    return code;
}

const struct command command_types = {
    .name = "types",
    .summary = "print the TypeScript declarations of what a job finds",
    .usage = "[FILE]",
    .about = "Everything on a job's global object: Isolane's own, and of the web's what is there. "
             "`check` uses\n"
             "the same. With FILE it is written there.",
    .exits = "0 done, 2 usage or input, 3 our failure",
    .example = "  isolane types isolane.d.ts\n"
               "then in tsconfig.json: \"types\": [], \"lib\": [\"esnext\"], \"files\": "
               "[\"isolane.d.ts\", …]",
    .run = types_command,
};
