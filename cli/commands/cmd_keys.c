/* keys: the worker's public keys, for those who verify results and those who seal secrets; new key
 * pairs for those who sign jobs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/jsonw.h"
#include "cli/command.h"
#include "cli/key.h"
#include "cli/options.h"

struct shown {
    const char *algorithm;
    uint8_t pub[KEY_BYTES];
    char keyid[KEYID_LEN];
    struct buf pem;
};

static void print_json(const struct shown *k)
{
    struct buf b = {0};
    struct jsonw w;
    char raw[64];
    crypto_base64(k->pub, sizeof k->pub, raw, sizeof raw);
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "keyid", k->keyid);
    jsonw_kstr(&w, "algorithm", k->algorithm);
    jsonw_kstr(&w, "public_key", k->pem.data);
    jsonw_kstr(&w, "raw", raw);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static void show(struct shown *k, enum key_kind kind)
{
    k->algorithm = kind == KEY_X25519_PUBLIC ? "x25519" : "ed25519";
    key_id(kind, k->pub, k->keyid);
    key_pem(kind, k->pub, &k->pem);
}

static int workers(const struct settings *s, bool seal, struct shown *k, struct err *e)
{
    struct sign_key sign;
    int rc = seal ? seal_key_read(s, k->pub, e) : key_read(s, NULL, &sign, e);
    if (rc)
        return rc;
    if (!seal)
        memcpy(k->pub, sign.pub, KEY_BYTES);
    show(k, seal ? KEY_X25519_PUBLIC : KEY_ED25519_PUBLIC);
    return 0;
}

/* FILE and FILE.pub; neither may be there. */
static int make(const char *path, struct shown *k, struct err *e)
{
    uint8_t seed[KEY_BYTES];
    struct buf pub_path = {0};
    buf_addf(&pub_path, "%s.pub", path);
    int rc = key_file_make(path, KEY_ED25519_SECRET, e);
    if (!rc)
        rc = key_file_read(path, KEY_ED25519_SECRET, seed, e);
    if (!rc) {
        key_public_of(KEY_ED25519_SECRET, seed, k->pub);
        show(k, KEY_ED25519_PUBLIC);
        rc = fs_write_file(pub_path.data, k->pem.data, k->pem.len, 0644, true, e);
    }
    crypto_wipe(seed, sizeof seed);
    buf_free(&pub_path);
    return rc;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    struct options o = {.command = self};
    struct shown k = {0};
    struct err e = {0};
    bool json = false, seal = false;
    options_add(
        &o,
        (const struct option_row[]){
            {.name = "seal",
             .type = OPTION_FLAG,
             .to = &seal,
             .help = "the key that secrets are sealed to, not that of results"},
            {.name = "json", .type = OPTION_FLAG, .to = &json, .help = "print id and key as JSON"},
        },
        2);
    options_add_settings(&o, &settings, false);
    int code = options_parse(&o, argc, argv, 1, 2, "export, show, or new FILE");
    if (code != OPTIONS_GO)
        return code;
    bool is_new = !strcmp(o.args[0], "new"), export = !strcmp(o.args[0], "export");
    if (!is_new && !export && strcmp(o.args[0], "show"))
        code = fail_usage(self, "found '%s'; allowed: export, show, new FILE", o.args[0]);
    else if (is_new != (o.arg_count == 2) || (is_new && seal))
        code = fail_usage(self, is_new ? "new: allowed: new FILE, without --seal"
                                       : "found a further word; allowed: none");
    else if (is_new ? make(o.args[1], &k, &e) : workers(&settings, seal, &k, &e))
        code = fail(&e);
    if (code == OPTIONS_GO) {
        if (json)
            print_json(&k);
        else
            printf("%s%s", export ? k.pem.data : k.keyid, export ? "" : "\n");
        code = out_finish(EXIT_JOB_OK);
    }
    buf_free(&k.pem);
    options_free(&o);
    return code;
}

const struct command command_keys = {
    .name = "keys",
    .summary = "print the worker's public keys; make a key that signs jobs",
    .usage = "export|show [options] | new FILE",
    .about =
        "export prints the public key that results are checked with as PEM (SubjectPublicKeyInfo), "
        "as\n"
        "openssl reads it, or with --seal the one that secrets are sealed to; show prints its id: "
        "hex\n"
        "SHA-256 of the key's DER form. new makes an Ed25519 key pair for `submit --key`: FILE "
        "(mode "
        "0600)\n"
        "and FILE.pub, which goes into `tenants[].job_keys`; it prints the id.",
    .exits = "0 printed, 2 usage or input, 3 our failure",
    .example = "  isolane keys export > worker.pub\n"
               "  isolane keys show --data /var/lib/isolane\n"
               "  isolane keys new ci.key",
    .run = run,
};
