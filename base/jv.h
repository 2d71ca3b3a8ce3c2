/* JSON values, read side: the one door to jansson (RFC 8259). Opaque, reference-free: a value
 * belongs to the document it came from and lives until jv_free() of that document. Any thread, one
 * document one thread at a time. Object members keep their order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct jv;

enum jv_type { JV_NULL, JV_BOOL, JV_NUMBER, JV_STRING, JV_ARRAY, JV_OBJECT };

/* Parses one JSON text (any value at the top). Refused: duplicate names, invalid UTF-8, trailing
 * text, depth over 2048. ERR_INVALID with line and column. Caller frees with jv_free(). */
int jv_parse(const char *text, size_t len, struct jv **out, struct err *e);
void jv_free(struct jv *v); /* NULL is fine; only for the value jv_parse() gave */

enum jv_type jv_type(const struct jv *v);     /* NULL counts as null, here and below */
const char *jv_type_name(const struct jv *v); /* "object", "string", … for messages */

const struct jv *jv_get(const struct jv *object, const char *name); /* NULL when absent */
size_t jv_count(const struct jv *array_or_object);
const struct jv *jv_at(const struct jv *array, size_t i);

const char *jv_string(const struct jv *v, size_t *len); /* NULL when it is no string */
bool jv_is_true(const struct jv *v);
double jv_number(const struct jv *v); /* 0 when it is no number */
/* True and *out set when v is a number without a fraction in the range that every JSON reader keeps
 * exact: -(2^53 - 1) to 2^53 - 1. */
bool jv_int(const struct jv *v, int64_t *out);

/* Calls fn for each member in order until it returns non-zero; returns that. */
int jv_each(const struct jv *object, int (*fn)(const char *name, const struct jv *v, void *arg),
            void *arg);

/* Appends v as compact JSON. */
void jv_dump(const struct jv *v, struct buf *out);

/* Below: on the text itself, without jansson and without allocating. */

#define JV_DEPTH_MAX 2048

/* True when text is exactly one JSON text: RFC 8259's grammar, valid UTF-8, at most JV_DEPTH_MAX
 * deep. Takes what jv_parse() refuses although JSON.stringify() writes it: escapes of lone
 * surrogates,
 * "\u0000" in a name, numbers beyond a double; and names given twice. This is the check for JSON
 * that is passed on rather than read (a job's value). */
bool jv_check(const char *text, size_t len);

/* The same for a text that will stand inside another (a value in a signed statement): what it
 * takes, jv_check() takes with up to 8 levels around it. */
#define JV_INNER_DEPTH_MAX (JV_DEPTH_MAX - 8)
bool jv_check_inner(const char *text, size_t len);

/* The text of a top-level member's value inside `text` (that jv_parse() or jv_check() accepted),
 * byte for byte as its writer wrote it: numbers keep their digits. Of several with that name, the
 * first. False when not found literally (a name written with escapes): use jv_dump() then. On any
 * other text the answer means nothing, but nothing outside `text` is read. */
bool jv_raw_member(const char *text, size_t len, const char *name, const char **value,
                   size_t *value_len);
