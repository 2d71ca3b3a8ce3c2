/* artifact: files beyond the size of a message, in the tenant's bucket of the object store. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "cli/client/artifacts.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/print/table.h"

struct artifact {
    struct settings settings;
    const char *tenant, *file, *name;
    bool json;
    struct table *table;
    int listed;
};

static void print_json(const struct obj_info *i)
{
    char when[CLOCK_RFC3339_LEN];
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "name", i->name);
    jsonw_kint(&w, "size", (int64_t)i->size);
    jsonw_kstr(&w, "sha256", *i->sha256 ? i->sha256 : NULL);
    if (i->stored_at_us) {
        clock_rfc3339(i->stored_at_us, when);
        jsonw_kstr(&w, "stored_at", when);
    }
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static void on_entry(const struct obj_info *i, void *arg)
{
    struct artifact *a = arg;
    char size[32], when[CLOCK_RFC3339_LEN];
    a->listed++;
    if (a->json) {
        print_json(i);
        return;
    }
    snprintf(size, sizeof size, "%" PRIu64, i->size);
    clock_rfc3339(i->stored_at_us, when);
    const struct table_cell cells[] = {
        {.text = i->name}, {.text = size}, {.text = when}, {.text = i->sha256}};
    table_row(a->table, cells);
}

static int list(struct artifact *a, struct artifacts *s, struct err *e)
{
    static const struct table_column columns[] = {
        {.name = "name"}, {.name = "size", .right = true}, {.name = "stored"}, {.name = "sha256"}};
    a->table = table_new(columns, 4);
    int rc = artifacts_list(s, on_entry, a, e);
    if (!rc && !a->json && a->listed)
        table_print(a->table, stdout);
    table_free(a->table);
    return rc;
}

/* The last part of a path: what a file is called where no --name says otherwise. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int act(struct artifact *a, const char *verb, const char *what, struct artifacts *s,
               struct err *e)
{
    struct obj_info info = {0};
    int rc;
    if (!strcmp(verb, "ls"))
        return list(a, s, e);
    if (!strcmp(verb, "rm"))
        return artifacts_remove(s, what, e);
    if (!strcmp(verb, "get"))
        return artifacts_get(s, what, a->file ? a->file : base_name(what), NULL, &info, e);
    rc = artifacts_put(s, a->name ? a->name : base_name(what), what, &info, e);
    if (!rc && a->json)
        print_json(&info);
    else if (!rc)
        printf("%s\n", info.sha256);
    return rc;
}

static int check(const struct command *self, const struct artifact *a, const struct options *o)
{
    const char *verb = o->args[0];
    bool alone = !strcmp(verb, "ls");
    if (!alone && strcmp(verb, "put") && strcmp(verb, "get") && strcmp(verb, "rm"))
        return fail_usage(self, "found '%s'; allowed: put FILE, get NAME, rm NAME, ls", verb);
    if (alone != (o->arg_count == 1))
        return fail_usage(self,
                          alone ? "ls: found a further word; allowed: none"
                                : "%s: found no name; allowed: one",
                          verb);
    if (a->file && strcmp(verb, "get"))
        return fail_usage(self, "--output: allowed: with get");
    if (a->name && strcmp(verb, "put"))
        return fail_usage(self, "--name: allowed: with put");
    if (!strcmp(verb, "put") && !a->name && !strcmp(o->args[1], "-"))
        return fail_usage(self, "put -: found no --name; allowed: one");
    const char *name = a->name ? a->name : alone ? NULL : base_name(o->args[1]);
    if (!strcmp(verb, "get") || !strcmp(verb, "rm"))
        name = o->args[1];
    if (name && !obj_name_valid(name, strlen(name)))
        return fail_usage(self,
                          "found the name '%.80s'; allowed: 1 to %d bytes of UTF-8 without "
                          "control characters",
                          name, OBJ_NAME_MAX);
    return check_names(self, NULL, a->tenant);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct artifact a = {.tenant = "default"};
    struct options o = {.command = self};
    struct err e = {0};
    options_add(&o,
                (const struct option_row[]){
                    {.name = "tenant",
                     .type = OPTION_TEXT,
                     .to = &a.tenant,
                     .arg = "T",
                     .help = "whose (default: default)"},
                    {.name = "name",
                     .type = OPTION_TEXT,
                     .to = &a.name,
                     .arg = "NAME",
                     .help = "put: what it is called (else the file's name)"},
                    {.name = "output",
                     .letter = 'o',
                     .type = OPTION_TEXT,
                     .to = &a.file,
                     .arg = "FILE",
                     .help = "get: where to (else the artifact's name; -: standard output)"},
                    {.name = "json",
                     .type = OPTION_FLAG,
                     .to = &a.json,
                     .help = "put, ls: print {\"name\",\"size\",\"sha256\",\"stored_at\"}"},
                },
                4);
    options_add_settings(&o, &a.settings, true);
    int code = options_parse(&o, argc, argv, 1, 2, "put FILE, get NAME, rm NAME, or ls");
    if (code != OPTIONS_GO)
        return code;
    code = check(self, &a, &o);
    if (code == OPTIONS_GO) {
        struct client c = {0};
        struct artifacts s = {0};
        if (!strcmp(o.args[0], "put") && input_check(o.args[1], &e)) {
            options_free(&o);
            return fail_input(&e);
        }
        int rc = client_open(&c, &a.settings, &e);
        if (!rc)
            rc = artifacts_open(&c, a.tenant, &s, &e);
        if (!rc)
            rc = act(&a, o.args[0], o.arg_count > 1 ? o.args[1] : NULL, &s, &e);
        artifacts_close(&s);
        client_close(&c);
        if (rc == ERR_NOT_FOUND) {
            say("%s", e.msg);
            code = EXIT_JOB_NOT_OK;
        } else {
            code = rc ? fail(&e) : out_finish(EXIT_JOB_OK);
        }
    }
    options_free(&o);
    return code;
}

const struct command command_artifact = {
    .name = "artifact",
    .summary = "put, get, list and remove files in a tenant's object store",
    .usage = "put FILE|- | get NAME | rm NAME | ls [options]",
    .about =
        "The bucket is ISOLANE_ARTIFACTS_<tenant>, a NATS object store: `nats object` and every "
        "NATS\nclient read and write it too. put prints the SHA-256; get checks it, and writes "
        "the file whole\nor not at all.",
    .exits = "0 done, 1 there is no such artifact, 2 usage or input, 3 our failure",
    .example = "  isolane artifact put model.bin --tenant ci\n"
               "  isolane artifact get report.pdf --tenant ci -o /tmp/report.pdf",
    .run = run,
};
