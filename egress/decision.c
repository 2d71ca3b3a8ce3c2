#include "egress/decision.h"

const char *const egress_reason_names[EGRESS_REASONS] = {
    [REASON_NONE] = "none",
    [REASON_URL] = "url",
    [REASON_SCHEME] = "scheme",
    [REASON_CREDENTIALS] = "credentials",
    [REASON_HOST] = "host",
    [REASON_PORT] = "port",
    [REASON_NOT_LISTED] = "not_listed",
    [REASON_NO_SUCH_NAME] = "no_such_name",
    [REASON_RESOLVER] = "resolver",
    [REASON_ADDRESS] = "address",
    [REASON_TOO_MANY] = "too_many_addresses",
    [REASON_REDIRECTS] = "too_many_redirects",
    [REASON_DOWNGRADE] = "downgrade",
};
const char *const egress_verdict_names[EGRESS_FAILED + 1] = {"open", "allowed", "denied", "failed"};

static void seen_json(const struct egress_seen *s, struct jsonw *w)
{
    char ip[IP_TEXT], inner[IP_TEXT];
    struct address_kind k = address_kind(&s->ip);
    ip_text(&s->ip, ip);
    jsonw_object(w);
    jsonw_kstr(w, "address", ip);
    jsonw_kstr(w, "class", k.name);
    jsonw_kstr(w, "source", *k.source ? k.source : NULL);
    if (k.inner.family) {
        ip_text(&k.inner, inner);
        jsonw_kstr(w, "inner", inner);
        jsonw_kstr(w, "inner_class", address_class_names[k.inner_class]);
    }
    jsonw_kbool(w, "allowed", s->allowed);
    jsonw_kstr(w, "rule", *s->rule ? s->rule : NULL);
    jsonw_object_end(w);
}

void egress_decision_json(const struct egress_decision *d, struct jsonw *w)
{
    bool known = d->target.host.text[0] != 0;
    jsonw_object(w);
    jsonw_kstr(w, "verdict", egress_verdict_names[d->verdict]);
    jsonw_kstr(w, "reason", d->reason == REASON_NONE ? NULL : egress_reason_names[d->reason]);
    jsonw_kstr(w, "text", d->text);
    jsonw_kstr(w, "scheme", known ? egress_scheme_names[d->target.scheme] : NULL);
    jsonw_kstr(w, "host", known ? d->target.host.text : NULL);
    jsonw_kint(w, "port", known ? d->target.port : 0);
    jsonw_kint(w, "hop", d->hop);
    jsonw_kstr(w, "rule", *d->rule ? d->rule : NULL);
    jsonw_name(w, "addresses");
    jsonw_array(w);
    for (int i = 0; i < d->seen_count; i++)
        seen_json(&d->seen[i], w);
    jsonw_array_end(w);
    jsonw_kms(w, "resolve_ms", d->resolve_us);
    jsonw_object_end(w);
}
