/* Signed jobs: who may ask (docs/protocol.md "Signed jobs"). A tenant whose configuration has
 * job_keys takes only jobs that carry the header
 *
 *   Isolane-Signature: <id of the key> <Ed25519 signature, base64>
 *
 * over DSSE's pre-authentication encoding of the message's exact bytes, with the tenant in the
 * type: a signed job is worth nothing to another tenant, and its id stands inside what is signed.
 * Pure functions, any thread; untrusted input. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/keyfile.h"
#include "config/config.h"

#define SIGNATURE_HEADER "Isolane-Signature"
#define JOB_PAYLOAD_TYPE "application/vnd.isolane.job.v1+json" /* + ";tenant=<tenant>" */
#define SIGNATURE_TEXT   (64 + 1 + 88 + 1)                     /* with the NUL */

/* header: the value of the first such header, NULL: none; count: how many there are. signed_by gets
 * the key's id. ERR_INVALID: "signature: …", says what is wrong. */
int signature_check(const struct tenant *t, const char *header, int count, const char *message,
                    size_t len, char signed_by[KEYID_LEN], struct err *e);

/* The header's value for a message. seed: of an Ed25519 secret key. */
void signature_make(const uint8_t seed[KEY_BYTES], const char *tenant, const char *message,
                    size_t len, char out[SIGNATURE_TEXT]);
