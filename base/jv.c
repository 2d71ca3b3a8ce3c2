#include "base/jv.h"
#include "base/jv_inner.h"
#include "base/mem.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* struct jv is json_t under another name, so that no other file includes jansson.h. */
static const json_t *j(const struct jv *v)
{
    return (const json_t *)(const void *)v;
}

static const struct jv *v_of(const json_t *t)
{
    return (const struct jv *)(const void *)t;
}

/* jansson quotes the text it stumbled over, with its line ends and broken bytes. */
static void one_line(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p >= 0x7f)
            *p = '?';
}

/* Integers are read as reals: jansson refuses those over 64 bits otherwise, JSON does not. */
#define FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL)

/* Long strings go back where they were: `next` is the first that is not back yet, `seen` counts the
 * strings passed. */
struct restoring {
    const struct jv_short *s;
    size_t next, seen;
};

static void restore(json_t *t, struct restoring *r)
{
    const char *name;
    json_t *value;
    size_t i;
    if (r->next == r->s->count)
        return;
    if (json_is_object(t)) {
        json_object_foreach(t, name, value) restore(value, r);
    } else if (json_is_array(t)) {
        json_array_foreach(t, i, value) restore(value, r);
    } else if (json_is_string(t) && r->seen++ == r->s->longs[r->next].ordinal) {
        const struct jv_long *l = &r->s->longs[r->next++];
        /* the one way this fails is a lack of memory */
        CHECK(json_string_setn_nocheck(t, r->s->said.data + l->from, l->to - l->from) == 0);
    }
}

/* NULL: no long strings, or no good text; jansson is asked again then, for where it is wrong. */
static json_t *parse_shortened(const char *text, size_t len)
{
    struct jv_short s;
    json_t *t = NULL;
    if (jv_shorten(text, len, &s)) {
        t = json_loadb(s.text.data, s.text.len, FLAGS, NULL);
        if (t)
            restore(t, &(struct restoring){.s = &s});
    }
    jv_short_free(&s);
    return t;
}

int jv_parse(const char *text, size_t len, struct jv **out, struct err *e)
{
    json_error_t je;
    /* jansson loses a NUL that follows a literal or a number, and then finds nothing wrong. */
    const char *nul = len ? memchr(text, 0, len) : NULL;
    if (nul)
        return err_set(e, ERR_INVALID, "not valid JSON: a NUL byte at offset %zu",
                       (size_t)(nul - text));
    json_t *t = parse_shortened(text, len);
    if (!t)
        t = json_loadb(text, len, FLAGS, &je);
    if (!t) {
        one_line(je.text);
        return err_set(e, ERR_INVALID, "not valid JSON: line %d, column %d: %s",
                       je.line > 0 ? je.line : 1, je.column > 0 ? je.column : 0, je.text);
    }
    *out = (struct jv *)(void *)t;
    return 0;
}

void jv_free(struct jv *v)
{
    json_decref((json_t *)(void *)v);
}

enum jv_type jv_type(const struct jv *v)
{
    if (!v)
        return JV_NULL;
    switch (json_typeof(j(v))) {
    case JSON_OBJECT:
        return JV_OBJECT;
    case JSON_ARRAY:
        return JV_ARRAY;
    case JSON_STRING:
        return JV_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return JV_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return JV_BOOL;
    case JSON_NULL:
        break;
    }
    return JV_NULL;
}

const char *jv_type_name(const struct jv *v)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};
    return names[jv_type(v)];
}

const struct jv *jv_get(const struct jv *object, const char *name)
{
    return v_of(json_object_get(j(object), name));
}

size_t jv_count(const struct jv *v)
{
    return json_is_array(j(v)) ? json_array_size(j(v)) : json_object_size(j(v));
}

const struct jv *jv_at(const struct jv *array, size_t i)
{
    return v_of(json_array_get(j(array), i));
}

const char *jv_string(const struct jv *v, size_t *len)
{
    const char *s = json_string_value(j(v));
    if (s && len)
        *len = json_string_length(j(v));
    return s;
}

bool jv_is_true(const struct jv *v)
{
    return json_is_true(j(v));
}

double jv_number(const struct jv *v)
{
    return json_number_value(j(v));
}

bool jv_int(const struct jv *v, int64_t *out)
{
    if (jv_type(v) != JV_NUMBER)
        return false;
    /* From 2^53 on a double no longer tells neighbouring integers apart: what was written might
     * have been another number. */
    double d = json_number_value(j(v));
    if (d != floor(d) || d < -9007199254740991.0 || d > 9007199254740991.0)
        return false;
    *out = (int64_t)d;
    return true;
}

int jv_each(const struct jv *object, int (*fn)(const char *, const struct jv *, void *), void *arg)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(void *)(uintptr_t)object, name, value)
    {
        int rc = fn(name, v_of(value), arg);
        if (rc)
            return rc;
    }
    return 0;
}

static int add_chunk(const char *p, size_t n, void *arg)
{
    buf_add(arg, p, n);
    return 0;
}

void jv_dump(const struct jv *v, struct buf *out)
{
    json_dump_callback(j(v), add_chunk, out, JSON_COMPACT | JSON_ENCODE_ANY);
}
