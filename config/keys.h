/* The table of scalar settings: name in file, environment and flags, where it lies in struct
 * config, what is allowed, what it is when nobody says. File, environment and flags all set values
 * through key_set(), so that the same check and the same words hold everywhere. Inside config/
 * only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

enum key_type {
    KEY_TEXT,  /* char *, owned by the config */
    KEY_INT,   /* int64_t */
    KEY_BOOL,  /* bool */
    KEY_CHOICE /* enum, stored as int: index in choices */
};

struct config_key {
    const char *name; /* "pool", "nats.url" */
    enum key_type type;
    size_t at;                    /* offset in struct config */
    int64_t min, max, fallback;   /* KEY_INT, KEY_BOOL, KEY_CHOICE (fallback) */
    const char *const *choices;   /* KEY_CHOICE: NULL-terminated; KEY_TEXT: words, NULL: any */
    const char *allowed;          /* KEY_TEXT without choices: in words, for messages */
    bool (*ok)(const char *text); /* KEY_TEXT: NULL: any text that is not empty */
    const char *text;             /* KEY_TEXT: the default; NULL: not set */
    bool secret;                  /* the value never stands in a message */
};

extern const struct config_key config_keys[];
extern const int config_key_count;

/* NULL when there is none. */
const struct config_key *key_by_name(const char *name);

#define KEY_ALLOWED_MAX 320
/* "a whole number from 1 to 256" */
void key_allowed(const struct config_key *k, char out[KEY_ALLOWED_MAX]);

/* "ISOLANE_NATS_URL" for "nats.url" */
#define KEY_ENV_MAX 80
void key_env(const struct config_key *k, char out[KEY_ENV_MAX]);

/* Sets from text. ERR_INVALID: "found X; allowed: Y", without saying where. */
int key_set(struct config *c, const struct config_key *k, const char *text, struct err *e);

/* Whole number in [min, max]: plain decimal digits with an optional minus. */
bool key_parse_int(const char *text, int64_t *out);

/* All defaults of the table; frees of all texts. */
void keys_default(struct config *c);
void keys_free(struct config *c);
