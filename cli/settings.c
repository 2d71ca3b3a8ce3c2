/* How this works: a command's settings are the configuration file, changed by the environment (both
 * config_load()'s work), changed by --set, --data and --nats in that order: the more particular a
 * flag, the later it is applied. */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/paths.h"
#include "egress/policy.h"

#define URL_FILE_MAX ((size_t)4096)

void options_add_settings(struct options *o, struct settings *s, bool with_nats)
{
    const struct option_row rows[] = {
        {.name = "config",
         .type = OPTION_TEXT,
         .to = &s->config_file,
         .arg = "FILE",
         .help = "configuration (else $ISOLANE_CONFIG, else none)"},
        {.name = "data",
         .type = OPTION_TEXT,
         .to = &s->data_dir,
         .arg = "DIR",
         .help = "data folder"},
        {.name = "set",
         .type = OPTION_LIST,
         .to = &s->set,
         .arg = "KEY=VALUE",
         .pairs = true,
         .help = "change one key of the configuration: --set nats.prefetch=64"},
        {.name = "nats",
         .type = OPTION_TEXT,
         .to = &s->nats_url,
         .arg = "URL",
         .help = "NATS server (else $NATS_URL, else the running `isolane up`)"},
    };
    options_add(o, rows, with_nats ? ARRAY_LEN(rows) : ARRAY_LEN(rows) - 1);
}

static int set_pair(struct config *c, const char *pair, struct err *e)
{
    char key[128];
    const char *eq = strchr(pair, '=');
    if (!eq || eq == pair || (size_t)(eq - pair) >= sizeof key)
        return err_set(e, ERR_INVALID, "--set: found '%s'; allowed: KEY=VALUE, as in pool=8", pair);
    snprintf(key, sizeof key, "%.*s", (int)(eq - pair), pair);
    return config_set(c, key, eq + 1, "--set", e);
}

int settings_load(const struct settings *s, struct config **out, struct err *e)
{
    struct config *c = NULL;
    const char *file = s->config_file;
    if (!file) {
        file = getenv("ISOLANE_CONFIG");
        if (file && !*file)
            file = NULL;
    }
    if (s->config_file && input_check(file, e))
        return err_of_option(e, "--config");
    int rc = config_load(file, &c, e);
    for (int i = 0; i < s->set.n && !rc; i++)
        rc = set_pair(c, s->set.v[i], e);
    if (!rc && s->data_dir)
        rc = config_set(c, "data_dir", s->data_dir, "--data", e);
    if (!rc)
        rc = config_check(c, e);
    if (!rc)
        rc = egress_check_config(c, e);
    if (rc) {
        config_free(c);
        return rc;
    }
    log_set_level((enum log_level)log_parse_level(c->log_level));
    *out = c;
    return 0;
}

/* The URL that a running `isolane up` left in its data folder. */
static int url_of_up(struct config *c, struct err *e)
{
    struct data_paths paths;
    char *text = NULL;
    size_t len;
    int rc = data_paths(c->data_dir, &paths, e);
    if (rc)
        return rc;
    rc = fs_read_file(paths.url, URL_FILE_MAX, &text, &len, e);
    if (rc == ERR_NOT_FOUND)
        return err_set(e, ERR_NOT_FOUND,
                       "no NATS server is known: give --nats URL, or set NATS_URL, or start "
                       "`isolane up` on the data folder %s (--data names another)",
                       paths.dir);
    if (rc)
        return rc;
    text[strcspn(text, "\r\n")] = 0;
    rc = config_set(c, "nats.url", text, paths.url, e);
    free(text);
    return rc;
}

int settings_nats_url(struct config *c, const struct settings *s, struct err *e)
{
    const char *ours = getenv("ISOLANE_NATS_URL"), *common = getenv("NATS_URL");
    if (s->nats_url)
        return config_set(c, "nats.url", s->nats_url, "--nats", e);
    if (ours && *ours) /* config_load() has taken it */
        return 0;
    if (common && *common)
        return config_set(c, "nats.url", common, "NATS_URL", e);
    if (c->nats.url)
        return 0;
    return url_of_up(c, e);
}
