/* submit --batch: many jobs from one file. */
#pragma once

#include "cli/command.h"

/* As a command's run(). */
int batch_submit(const struct command *self, int argc, char **argv);
