/* What a script's text seems to import. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/source/imports.h"

/* The names, one a line. */
static void found(const char *text, const char *names)
{
    struct buf all = {0};
    struct import_found f;
    size_t at = 0, len = strlen(text);
    char *exact = malloc(len ? len : 1); /* reading behind it is found by the sanitizer */
    memcpy(exact, text, len);
    while (import_next(exact, len, &at, &f))
        buf_addf(&all, "%.*s\n", (int)f.len, f.name);
    assert_string_equal(all.data ? all.data : "", names);
    buf_free(&all);
    free(exact);
}

static void every_form(void **state)
{
    (void)state;
    found("import './a.mjs'; import b from \"b\"\nexport * from 'c/d';", "./a.mjs\nb\nc/d\n");
    found("import {\n x\n} from './x'; const y = await import ( './y' ); require('z')",
          "./x\n./y\nz\n");
    found("import j from './j.json' with { type: 'json' }", "./j.json\n");
}

static void what_is_none(void **state)
{
    (void)state;
    found("", "");
    found("import", "");
    found("import '", "");
    found("from './a", "");
    found("require './a'; module.require('./b'); x.from('./c'); reimport './d'; from$ './e'", "");
    found("import './a\nb'; import ''; import(name); import `./t`", "");
    found("import 'a\\'b'", "");
}

static void the_text_goes_on_behind_each(void **state)
{
    (void)state;
    found("import 'a'import 'b'", "a\nb\n");
    found("/* import 'in-a-comment' */ 'from \"in-a-string\"'", "in-a-comment\nin-a-string\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(the_text_goes_on_behind_each),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
