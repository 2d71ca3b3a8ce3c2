/* What a cell asks of the service `fetch`, read and checked: nothing in it is believed. Pure; a
 * fuzz target stands beside it (fetch_fuzz.c).
 *
 * {"url": "https://…", "method": "GET", "headers": ["name", "value", …], "from": 3, "tag": 9,
 *  "body": {"data": "base64"} | {"stream": 5, "length": 100 or -1}}; from, tag and body may be
 * missing.
 *
 * Texts of headers are bytes: each character stands for one, up to U+00FF. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jv.h"
#include "egress/http.h"

#define FETCH_INLINE_MAX (32u << 10) /* bytes of a body in the argument itself */

/* Header fields of a script's, read and checked. */
struct fetch_fields {
    struct http_field list[HTTP_FIELDS_MAX];
    int count;
    struct buf texts; /* list points into it */
};

struct fetch_ask {
    struct buf url;
    char method[HTTP_METHOD_MAX + 1];
    struct fetch_fields fields;
    int64_t tag;  /* the script's number for fetch.cancel, 0: none */
    int64_t from; /* number of the answer that redirected here, 0: none */
    bool has_body;
    int64_t body_length; /* HTTP_LENGTH_OPEN: not known */
    int64_t body_stream; /* 0: it is in `body` */
    struct buf body;
};

/* ERR_INVALID, ERR_LIMIT. To be freed in any case. */
int fetch_ask_read(const char *json, size_t len, struct fetch_ask *out, struct err *e);
void fetch_ask_free(struct fetch_ask *a);

typedef int (*fetch_field_check)(const char *name, size_t name_len, const char *value,
                                 size_t value_len, struct err *e);
/* Names and values in turn. ERR_INVALID ("where: …"), ERR_LIMIT. To be freed in any case. */
int fetch_fields_read(const struct jv *list, const char *where, fetch_field_check check,
                      struct fetch_fields *out, struct err *e);
void fetch_fields_free(struct fetch_fields *f);

/* Each byte as one character, in UTF-8. */
void fetch_text_of_bytes(const char *p, size_t n, struct buf *out);
