/* Options of a command: a table of typed rows, parsed by getopt_long, checked, and printed by
 * --help from the same table. Errors name the option, what was found and what is allowed.
 *
 *     int64_t wait_s = -1;
 *     struct limits limits = {0};
 *     struct options o = {.command = self};
 *     options_add(&o, (const struct option_row[]){
 *         {.name = "wait", .type = OPTION_INT, .to = &wait_s, .arg = "S", .optional = true,
 *          .min = 1, .max = 86400, .help = "wait for the result, at most S seconds"},
 *     }, 1);
 *     options_add_limits(&o, &limits);
 *     int rc = options_parse(&o, argc, argv, 1, 1, "FILE");
 *     if (rc != OPTIONS_GO) { options_free(&o); return rc; }
 *
 * A variable that its option does not set keeps the value it had. The last of two wins, but for
 * lists. One thread; getopt's state is reset at each parse. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/command.h"
#include "config/config.h"
#include "config/limits.h"

enum option_type {
    OPTION_FLAG,   /* bool *: set to true */
    OPTION_INT,    /* int64_t *: min..max; with `optional`, --name alone sets `implied` */
    OPTION_TEXT,   /* const char **: any text but the empty one */
    OPTION_CHOICE, /* int *: index in `choices` */
    OPTION_LIST,   /* struct option_list *: every use adds one */
    OPTION_JSON    /* struct option_json *: JSON text, or @FILE (@- is stdin) with it */
};

#define OPTION_LIST_MAX 256
struct option_list {
    const char *v[OPTION_LIST_MAX];
    int n;
};

#define OPTION_JSON_MAX ((size_t)64 << 20)
struct option_json {
    char *text; /* NULL: not given; freed by options_free() */
    size_t len;
    bool from_stdin;
};

struct option_row {
    const char *name; /* without the dashes */
    char letter;      /* short form, 0: none */
    enum option_type type;
    void *to;
    const char *arg;            /* the value's name in --help: "FILE" */
    const char *help;           /* one line */
    int64_t min, max;           /* OPTION_INT */
    bool optional;              /* OPTION_INT: the value may be left out */
    int64_t implied;            /* OPTION_INT: what it is then */
    const char *const *choices; /* OPTION_CHOICE: NULL-terminated */
    bool pairs;                 /* OPTION_LIST: each is NAME=VALUE; NAME of A-Z a-z 0-9 _ . - */
};

#define OPTIONS_MAX 40
struct options {
    const struct command *command;
    struct option_row rows[OPTIONS_MAX];
    int n;
    char limit_names[LIMITS][32]; /* "cpu-ms": of the rows made from limit_table */
    char **args;                  /* after options_parse(): what is no option, in order */
    int arg_count;
};

void options_add(struct options *o, const struct option_row *rows, size_t n);

/* --cpu-ms, --wall-ms, …: one row for each entry of limit_table. Floors and highest ceilings are
 * checked here, the tenant's ceiling by who runs the job. */
void options_add_limits(struct options *o, struct limits *to);

/* The configuration as the command line changes it. */
struct settings {
    const char *config_file, *data_dir, *nats_url;
    struct option_list set; /* KEY=VALUE */
};
/* --config, --data, --set; with_nats adds --nats. */
void options_add_settings(struct options *o, struct settings *s, bool with_nats);

#define OPTIONS_GO (-1)
/* Parses. OPTIONS_GO: go on, o->args has min_args..max_args entries. Else the exit code: --help was
 * printed (0), or the command line is wrong and it was said (EXIT_USAGE). arg_names is for
 * messages: "FILE". */
int options_parse(struct options *o, int argc, char **argv, int min_args, int max_args,
                  const char *arg_names);
void options_free(struct options *o);

/* Reads the configuration: file (--config, else $ISOLANE_CONFIG, else none) < environment < flags.
 * Sets the log level. Caller frees with config_free(). */
int settings_load(const struct settings *s, struct config **out, struct err *e);

/* Leaves in c->nats.url which server to talk to: --nats, else ISOLANE_NATS_URL or NATS_URL, else
 * nats.url of the configuration, else that of the `isolane up` which runs on the same data folder.
 * ERR_NOT_FOUND names the ways. */
int settings_nats_url(struct config *c, const struct settings *s, struct err *e);
