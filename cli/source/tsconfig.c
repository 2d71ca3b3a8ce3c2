#include "cli/source/tsconfig.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"

#define FILE_MAX ((size_t)1 << 20)

/* Behind a string that begins at i. */
static size_t behind_string(const char *s, size_t len, size_t i)
{
    for (i++; i < len && s[i] != '"'; i++)
        i += s[i] == '\\';
    return i < len ? i + 1 : len;
}

/* Behind blanks and comments from i on. */
static size_t behind_blanks(const char *s, size_t len, size_t i)
{
    for (;;) {
        while (i < len && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n'))
            i++;
        if (i + 1 >= len || s[i] != '/')
            return i;
        if (s[i + 1] == '/') {
            while (i < len && s[i] != '\n')
                i++;
        } else if (s[i + 1] == '*') {
            const char *end = memmem(s + i + 2, len - i - 2, "*/", 2);
            i = end ? (size_t)(end - s) + 2 : len;
        } else {
            return i;
        }
    }
}

/* The same as plain JSON. Lines stay, so that an error's line is right. */
static void as_json(const char *s, size_t len, struct buf *out)
{
    static const char bom[] = "\xef\xbb\xbf";
    size_t i = len >= 3 && !memcmp(s, bom, 3) ? 3 : 0;
    while (i < len) {
        size_t next = behind_blanks(s, len, i);
        for (; i < next; i++)
            buf_addc(out, s[i] == '\n' ? '\n' : ' ');
        if (i >= len)
            return;
        next = s[i] == '"' ? behind_string(s, len, i) : i + 1;
        if (s[i] == ',') {
            size_t follows = behind_blanks(s, len, next);
            bool last = follows < len && (s[follows] == '}' || s[follows] == ']');
            buf_addc(out, last ? ' ' : ',');
        } else {
            buf_add(out, s + i, next - i);
        }
        i = next;
    }
}

static void write_jsx(struct jsonw *w, const struct jv *options)
{
    const char *jsx = jv_string(jv_get(options, "jsx"), NULL);
    if (jsx && (!strcmp(jsx, "react-jsx") || !strcmp(jsx, "react-jsxdev")))
        jsonw_kstr(w, "jsx", "automatic");
    else if (jsx && !strcmp(jsx, "react"))
        jsonw_kstr(w, "jsx", "classic");
}

static void write_names(struct jsonw *w, const struct jv *options)
{
    static const char *const names[][2] = {{"jsxFactory", "jsx_factory"},
                                           {"jsxFragmentFactory", "jsx_fragment_factory"},
                                           {"jsxImportSource", "jsx_import_source"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *name = jv_string(jv_get(options, names[i][0]), NULL);
        if (name)
            jsonw_kstr(w, names[i][1], name);
    }
}

int tsconfig_read(const char *text, size_t len, struct tsconfig *out, struct err *e)
{
    struct buf json = {0}, typescript = {0};
    struct jv *doc = NULL;
    struct jsonw w;
    *out = (struct tsconfig){0};
    as_json(text, len, &json);
    int rc = jv_parse(json.data ? json.data : "", json.len, &doc, e);
    buf_free(&json);
    if (rc)
        return rc;
    const struct jv *options = jv_get(doc, "compilerOptions");
    if (jv_type(options) == JV_OBJECT) {
        jsonw_init(&w, &typescript);
        jsonw_object(&w);
        write_jsx(&w, options);
        write_names(&w, options);
        if (jv_is_true(jv_get(options, "experimentalDecorators")))
            jsonw_kbool(&w, "experimental_decorators", true);
        jsonw_object_end(&w);
        out->paths = jv_count(jv_get(options, "paths")) > 0;
    }
    if (typescript.len > strlen("{}"))
        out->typescript = buf_take(&typescript, NULL);
    buf_free(&typescript);
    jv_free(doc);
    return 0;
}

int tsconfig_of(const char *folder, struct tsconfig *out, struct err *e)
{
    char path[PATH_MAX], *text = NULL;
    size_t len = 0;
    *out = (struct tsconfig){0};
    int rc = fs_path(path, sizeof path, e, "%s/tsconfig.json", folder);
    if (rc || access(path, F_OK))
        return rc;
    rc = fs_read_file(path, FILE_MAX, &text, &len, e);
    if (!rc && (rc = tsconfig_read(text, len, out, e)))
        err_wrap(e, "%s", path);
    free(text);
    return rc;
}
