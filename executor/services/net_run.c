#include "executor/services/net_run.h"

#include <inttypes.h>

#include "base/jsonw.h"
#include "base/log.h"
#include "executor/services/world.h"
#include "queue/job/job.h"

#define DENIALS_LOGGED 10 /* of one run: a script in a loop does not fill the log */

static const char key;

static void end_run(void *state)
{
    struct net_run *r = state;
    egress_policy_free(r->policy);
}

int net_run_of(const struct service_call *c, struct net_run **out, struct err *e)
{
    const struct job *j = attempt_job(c->attempt);
    const struct tenant *t = config_tenant(c->world->config, j->tenant);
    struct net_run *r = service_state_find(c->run, &key);
    if (!r) {
        struct egress_policy *p;
        int rc =
            egress_policy_new(&j->permissions.list[PERMISSION_NET], t ? t->egress_private : NULL,
                              t ? t->egress_private_count : 0, &p, e);
        if (rc)
            return rc;
        r = service_state(c->run, &key, sizeof *r, end_run);
        r->world = c->world;
        r->attempt = c->attempt;
        r->policy = p;
    }
    *out = r;
    return 0;
}

int net_run_begin(struct net_run *r, struct err *e)
{
    const int64_t most = r->world->config->egress.max_requests;
    if (r->use.requests >= most)
        return err_set(e, ERR_LIMIT,
                       "net: found more than %" PRId64 " requests of one attempt; allowed: up to "
                       "that many (egress.max_requests)",
                       most);
    r->use.requests++;
    return 0;
}

void net_run_decided(struct net_run *r, const struct egress_decision *d)
{
    const struct job *j = attempt_job(r->attempt);
    if (d->verdict == EGRESS_ALLOWED) {
        log_debug("egress", "job %s of %s: %s (%s)", j->id, j->tenant, d->text, d->rule);
        return;
    }
    r->use.denied += d->verdict == EGRESS_DENIED;
    if (r->denials_logged++ < DENIALS_LOGGED)
        log_info("egress", "job %s of %s: %s", j->id, j->tenant, d->text);
}

int net_run_moved(struct net_run *r, int64_t sent, int64_t received, struct err *e)
{
    const int64_t max_mb = r->world->config->egress.max_attempt_mb;
    r->use.sent += sent;
    r->use.received += received;
    if (r->use.sent + r->use.received <= max_mb << 20)
        return 0;
    return err_set(e, ERR_LIMIT,
                   "net: found more than %" PRId64 " MiB of bodies and messages of one attempt; "
                   "allowed: up to that many (egress.max_attempt_mb)",
                   max_mb);
}

void net_run_json(const struct service_run *run, struct buf *out)
{
    const struct net_run *r = service_state_find(run, &key);
    struct jsonw w;
    if (!r || !r->use.requests)
        return;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kint(&w, "requests", r->use.requests);
    jsonw_kint(&w, "denied", r->use.denied);
    jsonw_kint(&w, "connections", r->use.connections);
    jsonw_kint(&w, "sent_bytes", r->use.sent);
    jsonw_kint(&w, "received_bytes", r->use.received);
    jsonw_object_end(&w);
}
