/* egress: may a tenant's jobs reach a URL? The decision that a worker would make, step by step,
 * with the resolvers it would ask. Nothing is connected to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print/table.h"
#include "egress/resolve.h"

#define EGRESS_HOPS_MAX 101 /* URLs: one and egress.max_redirects at its highest */

struct check {
    uv_loop_t loop;
    struct dns *dns;
    struct egress_policy *policy;
    struct egress_decision *hops; /* one for each URL that was decided about */
    int hop_count;
    bool came;
};

static void on_resolved(void *arg, const struct egress_decision *d, const struct err *why)
{
    struct check *c = arg;
    (void)why; /* stands in d */
    c->hops[c->hop_count++] = *d;
    c->came = true;
}

static void on_dns_closed(void *arg)
{
    struct check *c = arg;
    c->dns = NULL;
}

/* The first URL, and each next one as where the one before redirects to, while all is allowed. */
static void decide(struct check *c, char **urls, int n, int max_redirects)
{
    for (int i = 0; i < n; i++) {
        const struct egress_decision *from = i ? &c->hops[i - 1] : NULL;
        c->came = false;
        if (!from)
            egress_resolve(&c->loop, c->dns, c->policy, urls[i], strlen(urls[i]), on_resolved, c);
        else
            egress_resolve_redirect(&c->loop, c->dns, c->policy, from, urls[i], strlen(urls[i]),
                                    max_redirects, on_resolved, c);
        while (!c->came)
            uv_run(&c->loop, UV_RUN_ONCE);
        if (c->hops[i].verdict != EGRESS_ALLOWED)
            return;
    }
}

/* ---- what is shown ---- */

static void row(struct table *t, const char *step, const char *found, bool ok, const char *rule)
{
    table_row(t, (struct table_cell[]){{step, COLOUR_NONE},
                                       {found, COLOUR_NONE},
                                       {ok ? "ok" : "no", ok ? COLOUR_GREEN : COLOUR_RED},
                                       {rule, COLOUR_NONE}});
}

static void address_rows(struct table *t, const struct egress_decision *d)
{
    for (int i = 0; i < d->seen_count; i++) {
        char shown[ADDRESS_SHOWN], rule[IP_BLOCK_TEXT + 20] = "";
        const struct egress_seen *s = &d->seen[i];
        address_show(&s->ip, shown);
        if (*s->rule)
            snprintf(rule, sizeof rule, "egress_private: %s", s->rule);
        row(t, "address", shown, s->allowed, rule);
    }
}

static void hop_rows(struct table *t, const struct egress_decision *d, const char *url)
{
    const bool read = d->reason != REASON_URL && d->reason != REASON_SCHEME &&
                      d->reason != REASON_CREDENTIALS && d->reason != REASON_HOST &&
                      !(d->reason == REASON_PORT && !egress_port_bad(d->target.port));
    char origin[EGRESS_ORIGIN_MAX], port[8], rule[EGRESS_RULE_MAX + 20] = "";
    const char *step = d->hop ? "redirect" : "url";
    if (!read) {
        row(t, step, d->reason == REASON_CREDENTIALS ? "(not shown)" : url, false, "");
        return;
    }
    egress_origin(&d->target, origin);
    if (d->reason == REASON_REDIRECTS || d->reason == REASON_DOWNGRADE) {
        row(t, step, origin, false, "");
        return;
    }
    row(t, step, origin, true, "");
    snprintf(port, sizeof port, "%u", d->target.port);
    row(t, "port", port, d->reason != REASON_PORT, "");
    if (d->reason == REASON_PORT)
        return;
    if (*d->rule)
        snprintf(rule, sizeof rule, "permissions.net: %s", d->rule);
    row(t, "host", d->target.host.text, *d->rule, rule);
    if (d->reason == REASON_NO_SUCH_NAME || d->reason == REASON_RESOLVER ||
        d->reason == REASON_TOO_MANY)
        row(t, "resolver", egress_reason_names[d->reason], false, "");
    address_rows(t, d);
}

static void print_table(const struct check *c, char **urls)
{
    static const struct table_column columns[] = {
        {.name = "step"}, {.name = "found", .cut = true}, {.name = "verdict"}, {.name = "by"}};
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    const struct egress_decision *last = &c->hops[c->hop_count - 1];
    for (int i = 0; i < c->hop_count; i++)
        hop_rows(t, &c->hops[i], urls[i]);
    table_print(t, stdout);
    table_free(t);
    printf("\n%s: %s\n", egress_verdict_names[last->verdict], last->text);
}

static void print_json(const struct check *c, const char *tenant)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "tenant", tenant);
    jsonw_kstr(&w, "verdict", egress_verdict_names[c->hops[c->hop_count - 1].verdict]);
    jsonw_name(&w, "hops");
    jsonw_array(&w);
    for (int i = 0; i < c->hop_count; i++)
        egress_decision_json(&c->hops[i], &w);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

/* ---- the command ---- */

static int start(struct check *c, const struct config *config, const char *tenant, struct err *e)
{
    const struct tenant *t = config_tenant(config, tenant);
    if (!t)
        return err_set(e, ERR_INVALID,
                       "--tenant: found '%.64s'; allowed: a tenant of the configuration", tenant);
    int rc = egress_policy_new(&t->permissions.list[PERMISSION_NET], t->egress_private,
                               t->egress_private_count, &c->policy, e);
    if (rc)
        return err_wrap(e, "tenant '%s'", tenant);
    CHECK(uv_loop_init(&c->loop) == 0);
    return dns_open(&c->loop, &config->egress, &c->dns, e);
}

static void stop(struct check *c)
{
    if (c->dns) {
        dns_close(c->dns, on_dns_closed, c);
        while (uv_run(&c->loop, UV_RUN_ONCE))
            ;
        uv_loop_close(&c->loop);
    }
    egress_policy_free(c->policy);
    free(c->hops);
}

static int exit_code(enum egress_verdict v)
{
    return v == EGRESS_ALLOWED ? EXIT_JOB_OK : v == EGRESS_FAILED ? EXIT_OURS : EXIT_JOB_NOT_OK;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    struct options o = {.command = self};
    struct config *config = NULL;
    struct check c = {0};
    struct err e = {0};
    const char *tenant = "default";
    bool json = false;
    options_add(&o,
                (const struct option_row[]){
                    {.name = "tenant",
                     .type = OPTION_TEXT,
                     .to = &tenant,
                     .arg = "NAME",
                     .help = "whose permissions (default: default)"},
                    {.name = "json", .type = OPTION_FLAG, .to = &json, .help = "print JSON"},
                },
                2);
    options_add_settings(&o, &settings, false);
    int code = options_parse(&o, argc, argv, 2, 1 + EGRESS_HOPS_MAX, "check URL…");
    if (code != OPTIONS_GO)
        return code;
    if (strcmp(o.args[0], "check") != 0)
        return fail_usage(self, "found '%s'; allowed: check", o.args[0]);
    if (settings_load(&settings, &config, &e) || start(&c, config, tenant, &e)) {
        code = fail(&e);
    } else {
        c.hops = mem_alloc((size_t)o.arg_count * sizeof *c.hops);
        decide(&c, o.args + 1, o.arg_count - 1, (int)config->egress.max_redirects);
        if (json)
            print_json(&c, tenant);
        else
            print_table(&c, o.args + 1);
        code = out_finish(exit_code(c.hops[c.hop_count - 1].verdict));
    }
    stop(&c);
    config_free(config);
    options_free(&o);
    return code;
}

const struct command command_egress = {
    .name = "egress",
    .summary = "show whether a tenant's jobs may reach a URL, and why",
    .usage = "check URL… [options]",
    .about =
        "Decides as a worker with this configuration would: the URL, its port, the host against\n"
        "the tenant's permissions.net, and after resolution each address against what is public\n"
        "and the tenant's egress_private. Each further URL is taken as a redirect of the one\n"
        "before. Asks the resolvers and connects to nothing.",
    .exits = "0 allowed, 1 denied, 2 usage or input, 3 could not be decided (the resolvers do not "
             "answer)",
    .example = "  isolane egress check https://api.example.com/ --tenant ci\n"
               "  isolane egress check http://example.com/ https://www.example.com/ --json",
    .run = run,
};
