/* Checks of what the commands about one job take. */
#pragma once

#include "cli/command.h"

#define WAIT_MAX_S 604800 /* of --wait=S: a week */

/* OPTIONS_GO, or EXIT_USAGE and said. id and tenant may be NULL: not given. */
int check_names(const struct command *self, const char *id, const char *tenant);
