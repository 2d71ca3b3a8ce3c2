/* What may stand in a request of a script: its method and its header fields. Pure. Any thread.
 *
 * Fields that say where a message ends, whom it is for or how the connection is used are ours
 * alone: a script that writes "Host" reaches another site behind the same address than the one that
 * policy looked at, one that writes "Content-Length" or "Transfer-Encoding" can hide a second
 * request in the body of the first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define HTTP_METHOD_MAX      32
#define HTTP_FIELD_NAME_MAX  256
#define HTTP_FIELDS_MAX      256         /* of one message, either way */
#define HTTP_FIELDS_SIZE_MAX (64u << 10) /* names and values together, either way */

/* ERR_INVALID: no token (RFC 9110), too long, or CONNECT, TRACE, TRACK. */
int http_method_check(const char *method, size_t len, struct err *e);

/* ERR_INVALID: the name is no token, the value has a control character other than a tab (RFC 9110
 * 5.5) or blanks at its ends, or the field is one of ours. */
int http_field_check(const char *name, size_t name_len, const char *value, size_t value_len,
                     struct err *e);

/* Fields of our own: host, connection, content-length, … and all that begin with "proxy-". */
bool http_field_is_ours(const char *name, size_t len);

/* Letters, digits and !#$%&'*+-.^_`|~, at least one. */
bool http_token(const char *p, size_t len);
