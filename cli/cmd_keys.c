/* keys: the worker's public key, for those who verify. */
#include <stdio.h>
#include <string.h>

#include "base/jsonw.h"
#include "cli/command.h"
#include "cli/key.h"
#include "cli/options.h"

static void print_json(const struct sign_key *k, const struct buf *pem)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "keyid", k->keyid);
    jsonw_kstr(&w, "algorithm", "ed25519");
    jsonw_kstr(&w, "public_key", pem->data);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    struct options o = {.command = self};
    struct sign_key k;
    struct buf pem = {0};
    struct err e = {0};
    bool json = false;
    options_add(
        &o,
        &(struct option_row){
            .name = "json", .type = OPTION_FLAG, .to = &json, .help = "print id and key as JSON"},
        1);
    options_add_settings(&o, &settings, false);
    int code = options_parse(&o, argc, argv, 1, 1, "export or show");
    if (code != OPTIONS_GO)
        return code;
    bool export = !strcmp(o.args[0], "export");
    if (!export && strcmp(o.args[0], "show"))
        return fail_usage(self, "found '%s'; allowed: export, show", o.args[0]);
    if (key_read(&settings, NULL, &k, &e))
        return fail(&e);
    sign_key_pem(&k, &pem);
    if (json)
        print_json(&k, &pem);
    else if (export)
        printf("%s", pem.data);
    else
        printf("%s\n", k.keyid);
    buf_free(&pem);
    return out_finish(EXIT_JOB_OK);
}

const struct command command_keys = {
    .name = "keys",
    .summary = "print the worker's public key, or its id",
    .usage = "export|show [options]",
    .about =
        "export prints the public key as PEM (SubjectPublicKeyInfo), as openssl reads it; show\n"
        "prints its id, which every envelope names: hex SHA-256 of the key's DER form.",
    .exits = "0 printed, 2 usage, 3 our failure",
    .example = "  isolane keys export > worker.pub\n"
               "  isolane keys show --data /var/lib/isolane",
    .run = run,
};
