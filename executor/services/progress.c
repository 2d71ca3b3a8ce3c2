/* progress: the script says how far it is. Argument {"fraction": 0..1, "text": "at most 1 KiB"}. A
 * note: no answer, so that a script may call it in a tight loop; the front-end decides how often it
 * tells. */
#include "executor/services/service.h"

#include "base/jv.h"
#include "executor/attempt/secrets.h"

#define TEXT_MAX 1024

static int handle(const struct service_call *c, struct buf *reply, struct err *e)
{
    (void)reply;
    struct jv *doc = NULL;
    int rc = jv_parse(c->json, c->len, &doc, e);
    if (rc)
        return rc;
    if (jv_type(doc) != JV_OBJECT) {
        rc = err_set(e, ERR_INVALID, "progress: found %s; allowed: an object", jv_type_name(doc));
        goto out;
    }
    const struct jv *fraction = jv_get(doc, "fraction"), *text = jv_get(doc, "text");
    if (!fraction || jv_type(fraction) != JV_NUMBER || !(jv_number(fraction) >= 0) ||
        !(jv_number(fraction) <= 1)) {
        rc = err_set(e, ERR_INVALID, "progress: fraction: allowed: a number from 0 to 1");
        goto out;
    }
    size_t len = 0;
    const char *s = text ? jv_string(text, &len) : "";
    if (!s || len > TEXT_MAX) {
        rc = err_set(e, ERR_INVALID, "progress: text: allowed: a string of at most %d bytes",
                     TEXT_MAX);
        goto out;
    }
    const struct mask *mask = secrets_mask(attempt_secrets(c->attempt));
    struct buf masked = {0};
    if (mask && mask_text(mask, s, len, &masked))
        s = masked.data;
    c->owner->progress(c->attempt, jv_number(fraction), s, c->owner_arg);
    buf_free(&masked);
out:
    jv_free(doc);
    return rc;
}

const struct service service_progress = {
    .name = "progress",
    .argument_max = 4096,
    .handle = handle,
};
