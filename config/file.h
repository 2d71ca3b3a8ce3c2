/* The configuration file: YAML → struct config. Inside config/ only. */
#pragma once

#include "base/err.h"
#include "config/config.h"

#define CONFIG_FILE_MAX ((size_t)1 << 20)

/* Sets in c what the file says; makes the tenants. ERR_INVALID: "FILE:LINE: KEY: found X; allowed:
 * Y"; ERR_NOT_FOUND, ERR_IO. */
int config_file_read(const char *file, struct config *c, struct err *e);

/* The same of a text; `file` is for messages. */
int config_text_read(const char *file, const char *text, size_t len, struct config *c,
                     struct err *e);
