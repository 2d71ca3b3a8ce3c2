/* The artifacts that a result names, into a folder. One thread. */
#pragma once

#include <stddef.h>

#include "cli/client/client.h"

/* Writes each below the folder under its name, checked against the size and the hash of the result
 * (a result object, JSON). Errors name it. */
int outputs_fetch(struct client *c, const char *result, size_t len, const char *folder,
                  struct err *e);
