/* Built-in default < file < environment < flag, and the example file against the built-in defaults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "config/config.h"
#include "config/keys.h"

#define EXAMPLE "config/isolane.example.yaml"

static char folder[64] = "/tmp/isolane-config-XXXXXX";
static char file[96];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    snprintf(file, sizeof file, "%s/c.yaml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static int clean_environment(void **state)
{
    (void)state;
    char name[KEY_ENV_MAX];
    for (int i = 0; i < config_key_count; i++) {
        key_env(&config_keys[i], name);
        unsetenv(name);
    }
    unsetenv("XDG_DATA_HOME");
    setenv("HOME", "/home/nobody", 1);
    return 0;
}

static void write_file(const char *yaml)
{
    assert_int_equal(fs_write_file(file, yaml, strlen(yaml), 0600, false, NULL), 0);
}

static struct config *load(const char *path)
{
    struct config *c = NULL;
    struct err e = {0};
    if (config_load(path, &c, &e))
        fail_msg("refused: %s", e.msg);
    return c;
}

static void nothing_given_is_the_defaults(void **state)
{
    (void)state;
    struct config *c = load(NULL);
    assert_null(c->file);
    assert_string_equal(c->data_dir, "/home/nobody/.local/share/isolane");
    assert_true(strlen(c->worker) > 0);
    assert_true(c->max_running >= 4);
    assert_int_equal(c->jail, JAIL_REQUIRE);
    assert_true(c->live_logs);
    assert_null(c->nats.url);
    assert_string_equal(c->nats.prefix, "isolane");
    assert_int_equal(c->nats.ack_wait_ms, 30000);
    assert_int_equal(c->tenant_count, 1);
    assert_int_equal(c->tenants[0].weight, 1);
    for (int i = 0; i < LIMITS; i++) {
        assert_int_equal(c->tenants[0].defaults.v[i], limit_table[i].fallback);
        assert_int_equal(c->tenants[0].ceilings.v[i], limit_table[i].ceiling);
    }
    config_free(c);
}

static void each_source_beats_the_one_before(void **state)
{
    (void)state;
    write_file("pool: 10\njob_max_kb: 10\nmax_running: 10\n");
    setenv("ISOLANE_JOB_MAX_KB", "20", 1);
    setenv("ISOLANE_MAX_RUNNING", "20", 1);
    struct config *c = load(file);
    assert_int_equal(config_set(c, "max_running", "30", "--set", NULL), 0);
    assert_int_equal(c->pool, 10);
    assert_int_equal(c->job_max_kb, 20);
    assert_int_equal(c->max_running, 30);
    config_free(c);
}

static void every_key_has_its_variable(void **state)
{
    (void)state;
    setenv("ISOLANE_NATS_URL", "nats://h:1", 1);
    setenv("ISOLANE_DATA_DIR", "/d", 1);
    setenv("ISOLANE_JAIL", "off", 1);
    setenv("ISOLANE_LIVE_LOGS", "false", 1);
    setenv("ISOLANE_NATS_CREDS_FILE", "/c", 1);
    struct config *c = load(NULL);
    assert_string_equal(c->nats.url, "nats://h:1");
    assert_string_equal(c->data_dir, "/d");
    assert_int_equal(c->jail, JAIL_OFF);
    assert_false(c->live_logs);
    assert_string_equal(c->nats.creds_file, "/c");
    config_free(c);
}

static void an_empty_variable_says_nothing(void **state)
{
    (void)state;
    setenv("ISOLANE_POOL", "", 1);
    struct config *c = load(NULL);
    assert_int_equal(c->pool, 4);
    config_free(c);
}

static void a_wrong_variable_is_named(void **state)
{
    (void)state;
    struct config *c = NULL;
    struct err e;
    setenv("ISOLANE_POOL", "abc", 1);
    assert_int_equal(config_load(NULL, &c, &e), ERR_INVALID);
    assert_string_equal(e.msg, "ISOLANE_POOL: found 'abc'; allowed: a whole number from 1 to 256");
    unsetenv("ISOLANE_POOL");
    setenv("ISOLANE_NATS_TOKEN", "t", 1);
    setenv("ISOLANE_NATS_USER", "u", 1);
    assert_int_equal(config_load(NULL, &c, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "nats.user and nats.token"));
}

static void the_data_folder_follows_xdg(void **state)
{
    (void)state;
    setenv("XDG_DATA_HOME", "/xdg", 1);
    struct config *c = load(NULL);
    assert_string_equal(c->data_dir, "/xdg/isolane");
    config_free(c);
    setenv("XDG_DATA_HOME", "relative", 1); /* to be ignored, says the specification */
    c = load(NULL);
    assert_string_equal(c->data_dir, "/home/nobody/.local/share/isolane");
    config_free(c);
    unsetenv("HOME");
    struct err e;
    assert_int_equal(config_load(NULL, &c, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "ISOLANE_DATA_DIR"));
}

static void a_wrong_flag_is_named(void **state)
{
    (void)state;
    struct config *c = load(NULL);
    struct err e;
    assert_int_equal(config_set(c, "pool", "0", "--set", &e), ERR_INVALID);
    assert_string_equal(e.msg, "--set: pool: found '0'; allowed: a whole number from 1 to 256");
    assert_int_equal(config_set(c, "nats.urk", "0", "--set", &e), ERR_INVALID);
    assert_string_equal(e.msg, "--set: unknown key 'nats.urk'; did you mean 'nats.url'?");
    assert_int_equal(config_set(c, "data_dir", "", "--data", &e), ERR_INVALID);
    assert_string_equal(e.msg, "--data: data_dir: found ''; allowed: path of a folder");
    assert_int_equal(c->pool, 4);
    config_free(c);
}

static void flags_are_checked_together(void **state)
{
    (void)state;
    struct config *c = load(NULL);
    struct err e;
    assert_int_equal(config_set(c, "nats.user", "u", "--set", &e), 0);
    assert_int_equal(config_set(c, "nats.token", "t", "--set", &e), 0);
    assert_int_equal(config_check(c, &e), ERR_INVALID);
    config_free(c);
}

static void no_two_keys_share_a_variable_or_a_place(void **state)
{
    (void)state;
    char a[KEY_ENV_MAX], b[KEY_ENV_MAX];
    for (int i = 0; i < config_key_count; i++) {
        for (int k = i + 1; k < config_key_count; k++) {
            key_env(&config_keys[i], a);
            key_env(&config_keys[k], b);
            assert_string_not_equal(a, b);
            assert_int_not_equal(config_keys[i].at, config_keys[k].at);
        }
    }
}

/* ---- the example file ---- */

static bool same_value(const struct config *a, const struct config *b, const struct config_key *k)
{
    const char *pa = (const char *)a + k->at, *pb = (const char *)b + k->at;
    if (k->type == KEY_INT)
        return *(const int64_t *)(const void *)pa == *(const int64_t *)(const void *)pb;
    if (k->type == KEY_BOOL)
        return *(const bool *)pa == *(const bool *)pb;
    if (k->type == KEY_CHOICE)
        return *(const int *)(const void *)pa == *(const int *)(const void *)pb;
    const char *ta = *(char *const *)(const void *)pa, *tb = *(char *const *)(const void *)pb;
    return ta && tb ? !strcmp(ta, tb) : ta == tb;
}

static void the_example_is_the_defaults(void **state)
{
    (void)state;
    struct config *example = load(EXAMPLE), *builtin = load(NULL);
    for (int i = 0; i < config_key_count; i++)
        if (!same_value(example, builtin, &config_keys[i]))
            fail_msg("%s differs from the built-in default", config_keys[i].name);
    assert_int_equal(example->tenant_count, builtin->tenant_count);
    const struct tenant *a = &example->tenants[0], *b = &builtin->tenants[0];
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->weight, b->weight);
    assert_int_equal(a->max_running, b->max_running);
    assert_int_equal(a->egress_private_count, b->egress_private_count);
    assert_memory_equal(&a->defaults, &b->defaults, sizeof a->defaults);
    assert_memory_equal(&a->ceilings, &b->ceilings, sizeof a->ceilings);
    config_free(example);
    config_free(builtin);
}

/* Line of the example that begins with the key, commented out or not; NULL: none. */
static const char *line_of(const char *text, const char *key, bool nested)
{
    char live[96], off[96];
    snprintf(live, sizeof live, "\n%s%s:", nested ? "  " : "", key);
    snprintf(off, sizeof off, "\n%s#%s:", nested ? "  " : "", key);
    const char *at = strstr(text, live);
    return at ? at : strstr(text, off);
}

static void the_example_names_every_key(void **state)
{
    (void)state;
    char *text;
    size_t len;
    assert_int_equal(fs_read_file(EXAMPLE, 1 << 20, &text, &len, NULL), 0);
    for (int i = 0; i < config_key_count; i++) {
        const char *name = config_keys[i].name, *dot = strchr(name, '.');
        if (!line_of(text, dot ? dot + 1 : name, dot))
            fail_msg("%s is not in the example", name);
    }
    for (int i = 0; i < LIMITS; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n    %s: ", limit_table[i].name);
        const char *first = strstr(text, line);
        assert_non_null(first);
        assert_non_null(strstr(first + 1, line)); /* under defaults and under ceilings */
    }
    free(text);
}

/* What is commented out must be right too, for it is what people uncomment. */
static void the_example_uncommented_is_taken(void **state)
{
    (void)state;
    static const char *const other_ways[] = {"nats.token", "nats.nkey_seed_file",
                                             "nats.creds_file"};
    char *text;
    size_t len;
    assert_int_equal(fs_read_file(EXAMPLE, 1 << 20, &text, &len, NULL), 0);
    for (int i = 0; i < config_key_count; i++) {
        const char *name = config_keys[i].name, *dot = strchr(name, '.');
        bool skip = false;
        for (size_t k = 0; k < ARRAY_LEN(other_ways); k++)
            skip = skip || !strcmp(name, other_ways[k]);
        char *at = (char *)(size_t)line_of(text, dot ? dot + 1 : name, dot);
        char *hash = strchr(at, '#');
        if (!skip && hash && hash <= at + 3)
            memmove(hash, hash + 1, strlen(hash));
    }
    write_file(text);
    struct config *c = load(file);
    assert_string_equal(c->data_dir, "/var/lib/isolane");
    assert_string_equal(c->nats.user, "isolane");
    assert_string_equal(c->nats.tls_key_file, "/etc/isolane/client.key");
    config_free(c);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_given_is_the_defaults, clean_environment),
        cmocka_unit_test_setup(each_source_beats_the_one_before, clean_environment),
        cmocka_unit_test_setup(every_key_has_its_variable, clean_environment),
        cmocka_unit_test_setup(an_empty_variable_says_nothing, clean_environment),
        cmocka_unit_test_setup(a_wrong_variable_is_named, clean_environment),
        cmocka_unit_test_setup(the_data_folder_follows_xdg, clean_environment),
        cmocka_unit_test_setup(a_wrong_flag_is_named, clean_environment),
        cmocka_unit_test_setup(flags_are_checked_together, clean_environment),
        cmocka_unit_test_setup(no_two_keys_share_a_variable_or_a_place, clean_environment),
        cmocka_unit_test_setup(the_example_is_the_defaults, clean_environment),
        cmocka_unit_test_setup(the_example_names_every_key, clean_environment),
        cmocka_unit_test_setup(the_example_uncommented_is_taken, clean_environment),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
