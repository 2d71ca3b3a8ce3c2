/* Fuzz target: what reads hosts, URLs, patterns and blocks: whatever comes in, what is taken
 * has one spelling that reads back as itself, and an address is classified in whatever form it
 * came. `make fuzz T=host`. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "egress/address.h"
#include "egress/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const struct err *e)
{
    CHECK(e->code == ERR_INVALID && strstr(e->msg, "allowed: "));
    for (const char *p = e->msg; *p; p++)
        CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void check_host(const struct host *h)
{
    struct host again;
    CHECK(strlen(h->text) < HOST_TEXT && *h->text);
    CHECK(host_parse(h->text, strlen(h->text), &again, NULL) == 0);
    CHECK(!strcmp(h->text, again.text) && h->ip.family == again.ip.family);
    for (const char *p = h->text; *p; p++)
        CHECK(!strchr("/\\@?#% ", *p) && !(*p >= 'A' && *p <= 'Z'));
    if (h->ip.family) {
        char shown[ADDRESS_SHOWN];
        CHECK(ip_equal(&h->ip, &again.ip));
        address_show(&h->ip, shown);
        struct address_kind k = address_kind(&h->ip);
        CHECK(k.cls != ADDRESS_PUBLIC || !k.inner.family || k.inner_class == ADDRESS_PUBLIC);
    }
}

static void check_target(const struct egress_target *t)
{
    char origin[EGRESS_ORIGIN_MAX];
    struct egress_target again;
    check_host(&t->host);
    CHECK(t->port);
    egress_origin(t, origin);
    CHECK(egress_target_parse(origin, strlen(origin), &again, NULL, NULL) == 0);
    CHECK(again.port == t->port && again.scheme == t->scheme);
    CHECK(!strcmp(again.host.text, t->host.text));
}

static void check_texts(const char *text)
{
    struct host_pattern p;
    struct ip_block b, c;
    char shown[IP_BLOCK_TEXT];
    struct err e = {0};
    if (host_pattern_parse(text, &p, &e) == 0) {
        check_host(&p.host);
        CHECK(p.wildcard != host_pattern_fits(&p, &p.host, p.port ? p.port : 443));
    } else {
        check_words(&e);
    }
    if (ip_block_parse(text, &b)) {
        ip_block_text(&b, shown);
        CHECK(ip_block_parse(shown, &c) && ip_equal(&b.ip, &c.ip));
        CHECK(b.bits == c.bits && b.port == c.port);
        CHECK(ip_block_has(&b, &b.ip, b.port ? b.port : 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host h;
    struct egress_target t;
    struct err e = {0};
    if (host_parse((const char *)data, size, &h, &e) == 0)
        check_host(&h);
    else
        check_words(&e);
    if (egress_target_parse((const char *)data, size, &t, NULL, &e) == 0)
        check_target(&t);
    else
        check_words(&e);
    char *text = mem_copy(data, size);
    check_texts(text);
    free(text);
    return 0;
}
