/* secret: seals a value to workers' public keys. Whoever has a public key can seal; only the worker
 * opens, and only for the tenant, name and script that stand inside (base/sealed.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/key.h"
#include "cli/secrets.h"

struct sealing {
    struct settings settings;
    const char *name, *tenant, *script;
    struct option_list to;
    bool keep, bad_value;
    uint8_t keys[SEALED_EACH_MAX][KEY_BYTES];
    int key_count;
};

static int find_keys(struct sealing *s, struct err *e)
{
    if (s->to.n > SEALED_EACH_MAX)
        return err_set(e, ERR_INVALID, "--to: found %d keys; allowed: 1 to %d", s->to.n,
                       SEALED_EACH_MAX);
    for (int i = 0; i < s->to.n; i++)
        if (key_public_from(s->to.v[i], KEY_X25519_PUBLIC, s->keys[i], e)) {
            return err_of_option(e, "--to");
        }
    s->key_count = s->to.n ? s->to.n : 1;
    return s->to.n ? 0 : seal_key_read(&s->settings, s->keys[0], e);
}

static int script_hash(const char *path, char out[SHA256_HEX], struct err *e)
{
    char *text = NULL;
    size_t len = 0;
    int rc = fs_read_file(path, (size_t)64 << 20, &text, &len, e);
    if (rc)
        return err_of_option(e, "--script");
    crypto_sha256_hex(text, len, out);
    free(text);
    return 0;
}

static int seal(struct sealing *s, struct err *e)
{
    char hash[SHA256_HEX] = "";
    struct secret_text value = {0};
    const struct secret_binding b = {s->tenant, s->name, hash};
    int rc = find_keys(s, e);
    if (!rc && s->script)
        rc = script_hash(s->script, hash, e);
    if (!rc) {
        rc = secret_read("-", s->keep, &value, e);
        s->bad_value = rc != 0;
    }
    for (int i = 0; i < s->key_count && !rc; i++) {
        struct buf text = {0};
        sealed_make(s->keys[i], &b, value.value, value.len, &text);
        printf("%s\n", text.data);
        buf_free(&text);
    }
    crypto_guarded_free(value.value);
    return rc;
}

static int print_key(struct sealing *s, struct err *e)
{
    struct buf pem = {0};
    int rc = find_keys(s, e);
    if (rc)
        return rc;
    key_pem(KEY_X25519_PUBLIC, s->keys[0], &pem);
    printf("%s", pem.data);
    buf_free(&pem);
    return 0;
}

static void add_options(struct options *o, struct sealing *s)
{
    options_add(o,
                (const struct option_row[]){
                    {.name = "tenant",
                     .type = OPTION_TEXT,
                     .to = &s->tenant,
                     .arg = "T",
                     .help = "whose jobs may have it (default: default)"},
                    {.name = "script",
                     .type = OPTION_TEXT,
                     .to = &s->script,
                     .arg = "FILE",
                     .help = "only for a job whose script is this text, byte for byte"},
                    {.name = "to",
                     .type = OPTION_LIST,
                     .to = &s->to,
                     .arg = "KEY|FILE",
                     .help = "a worker's sealing key, base64 or PEM file; may be given again"},
                    {.name = "keep-newline",
                     .type = OPTION_FLAG,
                     .to = &s->keep,
                     .help = "a line end behind the value is part of it"},
                },
                4);
    options_add_settings(o, &s->settings, false);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct sealing s = {.tenant = "default"};
    struct options o = {.command = self};
    struct err e = {0};
    add_options(&o, &s);
    int code = options_parse(&o, argc, argv, 1, 2, "seal NAME, or key");
    if (code != OPTIONS_GO)
        return code;
    bool seals = !strcmp(o.args[0], "seal");
    s.name = o.arg_count > 1 ? o.args[1] : NULL;
    if (!seals && strcmp(o.args[0], "key") != 0)
        code = fail_usage(self, "found '%s'; allowed: seal NAME, key", o.args[0]);
    else if (seals != (s.name != NULL))
        code = fail_usage(self, seals ? "seal: found no name; allowed: seal NAME"
                                      : "key: found a further word; allowed: none");
    else if (seals && !secret_name_valid(s.name))
        code = fail_usage(self, "found the name '%.80s'; allowed: " SECRET_NAME_ALLOWED, s.name);
    else
        code = check_names(self, NULL, s.tenant);
    if (code == OPTIONS_GO)
        code = !(seals ? seal(&s, &e) : print_key(&s, &e)) ? out_finish(EXIT_JOB_OK)
               : s.bad_value                               ? fail_input(&e)
                                                           : fail(&e);
    options_free(&o);
    return code;
}

const struct command command_secret = {
    .name = "secret",
    .summary = "seal a secret for jobs, or print the key to seal to",
    .usage = "seal NAME [options] < VALUE | key [options]",
    .about =
        "seal reads the value from standard input (6 to 65536 bytes of UTF-8; one line end behind "
        "it\n"
        "is left out) and prints it sealed, one text for each --to: for a job's field `secrets`,\n"
        "`submit --secret NAME=@FILE`, or `tenants[].secrets` of the configuration. Only the "
        "worker\n"
        "whose key it is can open it, and only for that tenant, name and script. Without --to the "
        "key\n"
        "is that of the data folder. key prints it as PEM.",
    .exits = "0 printed, 2 usage or input, 3 our failure",
    .example =
        "  isolane secret key --data /var/lib/isolane > worker-seal.pub\n"
        "  isolane secret seal NPM_TOKEN --tenant ci --to worker-seal.pub < token > npm.sealed",
    .run = run,
};
