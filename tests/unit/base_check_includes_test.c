/* tools/check-includes.pl: a tree that breaks a rule must fail, one that keeps them must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"

#define CHECKER "tools/check-includes.pl" /* tests run from the top of the checkout */

static char dir[64];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/isolane-includes-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int run(const char *cmd)
{
    int status = system(cmd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int teardown(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return run(cmd);
}

/* A tree of one file; the checker's exit code, and what it said. */
static int check(const char *file, const char *text, char **said)
{
    char path[256], cmd[512];
    struct err e = {0};
    size_t len;
    snprintf(cmd, sizeof cmd, "rm -rf '%s'/tree", dir);
    assert_int_equal(run(cmd), 0);
    snprintf(path, sizeof path, "%s/tree/%s", dir, file);
    char *slash = strrchr(path, '/');
    *slash = 0;
    assert_int_equal(fs_make_dirs(path, &e), 0);
    *slash = '/';
    assert_int_equal(fs_write_file(path, text, strlen(text), 0600, false, &e), 0);
    snprintf(cmd, sizeof cmd, "perl " CHECKER " '%s/tree' > '%s/said' 2>&1", dir, dir);
    int rc = run(cmd);
    snprintf(path, sizeof path, "%s/said", dir);
    assert_int_equal(fs_read_file(path, 1 << 20, said, &len, &e), 0);
    return rc;
}

struct example {
    const char *file, *text, *says; /* says NULL: must be fine */
};

static void check_all(const struct example *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *said = NULL;
        int rc = check(x[i].file, x[i].text, &said);
        if (rc != (x[i].says ? 1 : 0) || (x[i].says && !strstr(said, x[i].says)))
            fail_msg("%s with %s: exit %d: %s", x[i].file, x[i].text, rc, said);
        free(said);
    }
}

static void includes_downwards_are_fine(void **state)
{
    (void)state;
    static const struct example x[] = {
        {"base/a.c", "#include \"base/b.h\"\n#include <stdio.h>\n#include <sys/stat.h>\n", NULL},
        {"config/a.c", "#include \"base/b.h\"\n", NULL},
        {"egress/dns.c", "#include \"config/b.h\"\n#include <uv.h>\n#include <ares.h>\n", NULL},
        {"executor/services/a.c", "#include \"egress/b.h\"\n", NULL},
        {"link/a.c", "#include \"config/b.h\"\n#include <uv.h>\n", NULL},
        {"queue/a.c", "#include \"link/b.h\"\n#include <uthash.h>\n", NULL},
        {"results/db.c", "#include <sqlite3.h>\n", NULL},
        {"sandbox/host/a.c",
         "#include \"sandbox/jail/jail.h\"\n#include \"sandbox/frame.h\"\n"
         "#include \"sandbox/zygote/control.h\"\n",
         NULL},
        {"sandbox/jail/a.c", "#include \"config/config.h\"\n#include \"seccomp_filter.h\"\n", NULL},
        {"sandbox/zygote/a.c",
         "#include \"sandbox/engine/engine.h\"\n#include \"config/config.h\"\n"
         "#include \"sandbox/jail/jail.h\"\n",
         NULL},
        {"sandbox/engine/sodium/native_sodium.cc",
         "#include <sodium.h>\n#include <v8.h>\n#include <vector>\n", NULL},
        {"executor/services/a.c",
         "#include \"queue/b.h\"\n#include \"results/b.h\"\n"
         "#include \"sandbox/host/cell.h\"\n",
         NULL},
        {"cli/a.c", "#include \"executor/b.h\"\n", NULL},
        {"cli/print/table.c", "#include <libsmartcols/libsmartcols.h>\n", NULL},
        {"tests/unit/queue_a_test.c", "#include \"queue/b.h\"\n#include <cmocka.h>\n", NULL},
        {"tests/unit/results_a_test.c", "#include <sqlite3.h>\n", NULL},
        {"tests/engine/shell.c", "#include \"sandbox/engine/engine.h\"\n", NULL},
        {"build/gen/a.c", "#include \"anything.h\"\n", NULL},
        {"base/a.c", "/* #include \"cli/x.h\" */\n// #include <v8.h>\nconst char *s = \"/*\";\n",
         NULL},
    };
    check_all(x, ARRAY_LEN(x));
}

static void includes_upwards_and_sidewards_are_violations(void **state)
{
    (void)state;
    static const struct example x[] = {
        {"base/a.c", "\n\n#include \"config/b.h\"\n",
         "base/a.c:3: includes \"config/b.h\": base may include base"},
        {"config/a.c", "#include \"link/b.h\"\n", "config may include base, config"},
        {"link/a.c", "#include \"queue/b.h\"\n", "link may include"},
        {"egress/a.c", "#include \"link/b.h\"\n", "egress may include base, config, egress"},
        {"queue/a.c", "#include \"egress/b.h\"\n", "queue may include"},
        {"queue/a.c", "#include \"results/b.h\"\n", "queue may include"},
        {"queue/a.c", "#include \"sandbox/host/cell.h\"\n", "queue may include"},
        {"results/a.c", "#include \"queue/b.h\"\n", "results may include"},
        {"results/a.c", "#include \"sandbox/jail/jail.h\"\n", "results may include"},
        {"sandbox/host/a.c", "#include \"results/b.h\"\n", "sandbox/host may include"},
        {"sandbox/host/a.c", "#include \"sandbox/engine/engine.h\"\n", "sandbox/host may include"},
        {"sandbox/host/a.c", "#include \"sandbox/zygote/wire.h\"\n", "sandbox/host may include"},
        {"sandbox/jail/a.c", "#include \"sandbox/host/cell.h\"\n", "sandbox/jail may include"},
        {"sandbox/engine/a.cc", "#include \"base/buf.h\"\n", "sandbox/engine may include"},
        {"sandbox/engine/a.cc", "#include \"sandbox/zygote/control.h\"\n",
         "sandbox/engine may include"},
        {"sandbox/zygote/a.c", "#include \"sandbox/engine/natives.h\"\n",
         "sandbox/zygote may include"},
        {"sandbox/zygote/a.c", "#include \"sandbox/host/cell.h\"\n", "sandbox/zygote may include"},
        {"sandbox/frame.h", "#include \"base/err.h\"\n",
         "sandbox/frame may include sandbox/frame.h"},
        {"executor/a.c", "#include \"cli/b.h\"\n", "executor may include"},
        {"executor/services/a.c", "#include \"cli/b.h\"\n", "executor/services/a.c:1"},
        {"executor/a.c", "#include \"tests/unit/b.h\"\n", "executor may include"},
        {"cli/a.c", "#include \"sandbox/engine/engine.h\"\n", "cli may include"},
        {"tests/unit/queue_a_test.c", "#include \"results/b.h\"\n", "tests of queue may include"},
        {"tests/unit/base_a_test.c", "#include \"executor/b.h\"\n", "tests of base may include"},
    };
    check_all(x, ARRAY_LEN(x));
}

static void each_library_has_its_one_file(void **state)
{
    (void)state;
    static const struct example x[] = {
        {"queue/a.c", "#include <nats/nats.h>\n", "the NATS client belongs to link/native.c alone"},
        {"queue/a.c", "#include <nats.h>\n", "the NATS client belongs"},
        {"results/record.c", "#include <sqlite3.h>\n",
         "SQLite belongs to results/db.c, results/gather.c alone"},
        {"results/store.h", "#include <sqlite3.h>\n", "SQLite belongs"},
        {"egress/resolve.c", "#include <ares.h>\n", "c-ares belongs to egress/dns.c alone"},
        {"queue/a.c", "#include <jansson.h>\n", "jansson belongs to base/jv.c alone"},
        {"results/a.c", "#include <sodium.h>\n", "libsodium belongs to base/crypto.c"},
        {"sandbox/engine/loop.cc", "#include <sodium/crypto_box.h>\n", "libsodium belongs"},
        {"executor/a.c", "#include <v8.h>\n", "V8 belongs to sandbox/engine alone"},
        {"sandbox/zygote/a.c", "#include <v8-isolate.h>\n", "V8 belongs"},
        {"base/a.c", "#include <uv.h>\n", "libuv belongs to"},
        {"sandbox/zygote/a.c", "#include <uv.h>\n", "libuv belongs to"},
        {"queue/a.c", "#include <yaml.h>\n", "libyaml belongs to config/reader.c alone"},
        {"cli/print/show.c", "#include <libsmartcols/libsmartcols.h>\n",
         "libsmartcols belongs to cli/print/table.c"},
        {"sandbox/jail/a.c", "#include <seccomp.h>\n", "libseccomp belongs to tools/mkfilter.c"},
        {"executor/a.c", "#include <cmocka.h>\n", "cmocka belongs to tests alone"},
    };
    check_all(x, ARRAY_LEN(x));
}

static void nothing_slips_past_the_tables(void **state)
{
    (void)state;
    static const struct example x[] = {
        {"base/a.c", "#include <gnutls/gnutls.h>\n", "no row for this library"},
        {"base/a.c", "#include <openssl/evp.h>\n", "OpenSSL belongs to"},
        {"plugins/a.c", "int x;\n", "plugins/a.c:1: a folder that no row"},
        {"a.c", "int x;\n", "a folder that no row"},
        {"base/a.c", "#include \"b.h\"\n", "write the path from the top"},
        {"base/a.c", "#include \"../queue/b.h\"\n", "write the path from the top"},
        {"base/a.c", "#include \"base/../queue/b.h\"\n", "write the path from the top"},
        {"base/a.c", "#include HEADER\n", "not a macro"},
        {"base/a.c", "  #  include   \"cli/b.h\"\n", "base/a.c:1"},
        {"base/a.c", "/* x */ #include \"cli/b.h\"\n", "base/a.c:1"},
        {"base/a.h", "#include \"cli/b.h\"\n", "base/a.h:1"},
        {"base/a.inc", "#include \"cli/b.h\"\n", "base/a.inc:1"},
        {"results/a.c", "#include \"seccomp_filter.h\"\n", "write the path from the top"},
        {"base/a.c", "#include \"config/b.h\"\n#include \"link/b.h\"\n", "2 violations"},
    };
    check_all(x, ARRAY_LEN(x));
}

static void a_wrong_call_is_told(void **state)
{
    (void)state;
    assert_int_equal(run("perl " CHECKER " a b 2> /dev/null"), 2);
    assert_int_equal(run("perl " CHECKER " --help > /dev/null 2>&1"), 2);
    assert_int_not_equal(run("perl " CHECKER " /nonexistent 2> /dev/null"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(includes_downwards_are_fine),
        cmocka_unit_test(includes_upwards_and_sidewards_are_violations),
        cmocka_unit_test(each_library_has_its_one_file),
        cmocka_unit_test(nothing_slips_past_the_tables),
        cmocka_unit_test(a_wrong_call_is_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}
