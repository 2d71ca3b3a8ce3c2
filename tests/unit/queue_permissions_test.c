/* A job's permissions and profile: what is taken, what is refused and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "queue/job/job.h"

static struct config *config;
static struct job *job;
static struct err e;

static const char yaml[] = "permissions: {eval: true}\n"
                           "tenants:\n"
                           " - name: none\n"
                           "   permissions: {eval: false}\n"
                           " - name: ci\n"
                           "   permissions:\n"
                           "     wasm: true\n"
                           "     clock_us: 100\n"
                           "     net: [api.example.com, '*.example.org:443']\n"
                           "     env: [LANG]\n"
                           "     secrets: [TOKEN, KEY]\n"
                           " - name: strict\n"
                           "   profile: jitless\n";

static int set_up(void **state)
{
    (void)state;
    char file[] = "/tmp/isolane-rights-XXXXXX";
    int fd = mkstemp(file);
    if (fd < 0 || crypto_init(&e) || fs_write_file(file, yaml, strlen(yaml), 0600, false, &e) ||
        config_load(file, &config, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return -1;
    }
    close(fd);
    return unlink(file);
}

static int tear_down(void **state)
{
    (void)state;
    job_free(job);
    config_free(config);
    return 0;
}

/* fields: what stands behind the script, '…' in single quotes for brevity. */
static int decode(const char *tenant, const char *fields)
{
    char text[8192];
    snprintf(text, sizeof text, "{\"script\":\"1\"%s}", fields);
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    struct job_origin o = {.tenant = tenant, .cls = CLASS_NORMAL, .stream_seq = 1};
    job_free(job);
    memset(&e, 0, sizeof e);
    return job_decode(config, &o, text, strlen(text), &job, &e);
}

static void taken(const char *tenant, const char *fields, const char *permissions)
{
    struct buf b = {0};
    if (decode(tenant, fields))
        fail_msg("%s: refused: %s", fields, e.msg);
    permissions_json(&job->permissions, &b);
    for (char *p = b.data; *p; p++)
        if (*p == '"')
            *p = '\'';
    assert_string_equal(b.data, permissions);
    buf_free(&b);
}

static void refused(const char *tenant, const char *fields, const char *words)
{
    assert_int_equal(decode(tenant, fields), ERR_INVALID);
    assert_string_equal(e.msg, words);
    assert_int_equal(job->permissions.list[PERMISSION_SECRETS].n, 0);
    assert_false(job->permissions.flag[PERMISSION_WASM]);
}

static void what_is_not_named_is_the_tenants(void **state)
{
    (void)state;
    taken("none", "", "[]");
    taken("none", ",'permissions':{}", "[]");
    taken(
        "ci", "",
        "['eval','wasm','clock_us:100','net:api.example.com','net:*.example.org:443','env:LANG']");
    taken("ci", ",'permissions':{'wasm':false,'net':[],'clock_us':1000}", "['eval','env:LANG']");
    taken(
        "ci",
        ",'permissions':{'eval':true,'wasm':true,'sab':false,'clock_us':100,'net':['*.b.example."
        "org:443','API.example.com:1'],'env':[],'secrets':['KEY']}",
        "['eval','wasm','clock_us:100','net:*.b.example.org:443','net:API.example.com:1','secrets:"
        "KEY']");
}

static void more_than_the_tenant_has_is_refused(void **state)
{
    (void)state;
    refused("none", ",'permissions':{'eval':true}",
            "permissions.eval: found true; allowed: false (permission of tenant 'none')");
    refused("ci", ",'permissions':{'sab':true}",
            "permissions.sab: found true; allowed: false (permission of tenant 'ci')");
    refused("ci", ",'permissions':{'clock_us':99}",
            "permissions.clock_us: found 99; allowed: 100 to 1000000 (permission of tenant 'ci')");
    refused("ci", ",'permissions':{'net':['api.example.com','x.org']}",
            "permissions.net[1]: found \"x.org\"; allowed: api.example.com, *.example.org:443 "
            "(permission of tenant 'ci')");
    refused("ci", ",'permissions':{'env':['PATH']}",
            "permissions.env[0]: found \"PATH\"; allowed: LANG (permission of tenant 'ci')");
    refused("none", ",'permissions':{'secrets':['TOKEN']}",
            "permissions.secrets[0]: found \"TOKEN\"; allowed: none (permission of tenant 'none')");
}

static void wrong_values(void **state)
{
    (void)state;
    refused("ci", ",'permissions':[]", "permissions: found array; allowed: an object");
    refused("ci", ",'permissions':{'eval':1}", "permissions.eval: found 1; allowed: true, false");
    refused("ci", ",'permissions':{'clock_us':1.5}",
            "permissions.clock_us: found 1.5; allowed: a whole number from 5 to 1000000");
    refused("ci", ",'permissions':{'nett':[]}",
            "permissions: unknown field 'nett'; allowed: eval, wasm, sab, kv, emit, artifacts, "
            "clock_us, net, "
            "env, "
            "secrets; did you mean 'net'?");
    refused("ci", ",'permissions':{'env':'LANG'}",
            "permissions.env: found \"LANG\"; allowed: an array of strings, each a variable's "
            "name: 1 to 128 of A-Z a-z 0-9 _ with no digit first");
    refused("ci", ",'permissions':{'net':['api.example.com',7]}",
            "permissions.net[1]: found 7; allowed: host, *.domain, IPv4 or [IPv6] address, each "
            "with or without :port");
    refused("ci", ",'permissions':{'secrets':['TO\\u0000']}",
            "permissions.secrets[0]: found \"TO\\u0000\"; allowed: a secret's name: 1 to 64 of "
            "A-Z a-z 0-9 _ with no digit first");
    char many[2048];
    size_t at = (size_t)sprintf(many, ",'permissions':{'env':['A'");
    for (int i = 0; i < PERMISSION_LIST_MAX; i++)
        at += (size_t)sprintf(many + at, ",'A'");
    sprintf(many + at, "]}");
    refused("ci", many, "permissions.env: found 65 entries; allowed: at most 64");
}

static void a_stricter_profile_may_be_asked_for(void **state)
{
    (void)state;
    taken("none", ",'profile':'default'", "[]");
    assert_int_equal(job->profile, PROFILE_DEFAULT);
    taken("none", ",'profile':'jitless'", "[]");
    assert_int_equal(job->profile, PROFILE_JITLESS);
    taken("strict", "", "['eval']");
    assert_int_equal(job->profile, PROFILE_JITLESS);
    taken("strict", ",'profile':'jitless'", "['eval']");
    refused("strict", ",'profile':'default'",
            "profile: found \"default\"; allowed: \"jitless\" (profile of tenant 'strict')");
    refused("none", ",'profile':'node'",
            "profile: found \"node\"; allowed: \"default\", \"jitless\"");
}

static void jitless_has_no_webassembly(void **state)
{
    (void)state;
    taken("ci", ",'profile':'jitless','permissions':{'net':[],'env':[]}",
          "['eval','clock_us:100']");
    refused("ci", ",'profile':'jitless','permissions':{'wasm':true}",
            "permissions.wasm: found true; allowed: false, for profile jitless has no WebAssembly");
}

static void encode_is_decoded(void **state)
{
    (void)state;
    struct permissions_asked asked = {.v.flag[PERMISSION_WASM] = true,
                                      .flag_given = {true, true, false},
                                      .v.clock_us = 500,
                                      .clock_given = true,
                                      .list_given = {true, false, true}};
    struct job_request r = {
        .script = "1", .script_len = 1, .permissions = &asked, .profile = "default"};
    struct job_origin o = {.tenant = "ci", .cls = CLASS_NORMAL, .stream_seq = 1};
    struct buf b = {0}, json = {0};
    permission_add(&asked.v.list[PERMISSION_SECRETS], "TOKEN", 5);
    job_encode(&r, &b);
    assert_string_equal(b.data, "{\"script\":\"1\",\"permissions\":{\"eval\":false,\"wasm\":true,"
                                "\"clock_us\":500,\"net\":[],\"secrets\":[\"TOKEN\"]},\"profile\":"
                                "\"default\"}");
    job_free(job);
    assert_int_equal(job_decode(config, &o, b.data, b.len, &job, &e), 0);
    permissions_json(&job->permissions, &json);
    assert_string_equal(json.data, "[\"wasm\",\"clock_us:500\",\"env:LANG\",\"secrets:TOKEN\"]");
    buf_free(&json);
    buf_free(&b);
    permissions_free(&asked.v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_named_is_the_tenants),
        cmocka_unit_test(more_than_the_tenant_has_is_refused),
        cmocka_unit_test(wrong_values),
        cmocka_unit_test(a_stricter_profile_may_be_asked_for),
        cmocka_unit_test(jitless_has_no_webassembly),
        cmocka_unit_test(encode_is_decoded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
