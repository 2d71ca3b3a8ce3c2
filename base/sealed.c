#include "base/sealed.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define MAGIC     "isolane-secret-v1\n"
#define KEYID     (KEYID_LEN - 1)
#define HEAD      (sizeof SEALED_PREFIX - 1 + KEYID + 1) /* up to the box */
#define LINES_MAX 256                                    /* of what stands in front of the value */
#define BOX_MIN   (SEAL_OVERHEAD + sizeof MAGIC - 1 + 6 + SECRET_VALUE_MIN)
#define BOX_MAX   (SEAL_OVERHEAD + LINES_MAX + SECRET_VALUE_MAX)

bool secret_name_valid(const char *name)
{
    size_t n = 0;
    for (; name[n] && n <= SECRET_NAME_MAX; n++)
        if (!(isalpha((unsigned char)name[n]) || name[n] == '_' ||
              (n > 0 && isdigit((unsigned char)name[n]))))
            return false;
    return n >= 1 && n <= SECRET_NAME_MAX;
}

int secret_value_check(const char *value, size_t len, struct err *e)
{
    if (len < SECRET_VALUE_MIN || len > SECRET_VALUE_MAX)
        return err_set(e, ERR_INVALID,
                       "found a value of %zu bytes; allowed: %d to %d (a shorter one cannot be "
                       "masked in output)",
                       len, SECRET_VALUE_MIN, SECRET_VALUE_MAX);
    if (memchr(value, 0, len) || utf8_valid_prefix(value, len) != len)
        return err_set(e, ERR_INVALID,
                       "found a value that is not UTF-8 text without NUL; encode binary keys, as "
                       "base64 for one");
    return 0;
}

int sealed_check(const char *text, size_t len, struct err *e)
{
    static const char allowed[] =
        "allowed: what `isolane secret seal` prints (" SEALED_PREFIX "<key id>:<base64url>)";
    if (len > SEALED_TEXT_MAX)
        return err_set(e, ERR_INVALID, "found %zu bytes; allowed: a sealed text of at most %d", len,
                       SEALED_TEXT_MAX);
    if (len <= HEAD || memcmp(text, SEALED_PREFIX, sizeof SEALED_PREFIX - 1) != 0)
        return err_set(e, ERR_INVALID, "found a text that is not sealed; %s", allowed);
    if (!key_id_valid(sealed_keyid(text), KEYID) || text[HEAD - 1] != ':')
        return err_set(e, ERR_INVALID, "found a sealed text without the id of its key; %s",
                       allowed);
    size_t digits = len - HEAD, box = digits / 4 * 3 + (digits % 4 ? digits % 4 - 1 : 0);
    for (size_t i = HEAD; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
            return err_set(e, ERR_INVALID, "found a sealed text that is not base64url; %s",
                           allowed);
    if (digits % 4 == 1 || box < BOX_MIN || box > BOX_MAX)
        return err_set(e, ERR_INVALID, "found a sealed text that is cut off or too long; %s",
                       allowed);
    return 0;
}

const char *sealed_keyid(const char *text)
{
    return text + sizeof SEALED_PREFIX - 1;
}

static size_t write_lines(const struct secret_binding *b, char out[LINES_MAX])
{
    bool bound = b->script_sha256 && *b->script_sha256;
    int n = snprintf(out, LINES_MAX, MAGIC "%s\n%s\n%s\n", b->tenant, b->name,
                     bound ? b->script_sha256 : "-");
    CHECK(n > 0 && n < LINES_MAX);
    return (size_t)n;
}

void sealed_make(const uint8_t pub[X25519_KEY], const struct secret_binding *b, const char *value,
                 size_t len, struct buf *out)
{
    char lines[LINES_MAX], id[KEYID_LEN];
    CHECK(len <= SECRET_VALUE_MAX);
    size_t head = write_lines(b, lines), box_len = head + len + SEAL_OVERHEAD;
    char *plain = crypto_guarded(head + len);
    uint8_t *box = mem_alloc(box_len);
    memcpy(plain, lines, head);
    memcpy(plain + head, value, len);
    crypto_seal(pub, plain, head + len, box);
    crypto_guarded_free(plain);
    key_id(KEY_X25519_PUBLIC, pub, id);
    buf_addf(out, SEALED_PREFIX "%s:", id);
    size_t room = crypto_base64url_len(box_len);
    buf_reserve(out, room);
    if (!out->full) {
        crypto_base64url(box, box_len, out->data + out->len, room);
        out->len += room - 1;
    }
    free(box);
}

/* One line of what the box says it is for. NULL: there is none. */
static const char *take_line(const char **at, const char *end, size_t *len)
{
    const char *line = *at, *nl = memchr(line, '\n', (size_t)(end - line));
    if (!nl)
        return NULL;
    *len = (size_t)(nl - line);
    *at = nl + 1;
    return line;
}

static bool same(const char *line, size_t len, const char *text)
{
    return strlen(text) == len && memcmp(line, text, len) == 0;
}

/* The plain text is trusted by nobody: whoever has the public key could have made it. */
static int read_plain(const char *plain, size_t len, const struct secret_binding *b,
                      const char **value, size_t *value_len, struct err *e)
{
    const char *at = plain, *end = plain + len, *line[4];
    size_t n[4];
    for (int i = 0; i < 4; i++)
        if (!(line[i] = take_line(&at, end, &n[i])) || (i == 0 && !same(line[0], n[0] + 1, MAGIC)))
            return err_set(e, ERR_INVALID, "what was sealed is no secret of this form (%.*s)",
                           (int)sizeof MAGIC - 2, MAGIC);
    if (!same(line[1], n[1], b->tenant))
        return err_set(e, ERR_DENIED, "it was sealed for another tenant");
    if (!same(line[2], n[2], b->name))
        return err_set(e, ERR_DENIED, "it was sealed under another name");
    if (!same(line[3], n[3], "-") &&
        !(b->script_sha256 && *b->script_sha256 && same(line[3], n[3], b->script_sha256)))
        return err_set(e, ERR_DENIED, "it was sealed for another script");
    *value = at;
    *value_len = (size_t)(end - at);
    return secret_value_check(*value, *value_len, e);
}

int sealed_open(const struct seal_key *k, const struct secret_binding *b, const char *text,
                size_t len, void **memory, const char **value, size_t *value_len, struct err *e)
{
    *memory = NULL;
    if (memcmp(sealed_keyid(text), k->keyid, KEYID) != 0)
        return err_set(e, ERR_NOT_FOUND,
                       "it is sealed to key %.16s…, this worker's is %.16s… (isolane keys export "
                       "--seal)",
                       sealed_keyid(text), k->keyid);
    size_t room = len - HEAD, box_len = 0;
    uint8_t *box = mem_alloc(room);
    int rc = 0;
    if (!crypto_unbase64url(text + HEAD, len - HEAD, box, room, &box_len) ||
        box_len <= SEAL_OVERHEAD) {
        rc = err_set(e, ERR_CORRUPT, "the sealed text is damaged");
        goto out;
    }
    char *plain = *memory = crypto_guarded(box_len - SEAL_OVERHEAD);
    if (!crypto_seal_open(k->pub, k->sec, box, box_len, plain))
        rc = err_set(e, ERR_CORRUPT, "the sealed text was altered, or sealed to another key");
    else
        rc = read_plain(plain, box_len - SEAL_OVERHEAD, b, value, value_len, e);
out:
    free(box);
    if (rc) {
        crypto_guarded_free(*memory);
        *memory = NULL;
    }
    return rc;
}

int seal_key_open(const char *secret_path, const char *public_path, struct seal_key *out,
                  struct err *e)
{
    static const char lost[] = "what was sealed to it opens with it alone; to begin anew, move the "
                               "public key away and seal all secrets again";
    int rc = crypto_init(e);
    if (!rc)
        rc =
            key_pair_open(secret_path, public_path, KEY_X25519_SECRET, lost, out->sec, out->pub, e);
    if (!rc)
        key_id(KEY_X25519_PUBLIC, out->pub, out->keyid);
    return rc;
}
