/* DSSE envelopes (https://github.com/secure-systems-lab/dsse, v1.0) around in-toto statements v1
 * whose predicate is the JSON result object. Signed with Ed25519, so that tools which exist can
 * verify it. Pure functions; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "results/record.h"
#include "results/sign_key.h"

#define ENVELOPE_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define STATEMENT_TYPE        "https://in-toto.io/Statement/v1"
#define STATEMENT_PREDICATE   "https://isolane.dev/result/v1"
#define ENVELOPE_MAX          ((size_t)64 << 20)

/* Statement bytes (the payload) of a result whose seq and prev are set. Its one subject: name the
 * job's id, digest sha256 of the script (of the empty text when there is none). */
void statement_encode(const struct result *r, struct buf *out);

/* Bytes of the envelope that envelope_sign() makes of a payload of that length. */
size_t envelope_size(size_t payload_len);
/* Envelope JSON over payload. */
void envelope_sign(const struct sign_key *k, const char *payload, size_t len, struct buf *out);

/* Checks an envelope: JSON shape, payload type, base64 (standard or URL-safe, as DSSE allows), a
 * signature by `k` among those it carries (NULL: shape only). The key ids in it are a hint for
 * messages and decide nothing. *payload is malloc'd, NUL behind. ERR_INVALID: not an envelope.
 * ERR_CORRUPT: the signature does not hold. ERR_DENIED: signed by another key (the message names
 * both key ids). */
int envelope_open(const char *json, size_t len, const struct sign_key *k, char **payload,
                  size_t *payload_len, struct err *e);

/* The key id of the first signature of an envelope, as it claims: which key to check it with.
 * False: it claims none (of 64 hex digits). */
bool envelope_keyid(const char *json, size_t len, char out[KEYID_LEN]);

/* The pre-authentication encoding that is signed: "DSSEv1 <n> <type> <n> <payload>". */
void envelope_pae(const char *payload, size_t len, struct buf *out);

/* When the job of an envelope was published, as its statement says (nothing is verified); 0: it
 * does not say. */
int64_t envelope_published_us(const char *json, size_t len);

/* Checks a payload that envelope_open() gave: a statement of our types with one subject, which
 * names the id and the script of its own predicate. Appends the predicate (the result object) to
 * out (NULL: check only), byte for byte as signed. ERR_INVALID names what is wrong. */
int statement_result(const char *payload, size_t len, struct buf *out, struct err *e);

/* Both, with no signature checked: the result object of an envelope, appended to out. */
int envelope_result(const char *json, size_t len, struct buf *out, struct err *e);
