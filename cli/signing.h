/* Jobs signed with --key FILE (`isolane keys new`), shared by all that publish jobs. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/keyfile.h"
#include "link/subjects.h"
#include "queue/job/signature.h"

/* The secret half, for crypto_wipe(). ERR_INVALID names --key. */
int signing_key(const char *key_file, uint8_t seed[KEY_BYTES], struct err *e);
/* The header's text; key_file NULL: none, out is left as it is. */
int signing_job(const char *key_file, const char *tenant, const struct buf *message,
                char out[SIGNATURE_TEXT], struct err *e);
/* A signed job carries its id: "<prefix><24 hex digits>" for one that was given none. */
void signing_id(const char *prefix, char out[JOB_ID_MAX + 1]);
