/* The hostile commands of the fake engine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* False: it is no such command. */
bool enemy_line(const char *cmd, const char *arg);
/* Whether this is a cell that jobs may get. */
bool enemy_has_socket(void);
/* What the flags tell a cell to do before READY. */
void enemy_warm(const char *flags);

/* Straight into the socket. */
void enemy_put(const void *p, size_t len);
size_t enemy_unhex(const char *hex, unsigned char *out, size_t cap);
