/* What is taken of a tsconfig.json: JSON as the TypeScript compiler reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/source/tsconfig.h"

/* Read from memory that ends where the text does: reading behind it is found by the sanitizer. */
static int read_text(const char *text, struct tsconfig *out, struct err *e)
{
    size_t len = strlen(text);
    char *exact = malloc(len ? len : 1);
    memcpy(exact, text, len);
    int rc = tsconfig_read(exact, len, out, e);
    free(exact);
    return rc;
}

static void gives(const char *text, const char *typescript, bool paths)
{
    struct tsconfig t;
    struct err e = {0};
    if (read_text(text, &t, &e))
        fail_msg("%s: %s", text, e.msg);
    if (typescript)
        assert_string_equal(t.typescript ? t.typescript : "nothing", typescript);
    else
        assert_null(t.typescript);
    assert_int_equal(t.paths, paths);
    tsconfig_free(&t);
}

static void options(void **state)
{
    (void)state;
    gives("{\"compilerOptions\":{\"jsx\":\"react-jsx\",\"jsxImportSource\":\"preact\"}}",
          "{\"jsx\":\"automatic\",\"jsx_import_source\":\"preact\"}", false);
    gives("{\"compilerOptions\":{\"jsx\":\"react\",\"jsxFactory\":\"h\",\"jsxFragmentFactory\":"
          "\"F\",\"experimentalDecorators\":true,\"strict\":true}}",
          "{\"jsx\":\"classic\",\"jsx_factory\":\"h\",\"jsx_fragment_factory\":\"F\","
          "\"experimental_decorators\":true}",
          false);
    gives("{\"compilerOptions\":{\"jsx\":\"preserve\",\"experimentalDecorators\":false}}", NULL,
          false);
    gives("{\"compilerOptions\":{\"paths\":{\"@/*\":[\"./src/*\"]}}}", NULL, true);
    gives("{\"compilerOptions\":{\"paths\":{}}}", NULL, false);
    gives("{\"compilerOptions\":5,\"extends\":\"./base.json\"}", NULL, false);
    gives("{}", NULL, false);
}

static void comments_and_commas(void **state)
{
    (void)state;
    gives("\xef\xbb\xbf// first\n{ /* { */ \"compilerOptions\": { // \"jsx\": \"react\"\n"
          "\"jsxFactory\": \"h\", /* last */ }, \"include\": [\"src/**/*\", \"a//b\", ], }",
          "{\"jsx_factory\":\"h\"}", false);
    gives("{\"compilerOptions\":{\"jsxFactory\":\"a\\\"/*b,}\",},}",
          "{\"jsx_factory\":\"a\\\"/*b,}\"}", false);
}

static void wrong(void **state)
{
    static const char *const texts[] = {"",  "{",   "{\"a\":", "{\"a\": \"b", "/*",
                                        "/", "{}/", "{,,}",    "{\"a\":1,}}", "\"\\"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tsconfig t;
        struct err e = {0};
        if (!read_text(texts[i], &t, &e))
            fail_msg("taken: %s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options),
        cmocka_unit_test(comments_and_commas),
        cmocka_unit_test(wrong),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
