/* One error shape for our own failures (a guest's failure is `enum outcome`, never this).
 *
 * Functions that can fail return 0 or a negative ERR_* code and fill `struct err` when it is given
 * (a NULL `struct err *` is always fine). Control characters in what a message quotes become '?'. A
 * caller that passes a failure on adds where it happened with err_wrap(): "open results: cannot
 * open /x/results.db: Permission denied". Fixed size, no allocation: it works when memory is short.
 * Any thread. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

enum err_code {
    ERR_INVALID = -1,     /* input from outside is wrong; the text names field, found, allowed */
    ERR_NOT_FOUND = -2,   /* the thing asked for is not there */
    ERR_EXISTS = -3,      /* it is there already (duplicate id, key file present) */
    ERR_IO = -4,          /* the system said no: the text carries errno's words */
    ERR_LIMIT = -5,       /* a stated bound is reached */
    ERR_DENIED = -6,      /* policy or permission */
    ERR_UNAVAILABLE = -7, /* a peer or a kernel feature is not to be had now */
    ERR_PROTOCOL = -8,    /* the other side broke the protocol */
    ERR_CORRUPT = -9,     /* stored data fails its check */
    ERR_VERSION = -10,    /* stored data is of a newer version than this program */
    ERR_TIMEOUT = -11,    /* waited as long as was allowed */
    ERR_CONFLICT = -12,   /* someone else was first */
};

struct err {
    int code;      /* enum err_code, 0 when nothing failed */
    char msg[760]; /* one line of English that says what to do; always NUL-terminated */
};

/* Sets code and message; returns code, so that `return err_set(e, ERR_INVALID, ...)` reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Same, and appends ": <strerror(errno)>" of the errno at the call. Code is ERR_IO. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts context in front of the message already there; keeps and returns the code (ERR_IO when e is
 * NULL: a caller that needs the code apart from the text passes an e). */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
