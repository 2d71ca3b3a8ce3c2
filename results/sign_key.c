#include "results/sign_key.h"
#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How this works: an Ed25519 key has exactly one DER form (RFC 8410): a fixed prefix and 32 bytes.
 * So reading one is comparing the prefix, and anything else is somebody's other key: the messages
 * say which kind, for that is the likely mistake. Secret bytes live in fixed buffers that are
 * wiped. */

#define PEM_FILE_MAX   4096 /* ours is 119 bytes; text around a key (openssl's -text) fits too */
#define DER_PREFIX_MAX 16

static const uint8_t secret_prefix[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                        0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t public_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                        0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

struct pem_kind {
    const char *label; /* between BEGIN and the dashes */
    const char *what;  /* for messages */
    const uint8_t *prefix;
    size_t prefix_len;
};
static const struct pem_kind secret_kind = {"PRIVATE KEY", "an Ed25519 secret key in PKCS#8 PEM",
                                            secret_prefix, sizeof secret_prefix};
static const struct pem_kind public_kind = {"PUBLIC KEY", "an Ed25519 public key in SPKI PEM",
                                            public_prefix, sizeof public_prefix};

/* Length of the label when `line` is a PEM begin line, else 0. */
static size_t begin_label(const char *line, const char **label)
{
    static const char begin[] = "-----BEGIN ";
    if (strncmp(line, begin, sizeof begin - 1) != 0)
        return 0;
    *label = line + sizeof begin - 1;
    const char *end = strstr(*label, "-----");
    const char *eol = *label + strcspn(*label, "\r\n");
    return end && end < eol ? (size_t)(end - *label) : 0;
}

/* The 32 key bytes out of PEM text. Messages never quote what lies between the dashes. */
static int pem_read(const char *text, const struct pem_kind *kind, const char *path,
                    uint8_t key[32], struct err *e)
{
    const char *label = NULL, *at = strstr(text, "-----BEGIN ");
    size_t label_len = at ? begin_label(at, &label) : 0;
    if (!label_len)
        return err_set(e, ERR_INVALID, "%s: found no PEM key in it; %s is needed", path,
                       kind->what);
    if (label_len != strlen(kind->label) || strncmp(label, kind->label, label_len) != 0)
        return err_set(e, ERR_INVALID, "%s: found a PEM block '%.*s'; %s ('%s') is needed", path,
                       label_len < 40 ? (int)label_len : 40, label, kind->what, kind->label);
    const char *end = strstr(label, "-----END ");
    if (!end || strncmp(end + 9, kind->label, label_len) != 0)
        return err_set(e, ERR_INVALID, "%s: the key's end line is missing: the file is cut off",
                       path);
    char b64[PEM_FILE_MAX];
    uint8_t der[PEM_FILE_MAX];
    size_t n = 0, der_len = 0;
    for (const char *p = label + label_len + 5; p < end; p++)
        if (!strchr(" \t\r\n", *p))
            b64[n++] = *p;
    int rc = 0;
    if (!crypto_unbase64(b64, n, der, sizeof der, &der_len) || der_len == 0)
        rc = err_set(e, ERR_INVALID, "%s: the key's text is not base64: the file is damaged", path);
    else if (der_len < kind->prefix_len || memcmp(der, kind->prefix, kind->prefix_len) != 0)
        rc = err_set(e, ERR_INVALID,
                     "%s: the key in it is of another algorithm or form; %s is needed "
                     "(openssl genpkey -algorithm ed25519 makes one)",
                     path, kind->what);
    else if (der_len != kind->prefix_len + 32)
        rc = err_set(e, ERR_INVALID, "%s: the key is %zu bytes long; expected %zu", path, der_len,
                     kind->prefix_len + 32);
    else
        memcpy(key, der + kind->prefix_len, 32);
    crypto_wipe(b64, sizeof b64);
    crypto_wipe(der, sizeof der);
    return rc;
}

static void pem_write(const struct pem_kind *kind, const uint8_t key[32], struct buf *out)
{
    uint8_t der[DER_PREFIX_MAX + 32];
    char b64[80];
    memcpy(der, kind->prefix, kind->prefix_len);
    memcpy(der + kind->prefix_len, key, 32);
    crypto_base64(der, kind->prefix_len + 32, b64, sizeof b64);
    buf_reserve(out, 256); /* no growing with a secret inside */
    buf_addf(out, "-----BEGIN %s-----\n", kind->label);
    buf_adds(out, b64);
    buf_addf(out, "\n-----END %s-----\n", kind->label);
    crypto_wipe(der, sizeof der);
    crypto_wipe(b64, sizeof b64);
}

static void fill(struct sign_key *k)
{
    uint8_t der[sizeof public_prefix + ED25519_PUBLIC];
    memcpy(der, public_prefix, sizeof public_prefix);
    memcpy(der + sizeof public_prefix, k->pub, ED25519_PUBLIC);
    crypto_sha256_hex(der, sizeof der, k->keyid);
}

void sign_key_pem(const struct sign_key *k, struct buf *out)
{
    pem_write(&public_kind, k->pub, out);
}

void sign_key_wipe(struct sign_key *k)
{
    crypto_wipe(k, sizeof *k);
}

/* ---- files ---- */

/* Reads a small file into text (NUL behind). `secret`: only the owner may have access to it. */
static int read_small(const char *path, bool secret, char text[PEM_FILE_MAX], struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int code = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        err_errno(e, "cannot open %s", path);
        if (e)
            e->code = code;
        return code;
    }
    struct stat st;
    size_t n = 0;
    ssize_t got = 0;
    int rc = 0;
    if (fstat(fd, &st)) {
        rc = err_errno(e, "cannot use %s", path);
    } else if (!S_ISREG(st.st_mode)) {
        rc = err_set(e, ERR_INVALID, "%s is %s; a key file is needed", path,
                     S_ISDIR(st.st_mode) ? "a folder" : "no regular file");
    } else if (secret && (st.st_mode & 077)) {
        rc = err_set(e, ERR_DENIED,
                     "%s: the secret key is accessible to others (mode %04o); allowed: 0600 (run: "
                     "chmod 600 on it, or make a new key if somebody may have read it)",
                     path, (unsigned)(st.st_mode & 07777));
    } else {
        while (n < PEM_FILE_MAX && (got = read(fd, text + n, PEM_FILE_MAX - n)) != 0) {
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                break;
            n += (size_t)got;
        }
        if (got < 0)
            rc = err_errno(e, "cannot read %s", path);
        else if (n == PEM_FILE_MAX)
            rc = err_set(e, ERR_INVALID, "%s is larger than %d bytes: no key file", path,
                         PEM_FILE_MAX - 1);
        else if (n == 0)
            rc = err_set(e, ERR_INVALID, "%s is empty; a key in PEM is needed", path);
        else
            text[n] = 0;
    }
    close(fd);
    return rc;
}

static int read_secret(const char *path, struct sign_key *out, struct err *e)
{
    char text[PEM_FILE_MAX];
    uint8_t seed[ED25519_SEED];
    int rc = read_small(path, true, text, e);
    if (!rc)
        rc = pem_read(text, &secret_kind, path, seed, e);
    if (!rc) {
        crypto_ed25519_from_seed(seed, out->pub, out->sec);
        out->can_sign = true;
        fill(out);
    }
    crypto_wipe(seed, sizeof seed);
    crypto_wipe(text, sizeof text);
    return rc;
}

/* ERR_EXISTS when another process was first. */
static int make_secret(const char *path, struct err *e)
{
    uint8_t pub[ED25519_PUBLIC], sec[ED25519_SECRET];
    struct buf pem = {0};
    crypto_ed25519_new(pub, sec);
    pem_write(&secret_kind, sec, &pem); /* its first half is the seed */
    int rc = fs_write_file(path, pem.data, pem.len, 0600, true, e);
    crypto_wipe(pem.data, pem.cap);
    crypto_wipe(sec, sizeof sec);
    buf_free(&pem);
    return rc;
}

static int check_public_file(const char *path, const struct sign_key *k, struct err *e)
{
    struct sign_key found;
    struct err why = {0};
    int rc = sign_key_read_public(path, &found, &why);
    if (rc == ERR_NOT_FOUND) {
        struct buf pem = {0};
        sign_key_pem(k, &pem);
        rc = fs_write_file(path, pem.data, pem.len, 0644, false, e);
        buf_free(&pem);
        return rc;
    }
    if (rc)
        return err_set(e, rc, "%s (remove it: it is written again from the secret key)", why.msg);
    if (memcmp(found.pub, k->pub, sizeof k->pub) != 0)
        return err_set(e, ERR_CONFLICT,
                       "%s is not the public half of this worker's secret key: found key %.16s…, "
                       "expected %.16s… (put the right secret key back, or remove this file)",
                       path, found.keyid, k->keyid);
    return 0;
}

int sign_key_open(const char *key_path, const char *pub_path, struct sign_key *out, struct err *e)
{
    *out = (struct sign_key){.can_sign = false};
    /* Looked at first: whoever makes a key writes the secret half before the public one. */
    bool used_before = access(pub_path, F_OK) == 0;
    int rc = crypto_init(e);
    if (!rc)
        rc = read_secret(key_path, out, e);
    if (rc == ERR_NOT_FOUND && used_before) {
        rc = err_set(
            e, ERR_CONFLICT,
            "%s is missing, but %s is there: put the secret key back (a new one would not "
            "continue the results signed so far); to begin anew, move the public key and the "
            "results database away",
            key_path, pub_path);
    } else if (rc == ERR_NOT_FOUND) {
        rc = make_secret(key_path, e);
        if (!rc || rc == ERR_EXISTS)
            rc = read_secret(key_path, out, e);
    }
    if (!rc)
        rc = check_public_file(pub_path, out, e);
    if (rc)
        sign_key_wipe(out);
    return rc;
}

int sign_key_read_public(const char *path, struct sign_key *out, struct err *e)
{
    char text[PEM_FILE_MAX];
    *out = (struct sign_key){.can_sign = false};
    int rc = crypto_init(e);
    if (!rc)
        rc = read_small(path, false, text, e);
    if (!rc)
        rc = pem_read(text, &public_kind, path, out->pub, e);
    if (!rc)
        fill(out);
    return rc;
}
