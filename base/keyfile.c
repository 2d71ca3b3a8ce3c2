#include "base/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "base/mem.h"

/* How this works: a key on Curve25519 has exactly one DER form (RFC 8410): a fixed prefix and 32
 * bytes. So reading one is comparing the prefix, and anything else is somebody's other key: the
 * messages say which kind, for that is the likely mistake. Secret bytes live in fixed buffers that
 * are wiped. */

#define PEM_FILE_MAX   4096 /* ours is 119 bytes; text around a key (openssl's -text) fits too */
#define DER_PREFIX_MAX 16

#define PKCS8(oid)                                                                                 \
    {                                                                                              \
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, oid, 0x04, 0x22, 0x04,   \
            0x20                                                                                   \
    }
#define SPKI(oid)                                                                                  \
    {                                                                                              \
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, oid, 0x03, 0x21, 0x00                      \
    }

static const struct kind {
    const char *label;     /* between BEGIN and the dashes */
    const char *what;      /* for messages */
    const char *algorithm; /* openssl's name */
    bool secret;
    enum key_kind public;
    size_t prefix_len;
    uint8_t prefix[DER_PREFIX_MAX];
} kinds[] = {
    [KEY_ED25519_SECRET] = {"PRIVATE KEY", "an Ed25519 secret key in PKCS#8 PEM", "ed25519", true,
                            KEY_ED25519_PUBLIC, 16, PKCS8(0x70)},
    [KEY_ED25519_PUBLIC] = {"PUBLIC KEY", "an Ed25519 public key in SPKI PEM", "ed25519", false,
                            KEY_ED25519_PUBLIC, 12, SPKI(0x70)},
    [KEY_X25519_SECRET] = {"PRIVATE KEY", "an X25519 secret key in PKCS#8 PEM", "x25519", true,
                           KEY_X25519_PUBLIC, 16, PKCS8(0x6e)},
    [KEY_X25519_PUBLIC] = {"PUBLIC KEY", "an X25519 public key in SPKI PEM", "x25519", false,
                           KEY_X25519_PUBLIC, 12, SPKI(0x6e)},
};

void key_public_of(enum key_kind secret, const uint8_t sec[KEY_BYTES], uint8_t pub[KEY_BYTES])
{
    CHECK(kinds[secret].secret);
    if (secret == KEY_ED25519_SECRET) {
        uint8_t both[ED25519_SECRET];
        crypto_ed25519_from_seed(sec, pub, both);
        crypto_wipe(both, sizeof both);
    } else {
        crypto_x25519_public(sec, pub);
    }
}

void key_id(enum key_kind public, const uint8_t pub[KEY_BYTES], char out[KEYID_LEN])
{
    const struct kind *k = &kinds[public];
    uint8_t der[DER_PREFIX_MAX + KEY_BYTES];
    CHECK(!k->secret);
    memcpy(der, k->prefix, k->prefix_len);
    memcpy(der + k->prefix_len, pub, KEY_BYTES);
    crypto_sha256_hex(der, k->prefix_len + KEY_BYTES, out);
}

bool key_id_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr("0123456789abcdef", text[i]) || !text[i])
            return false;
    return len == KEYID_LEN - 1;
}

/* ---- PEM ---- */

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

static int from_der(const uint8_t *der, size_t len, const struct kind *k, const char *path,
                    uint8_t key[KEY_BYTES], struct err *e)
{
    if (len < k->prefix_len || memcmp(der, k->prefix, k->prefix_len) != 0)
        return err_set(e, ERR_INVALID,
                       "%s: the key in it is of another algorithm or form; %s is needed "
                       "(openssl genpkey -algorithm %s makes one)",
                       path, k->what, k->algorithm);
    if (len != k->prefix_len + KEY_BYTES)
        return err_set(e, ERR_INVALID, "%s: the key is %zu bytes long; expected %zu", path, len,
                       k->prefix_len + KEY_BYTES);
    memcpy(key, der + k->prefix_len, KEY_BYTES);
    return 0;
}

/* The key's bytes out of PEM text. Messages never quote what lies between the dashes. */
static int pem_read(const char *text, const struct kind *k, const char *path,
                    uint8_t key[KEY_BYTES], struct err *e)
{
    const char *label = NULL, *at = strstr(text, "-----BEGIN ");
    size_t label_len = at ? begin_label(at, &label) : 0;
    if (!label_len)
        return err_set(e, ERR_INVALID, "%s: found no PEM key in it; %s is needed", path, k->what);
    if (label_len != strlen(k->label) || strncmp(label, k->label, label_len) != 0)
        return err_set(e, ERR_INVALID, "%s: found a PEM block '%.*s'; %s ('%s') is needed", path,
                       label_len < 40 ? (int)label_len : 40, label, k->what, k->label);
    const char *end = strstr(label, "-----END ");
    if (!end || strncmp(end + 9, k->label, label_len) != 0)
        return err_set(e, ERR_INVALID, "%s: the key's end line is missing: the file is cut off",
                       path);
    char b64[PEM_FILE_MAX];
    uint8_t der[PEM_FILE_MAX];
    size_t n = 0, der_len = 0;
    for (const char *p = label + label_len + 5; p < end; p++)
        if (!strchr(" \t\r\n", *p))
            b64[n++] = *p;
    int rc;
    if (!crypto_unbase64(b64, n, der, sizeof der, &der_len) || der_len == 0)
        rc = err_set(e, ERR_INVALID, "%s: the key's text is not base64: the file is damaged", path);
    else
        rc = from_der(der, der_len, k, path, key, e);
    crypto_wipe(b64, sizeof b64);
    crypto_wipe(der, sizeof der);
    return rc;
}

void key_pem(enum key_kind kind, const uint8_t key[KEY_BYTES], struct buf *out)
{
    const struct kind *k = &kinds[kind];
    uint8_t der[DER_PREFIX_MAX + KEY_BYTES];
    char b64[80];
    memcpy(der, k->prefix, k->prefix_len);
    memcpy(der + k->prefix_len, key, KEY_BYTES);
    crypto_base64(der, k->prefix_len + KEY_BYTES, b64, sizeof b64);
    buf_reserve(out, 256); /* no growing with a secret inside */
    buf_addf(out, "-----BEGIN %s-----\n", k->label);
    buf_adds(out, b64);
    buf_addf(out, "\n-----END %s-----\n", k->label);
    crypto_wipe(der, sizeof der);
    crypto_wipe(b64, sizeof b64);
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

int key_file_read(const char *path, enum key_kind kind, uint8_t key[KEY_BYTES], struct err *e)
{
    char text[PEM_FILE_MAX];
    int rc = read_small(path, kinds[kind].secret, text, e);
    if (!rc)
        rc = pem_read(text, &kinds[kind], path, key, e);
    crypto_wipe(text, sizeof text);
    return rc;
}

int key_public_from(const char *text, enum key_kind kind, uint8_t pub[KEY_BYTES], struct err *e)
{
    size_t len = 0;
    CHECK(!kinds[kind].secret);
    if (strlen(text) == crypto_base64_len(KEY_BYTES) - 1 &&
        crypto_unbase64(text, strlen(text), pub, KEY_BYTES, &len) && len == KEY_BYTES)
        return 0;
    int rc = key_file_read(text, kind, pub, e);
    if (rc == ERR_NOT_FOUND)
        err_set(e, rc,
                "'%.200s' is neither the base64 of a key of %d bytes nor a file that is there; %s "
                "is needed",
                text, KEY_BYTES, kinds[kind].what);
    return rc;
}

int key_file_make(const char *path, enum key_kind secret, struct err *e)
{
    uint8_t sec[KEY_BYTES];
    struct buf pem = {.secret = true};
    CHECK(kinds[secret].secret);
    crypto_random(sec, sizeof sec); /* any 32 bytes are a key of either kind */
    key_pem(secret, sec, &pem);
    int rc = fs_write_file(path, pem.data, pem.len, 0600, true, e);
    crypto_wipe(sec, sizeof sec);
    buf_free(&pem);
    return rc;
}

static int check_public_file(const char *path, enum key_kind kind, const uint8_t pub[KEY_BYTES],
                             struct err *e)
{
    uint8_t found[KEY_BYTES];
    struct err why = {0};
    char found_id[KEYID_LEN], id[KEYID_LEN];
    int rc = key_file_read(path, kind, found, &why);
    if (rc == ERR_NOT_FOUND) {
        struct buf pem = {0};
        key_pem(kind, pub, &pem);
        rc = fs_write_file(path, pem.data, pem.len, 0644, false, e);
        buf_free(&pem);
        return rc;
    }
    if (rc)
        return err_set(e, rc, "%s (remove it: it is written again from the secret key)", why.msg);
    if (memcmp(found, pub, KEY_BYTES) == 0)
        return 0;
    key_id(kind, found, found_id);
    key_id(kind, pub, id);
    return err_set(e, ERR_CONFLICT,
                   "%s is not the public half of this worker's secret key: found key %.16s…, "
                   "expected %.16s… (put the right secret key back, or remove this file)",
                   path, found_id, id);
}

int key_pair_open(const char *secret_path, const char *public_path, enum key_kind secret,
                  const char *lost, uint8_t sec[KEY_BYTES], uint8_t pub[KEY_BYTES], struct err *e)
{
    /* Looked at first: whoever makes a key writes the secret half before the public one. */
    bool used_before = access(public_path, F_OK) == 0;
    int rc = key_file_read(secret_path, secret, sec, e);
    if (rc == ERR_NOT_FOUND && used_before) {
        rc =
            err_set(e, ERR_CONFLICT, "%s is missing, but %s is there: put the secret key back (%s)",
                    secret_path, public_path, lost);
    } else if (rc == ERR_NOT_FOUND) {
        rc = key_file_make(secret_path, secret, e);
        if (!rc || rc == ERR_EXISTS) /* another process was first */
            rc = key_file_read(secret_path, secret, sec, e);
    }
    if (!rc) {
        key_public_of(secret, sec, pub);
        rc = check_public_file(public_path, kinds[secret].public, pub, e);
    }
    if (rc)
        crypto_wipe(sec, KEY_BYTES);
    return rc;
}
