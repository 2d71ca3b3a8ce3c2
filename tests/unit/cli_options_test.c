/* What a command line may be, and the words when it is not. Messages are read back from stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/options.h"
#include <cmocka.h> /* last: it makes a macro of fail() */

static char folder[64] = "/tmp/isolane-options-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    setenv("HOME", folder, 1);
    return !mkdtemp(folder) || chdir(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    unlink("in.json");
    unlink("said");
    unlink("nats.url");
    return chdir("/") || rmdir(folder);
}

static const struct command command = {
    .name = "try",
    .summary = "tries options",
    .usage = "FILE [options]",
    .example = "  isolane try x",
};

static const char *const colours[] = {"red", "green", NULL};

struct values {
    bool flag;
    int64_t number, wait_s;
    const char *text;
    int colour;
    struct option_list list;
    struct option_json json;
    struct limits limits;
    int arg_count;
    char first[64];
};

/* Parses; what went to fd (1 or 2) comes back in said. */
static int parse(struct values *v, int fd, char *said, size_t cap, char **argv)
{
    struct options o = {.command = &command};
    const struct option_row rows[] = {
        {.name = "flag", .letter = 'f', .type = OPTION_FLAG, .to = &v->flag, .help = "a flag"},
        {.name = "number",
         .letter = 'n',
         .type = OPTION_INT,
         .to = &v->number,
         .arg = "N",
         .min = -5,
         .max = 100,
         .help = "a number"},
        {.name = "wait",
         .type = OPTION_INT,
         .to = &v->wait_s,
         .arg = "S",
         .optional = true,
         .implied = 0,
         .min = 1,
         .max = 60,
         .help = "wait"},
        {.name = "text", .type = OPTION_TEXT, .to = &v->text, .arg = "TEXT", .help = "a text"},
        {.name = "colour",
         .type = OPTION_CHOICE,
         .to = &v->colour,
         .arg = "C",
         .choices = colours,
         .help = "a colour"},
        {.name = "env",
         .type = OPTION_LIST,
         .to = &v->list,
         .arg = "K=V",
         .pairs = true,
         .help = "many"},
        {.name = "input", .type = OPTION_JSON, .to = &v->json, .arg = "JSON", .help = "JSON"},
    };
    int argc = 0, keep = dup(fd);
    while (argv[argc])
        argc++;
    *v = (struct values){.wait_s = -1, .colour = -1};
    options_add(&o, rows, ARRAY_LEN(rows));
    options_add_limits(&o, &v->limits);
    fflush(NULL);
    assert_non_null(freopen("said", "w", fd == 1 ? stdout : stderr));
    int rc = options_parse(&o, argc, argv, 1, 2, "FILE");
    fflush(NULL);
    dup2(keep, fd);
    close(keep);
    v->arg_count = o.arg_count;
    if (rc == OPTIONS_GO)
        snprintf(v->first, sizeof v->first, "%s", o.args[0]);
    char *text;
    size_t len;
    assert_int_equal(fs_read_file("said", 1 << 20, &text, &len, NULL), 0);
    snprintf(said, cap, "%s", text);
    free(text);
    if (rc != OPTIONS_GO)
        options_free(&o);
    return rc;
}

#define ARGV(...) ((char *[]){(char[]){"try"}, __VA_ARGS__, NULL})
#define A(text)   ((char[]){text})

static void taken(struct values *v, char **argv)
{
    char said[512];
    if (parse(v, 2, said, sizeof said, argv) != OPTIONS_GO)
        fail_msg("refused: %s", said);
    assert_string_equal(said, "");
}

static void refused(const char *words, char **argv)
{
    struct values v;
    char said[512];
    assert_int_equal(parse(&v, 2, said, sizeof said, argv), EXIT_USAGE);
    said[strcspn(said, "\n")] = 0;
    assert_string_equal(said, words);
}

static void every_type_is_taken(void **state)
{
    (void)state;
    struct values v;
    taken(&v, ARGV(A("-f"), A("--number"), A("-5"), A("--text=a=b"), A("--colour"), A("green"),
                   A("--env"), A("A=1"), A("--env=B=2"), A("x.js"), A("--input"), A("{\"a\": 1}"),
                   A("--cpu-ms=7"), A("--output-kb"), A("9")));
    assert_true(v.flag);
    assert_int_equal(v.number, -5);
    assert_string_equal(v.text, "a=b");
    assert_int_equal(v.colour, 1);
    assert_int_equal(v.list.n, 2);
    assert_string_equal(v.list.v[1], "B=2");
    assert_string_equal(v.json.text, "{\"a\": 1}");
    assert_int_equal(v.limits.v[LIMIT_CPU_MS], 7);
    assert_int_equal(v.limits.v[LIMIT_OUTPUT_KB], 9);
    assert_int_equal(v.limits.v[LIMIT_WALL_MS], 0);
    assert_int_equal(v.arg_count, 1);
    assert_string_equal(v.first, "x.js");
    free(v.json.text);
}

static void what_is_not_given_keeps_its_value(void **state)
{
    (void)state;
    struct values v;
    taken(&v, ARGV(A("x")));
    assert_int_equal(v.wait_s, -1);
    assert_int_equal(v.colour, -1);
    assert_false(v.flag);
    assert_null(v.json.text);
}

static void an_optional_value_may_be_left_out(void **state)
{
    (void)state;
    struct values v;
    taken(&v, ARGV(A("--wait"), A("x")));
    assert_int_equal(v.wait_s, 0);
    assert_string_equal(v.first, "x"); /* not taken for the value */
    taken(&v, ARGV(A("--wait=5"), A("x")));
    assert_int_equal(v.wait_s, 5);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct values v;
    taken(&v, ARGV(A("--"), A("--flag")));
    assert_string_equal(v.first, "--flag");
    assert_false(v.flag);
    taken(&v, ARGV(A("-")));
    assert_string_equal(v.first, "-");
}

static void the_last_of_two_wins(void **state)
{
    (void)state;
    struct values v;
    taken(&v, ARGV(A("x"), A("-n1"), A("--number=2"), A("--input=1"), A("--input=2")));
    assert_int_equal(v.number, 2);
    assert_string_equal(v.json.text, "2");
    free(v.json.text);
}

static void unknown_options_are_refused_with_a_guess(void **state)
{
    (void)state;
    refused("isolane: try: unknown option '--flga'; did you mean '--flag'?", ARGV(A("--flga")));
    refused("isolane: try: unknown option '--cpu-sm'; did you mean '--cpu-ms'?",
            ARGV(A("x"), A("--cpu-sm=4")));
    refused("isolane: try: unknown option '--zzzzzz'; `isolane try --help` lists them",
            ARGV(A("--zzzzzz")));
    refused("isolane: try: unknown option '-z'; `isolane try --help` lists them", ARGV(A("-z")));
}

/* getopt_long alone would take these; a script must not break when another option begins so. */
static void beginnings_of_names_are_refused(void **state)
{
    (void)state;
    refused("isolane: try: unknown option '--numb'; did you mean '--number'?",
            ARGV(A("--numb"), A("5")));
    refused("isolane: try: unknown option '--fla'; did you mean '--flag'?", ARGV(A("--fla")));
    refused("isolane: try: unknown option '--hel'; did you mean '--help'?", ARGV(A("--hel")));
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    refused("isolane: try: --number: found 'abc'; allowed: a whole number from -5 to 100",
            ARGV(A("--number=abc")));
    refused("isolane: try: --number: found '101'; allowed: a whole number from -5 to 100",
            ARGV(A("-n"), A("101")));
    refused("isolane: try: --number: found ''; allowed: a whole number from -5 to 100",
            ARGV(A("--number=")));
    refused("isolane: try: --number: found '1e1'; allowed: a whole number from -5 to 100",
            ARGV(A("--number"), A("1e1")));
    refused("isolane: try: --wait: found '0'; allowed: a whole number from 1 to 60",
            ARGV(A("--wait=0")));
    refused("isolane: try: --text: found an empty text; allowed: TEXT", ARGV(A("--text=")));
    refused("isolane: try: --colour: found 'gren'; allowed: red, green; did you mean 'green'?",
            ARGV(A("--colour=gren")));
    refused("isolane: try: --flag: found a value in '--flag=1'; allowed: none",
            ARGV(A("--flag=1")));
    refused("isolane: try: --number: its value N is missing", ARGV(A("x"), A("--number")));
    refused("isolane: try: -n: its value N is missing", ARGV(A("x"), A("-n")));
    refused("isolane: try: --env: found 'A'; allowed: K=V, the name of A-Z a-z 0-9 _ . -",
            ARGV(A("--env=A")));
    refused("isolane: try: --env: found '=1'; allowed: K=V, the name of A-Z a-z 0-9 _ . -",
            ARGV(A("--env"), A("=1")));
    refused("isolane: try: --heap-mb: found '7'; allowed: a whole number from 8 to 4096",
            ARGV(A("--heap-mb=7")));
}

static void json_comes_from_text_or_file(void **state)
{
    (void)state;
    struct values v;
    assert_int_equal(fs_write_file("in.json", "[1, 2]\n", 7, 0600, false, NULL), 0);
    taken(&v, ARGV(A("x"), A("--input"), A("@in.json")));
    assert_string_equal(v.json.text, "[1, 2]\n");
    assert_int_equal(v.json.len, 7);
    free(v.json.text);
    refused("isolane: try: --input: cannot open none.json: No such file or directory",
            ARGV(A("--input=@none.json")));
    assert_int_equal(fs_write_file("in.json", "[1,", 3, 0600, false, NULL), 0);
    struct values bad;
    char said[512];
    assert_int_equal(parse(&bad, 2, said, sizeof said, ARGV(A("--input=@in.json"))), EXIT_USAGE);
    assert_non_null(strstr(said, "--input: in.json is not valid JSON: line 1"));
    assert_non_null(strstr(said, "allowed: a JSON text, or @FILE that holds one"));
}

static void the_number_of_arguments_is_checked(void **state)
{
    (void)state;
    refused("isolane: try: FILE is missing; usage: isolane try FILE [options]", ARGV(A("-f")));
    refused("isolane: try: found 'c' too many; usage: isolane try FILE [options]",
            ARGV(A("a"), A("b"), A("c")));
}

static void too_many_of_a_list_are_refused(void **state)
{
    (void)state;
    char command_name[] = "try", one[] = "--env=A=1";
    char *argv[OPTION_LIST_MAX + 4] = {command_name};
    for (int i = 0; i < OPTION_LIST_MAX + 1; i++)
        argv[i + 1] = one;
    refused("isolane: try: --env: found more than 256; allowed: at most 256", argv);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    refused("isolane: try: --number: found ' [31m 1'; allowed: a whole number from -5 to 100",
            ARGV(A("--number=\033[31m\n1")));
}

static void help_shows_every_option(void **state)
{
    (void)state;
    struct values v;
    char said[4096];
    assert_int_equal(parse(&v, 1, said, sizeof said, ARGV(A("--help"))), EXIT_JOB_OK);
    static const char *const parts[] = {
        "Usage: isolane try FILE [options]",
        "-f, --flag",
        "-n, --number N",
        "--wait[=S]",
        "(red, green)",
        "--cpu-ms N",
        "--memory-mb N",
        "(1 to 86400000)",
        "-h, --help",
        "Exit codes: 0 job ok, 1 job not ok, 2 usage or input, 3 our failure",
        "  isolane try x\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!strstr(said, parts[i]))
            fail_msg("--help lacks \"%s\"", parts[i]);
    assert_int_equal(parse(&v, 1, said, sizeof said, ARGV(A("-h"))), EXIT_JOB_OK);
}

/* ---- settings ---- */

static void settings_are_applied_over_the_environment(void **state)
{
    (void)state;
    struct settings s = {.data_dir = "here", .set = {.v = {"pool=7", "nats.prefetch=5"}, .n = 2}};
    struct config *c = NULL;
    struct err e;
    setenv("ISOLANE_POOL", "3", 1);
    assert_int_equal(settings_load(&s, &c, &e), 0);
    unsetenv("ISOLANE_POOL");
    assert_int_equal(c->pool, 7);
    assert_int_equal(c->nats.prefetch, 5);
    assert_string_equal(c->data_dir, "here");
    config_free(c);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    struct settings s = {.set = {.v = {"pool"}, .n = 1}};
    struct config *c = NULL;
    struct err e;
    assert_int_equal(settings_load(&s, &c, &e), ERR_INVALID);
    assert_string_equal(e.msg, "--set: found 'pool'; allowed: KEY=VALUE, as in pool=8");
    s.set.v[0] = "pol=3";
    assert_int_equal(settings_load(&s, &c, &e), ERR_INVALID);
    assert_string_equal(e.msg, "--set: unknown key 'pol'; did you mean 'pool'?");
    s.set.n = 0;
    setenv("ISOLANE_CONFIG", "none.yaml", 1);
    assert_int_equal(settings_load(&s, &c, &e), ERR_NOT_FOUND);
    unsetenv("ISOLANE_CONFIG");
}

static void check_url(const struct settings *s, const char *want)
{
    struct config *c = NULL;
    struct err e;
    assert_int_equal(settings_load(s, &c, &e), 0);
    assert_int_equal(settings_nats_url(c, s, &e), 0);
    assert_string_equal(c->nats.url, want);
    config_free(c);
}

static void the_server_is_found_in_this_order(void **state)
{
    (void)state;
    struct settings s = {.data_dir = folder};
    struct config *c = NULL;
    struct err e;
    assert_int_equal(settings_load(&s, &c, &e), 0);
    assert_int_equal(settings_nats_url(c, &s, &e), ERR_NOT_FOUND);
    config_free(c);
    assert_non_null(strstr(e.msg, "--nats"));
    assert_non_null(strstr(e.msg, "NATS_URL"));
    assert_non_null(strstr(e.msg, "isolane up"));
    assert_non_null(strstr(e.msg, folder));
    assert_int_equal(fs_write_file("nats.url", "nats://up:1\n", 12, 0600, false, NULL), 0);
    check_url(&s, "nats://up:1");
    setenv("NATS_URL", "nats://env:2", 1);
    check_url(&s, "nats://env:2");
    setenv("ISOLANE_NATS_URL", "nats://own:3", 1);
    check_url(&s, "nats://own:3");
    s.nats_url = "nats://flag:4";
    check_url(&s, "nats://flag:4");
    unsetenv("ISOLANE_NATS_URL");
    check_url(&s, "nats://flag:4");
    unsetenv("NATS_URL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_taken),
        cmocka_unit_test(what_is_not_given_keeps_its_value),
        cmocka_unit_test(an_optional_value_may_be_left_out),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(the_last_of_two_wins),
        cmocka_unit_test(unknown_options_are_refused_with_a_guess),
        cmocka_unit_test(beginnings_of_names_are_refused),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(json_comes_from_text_or_file),
        cmocka_unit_test(the_number_of_arguments_is_checked),
        cmocka_unit_test(too_many_of_a_list_are_refused),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(help_shows_every_option),
        cmocka_unit_test(settings_are_applied_over_the_environment),
        cmocka_unit_test(wrong_settings_are_refused),
        cmocka_unit_test(the_server_is_found_in_this_order),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    unsetenv("ISOLANE_CONFIG");
    unsetenv("ISOLANE_NATS_URL");
    unsetenv("NATS_URL");
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
